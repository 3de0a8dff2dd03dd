//! One attempt, as its guest and those who watch it share it.

use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use super::log::Log;
use crate::completion::{LogSource, Progress};

/// What outlives the store of an attempt.
pub(crate) struct Attempt {
    pub(super) id: u64,
    pub(super) log: Log,
    progress: Mutex<Option<Progress>>,
    /// Ends the attempt when it is notified.
    pub(super) cancelled: Notify,
    /// Notified when much of the log waits to be sent on.
    full: Arc<Notify>,
}

impl Attempt {
    pub(super) fn new(id: u64, log: Log, full: Arc<Notify>) -> Self {
        Self { id, log, progress: Mutex::default(), cancelled: Notify::new(), full }
    }

    /// Takes a message of the guest.
    pub(crate) fn write_log(&self, source: LogSource, message: &str) {
        if self.log.write(source, message) {
            self.full.notify_one();
        }
    }

    pub(super) fn write_stream(&self, source: LogSource, bytes: &[u8]) {
        if self.log.write_stream(source, bytes) {
            self.full.notify_one();
        }
    }

    /// Replaces the report of the guest.
    pub(crate) fn report(&self, done: u64, total: Option<u64>, message: String) {
        let report = Progress { assignment: self.id, done, total, message };
        *self.progress.lock().expect("no panic while the lock is held") = Some(report);
    }

    pub(super) fn take_progress(&self) -> Option<Progress> {
        self.progress.lock().expect("no panic while the lock is held").take()
    }
}
