//! Logs of attempts: `logs/{tenant}/{run}/{node}/{map index}/{try}/{records before}`.
//!
//! Records wait in memory until there are enough for a chunk, until the first of them has waited long enough, or until the
//! attempt ends. A reader in the same process sees them at once, one in another process when they are stored. A log that nobody
//! writes to costs nothing.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use model::limits::log::{CHUNK_BYTES, CHUNK_EVERY_MS, FINISH_MAX_MS, LOOK_EVERY_MS, TAILS_MAX_BYTES};
use model::{MapIndex, NodeIdx, RunKey, TenantScope, TryNumber};
use object_store::ObjectStore;
use object_store::memory::InMemory;
use object_store::path::Path as ObjectPath;
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior};

use crate::live::{LiveLog, LiveLogs, News};
use crate::{BlobError, LogLevel, LogRecord, LogSource, blob, bucket, chunk};

mod reader;

pub use reader::LogReader;

/// How often a writer looks for the end of a log that others write too.
const WRITES_MAX: usize = 4;

/// Names the log of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LogKey {
    pub scope: TenantScope,
    pub run: RunKey,
    pub node: NodeIdx,
    pub map_index: MapIndex,
    pub try_number: TryNumber,
}

impl LogKey {
    pub(crate) fn path(&self) -> ObjectPath {
        let (node, index, try_number) = (self.node.0, self.map_index, self.try_number.0);
        ObjectPath::from(format!("{}/{node}/{index}/{try_number}", folder(self.scope, self.run)))
    }
}

/// Where the logs of a run are.
pub(crate) fn folder(scope: TenantScope, run: RunKey) -> ObjectPath {
    ObjectPath::from(format!("logs/{}/{}", scope.tenant().number(), run.uuid().simple()))
}

/// The logs of all tenants. Clones share them. In a process, a log is written by one caller at a time. When two processes
/// write the same, as one whose execution is lost may do, the lines of both are kept.
#[derive(Debug, Clone)]
pub struct LogStore(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    objects: Arc<dyn ObjectStore>,
    writers: Writers,
    live: LiveLogs,
    /// Bytes of all tails.
    waiting_bytes: AtomicUsize,
}

/// Where those are who write logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writers {
    /// In this process alone.
    Here,
    /// In other processes too, of which nothing is heard but what they store.
    Anywhere,
}

impl LogStore {
    /// Logs below a folder, which is made when it is missing and which no other process may use.
    pub fn in_folder(folder: &Path) -> Result<Self, BlobError> {
        Ok(Self::over(Arc::new(blob::open(folder)?), Writers::Here))
    }

    /// Logs below a folder, which is made when it is missing and which other processes may use too.
    pub fn in_shared_folder(folder: &Path) -> Result<Self, BlobError> {
        Ok(Self::over(Arc::new(blob::open(folder)?), Writers::Anywhere))
    }

    /// Logs in a bucket that speaks S3, below a prefix, for any number of processes; see [`crate::BlobStore::in_bucket`].
    pub fn in_bucket(bucket: &str, prefix: &str) -> Result<Self, BlobError> {
        Ok(Self::over(bucket::open(bucket, prefix)?, Writers::Anywhere))
    }

    /// Logs that end with the process.
    pub fn in_memory() -> Self {
        Self::over(Arc::new(InMemory::new()), Writers::Here)
    }

    pub(crate) fn over(objects: Arc<dyn ObjectStore>, writers: Writers) -> Self {
        Self(Arc::new(Shared { objects, writers, live: LiveLogs::default(), waiting_bytes: AtomicUsize::new(0) }))
    }

    /// Adds records, which readers and followers see when this returns. Waits for the object store when there are enough
    /// for a chunk; records that it cannot take are counted in a line of the log instead.
    pub async fn append(&self, key: LogKey, records: Vec<LogRecord>) {
        if records.is_empty() {
            return;
        }
        let log = self.0.live.find_or_begin(&key);
        log.is_written.store(true, Ordering::Relaxed);
        if let Err(error) = self.0.stored_before(&key, &log).await {
            tracing::warn!(%error, run = %key.run, "the end of a log cannot be found; its records are dropped");
            log.tail().lost += records.len();
            return;
        }
        let (is_enough, needs_timer) = {
            let mut tail = log.tail();
            let before = tail.bytes;
            let bytes = tail.push(records);
            let all = self.0.waiting_bytes.fetch_add(bytes - before, Ordering::Relaxed) + bytes - before;
            let is_enough = bytes >= CHUNK_BYTES || all > TAILS_MAX_BYTES;
            let needs_timer = !is_enough && !std::mem::replace(&mut tail.is_timed, true);
            (is_enough, needs_timer)
        };
        log.news.send_modify(|_| {});
        if is_enough {
            self.0.store_tail(&key, &log).await;
        } else if needs_timer {
            let shared = self.0.clone();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(CHUNK_EVERY_MS)).await;
                log.tail().is_timed = false;
                shared.store_tail(&key, &log).await;
            });
        }
    }

    /// The attempt says no more: stores what waits and ends its followers.
    pub async fn finish(&self, key: LogKey) {
        let Some(log) = self.0.live.find_written(&key) else { return };
        let limit = Duration::from_millis(FINISH_MAX_MS);
        if tokio::time::timeout(limit, self.0.store_tail(&key, &log)).await.is_err() {
            tracing::warn!(run = %key.run, "the object store is slow; the end of a log may be missing");
        }
        self.0.live.end(&key);
    }

    /// Reads a log as it stands, from record `skip` on, at most `limit` records.
    pub async fn reader(&self, key: LogKey, skip: usize, limit: usize) -> Result<LogReader, BlobError> {
        self.0.reader(&key, skip, limit).await
    }

    /// Follows a log from its first record on, whether it has begun or not.
    pub fn follow(&self, key: LogKey, skip: usize) -> LogFollow {
        let news = self.0.live.find_or_begin(&key).news.subscribe();
        let mut looks = tokio::time::interval(Duration::from_millis(LOOK_EVERY_MS));
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (shared, reading) = (self.0.clone(), Reading::New);
        LogFollow { shared, key, news: Some(news), looks, reading, told: skip, has_end: false }
    }
}

/// A log that is followed. Dropping it leaves nothing behind.
#[derive(Debug)]
pub struct LogFollow {
    shared: Arc<Shared>,
    key: LogKey,
    /// None once the log is known to be over.
    news: Option<watch::Receiver<News>>,
    /// When to look for what another process has stored.
    looks: Interval,
    reading: Reading,
    told: usize,
    /// It ends with what is stored, because nobody writes it any more.
    has_end: bool,
}

/// How far a follower is.
#[derive(Debug)]
enum Reading {
    /// It has not looked yet.
    New,
    /// It reads what was there when there was last something new.
    Part {
        reader: LogReader,
        /// Nothing came after that.
        is_last: bool,
    },
    /// It has told what there was.
    Told,
}

impl LogFollow {
    /// Ends when all that there is has been told, for a log that nobody will finish.
    pub fn end_after_stored(&mut self) {
        self.has_end = true;
    }

    /// How many records were told or skipped.
    pub fn told(&self) -> usize {
        self.told
    }

    /// Waits until there is something to read, or nothing more will come; holds no records meanwhile. May be dropped.
    pub async fn ready(&mut self) {
        while !self.has_end && matches!(self.reading, Reading::Told) {
            let Some(news) = &mut self.news else { return };
            // What is said from here on changes the news again.
            if news.borrow_and_update().is_ended || self.shared.has_more(&self.key, self.told) {
                return;
            }
            let may_be_elsewhere = self.shared.writers == Writers::Anywhere;
            tokio::select! {
                changed = news.changed() => if changed.is_err() { self.news = None },
                _ = self.looks.tick(), if may_be_elsewhere => {
                    if self.shared.has_stored_more(&self.key, self.told).await {
                        return;
                    }
                }
            }
        }
    }

    /// The next records, at most a chunk of them, and none where [`LogFollow::ready`] would wait; `None` when the attempt has
    /// ended and all was told.
    pub async fn read(&mut self) -> Option<Vec<LogRecord>> {
        match self.try_read().await {
            Ok(records) => records,
            Err(error) => {
                tracing::warn!(%error, run = %self.key.run, "a log that is followed cannot be read");
                None
            }
        }
    }

    async fn try_read(&mut self) -> Result<Option<Vec<LogRecord>>, BlobError> {
        if !matches!(self.reading, Reading::Part { .. }) {
            let is_last = self.has_end || self.news.as_mut().is_none_or(|news| news.borrow_and_update().is_ended);
            let reader = self.shared.reader(&self.key, self.told, usize::MAX).await?;
            self.reading = Reading::Part { reader, is_last };
        }
        let Reading::Part { reader, is_last } = &mut self.reading else { return Ok(Some(Vec::new())) };
        if let Some(records) = reader.next().await? {
            self.told += records.len();
            return Ok(Some(records));
        }
        let is_last = *is_last;
        self.reading = Reading::Told;
        Ok((!is_last).then(Vec::new))
    }
}

impl Drop for LogFollow {
    fn drop(&mut self) {
        self.news = None;
        self.shared.live.forget_if_idle(&self.key);
    }
}

impl Shared {
    /// How many records were stored before the log became live.
    async fn stored_before(&self, key: &LogKey, log: &LiveLog) -> Result<usize, BlobError> {
        let path = key.path();
        log.stored_before.get_or_try_init(|| chunk::count(&*self.objects, &path)).await.copied()
    }

    /// Stores the tail as one chunk.
    async fn store_tail(&self, key: &LogKey, log: &LiveLog) {
        let _one_at_a_time = log.writing.lock().await;
        let Some(&stored_before) = log.stored_before.get() else { return };
        let mut records = log.tail().records.clone();
        let Some(at) = records.first().map(|record| record.at) else { return };
        let taken = records.len();
        let lost = std::mem::take(&mut log.tail().lost);
        if lost > 0 {
            records.insert(0, gap(at, lost));
        }
        let written = self.write(key, log, stored_before, &records).await;
        let mut tail = log.tail();
        let bytes = tail.take_away(taken);
        self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
        match written {
            Ok(()) => tail.stored += records.len(),
            Err(error) => {
                tracing::warn!(%error, run = %key.run, records = taken, "a chunk of a log could not be stored");
                tail.lost += lost + taken;
            }
        }
    }

    /// Writes a chunk after all that are there. Another process may still write this log, though its execution is lost.
    async fn write(
        &self,
        key: &LogKey,
        log: &LiveLog,
        stored_before: usize,
        records: &[LogRecord],
    ) -> Result<(), BlobError> {
        for _ in 0..WRITES_MAX {
            let first = stored_before + log.tail().stored;
            failpoint::before("log::flush").map_err(injected)?;
            if chunk::write(&*self.objects, &key.path(), first, records).await? {
                failpoint::after("log::flush").map_err(injected)?;
                return Ok(());
            }
            let stored = chunk::count(&*self.objects, &key.path()).await?;
            log.tail().stored = stored.saturating_sub(stored_before);
        }
        Err(BlobError::Unavailable { detail: "other processes write the same log".to_owned() })
    }

    /// Whether a log that another process may write has more than `told` records stored.
    async fn has_stored_more(&self, key: &LogKey, told: usize) -> bool {
        match chunk::list(&*self.objects, &key.path()).await {
            Ok(chunks) => chunks.last().is_some_and(|(before, _)| *before >= told),
            Err(error) => {
                tracing::warn!(%error, run = %key.run, "a log that is followed cannot be listed");
                false
            }
        }
    }

    /// Whether a log that this process writes has more than `told` records.
    fn has_more(&self, key: &LogKey, told: usize) -> bool {
        self.live.find_written(key).is_some_and(|log| {
            let tail = log.tail();
            log.stored_before.get().is_some_and(|before| before + tail.stored + tail.records.len() > told)
        })
    }

    async fn reader(&self, key: &LogKey, skip: usize, limit: usize) -> Result<LogReader, BlobError> {
        // The tail is taken first: what is stored meanwhile is in it already.
        let tail = match self.live.find_written(key) {
            None => None,
            Some(log) => {
                let before = self.stored_before(key, &log).await?;
                let tail = log.tail();
                let begin = before + tail.stored;
                let wanted = tail.records.iter().skip(skip.saturating_sub(begin)).take(limit);
                Some((begin, begin + tail.records.len(), wanted.cloned().collect::<Vec<_>>()))
            }
        };
        let objects = self.objects.clone();
        match tail {
            Some((begin, end, tail)) if skip >= begin => Ok(LogReader::of_tail(objects, tail, skip, limit, end)),
            Some((begin, end, tail)) => {
                let mut chunks = chunk::list(&*self.objects, &key.path()).await?;
                chunks.retain(|(before, _)| *before < begin);
                Ok(LogReader::new(objects, chunks, tail, skip, limit, end))
            }
            None => {
                let chunks = chunk::list(&*self.objects, &key.path()).await?;
                let end = chunk::end(&*self.objects, &chunks).await?;
                Ok(LogReader::new(objects, chunks, Vec::new(), skip, limit, end))
            }
        }
    }
}

fn injected(error: failpoint::Injected) -> BlobError {
    BlobError::Unavailable { detail: error.to_string() }
}

/// The line that stands for records which were lost.
fn gap(at: Timestamp, lost: usize) -> LogRecord {
    let message = format!("{lost} lines of this log could not be stored");
    LogRecord { at, level: LogLevel::Warn, source: LogSource::Waft, message }
}

#[cfg(test)]
mod tests;
