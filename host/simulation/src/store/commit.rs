//! A commit, row by row in the order of its fields. Each row says whether it was as the commit expects; when one was not, nothing
//! is kept.

use std::collections::{BTreeMap, BTreeSet};

use model::{RunKey, TenantScope};
use store::{
    AssetSource, CommitError, DuplicateRun, EventId, IdempotencyKey, NewInstances, NewRun, NodeRow, Offer, Ownership,
    ResultChange, RunCommit, RunCommitted, RunRow,
};

use super::rows::{Accepted, Run, Tables, kept, micros, unavailable};

/// Everything that one commit writes.
#[derive(Debug, Default)]
pub(crate) struct Whole {
    pub(crate) commit: RunCommit,
    pub(crate) owner: Option<Ownership>,
    pub(crate) offers: Vec<Offer>,
    pub(crate) events: Vec<(TenantScope, EventId)>,
    pub(crate) results: Vec<ResultChange>,
}

impl Tables {
    pub(crate) fn commit(&mut self, mut whole: Whole) -> Result<RunCommitted, CommitError> {
        if !(whole.commit.claims.is_empty() && whole.offers.is_empty()) && whole.commit.fence.is_none() {
            return Err(unavailable("a commit with claims has no fence").into());
        }
        let duplicate_runs = self.duplicates(&whole.commit.runs);
        leave_out(&mut whole, &duplicate_runs);
        let mut copies = Copies { tables: self, runs: BTreeMap::new(), overtaken: BTreeSet::new() };
        for new in &whole.commit.runs {
            copies.insert(new)?;
        }
        copies.apply(&whole);
        let Copies { runs, overtaken, .. } = copies;
        if !overtaken.is_empty() {
            return Err(CommitError::Overtaken(overtaken.into_iter().collect()));
        }
        self.cluster.change_work(&whole)?;
        self.runs.extend(runs);
        let Whole { commit, owner, offers, .. } = whole;
        for event in &commit.asset_events {
            self.asset_event(event);
        }
        for entry in commit.entries() {
            self.log(entry);
        }
        self.history.push(Accepted::Commit { commit: commit.into(), owner, offers });
        Ok(RunCommitted { duplicate_runs })
    }
}

/// Drops everything of runs that are not to be written.
fn leave_out(whole: &mut Whole, duplicates: &[DuplicateRun]) {
    let runs: Vec<_> = duplicates.iter().map(|it| it.run).collect();
    whole.offers.retain(|it| !runs.contains(&it.instance.run));
    whole.results.retain(|it| !runs.contains(&it.run));
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
    commit.deadlines_met.retain(|it| !runs.contains(&it.run));
    commit.callbacks.retain(|it| !runs.contains(&it.run));
    commit.asset_events.retain(|it| !matches!(&it.source, AssetSource::Task { run, .. } if runs.contains(run)));
}

/// Copies of the runs that change.
struct Copies<'a> {
    tables: &'a Tables,
    runs: BTreeMap<(TenantScope, RunKey), Run>,
    overtaken: BTreeSet<RunKey>,
}

impl Copies<'_> {
    fn insert(&mut self, new: &NewRun) -> Result<(), CommitError> {
        let version = self.tables.bundles.versions.get(&(new.scope, new.version));
        let version = version.ok_or_else(|| unavailable("the run's version is unknown"))?;
        let row = RunRow {
            scope: new.scope,
            key: new.key,
            dag_id: new.dag_id.clone(),
            run_id: new.run_id.clone(),
            version: new.version,
            version_number: version.version_number,
            bundle: version.bundle.clone(),
            run_type: new.run_type,
            state: new.state,
            reason: None,
            conf: kept(&new.conf).into(),
            params: kept(&new.params).into(),
            note: new.note.as_deref().map(kept),
            triggered_by: kept(&new.triggered_by),
            logical_date: new.logical_date.map(micros),
            data_interval: new.data_interval.map(|(from, to)| (micros(from), micros(to))),
            run_after: micros(new.run_after),
            queued_at: micros(new.queued_at),
            started_at: new.started_at.map(micros),
            ended_at: new.state.is_ended().then_some(micros(new.queued_at)),
            clears: 0,
            is_latest: new.is_latest,
            variables: kept(&new.variables).into(),
            parent: new.parent,
            backfill: new.backfill,
        };
        let node = |it: &store::NewNode| {
            (
                it.node,
                NodeRow { node: it.node, task_id: it.task_id.clone(), map_length: it.map_length, list_length: None },
            )
        };
        let run = Run {
            row,
            result: None,
            nodes: new.nodes.iter().map(node).collect(),
            instances: BTreeMap::new(),
            attempts: BTreeMap::new(),
            xcoms: BTreeMap::new(),
            states: BTreeMap::new(),
            blocks: BTreeMap::new(),
            answers: BTreeMap::new(),
            waits: BTreeMap::new(),
            signals: Vec::new(),
            callbacks: BTreeMap::new(),
            callbacks_left_out: 0,
            request: new.idempotency.clone().map(|it| IdempotencyKey { key: kept(&it.key).into(), ..it }),
        };
        self.runs.insert((new.scope, new.key), run);
        Ok(())
    }

    fn apply(&mut self, whole: &Whole) {
        let commit = &whole.commit;
        for it in &commit.ended {
            self.change(it.scope, it.instance.run, |run| run.end(it));
        }
        for it in &commit.cancelled {
            self.change(it.scope, it.instance.run, |run| run.cancel(it));
        }
        for it in &commit.reopened {
            self.change(it.scope, it.run, |run| run.reopen(it));
        }
        for it in &commit.resets {
            self.change(it.scope, it.run, |run| run.reset(it));
        }
        for it in &commit.marks {
            self.change(it.scope, it.run, |run| run.mark(it));
        }
        for it in &commit.expansions {
            self.change(it.scope, it.run, |run| run.expand(it));
        }
        for it in &commit.blocks {
            self.add(it.scope, it.run, |run| _ = run.blocks.insert((it.block.level, it.block.first), it.block));
        }
        for it in &commit.instances {
            self.make(it);
        }
        for it in &commit.transitions {
            self.change(it.scope, it.run, |run| run.move_on(it));
        }
        for it in &commit.values {
            self.add(it.scope, it.instance.run, |run| run.leave(it.instance, &it.values, micros(it.at)));
        }
        for it in &commit.answers {
            let (key, answer) = ((it.answer.node, it.answer.map_index), it.answer.answer.clone());
            self.add(it.scope, it.run, |run| _ = run.answers.insert(key, answer));
        }
        for it in &commit.waits {
            self.add(it.scope, it.instance.run, |run| run.wait(it));
        }
        for (scope, it) in &commit.woken {
            self.add(*scope, it.run, |run| _ = run.waits.remove(&(it.node, it.map_index)));
        }
        for it in &commit.signals {
            self.change(it.scope, it.instance.run, |run| run.take_signal(it));
        }
        for it in &commit.claims {
            self.change(it.scope, it.instance.run, |run| run.claim(it, commit));
        }
        for it in &whole.offers {
            self.change(it.scope, it.instance.run, |run| run.offer(it, commit));
        }
        for it in &commit.run_states {
            self.change(it.scope, it.run, |run| run.move_run_on(it));
        }
        for it in &commit.deadlines_met {
            self.add(it.scope, it.run, |run| run.meet_deadlines(it));
        }
        let mut owed: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for it in &commit.callbacks {
            owed.entry((it.scope, it.run)).or_default().push(it);
        }
        for ((scope, run), all) in owed {
            self.add(scope, run, |run| run.owe(&all));
        }
        for it in &whole.results {
            self.change(it.scope, it.run, |run| {
                run.result = Some(it.is_available);
                true
            });
        }
    }

    /// Changes a run; a run that is not there, and a row that is not as expected, are somebody else's doing.
    fn change(&mut self, scope: TenantScope, key: RunKey, change: impl FnOnce(&mut Run) -> bool) {
        if !self.runs.contains_key(&(scope, key))
            && let Some(run) = self.tables.runs.get(&(scope, key))
        {
            self.runs.insert((scope, key), run.clone());
        }
        if !self.runs.get_mut(&(scope, key)).is_some_and(change) {
            self.overtaken.insert(key);
        }
    }

    fn make(&mut self, new: &NewInstances) {
        // Rows of instances name their run, but the database does not look whether it is there.
        if self.tables.runs.contains_key(&(new.scope, new.run)) || self.runs.contains_key(&(new.scope, new.run)) {
            self.change(new.scope, new.run, |run| run.make(new));
        }
    }

    /// Adds to a run that is there, likewise.
    fn add(&mut self, scope: TenantScope, key: RunKey, add: impl FnOnce(&mut Run)) {
        if self.tables.runs.contains_key(&(scope, key)) || self.runs.contains_key(&(scope, key)) {
            self.change(scope, key, |run| {
                add(run);
                true
            });
        }
    }
}
