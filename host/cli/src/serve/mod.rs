//! Wiring: where the concrete types of all crates meet.
//!
//! Words: a [`House`] is everything that runs DAGs (store, blobs, scheduler, worker, use-cases) over one data folder, without HTTP; a
//! [`RunningServer`] is a house with the API before it.
//! Callers: `waft serve` and `waft demo` start servers, `waft run` a house alone.
//! What must hold: two of them never share a data folder; what was acknowledged is durable, whatever ends the process.

mod admin_token;
mod data_folder;
mod house;
mod keeper;
mod names;
mod objects;
mod parser;
mod runs;
mod server;
mod stop_signal;
mod stores;

pub(crate) use data_folder::{DataFolder, DataFolderError};
pub(crate) use house::{FailedPart, House, HouseOptions};
pub(crate) use server::{RunningServer, ServerOptions, start};
pub(crate) use stop_signal::StopSignal;
