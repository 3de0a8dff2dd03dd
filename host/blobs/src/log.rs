//! Logs of attempts: `logs/{tenant}/{run}/{node}/{map index}/{try}/{records before}`.
//!
//! Records wait in memory until there are enough for a chunk, until the first of them has waited long enough, or until the
//! attempt ends. A reader sees them at once. A log that nobody writes to costs nothing.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use model::limits::log::{CHUNK_BYTES, CHUNK_EVERY_MS, FINISH_MAX_MS, TAILS_MAX_BYTES};
use model::{MapIndex, NodeIdx, RunKey, TenantScope, TryNumber};
use object_store::ObjectStore;
use object_store::memory::InMemory;
use object_store::path::Path as ObjectPath;
use tokio::sync::watch;

use crate::live::{LiveLog, LiveLogs, News};
use crate::{BlobError, LogLevel, LogRecord, LogSource, blob, chunk};

mod reader;

pub use reader::LogReader;

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
        let (tenant, run) = (self.scope.tenant().number(), self.run.uuid().simple());
        let (node, index, try_number) = (self.node.0, self.map_index, self.try_number.0);
        ObjectPath::from(format!("logs/{tenant}/{run}/{node}/{index}/{try_number}"))
    }
}

/// The logs of all tenants. Clones share them. A log is written by one caller at a time, and by one process.
#[derive(Debug, Clone)]
pub struct LogStore(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    objects: Arc<dyn ObjectStore>,
    live: LiveLogs,
    /// Bytes of all tails.
    waiting_bytes: AtomicUsize,
}

impl LogStore {
    /// Logs below a folder, which is made when it is missing.
    pub fn in_folder(folder: &Path) -> Result<Self, BlobError> {
        Ok(Self::over(Arc::new(blob::open(folder)?)))
    }

    /// Logs that end with the process.
    pub fn in_memory() -> Self {
        Self::over(Arc::new(InMemory::new()))
    }

    fn over(objects: Arc<dyn ObjectStore>) -> Self {
        Self(Arc::new(Shared { objects, live: LiveLogs::default(), waiting_bytes: AtomicUsize::new(0) }))
    }

    /// Adds records, which readers and followers see when this returns. Waits for the object store when there are enough
    /// for a chunk; records that it cannot take are counted in a line of the log instead.
    pub async fn append(&self, key: LogKey, records: Vec<LogRecord>) {
        if records.is_empty() {
            return;
        }
        let log = self.0.live.find_or_begin(&key);
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
        let Some(log) = self.0.live.find(&key) else { return };
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
    pub async fn follow(&self, key: LogKey) -> Result<LogFollow, BlobError> {
        let log = self.0.live.find_or_begin(&key);
        let news = log.news.subscribe();
        self.0.stored_before(&key, &log).await?;
        Ok(LogFollow { shared: self.0.clone(), key, news: Some(news), reader: None, told: 0, has_end: false })
    }
}

/// A log that is followed. Dropping it leaves nothing behind.
#[derive(Debug)]
pub struct LogFollow {
    shared: Arc<Shared>,
    key: LogKey,
    /// None once the log is known to be over.
    news: Option<watch::Receiver<News>>,
    /// What was there when there was last something new.
    reader: Option<LogReader>,
    told: usize,
    /// It ends with what is stored, because nobody writes it any more.
    has_end: bool,
}

impl LogFollow {
    /// Ends when all that there is has been told, for a log that nobody will finish.
    pub fn end_after_stored(&mut self) {
        self.has_end = true;
    }

    /// Waits until there is something to read, or nothing more will come; holds no records meanwhile. May be dropped.
    pub async fn ready(&mut self) {
        while !self.has_end && self.reader.is_none() {
            let Some(news) = &mut self.news else { return };
            // What is said from here on changes the news again.
            if news.borrow_and_update().is_ended || self.shared.has_more(&self.key, self.told) {
                return;
            }
            if news.changed().await.is_err() {
                self.news = None;
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
        let is_over = self.has_end || self.news.as_mut().is_none_or(|news| news.borrow_and_update().is_ended);
        let reader = match &mut self.reader {
            Some(reader) => reader,
            None => self.reader.insert(self.shared.reader(&self.key, self.told, usize::MAX).await?),
        };
        if let Some(records) = reader.next().await? {
            self.told += records.len();
            return Ok(Some(records));
        }
        self.reader = None;
        Ok((!is_over).then(Vec::new))
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
        let count = log.stored_before.get_or_try_init(|| async {
            match chunk::list(&*self.objects, &key.path()).await?.pop() {
                None => Ok(0),
                Some((before, path)) => Ok(before + chunk::read(&*self.objects, &path).await?.len()),
            }
        });
        count.await.copied()
    }

    /// Stores the tail as one chunk.
    async fn store_tail(&self, key: &LogKey, log: &LiveLog) {
        let _one_at_a_time = log.writing.lock().await;
        let Some(&stored_before) = log.stored_before.get() else { return };
        let (first, mut records) = {
            let tail = log.tail();
            (stored_before + tail.stored, tail.records.clone())
        };
        let Some(at) = records.first().map(|record| record.at) else { return };
        let taken = records.len();
        let lost = std::mem::take(&mut log.tail().lost);
        if lost > 0 {
            records.insert(0, gap(at, lost));
        }
        let written = chunk::write(&*self.objects, &key.path(), first, &records).await;
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

    /// Whether a log that is live has more than `told` records.
    fn has_more(&self, key: &LogKey, told: usize) -> bool {
        self.live.find(key).is_some_and(|log| {
            let tail = log.tail();
            log.stored_before.get().is_some_and(|before| before + tail.stored + tail.records.len() > told)
        })
    }

    async fn reader(&self, key: &LogKey, skip: usize, limit: usize) -> Result<LogReader, BlobError> {
        // The tail is taken first: what is stored meanwhile is in it already.
        let tail = match self.live.find(key) {
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
                let end = match chunks.last() {
                    None => 0,
                    Some((before, path)) => before + chunk::read(&*self.objects, path).await?.len(),
                };
                Ok(LogReader::new(objects, chunks, Vec::new(), skip, limit, end))
            }
        }
    }
}

/// The line that stands for records which were lost.
fn gap(at: Timestamp, lost: usize) -> LogRecord {
    let message = format!("{lost} lines of this log could not be stored");
    LogRecord { at, level: LogLevel::Warn, source: LogSource::Waft, message }
}

#[cfg(test)]
mod tests;
