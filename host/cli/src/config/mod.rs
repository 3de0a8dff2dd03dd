//! Configuration: flags win over environment, environment over `waft.toml`, that over defaults. Each value remembers where it came from.
//!
//! Words: an *element* is one thing that can be configured; each has a file, which tells its key in `waft.toml`, its variable, its flag,
//! its default and how its text is read. A *setting* is an element's value with its origin.
//! Not here: what a setting does (`serve`, `command`).

mod data;
mod database;
mod element;
mod file;
mod grace;
mod listen;
mod log_filter;
mod log_format;
mod nearest;
mod objects;
mod output;
mod retention;
mod roles;
mod server;
mod settings;
mod slots;
mod token;

pub(crate) use data::Data;
pub(crate) use database::{Database, DatabaseUrl};
pub(crate) use element::{Element, Origin, Setting};
pub(crate) use grace::Grace;
pub(crate) use listen::Listen;
pub(crate) use log_filter::LogFilter;
pub(crate) use log_format::{LogFormat, LogFormatElement};
pub(crate) use objects::{Objects, ObjectsUrl};
pub(crate) use output::Output;
pub(crate) use retention::{Age, Newest, RunsMaxAge, RunsMaxPerDag, VersionsMaxAge};
pub(crate) use roles::{RoleSet, Roles};
pub(crate) use server::Server;
pub(crate) use settings::{Known, Settings};
pub(crate) use slots::Slots;
pub(crate) use token::TokenFile;
