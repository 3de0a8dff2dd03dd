//! What a runner is told to run.
//!
//! A worker makes an [`Assignment`] from a claimed task instance; the runner's child process turns it into one call of the
//! guest. Everything a plain task needs stands in it, so that such a task costs one message each way.

use std::sync::Arc;

use jiff::Timestamp;
use model::outcome::Woken;
use model::{AssetName, DagId, Digest, Entrypoint, MapIndex, RunId, TaskId, TryNumber};
use serde::{Deserialize, Serialize};

/// One attempt to run one task body.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assignment {
    /// Chosen by the worker; no other that the runner has not ended yet has it. Names this attempt in every event and host call.
    pub id: u64,
    /// The component that holds the body. [`crate::Runner::load`] comes before the first assignment that names it.
    pub component: Digest,
    pub work: Work,
    pub context: TaskContext,
    /// From the start of instantiation to the end of clean-up.
    pub timeout_ms: u64,
    /// Linear memories and tables together; never more than `limits::task::MEMORY_MAX_BYTES`.
    pub memory_bytes: u64,
    /// The sequences that the markers in the arguments name. The guest can open no others.
    pub sequences: Vec<SequenceRef>,
    /// The assets of which a body may tell events.
    pub outlets: Vec<AssetName>,
}

/// What of the component is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Work {
    /// A body with its arguments: text of a JSON object.
    Body { entrypoint: Entrypoint, args: String },
    /// Bodies that make something of an item, one after the other, each in a fresh sandbox. Their answers are the
    /// [`crate::Completion::items`]; the first one that fails ends the attempt.
    Items(Vec<ItemCall>),
    /// `callbacks.notify` with an event: text of a JSON object.
    Notify { event: Arc<str> },
}

/// A call of a body with one item, which is its argument `item`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ItemCall {
    pub entrypoint: Entrypoint,
    /// JSON text.
    pub item: Arc<str>,
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
    /// What has woken the attempt last.
    pub woken: Option<Arc<Woken>>,
}

/// A sequence that the guest may open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SequenceRef {
    /// The number in the marker; the worker maps it to a task's values.
    pub id: u64,
    pub len: u64,
}
