//! Random DAGs whose executions end at random, in random order, with crashes at any point: every run comes to what
//! [`testkit::reference`] works out, and keeps its promises on the way.

use model::limits::task::LOST_EXECUTIONS_MAX;
use model::{MapIndex, NodeIdx, RunState};
use proptest::prelude::*;
use serde_json::Value;
use testkit::dice::Dice;
use testkit::outcome::Outcome;
use testkit::random_dag::{RandomSource, RandomTask, fixture};
use testkit::reference;

use super::world::{LIMITS, World};

fn outcome(seed: u64, node: NodeIdx, map_index: MapIndex, try_number: u32) -> Outcome {
    Outcome::of_try(seed, node, map_index, try_number)
}

fn random_task() -> impl Strategy<Value = RandomTask> {
    let upstream = prop::collection::vec(0..1_000_u32, 0..3);
    let source = (prop::bool::weighted(0.75), 0..1_000_u32, 0..5_u32)
        .prop_map(|(is_task, choice, length)| RandomSource { is_task, choice, length });
    let expand = prop_oneof![1 => Just(Vec::new()), 2 => prop::collection::vec(source, 1..3)];
    let max_active = prop::option::weighted(0.2, 1..3_u32);
    (prop::bool::weighted(0.1), upstream, expand, 0..3_u32, max_active, prop::bool::weighted(0.3)).prop_map(
        |(is_empty, upstream, expand, retries, max_active, is_result)| RandomTask {
            is_empty,
            upstream,
            expand,
            retries,
            max_active,
            is_result,
        },
    )
}

/// Plays a run in an order that follows from `order`.
fn play(world: &mut World, seed: u64, order: u64, crashes: bool) {
    let mut dice = Dice::new(order);
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
        tasks in prop::collection::vec(random_task(), 1..7),
        max_active_tasks in prop::option::weighted(0.2, 1..5_u32),
        batch in 1..6_u32,
        seed: u64,
        orders in prop::array::uniform2(any::<u64>()),
    ) {
        let fixture = fixture(&tasks, max_active_tasks);
        let dag = testkit::dag::dag(&fixture);
        let expect = reference::final_states(&dag, LIMITS.map_length, |node, map_index, tries| outcome(seed, node, map_index, tries));
        for (order, crashes) in [(orders[0], false), (orders[1], true)] {
            let mut world = World::start_with(dag.clone(), &Value::Null, LIMITS, batch);
            play(&mut world, seed, order, crashes);
            let states = world.rows.instances.iter().map(|(key, row)| (*key, row.saved.state)).collect();
            prop_assert_eq!(&expect, &states, "{}", fixture);
        }
    }

    #[test]
    fn a_run_may_be_stopped_and_cleared_at_any_point(
        tasks in prop::collection::vec(random_task(), 1..6),
        batch in 1..6_u32,
        seed: u64,
        order: u64,
        steps in 0..30_u32,
        only_failed: bool,
    ) {
        let fixture = fixture(&tasks, None);
        let mut world = World::start_with(testkit::dag::dag(&fixture), &Value::Null, LIMITS, batch);
        let mut dice = Dice::new(order);
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
        let is_stopped = world.rows.reason.as_deref() == Some("stop");
        if is_stopped {
            world.rows.clear(&world.dag, only_failed);
            world.recover();
            play(&mut world, seed ^ 1, order, true);
            prop_assert!(world.rows.instances.values().all(|row| row.reason.as_deref() != Some("stop")));
        }
        prop_assert!(world.rows.state.is_ended());
    }
}
