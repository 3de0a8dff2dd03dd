//! Tells waiters what was committed. Nobody polls: a waiter is woken by the commit that changes its run.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use model::{MapIndex, NodeIdx, RunKey, RunState, TenantScope};
use plan::ResultStatus;
use store::RunNews;
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
pub(crate) struct Board(Arc<Mutex<HashMap<RunKey, Watched>>>);

#[derive(Debug)]
struct Watched {
    scope: TenantScope,
    sender: Sender,
}

impl Board {
    /// Watches a run from now on. Start watching before reading the run's row, and no change is missed.
    pub(crate) fn watch(&self, scope: TenantScope, run: RunKey) -> RunWatch {
        let fresh = || Watched { scope, sender: watch::channel(None).0 };
        let receiver = self.watched().entry(run).or_insert_with(fresh).sender.subscribe();
        RunWatch { run, receiver: Some(receiver), board: self.clone() }
    }

    /// Tells those who watch.
    pub(crate) fn tell(&self, run: RunKey, progress: RunProgress) {
        if let Some(watched) = self.watched().get(&run) {
            watched.sender.send_replace(Some(progress));
        }
    }

    /// Tells those who watch a run of another process.
    pub(crate) fn tell_news(&self, news: RunNews) {
        let result = match news.result {
            None => ResultStatus::Pending,
            Some(true) => ResultStatus::Available,
            // Which instance it was is read by who wants to know.
            Some(false) => ResultStatus::Impossible { node: NodeIdx(0), map_index: MapIndex::NONE },
        };
        if let Some(watched) = self.watched().get(&news.run) {
            let generation = watched.sender.borrow().as_ref().map_or(0, |progress| progress.generation) + 1;
            watched.sender.send_replace(Some(RunProgress { state: news.state, result, generation }));
        }
    }

    /// The runs that somebody watches.
    pub(crate) fn list(&self) -> Vec<(TenantScope, RunKey)> {
        self.watched().iter().map(|(run, watched)| (watched.scope, *run)).collect()
    }

    /// Whether anybody watches; telling nobody can be saved.
    pub(crate) fn is_watched(&self, run: RunKey) -> bool {
        self.watched().contains_key(&run)
    }

    fn watched(&self) -> MutexGuard<'_, HashMap<RunKey, Watched>> {
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
        if watched.get(&self.run).is_some_and(|it| it.sender.receiver_count() == 0) {
            watched.remove(&self.run);
        }
    }
}
