//! Runs whose machines start from their rows: after a start, a clear, or a commit that failed.

use std::collections::BTreeSet;

use model::{AttemptToken, RunKey, RunState, TenantScope, TryNumber};
use plan::{ResultStatus, RunMachine};
use store::{Cleared, RunNews, StoreError};
use tracing::warn;

use super::{REREAD_PAUSE, RunLoop, injected};
use crate::active::{ActiveRun, RunHandle, claimed_of_row, context, lost, saved_of_snapshot};
use crate::board::RunProgress;
use crate::command::ClearError;
use crate::cycle::Cycle;
use crate::recovery::{self, Reading, Recovered};
use crate::version::VersionError;

impl RunLoop {
    pub(super) async fn read_again(&mut self) {
        let now = self.parts.clock.monotonic();
        let due: Vec<_> = self.reread.iter().filter(|(_, at)| **at <= now).map(|(handle, _)| *handle).collect();
        if due.is_empty() {
            return;
        }
        if !self.settle().await {
            return self.read_all_later();
        }
        for handle @ (scope, run) in due {
            let elsewhere = self.shared.as_ref().map(|shared| &*shared.cluster.store);
            match recovery::read(&*self.parts.runs, &self.parts.versions, elsewhere, scope, run).await {
                Ok(Reading::Unfinished(recovered)) => self.recovered.push(recovered),
                Ok(Reading::Ended(state)) => {
                    self.is_over(handle);
                    // The answer to the commit that ended it may have been lost.
                    self.board.tell_news(RunNews { run, state, result: None });
                }
                Ok(Reading::Absent) => self.is_over(handle),
                Err(VersionError::Store(error)) if error.may_pass() => {
                    warn!(%run, %error, "cannot read the run again yet");
                    return self.read_all_later();
                }
                Err(error) => recovery::leave(run, &error),
            }
            self.reread.remove(&handle);
        }
    }

    fn read_all_later(&mut self) {
        let later = self.parts.clock.monotonic() + REREAD_PAUSE;
        self.reread.values_mut().for_each(|at| *at = later.max(*at));
    }

    /// Nothing that is held of the run counts any more.
    fn is_over(&mut self, handle: RunHandle) {
        self.slots.cancel(|token| token.instance.run == handle.1);
        if let Some(shared) = &mut self.shared {
            shared.is_absent(handle);
        }
    }

    pub(super) async fn clear(&mut self) {
        for ((scope, run), only_failed, reply) in std::mem::take(&mut self.clears) {
            let answer = self.clear_one((scope, run), only_failed).await;
            // A caller that is gone does not wait for the answer.
            let _ = reply.send(answer);
        }
    }

    async fn clear_one(&mut self, (scope, run): RunHandle, only_failed: bool) -> Result<Cleared, ClearError> {
        if !self.owns(scope) {
            return Err(ClearError::NotOwner);
        }
        let (active, max) = (self.unfinished(), self.parts.limits.runs);
        if active >= max && !self.active.contains_key(&run) {
            return Err(ClearError::Overloaded { active, max });
        }
        let cleared = self.try_clear(scope, run, only_failed).await;
        // A clear whose answer was lost may have been done: the rows tell.
        self.drop_run(run);
        self.read_later((scope, run));
        let cleared = cleared?;
        let progress = RunProgress { state: RunState::Running, result: ResultStatus::Pending, generation: 0 };
        self.board.tell(run, progress);
        Ok(cleared)
    }

    async fn try_clear(&self, scope: TenantScope, run: RunKey, only_failed: bool) -> Result<Cleared, StoreError> {
        failpoint::before("cancel::clear").map_err(injected)?;
        let now = self.parts.clock.now();
        let cleared = match &self.shared {
            None => self.parts.runs.run_clear(scope, run, only_failed, now).await?,
            // Another process may have become the owner, which is told too.
            Some(shared) => shared.cluster.store.run_clear_shared(scope, run, only_failed, now).await?,
        };
        failpoint::after("cancel::clear").map_err(injected)?;
        Ok(cleared)
    }

    /// Starts a machine again; what its rows show as running is lost, for nobody holds it.
    pub(super) fn resume(&mut self, cycle: &mut Cycle, recovered: Recovered) {
        let Recovered { snapshot, version, lengths, held } = recovered;
        let key = snapshot.run.key;
        if self.active.contains_key(&key) || !self.owns(snapshot.run.scope) {
            return;
        }
        let mut saved = saved_of_snapshot(&snapshot);
        if snapshot.run.state == RunState::Queued {
            saved.started_at = cycle.now;
        }
        let (machine, decisions) = RunMachine::recover(
            version.dag.clone(),
            &saved,
            &lengths,
            context(key),
            self.parts.limits.machine,
            cycle.now,
        );
        let run = ActiveRun::new(machine, claimed_of_row(&snapshot.run, &version));
        if snapshot.run.state == RunState::Queued {
            // Made by a process that does not own it. It may end at once.
            cycle.starts(&run.claimed);
        }
        cycle.decisions(&run.claimed, decisions, None);
        let running: BTreeSet<_> = run.running().collect();
        let of_run = |token: &AttemptToken| token.instance.run == key;
        self.slots.cancel(|token| of_run(token) && !running.contains(&(token.instance, token.fence)));
        let scope = run.scope();
        if let Some(shared) = &mut self.shared {
            shared.is_there((scope, key));
        }
        self.activate(key, run);
        let orphans: Vec<_> =
            running.into_iter().filter(|(it, fence)| self.slots.find(*it, *fence).is_none()).collect();
        let orphans: Vec<_> =
            orphans.into_iter().filter(|(it, fence)| !self.is_outside(&held, *it, *fence, cycle.now)).collect();
        for (instance, fence) in orphans {
            let row =
                snapshot.instances.iter().find(|it| it.node == instance.node && it.map_index == instance.map_index);
            let try_number = row.map_or(TryNumber(1), |row| row.try_number);
            let started_at = row.and_then(|row| row.started_at).unwrap_or(cycle.now);
            let token = AttemptToken { instance, try_number, fence };
            self.ended(cycle, lost(scope, token, started_at, cycle.now, "the server stopped while it ran"));
        }
        self.queue(key);
    }
}
