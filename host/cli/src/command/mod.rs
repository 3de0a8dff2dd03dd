//! The commands, one a file.

mod backup;
mod conf;
mod config;
mod connection;
mod dags;
mod db;
mod demo;
mod deploy;
mod dispatch;
mod gc;
mod logs;
mod restore;
mod retention;
mod run;
mod runs;
mod serve;
mod tasks;
mod trigger;
mod versions;
mod xcom;

pub(crate) use dispatch::main;
