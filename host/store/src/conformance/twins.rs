//! Two databases that are given the same random commands answer and read alike.

use std::fmt::Debug;

use model::outcome::Answer;
use model::{InstanceKey, MapIndex, NodeIdx, RunState, RunType, ScopeIdx, TaskState, TryNumber};

use super::Stores;
use super::fixture::*;
use super::random::Dice;
use crate::{
    AnswerRow, BlockRow, Cancelled, DagFilter, Ended, Expansion, InstanceFilter, InstanceSnapshot, NewAnswer, NewBlock,
    NewInstances, NewRun, NewWait, OfRuns, PageRequest, PageSize, Reopened, Reset, RunCommit, RunFilter, RunOrder,
    RunStateChange, Transition, WaitKind,
};

const RUNS: u64 = 5;
const NODES: u32 = 3;
const COMMANDS: u32 = 60;
const KEYS: [&str; 3] = [crate::RETURN_VALUE, "other", "Zulu"];
const TEXTS: [&str; 4] = ["plain", "é 🦀 \"quoted\"", "with\0nul", ""];
const TASK_STATES: [TaskState; 9] = [
    TaskState::None,
    TaskState::Scheduled,
    TaskState::Running,
    TaskState::UpForRetry,
    TaskState::Success,
    TaskState::Failed,
    TaskState::Skipped,
    TaskState::UpstreamFailed,
    TaskState::Removed,
];

/// Runs the commands that follow from `seed` on both and panics at the first answer in which they differ. Both are empty.
pub async fn agree(one: &dyn Stores, other: &dyn Stores, seed: u64) {
    let mut twins = Twins { one, other, seed, dice: Dice::of(seed), counter: 0, applied: 0, told: String::new() };
    twins.register("v0").await;
    for _ in 0..COMMANDS {
        twins.command().await;
        twins.read().await;
    }
    let Twins { counter, applied, .. } = twins;
    assert!(applied > counter / 8 && applied < counter, "seed {seed}: {applied} of {counter} commits were applied");
}

struct Twins<'a> {
    one: &'a dyn Stores,
    other: &'a dyn Stores,
    seed: u64,
    dice: Dice,
    /// Of fences.
    counter: u64,
    /// Commits that were applied.
    applied: u64,
    /// The last command.
    told: String,
}

/// Asks both, compares, and gives the answer. The arguments are evaluated twice.
macro_rules! ask {
    ($twins:expr, $method:ident($($argument:expr),* $(,)?)) => {{
        let one = $twins.one.$method($($argument),*).await;
        let other = $twins.other.$method($($argument),*).await;
        $twins.compare(stringify!($method), &one, &other);
        one
    }};
}

impl Twins<'_> {
    #[track_caller]
    fn compare<T: Debug>(&self, what: &str, one: &T, other: &T) {
        let (one, other) = (format!("{one:?}"), format!("{other:?}"));
        assert_eq!(one, other, "seed {}: {what} after {}", self.seed, self.told);
        assert!(!one.contains("Unavailable"), "seed {}: {what} after {}: {one}", self.seed, self.told);
    }

    async fn command(&mut self) {
        match self.dice.roll(20) {
            0 => {
                let text = ["v0", "v1", "v2"][self.dice.pick(3)];
                self.register(text).await;
            }
            1..=3 => self.keep_state().await,
            _ => {
                let commit = self.commit().await;
                self.told = format!("{commit:?}");
                self.applied += u64::from(ask!(self, commit(commit.clone())).is_ok());
            }
        }
    }

    fn run(&mut self) -> u128 {
        1 + u128::from(self.dice.roll(RUNS))
    }

    async fn register(&mut self, text: &str) {
        let mut new = bundle("words", &[("dag", text)], 1);
        new.dags[0].label = Some(TEXTS[self.dice.pick(TEXTS.len())].to_owned());
        self.told = format!("{new:?}");
        let _ = ask!(self, bundle_register(OWN, new.clone()));
    }

    /// Instances as they are, which both agree on.
    async fn instances(&mut self) -> Vec<(u128, InstanceSnapshot)> {
        let mut all = Vec::new();
        for run in 1..=u128::from(RUNS) {
            let snapshot = self.one.run_snapshot(OWN, run_key(run)).await.expect("read");
            all.extend(snapshot.into_iter().flat_map(|it| it.instances).map(|it| (run, it)));
        }
        all
    }

    /// Some of those in a state, and now and then any.
    fn some(&mut self, all: &[(u128, InstanceSnapshot)], state: TaskState, most: u64) -> Vec<(u128, InstanceSnapshot)> {
        let is_careless = self.dice.is(8);
        let fits: Vec<_> = all.iter().filter(|(_, it)| is_careless || it.state == state).copied().collect();
        let count = if fits.is_empty() { 0 } else { self.dice.roll(most + 1) };
        (0..count).map(|_| fits[self.dice.pick(fits.len())]).collect()
    }

    async fn commit(&mut self) -> RunCommit {
        self.counter += 1;
        let all = self.instances().await;
        let mut commit = RunCommit { fence: Some(fence(self.counter)), ..RunCommit::default() };
        if self.dice.is(4) {
            self.new_run(&mut commit).await;
        }
        for (run, it) in self.some(&all, TaskState::Running, 3) {
            commit.ended.push(self.ended(run, &it));
        }
        for (run, it) in self.some(&all, TaskState::None, 1) {
            let length = self.dice.roll(4) as u32;
            commit.expansions.push(Expansion { scope: OWN, run: run_key(run), node: it.node, length });
            commit.instances.push(instances(run, it.node.0, 0, length, TaskState::Scheduled));
        }
        let run = self.run();
        let exists = self.one.run_snapshot(OWN, run_key(run)).await.expect("read").is_some();
        if exists && self.dice.is(3) {
            let (node, first) = (self.dice.roll(u64::from(NODES)) as u32, self.dice.roll(8) as i32 - 1);
            let state = [TaskState::None, TaskState::Scheduled, TaskState::Skipped][self.dice.pick(3)];
            let reason = self.dice.is(2).then(|| "why".into());
            let count = if first < 0 { 1 } else { self.dice.roll(4) as u32 };
            commit.instances.push(NewInstances { reason, ..instances(run, node, first, count, state) });
        }
        let waiting = if self.dice.is(2) { TaskState::None } else { TaskState::UpForRetry };
        for (run, it) in self.some(&all, waiting, 2) {
            let (first, node) = (it.map_index.number(), it.node.0);
            let last = if first >= 0 && self.dice.is(3) { first + 1 } else { first };
            let to = TASK_STATES[self.dice.pick(TASK_STATES.len())];
            let to = if to == TaskState::Running { TaskState::Scheduled } else { to };
            let reason = self.dice.is(2).then(|| TEXTS[self.dice.pick(TEXTS.len())].into());
            let try_number = self.dice.is(2).then_some(it.try_number.0 + 1);
            commit.transitions.push(Transition { reason, ..transition(run, node, (first, last), to, try_number) });
        }
        if self.dice.is(3) {
            self.by_hand(&all, &mut commit);
        }
        self.said(&all, &mut commit);
        for (run, it) in self.some(&all, TaskState::Scheduled, 4) {
            commit.claims.push(claim(run, it.node.0, it.map_index.number()));
        }
        if self.dice.is(6) {
            let to = [RunState::Running, RunState::Success, RunState::Failed][self.dice.pick(3)];
            let run = run_key(self.run());
            commit.run_states.push(RunStateChange { scope: OWN, run, to, reason: None, at: at(9) });
        }
        commit
    }

    /// Somebody clears or marks something, or cancels what runs.
    fn by_hand(&mut self, all: &[(u128, InstanceSnapshot)], commit: &mut RunCommit) {
        for (run, it) in self.some(all, TaskState::Running, 2) {
            let at = at(21);
            let instance = instance(run, it.node.0, it.map_index.number());
            commit.cancelled.push(Cancelled { scope: OWN, instance, fence: it.fence, message: "why".into(), at });
        }
        let run = run_key(self.run());
        if self.dice.is(2) {
            commit.reopened.push(Reopened { scope: OWN, run, version: None, tasks: None, at: at(22) });
        }
        for (run, it) in self.some(all, TaskState::Success, 2) {
            let (first, last) = (it.map_index, it.map_index);
            let keeps_state = self.dice.is(2);
            commit.resets.push(Reset { scope: OWN, run: run_key(run), node: it.node, first, last, keeps_state });
        }
        for (run, it) in self.some(all, TaskState::Failed, 2) {
            let to = TASK_STATES[self.dice.pick(TASK_STATES.len())];
            let index = it.map_index.number();
            commit.marks.push(transition(run, it.node.0, (index, index), to, None));
        }
    }

    /// What successes say, and what instances wait for.
    fn said(&mut self, all: &[(u128, InstanceSnapshot)], commit: &mut RunCommit) {
        for (run, it) in self.some(all, TaskState::Success, 2) {
            let list_length = self.dice.is(2).then(|| self.dice.roll(9) as u32);
            let answer = AnswerRow {
                node: it.node,
                map_index: it.map_index,
                answer: Answer { list_length, ..Answer::default() },
            };
            commit.answers.push(NewAnswer { scope: OWN, run: run_key(run), answer });
            let [parent, first, live] = [0; 3].map(|_| self.dice.roll(5) as u32);
            let level = ScopeIdx(1 + self.dice.roll(2) as u32);
            let block = BlockRow { level, parent, first, length: 5, offset: 1, live };
            commit.blocks.push(NewBlock { scope: OWN, run: run_key(run), block });
        }
        for (run, it) in self.some(all, TaskState::Deferred, 2) {
            let instance = instance(run, it.node.0, it.map_index.number());
            if self.dice.is(3) {
                commit.woken.push((OWN, instance));
                continue;
            }
            let kind = WaitKind::ALL[self.dice.pick(WaitKind::ALL.len())];
            let key = run_key(self.run()).uuid().to_string().into();
            let wait = NewWait { scope: OWN, instance, fence: it.fence, kind, key, form: None, since: at(4) };
            commit.waits.push(wait);
        }
    }

    async fn new_run(&mut self, commit: &mut RunCommit) {
        let version = self.one.dag_fetch(OWN, &dag_id("dag")).await.expect("read").expect("registered").current.key;
        let (number, name) = (self.run(), self.run());
        let run = NewRun {
            run_id: run_id(&format!("{}-{name}", ["run", "RUN", "run_x"][self.dice.pick(3)])),
            run_type: [RunType::Manual, RunType::Scheduled][self.dice.pick(2)],
            state: [RunState::Queued, RunState::Running, RunState::Failed][self.dice.pick(3)],
            note: self.dice.is(2).then(|| TEXTS[self.dice.pick(TEXTS.len())].to_owned()),
            logical_date: self.dice.is(2).then(|| at(self.dice.roll(9) as i64)),
            run_after: at(self.dice.roll(9) as i64),
            ..new_run(OWN, "dag", version, number, NODES)
        };
        let started = started(run);
        commit.runs.extend(started.runs);
        commit.instances.extend(started.instances);
    }

    fn ended(&mut self, run: u128, it: &InstanceSnapshot) -> Ended {
        let of_fence = (it.fence.number() & 0xff_ffff_ffff) as u64 + u64::from(self.dice.is(12));
        let token = token(run, it.node.0, it.map_index.number(), it.try_number.0, of_fence);
        let to = [
            TaskState::Success,
            TaskState::Success,
            TaskState::Failed,
            TaskState::UpForRetry,
            TaskState::Scheduled,
            TaskState::Deferred,
        ];
        let to = to[self.dice.pick(to.len())];
        let count = self.dice.pick(KEYS.len() + 1);
        let xcoms = KEYS[..count].iter().map(|key| inline(key, TEXTS[self.dice.pick(TEXTS.len())])).collect();
        let list_length = self.dice.is(2).then(|| self.dice.roll(9) as u32);
        Ended { xcoms, has_value: count > 0, list_length, ..ended(token, to) }
    }

    async fn keep_state(&mut self) {
        let all = self.instances().await;
        for (run, it) in self.some(&all, TaskState::Running, 2) {
            let of_fence = (it.fence.number() & 0xff_ffff_ffff) as u64;
            let token = token(run, it.node.0, it.map_index.number(), it.try_number.0, of_fence);
            let name = key(KEYS[self.dice.pick(KEYS.len())]);
            self.told = format!("state {name:?} of {token:?}");
            let ttl = self.dice.is(2).then(|| std::time::Duration::from_secs(self.dice.roll(9)));
            if self.dice.is(3) {
                let _ = ask!(self, state_delete(OWN, token, &name));
            } else {
                let value = TEXTS[self.dice.pick(TEXTS.len())];
                let _ = ask!(self, state_put(OWN, token, &name, value, ttl, at(5)));
            }
            let _ = ask!(self, state_fetch(OWN, token, &name, at(8)));
            let prefix = ["", "o", "z"][self.dice.pick(3)];
            let _ = ask!(self, state_keys(OWN, token, prefix, at(8)));
        }
    }

    async fn read(&mut self) {
        for run in 1..=u128::from(RUNS) {
            let Ok(Some(snapshot)) = ask!(self, run_snapshot(OWN, run_key(run))) else { continue };
            let _ = ask!(self, instance_counts(OWN, run_key(run)));
            let _ = ask!(self, waits_of_run(OWN, run_key(run)));
            let _ = ask!(self, run_before(OWN, run_key(run)));
            let Some(it) = snapshot.instances.get(self.dice.pick(snapshot.instances.len().max(1))) else { continue };
            let _ = ask!(self, attempt_list(OWN, instance(run, it.node.0, it.map_index.number())));
            let _ = ask!(self, xcom_list(OWN, run_key(run), it.node, it.map_index));
            let name = key(KEYS[self.dice.pick(KEYS.len())]);
            let size = PageSize { values: 1 + self.dice.roll(4) as u32, bytes: self.dice.pick(20) };
            let _ = ask!(self, xcom_page(OWN, run_key(run), it.node, &name, MapIndex::NONE, size));
            let _ = ask!(self, xcom_indexes(OWN, run_key(run), it.node, &name, MapIndex::NONE, size.values));
            let _ = ask!(self, xcom_count(OWN, run_key(run), it.node, &name));
            let _ = ask!(self, map_length(OWN, run_key(run), it.node));
        }
        let page = PageRequest { limit: 1 + self.dice.roll(6) as u32, offset: self.dice.roll(4) as u32 };
        let (runs, instances) = (self.run_filter(), self.instance_filter());
        self.told = format!("{}; with {runs:?}, {instances:?}, {page:?}", self.told);
        let _ = ask!(self, run_list(OWN, &runs, page));
        let _ = ask!(self, instance_list(OWN, &instances, page));
        let _ = ask!(self, dag_list(OWN, &DagFilter::default(), page));
        let _ = ask!(self, dag_version_list(OWN, &dag_id("dag"), page));
        let _ = ask!(self, runs_unfinished(OWN, None, page.limit));
        let _ = ask!(self, tenants_with_work());
    }

    fn run_filter(&mut self) -> RunFilter {
        let orders = [
            RunOrder::Key,
            RunOrder::RunAfter,
            RunOrder::StartedAt,
            RunOrder::EndedAt,
            RunOrder::LogicalDate,
            RunOrder::RunId,
            RunOrder::State,
        ];
        let states = [RunState::Queued, RunState::Running, RunState::Success, RunState::Failed];
        let first = self.dice.pick(states.len());
        let last = first + self.dice.pick(states.len() - first);
        RunFilter {
            dag_id: self.dice.is(3).then(|| dag_id("dag")),
            states: if self.dice.is(2) { states[first..=last].to_vec() } else { Vec::new() },
            run_types: if self.dice.is(4) { vec![RunType::Manual] } else { Vec::new() },
            run_id_pattern: self.dice.is(4).then(|| [r"run\_%", "RuN-_", "%1", ""][self.dice.pick(4)].to_owned()),
            version_number: self.dice.is(4).then(|| 1 + self.dice.roll(3) as u32),
            run_after: (self.dice.is(4).then(|| at(self.dice.roll(5) as i64)), None),
            logical_date: (None, self.dice.is(4).then(|| at(self.dice.roll(9) as i64))),
            dag_id_pattern: self.dice.is(5).then(|| "DA%".to_owned()),
            conf_contains: self.dice.is(5).then(|| ["{", "nobody says this"][self.dice.pick(2)].to_owned()),
            duration_us: (self.dice.is(5).then_some(0), self.dice.is(5).then_some(2_000_000)),
            after: self.dice.is(5).then(|| run_key(self.run())),
            order: orders[self.dice.pick(orders.len())],
            descending: self.dice.is(2),
            ..RunFilter::default()
        }
    }

    fn instance_filter(&mut self) -> InstanceFilter {
        let first = self.dice.pick(TASK_STATES.len());
        let last = first + self.dice.pick(TASK_STATES.len() - first);
        InstanceFilter {
            dag_id: self.dice.is(3).then(|| dag_id("dag")),
            run: self.dice.is(2).then(|| run_key(self.run())),
            task_ids: if self.dice.is(3) { vec![task_id(0), task_id(2)] } else { Vec::new() },
            states: if self.dice.is(2) { TASK_STATES[first..=last].to_vec() } else { Vec::new() },
            map_indexes: if self.dice.is(4) { vec![MapIndex::NONE, MapIndex::at(1)] } else { Vec::new() },
            mapped: self.dice.is(4).then(|| self.dice.is(2)),
            try_numbers: if self.dice.is(5) { vec![TryNumber(1)] } else { Vec::new() },
            started_at: (self.dice.is(5).then(|| at(self.dice.roll(5) as i64)), None),
            ended_at: (None, self.dice.is(5).then(|| at(self.dice.roll(9) as i64))),
            duration_us: (self.dice.is(5).then_some(0), None),
            of_runs: OfRuns {
                version_number: self.dice.is(5).then_some(1),
                run_id_pattern: self.dice.is(5).then(|| r"run\_%".to_owned()),
                ..OfRuns::default()
            },
            descending: self.dice.is(2),
            after: self.dice.is(5).then(|| InstanceKey {
                run: run_key(self.run()),
                node: NodeIdx(1),
                map_index: MapIndex::NONE,
            }),
        }
    }
}
