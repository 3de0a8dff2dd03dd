//! Runs that processes share: what their owners commit, what others tell them, and how runs stand.

use async_trait::async_trait;
use futures::stream::BoxStream;
use jiff::Timestamp;
use model::outcome::{Answer, EmittedEvent, End, ResourcesUsed};
use model::{AttemptToken, Digest, Fence, InstanceKey, Key, RunKey, ShardId, TenantId, TenantScope, TryNumber};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgRow;
use store::{
    EventId, EventKind, EventRow, Execution, NamedValue, NewRun, Report, RunCommit, RunCommitted, RunNews,
    SharedCommit, SharedCommitError, SharedRunStore, StoreError, StoredValue, Wake,
};

use crate::commit::Whole;
use crate::rows::{self, Cells};
use crate::{PostgresStore, commit, wakes};

/// What waits for the owners of shards.
/// Called by `SharedRunStore::event_list`. Walks `event_by_shard`.
pub(crate) const LIST: &str = "
SELECT e.*
FROM unnest($1::integer[]) AS s (shard)
CROSS JOIN LATERAL (
    SELECT id, tenant_id, run_key, node, map_index, try_number, fence, report, kind, request
    FROM event
    WHERE event.shard = s.shard
    ORDER BY event.shard, event.id
    LIMIT $2) AS e
ORDER BY e.id
LIMIT $2";

/// How runs stand.
/// Called by `SharedRunStore::run_news`. Finds rows by the key of `dag_run_state`.
pub(crate) const NEWS: &str = "
SELECT s.run_key, s.state, s.result_available
FROM unnest($1::bigint[], $2::uuid[]) AS e (tenant_id, run_key)
JOIN dag_run_state AS s ON s.tenant_id = e.tenant_id AND s.run_key = e.run_key";

/// What somebody asks the owner of a run for; the owner is woken.
/// Called by `SharedRunStore::run_ask`. Finds the run by the key of `dag_run`; adds to the indexes of `event`.
pub(crate) const INSERT_ASKED: &str = "
WITH asked AS (
    INSERT INTO event (shard, tenant_id, run_key, kind, request)
    SELECT $1, r.tenant_id, r.key, 'asked', $4 FROM dag_run AS r WHERE r.tenant_id = $2 AND r.key = $3
    RETURNING id)
SELECT id, pg_notify('waft', $5)::text FROM asked";

/// A report as it stands in an event; its identity has columns of its own.
#[derive(Serialize, Deserialize)]
struct StoredReport {
    started_at: i64,
    ended_at: i64,
    end: End,
    used: ResourcesUsed,
    xcoms: Vec<StoredXcom>,
    has_value: bool,
    #[serde(default)]
    answer: Answer,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    asset_events: Vec<EmittedEvent>,
}

#[derive(Serialize, Deserialize)]
struct StoredXcom {
    key: Key,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    blob: Option<(Digest, u64)>,
}

/// The report of an event as text.
pub(crate) fn text_of(report: &Report) -> Result<String, StoreError> {
    let xcom = |xcom: &NamedValue| match &xcom.value {
        StoredValue::Inline(value) => {
            StoredXcom { key: xcom.key.clone(), value: Some(store::storable(value).into()), blob: None }
        }
        StoredValue::Blob { digest, size_bytes } => {
            StoredXcom { key: xcom.key.clone(), value: None, blob: Some((*digest, *size_bytes)) }
        }
    };
    let stored = StoredReport {
        started_at: report.execution.started_at.as_microsecond(),
        ended_at: report.execution.ended_at.as_microsecond(),
        end: report.execution.end.clone(),
        used: report.execution.used,
        xcoms: report.xcoms.iter().map(xcom).collect(),
        has_value: report.has_value,
        answer: report.answer.clone(),
        asset_events: report.asset_events.clone(),
    };
    let text = serde_json::to_string(&stored)
        .map_err(|error| StoreError::Unavailable { detail: format!("a report cannot be written: {error}") })?;
    Ok(store::storable(&text).into())
}

fn report_of(cells: &Cells<'_>, scope: TenantScope, run: RunKey) -> Result<Report, StoreError> {
    let corrupt = |error: &dyn std::fmt::Display| cells.corrupt("report", error);
    let stored: StoredReport = serde_json::from_str(cells.text("report")?).map_err(|error| corrupt(&error))?;
    let time = |micros| Timestamp::from_microsecond(micros).map_err(|error| corrupt(&error));
    let xcom = |xcom: StoredXcom| {
        let value = match (xcom.value, xcom.blob) {
            (Some(value), None) => StoredValue::Inline(value.into()),
            (None, Some((digest, size_bytes))) => StoredValue::Blob { digest, size_bytes },
            _ => return Err(cells.corrupt("report", "a value is neither here nor in a blob")),
        };
        Ok(NamedValue { key: xcom.key, value })
    };
    let instance = InstanceKey { run, node: cells.node()?, map_index: cells.map_index()? };
    Ok(Report {
        scope,
        token: AttemptToken {
            instance,
            try_number: TryNumber(cells.number("try_number")?),
            fence: Fence::from_row(cells.number("fence")?),
        },
        execution: Execution {
            started_at: time(stored.started_at)?,
            ended_at: time(stored.ended_at)?,
            end: stored.end,
            used: stored.used,
        },
        xcoms: stored.xcoms.into_iter().map(xcom).collect::<Result<_, _>>()?,
        has_value: stored.has_value,
        answer: stored.answer,
        asset_events: stored.asset_events,
    })
}

fn event(row: &PgRow) -> Result<EventRow, StoreError> {
    let cells = Cells::of(row, "event");
    // The owner of a shard does the work of its tenants; the rows establish which.
    let scope = TenantScope::assume(TenantId::from_row(cells.number("tenant_id")?));
    let run = RunKey::from_uuid(cells.uuid("run_key")?);
    let kind = if cells.text_opt("report")?.is_some() {
        EventKind::Reported(Box::new(report_of(&cells, scope, run)?))
    } else {
        match cells.text_opt("kind")?.as_deref() {
            None => EventKind::Look(run),
            Some("met") => EventKind::Met(run),
            Some("asked") => EventKind::Asked { run, request: cells.shared("request")? },
            Some(other) => return Err(cells.corrupt("kind", format_args!("{other:?} is no kind of event"))),
        }
    };
    Ok(EventRow { id: EventId(cells.number("id")?), scope, kind })
}

#[async_trait]
impl SharedRunStore for PostgresStore {
    async fn commit_shared(&self, shared: SharedCommit) -> Result<RunCommitted, SharedCommitError> {
        let SharedCommit { commit, ownership, known, offers, events, results } = shared;
        let whole = Whole { commit, owner: Some(ownership), known, offers, events, results, looks: Vec::new() };
        commit::commit(&self.writer, whole).await
    }

    async fn run_insert(&self, run: NewRun) -> Result<(), StoreError> {
        let looks = vec![(run.scope, run.key)];
        let commit = RunCommit { runs: vec![run], ..RunCommit::default() };
        match commit::commit(&self.writer, Whole { commit, looks, ..Whole::default() }).await {
            Ok(committed) => committed.duplicate_runs.first().map_or(Ok(()), |found| Err(found.conflict())),
            Err(SharedCommitError::Commit(store::CommitError::Store(error))) => Err(error),
            Err(error) => Err(StoreError::Unavailable { detail: error.to_string() }),
        }
    }

    async fn run_ask(&self, scope: TenantScope, run: RunKey, request: &str) -> Result<(), StoreError> {
        let shard = ShardId::of(scope.tenant());
        let query = sqlx::query(INSERT_ASKED).bind(shard.number()).bind(rows::tenant(scope)).bind(run.uuid());
        let query = query.bind(store::storable(request)).bind(wakes::event(std::iter::once(shard)));
        match self.session().await?.optional(query).await? {
            Some(_) => Ok(()),
            None => Err(StoreError::Conflict { what: "run", name: run.to_string(), why: "does not exist" }),
        }
    }

    async fn event_list(&self, shards: &[ShardId], limit: u32) -> Result<Vec<EventRow>, StoreError> {
        let shards: Vec<_> = shards.iter().map(|shard| shard.number()).collect();
        let query = sqlx::query(LIST).bind(shards).bind(i64::from(limit));
        self.session().await?.all(query).await?.iter().map(event).collect()
    }

    async fn run_news(&self, runs: &[(TenantScope, RunKey)]) -> Result<Vec<RunNews>, StoreError> {
        let tenants: Vec<_> = runs.iter().map(|(scope, _)| rows::tenant(*scope)).collect();
        let keys: Vec<_> = runs.iter().map(|(_, run)| run.uuid()).collect();
        let found = self.session().await?.all(sqlx::query(NEWS).bind(tenants).bind(keys)).await?;
        let news = |row: &PgRow| {
            let cells = Cells::of(row, "dag_run_state");
            let run = RunKey::from_uuid(cells.uuid("run_key")?);
            Ok(RunNews { run, state: cells.parsed("state")?, result: cells.flag_opt("result_available")? })
        };
        found.iter().map(news).collect()
    }

    fn wakes(&self) -> BoxStream<'static, Wake> {
        wakes::wakes(self.options.clone())
    }
}
