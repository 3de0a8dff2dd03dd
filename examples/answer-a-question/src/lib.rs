//! A question that is answered while its caller waits: it is asked in several words at once, what comes back is gone through, and the
//! answer leaves before what was opened for it is closed. The models are functions, so that nothing is needed beside the sandbox.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use waft::prelude::*;

/// How long it takes to close a session.
const CLOSING: Duration = Duration::from_secs(5);

/// What a model says, and what it leans on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
struct Reply {
    text: String,
    source: String,
}

/// Opens a session with the models and tells its name.
#[task(kind = "setup")]
fn open_session() -> String {
    "session-1".into()
}

/// The question in its own words and in others.
#[task]
fn rephrase(session: String, question: String) -> Vec<String> {
    log::info!("{session}: {question}");
    let bare = question.trim_end_matches('?').to_owned();
    vec![question, format!("{bare}, in short?"), format!("Please explain: {bare}"), format!("{bare}, and why?")]
}

/// What a model says to one wording. It says the same to similar ones.
#[task(map_index_template = "{{ args.wording }}")]
fn ask(session: String, wording: String) -> Reply {
    log::info!("{session}: {wording}");
    match (wording.contains("why"), wording.starts_with("Please")) {
        (true, _) => Reply { text: "because a row is inserted for each item".into(), source: "guide".into() },
        (_, true) => Reply { text: "a task is mapped over a list with expand".into(), source: "a forum".into() },
        _ => Reply { text: "a task is mapped over a list with expand".into(), source: "reference".into() },
    }
}

/// Each text once, with the first source that was told for it.
#[task]
fn distinct(replies: Sequence<Reply>) -> Result<Vec<Reply>, TaskError> {
    let mut distinct: Vec<Reply> = Vec::new();
    for reply in &replies {
        let reply = reply?;
        if distinct.iter().all(|known| known.text != reply.text) {
            distinct.push(reply);
        }
    }
    Ok(distinct)
}

/// Whether the source of a reply is one to lean on.
#[task]
fn verify(reply: Reply, trusted: Vec<String>) -> Result<Reply, TaskError> {
    if trusted.contains(&reply.source) {
        return Ok(reply);
    }
    Err(TaskError::fatal(format!("nobody trusts {:?}", reply.source)))
}

/// One text of all that was verified, and where it comes from.
#[task]
fn answer(question: String, replies: Sequence<Reply>) -> Result<BTreeMap<String, String>, TaskError> {
    let (mut texts, mut sources) = (Vec::new(), Vec::new());
    for reply in &replies {
        let reply = reply?;
        texts.push(reply.text);
        sources.push(reply.source);
    }
    let parts = [("question", question), ("answer", texts.join("; ")), ("sources", sources.join(", "))];
    Ok(parts.map(|(name, text)| (name.to_owned(), text)).into())
}

/// When a session is closed that begins to close now.
#[expect(clippy::disallowed_methods, reason = "the clock of a body is that of its sandbox")]
fn closed_at() -> SystemTime {
    SystemTime::now() + CLOSING
}

/// Closes the session, which takes a while. No sandbox is held meanwhile.
#[task(kind = "teardown")]
fn close_session(session: String) -> Result<(), TaskError> {
    if waft::woken().is_none() {
        return Err(TaskError::defer(Wake::at(closed_at())));
    }
    log::info!("{session} is closed");
    Ok(())
}

/// Answers a question from sources that somebody trusts.
#[dag(tags = ["example"])]
fn answer_a_question(
    #[param(default = "How is a task mapped?".to_owned())] question: Param<String>,
    #[param(default = vec!["reference".to_owned(), "guide".to_owned()])] trusted: Param<Vec<String>>,
) -> Output<BTreeMap<String, String>> {
    let session = open_session();
    let replies = ask.expand((fixed(session), rephrase(session, question)));
    let verified = verify.expand((distinct(replies), fixed(trusted)));
    let answer = answer(question, verified);
    close_session(session).of(session).after(answer);
    answer
}

waft::bundle!(answer_a_question);

#[cfg(test)]
mod tests {
    use super::*;
    use waft::testing;

    #[test]
    fn each_text_is_verified_once() {
        let wordings = rephrase::body("s".into(), "How is a task mapped?".into());
        let replies: Vec<_> = wordings.into_iter().map(|wording| ask::body("s".into(), wording)).collect();
        assert_eq!(replies.len(), 4);
        let distinct = distinct::body(replies.into()).unwrap();
        let sources: Vec<_> = distinct.iter().map(|reply| reply.source.as_str()).collect();
        assert_eq!(sources, ["reference", "guide"]);
        assert!(verify::body(distinct[0].clone(), vec![]).unwrap_err().to_string().contains("reference"));
        let answer = answer::body("?".into(), distinct.into()).unwrap();
        assert_eq!(answer["sources"], "reference, guide");
    }

    #[test]
    fn closing_waits_without_a_sandbox() {
        assert!(close_session::body("s".into()).unwrap_err().is_defer());
        testing::wake(Wake::at(closed_at()), None);
        close_session::body("s".into()).unwrap();
    }
}
