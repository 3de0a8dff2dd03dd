//! Runs whose machines start from their rows: after a start, a clear, or a commit that failed.

use std::collections::BTreeSet;

use model::{AttemptToken, RunState, TryNumber};
use plan::RunMachine;
use store::{RunNews, WaitKind};
use tracing::warn;

use super::{REREAD_PAUSE, RunLoop};
use crate::active::{ActiveRun, RunHandle, claimed_of_row, context, lost, saved_of_snapshot};
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
            match self.sources().read(scope, run).await {
                Ok(Reading::Unfinished(recovered)) => self.recovered.push(recovered),
                Ok(Reading::Ended(state)) => {
                    self.is_over(handle);
                    self.waits.has_come(scope, WaitKind::DagRun, &run.uuid().to_string());
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

    /// Starts a machine again; what its rows show as running is lost, for nobody holds it.
    pub(super) fn resume(&mut self, cycle: &mut Cycle, recovered: Recovered) {
        let Recovered { snapshot, version, lengths, held, waits, woken } = recovered;
        let key = snapshot.run.key;
        if self.active.contains_key(&key) || !self.owns(snapshot.run.scope) {
            return;
        }
        let mut saved = saved_of_snapshot(&snapshot, &version);
        if snapshot.run.state == RunState::Queued {
            if snapshot.run.run_after > cycle.now {
                self.later.insert((snapshot.run.run_after, (snapshot.run.scope, key)));
                return;
            }
            saved.started_at = cycle.now;
        }
        let (machine, decisions) = RunMachine::recover(
            version.dag.clone(),
            &saved,
            &lengths,
            context(key, snapshot.run.is_latest, &version.dag),
            self.parts.limits.machine,
            cycle.now,
        );
        let mut run = ActiveRun::new(machine, claimed_of_row(&snapshot.run, &version), snapshot.run.run_type);
        self.waits.resume(&mut run, &waits);
        run.woken.extend(woken.into_iter().map(|(instance, woken)| ((instance.node, instance.map_index), woken)));
        if snapshot.run.state == RunState::Queued {
            // Made by a process that does not own it. It may end at once.
            cycle.starts(&run.claimed);
            cycle.deadline(&run.claimed, snapshot.run.queued_at, snapshot.run.run_after);
        }
        let running: BTreeSet<_> = run.running().collect();
        let of_run = |token: &AttemptToken| token.instance.run == key;
        self.slots.cancel(|token| of_run(token) && !running.contains(&(token.instance, token.fence)));
        let scope = run.scope();
        if let Some(shared) = &mut self.shared {
            shared.is_there((scope, key));
        }
        self.activate(key, run);
        self.apply(cycle, key, decisions, None);
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
