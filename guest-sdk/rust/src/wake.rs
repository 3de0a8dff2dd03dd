//! What a deferred task waits for.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// When a deferred task goes on: at a time, or when something has happened. See [`TaskError::defer`](crate::TaskError::defer).
///
/// ```
/// use std::time::Duration;
/// use waft::Wake;
///
/// let wake = Wake::signal("approved").within(Duration::from_secs(3600));
/// assert_eq!(wake.timeout(), Some(Duration::from_secs(3600)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wake {
    event: WakeEvent,
    timeout: Option<Duration>,
}

/// What wakes a deferred task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WakeEvent {
    /// This time, in microseconds since 1970-01-01T00:00:00Z.
    Until(i64),
    /// An event of this asset.
    Asset(String),
    /// This signal, which comes through the API.
    Signal(String),
    /// The end of this run.
    DagRun(String),
}

impl Wake {
    fn new(event: WakeEvent) -> Self {
        Self { event, timeout: None }
    }

    /// At `time`; a time in the past wakes it at once.
    ///
    /// ```
    /// use std::time::{Duration, UNIX_EPOCH};
    /// use waft::{Wake, WakeEvent};
    ///
    /// assert_eq!(Wake::at(UNIX_EPOCH + Duration::from_secs(2)).event(), &WakeEvent::Until(2_000_000));
    /// ```
    pub fn at(time: SystemTime) -> Self {
        let since = |time: Duration| i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
        Self::new(WakeEvent::Until(match time.duration_since(UNIX_EPOCH) {
            Ok(after) => since(after),
            Err(before) => -since(before.duration()),
        }))
    }

    /// When there is an event of the asset.
    pub fn asset(name: impl Into<String>) -> Self {
        Self::new(WakeEvent::Asset(name.into()))
    }

    /// When somebody sends the signal.
    pub fn signal(name: impl Into<String>) -> Self {
        Self::new(WakeEvent::Signal(name.into()))
    }

    /// When the run has ended.
    pub fn dag_run(run_id: impl Into<String>) -> Self {
        Self::new(WakeEvent::DagRun(run_id.into()))
    }

    /// After this time the task has failed if nothing has woken it.
    #[must_use]
    pub fn within(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// What it waits for.
    pub fn event(&self) -> &WakeEvent {
        &self.event
    }

    /// How long it waits at most.
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout
    }
}
