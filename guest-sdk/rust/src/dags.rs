//! Runs of other DAGs: started by a task, and waited for without a sandbox.
//!
//! ```
//! use serde_json::json;
//! use waft::dags::{self, RunRequest};
//! use waft::prelude::*;
//!
//! /// Runs another DAG and takes what came of it.
//! #[task]
//! fn count_elsewhere(topic: String) -> Result<u64, TaskError> {
//!     let run_id = dags::trigger("longest_text", RunRequest::new().conf(&json!({ "topic": topic }))?)?;
//!     let run = dags::finished("longest_text", &run_id)?;     // goes on later, until the run has ended
//!     run.result("longest")
//! }
//!
//! let waits = count_elsewhere::body("this".into()).unwrap_err();
//! assert!(waits.is_defer());
//! waft::testing::run_ends("longest_text", "run__1", "success", &json!({ "longest": 4 }));
//! assert_eq!(count_elsewhere::body("this".into()).unwrap(), 4);
//! ```

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{HostError, TaskError};
use crate::host;
use crate::wake::Wake;

/// What a run is started with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunRequest {
    pub(crate) conf: Option<String>,
    pub(crate) run_id: Option<String>,
    pub(crate) logical_date_us: Option<i64>,
    pub(crate) note: Option<String>,
}

impl RunRequest {
    /// Nothing said.
    pub fn new() -> Self {
        Self::default()
    }

    /// The conf, a JSON object; members with names of parameters are their values.
    ///
    /// # Errors
    /// `conf` is no JSON.
    pub fn conf<T: Serialize + ?Sized>(mut self, conf: &T) -> Result<Self, TaskError> {
        self.conf = Some(serde_json::to_string(conf)?);
        Ok(self)
    }

    /// The id of the run. Made up without it: always the same for the same call of the same attempt, so that an attempt that is
    /// repeated, or goes on after it has waited, starts nothing twice.
    #[must_use]
    pub fn run_id(mut self, run_id: impl Into<String>) -> Self {
        self.run_id = Some(run_id.into());
        self
    }

    /// The time that the run stands for, in microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn logical_date_us(mut self, time_us: i64) -> Self {
        self.logical_date_us = Some(time_us);
        self
    }

    /// A note for people.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }
}

/// How a run stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// `queued`, `running`, `success` or `failed`.
    pub state: String,
    /// The values of the DAG's result tasks, a JSON object; `None` while there are not all.
    pub results: Option<String>,
}

impl Run {
    /// True when it goes on no more.
    pub fn is_ended(&self) -> bool {
        self.state == "success" || self.state == "failed"
    }

    /// The value of a result task.
    ///
    /// # Errors
    /// The run has no results, none of this task, or it is no `T`.
    pub fn result<T: DeserializeOwned>(&self, task_id: &str) -> Result<T, TaskError> {
        let results = self.results.as_deref().ok_or_else(|| TaskError::new("the run has no results"))?;
        let mut results: std::collections::HashMap<String, serde_json::Value> = serde_json::from_str(results)?;
        let result = results.remove(task_id);
        let result = result.ok_or_else(|| TaskError::fatal(format!("task {task_id:?} is no result of the run")))?;
        Ok(serde_json::from_value(result)?)
    }
}

/// Starts a run of a DAG of this tenant and gives its id.
///
/// # Errors
/// There is no such DAG, its parameters take other values, runs are started by runs too deep, or somebody else has a run of this id.
pub fn trigger(dag_id: &str, request: RunRequest) -> Result<String, HostError> {
    host::run_trigger(dag_id, request)
}

/// How a run stands; `None` where there is none.
///
/// # Errors
/// An id breaks a rule, or the host cannot read it.
pub fn run(dag_id: &str, run_id: &str) -> Result<Option<Run>, HostError> {
    host::run_status(dag_id, run_id)
}

/// A run that has ended well. While it goes on, the task waits for it without a sandbox: what this fails with then is handed on
/// with `?`, and the body is called again when the run has ended.
///
/// # Errors
/// As [`run`]; the run has failed, or is not there.
pub fn finished(dag_id: &str, run_id: &str) -> Result<Run, TaskError> {
    match run(dag_id, run_id)? {
        None => Err(TaskError::fatal(format!("there is no run {run_id:?} of DAG {dag_id:?}"))),
        Some(run) if !run.is_ended() => Err(TaskError::defer(Wake::dag_run(dag_id, run_id))),
        Some(run) if run.state != "success" => {
            Err(TaskError::new(format!("run {run_id:?} of DAG {dag_id:?} has ended as {}", run.state)))
        }
        Some(run) => Ok(run),
    }
}
