//! The house without its disk, its network and its time: the real scheduler on a simulated database, with simulated workers, on a
//! simulated clock. Everything follows from a seed, so that a seed is a bug report.
//!
//! Words: the *ground* is what outlives a process: the database and the clock. A *process* is one lifetime of a server. A *link* is
//! its way to the database, on which things go wrong.

mod ground;
mod idle;
pub mod invariant;
mod link;
mod process;
mod store;
mod trace;
mod worker;
mod world;

pub use ground::{Ground, SCOPE};
pub use idle::Idle;
pub use link::{Faults, Link, Partition, ProcessClock, SharedLink, Side};
pub use process::{Process, Role, Started};
pub use store::{Accepted, SimStore};
pub use trace::Trace;
pub use upkeep::{RunRows, Snapshot};
pub use worker::{Held, SimWorker};
pub use world::{Figures, History, play};
