//! Logs that somebody writes or follows now: their tails, and who waits for more.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::{OnceCell, watch};

use crate::{LogKey, LogRecord, chunk};

/// All of them. A log is here while it has a tail or a follower.
#[derive(Debug, Default)]
pub(crate) struct LiveLogs(Mutex<HashMap<LogKey, Arc<LiveLog>>>);

impl LiveLogs {
    /// The log, if somebody in this process writes it.
    pub(crate) fn find_written(&self, key: &LogKey) -> Option<Arc<LiveLog>> {
        self.all().get(key).filter(|log| log.is_written.load(Ordering::Relaxed)).cloned()
    }

    /// The log, which is live from now on.
    pub(crate) fn find_or_begin(&self, key: &LogKey) -> Arc<LiveLog> {
        self.all().entry(*key).or_default().clone()
    }

    /// Ends a log and tells its followers.
    pub(crate) fn end(&self, key: &LogKey) {
        if let Some(log) = self.all().remove(key) {
            log.news.send_modify(|news| news.is_ended = true);
        }
    }

    /// Forgets a log that has neither tail nor followers, and that nobody is about to write to.
    pub(crate) fn forget_if_idle(&self, key: &LogKey) {
        let mut all = self.all();
        let is_idle = |log: &Arc<LiveLog>| {
            Arc::strong_count(log) == 1 && log.news.receiver_count() == 0 && log.tail().records.is_empty()
        };
        if all.get(key).is_some_and(is_idle) {
            all.remove(key);
        }
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.all().is_empty()
    }

    fn all(&self) -> MutexGuard<'_, HashMap<LogKey, Arc<LiveLog>>> {
        self.0.lock().expect("no panic while the lock is held")
    }
}

/// One log.
#[derive(Debug)]
pub(crate) struct LiveLog {
    /// Somebody in this process writes it. If not, all there is to know about it is what is stored.
    pub(crate) is_written: AtomicBool,
    /// How many records were stored before this log became live; known once somebody has looked.
    pub(crate) stored_before: OnceCell<usize>,
    /// One chunk is written at a time.
    pub(crate) writing: tokio::sync::Mutex<()>,
    pub(crate) news: watch::Sender<News>,
    tail: Mutex<Tail>,
}

impl Default for LiveLog {
    fn default() -> Self {
        let (news, _) = watch::channel(News::default());
        Self {
            is_written: AtomicBool::new(false),
            stored_before: OnceCell::new(),
            writing: tokio::sync::Mutex::default(),
            news,
            tail: Mutex::default(),
        }
    }
}

impl LiveLog {
    pub(crate) fn tail(&self) -> MutexGuard<'_, Tail> {
        self.tail.lock().expect("no panic while the lock is held")
    }
}

/// What followers wait for.
#[derive(Debug, Default)]
pub(crate) struct News {
    pub(crate) is_ended: bool,
}

/// Records that are not stored yet.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    /// Records that came to the stored ones since the log became live.
    pub(crate) stored: usize,
    pub(crate) records: Vec<LogRecord>,
    pub(crate) bytes: usize,
    /// Somebody will write the records when their time has come.
    pub(crate) is_timed: bool,
    /// Records that could not be stored since the last one that was.
    pub(crate) lost: usize,
}

impl Tail {
    /// Adds records and gives the tail's size.
    pub(crate) fn push(&mut self, records: Vec<LogRecord>) -> usize {
        self.bytes += records.iter().map(chunk::size).sum::<usize>();
        self.records.extend(records);
        self.bytes
    }

    /// Takes away the first `count` records, which are stored now, or lost.
    pub(crate) fn take_away(&mut self, count: usize) -> usize {
        let bytes = self.records.drain(..count).map(|record| chunk::size(&record)).sum();
        self.bytes -= bytes;
        bytes
    }
}
