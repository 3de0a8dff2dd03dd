//! The last lines that a child process wrote to standard error, for the message about its end.

use std::process::ExitStatus;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::ChildStderr;
use tokio::task::JoinHandle;

const KEPT_BYTES: usize = 2 << 10;
/// After its end a process may have left its standard error to another one: do not wait for that one.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a child process says. Its text is hostile: the child may be owned by its guest.
#[derive(Debug)]
pub(super) struct LastWords {
    kept: Arc<Mutex<Vec<u8>>>,
    reading: JoinHandle<()>,
}

impl LastWords {
    /// Reads until the child ends, so that it never waits for a reader.
    pub(super) fn of(stderr: Option<ChildStderr>) -> Self {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let theirs = Arc::clone(&kept);
        let reading = tokio::spawn(async move {
            let Some(mut stderr) = stderr else { return };
            let mut piece = [0; 1_024];
            while let Ok(count @ 1..) = stderr.read(&mut piece).await {
                let mut kept = theirs.lock().expect("no panic while the lock is held");
                kept.extend_from_slice(&piece[..count]);
                let surplus = kept.len().saturating_sub(KEPT_BYTES);
                kept.drain(..surplus);
            }
        });
        Self { kept, reading }
    }

    /// How the process ended, with what it said.
    pub(super) async fn obituary(&mut self, status: Option<ExitStatus>) -> String {
        let status = status.map_or_else(|| "unknown status".to_owned(), |status| status.to_string());
        let words = self.text().await;
        if words.is_empty() { status } else { format!("{status}: {words}") }
    }

    /// What the process said until its end, without control characters.
    pub(super) async fn text(&mut self) -> String {
        let _ = tokio::time::timeout(PATIENCE, &mut self.reading).await;
        let kept = self.kept.lock().expect("no panic while the lock is held");
        String::from_utf8_lossy(&kept).trim().replace(|c: char| c.is_control() && c != '\n', "\u{fffd}")
    }
}

impl Drop for LastWords {
    fn drop(&mut self) {
        self.reading.abort();
    }
}
