//! A database in memory: the model of what every database must do. It passes the suite of `store::conformance`, and keeps a
//! history of the writes that it took. Leases are judged by a clock of its own.
//!
//! Not here: what goes wrong between a caller and its database ([`crate::Link`]).

mod asset;
mod auth;
mod backfill;
mod before;
mod by_hand;
mod callback;
mod catalog;
mod cluster;
mod commit;
mod dag_run;
mod duplicate;
mod event_log;
mod moves;
mod named;
mod pattern;
mod rows;
mod run_store;
mod schedule;
mod shared;
mod state;
mod task_instance;
mod value;
mod wait;
mod work;

pub use rows::{Accepted, SimStore};
