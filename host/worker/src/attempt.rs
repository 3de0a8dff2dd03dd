//! Attempts that this worker holds.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::BytesMut;
use model::{AttemptToken, Digest, Key, MapIndex, NodeIdx, TenantScope};
use store::Claim;

/// One execution that this worker holds. Its identity is fixed at the claim: no request of the guest can change it.
pub(crate) struct Attempt {
    pub(crate) claim: Claim,
    /// The sequences in its arguments, by the number in the marker.
    pub(crate) sequences: Vec<Sequence>,
    /// Process id of the runner that it was given to; 0 before.
    runner: AtomicU32,
    state: Mutex<AttemptState>,
}

/// A list of values that an attempt may read.
#[derive(Debug, Clone)]
pub(crate) struct Sequence {
    pub(crate) node: NodeIdx,
    pub(crate) key: Key,
    pub(crate) len: u64,
    /// Instances of the task; equal to `len` where every one left a value.
    pub(crate) instances: u64,
}

#[derive(Default)]
struct AttemptState {
    /// Blobs that it has been shown or has written itself.
    blobs: HashSet<Digest>,
    writers: HashMap<u32, BytesMut>,
    /// Where reading each sequence stopped: the next position and the map index before it.
    cursors: HashMap<u64, (u64, MapIndex)>,
}

impl Attempt {
    pub(crate) fn new(claim: Claim, sequences: Vec<Sequence>) -> Self {
        Self { claim, sequences, runner: AtomicU32::new(0), state: Mutex::default() }
    }

    pub(crate) fn scope(&self) -> TenantScope {
        self.claim.run.scope
    }

    pub(crate) fn token(&self) -> AttemptToken {
        self.claim.token
    }

    /// Lets it open every blob that a text it is shown names.
    pub(crate) fn show(&self, text: &str) {
        let blobs = model::json::blob_markers(text);
        if !blobs.is_empty() {
            self.state().blobs.extend(blobs.into_iter().map(|blob| blob.digest));
        }
    }

    pub(crate) fn grant(&self, blob: Digest) {
        self.state().blobs.insert(blob);
    }

    pub(crate) fn may_read(&self, blob: Digest) -> bool {
        self.state().blobs.contains(&blob)
    }

    pub(crate) fn cursor(&self, sequence: u64) -> Option<(u64, MapIndex)> {
        self.state().cursors.get(&sequence).copied()
    }

    pub(crate) fn set_cursor(&self, sequence: u64, position: u64, before: MapIndex) {
        self.state().cursors.insert(sequence, (position, before));
    }

    /// Opens a writer; false when too many are open.
    pub(crate) fn create_writer(&self, writer: u32, open_max: usize) -> bool {
        let mut state = self.state();
        if state.writers.len() >= open_max {
            return false;
        }
        state.writers.insert(writer, BytesMut::new());
        true
    }

    /// Appends; the length after it, or `None` when there is no such writer.
    pub(crate) fn write(&self, writer: u32, bytes: &[u8], max_bytes: u64) -> Option<Result<(), u64>> {
        let mut state = self.state();
        let buffer = state.writers.get_mut(&writer)?;
        let length = (buffer.len() + bytes.len()) as u64;
        if length > max_bytes {
            return Some(Err(length));
        }
        buffer.extend_from_slice(bytes);
        Some(Ok(()))
    }

    pub(crate) fn take_writer(&self, writer: u32) -> Option<BytesMut> {
        self.state().writers.remove(&writer)
    }

    fn state(&self) -> MutexGuard<'_, AttemptState> {
        self.state.lock().expect("no panic while the lock is held")
    }
}

/// All attempts of this worker by the number that its runners know them by.
#[derive(Default)]
pub(crate) struct Attempts {
    held: Mutex<HashMap<u64, Arc<Attempt>>>,
    last_id: AtomicU64,
}

impl Attempts {
    pub(crate) fn insert(&self, attempt: Attempt) -> (u64, Arc<Attempt>) {
        let id = self.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        let attempt = Arc::new(attempt);
        self.held().insert(id, attempt.clone());
        (id, attempt)
    }

    pub(crate) fn get(&self, id: u64) -> Option<Arc<Attempt>> {
        self.held().get(&id).cloned()
    }

    pub(crate) fn remove(&self, id: u64) -> Option<Arc<Attempt>> {
        self.held().remove(&id)
    }

    /// Notes which runner gets these attempts, before it does.
    pub(crate) fn give_to(&self, ids: &[u64], runner: u32) {
        let held = self.held();
        ids.iter().filter_map(|id| held.get(id)).for_each(|attempt| attempt.runner.store(runner, Ordering::SeqCst));
    }

    /// The attempts that a runner was given and that have not ended.
    pub(crate) fn of_runner(&self, runner: u32) -> Vec<u64> {
        let held = self.held();
        held.iter().filter(|(_, it)| it.runner.load(Ordering::SeqCst) == runner).map(|(id, _)| *id).collect()
    }

    /// The numbers of these attempts.
    pub(crate) fn find(&self, tokens: &[AttemptToken]) -> Vec<u64> {
        let held = self.held();
        held.iter().filter(|(_, attempt)| tokens.contains(&attempt.token())).map(|(id, _)| *id).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.held().len()
    }

    fn held(&self) -> MutexGuard<'_, HashMap<u64, Arc<Attempt>>> {
        self.held.lock().expect("no panic while the lock is held")
    }
}
