//! Tells waiters of this process about runs that another one owns, and, now and then, about all of them: a run may end just
//! before this process takes it over.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use clock::Clock;
use model::{RunKey, TenantScope};
use store::RunNews;
use tracing::warn;

use super::waker::POLL;
use super::{OwnedShards, SharedStore, Waker};
use crate::board::Board;

/// Runs of one question.
const RUNS_PER_CALL: usize = 1_000;

pub(crate) struct News {
    pub(crate) store: Arc<dyn SharedStore>,
    pub(crate) owned: OwnedShards,
    pub(crate) waker: Waker,
    pub(crate) board: Board,
    pub(crate) clock: Arc<dyn Clock>,
}

impl News {
    /// Asks whenever runs may have changed, if somebody watches one; commits that come meanwhile share the next question.
    pub(crate) async fn run(self) {
        let mut told = HashMap::new();
        let mut asked_all = self.clock.monotonic();
        loop {
            self.waker.commit().await;
            let must_ask_all = self.clock.monotonic() - asked_all >= POLL;
            if must_ask_all {
                asked_all = self.clock.monotonic();
            }
            let mut watched = self.board.list();
            watched.retain(|(scope, _)| must_ask_all || !self.owned.owns(*scope));
            let keys: HashSet<_> = watched.iter().map(|(_, run)| *run).collect();
            told.retain(|run, _| keys.contains(run));
            for runs in watched.chunks(RUNS_PER_CALL) {
                self.ask(runs, &mut told).await;
            }
        }
    }

    async fn ask(&self, runs: &[(TenantScope, RunKey)], told: &mut HashMap<RunKey, RunNews>) {
        match self.store.run_news(runs).await {
            Ok(news) => {
                for it in news {
                    if told.insert(it.run, it) != Some(it) {
                        self.board.tell_news(it);
                    }
                }
            }
            Err(error) => warn!(%error, "cannot ask how runs stand"),
        }
    }
}
