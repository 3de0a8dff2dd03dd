//! One commit of the scheduler, the hot path: one statement for each kind of row, whatever the number of rows, and all
//! statements in one message.
//!
//! Every statement says how many rows it changed, which is compared with how many the commit expects. When one differs,
//! everything is undone and done again row by row, only to learn which runs exist already or were changed by somebody else.
//! The statements after it have run by then: what is there already must be no error for any of them, only not counted.

pub(crate) mod asset_event;
mod batch;
mod callback;
mod claim;
mod dag_run;
mod ended;
pub(crate) mod event_log;
mod json;
mod kind;
mod map_block;
mod reset;
mod task_instance;
mod wait;
mod xcom;

use std::collections::BTreeSet;

use async_trait::async_trait;
use model::RunKey;
use store::{CommitError, DuplicateRun, RunCommit, RunCommitted, StoreError, StoredValue};

use crate::writer::{Transaction, Write};
use batch::Batch;
use claim::Claimed;
use event_log::Entry;
use kind::Kind;
use task_instance::Marked;
use wait::Woken;

pub(crate) use json::{json, text};

/// A commit as a write.
pub(crate) struct CommitRuns(pub(crate) RunCommit);

#[async_trait]
impl Write for CommitRuns {
    type Done = RunCommitted;
    type Error = CommitError;

    async fn write(&mut self, tx: &mut Transaction<'_>) -> Result<RunCommitted, CommitError> {
        if all_at_once(&self.0, true)?.run(tx).await? {
            return Ok(RunCommitted::default());
        }
        tx.restart().await?;
        let duplicate_runs = dag_run::insert(tx, &self.0.runs).await?;
        if !duplicate_runs.is_empty() {
            leave_out(&mut self.0, &duplicate_runs);
            if all_at_once(&self.0, false)?.run(tx).await? {
                return Ok(RunCommitted { duplicate_runs });
            }
            tx.restart().await?;
            dag_run::insert(tx, &self.0.runs).await?;
        }
        let overtaken = one_by_one(&self.0, tx).await?;
        // Rows that fit only one after the other are written now.
        if overtaken.is_empty() { Ok(RunCommitted { duplicate_runs }) } else { Err(CommitError::Overtaken(overtaken)) }
    }

    fn log_bytes(&self) -> u64 {
        const ROW_BYTES: u64 = 256;
        const PAGES_BYTES: u64 = 48 << 10;
        let commit = &self.0;
        let inserted: u64 = commit.instances.iter().map(|it| u64::from(it.count)).sum();
        let rows = commit.ended.len() + commit.transitions.len() + commit.claims.len() + commit.runs.len() * 8;
        let reset: u64 = commit.resets.iter().map(|it| task_instance::length(it.first, it.last)).sum();
        let rest = commit.blocks.len() + commit.answers.len() + commit.waits.len() + commit.entries().count();
        let rest = rest + commit.callbacks.len() * 2;
        let values = commit.ended.iter().flat_map(|it| &it.xcoms).map(|xcom| match &xcom.value {
            StoredValue::Inline(text) => text.len() as u64,
            StoredValue::Blob { .. } => 0,
        });
        PAGES_BYTES + (inserted + reset + (rows + rest) as u64) * ROW_BYTES + values.sum::<u64>()
    }
}

/// Drops everything of runs that are not to be written.
fn leave_out(commit: &mut RunCommit, runs: &[DuplicateRun]) {
    let runs: BTreeSet<_> = runs.iter().map(|it| it.run).collect();
    commit.runs.retain(|it| !runs.contains(&it.key));
    commit.ended.retain(|it| !runs.contains(&it.instance.run));
    commit.expansions.retain(|it| !runs.contains(&it.run));
    commit.instances.retain(|it| !runs.contains(&it.run));
    commit.blocks.retain(|it| !runs.contains(&it.run));
    commit.transitions.retain(|it| !runs.contains(&it.run));
    commit.values.retain(|it| !runs.contains(&it.instance.run));
    commit.answers.retain(|it| !runs.contains(&it.run));
    commit.waits.retain(|it| !runs.contains(&it.instance.run));
    commit.claims.retain(|it| !runs.contains(&it.instance.run));
    commit.run_states.retain(|it| !runs.contains(&it.run));
    commit.asset_events.retain(|it| !runs.contains(&it.run()));
    commit.deadlines_met.retain(|it| !runs.contains(&it.run));
    commit.callbacks.retain(|it| !runs.contains(&it.run));
}

/// Everything, or all but the new runs.
fn all_at_once(commit: &RunCommit, with_runs: bool) -> Result<Batch, StoreError> {
    let mut batch = Batch::default();
    if with_runs {
        push(&commit.runs, &mut batch)?;
    }
    push(&commit.ended, &mut batch)?;
    push(&commit.cancelled, &mut batch)?;
    push(&commit.reopened, &mut batch)?;
    push(&commit.resets, &mut batch)?;
    push(&Marked::of(commit), &mut batch)?;
    push(&commit.expansions, &mut batch)?;
    push(&commit.blocks, &mut batch)?;
    push(&commit.instances, &mut batch)?;
    push(&commit.transitions, &mut batch)?;
    push(&commit.values, &mut batch)?;
    push(&commit.answers, &mut batch)?;
    push(&commit.waits, &mut batch)?;
    push(&Woken::of(commit), &mut batch)?;
    push(&commit.signals, &mut batch)?;
    push(&Claimed::of(commit)?, &mut batch)?;
    push(&commit.run_states, &mut batch)?;
    push(&commit.asset_events, &mut batch)?;
    push(&commit.deadlines_met, &mut batch)?;
    push(&commit.callbacks, &mut batch)?;
    push(&Entry::of(commit), &mut batch)?;
    Ok(batch)
}

fn push<K: Kind>(rows: &[K], batch: &mut Batch) -> Result<(), StoreError> {
    kind::parts(rows).into_iter().try_for_each(|part| K::push(part, batch))
}

/// Writes everything but the new runs row by row and gives the runs of rows that were not as expected.
async fn one_by_one(commit: &RunCommit, tx: &mut Transaction<'_>) -> Result<Vec<RunKey>, StoreError> {
    let mut rows = Vec::new();
    for_each(&commit.ended, &mut rows)?;
    for_each(&commit.cancelled, &mut rows)?;
    for_each(&commit.reopened, &mut rows)?;
    for_each(&commit.resets, &mut rows)?;
    for_each(&Marked::of(commit), &mut rows)?;
    for_each(&commit.expansions, &mut rows)?;
    for_each(&commit.blocks, &mut rows)?;
    for_each(&commit.instances, &mut rows)?;
    for_each(&commit.transitions, &mut rows)?;
    for_each(&commit.values, &mut rows)?;
    for_each(&commit.answers, &mut rows)?;
    for_each(&commit.waits, &mut rows)?;
    for_each(&Woken::of(commit), &mut rows)?;
    for_each(&commit.signals, &mut rows)?;
    for_each(&Claimed::of(commit)?, &mut rows)?;
    for_each(&commit.run_states, &mut rows)?;
    for_each(&commit.asset_events, &mut rows)?;
    for_each(&commit.deadlines_met, &mut rows)?;
    for_each(&commit.callbacks, &mut rows)?;
    for_each(&Entry::of(commit), &mut rows)?;
    let mut overtaken = BTreeSet::new();
    for (run, batch) in rows {
        if !batch.run(tx).await? {
            overtaken.insert(run);
        }
    }
    Ok(overtaken.into_iter().collect())
}

fn for_each<K: Kind>(rows: &[K], batches: &mut Vec<(RunKey, Batch)>) -> Result<(), StoreError> {
    for row in rows {
        let mut batch = Batch::default();
        K::push(std::slice::from_ref(row), &mut batch)?;
        batches.push((row.run(), batch));
    }
    Ok(())
}

/// All statements of this module, for the test that looks at their plans.
#[cfg(test)]
pub(crate) const STATEMENTS: &[(&str, &str)] = &[
    ("commit::dag_run::FIND_DUPLICATE", dag_run::FIND_DUPLICATE),
    ("commit::dag_run::INSERT_RUNS", dag_run::INSERT_RUNS),
    ("commit::dag_run::INSERT_INPUTS", dag_run::INSERT_INPUTS),
    ("commit::dag_run::INSERT_NODES", dag_run::INSERT_NODES),
    ("commit::dag_run::UPDATE_STATES", dag_run::UPDATE_STATES),
    ("commit::ended::UPDATE_INSTANCES", ended::UPDATE_INSTANCES),
    ("commit::ended::INSERT_ATTEMPTS", ended::INSERT_ATTEMPTS),
    ("commit::ended::UPDATE_LIST_LENGTHS", ended::UPDATE_LIST_LENGTHS),
    ("commit::task_instance::INSERT_INSTANCES", task_instance::INSERT_INSTANCES),
    ("commit::task_instance::UPDATE_MAP_LENGTHS", task_instance::UPDATE_MAP_LENGTHS),
    ("commit::task_instance::DELETE_SUMMARIES", task_instance::DELETE_SUMMARIES),
    ("commit::task_instance::UPDATE_INSTANCES", task_instance::UPDATE_INSTANCES),
    ("commit::task_instance::MARK_INSTANCES", task_instance::MARK_INSTANCES),
    ("commit::reset::INSERT_ATTEMPTS", reset::INSERT_ATTEMPTS),
    ("commit::reset::END_EXECUTIONS", reset::END_EXECUTIONS),
    ("commit::reset::REOPEN_RUNS", reset::REOPEN_RUNS),
    ("commit::reset::FORGET_BLOCKS", reset::FORGET_BLOCKS),
    ("commit::reset::RESET_INSTANCES", reset::RESET_INSTANCES),
    ("commit::reset::DELETE_ANSWERS", reset::DELETE_ANSWERS),
    ("commit::reset::DELETE_WAITS", reset::DELETE_WAITS),
    ("commit::reset::DELETE_STATE", reset::DELETE_STATE),
    ("commit::reset::FORGET_LISTS", reset::FORGET_LISTS),
    ("commit::map_block::UPSERT_BLOCKS", map_block::UPSERT_BLOCKS),
    ("commit::map_block::UPSERT_ANSWERS", map_block::UPSERT_ANSWERS),
    ("commit::xcom::INSERT", xcom::INSERT),
    ("commit::xcom::DELETE", xcom::DELETE),
    ("commit::wait::UPSERT", wait::UPSERT),
    ("commit::wait::DELETE", wait::DELETE),
    ("commit::wait::TAKE_SIGNALS", wait::TAKE_SIGNALS),
    ("commit::event_log::INSERT", event_log::INSERT),
    ("commit::callback::COUNT_LEFT_OUT", callback::COUNT_LEFT_OUT),
    ("commit::callback::INSERT", callback::INSERT),
    ("commit::callback::DELETE_DEADLINES", callback::DELETE_DEADLINES),
    ("commit::claim::UPDATE_INSTANCES", claim::UPDATE_INSTANCES),
    ("commit::asset_event::INSERT_ASSETS", asset_event::INSERT_ASSETS),
    ("commit::asset_event::INSERT_EVENTS", asset_event::INSERT_EVENTS),
];
