//! What a machine must know of the world around its run.

use model::NodeIdx;

/// The same at each start of the run's machine, but for `past`, which is as it stands then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunContext {
    /// Of the run, so that runs do not retry in step.
    pub seed: u64,
    /// The run is the newest scheduled one of its DAG, or nobody scheduled it.
    pub is_latest: bool,
    pub past: Past,
}

/// What the run before says of tasks that depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Past {
    /// There is none: they may run.
    First,
    /// These may run. [`crate::Event::PastMet`] tells of others.
    Met(Vec<NodeIdx>),
}

impl Default for RunContext {
    fn default() -> Self {
        Self { seed: 0, is_latest: true, past: Past::First }
    }
}
