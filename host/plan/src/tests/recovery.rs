//! Machines from rows: after a crash, after a clear.

use model::{MapIndex, NodeIdx, RunState, TaskState};
use serde_json::Value;
use testkit::outcome::Outcome;

use super::script::Script;
use super::world::{LIMITS, World};

fn lines(text: &str) -> String {
    text.lines().map(str::trim).filter(|it| !it.is_empty()).collect::<Vec<_>>().join("\n")
}

/// Plays the run, clears it, plays it again; compares the rows and the tries that instances had.
fn check_clear(fixture: &str, script: &str, only_failed: bool, expect: &str, tries: &[(&str, i32, u32)]) {
    let dag = testkit::dag::dag(fixture);
    let script = Script::of_text(&dag, script);
    let mut world = World::start_with(dag, &Value::Null, LIMITS, 2);
    let outcome = |node: NodeIdx, map_index: MapIndex, execution: usize| script.outcome(node, map_index, execution);
    world.play(outcome);
    world.rows.clear(&world.dag, only_failed);
    world.recover();
    world.play(outcome);
    assert_eq!(lines(&world.rows.text(&world.dag)), lines(expect));
    for (task, index, tries) in tries {
        let key = (world.dag.find(task).unwrap(), MapIndex::from_number(*index).unwrap());
        assert_eq!(world.rows.instances[&key].saved.try_number.0, *tries, "{task}[{index}]");
    }
}

#[test]
fn a_cleared_run_runs_again() {
    check_clear(
        "a -> b\nb: retries=1",
        "b: fail fail fail ok",
        false,
        "a: success\nb: success\nrun: success",
        &[("a", -1, 2), ("b", -1, 4)],
    );
}

#[test]
fn only_what_failed_runs_again() {
    check_clear(
        "m: expand(list)\nsum: args(m)",
        "list: list=4\nm[2]: fatal",
        true,
        "m: [0-3] success\nlist: success\nsum: success\nrun: success",
        &[("m", 1, 1), ("m", 2, 2), ("list", -1, 1), ("sum", -1, 1)],
    );
}

#[test]
fn a_task_that_is_cleared_as_a_whole_is_expanded_again() {
    check_clear(
        "m: expand(list)\nsum: args(m)",
        "list: list=3 list=5\nm[1]: fatal",
        false,
        "m: [0-4] success\nlist: success\nsum: success\nrun: success",
        &[("m", 1, 2), ("m", 4, 1), ("list", -1, 2)],
    );
    check_clear(
        "m: expand(3)\nn: expand(m)",
        "m: fatal",
        true,
        "m: [0-2] success\nn: [0-2] success\nrun: success",
        &[("m", 1, 2), ("n", 1, 1)],
    );
}

#[test]
fn a_source_without_a_list_can_be_mended() {
    check_clear(
        "m: expand(list)",
        "list: ok list=2",
        false,
        "m: [0-1] success\nlist: success\nrun: success",
        &[("m", 1, 1), ("list", -1, 2)],
    );
}

#[test]
fn rows_go_on_at_the_first_that_is_missing() {
    let dag = testkit::dag::dag("m: expand(9) retries=1");
    let mut world = World::start_with(dag, &Value::Null, LIMITS, 4);
    let m = world.dag.find("m").unwrap();
    assert_eq!(world.rows.of_node(m).count(), 4);
    world.recover();
    assert_eq!(world.rows.of_node(m).count(), 8);
    world.recover();
    assert_eq!(world.rows.of_node(m).count(), 9);
    assert!(!world.owes_commit);
    world.play(|_, _, _| Outcome::success(None));
}

#[test]
fn what_ran_runs_on_with_its_fence() {
    let mut world = World::start("a: retries=1\na -> b", &Value::Null);
    let a = world.dag.find("a").unwrap();
    world.claim(1);
    world.end(a, MapIndex::NONE, Outcome::of_word("suspect"));
    world.claim(1);
    world.recover();
    world.end(a, MapIndex::NONE, Outcome::of_word("lost"));
    let row = &world.rows.instances[&(a, MapIndex::NONE)].saved;
    assert_eq!((row.lost_executions, row.suspect, row.state), (2, true, TaskState::Scheduled));
    world.claim(1);
    world.end(a, MapIndex::NONE, Outcome::of_word("fail"));
    world.recover();
    world.play(|_, _, _| Outcome::success(None));
    assert_eq!(world.rows.state, RunState::Success);
}
