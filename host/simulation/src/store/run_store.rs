//! What the scheduler needs.

use async_trait::async_trait;
use model::{RunKey, TenantScope};
use store::{AnswerRow, CommitError, RunBefore, RunCommit, RunCommitted, RunSnapshot, RunStore, StoreError};

use super::commit::Whole;
use super::rows::{Accepted, Run, SimStore};

#[async_trait]
impl RunStore for SimStore {
    async fn commit(&self, commit: RunCommit) -> Result<RunCommitted, CommitError> {
        self.tables().commit(Whole { commit, ..Whole::default() })
    }

    async fn epoch_advance(&self) -> Result<u32, StoreError> {
        let mut tables = self.tables();
        tables.epoch += 1;
        let epoch = tables.epoch;
        tables.history.push(Accepted::Epoch(epoch));
        Ok(epoch)
    }

    async fn tenants_with_work(&self) -> Result<Vec<TenantScope>, StoreError> {
        let tables = self.tables();
        let mut scopes: Vec<_> = tables.runs.values().filter(is_unfinished).map(|run| run.row.scope).collect();
        scopes.dedup();
        Ok(scopes)
    }

    async fn runs_unfinished(
        &self,
        scope: TenantScope,
        after: Option<RunKey>,
        limit: u32,
    ) -> Result<Vec<RunKey>, StoreError> {
        let tables = self.tables();
        let keys = tables.runs_of(scope).filter(is_unfinished).map(|run| run.row.key);
        Ok(keys.filter(|key| after.is_none_or(|after| *key > after)).take(limit as usize).collect())
    }

    async fn run_snapshot(&self, scope: TenantScope, run: RunKey) -> Result<Option<RunSnapshot>, StoreError> {
        Ok(self.tables().runs.get(&(scope, run)).map(snapshot))
    }

    async fn run_before(&self, scope: TenantScope, run: RunKey) -> Result<Option<RunBefore>, StoreError> {
        Ok(self.tables().before(scope, run))
    }
}

pub(crate) fn is_unfinished(run: &&Run) -> bool {
    !run.row.state.is_ended()
}

fn snapshot(run: &Run) -> RunSnapshot {
    let mut prior_tries = std::collections::BTreeMap::new();
    if run.row.clears > 0 {
        for (node, map_index, try_number, _) in run.attempts.keys() {
            if !run.instances.contains_key(&(*node, *map_index)) {
                prior_tries.insert((*node, *map_index), *try_number);
            }
        }
    }
    RunSnapshot {
        run: run.row.clone(),
        nodes: run.nodes.values().cloned().collect(),
        instances: run.instances.values().map(|row| row.short).collect(),
        blocks: run.blocks.values().copied().collect(),
        answers: { run.answers.iter() }
            .map(|((node, index), answer)| AnswerRow { node: *node, map_index: *index, answer: answer.clone() })
            .collect(),
        prior_tries: prior_tries.into_iter().map(|((node, index), tries)| (node, index, tries)).collect(),
    }
}
