//! What can go wrong with a call: what was tried, why it failed, what to do.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;

/// A call that failed. The source tells why; [`ClientError::hint`] what to do.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action}")]
pub struct ClientError {
    action: String,
    #[source]
    kind: Box<ErrorKind>,
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum ErrorKind {
    /// The address of the server is none.
    #[error("{address:?} is not the address of a server: {why}")]
    Address { address: String, why: String },
    /// The token holds characters that no header may.
    #[error("the token holds characters that no token has")]
    Token,
    /// Nobody answers there, or the connection broke.
    #[error("no answer from {server}")]
    Unreachable { server: String, source: reqwest::Error },
    /// The server took longer than the call may.
    #[error("{server} did not answer within {} s", after.as_secs())]
    TimedOut { server: String, after: Duration },
    /// The server says no.
    #[error("{0}")]
    Refused(Refusal),
    /// What came is no answer of a Waft server.
    #[error("the answer of {server} is not that of a Waft server: {what}")]
    Answer { server: String, what: String },
}

/// What the server says when it says no (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// Stable name of the error; empty where who answered is no Waft server.
    pub slug: String,
    /// What is wrong and where, for people.
    pub detail: String,
    /// What to do.
    pub hint: Option<String>,
    /// All that is wrong with what was sent.
    pub errors: Vec<Problem>,
}

/// One thing that is wrong with what was sent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, serde::Serialize)]
pub struct Problem {
    /// `error`, or `warning` where what was sent is taken all the same.
    #[serde(default)]
    pub severity: String,
    #[serde(default)]
    pub code: String,
    /// Where, as a pointer into what was sent; empty where the whole is meant.
    #[serde(default)]
    pub path: String,
    #[serde(default)]
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        if self.code.is_empty() { Ok(()) } else { write!(f, " [{}]", self.code) }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)?;
        if self.slug.is_empty() { write!(f, " (HTTP {})", self.status) } else { write!(f, " [{}]", self.slug) }
    }
}

impl ClientError {
    pub(crate) fn new(action: impl Into<String>, kind: ErrorKind) -> Self {
        Self { action: action.into(), kind: Box::new(kind) }
    }

    /// Why it failed.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// What the server said, where it said no.
    pub fn refusal(&self) -> Option<&Refusal> {
        match &*self.kind {
            ErrorKind::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// True when something of this name is there already.
    pub(crate) fn is_taken(&self) -> bool {
        self.refusal().is_some_and(|refusal| refusal.status == 409)
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match &*self.kind {
            ErrorKind::Address { .. } => Some("write it like http://127.0.0.1:8793".to_owned()),
            ErrorKind::Token => Some("take the token from the file admin.token in the server's data folder".to_owned()),
            ErrorKind::Unreachable { server, .. } => Some(format!(
                "start a server with \"waft serve\", or say where it is with --server or WAFT_SERVER (now {server})"
            )),
            ErrorKind::TimedOut { .. } => Some("look into the server's log, or try again later".to_owned()),
            ErrorKind::Refused(refusal) if refusal.status == 401 => {
                Some("give the server's token with --token-file DIR/admin.token or WAFT_TOKEN".to_owned())
            }
            ErrorKind::Refused(refusal) => refusal.hint.clone(),
            ErrorKind::Answer { .. } => Some("is another program listening at that address?".to_owned()),
        }
    }
}

/// The body of a problem as it is sent. Airflow's `detail` may be an object.
#[derive(Deserialize)]
pub(crate) struct ProblemDocument {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    status: u16,
    #[serde(default)]
    detail: serde_json::Value,
    #[serde(default)]
    hint: Option<String>,
    #[serde(default)]
    errors: Vec<Problem>,
}

const TYPE_PREFIX: &str = "urn:waft:error:";
/// What is shown of an answer that is no problem document.
const EXCERPT_MAX_CHARS: usize = 200;

impl Refusal {
    /// Reads a line of a stream, if it is a problem.
    pub(crate) fn of_line(line: &[u8]) -> Option<Self> {
        let problem = serde_json::from_slice::<ProblemDocument>(line).ok()?;
        problem.kind.starts_with(TYPE_PREFIX).then(|| Self::of_body(problem.status, line))
    }

    /// Reads the body of an answer whose status says no.
    pub(crate) fn of_body(status: u16, body: &[u8]) -> Self {
        match serde_json::from_slice::<ProblemDocument>(body) {
            Ok(problem) => {
                let detail = match problem.detail {
                    serde_json::Value::String(detail) => detail,
                    serde_json::Value::Null => problem.title,
                    detail => detail.to_string(),
                };
                let slug = problem.kind.strip_prefix(TYPE_PREFIX).unwrap_or_default().to_owned();
                Self { status, slug, detail, hint: problem.hint, errors: problem.errors }
            }
            Err(_) => {
                let text: String = String::from_utf8_lossy(body).chars().take(EXCERPT_MAX_CHARS).collect();
                let detail = if text.trim().is_empty() { "the answer is empty".to_owned() } else { text };
                Self { status, slug: String::new(), detail, hint: None, errors: Vec::new() }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_keeps_its_slug_and_its_errors() {
        let body = br#"{"type":"urn:waft:error:invalid-dags","title":"The DAGs are not valid","status":422,"detail":"two problems",
            "errors":[{"severity":"error","code":"unknown-task","path":"/tasks/3","message":"there is no task \"x\""}]}"#;
        let refusal = Refusal::of_body(422, body);
        assert_eq!(refusal.to_string(), "two problems [invalid-dags]");
        assert_eq!(refusal.errors[0].to_string(), "/tasks/3: there is no task \"x\" [unknown-task]");
    }

    #[test]
    fn an_answer_that_is_no_problem_is_shown_in_part() {
        let refusal = Refusal::of_body(502, "x".repeat(1000).as_bytes());
        assert_eq!(refusal.to_string(), format!("{} (HTTP 502)", "x".repeat(200)));
        assert_eq!(Refusal::of_body(500, b"").detail, "the answer is empty");
    }

    #[test]
    fn a_stream_may_end_with_a_problem() {
        let line = br#"{"type":"urn:waft:error:stopping","title":"t","status":503,"detail":"the server is stopping"}"#;
        let refusal = Refusal::of_line(line).unwrap();
        assert_eq!((refusal.status, refusal.slug.as_str()), (503, "stopping"));
        assert_eq!(Refusal::of_line(br#"{"state":"running"}"#), None);
    }

    #[test]
    fn a_detail_may_be_an_object() {
        assert_eq!(Refusal::of_body(404, br#"{"detail":{"reason":"gone"}}"#).detail, r#"{"reason":"gone"}"#);
    }
}
