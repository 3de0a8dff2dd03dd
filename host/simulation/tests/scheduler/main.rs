//! The scheduler on a simulated database, one situation a test.

mod cluster;
mod commits;
mod leases;
mod restarts;
mod stage;
mod triggers;
