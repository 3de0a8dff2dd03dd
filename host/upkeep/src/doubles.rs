//! Rows of a test.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use jiff::Timestamp;
use model::{BundleVersionKey, DagId, Digest, RunKey, TenantId, TenantScope, VersionKey};
use store::{EndedRun, IdleBundleVersion, IdleVersion, RefCursor, RefPage, RetentionStore, StoreError};

pub(crate) const SCOPE: TenantScope = TenantScope::assume(TenantId::DEFAULT);

/// Rows that refer to these blobs, and runs that have ended.
#[derive(Default)]
pub(crate) struct Rows {
    pub(crate) named: Mutex<Vec<Digest>>,
    pub(crate) values: Mutex<Vec<Digest>>,
    /// By key.
    pub(crate) runs: Mutex<Vec<EndedRun>>,
    /// How many pieces are left of each.
    pub(crate) discarded: Mutex<BTreeMap<RunKey, u32>>,
    pub(crate) versions: Mutex<Vec<IdleVersion>>,
    pub(crate) bundle_versions: Mutex<Vec<IdleBundleVersion>>,
}

/// Pieces of a run that is discarded.
pub(crate) const PIECES: u32 = 3;

fn page<T: Clone>(rows: &[T], is_wanted: impl Fn(&T) -> bool, limit: u32) -> Vec<T> {
    rows.iter().filter(|row| is_wanted(row)).take(limit as usize).cloned().collect()
}

#[async_trait]
impl RetentionStore for Rows {
    async fn tenant_list(&self) -> Result<Vec<TenantScope>, StoreError> {
        Ok(vec![SCOPE])
    }

    async fn run_keys(&self, _: TenantScope, _: Option<RunKey>, _: u32) -> Result<Vec<RunKey>, StoreError> {
        Ok(Vec::new())
    }

    async fn blob_refs(&self, _: TenantScope, from: RefCursor, _: u32) -> Result<RefPage, StoreError> {
        Ok(match from {
            RefCursor::Components(_) => RefPage {
                named: self.named.lock().unwrap().clone(),
                values: Vec::new(),
                next: Some(RefCursor::Values(None)),
            },
            _ => {
                let values = self.values.lock().unwrap().clone();
                RefPage { named: values.clone(), values, next: None }
            }
        })
    }

    async fn runs_ended_before(
        &self,
        _: TenantScope,
        before: Timestamp,
        after: Option<RunKey>,
        limit: u32,
    ) -> Result<Vec<EndedRun>, StoreError> {
        let is_wanted = |run: &EndedRun| run.ended_at < before && after.is_none_or(|after| run.key > after);
        Ok(page(&self.runs.lock().unwrap(), is_wanted, limit))
    }

    async fn dag_ids(&self, _: TenantScope, after: Option<&DagId>, limit: u32) -> Result<Vec<DagId>, StoreError> {
        let mut all: Vec<_> = self.runs.lock().unwrap().iter().map(|run| run.dag_id.clone()).collect();
        all.sort_unstable();
        all.dedup();
        Ok(page(&all, |dag| after.is_none_or(|after| dag > after), limit))
    }

    async fn runs_beyond(
        &self,
        _: TenantScope,
        dag_id: &DagId,
        keep: u32,
        after: Option<RunKey>,
        limit: u32,
    ) -> Result<Vec<EndedRun>, StoreError> {
        let all = self.runs.lock().unwrap();
        let newest = all.iter().rev().filter(|run| run.dag_id == *dag_id).nth(keep as usize - 1);
        let Some(newest) = newest.map(|run| run.key) else { return Ok(Vec::new()) };
        let is_wanted =
            |run: &EndedRun| run.dag_id == *dag_id && run.key < newest && after.is_none_or(|after| run.key > after);
        Ok(page(&all, is_wanted, limit))
    }

    async fn runs_discard(&self, _: TenantScope, runs: &[EndedRun]) -> Result<Vec<RunKey>, StoreError> {
        let mut all = self.runs.lock().unwrap();
        let is_gone = |run: &EndedRun| runs.contains(run);
        let keys: Vec<_> = all.iter().filter(|run| is_gone(run)).map(|run| run.key).collect();
        all.retain(|run| !is_gone(run));
        self.discarded.lock().unwrap().extend(keys.iter().map(|key| (*key, PIECES)));
        Ok(keys)
    }

    async fn runs_discarded(
        &self,
        _: TenantScope,
        after: Option<RunKey>,
        limit: u32,
    ) -> Result<Vec<RunKey>, StoreError> {
        let all: Vec<_> = self.discarded.lock().unwrap().keys().copied().collect();
        Ok(page(&all, |key| after.is_none_or(|after| *key > after), limit))
    }

    async fn run_rows_delete(&self, _: TenantScope, run: RunKey, _: u32) -> Result<bool, StoreError> {
        let mut all = self.discarded.lock().unwrap();
        let left = all.get_mut(&run).expect("it is discarded");
        *left = left.saturating_sub(1);
        Ok(*left == 0)
    }

    async fn run_forget(&self, _: TenantScope, run: RunKey) -> Result<(), StoreError> {
        assert_eq!(self.discarded.lock().unwrap().remove(&run), Some(0), "nothing is left of it");
        Ok(())
    }

    async fn versions_idle(
        &self,
        _: TenantScope,
        _: Timestamp,
        after: Option<VersionKey>,
        limit: u32,
    ) -> Result<Vec<IdleVersion>, StoreError> {
        Ok(page(&self.versions.lock().unwrap(), |it| after.is_none_or(|after| it.key > after), limit))
    }

    async fn versions_delete(&self, _: TenantScope, versions: &[VersionKey]) -> Result<u64, StoreError> {
        self.versions.lock().unwrap().retain(|it| !versions.contains(&it.key));
        Ok(versions.len() as u64)
    }

    async fn bundle_versions_idle(
        &self,
        _: TenantScope,
        _: Timestamp,
        after: Option<BundleVersionKey>,
        limit: u32,
    ) -> Result<Vec<IdleBundleVersion>, StoreError> {
        Ok(page(&self.bundle_versions.lock().unwrap(), |it| after.is_none_or(|after| it.key > after), limit))
    }

    async fn bundle_versions_delete(&self, _: TenantScope, versions: &[BundleVersionKey]) -> Result<u64, StoreError> {
        self.bundle_versions.lock().unwrap().retain(|it| !versions.contains(&it.key));
        Ok(versions.len() as u64)
    }
}
