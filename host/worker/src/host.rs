//! Answers what guests ask while they run. Who asks follows from the assignment: a guest names nobody but itself.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use blobs::BlobStore;
use clock::Clock;
use model::limits::value::{BLOB_PIECE_MAX_BYTES, SEQUENCE_PAGE_MAX_BYTES, STATE_VALUE_MAX_BYTES};
use model::limits::worker::OUTAGE_WAIT_MAX_MS;
use model::{Digest, Key, MapIndex, TaskId};
use sandbox::{HostError, HostPort, HostReply, HostRequest, HostValue};
use store::{ConnectionStore, StateStore, StoreError, ValueStore, VariableStore};

use crate::arguments::read_row;
use crate::attempt::Attempt;
use crate::attempts::Attempts;
use crate::run_port::{RunPort, RunPortError};
use crate::writers::WritingRoom;

/// How long a guest waits for a database that does not answer, instead of failing for what is not its fault.
const OUTAGE_WAIT_MAX: Duration = Duration::from_millis(OUTAGE_WAIT_MAX_MS);
/// Pause before the database is asked again, doubled up to [`REPEAT_PAUSE_MAX`].
const REPEAT_PAUSE: Duration = Duration::from_millis(20);
const REPEAT_PAUSE_MAX: Duration = Duration::from_secs(1);

/// The host side of all runners of this worker.
pub(crate) struct Host {
    pub(crate) attempts: Arc<Attempts>,
    pub(crate) values: Arc<dyn ValueStore>,
    pub(crate) states: Arc<dyn StateStore>,
    pub(crate) variables: Arc<dyn VariableStore>,
    pub(crate) connections: Arc<dyn ConnectionStore>,
    pub(crate) runs: Arc<dyn RunPort>,
    pub(crate) blobs: BlobStore,
    pub(crate) room: WritingRoom,
    pub(crate) clock: Arc<dyn Clock>,
}

#[async_trait]
impl HostPort for Host {
    async fn call(&self, assignment: u64, request: HostRequest) -> HostReply {
        if !is_repeatable(&request) {
            return self.answer(assignment, request).await;
        }
        let (since, mut pause) = (self.clock.monotonic(), REPEAT_PAUSE);
        loop {
            let answer = self.answer(assignment, request.clone()).await;
            let is_over = self.clock.monotonic() - since + pause > OUTAGE_WAIT_MAX;
            if is_over || !matches!(answer, Err(HostError::Unavailable(_))) {
                return answer;
            }
            self.clock.sleep(pause).await;
            pause = (pause * 2).min(REPEAT_PAUSE_MAX);
        }
    }
}

/// Whether the same request again does no more than once. What is under way of a blob is not.
fn is_repeatable(request: &HostRequest) -> bool {
    match request {
        HostRequest::XcomPull { .. }
        | HostRequest::SequencePage { .. }
        | HostRequest::SequenceGet { .. }
        | HostRequest::StateGet { .. }
        | HostRequest::StateSet { .. }
        | HostRequest::StateList { .. }
        | HostRequest::BlobOpen { .. }
        | HostRequest::BlobRead { .. }
        | HostRequest::VariableGet { .. }
        | HostRequest::ConnectionGet { .. }
        // Its id is given, or follows from the attempt.
        | HostRequest::RunTrigger(_)
        | HostRequest::RunStatus { .. } => true,
        // The second time nothing is there to delete, and the guest is told what was.
        HostRequest::StateDelete { .. }
        | HostRequest::BlobCreate { .. }
        | HostRequest::BlobWrite { .. }
        | HostRequest::BlobFinish { .. }
        | HostRequest::BlobDiscard { .. } => false,
    }
}

impl Host {
    async fn answer(&self, assignment: u64, request: HostRequest) -> HostReply {
        let attempt = self.attempts.get(assignment).ok_or(HostError::Fenced)?;
        match request {
            HostRequest::XcomPull { task_id, map_index, key } => {
                self.xcom_pull(&attempt, &task_id, map_index, &key).await
            }
            HostRequest::SequencePage { sequence, offset, max } => {
                self.sequence_page(&attempt, sequence, offset, max).await.map(HostValue::Page)
            }
            HostRequest::SequenceGet { sequence, position } => {
                let page = self.sequence_page(&attempt, sequence, position, 1).await?;
                Ok(HostValue::Json(page.into_iter().next()))
            }
            HostRequest::StateGet { key } => {
                let (scope, token) = (attempt.scope(), attempt.token());
                let value = self.states.state_fetch(scope, token, &key, self.clock.now()).await.map_err(refused)?;
                if let Some(text) = &value {
                    attempt.show(text);
                }
                Ok(HostValue::Json(value))
            }
            HostRequest::StateSet { key, value, ttl_ms } => {
                check_state(&attempt, &value)?;
                let ttl = ttl_ms.map(Duration::from_millis);
                let (scope, token) = (attempt.scope(), attempt.token());
                failpoint::before("host::state_put").map_err(injected)?;
                self.states.state_put(scope, token, &key, &value, ttl, self.clock.now()).await.map_err(refused)?;
                failpoint::after("host::state_put").map_err(injected)?;
                Ok(HostValue::Done)
            }
            HostRequest::StateDelete { key } => {
                let deleted = self.states.state_delete(attempt.scope(), attempt.token(), &key).await;
                deleted.map(HostValue::Flag).map_err(refused)
            }
            HostRequest::StateList { prefix } => {
                let now = self.clock.now();
                let keys = self.states.state_keys(attempt.scope(), attempt.token(), &prefix, now).await;
                keys.map(HostValue::Keys).map_err(refused)
            }
            HostRequest::BlobOpen { digest } => self.blob_open(&attempt, digest).await,
            HostRequest::BlobRead { digest, offset, max } => self.blob_read(&attempt, digest, offset, max).await,
            HostRequest::BlobCreate { writer, .. } => {
                attempt.create_writer(&self.blobs, &self.room, writer).await.map(|()| HostValue::Done)
            }
            HostRequest::BlobWrite { writer, bytes } => attempt.write(writer, bytes).await.map(|()| HostValue::Done),
            HostRequest::BlobFinish { writer } => attempt.finish_writer(writer).await.map(HostValue::Digest),
            HostRequest::BlobDiscard { writer } => {
                attempt.discard_writer(writer).await;
                Ok(HostValue::Done)
            }
            HostRequest::VariableGet { key } => self.variable(&attempt, &key).await,
            HostRequest::ConnectionGet { connection_id } => self.connection(&attempt, &connection_id).await,
            HostRequest::RunTrigger(request) => self.run_trigger(&attempt, *request).await,
            HostRequest::RunStatus { dag_id, run_id } => {
                let status = self.runs.status(attempt.scope(), &dag_id, &run_id).await.map_err(not_run)?;
                if let Some(results) = status.as_ref().and_then(|status| status.results.as_deref()) {
                    attempt.show(results);
                }
                Ok(HostValue::RunStatus(status))
            }
        }
    }

    /// A task reads what tasks upstream of it left, and nothing else of the run.
    async fn xcom_pull(&self, attempt: &Attempt, task_id: &TaskId, map_index: MapIndex, key: &Key) -> HostReply {
        let run = &attempt.claim.run;
        let denied = || HostError::Denied(format!("{task_id} is not upstream of this task"));
        if attempt.task().is_none() {
            return Err(denied());
        }
        let node = run.dag.find(task_id.as_str()).ok_or_else(denied)?;
        if !run.dag.is_upstream(node, attempt.token().instance.node) {
            return Err(denied());
        }
        let row = self.values.xcom_fetch(run.scope, run.key, node, map_index, key).await.map_err(refused)?;
        let Some(row) = row else { return Ok(HostValue::Json(None)) };
        let text = read_row(&self.blobs, run.scope, &row).await.map_err(HostError::Unavailable)?;
        attempt.show(&text);
        Ok(HostValue::Json(Some(text.to_string())))
    }

    async fn sequence_page(&self, attempt: &Attempt, id: u64, offset: u64, max: u32) -> Result<Vec<String>, HostError> {
        let sequence = attempt.sequence(id);
        let sequence = sequence.ok_or_else(|| HostError::Denied(format!("there is no sequence {id}")))?;
        let run = &attempt.claim.run;
        let rows = sequence.page(&*self.values, run, offset, max).await.map_err(refused)?;
        let (mut page, mut bytes) = (Vec::with_capacity(rows.len()), 0);
        for row in &rows {
            let text = read_row(&self.blobs, run.scope, row).await.map_err(HostError::Unavailable)?;
            bytes += text.len();
            if bytes > SEQUENCE_PAGE_MAX_BYTES && !page.is_empty() {
                break;
            }
            attempt.show(&text);
            page.push(text.to_string());
        }
        Ok(page)
    }

    async fn blob_open(&self, attempt: &Attempt, digest: Digest) -> HostReply {
        let unknown =
            || HostError::Denied(format!("{digest} is not among the blobs that this attempt was given or wrote"));
        if !attempt.may_read(digest) {
            return Err(unknown());
        }
        let size = self.blobs.size(attempt.scope(), digest).await.map_err(unavailable)?;
        size.map(HostValue::Size).ok_or_else(unknown)
    }

    async fn blob_read(&self, attempt: &Attempt, digest: Digest, offset: u64, max: u32) -> HostReply {
        if !attempt.may_read(digest) {
            return Err(HostError::Denied(format!("{digest} is not open")));
        }
        let max = u64::from(max).min(BLOB_PIECE_MAX_BYTES as u64);
        let bytes = self.blobs.get_range(attempt.scope(), digest, offset, max).await;
        bytes.map(HostValue::Bytes).map_err(unavailable)
    }
}

fn not_run(error: RunPortError) -> HostError {
    match error {
        RunPortError::Invalid(why) => HostError::Invalid(why),
        RunPortError::QuotaExceeded(why) => HostError::QuotaExceeded(why),
        RunPortError::Unavailable(why) => HostError::Unavailable(why),
    }
}

/// The child has checked size and text already; a guest that has taken it over has not.
fn check_state(attempt: &Attempt, value: &str) -> Result<(), HostError> {
    if value.len() > STATE_VALUE_MAX_BYTES {
        let bytes = value.len();
        let message = format!("a state value has at most {STATE_VALUE_MAX_BYTES} bytes; this one has {bytes}");
        return Err(HostError::QuotaExceeded(message));
    }
    model::json::check(value).map_err(|error| HostError::Invalid(error.to_string()))?;
    // What is read back later may be opened, by another attempt too.
    attempt.check_markers(value).map_err(|why| HostError::Denied(format!("the value {why}")))
}

fn unavailable(error: blobs::BlobError) -> HostError {
    HostError::Unavailable(error.to_string())
}

fn injected(error: failpoint::Injected) -> HostError {
    HostError::Unavailable(error.to_string())
}

fn refused(error: StoreError) -> HostError {
    match error {
        StoreError::StaleFence => HostError::Fenced,
        StoreError::LimitReached { .. } => HostError::QuotaExceeded(error.to_string()),
        error => HostError::Unavailable(error.to_string()),
    }
}

mod setting;
#[cfg(test)]
mod tests;
