//! Work that any worker may take.

use std::collections::BTreeMap;

use async_trait::async_trait;
use clock::Clock;
use model::{AttemptToken, InstanceKey, RunKey, ServerId, ShardId, TaskState, TenantScope};
use store::{EventKind, HeldRow, Report, StoreError, WorkRow, WorkStore};

use super::SimStore;
use super::cluster::{Cluster, Work};
use super::rows::{Accepted, Tables, micros};

fn held(cluster: &Cluster, (scope, instance): (TenantScope, InstanceKey), row: &Work) -> HeldRow {
    let token = AttemptToken { instance, try_number: row.try_number, fence: row.fence };
    let is_lost = row.holder.is_some_and(|holder| cluster.is_gone(holder));
    HeldRow { scope, token, holder: row.holder, is_lost }
}

/// Of each tenant the oldest first, of all tenants in turn.
fn fairly(cluster: &Cluster) -> Vec<(TenantScope, InstanceKey)> {
    let mut by_tenant: BTreeMap<TenantScope, Vec<(u64, InstanceKey)>> = BTreeMap::new();
    for ((scope, instance), row) in cluster.work.iter().filter(|(_, row)| row.holder.is_none()) {
        by_tenant.entry(*scope).or_default().push((row.offered, *instance));
    }
    let mut turns = Vec::new();
    for (scope, mut offers) in by_tenant {
        offers.sort_unstable();
        turns.extend(offers.into_iter().enumerate().map(|(turn, (offered, it))| (turn, offered, (scope, it))));
    }
    turns.sort_unstable();
    turns.into_iter().map(|(.., place)| place).collect()
}

#[async_trait]
impl WorkStore for SimStore {
    async fn work_take(&self, server: ServerId, limit: u32) -> Result<Vec<WorkRow>, StoreError> {
        let mut tables = self.tables();
        let Tables { runs, cluster, history, .. } = &mut *tables;
        if !cluster.has_lease(server) {
            return Ok(Vec::new());
        }
        let mut taken = Vec::new();
        let now = micros(cluster.clock().now());
        for (scope, instance) in fairly(cluster).into_iter().take(limit as usize) {
            let Some(work) = cluster.work.get_mut(&(scope, instance)) else { continue };
            work.holder = Some(server);
            let token = AttemptToken { instance, try_number: work.try_number, fence: work.fence };
            let Some(run) = runs.get_mut(&(scope, instance.run)) else { continue };
            let Some(row) = run.instances.get_mut(&(instance.node, instance.map_index)) else { continue };
            if (row.short.state, row.short.fence) != (TaskState::Queued, work.fence) {
                continue;
            }
            row.short.state = TaskState::Running;
            row.short.started_at = Some(now);
            row.worker = Some(server.worker());
            taken.push(WorkRow { scope, token, suspect: work.suspect, run: run.row.clone() });
        }
        if !taken.is_empty() {
            let work = taken.iter().map(|it| (it.scope, it.token)).collect();
            history.push(Accepted::Taken { server, work });
        }
        Ok(taken)
    }

    async fn work_report(&self, server: ServerId, reports: &[Report]) -> Result<(), StoreError> {
        let mut tables = self.tables();
        let cluster = &mut tables.cluster;
        if cluster.is_gone(server) {
            return Ok(());
        }
        if !cluster.has_lease(server) {
            return Err(StoreError::NotWritable { detail: "the server's lease is over".to_owned() });
        }
        for report in reports {
            let place = (report.scope, report.token.instance);
            let is_held = |row: &Work| row.holder == Some(server) && row.fence == report.token.fence;
            if cluster.work.get(&place).is_some_and(is_held) {
                cluster.work.remove(&place);
                cluster.tell(report.scope, EventKind::Reported(Box::new(report.clone())));
            }
        }
        Ok(())
    }

    async fn work_held(&self, server: ServerId) -> Result<Vec<(TenantScope, AttemptToken)>, StoreError> {
        let tables = self.tables();
        let held = tables.cluster.work.iter().filter(|(_, row)| row.holder == Some(server));
        let token = |((scope, instance), row): (&(TenantScope, InstanceKey), &Work)| {
            (*scope, AttemptToken { instance: *instance, try_number: row.try_number, fence: row.fence })
        };
        Ok(held.map(token).collect())
    }

    async fn work_of_run(&self, scope: TenantScope, run: RunKey) -> Result<Vec<HeldRow>, StoreError> {
        let tables = self.tables();
        let cluster = &tables.cluster;
        let of_run = cluster.work.iter().filter(|((of, instance), _)| (*of, instance.run) == (scope, run));
        let mut rows: Vec<_> = of_run.map(|(place, row)| held(cluster, *place, row)).collect();
        for (of, kind) in cluster.events.values() {
            if let EventKind::Reported(report) = kind
                && (*of, report.token.instance.run) == (scope, run)
            {
                rows.push(HeldRow { scope, token: report.token, holder: None, is_lost: false });
            }
        }
        Ok(rows)
    }

    async fn work_lost(&self, shards: &[ShardId], limit: u32) -> Result<Vec<HeldRow>, StoreError> {
        let tables = self.tables();
        let cluster = &tables.cluster;
        let rows = cluster.work.iter().filter(|((scope, _), _)| shards.contains(&ShardId::of(scope.tenant())));
        let rows = rows.map(|(place, row)| held(cluster, *place, row)).filter(|row| row.is_lost);
        Ok(rows.take(limit as usize).collect())
    }
}
