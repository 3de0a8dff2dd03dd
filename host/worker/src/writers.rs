//! Blobs that guests write, and the memory that this may take.
//!
//! Bytes go to the object store in parts; what gathers between two writes is bounded for each writer. An attempt takes room
//! for all its writers before the first one opens and gives it back after the last one has closed: it never waits for room
//! while it holds some, so that no two attempts can wait for each other.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use blobs::{BlobError, BlobStore, BlobWriter};
use bytes::Bytes;
use model::Digest;
use model::limits::value::{BLOB_MAX_BYTES, BLOB_WRITERS_PER_ATTEMPT_MAX};
use model::limits::worker::BLOB_BUFFERS_MAX_BYTES;
use sandbox::HostError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::attempt::Attempt;

/// Bytes that the writers of all attempts of this worker may hold.
#[derive(Debug, Clone)]
pub(crate) struct WritingRoom {
    free: Arc<Semaphore>,
    per_attempt: u32,
}

impl WritingRoom {
    pub(crate) fn new(blobs: &BlobStore) -> Self {
        Self::of(BLOB_BUFFERS_MAX_BYTES, blobs)
    }

    fn of(bytes: usize, blobs: &BlobStore) -> Self {
        let per_attempt = (BLOB_WRITERS_PER_ATTEMPT_MAX * blobs.writer_buffer_bytes()).min(bytes);
        Self { free: Arc::new(Semaphore::new(bytes)), per_attempt: u32::try_from(per_attempt).unwrap_or(u32::MAX) }
    }

    /// Waits for the room of one attempt; nothing once that has ended.
    async fn take(&self, attempt: &Attempt) -> Option<OwnedSemaphorePermit> {
        tokio::select! {
            room = self.free.clone().acquire_many_owned(self.per_attempt) => room.ok(),
            () = attempt.ended() => None,
        }
    }
}

/// The writers of one attempt.
#[derive(Debug, Default)]
pub(crate) struct Writers {
    open: HashMap<u32, BlobWriter>,
    /// Some while a writer is open.
    room: Option<OwnedSemaphorePermit>,
}

impl Attempt {
    /// Opens a writer, as soon as there is room.
    pub(crate) async fn create_writer(
        &self,
        blobs: &BlobStore,
        room: &WritingRoom,
        writer: u32,
    ) -> Result<(), HostError> {
        let mut writers = self.writers.lock().await;
        if writers.open.len() >= BLOB_WRITERS_PER_ATTEMPT_MAX {
            let message = format!("at most {BLOB_WRITERS_PER_ATTEMPT_MAX} blobs may be written at a time");
            return Err(HostError::QuotaExceeded(message));
        }
        if writers.room.is_none() {
            writers.room = Some(room.take(self).await.ok_or(HostError::Fenced)?);
        }
        match writers.open.entry(writer) {
            Entry::Occupied(_) => Err(HostError::Invalid("this writer is open already".to_owned())),
            Entry::Vacant(place) => {
                place.insert(blobs.writer(self.scope()));
                Ok(())
            }
        }
    }

    /// Adds bytes; a writer that cannot take them is closed.
    pub(crate) async fn write(&self, writer: u32, bytes: Bytes) -> Result<(), HostError> {
        let mut writers = self.writers.lock().await;
        let open = writers.open.get_mut(&writer).ok_or_else(not_open)?;
        let length = open.size() + bytes.len() as u64;
        if length > BLOB_MAX_BYTES {
            return Err(HostError::QuotaExceeded(format!(
                "the blob would have {length} bytes, at most {BLOB_MAX_BYTES} are possible"
            )));
        }
        if let Err(error) = open.write(bytes).await {
            if let Some(broken) = writers.close(writer) {
                broken.discard().await;
            }
            return Err(unavailable(&error));
        }
        Ok(())
    }

    /// Stores the blob, which the attempt may read from then on.
    pub(crate) async fn finish_writer(&self, writer: u32) -> Result<Digest, HostError> {
        let mut writers = self.writers.lock().await;
        let whole = writers.open.remove(&writer).ok_or_else(not_open)?;
        let stored = whole.finish().await;
        writers.leave_room();
        let digest = stored.map_err(|error| unavailable(&error))?;
        self.grant(digest);
        Ok(digest)
    }

    /// Closes a writer, if it is open.
    pub(crate) async fn discard_writer(&self, writer: u32) {
        let mut writers = self.writers.lock().await;
        if let Some(unwanted) = writers.close(writer) {
            unwanted.discard().await;
        }
    }
}

impl Writers {
    fn close(&mut self, writer: u32) -> Option<BlobWriter> {
        let closed = self.open.remove(&writer);
        self.leave_room();
        closed
    }

    fn leave_room(&mut self) {
        if self.open.is_empty() {
            self.room = None;
        }
    }
}

fn not_open() -> HostError {
    HostError::Invalid("this writer is not open".to_owned())
}

fn unavailable(error: &BlobError) -> HostError {
    HostError::Unavailable(error.to_string())
}

#[cfg(test)]
mod tests;
