//! The commands, one a file.

mod conf;
mod config;
mod connection;
mod dags;
mod demo;
mod deploy;
mod dispatch;
mod logs;
mod run;
mod runs;
mod serve;
mod tasks;
mod trigger;
mod versions;
mod xcom;

pub(crate) use dispatch::main;
