//! A log that is read chunk by chunk.

use std::collections::VecDeque;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::path::Path as ObjectPath;

use crate::{BlobError, LogRecord, chunk};

/// Part of a log as it stood when reading began. Holds the names of its chunks, and what was not stored yet.
#[derive(Debug)]
pub struct LogReader {
    objects: Arc<dyn ObjectStore>,
    /// How many records come before each, and its path.
    chunks: VecDeque<(usize, ObjectPath)>,
    /// The wanted part of it.
    tail: Vec<LogRecord>,
    /// The number of the record that is next.
    next: usize,
    /// The number of the record that is not wanted any more.
    until: usize,
    /// The log's records.
    len: usize,
}

impl LogReader {
    /// Of a log with `len` records. `tail` begins where the last chunk ends, or at `skip` if that is later.
    pub(super) fn new(
        objects: Arc<dyn ObjectStore>,
        chunks: Vec<(usize, ObjectPath)>,
        tail: Vec<LogRecord>,
        skip: usize,
        limit: usize,
        len: usize,
    ) -> Self {
        let mut chunks = VecDeque::from(chunks);
        chunks.drain(..chunks.partition_point(|(before, _)| *before <= skip).saturating_sub(1));
        let next = skip.min(len);
        Self { objects, chunks, tail, next, until: skip.saturating_add(limit).min(len), len }
    }

    /// Of a log of which only the tail is wanted.
    pub(super) fn of_tail(
        objects: Arc<dyn ObjectStore>,
        tail: Vec<LogRecord>,
        skip: usize,
        limit: usize,
        len: usize,
    ) -> Self {
        Self::new(objects, Vec::new(), tail, skip, limit, len)
    }

    /// How many records the log has.
    pub fn log_len(&self) -> usize {
        self.len
    }

    /// The number of the record after the last one that this reads.
    pub fn until(&self) -> usize {
        self.until
    }

    /// The next records, those of one chunk; none at the end. May be dropped while it waits.
    pub async fn next(&mut self) -> Result<Option<Vec<LogRecord>>, BlobError> {
        while self.next < self.until {
            let (mut records, before) = match self.chunks.front() {
                Some((before, path)) => (chunk::read(&*self.objects, path).await?, *before),
                None if self.tail.is_empty() => break,
                None => (std::mem::take(&mut self.tail), self.next),
            };
            self.chunks.pop_front();
            records.truncate(self.until.saturating_sub(before));
            records.drain(..records.len().min(self.next.saturating_sub(before)));
            if !records.is_empty() {
                self.next += records.len();
                return Ok(Some(records));
            }
        }
        Ok(None)
    }
}
