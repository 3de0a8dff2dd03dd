//! Starting runs.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use model::json::{Limits, blob_markers, find_marker, find_wide_integer};
use model::limits::http::IDEMPOTENCY_KEY_MAX_BYTES;
use model::limits::run::{CONF_MAX_BYTES, NOTE_MAX_CHARS};
use model::{DagId, Digest, Problem, Problems, RunId, RunKey, RunState, RunType, TenantScope};
use scheduler::{NewTrigger, TriggerError};
use serde_json::{Map, Value, json};
use store::{IdempotencyKey, RunRow};

use crate::event_log::About;
use crate::{Code, Control, DagRunView, DagVersion, Error, Session};

/// A run that somebody wants.
#[derive(Debug, Clone)]
pub struct TriggerRequest {
    pub dag_id: DagId,
    /// Made up where it is left out.
    pub run_id: Option<RunId>,
    /// JSON object; members with names of parameters are their values.
    pub conf: Option<Arc<str>>,
    pub note: Option<String>,
    pub logical_date: Option<Timestamp>,
    pub data_interval: Option<(Timestamp, Timestamp)>,
    /// Now where it is left out.
    pub run_after: Option<Timestamp>,
    /// The same request under the same key makes one run, however often it comes.
    pub idempotency_key: Option<String>,
}

impl TriggerRequest {
    /// A run of a DAG about which nothing more is said.
    pub fn of(dag_id: DagId) -> Self {
        Self {
            dag_id,
            run_id: None,
            conf: None,
            note: None,
            logical_date: None,
            data_interval: None,
            run_after: None,
            idempotency_key: None,
        }
    }

    /// What tells this request from another one under the same key.
    fn digest(&self) -> Digest {
        let Self { dag_id, run_id, conf, note, logical_date, data_interval, run_after, idempotency_key: _ } = self;
        let time = |at: &Timestamp| at.as_microsecond();
        let parts = json!([
            dag_id.as_str(),
            run_id.as_ref().map(RunId::as_str),
            conf.as_deref(),
            note,
            logical_date.as_ref().map(time),
            data_interval.as_ref().map(|(from, to)| [time(from), time(to)]),
            run_after.as_ref().map(time),
        ]);
        Digest::of(parts.to_string().as_bytes())
    }
}

/// A run that may be started, or one that the same request has started before.
pub(crate) enum Prepared {
    New(Box<NewTrigger>, Arc<DagVersion>),
    Known(Box<DagRunView>),
}

/// What is recorded about who triggers through the API; Airflow's word.
const TRIGGERED_BY: &str = "rest_api";
const NO_CONF: &str = "{}";
/// Where the conf stands in what is sent.
const CONF: &str = "conf";
/// A longer conf is compared with the parameters' schemas apart from the threads that answer.
const RESOLVED_AT_ONCE_MAX_BYTES: usize = 16 << 10;
const SUFFIX_LENGTH: usize = 8;
const SUFFIX_ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

impl Control {
    /// Starts a run; returns when it is durable.
    pub async fn dag_run_trigger(&self, session: &Session, request: TriggerRequest) -> Result<DagRunView, Error> {
        match self.prepare(session.scope(), request).await? {
            Prepared::New(trigger, version) => self.start_for(session, *trigger, version).await,
            Prepared::Known(run) => Ok(*run),
        }
    }

    /// Everything that can be wrong is found here; nothing is written.
    pub(crate) async fn prepare(&self, scope: TenantScope, request: TriggerRequest) -> Result<Prepared, Error> {
        let idempotency = idempotency(&request)?;
        if let Some(idempotency) = &idempotency
            && let Some(run) = self.run_of_request(scope, &request.dag_id, idempotency).await?
        {
            return Ok(Prepared::Known(Box::new(run)));
        }
        let dag = self.dag_row(scope, &request.dag_id).await?;
        if dag.is_stale {
            let message = format!("bundle {:?} no longer defines DAG {:?}", dag.bundle.as_str(), dag.dag_id.as_str());
            return Err(Error::new(Code::DagIsStale, message).hint("deploy a bundle that defines it"));
        }
        let version = self.dag_versions.of_row(scope, dag.current)?;
        let now = self.clock.now();
        check_request(&request)?;
        let conf = request.conf.unwrap_or_else(|| NO_CONF.into());
        let members = self.check_conf(scope, &conf, CONF).await?;
        let resolving = version.clone();
        let is_large = conf.len() > RESOLVED_AT_ONCE_MAX_BYTES;
        let resolved = if is_large {
            // Takes long enough to hold up others.
            let resolve = tokio::task::spawn_blocking(move || resolving.params.resolve(&members, CONF));
            resolve.await.map_err(Error::internal)?
        } else {
            resolving.params.resolve(&members, CONF)
        };
        let params = resolved.map_err(|problems| {
            Error::new(Code::InvalidParams, format!("the parameters do not fit DAG {:?}", request.dag_id.as_str()))
                .problems(problems)
        })?;
        let trigger = NewTrigger {
            key: RunKey::from_uuid(self.ids.uuid()),
            run_id: request.run_id.unwrap_or_else(|| self.new_run_id(now)),
            version: version.version.clone(),
            run_type: RunType::Manual,
            conf,
            params: if params.is_empty() { NO_CONF.into() } else { Value::Object(params).to_string().into() },
            note: request.note,
            triggered_by: TRIGGERED_BY.to_owned(),
            logical_date: request.logical_date,
            data_interval: request.data_interval,
            run_after: request.run_after.unwrap_or(now),
            is_latest: true,
            parent: None,
            backfill: None,
            idempotency,
            log: None,
        };
        Ok(Prepared::New(Box::new(trigger), version))
    }

    /// The run that the same request has made before. Another request under the same key is an error.
    async fn run_of_request(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        idempotency: &IdempotencyKey,
    ) -> Result<Option<DagRunView>, Error> {
        let Some(known) = self.runs.run_of_request(scope, dag_id, &idempotency.key).await? else { return Ok(None) };
        if known.digest != idempotency.digest {
            let message = format!(
                "the Idempotency-Key {:?} belongs to another request, which made run {:?}",
                idempotency.key,
                known.run_id.as_str()
            );
            return Err(Error::new(Code::KeyReused, message).hint("send another key with another request"));
        }
        self.dag_run_find(scope, dag_id, &known.run_id).await.map(Some)
    }

    /// Commits a prepared run that somebody wants.
    pub(crate) async fn start_for(
        &self,
        session: &Session,
        mut trigger: NewTrigger,
        version: Arc<DagVersion>,
    ) -> Result<DagRunView, Error> {
        let about = About { dag_id: Some(&version.row.dag_id), run_id: Some(&trigger.run_id), task_id: None };
        trigger.log = Some(self.entry(session, "trigger", about, &json!({"note": trigger.note})));
        self.start(trigger, version).await
    }

    /// Commits a prepared run.
    pub(crate) async fn start(&self, trigger: NewTrigger, version: Arc<DagVersion>) -> Result<DagRunView, Error> {
        let now = self.clock.now();
        let row = RunRow {
            scope: version.version.scope,
            key: trigger.key,
            dag_id: version.row.dag_id.clone(),
            run_id: trigger.run_id.clone(),
            version: version.row.key,
            version_number: version.row.version_number,
            bundle: version.row.bundle.clone(),
            run_type: trigger.run_type,
            state: RunState::Queued,
            reason: None,
            conf: trigger.conf.clone(),
            params: trigger.params.clone(),
            note: trigger.note.clone(),
            triggered_by: trigger.triggered_by.clone(),
            logical_date: trigger.logical_date,
            data_interval: trigger.data_interval,
            run_after: trigger.run_after,
            queued_at: now,
            started_at: None,
            ended_at: None,
            clears: 0,
            is_latest: trigger.is_latest,
            variables: NO_CONF.into(),
            parent: trigger.parent,
            backfill: trigger.backfill,
        };
        let idempotency = trigger.idempotency.clone();
        if let Err(error) = self.scheduling.trigger(trigger).await {
            let is_duplicate = matches!(
                error,
                TriggerError::Duplicate(_) | TriggerError::DuplicateDate(_) | TriggerError::DuplicateRequest(_)
            );
            // The same request may have come twice at the same time.
            if let Some(idempotency) = idempotency.filter(|_| is_duplicate)
                && let Some(run) = self.run_of_request(row.scope, &row.dag_id, &idempotency).await?
            {
                return Ok(run);
            }
            return Err(trigger_error(error));
        }
        Ok(DagRunView { row, version, tasks: Vec::new() })
    }

    /// The members of a conf that is valid and whose blobs are there; it stands in `member` of what was sent.
    pub(crate) async fn check_conf(
        &self,
        scope: TenantScope,
        conf: &str,
        member: &str,
    ) -> Result<Map<String, Value>, Error> {
        let invalid = |problem: Problem| {
            let problem = Problem { path: format!("/{member}{}", problem.path), ..problem };
            Error::new(Code::InvalidConf, "the conf is not valid").problems(vec![problem])
        };
        if conf == NO_CONF {
            return Ok(Map::new());
        }
        let limits = Limits { bytes: CONF_MAX_BYTES, ..Limits::VALUE };
        let value = model::json::parse(conf, limits).map_err(|error| invalid(error.into()))?;
        if let Some(error) = find_wide_integer(conf).or_else(|| find_marker(conf)) {
            return Err(invalid(error.into()));
        }
        let Value::Object(members) = value else {
            return Err(invalid(Problem::error("not-an-object", "", "conf is a JSON object; write {\"name\": value}")));
        };
        let mut blobs: Vec<_> = blob_markers(conf).into_iter().map(|blob| (blob.digest, blob.size)).collect();
        blobs.sort_unstable();
        blobs.dedup();
        let mut problems = Problems::default();
        for (digest, size) in blobs {
            self.check_blob(scope, digest, size, member, &mut problems).await?;
        }
        if problems.is_empty() {
            Ok(members)
        } else {
            let message = "the conf names blobs that are not here";
            Err(Error::new(Code::InvalidConf, message)
                .hint("upload each with PUT /api/v2/blobs/{digest} first")
                .problems(problems.into_list()))
        }
    }

    /// Checks a value that somebody gives a task: its size and depth, and that the blobs that it names are there.
    pub(crate) async fn check_value(&self, scope: TenantScope, text: &str) -> Result<(), Error> {
        let invalid = |problem: Problem| {
            let problem = Problem { path: format!("/value{}", problem.path), ..problem };
            Error::new(Code::InvalidRequest, "the value is not valid").problems(vec![problem])
        };
        model::json::check(text).map_err(|error| invalid(error.into()))?;
        if let Some(error) = find_marker(text) {
            return Err(invalid(error.into()));
        }
        let mut problems = Problems::default();
        for blob in blob_markers(text) {
            self.check_blob(scope, blob.digest, blob.size, "value", &mut problems).await?;
        }
        if problems.is_empty() {
            return Ok(());
        }
        let hint = "upload each with PUT /api/v2/blobs/{digest} first";
        Err(Error::new(Code::InvalidRequest, "the value names blobs that are not here")
            .hint(hint)
            .problems(problems.into_list()))
    }

    async fn check_blob(
        &self,
        scope: TenantScope,
        digest: Digest,
        size: u64,
        member: &str,
        problems: &mut Problems,
    ) -> Result<(), Error> {
        let at = format!("/{member}");
        match self.blobs.size(scope, digest).await? {
            Some(found) if found == size => {}
            Some(found) => {
                let message = format!("the blob {digest} has {found} bytes, its marker says {size}");
                problems.error("wrong-blob-size", at, message);
            }
            None => problems.error("unknown-blob", at, format!("there is no blob {digest}; upload it first")),
        }
        Ok(())
    }

    /// `manual__2026-01-01T00:00:00.000000+00:00_k3v9x2ab`: sorts by time, and two of one microsecond differ.
    fn new_run_id(&self, now: Timestamp) -> RunId {
        let mut random = [0; SUFFIX_LENGTH];
        self.rng.fill(&mut random);
        let suffix: String = random.iter().map(|byte| char::from(SUFFIX_ALPHABET[usize::from(byte % 32)])).collect();
        let time = now.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string();
        RunId::new(format!("manual__{time}_{suffix}")).expect("a time and letters follow the grammar")
    }
}

fn check_request(request: &TriggerRequest) -> Result<(), Error> {
    let mut problems = Problems::default();
    if request.note.as_ref().is_some_and(|note| note.chars().count() > NOTE_MAX_CHARS) {
        problems.error("too-long", "/note", format!("a note has at most {NOTE_MAX_CHARS} characters"));
    }
    if request.data_interval.is_some_and(|(start, end)| start > end) {
        problems.error("invalid-interval", "/data_interval_end", "the data interval ends before it starts");
    }
    if problems.is_empty() {
        return Ok(());
    }
    Err(Error::new(Code::InvalidRequest, "the run cannot be triggered like this").problems(problems.into_list()))
}

fn idempotency(request: &TriggerRequest) -> Result<Option<IdempotencyKey>, Error> {
    let Some(key) = &request.idempotency_key else { return Ok(None) };
    if key.is_empty() || key.len() > IDEMPOTENCY_KEY_MAX_BYTES || key.chars().any(char::is_control) {
        let message =
            format!("an Idempotency-Key has 1 to {IDEMPOTENCY_KEY_MAX_BYTES} bytes and no control characters");
        return Err(Error::new(Code::InvalidRequest, message));
    }
    Ok(Some(IdempotencyKey { key: key.as_str().into(), digest: request.digest() }))
}

fn trigger_error(error: TriggerError) -> Error {
    match error {
        TriggerError::Duplicate(_) => Error::new(Code::RunExists, error.to_string()),
        TriggerError::DuplicateDate(_) => Error::new(Code::DateTaken, error.to_string()),
        TriggerError::DuplicateRequest(_) => Error::new(Code::KeyReused, error.to_string()),
        TriggerError::TooDeep { .. } => Error::new(Code::LimitReached, error.to_string()),
        TriggerError::Length(_) => Error::new(Code::NotMappable, error.to_string()),
        TriggerError::Overloaded { .. } => Error::new(Code::Overloaded, error.to_string()),
        TriggerError::NotOwner => Error::new(Code::Unavailable, error.to_string()).hint("try again in a moment"),
        TriggerError::Stopping => Error::new(Code::Stopping, error.to_string()),
        TriggerError::Store(error) => error.into(),
    }
}
