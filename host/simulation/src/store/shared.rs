//! Runs that processes share: what their owners commit, what others tell them, and how runs stand.

use std::collections::BTreeSet;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use model::{RunKey, ShardId, TenantScope};
use store::{
    CommitError, EventKind, EventRow, KnownRun, NewRun, RunCommit, RunCommitted, RunNews, SharedCommit,
    SharedCommitError, SharedRunStore, StoreError, Wake,
};
use tokio::sync::mpsc;

use super::SimStore;
use super::commit::Whole;
use super::rows::kept;

/// The shards of all tenants that a commit is about.
fn shards(whole: &Whole) -> BTreeSet<ShardId> {
    let Whole { commit, offers, events, results, .. } = whole;
    let scopes = commit.runs.iter().map(|it| it.scope);
    let scopes = scopes.chain(commit.ended.iter().map(|it| it.scope));
    let scopes = scopes.chain(commit.reopened.iter().map(|it| it.scope));
    let scopes = scopes.chain(commit.expansions.iter().map(|it| it.scope));
    let scopes = scopes.chain(commit.instances.iter().map(|it| it.scope));
    let scopes = scopes.chain(commit.transitions.iter().map(|it| it.scope));
    let scopes = scopes.chain(commit.claims.iter().map(|it| it.scope));
    let scopes = scopes.chain(commit.run_states.iter().map(|it| it.scope));
    let scopes = scopes.chain(offers.iter().map(|it| it.scope));
    let scopes = scopes.chain(results.iter().map(|it| it.scope));
    let scopes = scopes.chain(events.iter().map(|(scope, _)| *scope));
    scopes.map(|scope| ShardId::of(scope.tenant())).collect()
}

#[async_trait]
impl SharedRunStore for SimStore {
    async fn commit_shared(&self, shared: SharedCommit) -> Result<RunCommitted, SharedCommitError> {
        let SharedCommit { commit, ownership, known, offers, events, results } = shared;
        let whole = Whole { commit, owner: Some(ownership), offers, events, results };
        let shards = shards(&whole);
        let mut tables = self.tables();
        let not_owned = tables.cluster.not_owned(ownership, shards.iter().copied());
        if !not_owned.is_empty() {
            return Err(SharedCommitError::Deposed(not_owned));
        }
        let is_as_known =
            |it: &KnownRun| tables.runs.get(&(it.scope, it.run)).is_some_and(|run| run.row.clears == it.clears);
        let overtaken: Vec<_> = known.iter().filter(|it| !is_as_known(it)).map(|it| it.run).collect();
        if !overtaken.is_empty() {
            return Err(CommitError::Overtaken(overtaken).into());
        }
        let has_offers = !whole.offers.is_empty();
        let committed = tables.commit(whole)?;
        for shard in shards {
            tables.cluster.wake(Wake::Committed { shard, has_offers });
        }
        Ok(committed)
    }

    async fn run_insert(&self, run: NewRun) -> Result<(), StoreError> {
        let (scope, key) = (run.scope, run.key);
        let commit = RunCommit { runs: vec![run], ..RunCommit::default() };
        let mut tables = self.tables();
        match tables.commit(Whole { commit, ..Whole::default() }) {
            Ok(committed) if !committed.duplicate_runs.is_empty() => Err(committed.duplicate_runs[0].conflict()),
            Ok(_) => {
                tables.cluster.tell(scope, EventKind::Look(key));
                Ok(())
            }
            Err(CommitError::Store(error)) => Err(error),
            Err(error) => Err(StoreError::Unavailable { detail: error.to_string() }),
        }
    }

    async fn run_ask(&self, scope: TenantScope, run: RunKey, request: &str) -> Result<(), StoreError> {
        let mut tables = self.tables();
        if !tables.runs.contains_key(&(scope, run)) {
            return Err(StoreError::Conflict { what: "run", name: run.to_string(), why: "does not exist" });
        }
        tables.cluster.tell(scope, EventKind::Asked { run, request: kept(request).into() });
        Ok(())
    }

    async fn event_list(&self, shards: &[ShardId], limit: u32) -> Result<Vec<EventRow>, StoreError> {
        let tables = self.tables();
        let of_shards = tables.cluster.events.iter().filter(|(_, it)| shards.contains(&ShardId::of(it.0.tenant())));
        let row = |(id, (scope, kind)): (&_, &(TenantScope, EventKind))| EventRow {
            id: *id,
            scope: *scope,
            kind: kind.clone(),
        };
        Ok(of_shards.map(row).take(limit as usize).collect())
    }

    async fn run_news(&self, runs: &[(TenantScope, RunKey)]) -> Result<Vec<RunNews>, StoreError> {
        let tables = self.tables();
        let found = runs.iter().filter_map(|handle| tables.runs.get(handle));
        Ok(found.map(|it| RunNews { run: it.row.key, state: it.row.state, result: it.result }).collect())
    }

    fn wakes(&self) -> BoxStream<'static, Wake> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.tables().cluster.listeners.push(sender);
        stream::unfold(receiver, |mut receiver| async move { Some((receiver.recv().await?, receiver)) }).boxed()
    }
}
