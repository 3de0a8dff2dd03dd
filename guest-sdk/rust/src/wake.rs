//! What a deferred task waits for.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::de::DeserializeOwned;

use crate::error::TaskError;
use crate::host;

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
    /// The end of this run: the id of its DAG, a slash, its own id.
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

    /// When the run of the DAG has ended.
    ///
    /// ```
    /// use waft::{Wake, WakeEvent};
    ///
    /// assert_eq!(Wake::dag_run("daily", "manual__1").event(), &WakeEvent::DagRun("daily/manual__1".into()));
    /// ```
    pub fn dag_run(dag_id: &str, run_id: &str) -> Self {
        Self::new(WakeEvent::DagRun(format!("{dag_id}/{run_id}")))
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

/// What has woken an attempt. [`woken`] gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Woken {
    /// What it waited for.
    pub event: WakeEvent,
    /// JSON that came with it: of a signal its payload, of an asset event `{"asset":…,"extra":…}`, of a run
    /// `{"run_id":…,"state":…}`; `None` for a time.
    pub payload: Option<String>,
}

impl Woken {
    /// What came with it.
    ///
    /// # Errors
    /// Nothing came, or it is no `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, TaskError> {
        let payload =
            self.payload.as_deref().ok_or_else(|| TaskError::fatal("nothing came with what woke the task"))?;
        Ok(serde_json::from_str(payload)?)
    }
}

/// What has woken this attempt last; `None` while it has not waited yet.
///
/// ```
/// use waft::prelude::*;
///
/// #[task]
/// fn publish(version: String) -> Result<String, TaskError> {
///     let Some(woken) = waft::woken() else {
///         return Err(TaskError::defer(Wake::signal("approved")));
///     };
///     let by: String = woken.read()?;
///     Ok(format!("{version}, approved by {by}"))
/// }
///
/// assert!(publish::body("1.2".into()).unwrap_err().is_defer());
/// waft::testing::wake(Wake::signal("approved"), Some(r#""Ada""#));
/// assert_eq!(publish::body("1.2".into()).unwrap(), "1.2, approved by Ada");
/// ```
pub fn woken() -> Option<Woken> {
    host::woken_by()
}
