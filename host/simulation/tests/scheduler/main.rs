//! The scheduler on a simulated database, one situation a test.

mod assets;
mod backfills;
mod cluster;
mod commits;
mod leases;
mod restarts;
mod schedules;
mod stage;
mod triggers;
