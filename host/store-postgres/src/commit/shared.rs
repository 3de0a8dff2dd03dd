//! The part of a commit that other processes have to do with: instances for their workers, events that are dealt with or made,
//! results that became known.

use model::{Fence, RunKey, ShardId, TenantScope};
use store::{EventId, Offer, ResultChange};

use super::columns::Columns;
use super::step::{Blame, Changes, Source, Statement, Step};
use crate::rows::{narrow, tenant};

/// Instances that any worker may take, where they are scheduled and were never claimed under this fence or a later one.
/// Called by `SharedRunStore::commit_shared`. Finds rows by the key of `task_instance`, locks them, adds to the indexes of `work`.
const INSERT_WORK: &str = "
WITH offered AS (
    UPDATE task_instance AS t
    SET state = 'queued', fence = e.fence, worker = NULL, started_at = NULL, ended_at = NULL, retry_at = NULL, reason = NULL
    FROM {rows}
    WHERE t.tenant_id = e.tenant_id AND t.run_key = e.run_key AND t.node = e.node AND t.map_index = e.map_index
        AND t.state = 'scheduled' AND t.fence < e.fence
    RETURNING e.*)
INSERT INTO work (tenant_id, run_key, node, map_index, try_number, fence, shard, suspect)
SELECT tenant_id, run_key, node, map_index, try_number, fence, shard, suspect
FROM offered";

pub(crate) const OFFERS: Step = Step {
    source: Source::Arrays,
    columns: &[
        ("tenant_id", "bigint"),
        ("run_key", "uuid"),
        ("node", "integer"),
        ("map_index", "integer"),
        ("try_number", "integer"),
        ("fence", "bigint"),
        ("shard", "integer"),
        ("suspect", "boolean"),
    ],
    statements: &[Statement { name: "shared::INSERT_WORK", sql: INSERT_WORK, changes: Changes::One }],
    blame: Blame::Overtaken,
};

pub(crate) fn bind_offers(rows: &[Offer], fence: Option<Fence>, columns: &mut Columns) {
    let fence = fence.unwrap_or(Fence::NONE).number();
    columns.push(rows.iter().map(|it| tenant(it.scope)));
    columns.push(rows.iter().map(|it| it.instance.run.uuid()));
    columns.push(rows.iter().map(|it| narrow(it.instance.node.0)));
    columns.push(rows.iter().map(|it| it.instance.map_index.number()));
    columns.push(rows.iter().map(|it| narrow(it.try_number.0)));
    columns.push(rows.iter().map(|_| fence));
    columns.push(rows.iter().map(|it| ShardId::of(it.scope.tenant()).number()));
    columns.push(rows.iter().map(|it| it.suspect));
}

/// Events that the commit deals with.
/// Called by `SharedRunStore::commit_shared`. Finds rows by the key of `event`.
const DELETE_EVENTS: &str = "
DELETE FROM event AS v
USING {rows}
WHERE v.id = e.id AND v.tenant_id = e.tenant_id";

pub(crate) const EVENTS: Step = Step {
    source: Source::Arrays,
    columns: &[("tenant_id", "bigint"), ("id", "bigint")],
    statements: &[Statement { name: "shared::DELETE_EVENTS", sql: DELETE_EVENTS, changes: Changes::Any }],
    blame: Blame::Overtaken,
};

pub(crate) fn bind_events(rows: &[(TenantScope, EventId)], columns: &mut Columns) {
    columns.push(rows.iter().map(|(scope, _)| tenant(*scope)));
    columns.push(rows.iter().map(|(_, id)| id.0));
}

/// Results that became known.
/// Called by `SharedRunStore::commit_shared`. Finds rows by the key of `dag_run_state`; locks them.
const UPDATE_RESULTS: &str = "
UPDATE dag_run_state AS s
SET result_available = e.is_available
FROM {rows}
WHERE s.tenant_id = e.tenant_id AND s.run_key = e.run_key";

pub(crate) const RESULTS: Step = Step {
    source: Source::Arrays,
    columns: &[("tenant_id", "bigint"), ("run_key", "uuid"), ("is_available", "boolean")],
    statements: &[Statement { name: "shared::UPDATE_RESULTS", sql: UPDATE_RESULTS, changes: Changes::Any }],
    blame: Blame::Overtaken,
};

pub(crate) fn bind_results(rows: &[ResultChange], columns: &mut Columns) {
    columns.push(rows.iter().map(|it| tenant(it.scope)));
    columns.push(rows.iter().map(|it| it.run.uuid()));
    columns.push(rows.iter().map(|it| it.is_available));
}

/// Shards that a server does not own, or not since that epoch, or not now because its lease is over.
/// Called by `SharedRunStore::commit_shared` when rows were not as it expects. Finds rows by the keys of `shard` and `server`.
pub(crate) const NOT_OWNED: &str = "
SELECT e.shard
FROM unnest($1::integer[]) AS e (shard)
WHERE NOT EXISTS (SELECT 1 FROM shard AS s JOIN server AS v ON v.id = s.owner
    WHERE s.shard = e.shard AND s.owner = $2 AND s.epoch <= $3 AND NOT v.is_gone AND v.lease_until > clock_timestamp())
ORDER BY e.shard";

/// Tells the owners of runs to read them.
/// Called by `SharedRunStore::run_insert`. Adds to the indexes of `event`.
const INSERT_LOOKS: &str = "
INSERT INTO event (shard, tenant_id, run_key)
SELECT e.shard, e.tenant_id, e.run_key
FROM {rows}";

pub(crate) const LOOKS: Step = Step {
    source: Source::Arrays,
    columns: &[("shard", "integer"), ("tenant_id", "bigint"), ("run_key", "uuid")],
    statements: &[Statement { name: "shared::INSERT_LOOKS", sql: INSERT_LOOKS, changes: Changes::Any }],
    blame: Blame::Overtaken,
};

pub(crate) fn bind_looks(rows: &[(TenantScope, RunKey)], columns: &mut Columns) {
    columns.push(rows.iter().map(|(scope, _)| ShardId::of(scope.tenant()).number()));
    columns.push(rows.iter().map(|(scope, _)| tenant(*scope)));
    columns.push(rows.iter().map(|(_, run)| run.uuid()));
}
