//! Owns runs. One task holds a [`plan::RunMachine`] for each unfinished run, feeds it what happens, writes what all machines
//! decided in one commit, and acknowledges and hands out work only after that commit.
//!
//! Words: a *cycle* is one turn of the loop: take what has arrived, decide, claim for free slots, commit, tell. A *claim* is an
//! instance given to a worker. The *board* tells waiters what was committed.
//!
//! Callers: `control` through [`Scheduler`] (trigger, clear, watch), a worker in the same process through
//! the queue of [`Started`].
//! What must hold: nothing is told before it is durable; after a failed commit every machine that took part is read again from
//! its rows, so memory never runs ahead of the database for longer than a commit.
//! Where processes share a database ([`ClusterParts`]), the loop decides for the tenants whose shards this process owns; what it
//! has no slot for is offered to all workers, and what others did comes to it as events.
//! Not here: what a rule means (`plan`), SQL (`store-sqlite`), running a body (`worker`).

mod active;
mod board;
mod by_hand;
mod callback;
mod cluster;
mod command;
mod cycle;
mod given;
mod local_queue;
mod metric_names;
mod news;
mod recovery;
mod run_loop;
mod scheduler;
mod slots;
mod ticks;
mod timekeeper;
mod version;

pub use board::{RunProgress, RunWatch};
pub use by_hand::{
    Act, Asker, Beyond, Change, Changes, Clear, ControlError, Explained, Instances, Mark, approval_signal,
};
pub use cluster::{ClusterParts, ClusterQueue, Evicted, SharedStore};
pub use command::{NewTrigger, TriggerError};
use local_queue::LocalQueue;
pub use plan::{Explanation, Limit, ResultStatus};
pub use scheduler::{Scheduler, SchedulerLimits, SchedulerParts, Started};
pub use timekeeper::{TimeStore, Timekeeper, TimekeeperParts};
pub use version::{Version, VersionError, Versions};
