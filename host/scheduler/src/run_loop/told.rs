//! After a commit: answer, hand out, wake; or, when it failed, forget.

use metrics::{counter, gauge};
use model::{RunKey, RunState, RunType};
use store::{CommitError, DuplicateKind, DuplicateRun, SharedCommitError, StoreError, WaitKind};
use tokio::sync::oneshot;
use tracing::warn;

use super::points::{passed, steps};
use super::{REREAD_PAUSE, RunLoop, Shared};
use crate::by_hand::ControlError;
use crate::command::TriggerError;
use crate::cycle::{Cycle, Reporter};
use crate::metric_names as names;

impl RunLoop {
    pub(super) async fn commit(&mut self, mut cycle: Cycle) {
        if cycle.is_clean() {
            return answer(cycle.reports, cycle.event_replies);
        }
        if let Err(error) = self.begin_waits(&mut cycle).await {
            return self.forget(cycle, &[], &error, TriggerError::Store);
        }
        self.tell_results(&mut cycle);
        if cycle.writes_nothing() {
            return self.tell(cycle, &[]);
        }
        let steps = steps(&cycle.commit);
        let has_asset_events = !cycle.commit.asset_events.is_empty();
        let has_callbacks = !cycle.commit.callbacks.is_empty();
        let result = match &self.shared {
            None => {
                let commit = self.parts.runs.commit(std::mem::take(&mut cycle.commit));
                passed(&steps, async { commit.await.map_err(SharedCommitError::Commit) }).await
            }
            Some(shared) => match shared.commit(&mut cycle) {
                Some(commit) => passed(&steps, shared.cluster.store.commit_shared(commit)).await,
                // Nothing is owned, so nobody had anything to decide.
                None => return answer(cycle.reports, cycle.event_replies),
            },
        };
        if has_callbacks {
            // Whatever became of the commit, they may be there.
            self.news.poke_to_call();
        }
        match result {
            Ok(committed) => {
                failpoint::begins("complete::notify");
                self.failures = 0;
                if has_asset_events {
                    self.news.poke();
                }
                self.tell(cycle, &committed.duplicate_runs);
            }
            Err(SharedCommitError::Commit(CommitError::Store(error @ StoreError::Refused { .. }))) => {
                self.refused(cycle, error);
            }
            Err(SharedCommitError::Commit(CommitError::Store(error))) if error.may_pass() => {
                self.shared.iter_mut().for_each(Shared::doubt);
                self.forget(cycle, &[], &error, TriggerError::Store);
            }
            Err(SharedCommitError::Commit(error)) => {
                let told = StoreError::Unavailable { detail: error.to_string() };
                let overtaken = if let CommitError::Overtaken(runs) = error { runs } else { Vec::new() };
                self.forget(cycle, &overtaken, &told, TriggerError::Store);
            }
            Err(error @ SharedCommitError::Deposed(_)) => {
                let told = StoreError::Unavailable { detail: error.to_string() };
                self.forget(cycle, &[], &told, |_| TriggerError::NotOwner);
                if let SharedCommitError::Deposed(shards) = error {
                    self.depose(&shards);
                }
            }
        }
    }

    /// After a commit that the database did not take. Whoever was alone in it is told; among others nobody knows whose it was, and
    /// all of them ask again, one by one.
    fn refused(&mut self, cycle: Cycle, error: StoreError) {
        if cycle.commands == 1 {
            return self.forget(cycle, &[], &error, TriggerError::Store);
        }
        self.one_by_one = cycle.commands;
        let detail = format!("{error}; ask again");
        self.forget(cycle, &[], &StoreError::Unavailable { detail }, TriggerError::Store);
    }

    /// After a commit: answer, hand out, wake.
    fn tell(&mut self, cycle: Cycle, duplicates: &[DuplicateRun]) {
        counter!(names::RUNS_TRIGGERED).increment(cycle.triggers.len() as u64);
        for ((scope, key), run_id, reply) in cycle.triggers {
            let duplicate = duplicates.iter().find(|it| it.run == key);
            if duplicate.is_some() {
                self.drop_run(key);
                // Its key may be that of the run itself, which another trigger made.
                self.read_later((scope, key));
            }
            // A caller that is gone does not wait for the answer.
            let _ = reply.send(match duplicate {
                None => Ok(()),
                Some(it) => Err(match it.kind {
                    DuplicateKind::RunId => TriggerError::Duplicate(run_id),
                    DuplicateKind::LogicalDate => TriggerError::DuplicateDate(it.existing.clone()),
                    DuplicateKind::IdempotencyKey => TriggerError::DuplicateRequest(it.existing.clone()),
                }),
            });
        }
        for (changes, reply) in cycle.acts {
            let _ = reply.send(Ok(changes));
        }
        for (scope, asset) in &cycle.assets {
            self.waits.has_come(*scope, WaitKind::Asset, asset.as_str());
        }
        for run in &cycle.waiting {
            self.waits.look_at(*run);
        }
        answer(cycle.reports, cycle.event_replies);
        for (worker, mut claims) in cycle.handouts {
            for claim in claims.extract_if(.., |claim| duplicates.iter().any(|it| it.run == claim.run.key)) {
                self.slots.release(worker, claim.token);
            }
            // Claims of a worker that is gone come back when it is reaped.
            self.slots.send(worker, claims);
        }
        if !cycle.cancels.is_empty() {
            self.slots.cancel(|token| cycle.cancels.contains(&(token.instance, token.fence)));
        }
        self.committed.extend(cycle.more_after_commit);
        for handle @ (_, key) in cycle.touched.into_keys() {
            if let Some(run) = self.active.get(&key) {
                self.pasts.has_changed(handle, &run.claimed.dag_id);
            }
            self.tell_of(key);
        }
        self.gauge();
    }

    fn tell_of(&mut self, key: RunKey) {
        let Some(run) = self.active.get_mut(&key) else { return };
        if self.board.is_watched(key) {
            self.board.tell(key, run.progress());
        }
        let ready = run.machine.ready_count();
        self.instances_ready = self.instances_ready + u64::from(ready) - u64::from(run.ready_told);
        run.ready_told = ready;
        let state = run.machine.state();
        if state.is_ended() {
            let limit = run.claimed.dag.document().max_consecutive_failed_runs;
            let may_pause = state == RunState::Failed && limit.is_some();
            if may_pause {
                self.news.failed(run.scope(), &run.claimed.dag_id);
            }
            // Runs that people start hold nothing back that could go on now.
            if may_pause || run.run_type != RunType::Manual {
                self.news.poke();
            }
            let (scope, run_id) = (run.scope(), run.claimed.run_id.clone());
            counter!(names::RUNS_ENDED, "state" => state.as_str()).increment(1);
            self.drop_run(key);
            self.run_ended(scope, key, run_id.as_str(), state);
        } else {
            self.ticks.set(key, run.machine.next_tick());
        }
    }

    /// After a commit that did nothing: whatever took part is read again from its rows, so that memory says what they say. When
    /// that has not helped, a pause comes first; where it is known which runs were in the way, for those alone.
    fn forget(
        &mut self,
        cycle: Cycle,
        in_the_way: &[RunKey],
        error: &StoreError,
        trigger_error: impl Fn(StoreError) -> TriggerError,
    ) {
        counter!(names::COMMITS_FAILED).increment(1);
        warn!(%error, runs = cycle.touched.len(), "commit failed, reading its runs again");
        for (worker, claims) in cycle.handouts {
            for claim in claims {
                self.slots.release(worker, claim.token);
            }
        }
        for (worker, claim) in cycle.released {
            self.slots.restore(worker, claim);
        }
        for (_, key) in cycle.touched.keys() {
            self.drop_run(*key);
        }
        let now = self.parts.clock.monotonic();
        let again = self.failures > 0;
        self.failures = self.failures.saturating_add(1);
        let waits = |run: &RunKey| again && (in_the_way.is_empty() || in_the_way.contains(run));
        let at = |run: &RunKey| if waits(run) { now + REREAD_PAUSE } else { now };
        self.reread.extend(cycle.touched.keys().map(|handle| (*handle, at(&handle.1))));
        // Those who asked may be gone.
        for (_, _, reply) in cycle.triggers {
            let _ = reply.send(Err(trigger_error(error.clone())));
        }
        for Reporter { reply, .. } in cycle.reports {
            let _ = reply.send(Err(error.clone()));
        }
        for (_, reply) in cycle.acts {
            let _ = reply.send(Err(ControlError::Store(error.clone())));
        }
        for (reply, _) in cycle.event_replies {
            let _ = reply.send(false);
        }
    }

    fn gauge(&self) {
        gauge!(names::RUNS_ACTIVE).set(self.active.len() as f64);
        gauge!(names::SLOTS_TAKEN).set(self.slots.held() as f64);
        gauge!(names::SLOTS).set(self.slots.total() as f64);
        gauge!(names::INSTANCES_READY).set(self.instances_ready as f64);
    }
}

/// Those who ask may be gone.
fn answer(reports: Vec<Reporter>, events: Vec<(oneshot::Sender<bool>, bool)>) {
    for Reporter { reply, elsewhere } in reports {
        let _ = reply.send(Ok(elsewhere));
    }
    for (reply, has_all) in events {
        let _ = reply.send(has_all);
    }
}
