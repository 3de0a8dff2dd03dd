//! Random DAGs whose executions end at random, in random order, with crashes at any point: every run comes to what
//! [`super::reference`] works out, and keeps its promises on the way.

use std::fmt::Write;

use model::limits::task::LOST_EXECUTIONS_MAX;
use model::{MapIndex, NodeIdx, RunState, TaskState};
use proptest::prelude::*;
use serde_json::Value;

use super::outcome::Outcome;
use super::reference;
use super::world::{LIMITS, World};

/// Numbers that follow from a seed.
#[derive(Debug, Clone)]
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) % u64::from(sides)) as u32
    }
}

/// How a try ends: always the same for the same seed.
fn outcome(seed: u64, node: NodeIdx, map_index: MapIndex, try_number: u32) -> Outcome {
    let key = (u64::from(node.0) << 40) ^ (u64::from(map_index.number().cast_unsigned()) << 8) ^ u64::from(try_number);
    let mut dice = Dice(seed.wrapping_mul(31).wrapping_add(key));
    dice.roll(2);
    match dice.roll(100) {
        0..70 => Outcome::success(Some(dice.roll(5))),
        70..74 => Outcome::success(None),
        74..80 => Outcome::of_word("none"),
        80..84 => Outcome::of_word("skip"),
        84..94 => Outcome::of_word("fail"),
        94..97 => Outcome::of_word("trap"),
        _ => Outcome::of_word("fatal"),
    }
}

#[derive(Debug, Clone)]
struct TaskPlan {
    is_empty: bool,
    upstream: Vec<prop::sample::Index>,
    /// Below the number of earlier tasks: one of those; else a literal list.
    expand: Vec<(bool, prop::sample::Index, u32)>,
    retries: u32,
    max_active: Option<u32>,
    is_result: bool,
}

fn task_plan() -> impl Strategy<Value = TaskPlan> {
    let upstream = prop::collection::vec(any::<prop::sample::Index>(), 0..3);
    let source = (prop::bool::weighted(0.75), any::<prop::sample::Index>(), 0..5_u32);
    let expand = prop_oneof![1 => Just(Vec::new()), 2 => prop::collection::vec(source, 1..3)];
    let max_active = prop::option::weighted(0.2, 1..3_u32);
    (prop::bool::weighted(0.1), upstream, expand, 0..3_u32, max_active, prop::bool::weighted(0.3)).prop_map(
        |(is_empty, upstream, expand, retries, max_active, is_result)| TaskPlan {
            is_empty,
            upstream,
            expand,
            retries,
            max_active,
            is_result,
        },
    )
}

/// The fixture of a DAG: every task comes after those that it names.
fn fixture(tasks: &[TaskPlan], max_active_tasks: Option<u32>) -> String {
    let mut text = String::new();
    for (i, task) in tasks.iter().enumerate() {
        write!(text, "t{i}:").unwrap();
        if task.is_empty {
            text += " empty\n";
        } else {
            let sources = task.expand.iter().map(|(is_task, index, length)| {
                let earlier: Vec<_> = (0..i).filter(|earlier| !tasks[*earlier].is_empty).collect();
                if *is_task && !earlier.is_empty() { format!("t{}", index.get(&earlier)) } else { length.to_string() }
            });
            let sources: Vec<_> = sources.collect();
            if !sources.is_empty() {
                write!(text, " expand({})", sources.join(", ")).unwrap();
            }
            write!(text, " retries={}", task.retries).unwrap();
            if let Some(max_active) = task.max_active {
                write!(text, " max_active={max_active}").unwrap();
            }
            text.push('\n');
        }
        for upstream in task.upstream.iter().filter(|_| i > 0) {
            writeln!(text, "t{} -> t{i}", upstream.index(i)).unwrap();
        }
    }
    let results = tasks.iter().enumerate().filter(|(_, task)| task.is_result && !task.is_empty);
    let results: Vec<_> = results.map(|(i, _)| format!("t{i}")).collect();
    if !results.is_empty() {
        writeln!(text, "dag: result={}", results.join(",")).unwrap();
    }
    if let Some(max) = max_active_tasks {
        writeln!(text, "dag: max_active_tasks={max}").unwrap();
    }
    text
}

/// Plays a run in an order that follows from `order`.
fn play(world: &mut World, seed: u64, order: u64, crashes: bool) {
    let mut dice = Dice(order);
    for _ in 0..100_000 {
        if world.rows.state != RunState::Running {
            return;
        }
        match dice.roll(if crashes { 12 } else { 10 }) {
            0..3 => _ = world.claim(1 + dice.roll(4)),
            3..7 => {
                let running: Vec<_> = world.machine.running().collect();
                if running.is_empty() {
                    continue;
                }
                let (node, map_index, _) = running[dice.roll(running.len() as u32) as usize];
                let row = &world.rows.instances[&(node, map_index)].saved;
                let may_be_lost = row.lost_executions + 1 < LOST_EXECUTIONS_MAX;
                let outcome = match dice.roll(8) {
                    0 if may_be_lost => Outcome::of_word(if dice.roll(2) == 0 { "lost" } else { "suspect" }),
                    _ => outcome(seed, node, map_index, row.try_number.0),
                };
                world.end(node, map_index, outcome);
            }
            7..9 if world.owes_commit => world.committed(),
            7..9 => {}
            9 => world.tick(),
            _ => world.recover(),
        }
    }
    panic!("the run does not end:\n{}", world.rows.text(&world.dag));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_order_and_every_crash_comes_to_the_same(
        tasks in prop::collection::vec(task_plan(), 1..7),
        max_active_tasks in prop::option::weighted(0.2, 1..5_u32),
        batch in 1..6_u32,
        seed: u64,
        orders in prop::array::uniform2(any::<u64>()),
    ) {
        let fixture = fixture(&tasks, max_active_tasks);
        let dag = testkit::dag::dag(&fixture);
        let expect = reference::final_states(&dag, |node, map_index, tries| outcome(seed, node, map_index, tries));
        for (order, crashes) in [(orders[0], false), (orders[1], true)] {
            let mut world = World::start_with(dag.clone(), &Value::Null, LIMITS, batch);
            play(&mut world, seed, order, crashes);
            let states = world.rows.instances.iter().map(|(key, row)| (*key, row.saved.state)).collect();
            prop_assert_eq!(&expect, &states, "{}", fixture);
        }
    }

    #[test]
    fn a_run_may_be_stopped_and_cleared_at_any_point(
        tasks in prop::collection::vec(task_plan(), 1..6),
        batch in 1..6_u32,
        seed: u64,
        order: u64,
        steps in 0..30_u32,
        only_failed: bool,
    ) {
        let fixture = fixture(&tasks, None);
        let mut world = World::start_with(testkit::dag::dag(&fixture), &Value::Null, LIMITS, batch);
        let mut dice = Dice(order);
        for _ in 0..steps {
            world.claim(1 + dice.roll(3));
            let running = world.machine.running().next();
            if let Some((node, map_index, _)) = running {
                let tries = world.rows.instances[&(node, map_index)].saved.try_number.0;
                world.end(node, map_index, outcome(seed, node, map_index, tries));
            }
        }
        world.feed(crate::Event::Cancel { reason: "stop".to_owned() });
        prop_assert!(world.rows.instances.values().all(|row| row.saved.state.is_ended()));
        let failed = world.rows.instances.values().any(|row| row.saved.state == TaskState::Failed);
        if !only_failed || failed {
            world.rows.clear(&world.dag, only_failed);
            world.recover();
            play(&mut world, seed ^ 1, order, true);
        }
        prop_assert!(world.rows.state.is_ended());
    }
}
