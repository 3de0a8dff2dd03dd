//! Those who trigger, clear and watch. They see the scheduler through its handle alone, and check what they are told against the
//! rows at that moment.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};

use clock::Ids;
use model::{RunId, RunKey, RunState, TaskState, TenantId, TenantScope};
use scheduler::{Act, Asker, Clear, ControlError, Instances, Mark, NewTrigger, RunWatch, TriggerError, Version};
use testkit::dice::Dice;
use testkit::random_dag;

use super::profile::Profile;
use crate::invariant::AcceptedTrigger;
use crate::{Accepted, Ground, Started};

#[derive(Clone)]
pub(super) struct Clients {
    ground: Ground,
    dags: Arc<Vec<Arc<Version>>>,
    said: Arc<Mutex<Said>>,
}

#[derive(Default)]
struct Said {
    /// Triggers that were acknowledged.
    accepted: Vec<AcceptedTrigger>,
    /// Triggers that failed, to be repeated.
    failed: Vec<NewTrigger>,
    /// Requests without an answer.
    open: usize,
    runs: u32,
    watches: Vec<Watched>,
}

/// What somebody was told of a run.
#[derive(Debug, Clone)]
struct Watched {
    /// Of which process; a watch ends with it.
    process: u32,
    scope: TenantScope,
    run: RunKey,
    last: Option<RunState>,
}

impl Clients {
    /// Registers random DAGs.
    pub(super) async fn new(ground: Ground, dice: &mut Dice, profile: &Profile) -> Self {
        let mut dags = Vec::new();
        for number in 0..profile.dags {
            let tasks = random_dag::tasks(dice, profile.tasks);
            let cap = dice.per_mille(200).then(|| 1 + dice.roll(4));
            let mut text = random_dag::fixture(&tasks, cap);
            if dice.per_mille(profile.timeouts) {
                text += &format!("dag: run_timeout={}\n", 1_000 * (1 + dice.roll(60)));
            }
            ground.trace.line(format_args!("dag{number}:\n{text}"));
            let tenant = TenantId::from_row(TenantId::DEFAULT.number() + i64::from(dice.roll(profile.tenants)));
            dags.push(ground.register_for(TenantScope::assume(tenant), &format!("dag{number}"), &text).await);
        }
        Self { ground, dags: Arc::new(dags), said: Arc::default() }
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().expect("no panic while the lock is held")
    }

    pub(super) fn accepted(&self) -> Vec<AcceptedTrigger> {
        self.said().accepted.clone()
    }

    /// Tenants that have DAGs.
    pub(super) fn tenants(&self) -> BTreeSet<TenantScope> {
        self.dags.iter().map(|version| version.scope).collect()
    }

    /// Requests without an answer.
    pub(super) fn open(&self) -> usize {
        self.said().open
    }

    /// Runs that have ended and whose watchers, on one of these processes, do not know it.
    pub(super) fn untold(&self, processes: &[u32]) -> Vec<(u32, RunKey)> {
        let watches = self.said().watches.clone();
        let has_ended = |it: &&Watched| {
            self.ground
                .store
                .run(it.scope, it.run)
                .is_some_and(|row| row.state.is_ended() && it.last != Some(row.state))
        };
        let of_living = watches.iter().filter(|it| processes.contains(&it.process));
        of_living.filter(has_ended).map(|it| (it.process, it.run)).collect()
    }

    /// Triggers a run, or one more time one that failed.
    pub(super) fn trigger(&self, process: u32, server: &Started, dice: &mut Dice, profile: &Profile) {
        let trigger = self.said().failed.pop();
        let trigger = match trigger {
            Some(failed) if dice.per_mille(profile.repeats) => {
                let key = if dice.per_mille(500) { failed.key } else { self.key() };
                NewTrigger { key, ..failed }
            }
            _ if self.said().runs >= profile.runs => return,
            _ => self.new_trigger(dice),
        };
        let watch = dice.per_mille(500).then(|| server.scheduler.watch(trigger.version.scope, trigger.key));
        self.said().open += 1;
        tokio::spawn(self.clone().send(process, server.clone(), trigger, watch));
    }

    fn key(&self) -> RunKey {
        RunKey::from_uuid(self.ground.clock.uuid())
    }

    fn new_trigger(&self, dice: &mut Dice) -> NewTrigger {
        let number = {
            let mut said = self.said();
            said.runs += 1;
            // Now and then somebody takes the name of an earlier run.
            if dice.per_mille(50) { 1 + dice.roll(said.runs) } else { said.runs }
        };
        let run_id = RunId::new(format!("r{number}")).expect("a legal name");
        self.ground.trigger(dice.pick(&self.dags), run_id)
    }

    async fn send(self, process: u32, server: Started, trigger: NewTrigger, watch: Option<RunWatch>) {
        let trace = &self.ground.trace;
        let (scope, run_id, key) = (trigger.version.scope, trigger.run_id.clone(), trigger.key);
        trace.line(format_args!("client triggers {run_id} of {} as {key} at p{process}", trigger.version.dag_id));
        let answer = tokio::select! {
            biased;
            answer = server.scheduler.trigger(trigger.clone()) => answer,
            () = server.link.is_dead() => Err(TriggerError::Stopping),
        };
        trace.line(format_args!("client hears of {run_id}: {answer:?}"));
        let is_there = self.ground.store.run(scope, key).is_some();
        match answer {
            Ok(()) if !is_there => trace.broken(format!("{run_id} was acknowledged before it is durable")),
            Ok(()) => {
                let dag_id = trigger.version.dag_id.clone();
                self.said().accepted.push(AcceptedTrigger { scope, dag_id, run_id, key });
            }
            Err(TriggerError::Duplicate(_)) => {}
            Err(_) => self.said().failed.push(trigger),
        }
        self.said().open -= 1;
        if let Some(watch) = watch {
            self.watch(process, scope, key, watch).await;
        }
    }

    async fn watch(self, process: u32, scope: TenantScope, run: RunKey, mut watch: RunWatch) {
        let at = {
            let mut said = self.said();
            said.watches.push(Watched { process, scope, run, last: None });
            said.watches.len() - 1
        };
        loop {
            let progress = watch.changed().await;
            self.said().watches[at].last = Some(progress.state);
            if progress.state.is_ended() && !self.has_been(run, progress.state) {
                self.ground.trace.broken(format!("{run} is told to be {} before it is durable", progress.state));
            }
        }
    }

    /// Whether a commit ever brought the run into that state.
    fn has_been(&self, run: RunKey, state: RunState) -> bool {
        self.ground.store.history().iter().any(|accepted| match accepted {
            Accepted::Commit { commit, .. } => commit.run_states.iter().any(|it| it.run == run && it.to == state),
            _ => false,
        })
    }

    /// Mostly clears: everything, what failed, or something with what follows from it.
    fn new_act(&self, scope: TenantScope, run: RunKey, dice: &mut Dice) -> Act {
        let row = self.ground.store.run(scope, run);
        let dag = row.and_then(|row| self.dags.iter().find(|version| version.key == row.version)).map(|it| &it.dag);
        let some = dag.map(|dag| dag.document().tasks[dice.roll(dag.len() as u32) as usize].task_id.clone());
        let some = Instances { tasks: some.into_iter().collect(), ..Instances::default() };
        let clear = |instances| Act::Clear(Clear { instances, ..Clear::default() });
        match dice.roll(20) {
            0..8 => clear(Instances { only_failed: true, ..Instances::default() }),
            8..11 => clear(Instances::default()),
            11..16 => clear(Instances { downstream: dice.per_mille(700), upstream: dice.per_mille(200), ..some }),
            16..18 => Act::Mark(Mark { instances: some, to: TaskState::Failed }),
            18 => Act::Cancel,
            _ => Act::MarkRun(RunState::Failed),
        }
    }

    /// Asks something of some run.
    pub(super) fn clear(&self, server: &Started, dice: &mut Dice) {
        let accepted = self.accepted();
        if accepted.is_empty() {
            return;
        }
        let AcceptedTrigger { scope, run_id, key, .. } = dice.pick(&accepted).clone();
        let act = self.new_act(scope, key, dice);
        let (server, clients) = (server.clone(), self.clone());
        self.said().open += 1;
        tokio::spawn(async move {
            let trace = &clients.ground.trace;
            trace.line(format_args!("client asks of {run_id}: {act:?}"));
            let asker = Asker { name: "somebody".to_owned(), why: None };
            let answer = tokio::select! {
                biased;
                answer = server.scheduler.act(scope, key, act, asker, false) => answer,
                () = server.link.is_dead() => Err(ControlError::Stopping),
            };
            trace.line(format_args!("client hears of what it asked of {run_id}: {answer:?}"));
            clients.said().open -= 1;
        });
    }
}
