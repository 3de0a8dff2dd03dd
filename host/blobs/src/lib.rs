//! Objects: content-addressed blobs, and the logs of attempts in chunks.
//!
//! Callers: `control` (uploads, downloads, logs for people), `worker` (what guests read, write and say).
//! What must hold: a blob that was acknowledged is on the disk and never half there; a tenant reaches its own objects only; bytes
//! that do not match their digest are never given out. Not here: who refers to a blob (`store`).

mod blob;
mod log;

pub use blob::{BlobError, BlobStore};
pub use log::{LogFollow, LogKey, LogLevel, LogRecord, LogSource, LogStore};
