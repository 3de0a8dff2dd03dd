//! Tasks.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Expand, ParamDocument, Signature, Source, TriggerRule, WeightRule, is_default};
use crate::asset::{AssetDocument, AssetName};
use crate::callback::TaskCallbacks;
use crate::id::{Entrypoint, GroupId, Key, PoolName, TaskId};

/// One task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("patternProperties" = super::extensions()))]
pub struct TaskDocument {
    pub task_id: TaskId,
    /// The body to run; the task's id where it is left out. A task whose kind runs no body has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<Entrypoint>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub kind: TaskKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doc_md: Option<String>,
    /// The group that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupId>,
    /// Arguments that are the same for each instance, in the order of the body's parameters.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub args: IndexMap<Key, Source>,
    /// Makes the task a mapped one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expand: Option<Expand>,
    /// Names an instance from its item, before it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub map_index_template: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub trigger_rule: TriggerRule,
    /// Runs only where the same task of the run before has ended in success or was skipped.
    #[serde(default, skip_serializing_if = "is_default")]
    pub depends_on_past: bool,
    /// Asks the same of what stood directly downstream of it in the run before.
    #[serde(default, skip_serializing_if = "is_default")]
    pub wait_for_downstream: bool,
    /// Attempts after the first.
    #[serde(default, skip_serializing_if = "is_default")]
    pub retries: u32,
    /// Milliseconds before the second attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_delay_ms: Option<u64>,
    /// What the delay is multiplied with from attempt to attempt, in thousandths; 2000 doubles it. 1000 to 10000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_multiplier_milli: Option<u32>,
    /// Longest delay in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_delay_max_ms: Option<u64>,
    /// By how much a delay may be longer or shorter, in thousandths of it; 100 where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_jitter_milli: Option<u32>,
    /// The failures that are tried again; all where it is left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retry_on: Vec<FailureKind>,
    /// Longest attempt in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// Longest wait for a slot in milliseconds; then the attempt has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued_timeout_ms: Option<u64>,
    /// Milliseconds until a sensor that answered false is asked again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poke_interval_ms: Option<u64>,
    /// A sensor that is over its timeout is skipped, not failed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub soft_fail: bool,
    /// What an approval asks for, by name.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub form: IndexMap<Key, ParamDocument>,
    /// The setups that a teardown undoes; those with an edge to it are among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub setups: Vec<TaskId>,
    /// A failed teardown fails the run.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_failure_fail_run: bool,
    /// A short circuit that answered false skips everything downstream but teardowns (what it does where this is left out), or
    /// only what stands directly downstream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore_downstream_trigger_rules: Option<bool>,
    /// The default pool where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<PoolName>,
    /// Slots of the pool that an instance takes; 1 where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool_slots: Option<u32>,
    /// The higher goes first; 1 where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub weight_rule: WeightRule,
    /// Instances of this task that may run at a time over all runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_active_per_dag: Option<u32>,
    /// Instances of this task that may run at a time in one run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_active_per_run: Option<u32>,
    /// Most instances that the task may expand to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_map_length: Option<u32>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub resources: Resources,
    #[serde(default, skip_serializing_if = "is_default")]
    pub callbacks: TaskCallbacks,
    /// Assets about which the body may read what is kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inlets: Vec<AssetName>,
    /// Assets that a success changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outlets: Vec<AssetDocument>,
    /// Types of arguments and result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
}

impl TaskDocument {
    /// The rule that holds: teardowns have one of their own.
    pub fn rule(&self) -> TriggerRule {
        match self.kind {
            TaskKind::Teardown => TriggerRule::AllDoneSetupSuccess,
            _ => self.trigger_rule,
        }
    }

    /// True where a body's answer decides what runs downstream.
    pub fn is_decider(&self) -> bool {
        matches!(self.kind, TaskKind::Branch | TaskKind::ShortCircuit | TaskKind::LatestOnly)
    }

    /// True for a short circuit that skips more than what stands directly downstream.
    pub fn skips_everything(&self) -> bool {
        self.kind == TaskKind::ShortCircuit && self.ignore_downstream_trigger_rules.unwrap_or(true)
    }
}

/// What a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    /// Runs a body.
    #[default]
    Task,
    /// Its body answers null, an id or a list of ids: the tasks and groups directly downstream that run. The others are skipped.
    Branch,
    /// Its body answers true, or false to skip what stands downstream.
    ShortCircuit,
    /// Its body answers true when it is done, false to be asked again.
    Sensor,
    /// Makes something that the tasks downstream need and that a teardown undoes.
    Setup,
    /// Undoes what setups have made, whatever became of the tasks between.
    Teardown,
    /// Runs nothing and succeeds at once; a place where edges meet.
    Empty,
    /// Runs nothing and waits until somebody has filled in its form; its value is what they answered.
    Approval,
    /// Runs nothing; lets only the newest scheduled run go on.
    LatestOnly,
}

impl TaskKind {
    /// The name in documents and on the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Branch => "branch",
            Self::ShortCircuit => "short_circuit",
            Self::Sensor => "sensor",
            Self::Setup => "setup",
            Self::Teardown => "teardown",
            Self::Empty => "empty",
            Self::Approval => "approval",
            Self::LatestOnly => "latest_only",
        }
    }

    /// True where a worker runs a body.
    pub const fn has_body(self) -> bool {
        !matches!(self, Self::Empty | Self::Approval | Self::LatestOnly)
    }

    /// True where it can leave a value.
    pub const fn has_value(self) -> bool {
        !matches!(self, Self::Empty | Self::LatestOnly)
    }
}

/// How an attempt fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The body answered so.
    Failed,
    /// It ran, or waited for a slot, for too long.
    TimedOut,
    Trapped,
    OverLimit,
}

/// What an instance may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Resources {
    /// Linear memories and tables together; 256 MiB where it is left out, which is also the most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
}
