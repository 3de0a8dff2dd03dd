//! The host behind a component's imports: thin calls that only change the names of types.

use std::fmt;

use crate::bindings::waft::task::{
    blobs, log as log_import, progress as progress_import, task_state, types, values, xcom,
};
use crate::error::HostError;
use crate::log::Level;

impl From<types::Error> for HostError {
    fn from(error: types::Error) -> Self {
        match error {
            types::Error::Invalid(why) => Self::Invalid(why),
            types::Error::QuotaExceeded(why) => Self::QuotaExceeded(why),
            types::Error::Denied(why) => Self::Denied(why),
            types::Error::Fenced => Self::Fenced,
            types::Error::Unavailable(why) => Self::Unavailable(why),
        }
    }
}

pub(crate) fn xcom_push(key: &str, json: String) -> Result<(), HostError> {
    Ok(xcom::push(key, &json)?)
}

pub(crate) fn xcom_pull(task_id: &str, map_index: i32, key: &str) -> Result<Option<String>, HostError> {
    Ok(xcom::pull(task_id, map_index, key)?)
}

pub(crate) fn state_get(key: &str) -> Result<Option<String>, HostError> {
    Ok(task_state::get(key)?)
}

pub(crate) fn state_set(key: &str, json: String, lifetime_ms: Option<u64>) -> Result<(), HostError> {
    Ok(task_state::set(key, &json, lifetime_ms)?)
}

pub(crate) fn state_delete(key: &str) -> Result<bool, HostError> {
    Ok(task_state::delete(key)?)
}

pub(crate) fn state_list(prefix: &str) -> Result<Vec<String>, HostError> {
    Ok(task_state::list(prefix)?)
}

pub(crate) fn log(level: Level, message: &str) {
    let level = match level {
        Level::Trace => log_import::Level::Trace,
        Level::Debug => log_import::Level::Debug,
        Level::Info => log_import::Level::Info,
        Level::Warn => log_import::Level::Warn,
        Level::Error => log_import::Level::Error,
    };
    log_import::write(level, message);
}

pub(crate) fn progress(done: u64, total: Option<u64>, message: &str) {
    progress_import::report(done, total, message);
}

pub(crate) struct SequenceHandle(values::Sequence);

impl SequenceHandle {
    pub(crate) fn open(id: u64) -> Result<Self, HostError> {
        Ok(Self(values::open(id)?))
    }

    pub(crate) fn len(&self) -> u64 {
        self.0.len()
    }

    pub(crate) fn get(&self, position: u64) -> Result<Option<String>, HostError> {
        Ok(self.0.get(position)?)
    }

    pub(crate) fn next(&self, max: u32) -> Result<Vec<String>, HostError> {
        Ok(self.0.next(max)?)
    }
}

pub(crate) struct BlobHandle(blobs::Reader);

impl BlobHandle {
    pub(crate) fn open(digest: &str) -> Result<Self, HostError> {
        Ok(Self(blobs::open(digest)?))
    }

    pub(crate) fn read(&self, offset: u64, max: u32) -> Result<Vec<u8>, HostError> {
        Ok(self.0.read(offset, max)?)
    }
}

impl fmt::Debug for BlobHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlobHandle")
    }
}

pub(crate) struct BlobWriterHandle(blobs::Writer);

impl BlobWriterHandle {
    pub(crate) fn new(media_type: &str) -> Self {
        Self(blobs::Writer::new(media_type))
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), HostError> {
        Ok(self.0.write(bytes)?)
    }

    pub(crate) fn finish(self) -> Result<String, HostError> {
        Ok(self.0.finish()?)
    }
}

impl fmt::Debug for BlobWriterHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlobWriterHandle")
    }
}
