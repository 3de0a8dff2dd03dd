//! Claims: instances that local slots take.

use model::Fence;
use store::InstanceClaim;

use super::columns::{Columns, micros};
use super::step::{Blame, Changes, Source, Statement, Step};
use crate::rows::{narrow, tenant};

/// Instances that run from now on, where they are scheduled and were never claimed under this fence or a later one.
/// Called by `RunStore::commit`. Finds rows by the key of `task_instance`; locks them.
const UPDATE_INSTANCES: &str = "
UPDATE task_instance AS t
SET state = 'running', fence = e.fence, worker = e.worker, started_at = e.started_at, ended_at = NULL, retry_at = NULL,
    reason = NULL
FROM {rows}
WHERE t.tenant_id = e.tenant_id AND t.run_key = e.run_key AND t.node = e.node AND t.map_index = e.map_index
    AND t.state = 'scheduled' AND t.fence < e.fence";

pub(crate) const CLAIMS: Step = Step {
    source: Source::Arrays,
    columns: &[
        ("tenant_id", "bigint"),
        ("run_key", "uuid"),
        ("node", "integer"),
        ("map_index", "integer"),
        ("fence", "bigint"),
        ("worker", "uuid"),
        ("started_at", "bigint"),
    ],
    statements: &[Statement { name: "claim::UPDATE_INSTANCES", sql: UPDATE_INSTANCES, changes: Changes::One }],
    blame: Blame::Overtaken,
};

/// Without a fence no claim fits.
pub(crate) fn bind_claims(rows: &[InstanceClaim], fence: Option<Fence>, columns: &mut Columns) {
    let fence = fence.unwrap_or(Fence::NONE).number();
    columns.push(rows.iter().map(|it| tenant(it.scope)));
    columns.push(rows.iter().map(|it| it.instance.run.uuid()));
    columns.push(rows.iter().map(|it| narrow(it.instance.node.0)));
    columns.push(rows.iter().map(|it| it.instance.map_index.number()));
    columns.push(rows.iter().map(|_| fence));
    columns.push(rows.iter().map(|it| it.worker.uuid()));
    columns.push(rows.iter().map(|it| micros(it.at)));
}
