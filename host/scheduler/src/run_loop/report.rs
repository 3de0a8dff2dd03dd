//! Ends of executions, as workers report them or as their silence tells.

use metrics::counter;
use model::WorkerId;
use plan::Event;
use store::{Claim, Report, StoreError};
use tracing::{debug, warn};

use super::RunLoop;
use crate::active::lost;
use crate::command::Reply;
use crate::cycle::{Cycle, Reporter};
use crate::metric_names as names;

impl RunLoop {
    /// Applies reports. One of a run that is being read again cannot be judged yet: it is to be repeated, and keeps its slot until
    /// then, so that what it tells is not taken for lost.
    pub(super) fn reported(
        &mut self,
        cycle: &mut Cycle,
        worker: WorkerId,
        reports: Vec<Report>,
        reply: Reply<Vec<Report>, StoreError>,
    ) {
        self.slots.heartbeat(worker, self.parts.clock.monotonic());
        let (owned, elsewhere): (Vec<_>, Vec<_>) = reports.into_iter().partition(|it| self.owns(it.scope));
        for report in &elsewhere {
            self.slots.release(worker, report.token);
        }
        let mut must_repeat = false;
        for report in owned {
            if self.is_coming((report.scope, report.token.instance.run)) {
                must_repeat = true;
                continue;
            }
            cycle.released.extend(self.slots.release(worker, report.token).map(|claim| (worker, claim)));
            self.ended(cycle, report);
        }
        if must_repeat {
            let detail = "the run is being read again; report once more".to_owned();
            // A worker that is gone does not wait for the answer.
            let _ = reply.send(Err(StoreError::Unavailable { detail }));
        } else {
            cycle.reports.push(Reporter { reply, elsewhere });
        }
    }

    /// An execution whose worker is not heard of.
    pub(super) fn lose(&mut self, cycle: &mut Cycle, claim: &Claim, message: &str) {
        warn!(instance = ?claim.token.instance, "{message}");
        self.ended(cycle, lost(claim.run.scope, claim.token, claim.claimed_at, cycle.now, message));
    }

    /// Applies the end of an execution. A run that is not in memory has ended, or is read later and finds nobody who holds it.
    pub(super) fn ended(&mut self, cycle: &mut Cycle, report: Report) {
        let key = report.token.instance.run;
        let Some(run) = self.active.get_mut(&key) else {
            counter!(names::REPORTS_STALE).increment(1);
            return;
        };
        let event = Event::Ended {
            node: report.token.instance.node,
            map_index: report.token.instance.map_index,
            fence: report.token.fence,
            end: report.execution.end.clone(),
            has_value: report.has_value,
            answer: report.answer.clone(),
        };
        let decisions = run.on(event, cycle.now);
        if decisions.ended.is_some() {
            counter!(names::ATTEMPTS_ENDED, "kind" => report.execution.end.kind().as_str()).increment(1);
        } else {
            counter!(names::REPORTS_STALE).increment(1);
            debug!(instance = ?report.token.instance, fence = %report.token.fence, "report under a stale fence");
        }
        self.apply(cycle, key, decisions, Some(report));
    }
}
