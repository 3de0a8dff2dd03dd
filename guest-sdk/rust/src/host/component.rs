//! The host behind a component's imports: thin calls that only change the names of types.

use std::fmt;

use crate::bindings::waft::task::{
    assets, blobs, connections, dags, deferral, log as log_import, progress as progress_import, task_state, types,
    values, variables, xcom,
};
use crate::connections::Connection;
use crate::dags::{Run, RunRequest};
use crate::error::HostError;
use crate::log::Level;
use crate::wake::{WakeEvent, Woken};

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

pub(crate) fn variable_get(key: &str) -> Result<Option<String>, HostError> {
    Ok(variables::get(key)?)
}

pub(crate) fn connection_get(connection_id: &str) -> Result<Option<Connection>, HostError> {
    Ok(connections::get(connection_id)?.map(|found| Connection {
        conn_type: found.conn_type,
        description: found.description,
        host: found.host,
        login: found.login,
        password: found.password,
        schema: found.schema,
        port: found.port,
        extra: found.extra,
    }))
}

pub(crate) fn asset_emit(asset: &str, json: String) -> Result<(), HostError> {
    Ok(assets::emit(asset, &json)?)
}

pub(crate) fn run_trigger(dag_id: &str, request: RunRequest) -> Result<String, HostError> {
    let RunRequest { conf, run_id, logical_date_us, note } = request;
    Ok(dags::trigger(dag_id, &dags::RunRequest { conf, run_id, logical_date: logical_date_us, note })?)
}

pub(crate) fn run_status(dag_id: &str, run_id: &str) -> Result<Option<Run>, HostError> {
    Ok(dags::run(dag_id, run_id)?.map(|run| Run { state: run.state, results: run.results }))
}

pub(crate) fn woken_by() -> Option<Woken> {
    deferral::woken_by().map(|woken| {
        let event = match woken.on {
            types::WakeEvent::Until(time_us) => WakeEvent::Until(time_us),
            types::WakeEvent::Asset(name) => WakeEvent::Asset(name),
            types::WakeEvent::Signal(name) => WakeEvent::Signal(name),
            types::WakeEvent::DagRun(run) => WakeEvent::DagRun(run),
        };
        Woken { event, payload: woken.payload }
    })
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
