//! The host of a unit test: one per thread, in memory. [`crate::testing`] looks at it from outside.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use crate::error::HostError;
use crate::log::Level;
use crate::testing::{LogLine, Progress};

/// Everything that the task under test did, and what it may find.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) pushed: BTreeMap<String, String>,
    pub(crate) upstream: HashMap<(String, i32, String), String>,
    pub(crate) state: BTreeMap<String, String>,
    pub(crate) logs: Vec<LogLine>,
    pub(crate) progress: Option<Progress>,
    pub(crate) sequences: Vec<Rc<[String]>>,
    pub(crate) blobs: HashMap<String, Rc<[u8]>>,
}

thread_local! {
    pub(crate) static MEMORY: RefCell<Memory> = RefCell::default();
}

pub(crate) fn with<R>(change: impl FnOnce(&mut Memory) -> R) -> R {
    MEMORY.with_borrow_mut(change)
}

pub(crate) fn xcom_push(key: &str, json: String) -> Result<(), HostError> {
    if key == "return_value" {
        return Err(HostError::Invalid("`return_value` is what the body returns".to_owned()));
    }
    with(|memory| memory.pushed.insert(key.to_owned(), json));
    Ok(())
}

pub(crate) fn xcom_pull(task_id: &str, map_index: i32, key: &str) -> Result<Option<String>, HostError> {
    Ok(with(|memory| memory.upstream.get(&(task_id.to_owned(), map_index, key.to_owned())).cloned()))
}

pub(crate) fn state_get(key: &str) -> Result<Option<String>, HostError> {
    Ok(with(|memory| memory.state.get(key).cloned()))
}

/// Time stands still in a unit test, so nothing expires.
pub(crate) fn state_set(key: &str, json: String, _lifetime_ms: Option<u64>) -> Result<(), HostError> {
    with(|memory| memory.state.insert(key.to_owned(), json));
    Ok(())
}

pub(crate) fn state_delete(key: &str) -> Result<bool, HostError> {
    Ok(with(|memory| memory.state.remove(key).is_some()))
}

pub(crate) fn state_list(prefix: &str) -> Result<Vec<String>, HostError> {
    Ok(with(|memory| memory.state.keys().filter(|key| key.starts_with(prefix)).cloned().collect()))
}

pub(crate) fn log(level: Level, message: &str) {
    with(|memory| memory.logs.push(LogLine { level, message: message.to_owned() }));
}

pub(crate) fn progress(done: u64, total: Option<u64>, message: &str) {
    with(|memory| memory.progress = Some(Progress { done, total, message: message.to_owned() }));
}

pub(crate) struct SequenceHandle {
    values: Rc<[String]>,
    cursor: std::cell::Cell<usize>,
}

impl SequenceHandle {
    pub(crate) fn open(id: u64) -> Result<Self, HostError> {
        let values = with(|memory| memory.sequences.get(id as usize).cloned());
        let values = values.ok_or_else(|| HostError::Denied(format!("no sequence {id} stands in the arguments")))?;
        Ok(Self { values, cursor: 0.into() })
    }

    pub(crate) fn len(&self) -> u64 {
        self.values.len() as u64
    }

    pub(crate) fn get(&self, position: u64) -> Result<Option<String>, HostError> {
        Ok(self.values.get(position as usize).cloned())
    }

    pub(crate) fn next(&self, max: u32) -> Result<Vec<String>, HostError> {
        let from = self.cursor.get();
        let to = self.values.len().min(from + max as usize);
        self.cursor.set(to);
        Ok(self.values[from..to].to_vec())
    }
}

#[derive(Debug)]
pub(crate) struct BlobHandle(Rc<[u8]>);

impl BlobHandle {
    pub(crate) fn open(digest: &str) -> Result<Self, HostError> {
        let bytes = with(|memory| memory.blobs.get(digest).cloned());
        bytes.map(Self).ok_or_else(|| HostError::Denied(format!("no blob {digest} stands in the arguments")))
    }

    pub(crate) fn read(&self, offset: u64, max: u32) -> Result<Vec<u8>, HostError> {
        let from = self.0.len().min(offset as usize);
        let to = self.0.len().min(from + max as usize);
        Ok(self.0[from..to].to_vec())
    }
}

#[derive(Debug)]
pub(crate) struct BlobWriterHandle(Vec<u8>);

impl BlobWriterHandle {
    pub(crate) fn new(_media_type: &str) -> Self {
        Self(Vec::new())
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), HostError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<String, HostError> {
        Ok(with(|memory| memory.keep_blob(self.0)))
    }
}

impl Memory {
    /// The digest of the double only tells blobs apart; it is not the SHA-256 of the bytes.
    pub(crate) fn keep_blob(&mut self, bytes: Vec<u8>) -> String {
        let digest = format!("sha256:{:064x}", self.blobs.len());
        self.blobs.insert(digest.clone(), bytes.into());
        digest
    }
}
