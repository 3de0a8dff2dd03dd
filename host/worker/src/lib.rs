//! Runs claimed task instances: claim → arguments → runner → report.
//!
//! Words: an *attempt* here is one execution that this worker holds; a *lane* is the set of runner processes of one tenant.
//! Callers: `cli` starts one [`Worker`] in a process that has the worker's role.
//! What must hold: a runner serves one tenant in its life; a suspect runs alone; an attempt that was taken is reported once,
//! with its fence, whatever panics or dies, and the report is repeated until it is durable or the worker is gone; what is
//! cancelled ends wherever it is.
//! Not here: what is ready and why (`scheduler`), the sandbox itself (`sandbox`).

mod answer;
mod arguments;
mod artefact_folder;
mod artefacts;
mod attempt;
mod attempts;
mod caught;
#[cfg(test)]
mod doubles;
mod host;
mod item_answers;
mod item_round;
mod items;
mod lane;
mod log;
mod map_indexes;
mod metric_names;
mod names;
mod order;
mod outbox;
mod report;
mod report_queue;
mod run_port;
mod runner_events;
mod secrets;
mod sequence;
mod suspect;
mod worker;
mod writers;

pub use artefact_folder::ArtefactFolder;
pub use artefacts::{ArtefactError, Artefacts};
pub use names::InstanceNames;
pub use run_port::{RunOf, RunPort, RunPortError};
pub use worker::{Worker, WorkerParts};
