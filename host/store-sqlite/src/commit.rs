//! One commit of the scheduler, the hot path: one statement for each kind of row, whatever the number of rows.
//!
//! Every statement says how many rows it met, which is compared with how many the commit expects. When one differs,
//! everything is undone and applied again row by row, only to learn which runs were changed by somebody else.

mod claim;
mod dag_run;
mod ended;
mod kind;
mod task_instance;

use std::collections::BTreeSet;

use async_trait::async_trait;
use model::RunKey;
use store::{CommitError, RunCommit, RunCommitted, StoreError, StoredValue};

use crate::writer::{Transaction, Write};
use claim::Claimed;
use kind::Kind;
pub(crate) use kind::json;

/// A commit as a write.
pub(crate) struct CommitRuns(pub(crate) RunCommit);

#[async_trait]
impl Write for CommitRuns {
    type Done = RunCommitted;
    type Error = CommitError;

    async fn write(&mut self, tx: &mut Transaction<'_>) -> Result<RunCommitted, CommitError> {
        let duplicate_runs = dag_run::insert(tx.conn(), &self.0.runs).await?;
        if !duplicate_runs.is_empty() {
            leave_out(&mut self.0, &duplicate_runs);
        }
        let commit = &self.0;
        let claims = Claimed::of(commit)?;
        let mut applying = Applying { tx, overtaken: None };
        if applying.all(commit, &claims).await? {
            return Ok(RunCommitted { duplicate_runs });
        }
        applying.tx.restart().await?;
        dag_run::insert(applying.tx.conn(), &commit.runs).await?;
        applying.overtaken = Some(BTreeSet::new());
        applying.all(commit, &claims).await?;
        Err(CommitError::Overtaken(applying.overtaken.into_iter().flatten().collect()))
    }

    fn log_bytes(&self) -> u64 {
        const ROW_BYTES: u64 = 256;
        const PAGES_BYTES: u64 = 48 << 10;
        let commit = &self.0;
        let inserted: u64 = commit.instances.iter().map(|it| u64::from(it.count)).sum();
        let rows = commit.ended.len() + commit.transitions.len() + commit.claims.len() + commit.runs.len() * 8;
        let values = commit.ended.iter().flat_map(|it| &it.xcoms).map(|xcom| match &xcom.value {
            StoredValue::Inline(text) => text.len() as u64,
            StoredValue::Blob { .. } => 0,
        });
        PAGES_BYTES + (inserted + rows as u64) * ROW_BYTES + values.sum::<u64>()
    }
}

/// Drops everything of runs that are not to be written.
fn leave_out(commit: &mut RunCommit, runs: &[RunKey]) {
    let runs: BTreeSet<_> = runs.iter().copied().collect();
    commit.runs.retain(|it| !runs.contains(&it.key));
    commit.ended.retain(|it| !runs.contains(&it.instance.run));
    commit.expansions.retain(|it| !runs.contains(&it.run));
    commit.instances.retain(|it| !runs.contains(&it.run));
    commit.transitions.retain(|it| !runs.contains(&it.run));
    commit.claims.retain(|it| !runs.contains(&it.instance.run));
    commit.run_states.retain(|it| !runs.contains(&it.run));
}

struct Applying<'t, 'c> {
    tx: &'t mut Transaction<'c>,
    /// Set when rows are written one by one, to learn which do not match.
    overtaken: Option<BTreeSet<RunKey>>,
}

impl Applying<'_, '_> {
    /// Writes all but the new runs; false when something did not match.
    async fn all(&mut self, commit: &RunCommit, claims: &[Claimed<'_>]) -> Result<bool, StoreError> {
        Ok(self.kind(&commit.ended).await?
            && self.kind(&commit.expansions).await?
            && self.kind(&commit.instances).await?
            && self.kind(&commit.transitions).await?
            && self.kind(claims).await?
            && self.kind(&commit.run_states).await?)
    }

    async fn kind<K: Kind>(&mut self, rows: &[K]) -> Result<bool, StoreError> {
        let Some(overtaken) = &mut self.overtaken else {
            for part in kind::parts(rows) {
                if !K::write(self.tx.conn(), part).await? {
                    return Ok(false);
                }
            }
            return Ok(true);
        };
        for row in rows {
            if !K::write(self.tx.conn(), std::slice::from_ref(row)).await? {
                overtaken.insert(row.run());
            }
        }
        Ok(true)
    }
}
