//! What keeps an installation whole over the years: backups and their restoration, checks of what must hold, and an end for what nothing
//! needs any more.
//!
//! Words: an *object* is a blob or a piece of a log; a *reference* is a blob's name in a row, or in a large value that stands in a
//! blob itself; a *finding* is something that must hold and does not.
//! Callers: `cli`; `simulation` uses the checks over rows.
//! What must hold: a backup is of one moment; neither a backup nor what is restored can be seen before it is whole, verified and on
//! disk; no blob that something refers to is ever deleted, and no run that has not ended.
//! Not here: SQL (`store-*`), where objects lie (`blobs`).

mod archive;
mod backup;
mod check;
mod collect;
#[cfg(test)]
mod doubles;
mod expire;
pub mod invariant;
mod references;
mod restore;
mod run_rows;

pub use archive::ArchiveSize;
pub use backup::{BackupError, backup};
pub use check::{Checked, Finding, check};
pub use collect::{BlobPolicy, Collected, Fate, Mode, collect};
pub use expire::{Expired, LogSize, RetentionPolicy, expire};
pub use restore::Restoration;
pub use run_rows::{RunRows, Snapshot};
