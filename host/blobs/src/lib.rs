//! Bytes outside the database: blobs named by their digest, and logs of attempts.
//!
//! Words: a *blob* is bytes that are found by their SHA-256 and never change; a *record* is one line of a log; a *chunk* is
//! an object that holds consecutive records; the *tail* of a log is what stands in memory alone.
//!
//! Callers: `control` (uploads, results, logs), `worker` (components, big values, what tasks write and say).
//! What must hold: an object is there whole or not at all; a blob that was acknowledged survives power loss, and is compared
//! with its digest when it is read whole; nothing of one tenant is found under another's scope; a log's memory is bounded.
//! Not here: which rows refer to a blob (`store`), what is said to people about a log (`control`).

mod blob;
mod bucket;
mod chunk;
mod error;
mod live;
mod log;
#[cfg(test)]
mod places;
mod record;
mod remnants;
mod stock;
mod writer;

pub use blob::{BlobReader, BlobStore};
pub use error::BlobError;
pub use log::{LogFollow, LogKey, LogReader, LogStore};
pub use record::{LogLevel, LogRecord, LogSource};
pub use stock::{InvalidObjectName, ObjectKind, ObjectName, Stock, Stocked};
pub use writer::BlobWriter;
