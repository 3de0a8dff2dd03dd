//! Those who trigger, clear and watch. They see the scheduler through its handle alone, and check what they are told against the
//! rows at that moment.

use std::sync::{Arc, Mutex, MutexGuard};

use clock::Ids;
use model::{DagId, RunId, RunKey, RunState};
use scheduler::{NewTrigger, RunWatch, Scheduler, TriggerError, Version};
use testkit::dice::Dice;
use testkit::random_dag;

use super::profile::Profile;
use crate::{Accepted, Ground, SCOPE};

#[derive(Clone)]
pub(super) struct Clients {
    ground: Ground,
    dags: Arc<Vec<Arc<Version>>>,
    said: Arc<Mutex<Said>>,
}

#[derive(Default)]
struct Said {
    /// Triggers that were acknowledged.
    accepted: Vec<(DagId, RunId, RunKey)>,
    /// Triggers that failed, to be repeated.
    failed: Vec<NewTrigger>,
    /// Requests without an answer.
    open: usize,
    runs: u32,
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
            dags.push(ground.register(&format!("dag{number}"), &text).await);
        }
        Self { ground, dags: Arc::new(dags), said: Arc::default() }
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().expect("no panic while the lock is held")
    }

    pub(super) fn accepted(&self) -> Vec<(DagId, RunId, RunKey)> {
        self.said().accepted.clone()
    }

    /// Requests without an answer.
    pub(super) fn open(&self) -> usize {
        self.said().open
    }

    /// Triggers a run, or one more time one that failed.
    pub(super) fn trigger(&self, scheduler: &Scheduler, dice: &mut Dice, profile: &Profile) {
        let trigger = self.said().failed.pop();
        let trigger = match trigger {
            Some(failed) if dice.per_mille(profile.repeats) => {
                let key = if dice.per_mille(500) { failed.key } else { self.key() };
                NewTrigger { key, ..failed }
            }
            _ if self.said().runs >= profile.runs => return,
            _ => self.new_trigger(dice),
        };
        let watch = dice.per_mille(500).then(|| scheduler.watch(SCOPE, trigger.key));
        self.said().open += 1;
        tokio::spawn(self.clone().send(scheduler.clone(), trigger, watch));
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

    async fn send(self, scheduler: Scheduler, trigger: NewTrigger, watch: Option<RunWatch>) {
        let trace = &self.ground.trace;
        let (run_id, key) = (trigger.run_id.clone(), trigger.key);
        trace.line(format_args!("client triggers {run_id} of {} as {key}", trigger.version.dag_id));
        let answer = scheduler.trigger(trigger.clone()).await;
        trace.line(format_args!("client hears of {run_id}: {answer:?}"));
        let is_there = self.ground.store.run(SCOPE, key).is_some();
        match answer {
            Ok(()) if !is_there => trace.broken(format!("{run_id} was acknowledged before it is durable")),
            Ok(()) => self.said().accepted.push((trigger.version.dag_id.clone(), run_id, key)),
            Err(TriggerError::Duplicate(_)) => {}
            Err(_) => self.said().failed.push(trigger),
        }
        self.said().open -= 1;
        if let Some(watch) = watch {
            self.watch(key, watch).await;
        }
    }

    async fn watch(self, run: RunKey, mut watch: RunWatch) {
        loop {
            let progress = watch.changed().await;
            if progress.state.is_ended() && !self.has_been(run, progress.state) {
                self.ground.trace.broken(format!("{run} is told to be {} before it is durable", progress.state));
            }
        }
    }

    /// Whether a commit ever brought the run into that state.
    fn has_been(&self, run: RunKey, state: RunState) -> bool {
        self.ground.store.history().iter().any(|accepted| match accepted {
            Accepted::Commit(commit) => commit.run_states.iter().any(|it| it.run == run && it.to == state),
            _ => false,
        })
    }

    /// Clears some run.
    pub(super) fn clear(&self, scheduler: &Scheduler, dice: &mut Dice) {
        let accepted = self.accepted();
        if accepted.is_empty() {
            return;
        }
        let (_, run_id, key) = dice.pick(&accepted).clone();
        let only_failed = dice.per_mille(600);
        let (scheduler, clients) = (scheduler.clone(), self.clone());
        self.said().open += 1;
        tokio::spawn(async move {
            let trace = &clients.ground.trace;
            trace.line(format_args!("client clears {run_id}, only_failed {only_failed}"));
            let answer = scheduler.clear(SCOPE, key, only_failed).await;
            trace.line(format_args!("client hears of the clear of {run_id}: {answer:?}"));
            clients.said().open -= 1;
        });
    }
}
