//! A worker with real runners and real guests; its queue and its values are test doubles.

#[expect(dead_code, reason = "the tests within the crate use the rest")]
#[path = "../../src/doubles.rs"]
mod doubles;
mod runners;

use worker::{Artefacts, RunOf, RunPort, RunPortError, Worker, WorkerParts};
