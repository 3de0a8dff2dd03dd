//! Runs claimed task instances: claim → arguments → runner → report.
//!
//! Words: an *attempt* here is one execution that this worker holds; a *lane* is the set of runner processes of one tenant.
//! Callers: `cli` starts one [`Worker`] in a process that has the worker's role.
//! What must hold: a runner serves one tenant in its life; a suspect runs alone; what an attempt left is reported with its
//! fence, and a report is repeated until it is durable or the worker is gone.
//! Not here: what is ready and why (`scheduler`), the sandbox itself (`sandbox`).

mod arguments;
mod artefacts;
mod attempt;
mod host;
mod items;
mod lane;
mod log;
mod metric_names;
mod report;
mod suspect;
mod worker;

pub use artefacts::{ArtefactError, Artefacts};
pub use worker::{Worker, WorkerParts};
