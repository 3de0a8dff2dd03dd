//! One commit of the scheduler, the hot path: one call of a function of the session, which runs one statement for each kind of
//! row, whatever the number of rows. The call is the transaction.
//!
//! Every statement says how many rows it changed, which is compared with how many the commit expects. When one differs,
//! everything is undone and done again row by row, only to learn which runs exist already or were changed by somebody else.

mod asset_event;
mod callback;
mod claim;
mod columns;
pub(crate) mod dag_run;
mod ended;
pub(crate) mod event_log;
pub(crate) mod function;
mod map_block;
mod order;
mod reset;
pub(crate) mod shared;
mod step;
mod task_instance;
mod wait;
mod xcom;

use std::collections::BTreeSet;

use model::{RunKey, ShardId, TenantScope};
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgArguments;
use store::{
    CommitError, DuplicateRun, EventId, KnownRun, NewRun, Offer, Ownership, ResultChange, RunCommit, RunCommitted,
    SharedCommitError, StoreError,
};

use crate::cluster;
use crate::error::Failure;
use crate::metric_names;
use crate::rows::{self, Cells};
use crate::session::Session;
use crate::wakes;
use crate::writer::Writer;
pub(crate) use columns::Document;

use columns::Columns;

/// How often a commit that the server gave up because of another transaction is tried.
const TRIES_MAX: u32 = 5;

/// Everything that one call writes.
#[derive(Debug, Default)]
pub(crate) struct Whole {
    pub(crate) commit: RunCommit,
    /// Who must own all tenants of the commit; anybody where it is `None`.
    pub(crate) owner: Option<Ownership>,
    /// Runs that must not have been cleared since.
    pub(crate) known: Vec<KnownRun>,
    pub(crate) offers: Vec<Offer>,
    pub(crate) events: Vec<(TenantScope, EventId)>,
    pub(crate) results: Vec<ResultChange>,
    /// Runs that their owners are told to read.
    pub(crate) looks: Vec<(TenantScope, RunKey)>,
}

impl Whole {
    /// Other processes have to do with it.
    fn is_shared(&self) -> bool {
        self.owner.is_some() || !self.looks.is_empty()
    }
}

/// Applies a commit; returns when it is durable.
pub(crate) async fn commit(writer: &Writer, whole: Whole) -> Result<RunCommitted, SharedCommitError> {
    let mut turn = writer.turn().await?;
    let begin = writer.clock().monotonic();
    let committed = apply(turn.session()?, whole).await;
    metrics::histogram!(metric_names::COMMIT_SECONDS).record((writer.clock().monotonic() - begin).as_secs_f64());
    if let Err(SharedCommitError::Commit(CommitError::Store(error))) = &committed {
        metrics::counter!(metric_names::COMMITS_FAILED).increment(1);
        tracing::error!(%error, "a commit failed");
    }
    committed
}

async fn apply(session: &mut Session, mut whole: Whole) -> Result<RunCommitted, SharedCommitError> {
    let mut duplicate_runs = Vec::new();
    loop {
        if order::is_any(&whole.commit) && all_at_once(session, &whole).await? {
            return Ok(RunCommitted { duplicate_runs });
        }
        metrics::counter!(metric_names::COMMITS_ROW_BY_ROW).increment(1);
        let Found { duplicates, overtaken } = row_by_row(session, &whole).await?;
        if !overtaken.is_empty() {
            let shards = not_owned(session, &whole).await?;
            // Whoever was deposed cannot know better.
            return Err(if shards.is_empty() {
                CommitError::Overtaken(overtaken.into_iter().collect()).into()
            } else {
                SharedCommitError::Deposed(shards)
            });
        }
        if duplicates.is_empty() {
            return Ok(RunCommitted { duplicate_runs });
        }
        let mut found = Vec::new();
        for run in whole.commit.runs.iter().filter(|run| duplicates.contains(&run.key)) {
            found.push(in_the_way(session, run, &whole.commit.runs, &duplicates).await?);
        }
        leave_out(&mut whole, &duplicates);
        duplicate_runs.extend(found);
    }
}

/// What is in the way of a run: one that is there, or one that comes before it in the commit.
async fn in_the_way(
    session: &mut Session,
    run: &NewRun,
    all: &[NewRun],
    duplicates: &[RunKey],
) -> Result<DuplicateRun, StoreError> {
    let earlier = all.iter().take_while(|it| !std::ptr::eq(*it, run)).filter(|it| !duplicates.contains(&it.key));
    match { earlier }.find_map(|it| Some((it, run.in_the_way(it)?))) {
        Some((it, kind)) => Ok(DuplicateRun { run: run.key, kind, existing: it.run_id.clone() }),
        None => dag_run::duplicate(session, run).await,
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
async fn all_at_once(session: &mut Session, whole: &Whole) -> Result<bool, SharedCommitError> {
    match call(session, function::ALL_AT_ONCE, whole).await {
        Ok(_) => Ok(true),
        Err(failure) if failure.state() == Some(function::UNEXPECTED) => Ok(false),
        Err(failure) => Err(refused(session, failure, whole).await),
    }
}

async fn row_by_row(session: &mut Session, whole: &Whole) -> Result<Found, SharedCommitError> {
    let row = match call(session, function::ROW_BY_ROW, whole).await {
        Ok(row) => row,
        // An instance that was to be offered is not as expected, or a run was cleared; which one, reading the runs again will show.
        Err(failure) if failure.state() == Some(function::UNEXPECTED) => {
            let offered = whole.offers.iter().map(|offer| offer.instance.run);
            let overtaken = offered.chain(whole.known.iter().map(|it| it.run)).collect();
            return Ok(Found { duplicates: Vec::new(), overtaken });
        }
        Err(failure) => return Err(refused(session, failure, whole).await),
    };
    let cells = Cells::of(&row, "the commit's answer");
    Ok(Found {
        duplicates: cells.uuids("duplicates")?.into_iter().map(RunKey::from_uuid).collect(),
        overtaken: cells.uuids("overtaken")?.into_iter().map(RunKey::from_uuid).collect(),
    })
}

async fn refused(session: &mut Session, failure: Failure, whole: &Whole) -> SharedCommitError {
    if failure.state() != Some(function::DEPOSED) {
        return StoreError::from(failure).into();
    }
    match not_owned(session, whole).await {
        // A lease was renewed meanwhile, so which they were is unknown.
        Ok(found) if found.is_empty() => SharedCommitError::Deposed(shards(whole)),
        Ok(found) => SharedCommitError::Deposed(found),
        Err(error) => error.into(),
    }
}

/// Shards of the commit that its server does not own as it says; none where nobody has to own them.
async fn not_owned(session: &mut Session, whole: &Whole) -> Result<Vec<ShardId>, StoreError> {
    let Some(owner) = whole.owner else { return Ok(Vec::new()) };
    let numbers: Vec<_> = shards(whole).into_iter().map(ShardId::number).collect();
    let query = sqlx::query(shared::NOT_OWNED).bind(numbers).bind(owner.server.uuid()).bind(i64::from(owner.epoch));
    let rows = session.all(query).await?;
    rows.iter().map(|row| cluster::shard(&Cells::of(row, "shard"))).collect()
}

async fn call(session: &mut Session, function: &str, whole: &Whole) -> Result<sqlx::postgres::PgRow, Failure> {
    let sql = function::call(function, whole.is_shared());
    let mut tries = 1;
    loop {
        let query = sqlx::query_with(AssertSqlSafe(sql.clone()), arguments(whole)?);
        match session.one(query).await {
            Err(failure) if failure.is_worth_repeating() && tries < TRIES_MAX => tries += 1,
            answer => return answer,
        }
    }
}

/// The columns of all steps, in their order, and what follows them.
fn arguments(whole: &Whole) -> Result<PgArguments, StoreError> {
    let commit = &whole.commit;
    let mut columns = Columns::default();
    dag_run::bind_runs(&commit.runs, &mut columns);
    dag_run::bind_nodes(&commit.runs, &commit.reopened, &mut columns);
    ended::bind_ends(&commit.ended, &mut columns);
    xcom::bind_xcoms(&commit.ended, &mut columns);
    ended::bind_list_lengths(&commit.ended, &mut columns);
    task_instance::bind_expansions(&commit.expansions, &mut columns);
    task_instance::bind_instances(&commit.instances, &mut columns);
    task_instance::bind_transitions(&commit.transitions, &mut columns);
    claim::bind_claims(&commit.claims, commit.fence, &mut columns);
    dag_run::bind_states(&commit.run_states, &mut columns);
    columns.add(document(commit)?);
    if !whole.is_shared() {
        return columns.finish();
    }
    shared::bind_offers(&whole.offers, commit.fence, &mut columns);
    shared::bind_results(&whole.results, &mut columns);
    shared::bind_events(&whole.events, &mut columns);
    shared::bind_looks(&whole.looks, &mut columns);
    let owned = if whole.owner.is_some() { shards(whole) } else { Vec::new() };
    columns.push(owned.iter().map(|shard| shard.number()));
    columns.add(whole.owner.map(|it| it.server.uuid()));
    columns.add(whole.owner.map(|it| i64::from(it.epoch)));
    columns.push(whole.known.iter().map(|it| rows::tenant(it.scope)));
    columns.push(whole.known.iter().map(|it| it.run.uuid()));
    // They are looked at after the steps of the commit, which may clear them once more.
    let clears =
        |it: &KnownRun| commit.reopened.iter().filter(|own| (own.scope, own.run) == (it.scope, it.run)).count();
    columns.push(whole.known.iter().map(|it| rows::narrow(it.clears) + clears(it) as i32));
    columns.add(wake(whole));
    columns.finish()
}

/// The rows of the steps that are rare.
fn document(commit: &RunCommit) -> Result<Option<String>, StoreError> {
    let mut document = Document::default();
    reset::push(commit, &mut document);
    task_instance::push_marks(&commit.marks, &mut document);
    map_block::push(commit, &mut document)?;
    xcom::push_values(commit, &mut document);
    wait::push(commit, &mut document);
    asset_event::push(&commit.asset_events, &mut document);
    callback::push(commit, &mut document);
    event_log::push(commit.entries(), &mut document);
    Ok(document.finish())
}

/// The shards of all tenants that the commit is about.
fn shards(whole: &Whole) -> Vec<ShardId> {
    let commit = &whole.commit;
    let scopes = commit.runs.iter().map(|it| it.scope);
    let scopes = scopes.chain(commit.ended.iter().map(|it| it.scope));
    let scopes = scopes.chain(commit.cancelled.iter().map(|it| it.scope));
    let scopes = scopes.chain(commit.reopened.iter().map(|it| it.scope));
    let scopes = scopes.chain(commit.resets.iter().map(|it| it.scope));
    let scopes = scopes.chain(commit.marks.iter().map(|it| it.scope));
    let scopes = scopes.chain(commit.blocks.iter().map(|it| it.scope));
    let scopes = scopes.chain(commit.values.iter().map(|it| it.scope));
    let scopes = scopes.chain(commit.answers.iter().map(|it| it.scope));
    let scopes = scopes.chain(commit.waits.iter().map(|it| it.scope));
    let scopes = scopes.chain(commit.woken.iter().map(|(scope, _)| *scope));
    let scopes = scopes.chain(commit.signals.iter().map(|it| it.scope));
    let scopes = scopes.chain(commit.expansions.iter().map(|it| it.scope));
    let scopes = scopes.chain(commit.instances.iter().map(|it| it.scope));
    let scopes = scopes.chain(commit.transitions.iter().map(|it| it.scope));
    let scopes = scopes.chain(commit.claims.iter().map(|it| it.scope));
    let scopes = scopes.chain(commit.run_states.iter().map(|it| it.scope));
    let scopes = scopes.chain(commit.asset_events.iter().map(|it| it.scope));
    let scopes = scopes.chain(commit.callbacks.iter().map(|it| it.scope));
    let scopes = scopes.chain(whole.offers.iter().map(|it| it.scope));
    let scopes = scopes.chain(whole.results.iter().map(|it| it.scope));
    let scopes = scopes.chain(whole.events.iter().map(|(scope, _)| *scope));
    let shards: BTreeSet<_> = scopes.map(|scope| ShardId::of(scope.tenant())).collect();
    shards.into_iter().collect()
}

/// Whom to wake: those who watch runs and those who wait for work, or the owners of runs. Empty where no other process is.
fn wake(whole: &Whole) -> String {
    if !whole.looks.is_empty() {
        return wakes::event(whole.looks.iter().map(|(scope, _)| ShardId::of(scope.tenant())));
    }
    if whole.owner.is_none() {
        return String::new();
    }
    wakes::committed(shards(whole).into_iter(), !whole.offers.is_empty())
}

/// Drops everything of runs that are not to be written.
fn leave_out(whole: &mut Whole, runs: &[RunKey]) {
    let runs: BTreeSet<_> = runs.iter().copied().collect();
    whole.offers.retain(|it| !runs.contains(&it.instance.run));
    whole.results.retain(|it| !runs.contains(&it.run));
    whole.looks.retain(|(_, run)| !runs.contains(run));
    let commit = &mut whole.commit;
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
    commit.asset_events.retain(|it| !runs.contains(&asset_event::run(it)));
    commit.deadlines_met.retain(|it| !runs.contains(&it.run));
    commit.callbacks.retain(|it| !runs.contains(&it.run));
}

#[cfg(test)]
mod tests {
    use sqlx::Arguments;

    use super::*;

    fn nobody() -> Ownership {
        Ownership { server: model::ServerId::from_uuid(uuid::Uuid::nil()), epoch: 0 }
    }

    #[test]
    fn each_column_of_each_step_is_bound() {
        // And the document.
        let columns: usize = function::STEPS.iter().map(|step| step.width()).sum::<usize>() + 1;
        assert_eq!(arguments(&Whole::default()).unwrap().len(), columns);
        let shared: usize = function::SHARED_STEPS.iter().map(|step| step.width()).sum();
        let owned = Whole { owner: Some(nobody()), ..Whole::default() };
        assert_eq!(arguments(&owned).unwrap().len(), columns + shared + function::GUARD.len());
    }
}
