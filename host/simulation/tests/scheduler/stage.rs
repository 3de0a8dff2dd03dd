//! A server with a scheduler, and what a test does to it. After each act everybody comes to rest.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use clock::{Clock, Ids, Sim};
use model::document::DagDocument;
use model::{EndKind, MapIndex, RunId, RunKey, RunState, SignalId, TaskId, TaskState, VersionKey};
use scheduler::{
    Act, Asker, Changes, Clear, ControlError, Explained, Instances, NewTrigger, SchedulerLimits, TriggerError, Version,
};
use serde_json::Value;
use simulation::{Ground, Held, Idle, Link, Process, Role, RunRows, SCOPE, Snapshot, invariant};
use store::NewSignal;
use testkit::dag;
use testkit::dice::Dice;
use testkit::outcome::Outcome;

/// An answer that may not be there yet.
pub(crate) type Answer<T, E> = Arc<Mutex<Option<Result<T, E>>>>;

/// Who asks.
pub(crate) fn ada() -> Asker {
    Asker { name: "ada".to_owned(), why: None }
}

pub(crate) struct Stage {
    pub(crate) ground: Ground,
    pub(crate) process: Process,
    dag: Arc<Version>,
    idle: Idle,
    keeps_time: bool,
}

/// Plays a test on a server that knows one DAG. At the end the invariants must hold.
pub(crate) fn play(dag: &str, body: impl AsyncFnOnce(&mut Stage)) {
    play_document(dag::document(dag), false, body);
}

/// Plays a test on a server that knows a DAG which the language of texts cannot describe.
pub(crate) fn play_changed(dag: &str, change: impl FnOnce(&mut DagDocument), body: impl AsyncFnOnce(&mut Stage)) {
    let mut document = dag::document(dag);
    change(&mut document);
    play_document(document, false, body);
}

/// Plays a test on a server that makes runs of this DAG by itself. Members of the document are merged in.
pub(crate) fn play_time(dag: &str, more: Value, body: impl AsyncFnOnce(&mut Stage)) {
    play_document(with(dag, more), true, body);
}

/// The document of a DAG with other members.
pub(crate) fn with(dag: &str, more: Value) -> DagDocument {
    let mut document = serde_json::to_value(dag::document(dag)).expect("a document is JSON");
    document.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    serde_json::from_value(document).expect("members of a document")
}

fn play_document(dag: DagDocument, keeps_time: bool, body: impl AsyncFnOnce(&mut Stage)) {
    Idle::run(|idle| async move {
        let ground = Ground::new(1);
        let dag = ground.register_document(SCOPE, "dag", dag).await;
        let process = start(&ground);
        let mut stage = Stage { ground, process, dag, idle, keeps_time };
        stage.idle.rest().await;
        stage.keep_time().await;
        body(&mut stage).await;
        let snapshot = Snapshot::read(&stage.ground.store, SCOPE).await.expect("the simulated store answers");
        let mut broken = stage.ground.trace.all_broken();
        broken.extend(invariant::of_rows(&snapshot));
        broken.extend(invariant::of_history(&stage.ground.store.history(), |_| Some(stage.dag.dag.clone())));
        assert!(broken.is_empty(), "{broken:#?}\n{}", stage.ground.trace.text());
    });
}

fn start(ground: &Ground) -> Process {
    Process::start(ground, "server", Role::Alone, SchedulerLimits::default(), Dice::new(1))
}

impl Stage {
    pub(crate) fn link(&self) -> &Link {
        &self.process.link
    }

    pub(crate) fn clock(&self) -> &Sim {
        &self.ground.clock
    }

    pub(crate) async fn rest(&self) {
        self.idle.rest().await;
    }

    /// Time goes on second by second.
    pub(crate) async fn pass(&self, seconds: u64) {
        for _ in 0..seconds {
            self.clock().advance(Duration::from_secs(1));
            self.rest().await;
        }
    }

    /// The server dies and another one starts; what the test does to its link comes before its first call.
    pub(crate) async fn crash(&mut self, prepare: impl FnOnce(&Link)) {
        let process = start(&self.ground);
        prepare(&process.link);
        std::mem::replace(&mut self.process, process).kill();
        self.rest().await;
        self.keep_time().await;
    }

    async fn keep_time(&mut self) {
        if self.keeps_time {
            self.process.keep_time();
            self.rest().await;
        }
    }

    /// Tells the server that something may be due.
    pub(crate) async fn poke(&self) {
        self.process.timekeeper().expect("time is kept").poke();
        self.rest().await;
    }

    /// Ids and states of all runs, in the order of their ids.
    pub(crate) async fn runs(&self) -> Vec<(String, RunState)> {
        let snapshot = Snapshot::read(&self.ground.store, SCOPE).await.expect("the simulated store answers");
        let mut runs: Vec<_> = snapshot.runs.iter().map(|it| (it.row.run_id.to_string(), it.row.state)).collect();
        runs.sort();
        runs
    }

    /// Adds a worker and gives its place among the workers.
    pub(crate) async fn worker(&mut self, slots: u32) -> usize {
        assert!(self.process.add_worker(slots).await, "the scheduler has started");
        self.rest().await;
        self.process.workers.len() - 1
    }

    pub(crate) fn new_trigger(&self, run_id: &str) -> NewTrigger {
        self.ground.trigger(&self.dag, RunId::new(run_id).expect("a legal name"))
    }

    /// The version of the DAG that the test began with.
    pub(crate) fn version(&self) -> VersionKey {
        self.dag.key
    }

    /// Gives the DAG another version.
    pub(crate) async fn register(&self, text: &str) -> VersionKey {
        self.ground.register_document(SCOPE, "dag", dag::document(text)).await.key
    }

    /// Sends a trigger.
    pub(crate) async fn send(&self, trigger: NewTrigger) -> Answer<(), TriggerError> {
        let scheduler = self.process.started().expect("the scheduler has started").scheduler;
        self.ask(async move { scheduler.trigger(trigger).await }).await
    }

    /// Triggers a run, which must succeed.
    pub(crate) async fn trigger(&self, run_id: &str) -> RunKey {
        let trigger = self.new_trigger(run_id);
        let key = trigger.key;
        let answer = self.send(trigger).await;
        assert!(matches!(*answer.lock().unwrap(), Some(Ok(()))), "{answer:?}");
        key
    }

    pub(crate) async fn clear(&self, run: RunKey, only_failed: bool) -> Answer<Changes, ControlError> {
        let instances = Instances { only_failed, ..Instances::default() };
        self.act(run, Act::Clear(Clear { instances, ..Clear::default() })).await
    }

    pub(crate) async fn act(&self, run: RunKey, act: Act) -> Answer<Changes, ControlError> {
        let scheduler = self.process.started().expect("the scheduler has started").scheduler;
        self.ask(async move { scheduler.act(SCOPE, run, act, ada(), false).await }).await
    }

    pub(crate) async fn explain(&self, run: RunKey, task: &str) -> Explained {
        let scheduler = self.process.started().expect("the scheduler has started").scheduler;
        let task_id = TaskId::new(task).expect("a legal name");
        let answer = self.ask(async move { scheduler.explain(SCOPE, run, task_id, MapIndex::NONE).await }).await;
        let answer = answer.lock().unwrap().take();
        answer.expect("there is an answer").expect("the instance is known")
    }

    /// Sends a signal, which must be kept.
    pub(crate) async fn signal(&self, run: RunKey, name: &str) {
        let scheduler = self.process.started().expect("the scheduler has started").scheduler;
        let signal = NewSignal {
            scope: SCOPE,
            id: SignalId::from_uuid(self.clock().uuid()),
            run,
            name: name.into(),
            payload: r#"{"yes":true}"#.into(),
            by: "ada".into(),
            at: self.clock().now(),
        };
        let answer = self.ask(async move { scheduler.signal(signal).await }).await;
        assert!(matches!(*answer.lock().unwrap(), Some(Ok(true))), "{answer:?}");
    }

    /// The states of a run's instances, task by task.
    pub(crate) async fn states(&self, run: RunKey) -> Vec<TaskState> {
        self.rows(run).await.instances.iter().map(|row| row.state).collect()
    }

    async fn ask<T: Send + 'static, E: Send + 'static>(
        &self,
        question: impl Future<Output = Result<T, E>> + Send + 'static,
    ) -> Answer<T, E> {
        let answer: Answer<T, E> = Arc::default();
        let place = answer.clone();
        tokio::spawn(async move {
            let answer = question.await;
            *place.lock().unwrap() = Some(answer);
        });
        self.rest().await;
        answer
    }

    pub(crate) fn held(&self, worker: usize) -> Vec<Held> {
        self.process.workers[worker].held()
    }

    /// The worker ends everything that it holds, in one report.
    pub(crate) async fn end(&mut self, worker: usize, word: &str) {
        let ends = self.held(worker).iter().map(|held| (held.claim.token, Outcome::of_word(word))).collect();
        self.process.workers[worker].end(ends, false);
        self.rest().await;
    }

    pub(crate) async fn rows(&self, run: RunKey) -> RunRows {
        let snapshot = Snapshot::read(&self.ground.store, SCOPE).await.expect("the simulated store answers");
        snapshot.runs.into_iter().find(|it| it.row.key == run).expect("the run exists")
    }

    /// The run has come to `state`, its executions, instance by instance, to `ends`.
    #[track_caller]
    pub(crate) fn check(&self, run: RunKey, state: RunState, ends: &[EndKind]) -> impl Future<Output = ()> {
        let place = std::panic::Location::caller();
        async move {
            let rows = self.rows(run).await;
            let found: Vec<_> = rows.attempts.iter().flatten().map(|attempt| attempt.end).collect();
            let trace = || self.ground.trace.text();
            assert_eq!((rows.row.state, found.as_slice()), (state, ends), "at {place}\n{}", trace());
        }
    }
}
