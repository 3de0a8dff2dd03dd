//! The host of a unit test: one per thread, in memory. [`crate::testing`] looks at it from outside.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use crate::connections::Connection;
use crate::dags::{Run, RunRequest};
use crate::error::HostError;
use crate::log::Level;
use crate::testing::{LogLine, Progress};
use crate::wake::Woken;

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
    pub(crate) variables: HashMap<String, String>,
    pub(crate) connections: HashMap<String, Connection>,
    pub(crate) emitted: Vec<(String, String)>,
    pub(crate) runs: HashMap<(String, String), Run>,
    pub(crate) started: Vec<(String, RunRequest)>,
    pub(crate) woken: Option<Woken>,
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

pub(crate) fn variable_get(key: &str) -> Result<Option<String>, HostError> {
    Ok(with(|memory| memory.variables.get(key).cloned()))
}

pub(crate) fn connection_get(connection_id: &str) -> Result<Option<Connection>, HostError> {
    Ok(with(|memory| memory.connections.get(connection_id).cloned()))
}

/// Takes any asset: a body that is called directly has no task with outlets.
pub(crate) fn asset_emit(asset: &str, json: String) -> Result<(), HostError> {
    if !json.starts_with('{') {
        return Err(HostError::Invalid("extra is a JSON object".to_owned()));
    }
    with(|memory| memory.emitted.push((asset.to_owned(), json)));
    Ok(())
}

/// Counts runs from 1 in the order of the DAGs' requests; the same request again is the same run.
pub(crate) fn run_trigger(dag_id: &str, request: RunRequest) -> Result<String, HostError> {
    with(|memory| {
        let wanted = (dag_id.to_owned(), request);
        let known = memory.started.iter().position(|started| *started == wanted);
        let number = known.unwrap_or(memory.started.len()) + 1;
        let run_id = wanted.1.run_id.clone().unwrap_or_else(|| format!("run__{number}"));
        if known.is_none() {
            memory.started.push(wanted);
            let running = Run { state: "running".to_owned(), results: None };
            memory.runs.entry((dag_id.to_owned(), run_id.clone())).or_insert(running);
        }
        Ok(run_id)
    })
}

pub(crate) fn run_status(dag_id: &str, run_id: &str) -> Result<Option<Run>, HostError> {
    Ok(with(|memory| memory.runs.get(&(dag_id.to_owned(), run_id.to_owned())).cloned()))
}

pub(crate) fn woken_by() -> Option<Woken> {
    with(|memory| memory.woken.clone())
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
