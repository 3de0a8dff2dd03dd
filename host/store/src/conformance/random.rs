//! Random commits against a model: a map of states, moved by the same rules.

use std::collections::BTreeMap;

use model::{RunKey, TaskState};

use super::Database;
use super::fixture::*;
use crate::{CommitError, Ended, InstanceSnapshot, RunCommit, RunStore};

const RUNS: u64 = 4;
const NODES: u64 = 3;
const INDEXES: u64 = 6;
const COMMITS: u64 = 400;

/// What the model knows of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Row {
    state: TaskState,
    try_number: u32,
    fence: u64,
}

type Rows = BTreeMap<(u128, u32, i32), Row>;

/// A small generator, so that a failure is the same each time.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn of(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub(super) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    /// A place in a list of so many.
    pub(super) fn pick(&mut self, places: usize) -> usize {
        self.roll(places as u64) as usize
    }

    /// True once in so many.
    pub(super) fn is(&mut self, once_in: u64) -> bool {
        self.roll(once_in) == 0
    }

    fn instance(&mut self) -> (u128, u32, i32) {
        let run = 1 + u128::from(self.roll(RUNS));
        (run, self.roll(NODES) as u32, self.roll(INDEXES) as i32)
    }
}

pub(super) async fn random_commits_do_what_a_model_does(database: &impl Database) {
    let store = database.open().await;
    let version = version(&store, OWN, "dag").await;
    let mut rows = Rows::new();
    for run in 1..=u128::from(RUNS) {
        let new = new_run(OWN, "dag", version, run, NODES as u32);
        commit(&store, RunCommit { runs: vec![new], ..RunCommit::default() }).await;
    }
    let mut dice = Dice(7);
    let mut applied = 0;
    for counter in 1..=COMMITS {
        let (commit, expected) = random_commit(&mut dice, &rows, counter);
        let told = format!("{commit:?}");
        match (store.commit(commit).await, expected) {
            (Ok(_), Ok(after)) => {
                rows = after;
                applied += 1;
            }
            (Err(CommitError::Overtaken(found)), Err(expected)) => assert_eq!(found, expected, "{counter}: {told}"),
            (found, expected) => panic!("{counter}: {found:?}, expected {expected:?}: {told}"),
        }
        for run in 1..=u128::from(RUNS) {
            let found: Vec<_> = snapshot(&store, run).await.instances.iter().map(row).collect();
            let range = (run, 0, i32::MIN)..=(run, u32::MAX, i32::MAX);
            let expect: Vec<_> = rows.range(range).map(|((_, node, index), row)| (*node, *index, *row)).collect();
            assert_eq!(found, expect, "{counter}: {told}");
        }
    }
    assert!(applied > COMMITS / 4 && applied < COMMITS, "{applied} of {COMMITS} commits were applied");
}

fn row(found: &InstanceSnapshot) -> (u32, i32, Row) {
    let fence = (found.fence.number() & 0xff_ffff_ffff) as u64;
    (found.node.0, found.map_index.number(), Row { state: found.state, try_number: found.try_number.0, fence })
}

/// A commit, and the rows after it or the runs that are in its way. Most of it fits what there is.
fn random_commit(dice: &mut Dice, before: &Rows, counter: u64) -> (RunCommit, Result<Rows, Vec<RunKey>>) {
    let mut rows = before.clone();
    let mut at_fault = Vec::new();
    let mut commit = RunCommit { fence: Some(fence(counter)), ..RunCommit::default() };
    let is_careless = dice.roll(4) == 0;

    for _ in 0..dice.roll(4) {
        let key = dice.instance();
        let known = rows.get(&key).copied();
        let fits = known.is_some_and(|row| row.state == TaskState::Running);
        if !fits && !is_careless {
            continue;
        }
        let (try_number, of_fence) = known.map_or((1, 1), |row| (row.try_number, row.fence));
        let to =
            [TaskState::Success, TaskState::Failed, TaskState::UpForRetry, TaskState::Scheduled][dice.roll(4) as usize];
        commit.ended.push(Ended { ..ended(token(key.0, key.1, key.2, try_number, of_fence), to) });
        if fits {
            rows.insert(key, Row { state: to, try_number, fence: of_fence });
        } else {
            at_fault.push(run_key(key.0));
        }
    }
    for _ in 0..dice.roll(3) {
        let (run, node, first) = dice.instance();
        let count = 1 + dice.roll(3) as u32;
        let keys = || (first..first + count as i32).map(move |index| (run, node, index));
        let fits = keys().all(|key| !rows.contains_key(&key));
        if !fits && !is_careless {
            continue;
        }
        commit.instances.push(instances(run, node, first, count, TaskState::Scheduled));
        if !fits {
            at_fault.push(run_key(run));
        }
        // Written one by one, what does not exist yet is made before the rest is looked at.
        for key in keys() {
            rows.entry(key).or_insert(Row { state: TaskState::Scheduled, try_number: 1, fence: 0 });
        }
    }
    for _ in 0..dice.roll(3) {
        let key = dice.instance();
        let known = rows.get(&key).copied();
        let to = [TaskState::Scheduled, TaskState::Skipped, TaskState::Removed][dice.roll(3) as usize];
        let fits = known.is_some_and(|row| row.state != TaskState::Running && row.state.may_become(to));
        if !fits && !is_careless {
            continue;
        }
        let try_number = known.map_or(1, |row| row.try_number) + 1;
        commit.transitions.push(transition(key.0, key.1, (key.2, key.2), to, Some(try_number)));
        match known {
            Some(known) if fits => drop(rows.insert(key, Row { state: to, try_number, ..known })),
            _ => at_fault.push(run_key(key.0)),
        }
    }
    for _ in 0..dice.roll(6) {
        let key = dice.instance();
        let known = rows.get(&key).copied();
        let fits = known.is_some_and(|row| row.state == TaskState::Scheduled && row.fence < counter);
        if !fits && !is_careless {
            continue;
        }
        commit.claims.push(claim(key.0, key.1, key.2));
        match known {
            Some(known) if fits => drop(rows.insert(key, Row { state: TaskState::Running, fence: counter, ..known })),
            _ => at_fault.push(run_key(key.0)),
        }
    }
    at_fault.sort();
    at_fault.dedup();
    (commit, if at_fault.is_empty() { Ok(rows) } else { Err(at_fault) })
}
