//! The commands, one a file.

mod assets;
mod backfill;
mod backup;
mod conf;
mod config;
mod connection;
mod connections;
mod dags;
mod db;
mod demo;
mod deploy;
mod dispatch;
mod gc;
mod given;
mod logs;
mod pause;
mod pools;
mod restore;
mod retention;
mod run;
mod runs;
mod serve;
mod tasks;
mod trigger;
mod variables;
mod versions;
mod xcom;

pub(crate) use dispatch::main;
