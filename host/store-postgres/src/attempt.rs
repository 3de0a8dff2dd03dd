//! Executions that have ended, for reading.

use model::outcome::ResourcesUsed;
use model::{Fence, InstanceKey, TenantScope, TryNumber, VersionKey};
use store::{AttemptRow, StoreError};

use crate::rows::{self, Cells};
use crate::session::Session;

/// Executions of an instance, oldest first.
/// Called by `RunReader::attempt_list`. Walks the table's key over the instance.
pub(crate) const LIST: &str = "
SELECT try_number, fence, version, started_at, ended_at, end_kind, message, wall_us, cpu_us, memory_bytes
FROM attempt
WHERE tenant_id = $1 AND run_key = $2 AND node = $3 AND map_index = $4
ORDER BY try_number, fence";

pub(crate) async fn list(
    session: &mut Session,
    scope: TenantScope,
    instance: InstanceKey,
) -> Result<Vec<AttemptRow>, StoreError> {
    let query = sqlx::query(LIST)
        .bind(rows::tenant(scope))
        .bind(instance.run.uuid())
        .bind(rows::narrow(instance.node.0))
        .bind(instance.map_index.number());
    let found = session.all(query).await?;
    let attempts = found.iter().map(|row| {
        let cells = Cells::of(row, "attempt");
        Ok(AttemptRow {
            instance,
            try_number: TryNumber(cells.number("try_number")?),
            fence: Fence::from_row(cells.number("fence")?),
            version: VersionKey::from_uuid(cells.uuid("version")?),
            started_at: cells.time("started_at")?,
            ended_at: cells.time("ended_at")?,
            end: cells.parsed("end_kind")?,
            message: cells.text_opt("message")?,
            used: ResourcesUsed {
                wall_us: cells.number("wall_us")?,
                cpu_us: cells.number("cpu_us")?,
                memory_bytes: cells.number("memory_bytes")?,
            },
        })
    });
    attempts.collect()
}
