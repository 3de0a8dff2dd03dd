//! Callbacks: what a bundle does when something has happened to its runs and tasks.

use serde::Deserialize;

/// What happened, as the function after `notify =` of [`bundle!`](crate::bundle!) gets it. It is sandboxed work like a body, with
/// attempts and a log of its own; an error is tried again a few times. Whatever becomes of it, the run stays as it is. The same event may come
/// twice, when a server dies after the call.
///
/// ```
/// use waft::prelude::*;
/// use waft::{CallbackEvent, Happened};
///
/// #[task(retries = 2, on_failure = ["tell"])] fn load() -> Result<(), TaskError> { Err(TaskError::new("no rows")) }
///
/// #[dag(on_success = ["tell"], deadline = "2h", on_deadline_missed = ["page"])] fn nightly() { load(); }
///
/// fn notify(event: CallbackEvent) -> Result<(), TaskError> {
///     let what = event.task_id.as_deref().unwrap_or(&event.dag_id);
///     match event.event {
///         Happened::Failure => log::error!("{what} has failed: {}", event.message.unwrap_or_default()),
///         Happened::DeadlineMissed => log::error!("{what} is late"),
///         _ => log::info!("{what} is well"),
///     }
///     Ok(())
/// }
///
/// waft::bundle!(nightly; notify = notify);
///
/// # let document = nightly::DAG.document().unwrap();
/// # assert!(document.contains(r#""callbacks":{"on_success":["tell"],"on_deadline_missed":["page"]}"#), "{document}");
/// # assert!(document.contains(r#""callbacks":{"on_failure":["tell"]}"#), "{document}");
/// # let event = r#"{"callback":"tell","event":"failure","dag_id":"nightly","run_id":"r","task_id":"load","message":"no"}"#;
/// # notify(CallbackEvent::parse(event).unwrap()).unwrap();
/// # assert_eq!(waft::testing::logs()[0].message, "load has failed: no");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct CallbackEvent {
    /// The name that stands in `on_success = […]` and the like.
    pub callback: String,
    /// What happened.
    pub event: Happened,
    /// The DAG.
    pub dag_id: String,
    /// The run.
    pub run_id: String,
    /// The task; `None` for what happened to the run.
    #[serde(default)]
    pub task_id: Option<String>,
    /// Position in the expansion; −1 for a task that is not mapped.
    #[serde(default)]
    pub map_index: Option<i32>,
    /// Which attempt.
    #[serde(default)]
    pub try_number: Option<u32>,
    /// The state that the run or the instance has now.
    #[serde(default)]
    pub state: Option<String>,
    /// Why, where something is known.
    #[serde(default)]
    pub message: Option<String>,
}

/// What happened to a run or an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Happened {
    /// It ended well.
    Success,
    /// It failed for good.
    Failure,
    /// An attempt failed and will be tried again.
    Retry,
    /// The body answered that it is not needed.
    Skipped,
    /// A run had not ended by its deadline.
    DeadlineMissed,
}

impl CallbackEvent {
    /// Reads an event, for a test that calls the function itself.
    ///
    /// # Errors
    /// The text is no event.
    pub fn parse(event: &str) -> Result<Self, crate::TaskError> {
        Ok(serde_json::from_str(event)?)
    }
}
