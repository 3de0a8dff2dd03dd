//! A PostgreSQL of the tests' own: a private cluster in a temporary folder, made from the programs that are installed.
//!
//! [`database`] gives an empty database on a server that all test processes of this copy of the repository share, which is what
//! nearly every test wants. [`Server::start`] gives a server of its own to whoever stops, kills or measures one.
//!
//! What must hold: no server outlives the tests, even if they are killed. Each server has a keeper, a process that waits for
//! the file lock which its users share and which ends with them, and stops the server then. Nothing runs as root: when the
//! tests do, the server runs as `postgres` or `nobody` with `runuser`. A dev-dependency only.

mod cluster;
mod database;
mod programs;
mod server;

pub use database::{Database, database};
pub use server::{Durability, Server};
