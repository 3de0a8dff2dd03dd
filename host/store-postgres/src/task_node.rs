//! Tasks of a run, for reading.

use model::{NodeIdx, RunKey, TenantScope};
use store::{NodeRow, StoreError};

use crate::rows::{self, Cells};
use crate::session::Session;

/// Tasks of a run.
/// Called by `RunReader::node_list` and `RunStore::run_snapshot`. Walks the table's key over the run.
pub(crate) const LIST: &str = "
SELECT node, task_id, map_length, list_length
FROM task_node
WHERE tenant_id = $1 AND run_key = $2
ORDER BY node";

/// The length of a mapped task.
/// Called by `ValueStore::map_length`. Finds it by the table's key.
pub(crate) const MAP_LENGTH: &str =
    "SELECT map_length FROM task_node WHERE tenant_id = $1 AND run_key = $2 AND node = $3";

pub(crate) async fn list(session: &mut Session, scope: TenantScope, run: RunKey) -> Result<Vec<NodeRow>, StoreError> {
    let query = sqlx::query(LIST).bind(rows::tenant(scope)).bind(run.uuid());
    let found = session.all(query).await?;
    let nodes = found.iter().map(|row| {
        let cells = Cells::of(row, "task_node");
        Ok(NodeRow {
            node: cells.node()?,
            task_id: cells.parsed("task_id")?,
            map_length: cells.number_opt("map_length")?,
            list_length: cells.number_opt("list_length")?,
        })
    });
    nodes.collect()
}

pub(crate) async fn map_length(
    session: &mut Session,
    scope: TenantScope,
    run: RunKey,
    node: NodeIdx,
) -> Result<Option<u32>, StoreError> {
    let query = sqlx::query(MAP_LENGTH).bind(rows::tenant(scope)).bind(run.uuid()).bind(rows::narrow(node.0));
    let found = session.optional(query).await?;
    found.map_or(Ok(None), |row| Cells::of(&row, "task_node").number_opt("map_length"))
}
