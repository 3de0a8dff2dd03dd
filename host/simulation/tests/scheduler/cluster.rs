//! Servers that share a database: what the owner of a run does when others trigger and clear it, when it was given up without
//! knowing, and when nobody knows what became of a commit.

use std::sync::Arc;
use std::time::Duration;

use clock::Ids;
use model::{RunId, RunKey, RunState};
use scheduler::{Act, Asker, Clear, NewTrigger, SchedulerLimits, TriggerError, Version};
use simulation::{Ground, Idle, Process, Role, RunRows, SCOPE, Side, Snapshot, invariant};
use store::StoreError;
use testkit::dice::Dice;
use testkit::outcome::Outcome;

/// Longer than a lease.
const LONG: Duration = Duration::from_secs(60);

struct Cluster {
    ground: Ground,
    dag: Arc<Version>,
    idle: Idle,
    /// Owns all shards in the beginning; it has no worker.
    owner: Process,
    /// Has the worker, and owns nothing.
    other: Process,
}

fn play(dag: &str, body: impl AsyncFnOnce(&mut Cluster)) {
    Idle::run(|idle| async move {
        let ground = Ground::new(1);
        let dag = ground.register("dag", dag).await;
        let owner = start(&ground, "owner", true, 0);
        idle.rest().await;
        let mut other = start(&ground, "other", false, 2);
        idle.rest().await;
        assert!(other.add_worker(2).await, "it has joined");
        let mut cluster = Cluster { ground, dag, idle, owner, other };
        // The owner hears of the other's slots.
        cluster.pass(6).await;
        body(&mut cluster).await;
        let snapshot = Snapshot::read(&cluster.ground.store, SCOPE).await.expect("the simulated store answers");
        let mut broken = cluster.ground.trace.all_broken();
        broken.extend(invariant::of_rows(&snapshot));
        broken.extend(invariant::of_history(&cluster.ground.store.history(), |_| Some(cluster.dag.dag.clone())));
        assert!(broken.is_empty(), "{broken:#?}\n{}", cluster.ground.trace.text());
    });
}

fn start(ground: &Ground, name: &str, is_scheduler: bool, slots: u32) -> Process {
    let role = Role::Member { node: ground.clock.uuid(), is_scheduler, slots };
    Process::start(ground, name, role, SchedulerLimits::default(), Dice::new(1))
}

impl Cluster {
    async fn pass(&self, seconds: u64) {
        for _ in 0..seconds {
            self.ground.clock.advance(Duration::from_secs(1));
            self.idle.rest().await;
        }
    }

    fn new_trigger(&self, run_id: &str) -> NewTrigger {
        self.ground.trigger(&self.dag, RunId::new(run_id).expect("a legal name"))
    }

    /// Triggers a run, which must succeed, and waits until the owner has heard of it.
    async fn trigger(&self, at: &Process) -> RunKey {
        let trigger = self.new_trigger("run");
        let key = trigger.key;
        at.started().expect("it has joined").scheduler.trigger(trigger).await.expect("it is accepted");
        self.pass(1).await;
        key
    }

    async fn clear(&self, at: &Process, run: RunKey) {
        let scheduler = at.started().expect("it has joined").scheduler;
        let asker = Asker { name: "ada".to_owned(), why: None };
        let asked = tokio::spawn(async move {
            scheduler.act(SCOPE, run, Act::Clear(Clear::default()), asker, false).await.expect("it is cleared").count()
        });
        self.pass(6).await;
        assert!(asked.await.expect("nobody panics") > 0);
    }

    /// The worker ends everything that it holds.
    async fn end(&mut self, word: &str) {
        let worker = &mut self.other.workers[0];
        let ends = worker.held().iter().map(|held| (held.claim.token, Outcome::of_word(word))).collect();
        worker.end(ends, false);
        self.pass(1).await;
    }

    async fn runs(&self) -> Vec<RunRows> {
        Snapshot::read(&self.ground.store, SCOPE).await.expect("the simulated store answers").runs
    }

    async fn check(&self, run: RunKey, state: RunState, attempts: usize) {
        let runs = self.runs().await;
        let rows = runs.iter().find(|it| it.row.key == run).expect("the run exists");
        let found: usize = rows.attempts.iter().map(Vec::len).sum();
        assert_eq!((rows.row.state, found), (state, attempts), "{}", self.ground.trace.text());
    }
}

#[test]
fn a_run_that_is_triggered_elsewhere_and_ends_as_it_starts_ends() {
    play("a: expand(0)", async |cluster| {
        let run = cluster.trigger(&cluster.other).await;
        cluster.check(run, RunState::Success, 0).await;
    });
}

#[test]
fn a_run_that_waited_for_its_owner_has_all_its_time() {
    play("a:\ndag: run_timeout=20000", async |cluster| {
        cluster.owner.link.hold("read of events", Side::Before);
        let run = cluster.trigger(&cluster.other).await;
        cluster.pass(25).await;
        cluster.owner.link.let_go();
        cluster.pass(6).await;
        cluster.end("ok").await;
        cluster.check(run, RunState::Success, 1).await;
    });
}

#[test]
fn who_was_given_up_takes_no_event_away() {
    play("a:", async |cluster| {
        let run = cluster.trigger(&cluster.other).await;
        cluster.end("ok").await;
        cluster.check(run, RunState::Success, 1).await;

        cluster.owner.stop_for(LONG);
        let next = start(&cluster.ground, "next", true, 0);
        cluster.pass(45).await;
        next.link.hold("read of events", Side::Before);
        cluster.owner.link.hold("beat", Side::Before);
        cluster.clear(&cluster.other, run).await;
        // It reads the event before it learns that it was given up.
        cluster.owner.go_on();
        cluster.pass(10).await;
        next.link.let_go();
        cluster.pass(10).await;
        cluster.owner.link.let_go();
        cluster.end("ok").await;
        cluster.check(run, RunState::Success, 2).await;
    });
}

#[test]
fn a_commit_that_was_given_up_does_nothing_when_it_arrives_late() {
    play("a:", async |cluster| {
        let scheduler = cluster.owner.started().expect("it has joined").scheduler;
        // Pools are read first.
        cluster.owner.link.let_next();
        cluster.owner.link.delay_next();
        let answer = scheduler.trigger(cluster.new_trigger("run")).await;
        assert!(matches!(answer, Err(TriggerError::Store(StoreError::Unavailable { .. }))), "{answer:?}");
        cluster.pass(30).await;
        assert!(cluster.runs().await.is_empty(), "nobody would start it\n{}", cluster.ground.trace.text());
        let run = cluster.trigger(&cluster.owner).await;
        cluster.end("ok").await;
        cluster.check(run, RunState::Success, 1).await;
    });
}

#[test]
fn a_clear_that_is_asked_for_elsewhere_is_done_when_the_owner_hears_of_it() {
    play("a -> b\nb: retries=1 retry_delay=3000", async |cluster| {
        let run = cluster.trigger(&cluster.owner).await;
        cluster.end("ok").await;
        cluster.end("fail").await;
        cluster.owner.link.hold("read of events", Side::Before);
        cluster.clear(&cluster.other, run).await;
        // The second try runs, and the owner has not heard of the clear.
        cluster.owner.link.let_go();
        cluster.pass(6).await;
        cluster.end("ok").await;
        cluster.end("ok").await;
        cluster.check(run, RunState::Success, 5).await;
    });
}
