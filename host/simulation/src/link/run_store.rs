//! Runs, on a link.

use async_trait::async_trait;
use model::{RunKey, TenantScope};
use store::{CommitError, RunBefore, RunCommit, RunCommitted, RunSnapshot, RunStore, StoreError};

use super::Link;

/// The parts of a commit that are not empty.
pub(super) fn told(commit: &RunCommit) -> String {
    let parts = [
        ("runs", commit.runs.len()),
        ("ended", commit.ended.len()),
        ("cancelled", commit.cancelled.len()),
        ("reopened", commit.reopened.len()),
        ("resets", commit.resets.len()),
        ("marks", commit.marks.len()),
        ("expansions", commit.expansions.len()),
        ("inserts", commit.instances.len()),
        ("transitions", commit.transitions.len()),
        ("waits", commit.waits.len()),
        ("signals", commit.signals.len()),
        ("claims", commit.claims.len()),
        ("run states", commit.run_states.len()),
        ("asset events", commit.asset_events.len()),
        ("callbacks", commit.callbacks.len()),
    ];
    let parts = parts.iter().filter(|(_, count)| *count > 0).map(|(name, count)| format!("{count} {name}"));
    format!("commit of {}", parts.collect::<Vec<_>>().join(", "))
}

pub(super) fn touched(commit: &RunCommit) -> Option<RunKey> {
    let ended = commit.ended.iter().map(|it| it.instance.run);
    let reopened = commit.reopened.iter().map(|it| it.run);
    ended
        .chain(reopened)
        .chain(commit.claims.iter().map(|it| it.instance.run))
        .chain(commit.runs.iter().map(|it| it.key))
        .next()
}

#[async_trait]
impl RunStore for Link {
    async fn commit(&self, commit: RunCommit) -> Result<RunCommitted, CommitError> {
        let what = told(&commit);
        if let Some(run) = self.overtakes(&what, &commit).await {
            return Err(CommitError::Overtaken(vec![run]));
        }
        let too_large = self.state().too_large;
        if too_large.is_some_and(|conf| commit.runs.iter().any(|run| &*run.conf == conf)) {
            return Err(StoreError::Refused { detail: "too large".to_owned() }.into());
        }
        self.call(&what, self.store.commit(commit)).await
    }

    async fn epoch_advance(&self) -> Result<u32, StoreError> {
        self.call("advance of the epoch", self.store.epoch_advance()).await
    }

    async fn tenants_with_work(&self) -> Result<Vec<TenantScope>, StoreError> {
        self.call("read of tenants", self.store.tenants_with_work()).await
    }

    async fn runs_unfinished(
        &self,
        scope: TenantScope,
        after: Option<RunKey>,
        limit: u32,
    ) -> Result<Vec<RunKey>, StoreError> {
        self.call("read of unfinished runs", self.store.runs_unfinished(scope, after, limit)).await
    }

    async fn run_snapshot(&self, scope: TenantScope, run: RunKey) -> Result<Option<RunSnapshot>, StoreError> {
        self.call("read of a run", self.store.run_snapshot(scope, run)).await
    }

    async fn run_before(&self, scope: TenantScope, run: RunKey) -> Result<Option<RunBefore>, StoreError> {
        self.call("read of the run before", self.store.run_before(scope, run)).await
    }
}
