//! Logs of attempts: written in chunks, read whole, followed live.
//!
//! A log is open from its first record until [`LogStore::finish`]. Records gather in memory and become a chunk at 64 KiB, a
//! quarter of a second after the first of them, or at the end. An attempt that says nothing costs nothing. Chunks are not synced to
//! the disk one by one: a power loss may cost the last of them, never an earlier part.

use std::collections::HashMap;
use std::path::Path as FilePath;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt;
use jiff::Timestamp;
use model::{MapIndex, NodeIdx, RunKey, TenantScope, TryNumber};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tracing::warn;

use crate::BlobError;
use crate::blob::local;

const CHUNK_BYTES: usize = 64 << 10;
const CHUNK_PAUSE: Duration = Duration::from_millis(250);
/// Batches that a follower may be behind before it reads from the chunks again.
const FOLLOW_BATCHES: usize = 64;

/// Names the log of one try of one instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LogKey {
    pub scope: TenantScope,
    pub run: RunKey,
    pub node: NodeIdx,
    pub map_index: MapIndex,
    pub try_number: TryNumber,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRecord {
    #[serde(rename = "t", with = "jiff::fmt::serde::timestamp::microsecond::required")]
    pub at: Timestamp,
    #[serde(rename = "s")]
    pub source: LogSource,
    #[serde(rename = "l")]
    pub level: LogLevel,
    /// What was said, as it was said: whoever shows it escapes it.
    #[serde(rename = "m")]
    pub message: String,
}

/// Who said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogSource {
    Stdout,
    Stderr,
    /// The guest, through the log interface.
    Log,
    /// Waft itself.
    Waft,
}

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// Logs of all tenants. Cheap to clone.
#[derive(Clone)]
pub struct LogStore(Arc<Inner>);

struct Inner {
    objects: Arc<dyn ObjectStore>,
    open: Mutex<HashMap<LogKey, OpenLog>>,
}

/// A log that grows or is followed.
struct OpenLog {
    /// Records that are in no chunk yet.
    buffer: Vec<LogRecord>,
    buffer_bytes: usize,
    /// Names the chunks of this opening, after those of earlier ones.
    opened_at: Option<Timestamp>,
    chunks: u32,
    /// What the last of `chunks` will hold, while it is being written.
    writing: Option<Arc<Vec<LogRecord>>>,
    /// Held while a chunk is written, so that chunks come one after another.
    gate: Arc<tokio::sync::Mutex<()>>,
    live: broadcast::Sender<Arc<[LogRecord]>>,
}

/// What a log holds at one moment, and what is said after it.
struct Snapshot {
    /// Path of the last chunk that is written, where the log is open.
    last_chunk: Option<Path>,
    in_memory: Vec<LogRecord>,
}

impl LogStore {
    /// Logs in a folder, which is made if need be.
    pub fn in_folder(folder: &FilePath) -> Result<Self, BlobError> {
        Ok(Self::over(Arc::new(local(folder)?)))
    }

    /// Logs in memory, for tests.
    pub fn in_memory() -> Self {
        Self::over(Arc::new(InMemory::new()))
    }

    fn over(objects: Arc<dyn ObjectStore>) -> Self {
        Self(Arc::new(Inner { objects, open: Mutex::default() }))
    }

    /// Adds records. Never fails: a chunk that cannot be written is lost, which is logged, for a task must not wait for its log.
    pub async fn append(&self, key: LogKey, records: Vec<LogRecord>) {
        let Some(first) = records.first() else { return };
        let (is_first, is_full) = {
            let mut open = self.open();
            let log = open.entry(key).or_insert_with(OpenLog::new);
            log.opened_at.get_or_insert(first.at);
            let is_first = log.buffer.is_empty();
            log.buffer_bytes += records.iter().map(|record| record.message.len() + 48).sum::<usize>();
            if log.live.receiver_count() > 0 {
                // Followers that have gone meanwhile miss nothing.
                let _ = log.live.send(records.clone().into());
            }
            log.buffer.extend(records);
            (is_first, log.buffer_bytes >= CHUNK_BYTES)
        };
        if is_full {
            self.write_chunk(key).await;
        } else if is_first {
            let logs = self.clone();
            tokio::spawn(async move {
                tokio::time::sleep(CHUNK_PAUSE).await;
                logs.write_chunk(key).await;
            });
        }
    }

    /// Writes what is left and tells followers that this was all. Costs nothing for an attempt that said nothing.
    pub async fn finish(&self, key: LogKey) {
        if !self.open().contains_key(&key) {
            return;
        }
        self.write_chunk(key).await;
        self.open().remove(&key);
    }

    /// The records from `skip` on, at most `limit`.
    pub async fn read(&self, key: LogKey, skip: usize, limit: usize) -> Result<Vec<LogRecord>, BlobError> {
        let snapshot = self.open().get(&key).map(|log| log.snapshot(key));
        let records = self.records(key, snapshot).await?;
        Ok(records.into_iter().skip(skip).take(limit).collect())
    }

    /// Follows a log from its first record.
    pub async fn follow(&self, key: LogKey) -> Result<LogFollow, BlobError> {
        let (live, snapshot) = self.subscribe(key);
        let mut follow = LogFollow { logs: self.clone(), key, pending: Vec::new(), seen: 0, live: Some(live) };
        follow.pending = self.records(key, Some(snapshot)).await?;
        follow.seen = follow.pending.len();
        Ok(follow)
    }

    /// What there is now, and a receiver of what comes after it: nothing twice, nothing missed.
    fn subscribe(&self, key: LogKey) -> (broadcast::Receiver<Arc<[LogRecord]>>, Snapshot) {
        let mut open = self.open();
        let log = open.entry(key).or_insert_with(OpenLog::new);
        (log.live.subscribe(), log.snapshot(key))
    }

    async fn write_chunk(&self, key: LogKey) {
        let Some(gate) = self.open().get(&key).map(|log| log.gate.clone()) else { return };
        let _gate = gate.lock().await;
        let (records, path) = {
            let mut open = self.open();
            let Some(log) = open.get_mut(&key).filter(|log| !log.buffer.is_empty()) else { return };
            let records = Arc::new(std::mem::take(&mut log.buffer));
            log.buffer_bytes = 0;
            log.chunks += 1;
            log.writing = Some(records.clone());
            (records, chunk_path(key, log.opened_at, log.chunks))
        };
        let mut text = Vec::with_capacity(CHUNK_BYTES + 4096);
        for record in records.iter() {
            serde_json::to_writer(&mut text, record).expect("a record is JSON");
            text.push(b'\n');
        }
        if let Err(error) = self.0.objects.put(&path, Bytes::from(text).into()).await {
            warn!(run = %key.run, %error, records = records.len(), "a piece of a log is lost");
        }
        if let Some(log) = self.open().get_mut(&key) {
            log.writing = None;
        }
    }

    /// The chunks of all openings, then what is in memory.
    async fn records(&self, key: LogKey, snapshot: Option<Snapshot>) -> Result<Vec<LogRecord>, BlobError> {
        let listed = self.0.objects.list(Some(&prefix(key))).map_ok(|meta| meta.location);
        let mut paths: Vec<Path> = listed.try_collect().await?;
        paths.sort();
        let last_chunk = snapshot.as_ref().and_then(|snapshot| snapshot.last_chunk.clone());
        let mut records = Vec::new();
        for path in paths.into_iter().filter(|path| last_chunk.as_ref().is_none_or(|last| path <= last)) {
            let bytes = self.0.objects.get(&path).await?.bytes().await?;
            records.extend(bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()));
        }
        records.extend(snapshot.map(|snapshot| snapshot.in_memory).unwrap_or_default());
        Ok(records)
    }

    fn open(&self) -> MutexGuard<'_, HashMap<LogKey, OpenLog>> {
        self.0.open.lock().expect("no panic while the lock is held")
    }
}

impl OpenLog {
    fn new() -> Self {
        let live = broadcast::channel(FOLLOW_BATCHES).0;
        Self {
            buffer: Vec::new(),
            buffer_bytes: 0,
            opened_at: None,
            chunks: 0,
            writing: None,
            gate: Arc::default(),
            live,
        }
    }

    fn snapshot(&self, key: LogKey) -> Snapshot {
        let written = self.chunks - u32::from(self.writing.is_some());
        let last_chunk = self.opened_at.map(|at| chunk_path(key, Some(at), written));
        let writing = self.writing.iter().flat_map(|records| records.iter());
        Snapshot { last_chunk, in_memory: writing.chain(&self.buffer).cloned().collect() }
    }
}

/// Follows one log.
pub struct LogFollow {
    logs: LogStore,
    key: LogKey,
    pending: Vec<LogRecord>,
    /// Records that were given out or are pending.
    seen: usize,
    live: Option<broadcast::Receiver<Arc<[LogRecord]>>>,
}

impl LogFollow {
    /// The next records; `None` when the log is finished.
    pub async fn next(&mut self) -> Option<Vec<LogRecord>> {
        loop {
            if !self.pending.is_empty() {
                return Some(std::mem::take(&mut self.pending));
            }
            let live = self.live.as_mut()?;
            match live.recv().await {
                Ok(records) => {
                    self.seen += records.len();
                    self.pending = records.to_vec();
                }
                Err(RecvError::Closed) => self.live = None,
                Err(RecvError::Lagged(_)) => {
                    let (live, snapshot) = self.logs.subscribe(self.key);
                    self.live = Some(live);
                    let records = self.logs.records(self.key, Some(snapshot)).await.ok()?;
                    self.pending = records.into_iter().skip(self.seen).collect();
                    self.seen += self.pending.len();
                }
            }
        }
    }

    /// Gives what there is and then ends: nobody writes this log any more.
    pub fn end_after_stored(&mut self) {
        self.live = None;
    }
}

impl Drop for LogFollow {
    fn drop(&mut self) {
        self.live = None;
        let mut open = self.logs.open();
        if open.get(&self.key).is_some_and(|log| log.opened_at.is_none() && log.live.receiver_count() == 0) {
            open.remove(&self.key);
        }
    }
}

fn prefix(key: LogKey) -> Path {
    let LogKey { scope, run, node, map_index, try_number } = key;
    let parts = [
        "logs".to_owned(),
        scope.tenant().number().to_string(),
        run.uuid().simple().to_string(),
        node.0.to_string(),
        map_index.number().to_string(),
        try_number.0.to_string(),
    ];
    Path::from_iter(parts)
}

fn chunk_path(key: LogKey, opened_at: Option<Timestamp>, chunk: u32) -> Path {
    let opened_at = opened_at.map_or(0, Timestamp::as_microsecond);
    prefix(key).join(format!("{opened_at:020}-{chunk:06}"))
}

#[cfg(test)]
mod tests {
    use model::TenantId;
    use uuid::Uuid;

    use super::*;

    fn key() -> LogKey {
        LogKey {
            scope: TenantScope::assume(TenantId::DEFAULT),
            run: RunKey::from_uuid(Uuid::from_u128(1)),
            node: NodeIdx(0),
            map_index: MapIndex::NONE,
            try_number: TryNumber(1),
        }
    }

    fn record(message: &str) -> LogRecord {
        let at = Timestamp::from_second(1_767_225_600).expect("a valid time");
        LogRecord { at, source: LogSource::Stdout, level: LogLevel::Info, message: message.to_owned() }
    }

    fn messages(records: &[LogRecord]) -> Vec<&str> {
        records.iter().map(|record| record.message.as_str()).collect()
    }

    #[tokio::test]
    async fn records_come_back_in_order_whether_in_memory_or_in_chunks() {
        let logs = LogStore::in_memory();
        logs.append(key(), vec![record("a"), record("b")]).await;
        assert_eq!(messages(&logs.read(key(), 0, 10).await.expect("read")), ["a", "b"]);
        logs.append(key(), vec![record(&"x".repeat(CHUNK_BYTES))]).await;
        logs.append(key(), vec![record("c")]).await;
        assert_eq!(messages(&logs.read(key(), 3, 10).await.expect("read")), ["c"]);
        logs.finish(key()).await;
        assert_eq!(messages(&logs.read(key(), 1, 1).await.expect("read")), ["b"]);
        assert_eq!(logs.read(key(), 0, 10).await.expect("read").len(), 4);
    }

    #[tokio::test]
    async fn a_follower_sees_what_was_said_before_and_after_it_came_and_then_the_end() {
        let logs = LogStore::in_memory();
        logs.append(key(), vec![record("before")]).await;
        let mut follow = logs.follow(key()).await.expect("follows");
        assert_eq!(messages(&follow.next().await.expect("records")), ["before"]);
        logs.append(key(), vec![record("after")]).await;
        assert_eq!(messages(&follow.next().await.expect("records")), ["after"]);
        logs.finish(key()).await;
        assert_eq!(follow.next().await, None);
    }

    #[tokio::test]
    async fn a_follower_that_falls_behind_misses_nothing() {
        let logs = LogStore::in_memory();
        let mut follow = logs.follow(key()).await.expect("follows");
        let all: Vec<_> = (0..FOLLOW_BATCHES * 3).map(|n| n.to_string()).collect();
        for message in &all {
            logs.append(key(), vec![record(message)]).await;
        }
        logs.finish(key()).await;
        let mut seen = Vec::new();
        while let Some(records) = follow.next().await {
            seen.extend(records.into_iter().map(|record| record.message));
        }
        assert_eq!(seen, all);
    }

    #[tokio::test]
    async fn following_an_attempt_that_says_nothing_leaves_nothing_behind() {
        let logs = LogStore::in_memory();
        drop(logs.follow(key()).await.expect("follows"));
        assert!(logs.open().is_empty());
    }
}
