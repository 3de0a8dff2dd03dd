//! The last lines that a child process wrote to standard error, for the message about its end.

use std::process::ExitStatus;
use std::sync::{Arc, Mutex};

use tokio::io::AsyncReadExt;
use tokio::process::ChildStderr;

const KEPT_BYTES: usize = 2 << 10;

/// What a child process says. Its text is hostile: the child may be owned by its guest.
#[derive(Debug, Clone, Default)]
pub(super) struct LastWords(Arc<Mutex<Vec<u8>>>);

impl LastWords {
    /// Reads until the child ends, so that it never waits for a reader.
    pub(super) fn of(stderr: Option<ChildStderr>) -> Self {
        let words = Self::default();
        if let Some(mut stderr) = stderr {
            let theirs = words.clone();
            tokio::spawn(async move {
                let mut piece = [0; 1_024];
                while let Ok(count @ 1..) = stderr.read(&mut piece).await {
                    theirs.add(&piece[..count]);
                }
            });
        }
        words
    }

    fn add(&self, piece: &[u8]) {
        let mut kept = self.0.lock().expect("no panic while the lock is held");
        kept.extend_from_slice(piece);
        let surplus = kept.len().saturating_sub(KEPT_BYTES);
        kept.drain(..surplus);
    }

    /// How the process ended, with what it said.
    pub(super) fn obituary(&self, status: Option<ExitStatus>) -> String {
        let status = status.map_or_else(|| "unknown status".to_owned(), |status| status.to_string());
        let words = self.text();
        if words.is_empty() { status } else { format!("{status}: {words}") }
    }

    /// What it said, without control characters.
    pub(super) fn text(&self) -> String {
        let kept = self.0.lock().expect("no panic while the lock is held");
        String::from_utf8_lossy(&kept).trim().replace(|c: char| c.is_control() && c != '\n', "\u{fffd}")
    }
}
