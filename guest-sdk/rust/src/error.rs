//! Why a task did not do its work ([`TaskError`]), and why the host refused ([`HostError`]).

use std::fmt;
use std::time::Duration;

use crate::wake::Wake;

/// A task's failure, or its decision to be skipped or to go on later.
///
/// Every [`std::error::Error`] becomes one through `?`. A plain failure spends one of the task's retries; [`fatal`](Self::fatal)
/// spends all of them.
///
/// ```
/// use waft::TaskError;
///
/// fn parse(text: &str) -> Result<u64, TaskError> {
///     if text.is_empty() {
///         return Err(TaskError::skip("the file is empty"));
///     }
///     Ok(text.parse()?)
/// }
///
/// assert_eq!(parse("x").unwrap_err().to_string(), "invalid digit found in string");
/// assert!(parse("").unwrap_err().is_skip());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskError {
    message: String,
    then: Then,
}

/// What happens to the task instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Then {
    Skip,
    Defer(Wake),
    Retry { after: Option<Duration> },
    Fail,
}

impl TaskError {
    /// A failure; the task is tried again while it has retries left.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), then: Then::Retry { after: None } }
    }

    /// A failure that trying again cannot mend: the remaining retries are not used.
    ///
    /// ```
    /// use waft::TaskError;
    /// assert!(!TaskError::fatal("no such bucket").is_retryable());
    /// ```
    pub fn fatal(message: impl Into<String>) -> Self {
        Self { message: message.into(), then: Then::Fail }
    }

    /// Not a failure: the instance ends as skipped, with this reason.
    pub fn skip(reason: impl Into<String>) -> Self {
        Self { message: reason.into(), then: Then::Skip }
    }

    /// Not a failure: the attempt frees its sandbox and its slot, and goes on when it is woken: the body is called again, with the
    /// same [`try_number`](crate::TaskContext::try_number), and finds in its [`state`](crate::state) what it left there.
    ///
    /// ```
    /// use std::time::Duration;
    /// use waft::prelude::*;
    ///
    /// #[task]
    /// fn publish(version: String) -> Result<String, TaskError> {
    ///     if state::get::<bool>("asked")?.is_none() {
    ///         state::set("asked", &true)?;
    ///         return Err(TaskError::defer(Wake::signal("approved").within(Duration::from_secs(86_400))));
    ///     }
    ///     Ok(version)
    /// }
    ///
    /// assert!(publish::body("1.2".into()).unwrap_err().is_defer());
    /// assert_eq!(publish::body("1.2".into()).unwrap(), "1.2");
    /// ```
    pub fn defer(wake: Wake) -> Self {
        Self { message: "the task goes on later".to_owned(), then: Then::Defer(wake) }
    }

    /// The same failure, tried again after `delay` (kept in milliseconds) instead of the delay that the DAG says.
    ///
    /// What is no failure stays what it is.
    ///
    /// ```
    /// use std::time::Duration;
    /// use waft::TaskError;
    /// let error = TaskError::new("the service asks for patience").retry_in(Duration::from_secs(30));
    /// assert!(error.is_retryable());
    /// ```
    #[must_use]
    pub fn retry_in(mut self, delay: Duration) -> Self {
        if !self.is_skip() && !self.is_defer() {
            self.then = Then::Retry { after: Some(delay) };
        }
        self
    }

    /// What went wrong, or why the task was skipped.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// True for [`TaskError::skip`].
    pub fn is_skip(&self) -> bool {
        self.then == Then::Skip
    }

    /// True for [`TaskError::defer`].
    pub fn is_defer(&self) -> bool {
        matches!(self.then, Then::Defer(_))
    }

    /// True for a failure that may be tried again.
    pub fn is_retryable(&self) -> bool {
        matches!(self.then, Then::Retry { .. })
    }

    pub(crate) fn into_parts(self) -> (String, Then) {
        (self.message, self.then)
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Keeps the whole chain of sources: `reading a.txt: permission denied`.
impl<E: std::error::Error> From<E> for TaskError {
    fn from(error: E) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(error) = source {
            message.push_str(": ");
            message.push_str(&error.to_string());
            source = error.source();
        }
        Self::new(message)
    }
}

/// Why a host function refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostError {
    /// A key, name or value breaks a rule; the text says which.
    Invalid(String),
    /// A limit of this task, run or tenant is reached; the text names it.
    QuotaExceeded(String),
    /// This task may not see what it asked for.
    Denied(String),
    /// This attempt has lost its lease: another one runs, and nothing that this one writes counts.
    Fenced,
    /// The host could not do it now; trying again may help.
    Unavailable(String),
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(why) => write!(f, "not valid: {why}"),
            Self::QuotaExceeded(why) => write!(f, "over a limit: {why}"),
            Self::Denied(why) => write!(f, "denied: {why}"),
            Self::Fenced => f.write_str("this attempt has lost its lease and another one runs"),
            Self::Unavailable(why) => write!(f, "not available now: {why}"),
        }
    }
}

impl std::error::Error for HostError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Outer(HostError);

    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("saving the cursor")
        }
    }

    impl std::error::Error for Outer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn the_chain_of_sources_is_kept() {
        let error = TaskError::from(Outer(HostError::Denied("asset b".into())));
        assert_eq!(error.message(), "saving the cursor: denied: asset b");
        assert!(error.is_retryable());
    }

    #[test]
    fn a_skip_is_not_retried() {
        assert!(TaskError::skip("nothing new").retry_in(Duration::from_secs(1)).is_skip());
    }
}
