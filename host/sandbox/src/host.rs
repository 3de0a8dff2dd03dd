//! What a guest may ask its host for while it runs.
//!
//! The child process turns calls of the WIT interfaces into a [`HostRequest`]; the parent hands it to the [`HostPort`] that the
//! worker gave. Who asks follows from the assignment alone: no request names a tenant, a run or an attempt.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use model::{ConnectionId, DagId, Digest, Key, MapIndex, RunId, RunState, TaskId};
use serde::{Deserialize, Serialize};

/// Answers the guests of one runner. Called from several tasks at a time, at most one call per assignment.
#[async_trait]
pub trait HostPort: Send + Sync + 'static {
    /// Answers one request of the attempt that `assignment` names. The attempt may have ended before the answer comes.
    async fn call(&self, assignment: u64, request: HostRequest) -> HostReply;
}

/// The answer to a request; the comment of each request says which value belongs to it.
pub type HostReply = Result<HostValue, HostError>;

/// One request of a guest. Sizes are within the limits when it arrives, contents are hostile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum HostRequest {
    /// → [`HostValue::Json`]
    XcomPull { task_id: TaskId, map_index: MapIndex, key: Key },
    /// The values from `offset` on: at most `max` and at most `limits::value::SEQUENCE_PAGE_MAX_BYTES`, at least one unless
    /// `offset` is past the end. → [`HostValue::Page`]
    SequencePage { sequence: u64, offset: u64, max: u32 },
    /// → [`HostValue::Json`]
    SequenceGet { sequence: u64, position: u64 },
    /// → [`HostValue::Json`]
    StateGet { key: Key },
    /// Durable when the answer comes. → [`HostValue::Done`]
    StateSet { key: Key, value: String, ttl_ms: Option<u64> },
    /// → [`HostValue::Flag`]: whether there was something to delete
    StateDelete { key: Key },
    /// Keys that start with `prefix`, sorted. → [`HostValue::Keys`]
    StateList { prefix: String },
    /// May this attempt read the blob, and how long is it? → [`HostValue::Size`]
    BlobOpen { digest: Digest },
    /// At most `max` bytes, fewer only at the end. → [`HostValue::Bytes`]
    BlobRead { digest: Digest, offset: u64, max: u32 },
    /// Begins a blob. `writer` is unique within the attempt. → [`HostValue::Done`]
    BlobCreate { writer: u32, media_type: String },
    /// → [`HostValue::Done`]
    BlobWrite { writer: u32, bytes: Bytes },
    /// Stores the blob and closes the writer. → [`HostValue::Digest`]
    BlobFinish { writer: u32 },
    /// Closes a writer that was not finished. The end of an attempt closes the rest. → [`HostValue::Done`]
    BlobDiscard { writer: u32 },
    /// → [`HostValue::Json`]
    VariableGet { key: Key },
    /// → [`HostValue::Connection`]
    ConnectionGet { connection_id: ConnectionId },
    /// Starts a run. → [`HostValue::Run`]
    RunTrigger(Box<RunRequest>),
    /// → [`HostValue::RunStatus`]
    RunStatus { dag_id: DagId, run_id: RunId },
}

/// A run that a guest wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRequest {
    pub dag_id: DagId,
    /// Text of a JSON object.
    pub conf: Option<String>,
    pub run_id: Option<RunId>,
    /// Which of the runs that the attempt starts; makes its id where the guest gives none.
    pub number: u32,
    #[serde(with = "jiff::fmt::serde::timestamp::microsecond::optional")]
    pub logical_date: Option<Timestamp>,
    pub note: Option<String>,
}

/// How a run stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunStatus {
    pub state: RunState,
    /// Text of a JSON object: the values of the result tasks.
    pub results: Option<String>,
}

/// How an outside service is reached. Never shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    pub conn_type: String,
    pub description: Option<String>,
    pub host: Option<String>,
    pub login: Option<String>,
    pub password: Option<String>,
    pub schema: Option<String>,
    pub port: Option<u16>,
    pub extra: Option<String>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("conn_type", &self.conn_type).finish_non_exhaustive()
    }
}

/// What a request is answered with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum HostValue {
    Json(Option<String>),
    Page(Vec<String>),
    Done,
    Flag(bool),
    Keys(Vec<String>),
    Size(u64),
    Bytes(Bytes),
    Digest(Digest),
    Connection(Option<Box<Connection>>),
    Run(RunId),
    RunStatus(Option<RunStatus>),
}

/// Why a request was refused; the guest sees it as the `error` of the contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum HostError {
    /// The request breaks a rule.
    #[error("invalid: {0}")]
    Invalid(String),
    /// A limit is reached; the text names the limit and both numbers.
    #[error("quota exceeded: {0}")]
    QuotaExceeded(String),
    /// This attempt may not see what it asked for.
    #[error("denied: {0}")]
    Denied(String),
    /// This attempt has lost its lease.
    #[error("fenced: another execution of this attempt has the lease")]
    Fenced,
    /// Not now; trying again may help.
    #[error("unavailable: {0}")]
    Unavailable(String),
}
