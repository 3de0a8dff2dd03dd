//! The commands, one a file.

mod approvals;
mod assets;
mod backfill;
mod backup;
mod by_hand;
mod completions;
mod conf;
mod config;
mod connection;
mod connections;
mod dags;
mod db;
mod delete;
mod demo;
mod deploy;
mod dispatch;
mod events;
mod explain;
mod gc;
mod given;
mod logs;
mod man;
mod pause;
mod pools;
mod restore;
mod retention;
mod run;
mod runs;
mod serve;
mod signal;
mod tasks;
mod trigger;
mod variables;
mod versions;
mod xcom;

pub(crate) use dispatch::main;
