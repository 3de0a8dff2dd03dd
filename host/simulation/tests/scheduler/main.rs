//! The scheduler on a simulated database, one situation a test.

mod assets;
mod backfills;
mod by_hand;
mod callbacks;
mod cluster;
mod commits;
mod leases;
mod limits;
mod restarts;
mod schedules;
mod stage;
mod triggers;
mod waits;
