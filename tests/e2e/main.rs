//! The binary as users meet it: a real server process, spoken to over HTTP and by its own command line.
//!
//! One file for each promise. Nothing here knows the crates of the host: what is tested is what a stranger sees. Only
//! `matrix` also reads the database, as the house does.

mod auth;
mod bodies;
mod by_hand;
mod callbacks;
mod cli;
mod cluster;
mod crash;
mod deploy;
mod examples;
mod expand;
mod flow;
mod harness;
mod hostile;
mod limits;
mod log;
mod mapping;
mod matrix;
mod postgres;
mod retention;
mod retries;
mod rules;
mod schedules;
mod trigger;
mod upkeep;
mod versions;
mod wait;
mod waits;
