//! One commit of the scheduler, the hot path: one call of a function of the session, which runs one statement for each kind of
//! row, whatever the number of rows. The call is the transaction.
//!
//! Every statement says how many rows it changed, which is compared with how many the commit expects. When one differs,
//! everything is undone and done again row by row, only to learn which runs exist already or were changed by somebody else.

mod claim;
mod columns;
mod dag_run;
mod ended;
pub(crate) mod function;
mod order;
mod step;
mod task_instance;

use std::collections::BTreeSet;

use model::RunKey;
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgArguments;
use store::{CommitError, RunCommit, RunCommitted, StoreError};

use crate::error::Failure;
use crate::metric_names;
use crate::rows::Cells;
use crate::session::Session;
use crate::writer::Writer;
use columns::Columns;

/// How often a commit that the server gave up because of another transaction is tried.
const TRIES_MAX: u32 = 5;

/// Applies a commit; returns when it is durable.
pub(crate) async fn commit(writer: &Writer, commit: RunCommit) -> Result<RunCommitted, CommitError> {
    let mut turn = writer.turn().await?;
    let begin = writer.clock().monotonic();
    let committed = apply(turn.session()?, commit).await;
    metrics::histogram!(metric_names::COMMIT_SECONDS).record((writer.clock().monotonic() - begin).as_secs_f64());
    if let Err(CommitError::Store(error)) = &committed {
        metrics::counter!(metric_names::COMMITS_FAILED).increment(1);
        tracing::error!(%error, "a commit failed");
    }
    committed
}

async fn apply(session: &mut Session, mut commit: RunCommit) -> Result<RunCommitted, CommitError> {
    let mut duplicate_runs = Vec::new();
    loop {
        if order::is_any(&commit) && all_at_once(session, &commit).await? {
            return Ok(RunCommitted { duplicate_runs });
        }
        metrics::counter!(metric_names::COMMITS_ROW_BY_ROW).increment(1);
        let Found { duplicates, overtaken } = row_by_row(session, &commit).await?;
        if !overtaken.is_empty() {
            return Err(CommitError::Overtaken(overtaken.into_iter().collect()));
        }
        if duplicates.is_empty() {
            return Ok(RunCommitted { duplicate_runs });
        }
        leave_out(&mut commit, &duplicates);
        duplicate_runs.extend(duplicates);
    }
}

/// What was found where a row was not as expected. Where nothing was found, everything is written; else nothing is.
struct Found {
    /// New runs whose run id or key exists.
    duplicates: Vec<RunKey>,
    /// Runs whose rows were changed by somebody else.
    overtaken: BTreeSet<RunKey>,
}

/// False when a row was not as expected; nothing is written then.
async fn all_at_once(session: &mut Session, commit: &RunCommit) -> Result<bool, StoreError> {
    match call(session, function::ALL_AT_ONCE, commit).await {
        Ok(_) => Ok(true),
        Err(failure) if failure.state() == Some(function::UNEXPECTED) => Ok(false),
        Err(failure) => Err(failure.into()),
    }
}

async fn row_by_row(session: &mut Session, commit: &RunCommit) -> Result<Found, StoreError> {
    let row = call(session, function::ROW_BY_ROW, commit).await?;
    let cells = Cells::of(&row, "the commit's answer");
    Ok(Found {
        duplicates: cells.uuids("duplicates")?.into_iter().map(RunKey::from_uuid).collect(),
        overtaken: cells.uuids("overtaken")?.into_iter().map(RunKey::from_uuid).collect(),
    })
}

async fn call(session: &mut Session, function: &str, commit: &RunCommit) -> Result<sqlx::postgres::PgRow, Failure> {
    let sql = function::call(function);
    let mut tries = 1;
    loop {
        let query = sqlx::query_with(AssertSqlSafe(sql.clone()), arguments(commit)?);
        match session.one(query).await {
            Err(failure) if failure.is_worth_repeating() && tries < TRIES_MAX => tries += 1,
            answer => return answer,
        }
    }
}

/// The columns of all steps, in their order.
fn arguments(commit: &RunCommit) -> Result<PgArguments, StoreError> {
    let mut columns = Columns::default();
    dag_run::bind_runs(&commit.runs, &mut columns);
    dag_run::bind_nodes(&commit.runs, &mut columns);
    ended::bind_ends(&commit.ended, &mut columns);
    ended::bind_xcoms(&commit.ended, &mut columns);
    ended::bind_list_lengths(&commit.ended, &mut columns);
    task_instance::bind_expansions(&commit.expansions, &mut columns);
    task_instance::bind_instances(&commit.instances, &mut columns);
    task_instance::bind_transitions(&commit.transitions, &mut columns);
    claim::bind_claims(&commit.claims, commit.fence, &mut columns);
    dag_run::bind_states(&commit.run_states, &mut columns);
    columns.finish()
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

#[cfg(test)]
mod tests {
    use sqlx::Arguments;

    use super::*;

    #[test]
    fn each_column_of_each_step_is_bound() {
        let columns: usize = function::STEPS.iter().map(|step| step.columns.len()).sum();
        assert_eq!(arguments(&RunCommit::default()).unwrap().len(), columns);
    }
}
