//! Clearing and marking by hand.

use model::{MapIndex, NodeIdx, RunState, TaskState};
use proptest::prelude::*;
use serde_json::Value;
use testkit::outcome::Outcome;

use super::script::Script;
use super::world::{LIMITS, World};
use crate::{Selected, Selection, SelectionError};

fn played(fixture: &str, script: &str) -> World {
    let mut world = World::start(fixture, &Value::Null);
    let script = Script::of_text(&world.dag, script);
    world.play(|node, map_index, execution| script.outcome(node, map_index, execution));
    world
}

fn selection(world: &World, tasks: &[&str], indexes: &[u32]) -> Selection {
    Selection {
        tasks: tasks.iter().map(|task| world.dag.find(task).unwrap()).collect(),
        map_indexes: indexes.iter().map(|index| MapIndex::at(*index)).collect(),
        ..Selection::default()
    }
}

/// `task` or `task[first-last]`, separated by spaces.
fn text(world: &World, selected: &[Selected]) -> String {
    let one = |it: &Selected| {
        let task = &world.dag.task(it.node).task_id;
        match (it.first, it.last) {
            (MapIndex::NONE, _) => task.to_string(),
            (first, last) if first == last => format!("{task}[{first}]"),
            (first, last) => format!("{task}[{first}-{last}]"),
        }
    };
    selected.iter().map(one).collect::<Vec<_>>().join(" ")
}

const GROUPED: &str = "group g: expand(3)\nx: in(g)\ny: in(g)\nx -> y\nmany: in(g) expand(2)\ny -> many\nouter\nouter -> g\ny -> sum -> m\nm: expand(2)";

#[test]
fn downstream_inside_a_group_is_the_same_index() {
    let mut world = played(GROUPED, "");
    let base = selection(&world, &["x"], &[1]);
    for (selection, expect) in [
        (base.clone(), "x[1]"),
        (Selection { downstream: true, ..base.clone() }, "x[1] y[1] many[2-3] sum m[0-1]"),
        (Selection { upstream: true, ..selection(&world, &["y"], &[2]) }, "x[2] y[2] outer"),
        (Selection { upstream: true, ..selection(&world, &["m"], &[0]) }, "x[0-2] y[0-2] outer sum m[0]"),
        (
            Selection { downstream: true, ..selection(&world, &["outer"], &[]) },
            "x[0-2] y[0-2] many[0-5] outer sum m[0-1]",
        ),
        (Selection { only_failed: true, ..Selection::default() }, ""),
    ] {
        world.machine = super::world::view(&world);
        let selected = world.machine.select_for_clear(&selection).unwrap();
        assert_eq!(text(&world, &selected), expect);
    }
    let unknown = world.machine.select_for_clear(&selection(&world, &["x"], &[7])).unwrap_err();
    assert_eq!(unknown.to_string(), "task \"x\" has no instance 7");
    let unknown = Selection { tasks: vec![NodeIdx(99)], ..Selection::default() };
    assert_eq!(world.machine.select_for_clear(&unknown), Err(SelectionError::UnknownTask(NodeIdx(99))));
}

#[test]
fn work_pulls_its_setups_and_teardowns() {
    let fixture = "s: kind=setup\ns -> a -> b -> t\ns -> t\nt: kind=teardown\nother";
    for (task, expect) in [("b", "s b t"), ("s", "s t"), ("t", "t"), ("other", "other")] {
        let mut world = played(fixture, "");
        let selection = selection(&world, &[task], &[]);
        let selected = world.clear(&selection);
        assert_eq!(text(&world, &selected), expect);
        world.play(|_, _, _| Outcome::of_word("ok"));
        let tries =
            |task: &str| world.rows.instances[&(world.dag.find(task).unwrap(), MapIndex::NONE)].saved.try_number.0;
        assert_eq!(tries(task), 2);
        assert_eq!(tries("a"), 1);
    }
}

#[test]
fn only_what_failed_runs_again_and_keeps_its_tries() {
    let mut world = played("a: retries=1\na -> b\na -> c\nc: rule=one_failed", "a: fail fail ok");
    assert_eq!(world.rows.state, RunState::Failed);
    let selected = world.clear(&Selection { only_failed: true, ..Selection::default() });
    assert_eq!(text(&world, &selected), "a b");
    world.recover();
    world.play(|_, _, _| Outcome::of_word("ok"));
    assert_eq!(world.rows.text(&world.dag), "a: success\nb: success\nc: success\nrun: success\n");
    assert_eq!(world.rows.instances[&(NodeIdx(0), MapIndex::NONE)].saved.try_number.0, 3);
}

#[test]
fn what_runs_is_cancelled_by_a_clear() {
    let mut world = World::start("a: expand(2)\na -> b", &Value::Null);
    let a = world.dag.find("a").unwrap();
    world.claim(9);
    world.end(a, MapIndex::at(1), Outcome::of_word("ok"));
    let selected = world.machine.select_for_clear(&Selection { only_running: true, ..Selection::default() }).unwrap();
    assert_eq!(text(&world, &selected), "a[0]");
    let decisions = world.machine.clear(&selected, world.now);
    assert_eq!(decisions.cancelled.len(), 1);
    assert_eq!(decisions.transitions[0].try_number.map(|tries| tries.0), Some(2));
}

#[test]
fn the_choice_of_a_branch_stands_after_a_clear() {
    let mut world = played("p: kind=branch\np -> x, y\nx -> z", "p: choose=x");
    let selection = selection(&world, &["x", "y", "z"], &[]);
    world.clear(&selection);
    world.play(|_, _, _| Outcome::of_word("ok"));
    let why = "branch: task \"p\" did not choose this one";
    assert_eq!(
        world.rows.text(&world.dag),
        format!("p: success\nx: success\ny: skipped ({why})\nz: success\nrun: success\n")
    );
}

#[test]
fn marking_a_failure_as_a_success_lets_the_rest_run() {
    let mut world = played("a -> b -> c\nother: retries=0", "a: fatal");
    let selection = selection(&world, &["a"], &[]);
    world.mark(&selection, TaskState::Success);
    world.play(|_, _, _| Outcome::of_word("ok"));
    let expect = "a: success (marked by ada)\nb: success\nc: success\nother: success\nrun: success\n";
    assert_eq!(world.rows.text(&world.dag), expect);
    world.mark(&selection, TaskState::Failed);
    assert!(world.rows.text(&world.dag).starts_with("a: failed (marked by ada)\nb: success"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// A machine that cleared goes on as one that is read from the cleared rows.
    #[test]
    fn clearing_in_memory_is_clearing_the_rows(
        task in 0..8_u32,
        index in prop::option::of(0..3_u32),
        upstream: bool,
        downstream: bool,
        failing in 0..8_u32,
        ends_before: bool,
    ) {
        let fails = |node: NodeIdx, execution: usize| node.0 == failing && execution == 0;
        let outcome = |node: NodeIdx, _: MapIndex, execution: usize| {
            Outcome::of_word(if fails(node, execution) { "fatal" } else { "ok" })
        };
        let dag = testkit::dag::dag(GROUPED);
        let task = NodeIdx(task % dag.len() as u32);
        let selection = Selection {
            tasks: vec![task],
            map_indexes: index.filter(|_| dag.node(task).scope.0 > 0).map(MapIndex::at).into_iter().filter(|it| it.number() < 2).collect(),
            upstream,
            downstream,
            ..Selection::default()
        };
        let mut texts = Vec::new();
        for reads_again in [false, true] {
            let mut world = World::start_with(dag.clone(), &Value::Null, LIMITS, 100);
            if ends_before {
                world.play(outcome);
            } else {
                for (node, map_index, _) in { world.claim(3); world.machine.running().collect::<Vec<_>>() } {
                    if world.machine.running().any(|it| (it.0, it.1) == (node, map_index)) {
                        world.end(node, map_index, outcome(node, map_index, 0));
                    }
                }
            }
            world.clear(&selection);
            if reads_again && world.rows.state == RunState::Running {
                world.recover();
            }
            world.play(outcome);
            texts.push(world.rows.text(&world.dag));
        }
        prop_assert_eq!(&texts[0], &texts[1]);
    }
}
