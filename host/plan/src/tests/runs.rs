//! Whole runs: a DAG, how its executions end, and the rows at the end.

use model::limits::run::MATERIALIZE_BATCH;
use model::{MapIndex, TaskState};
use serde_json::{Value, json};
use testkit::outcome::Outcome;

use super::script::Script;
use super::world::{LIMITS, World, lengths};
use crate::{Event, Given, MachineLimits, ResultStatus, RunContext, lengths_at_start};

/// Plays the DAG's run and compares its rows.
pub(super) fn check(fixture: &str, script: &str, expect: &str) {
    check_with(fixture, &json!({"none": [], "two": {"a": 1, "b": 2}, "five": [1, 2, 3, 4, 5]}), LIMITS, script, expect);
}

fn check_with(fixture: &str, conf: &Value, limits: MachineLimits, script: &str, expect: &str) {
    let dag = testkit::dag::dag(fixture);
    let script = Script::of_text(&dag, script);
    let mut world = World::start_with(dag, conf, limits, 2);
    world.play(|node, map_index, execution| script.outcome(node, map_index, execution));
    let lines = |text: &str| text.lines().map(str::trim).filter(|it| !it.is_empty()).collect::<Vec<_>>().join("\n");
    assert_eq!(lines(&world.rows.text(&world.dag)), lines(expect));
}

#[test]
fn a_chain() {
    check(
        "a -> b -> c",
        "",
        "a: success
         b: success
         c: success
         run: success",
    );
    check(
        "a -> b -> c",
        "b: fatal",
        "a: success
         b: failed (fatal)
         c: upstream_failed (all_success: task \"b\" is failed)
         run: failed (task \"b\" failed)",
    );
    check(
        "a -> b -> c",
        "a: skip",
        "a: skipped (skip)
         b: skipped (all_success: task \"a\" is skipped)
         c: skipped (all_success: task \"b\" is skipped)
         run: success",
    );
}

#[test]
fn a_failure_outranks_a_skip() {
    check(
        "a, b -> c",
        "a: skip
         b: fail",
        "a: skipped (skip)
         b: failed (fail)
         c: upstream_failed (all_success: task \"b\" is failed)
         run: failed (task \"b\" failed)",
    );
}

#[test]
fn only_leaves_decide_the_run() {
    let mut world = World::start("a -> b\na -> c\nc -> d", &Value::Null);
    let fatal = testkit::dag::dag("a -> b\na -> c\nc -> d").find("b").unwrap();
    world.play(|node, _, _| Outcome::of_word(if node == fatal { "fatal" } else { "ok" }));
    assert_eq!(world.rows.reason.as_deref(), Some("task \"b\" failed"));
}

#[test]
fn empty_tasks_run_nothing() {
    check(
        "start: empty
         start -> a, b -> meet -> c
         meet: empty",
        "",
        "start: success
         a: success
         b: success
         meet: success
         c: success
         run: success",
    );
    check("only: empty", "", "only: success\nrun: success");
}

#[test]
fn map_and_reduce() {
    check(
        "count: expand(list)
         sum: args(count)",
        "list: list=3",
        "count: [0-2] success
         list: success
         sum: success
         run: success",
    );
    check(
        "count: expand(list)
         sum: args(count)",
        "list: list=4
         count[2]: fatal",
        "count: [0-1] success [2] failed (fatal) [3] success
         list: success
         sum: upstream_failed (all_success: task \"count\" is failed)
         run: failed (task \"count\" failed at index 2)",
    );
}

#[test]
fn sources_that_are_known_at_the_start() {
    check("a: expand(3)", "", "a: [0-2] success\nrun: success");
    check("a: expand(2, conf./two)", "", "a: [0-3] success\nrun: success");
    check(
        "a: expand(2, list, conf./two)",
        "list: list=3",
        "a: [0-11] success
         list: success
         run: success",
    );
    check(
        "first -> a
         a: expand(2)",
        "first: skip",
        "first: skipped (skip)
         a: [0-1] skipped (all_success: task \"first\" is skipped)
         run: success",
    );
}

#[test]
fn nothing_to_map_over() {
    check(
        "a: expand(conf./none)
         b: args(a)",
        "",
        "a: skipped (no-items: there is nothing to map over)
         b: skipped (all_success: task \"a\" is skipped)
         run: success",
    );
    check(
        "a: expand(list, 3)",
        "list: list=0",
        "a: skipped (no-items: there is nothing to map over)
         list: success
         run: success",
    );
}

#[test]
fn a_failure_is_not_hidden_by_an_empty_mapping() {
    for list in ["list", "0"] {
        check(
            &format!("list -> after\nbad -> m\nm: expand({list})\nm -> after\nn: expand(m)\ndag: result=m"),
            "bad: fail\nlist: list=0",
            "list: success
             after: upstream_failed (all_success: task \"m\" is upstream_failed)
             bad: failed (fail)
             m: upstream_failed (all_success: task \"bad\" is failed)
             n: upstream_failed (all_success: task \"m\" is upstream_failed)
             run: failed (task \"bad\" failed)",
        );
    }
    check(
        "first -> a
         a: expand(0)",
        "first: skip",
        "first: skipped (skip)
         a: skipped (all_success: task \"first\" is skipped)
         run: success",
    );
}

#[test]
fn too_many_instances() {
    check(
        "a: expand(conf./five) max_map=4
         b: args(a)",
        "",
        "a: failed (map-too-large: the task would have 5 instances; at most 4 are allowed)
         b: upstream_failed (all_success: task \"a\" is failed)
         run: failed (task \"a\" failed)",
    );
    check(
        "a: expand(list, 10)",
        "list: list=4",
        "a: failed (map-too-large: the task would have 40 instances; at most 30 are allowed)
         list: success
         run: failed (task \"a\" failed)",
    );
    check("a: expand(list, 10) max_map=50", "list: list=4", "a: [0-39] success\nlist: success\nrun: success");
    check(
        "a: expand(list, list, list)",
        "list: list=4294967295",
        "a: failed (map-too-large: the task would have more than 18446744073709551615 instances; at most 30 are allowed)
         list: success
         run: failed (task \"a\" failed)",
    );
    check_with(
        "a: expand(list)
         b: expand(10)",
        &Value::Null,
        MachineLimits { instances: 15, ..LIMITS },
        "list: list=6",
        "a: failed (map-too-large: the run would have 17 instances; at most 15 are allowed)
         list: success
         b: [0-9] success
         run: failed (task \"a\" failed)",
    );
}

#[test]
fn sources_that_end_otherwise() {
    for (end, expect) in [
        ("fatal", "upstream_failed (no-list: task \"list\", which this one is mapped over, is failed)"),
        ("skip", "skipped (no-list: task \"list\", which this one is mapped over, is skipped)"),
        ("ok", "failed (no-list: task \"list\", which this one is mapped over, returned no list and no object)"),
    ] {
        let dag = testkit::dag::dag("a: expand(list)");
        let script = Script::of_text(&dag, &format!("list: {end}"));
        let mut world = World::start("a: expand(list)", &Value::Null);
        world.play(|node, map_index, execution| script.outcome(node, map_index, execution));
        assert!(world.rows.text(&dag).starts_with(&format!("a: {expect}\n")), "{}", world.rows.text(&dag));
    }
}

#[test]
fn mapped_over_a_mapped_task() {
    check(
        "b: expand(a)
         a: expand(4)",
        "a[1]: none",
        "b: [0] success [1] skipped (no-item: what this instance is mapped over left no value) [2-3] success
         a: [0-3] success
         run: success",
    );
    check(
        "b: expand(a, 2)
         a: expand(2)",
        "a[0]: none",
        "b: [0-1] skipped (no-item: what this instance is mapped over left no value) [2-3] success
         a: [0-1] success
         run: success",
    );
    check(
        "b: expand(a)
         a: expand(list)",
        "list: list=2
         a[1]: fatal",
        "b: [0-1] upstream_failed (all_success: task \"a\" is failed)
         a: [0] success [1] failed (fatal)
         list: success
         run: failed (task \"a\" failed at index 1)",
    );
    check(
        "b: expand(a)
         a: expand(list)",
        "list: list=0",
        "b: skipped (all_success: task \"a\" is skipped)
         a: skipped (no-items: there is nothing to map over)
         list: success
         run: success",
    );
}

#[test]
fn a_rule_waits_for_the_expansion() {
    let mut world = World::start("bad -> a\na: expand(list)", &Value::Null);
    world.claim(u32::MAX);
    let [bad, a, list] = ["bad", "a", "list"].map(|task| world.dag.find(task).unwrap());
    world.end(bad, MapIndex::NONE, Outcome::of_word("fatal"));
    assert_eq!(world.rows.instances[&(a, MapIndex::NONE)].saved.state, TaskState::None);
    world.end(list, MapIndex::NONE, Outcome::of_word("list=2"));
    assert_eq!(world.rows.of_node(a).filter(|row| row.saved.state == TaskState::UpstreamFailed).count(), 2);
}

#[test]
fn rows_of_a_big_expansion_come_in_batches() {
    let limits = MachineLimits { map_length: 12_000, map_length_ceiling: 12_000, instances: 20_000 };
    let dag = std::sync::Arc::new(testkit::dag::dag("a: expand(conf.)"));
    let conf: Value = (0..12_000).collect();
    let lengths = lengths(&dag, &conf);
    let now = jiff::Timestamp::UNIX_EPOCH;
    let (mut machine, mut decisions) = crate::RunMachine::start(dag, &lengths, RunContext::default(), limits, now);
    let mut counts = Vec::new();
    loop {
        counts.extend(decisions.inserts.iter().map(|insert| (insert.first.number(), insert.count, insert.state)));
        assert_eq!(machine.ready_count() as i32, counts.last().map_or(0, |(first, count, _)| first + *count as i32));
        if !decisions.more_after_commit {
            break;
        }
        assert_eq!(machine.on(Event::Tick, now), crate::Decisions::default());
        decisions = machine.on(Event::Committed, now);
    }
    let batch = MATERIALIZE_BATCH.cast_signed();
    let expected: Vec<_> =
        (0..12_000 / batch).map(|at| (at * batch, MATERIALIZE_BATCH, TaskState::Scheduled)).collect();
    assert_eq!(counts, expected);
}

#[test]
fn deeper_tasks_go_first_then_lower_indices() {
    let fixture = "a: expand(4)\nx -> y -> z";
    let mut world = World::start(fixture, &Value::Null);
    let [a, x, y, z] = ["a", "x", "y", "z"].map(|task| world.dag.find(task).unwrap());
    let taken = world.claim(3).into_iter().map(|ready| (ready.node, ready.map_index.number())).collect::<Vec<_>>();
    assert_eq!(taken, [(x, -1), (a, 0), (a, 1)], "what more depends on goes first");
    world.claim(u32::MAX);
    world.end(x, MapIndex::NONE, Outcome::of_word("ok"));
    world.end(a, MapIndex::at(2), Outcome::of_word("lost"));
    let taken = world.claim(1).into_iter().map(|ready| ready.node).collect::<Vec<_>>();
    assert_eq!(taken, [y]);
    world.end(y, MapIndex::NONE, Outcome::of_word("ok"));
    let taken = world.claim(9).into_iter().map(|ready| ready.node).collect::<Vec<_>>();
    assert_eq!(taken, [z, a]);
}

#[test]
fn concurrency_is_limited() {
    let mut world = World::start("a: expand(5) max_active=2\nb: expand(5)\ndag: max_active_tasks=4", &Value::Null);
    let [a, b] = ["a", "b"].map(|task| world.dag.find(task).unwrap());
    assert_eq!(world.machine.ready_count(), 4);
    let count = |taken: &[crate::Ready], node| taken.iter().filter(|ready| ready.node == node).count();
    let taken = world.claim(u32::MAX);
    assert_eq!((count(&taken, a), count(&taken, b)), (2, 2));
    assert_eq!(world.machine.ready_count(), 0);
    world.end(a, MapIndex::at(0), Outcome::of_word("ok"));
    assert_eq!(world.machine.ready_count(), 1);
    let script = Script::default();
    world.play(|node, map_index, execution| script.outcome(node, map_index, execution));
}

#[test]
fn a_result_comes_before_the_end() {
    let mut world = World::start("a -> b\na -> c\ndag: result=b", &Value::Null);
    world.claim(1);
    let [a, b, c] = ["a", "b", "c"].map(|task| world.dag.find(task).unwrap());
    world.end(a, MapIndex::NONE, Outcome::of_word("ok"));
    world.claim(u32::MAX);
    assert_eq!(world.machine.result(), ResultStatus::Pending);
    world.end(b, MapIndex::NONE, Outcome::of_word("ok"));
    assert_eq!(world.machine.result(), ResultStatus::Available);
    world.end(c, MapIndex::NONE, Outcome::of_word("fatal"));
    assert_eq!(world.machine.result(), ResultStatus::Available);
}

#[test]
fn a_result_that_cannot_come_names_its_cause() {
    let mut world = World::start("list -> m\nm: expand(list)\nm -> x -> r\ny\ndag: result=r", &Value::Null);
    let [list, m] = ["list", "m"].map(|task| world.dag.find(task).unwrap());
    world.claim(u32::MAX);
    world.end(list, MapIndex::NONE, Outcome::of_word("list=3"));
    world.claim(u32::MAX);
    world.end(m, MapIndex::at(1), Outcome::of_word("fatal"));
    assert_eq!(world.machine.result(), ResultStatus::Impossible { node: m, map_index: MapIndex::at(1) });
}

#[test]
fn a_cancelled_run_ends_at_once() {
    let mut world = World::start("a: expand(7)\nb: args(a)\nc: expand(b)", &Value::Null);
    world.claim(2);
    let a = world.dag.find("a").unwrap();
    world.end(a, MapIndex::at(0), Outcome::of_word("ok"));
    world.feed(Event::Cancel { reason: "cancelled by ada".to_owned() });
    let expect = "a: [0] success [1] failed (cancelled by ada) [2-6] skipped (cancelled by ada)\n\
                  b: skipped (cancelled by ada)\nc: skipped (cancelled by ada)\nrun: failed (cancelled by ada)\n";
    assert_eq!(world.rows.text(&world.dag), expect);
    world.feed(Event::Cancel { reason: "again".to_owned() });
    assert_eq!(world.machine.next_tick(), None);
    assert_eq!(world.claim(9), []);
}

#[test]
fn rows_that_are_not_made_are_skipped_by_a_cancel() {
    let dag = testkit::dag::dag("a: expand(9)");
    let mut world = World::start_with(dag, &Value::Null, LIMITS, 4);
    world.feed(Event::Cancel { reason: "enough".to_owned() });
    assert_eq!(world.rows.text(&world.dag), "a: [0-8] skipped (enough)\nrun: failed (enough)\n");
}

#[test]
fn a_run_is_over_its_timeout() {
    let mut world = World::start("a -> b\ndag: run_timeout=60000", &Value::Null);
    world.claim(1);
    world.tick();
    let expect = "a: failed (timed-out: the run took longer than 60000 ms)\n\
                  b: skipped (timed-out: the run took longer than 60000 ms)\n\
                  run: failed (timed-out: the run took longer than 60000 ms)\n";
    assert_eq!(world.rows.text(&world.dag), expect);
}

#[test]
fn lengths_are_those_of_lists_and_objects() {
    let dag = testkit::dag::dag("a: expand(conf./x, param.n)");
    let lengths = |conf: Value, params: Value| {
        let given = Given { conf: &conf, params: &params, variables: &Value::Null };
        lengths_at_start(&dag, given).map_err(|error| error.to_string())
    };
    assert!(lengths(json!({"x": [1]}), json!({"n": {"a": 1}})).is_ok());
    let wrong = |conf: Value, params: Value| lengths(conf, params).unwrap_err();
    let end = "a list or an object is needed";
    assert_eq!(
        wrong(json!({}), json!({})),
        format!("task \"a\" is mapped over the run's conf at \"/x\", which is null; {end}")
    );
    assert_eq!(
        wrong(json!({"x": []}), json!({"n": "text"})),
        format!("task \"a\" is mapped over parameter \"n\", which is a string; {end}")
    );
    assert_eq!(
        wrong(json!({"x": {"$waft": "blob"}}), json!({})),
        format!("task \"a\" is mapped over the run's conf at \"/x\", which is a blob; {end}")
    );
}
