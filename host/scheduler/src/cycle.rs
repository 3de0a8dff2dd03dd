//! One turn of the loop: what is gathered for one commit, and whom to tell when it is durable.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use model::asset::AssetName;
use model::outcome::WakeOn;
use model::{DagId, Fence, InstanceKey, RunId, RunKey, RunState, TenantScope, WorkerId};
use plan::ExpansionDecision;
use store::{
    Claim, ClaimedRun, EventId, InstanceClaim, NewRun, Offer, Report, ResultChange, RunCommit, RunStateChange,
    StoreError,
};
use tokio::sync::oneshot;

use crate::active::RunHandle;
use crate::by_hand::{Changes, ControlError};
use crate::command::{NewTrigger, Reply, TriggerError};
use crate::given::Given;

mod callback;
mod decided;
mod new_run;

pub(crate) use new_run::new_run;

/// Who reported, with what of it belongs elsewhere.
pub(crate) struct Reporter {
    pub(crate) reply: Reply<Vec<Report>, StoreError>,
    pub(crate) elsewhere: Vec<Report>,
}

/// An instance that waits for the end of a run.
pub(crate) struct RunWait {
    /// Which of the commit's waits.
    pub(crate) wait: usize,
    pub(crate) scope: TenantScope,
    /// What it names, if it can name a run at all.
    pub(crate) run: Option<(DagId, RunId)>,
}

/// What one commit will hold.
pub(crate) struct Cycle {
    pub(crate) now: Timestamp,
    pub(crate) fence: Fence,
    pub(crate) commit: RunCommit,
    /// How many brought something that the database may refuse.
    pub(crate) commands: usize,
    /// Runs whose machines took part, and how often they had been cleared when they were read.
    pub(crate) touched: BTreeMap<RunHandle, u32>,
    /// Runs that want to hear of the commit.
    pub(crate) more_after_commit: Vec<RunKey>,
    pub(crate) triggers: Vec<(RunHandle, RunId, Reply<(), TriggerError>)>,
    pub(crate) reports: Vec<Reporter>,
    /// Claims whose ends are reported: their slots are free once the commit is durable.
    pub(crate) released: Vec<(WorkerId, Claim)>,
    pub(crate) handouts: BTreeMap<WorkerId, Vec<Claim>>,
    /// Executions that the commit ends; their workers are told to end them too.
    pub(crate) cancels: BTreeSet<(InstanceKey, Fence)>,
    /// Instances for workers elsewhere.
    pub(crate) offers: Vec<Offer>,
    /// Events that this cycle deals with, and who brought them; false where some are left for later.
    pub(crate) events: Vec<(TenantScope, EventId)>,
    pub(crate) event_replies: Vec<(oneshot::Sender<bool>, bool)>,
    /// Results that have become known, for those who wait elsewhere.
    pub(crate) results: Vec<ResultChange>,
    /// Waits of the commit whose runs are still to be found.
    pub(crate) run_waits: Vec<RunWait>,
    /// What each of the commit's waits is for, as bodies have said it.
    pub(crate) waits_on: Vec<WakeOn>,
    /// Runs with instances that begin to wait for more than a time.
    pub(crate) waiting: BTreeSet<RunHandle>,
    /// Assets of which the commit has events.
    pub(crate) assets: BTreeSet<(TenantScope, AssetName)>,
    /// Who asked for what the commit does by hand.
    pub(crate) acts: Vec<(Changes, Reply<Changes, ControlError>)>,
    /// What is reset keeps its task state.
    pub(crate) keeps_state: bool,
}

impl Cycle {
    pub(crate) fn new(now: Timestamp, fence: Fence) -> Self {
        Self {
            now,
            fence,
            commit: RunCommit::default(),
            commands: 0,
            touched: BTreeMap::new(),
            more_after_commit: Vec::new(),
            triggers: Vec::new(),
            reports: Vec::new(),
            released: Vec::new(),
            handouts: BTreeMap::new(),
            cancels: BTreeSet::new(),
            offers: Vec::new(),
            events: Vec::new(),
            event_replies: Vec::new(),
            results: Vec::new(),
            run_waits: Vec::new(),
            waits_on: Vec::new(),
            waiting: BTreeSet::new(),
            assets: BTreeSet::new(),
            acts: Vec::new(),
            keeps_state: false,
        }
    }

    /// True when there is nothing to write.
    pub(crate) fn is_clean(&self) -> bool {
        self.touched.is_empty() && self.events.is_empty()
    }

    /// True when the commit would change no row.
    pub(crate) fn writes_nothing(&self) -> bool {
        let RunCommit {
            runs,
            ended,
            cancelled,
            reopened,
            resets,
            marks,
            expansions,
            blocks,
            instances,
            transitions,
            values,
            answers,
            waits,
            woken,
            signals,
            claims,
            fence: _,
            run_states,
            asset_events,
            deadlines_met,
            callbacks,
            logs,
        } = &self.commit;
        let runs = runs.len() + reopened.len() + run_states.len() + logs.len();
        let by_hand = resets.len() + marks.len() + cancelled.len();
        let instances = ended.len() + instances.len() + transitions.len() + claims.len() + values.len();
        let levels = expansions.len() + blocks.len() + answers.len();
        let waits =
            waits.len() + woken.len() + signals.len() + asset_events.len() + deadlines_met.len() + callbacks.len();
        let shared = self.offers.len() + self.events.len() + self.results.len();
        runs + by_hand + instances + levels + waits + shared == 0
    }

    /// A new run, before its first decisions.
    pub(crate) fn run(&mut self, trigger: NewTrigger, given: &Given, known: &[ExpansionDecision]) {
        let run = new_run(trigger, given, known, self.now);
        self.commit.runs.push(NewRun { state: RunState::Running, started_at: Some(self.now), ..run });
    }

    /// A new run that may not begin yet.
    pub(crate) fn run_later(
        &mut self,
        trigger: NewTrigger,
        given: &Given,
        known: &[ExpansionDecision],
        reply: Reply<(), TriggerError>,
    ) {
        let handle = (trigger.version.scope, trigger.key);
        self.touched.entry(handle).or_insert(0);
        self.triggers.push((handle, trigger.run_id.clone(), reply));
        self.commit.runs.push(new_run(trigger, given, known, self.now));
    }

    /// A run that was queued begins.
    pub(crate) fn starts(&mut self, run: &ClaimedRun) {
        let to = RunState::Running;
        self.commit.run_states.push(RunStateChange { scope: run.scope, run: run.key, to, reason: None, at: self.now });
    }

    /// Notes that the commit says something of a run. What counts is how often it was cleared before the commit, which may clear it.
    pub(crate) fn touch(&mut self, run: &ClaimedRun) {
        self.touched.entry((run.scope, run.key)).or_insert(run.clears);
    }

    /// Instances that any worker may take.
    pub(crate) fn offer(&mut self, claims: &[Claim]) {
        let Some(first) = claims.first() else { return };
        self.touch(&first.run);
        self.commit.fence = Some(self.fence);
        self.offers.extend(claims.iter().map(|claim| Offer {
            scope: claim.run.scope,
            instance: claim.token.instance,
            try_number: claim.token.try_number,
            suspect: claim.suspect,
        }));
    }

    /// Claims to write and to hand out.
    pub(crate) fn claims(&mut self, worker: WorkerId, claims: Vec<Claim>) {
        let Some(first) = claims.first() else { return };
        self.touch(&first.run);
        self.commit.fence = Some(self.fence);
        self.commit.claims.extend(claims.iter().map(|claim| InstanceClaim {
            scope: claim.run.scope,
            instance: claim.token.instance,
            worker,
            at: claim.claimed_at,
        }));
        self.handouts.entry(worker).or_default().extend(claims);
    }
}
