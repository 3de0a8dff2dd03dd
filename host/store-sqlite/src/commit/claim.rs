//! Claims: instances that local slots take.

use model::{Fence, RunKey};
use store::{InstanceClaim, RunCommit, StoreError};

use super::batch::Batch;
use super::json::{hex, micros, tenant};
use super::kind::Kind;

/// Instances that run from now on, where they are scheduled and were never claimed under this fence or a later one.
/// Called by `RunStore::commit`. Finds rows by the key of `task_instance`.
pub(crate) const UPDATE_INSTANCES: &str = "
UPDATE task_instance AS t
SET state = 'running', fence = e.fence, worker = e.worker, started_at = e.started_at, ended_at = NULL, retry_at = NULL,
    reason = NULL
FROM (SELECT value ->> 0 AS tenant_id, unhex(value ->> 1) AS run_key, value ->> 2 AS node, value ->> 3 AS map_index,
        value ->> 4 AS fence, unhex(value ->> 5) AS worker, value ->> 6 AS started_at
    FROM jsonb_each(?)) AS e
WHERE t.tenant_id = e.tenant_id AND t.run_key = e.run_key AND t.node = e.node AND t.map_index = e.map_index
    AND t.state = 'scheduled' AND t.fence < e.fence";

/// A claim with the fence of its commit.
pub(crate) struct Claimed<'a> {
    claim: &'a InstanceClaim,
    fence: Fence,
}

impl<'a> Claimed<'a> {
    /// The claims of a commit.
    pub(crate) fn of(commit: &'a RunCommit) -> Result<Vec<Self>, StoreError> {
        let no_fence = || StoreError::Unavailable { detail: "a commit with claims has no fence".to_owned() };
        let claims = commit.claims.iter().map(|claim| {
            let fence = commit.fence.ok_or_else(no_fence)?;
            Ok(Self { claim, fence })
        });
        claims.collect()
    }
}

impl Kind for Claimed<'_> {
    fn run(&self) -> RunKey {
        self.claim.instance.run
    }

    fn push(rows: &[Self], batch: &mut Batch) -> Result<(), StoreError> {
        let claims = rows.iter().map(|it| {
            let (claim, instance) = (it.claim, it.claim.instance);
            let key = (tenant(claim.scope), hex(instance.run.uuid()), instance.node, instance.map_index);
            (key.0, key.1, key.2, key.3, it.fence, hex(claim.worker.uuid()), micros(claim.at))
        });
        batch.push(UPDATE_INSTANCES, claims, Some(rows.len() as u64))
    }
}
