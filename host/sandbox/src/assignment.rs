//! What a runner is told to run.
//!
//! A worker makes an [`Assignment`] from a claimed task instance; the runner's child process turns it into one call of the
//! guest. Everything a plain task needs stands in it, so that such a task costs one message each way.

use std::sync::Arc;

use jiff::Timestamp;
use model::{DagId, Digest, Entrypoint, MapIndex, RunId, TaskId, TryNumber};
use serde::{Deserialize, Serialize};

/// One attempt to run one task body.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assignment {
    /// Chosen by the worker; unique within the life of the runner. Names this attempt in every event and host call.
    pub id: u64,
    /// The component that holds the body. [`crate::Runner::load`] comes before the first assignment that names it.
    pub component: Digest,
    pub entrypoint: Entrypoint,
    /// The arguments: text of a JSON object.
    pub args: String,
    pub context: TaskContext,
    /// From the start of instantiation to the end of clean-up.
    pub timeout_ms: u64,
    /// Linear memories and tables together; never more than `limits::task::MEMORY_MAX_BYTES`.
    pub memory_bytes: u64,
    /// The sequences that the markers in `args` name. The guest can open no others.
    pub sequences: Vec<SequenceRef>,
}

/// Who and where the task instance is. The guest sees it with the deadline that the runner adds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskContext {
    pub dag_id: DagId,
    pub run_id: RunId,
    pub task_id: TaskId,
    pub map_index: MapIndex,
    /// One position for each level of mapping, outermost first.
    pub map_path: Vec<u32>,
    /// JSON text of the key of the mapped item.
    pub map_key: Option<Arc<str>>,
    pub try_number: TryNumber,
    #[serde(with = "jiff::fmt::serde::timestamp::microsecond::optional")]
    pub logical_date: Option<Timestamp>,
    #[serde(with = "jiff::fmt::serde::timestamp::microsecond::optional")]
    pub data_interval_start: Option<Timestamp>,
    #[serde(with = "jiff::fmt::serde::timestamp::microsecond::optional")]
    pub data_interval_end: Option<Timestamp>,
    /// Parameters of the run: text of a JSON object.
    pub params: Arc<str>,
}

/// A sequence that the guest may open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SequenceRef {
    /// The number in the marker; the worker maps it to a task's values.
    pub id: u64,
    pub len: u64,
}
