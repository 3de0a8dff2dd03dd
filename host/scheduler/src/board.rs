//! Tells waiters what was committed. Nobody polls: a waiter is woken by the commit that changes its run.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use model::{RunKey, RunState};
use plan::ResultStatus;
use tokio::sync::watch;

/// What is known about a run after a commit.
#[derive(Debug, Clone, PartialEq)]
pub struct RunProgress {
    pub state: RunState,
    pub result: ResultStatus,
    /// Rises with each commit that changed the run.
    pub generation: u64,
}

type Sender = watch::Sender<Option<RunProgress>>;

/// All runs that somebody watches.
#[derive(Debug, Clone, Default)]
pub(crate) struct Board(Arc<Mutex<HashMap<RunKey, Sender>>>);

impl Board {
    /// Watches a run from now on. Start watching before reading the run's row, and no change is missed.
    pub(crate) fn watch(&self, run: RunKey) -> RunWatch {
        let receiver = self.watched().entry(run).or_insert_with(|| watch::channel(None).0).subscribe();
        RunWatch { run, receiver: Some(receiver), board: self.clone() }
    }

    /// Tells those who watch.
    pub(crate) fn tell(&self, run: RunKey, progress: RunProgress) {
        if let Some(sender) = self.watched().get(&run) {
            sender.send_replace(Some(progress));
        }
    }

    /// Whether anybody watches; telling nobody can be saved.
    pub(crate) fn is_watched(&self, run: RunKey) -> bool {
        self.watched().contains_key(&run)
    }

    fn watched(&self) -> MutexGuard<'_, HashMap<RunKey, Sender>> {
        self.0.lock().expect("no panic while the lock is held")
    }
}

/// Follows one run. Dropping it costs nothing and leaves nothing behind.
#[derive(Debug)]
pub struct RunWatch {
    run: RunKey,
    receiver: Option<watch::Receiver<Option<RunProgress>>>,
    board: Board,
}

impl RunWatch {
    /// Waits until a commit changes the run. Pends for ever for a run that nothing changes any more: read the row first.
    pub async fn changed(&mut self) -> RunProgress {
        if let Some(receiver) = &mut self.receiver {
            while receiver.changed().await.is_ok() {
                if let Some(progress) = receiver.borrow_and_update().clone() {
                    return progress;
                }
            }
        }
        std::future::pending().await
    }
}

impl Drop for RunWatch {
    fn drop(&mut self) {
        let mut watched = self.board.watched();
        self.receiver = None;
        if watched.get(&self.run).is_some_and(|sender| sender.receiver_count() == 0) {
            watched.remove(&self.run);
        }
    }
}
