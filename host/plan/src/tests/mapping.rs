//! Mapped groups, mapped tasks inside them, and ways of mapping.

use std::sync::Arc;

use model::{MapIndex, NodeIdx, TaskState};
use serde_json::{Value, json};
use testkit::outcome::Outcome;

use super::check;
use super::world::{LIMITS, World, lengths};
use crate::{Event, Explanation, MachineLimits, RunContext, RunMachine, Selected, Selection};

#[test]
fn zip_and_concat() {
    check("a: zip(2, 3)", "", "a: [0-1] success\nrun: success");
    check("a: longest(2, list)", "list: list=4", "a: [0-3] success\nlist: success\nrun: success");
    check("a: expand(2+list, 2)", "list: list=1", "a: [0-5] success\nlist: success\nrun: success");
    check("a: each(conf./five)", "", "a: [0-4] success\nrun: success");
    check(
        "b: expand(a+2)
         a: expand(2)",
        "a[1]: none",
        "b: [0] success [1] skipped (no-item: what this instance is mapped over left no value) [2-3] success
         a: [0-1] success
         run: success",
    );
    check(
        "b: longest(a, 3)
         a: expand(2)",
        "a[0]: none",
        "b: [0] skipped (no-item: what this instance is mapped over left no value) [1-2] success
         a: [0-1] success
         run: success",
    );
}

/// Each index goes through the group by itself, and whoever is outside waits for all.
#[test]
fn a_mapped_group_runs_depth_first() {
    let fixture = "group g: expand(list)\nx: in(g) args(@g)\ny: in(g) args(x)\nsum: args(y)";
    let mut world = World::start(fixture, &Value::Null);
    let [list, x, y, sum] = ["list", "x", "y", "sum"].map(|task| world.dag.find(task).unwrap());
    world.claim(9);
    world.end(list, MapIndex::NONE, Outcome::of_word("list=3"));
    world.claim(2);
    world.end(x, MapIndex::at(1), Outcome::of_word("ok"));
    let taken: Vec<_> = world.claim(1).iter().map(|ready| (ready.node, ready.map_index.number())).collect();
    assert_eq!(taken, [(y, 1)], "deeper tasks go first");
    assert_eq!(world.machine.explain(y, MapIndex::at(0)), Explanation::Upstream { pending: vec![(x, 1)] });
    assert_eq!(world.machine.explain(sum, MapIndex::NONE), Explanation::Upstream { pending: vec![(y, 3)] });
    assert_eq!(world.machine.map_path(y, MapIndex::at(2)), [2]);
    world.recover();
    world.play(|node, map_index, _| {
        Outcome::of_word(if (node, map_index) == (x, MapIndex::at(2)) { "fatal" } else { "ok" })
    });
    let expect = "list: success\nx: [0-1] success [2] failed (fatal)\n\
        y: [0-1] success [2] upstream_failed (all_success: task \"x\" is failed)\n\
        sum: upstream_failed (all_success: task \"y\" is upstream_failed)\nrun: failed (task \"x\" failed at index 2)\n";
    assert_eq!(
        world.rows.text(&world.dag).lines().collect::<std::collections::BTreeSet<_>>(),
        expect.lines().collect()
    );
}

#[test]
fn rules_inside_and_outside_a_mapped_group() {
    check(
        "group g: expand(3)
         x: in(g)
         y: in(g) rule=one_failed
         x -> y
         g -> after
         after: rule=all_done",
        "x[1]: fatal",
        "x: [0] success [1] failed (fatal) [2] success
         y: [0] skipped [1] success [2] skipped
         after: success
         run: success",
    );
}

#[test]
fn a_group_over_nothing_or_over_no_list() {
    let fixture = "group g: expand(list)\nx: in(g)\ny: in(g) rule=all_done\nx -> y\ng -> after";
    let why = "no-items: there is nothing to map over";
    check(
        fixture,
        "list: list=0",
        &format!(
            "list: success\nx: skipped ({why})\ny: skipped ({why})\nafter: skipped (all_success: task \"y\" is skipped)\nrun: success"
        ),
    );
    let why = "no-list: task \"list\", which this one is mapped over, is failed";
    check(
        fixture,
        "list: fatal",
        &format!(
            "list: failed (fatal)\nx: upstream_failed ({why})\ny: upstream_failed ({why})\nafter: upstream_failed (all_success: task \"y\" is upstream_failed)\nrun: failed (task \"list\" failed)"
        ),
    );
    let why = "map-too-large: the group would have 31 instances; at most 30 are allowed";
    check(
        "group g: expand(list)\nx: in(g)",
        "list: list=31",
        &format!("list: success\nx: failed ({why})\nrun: failed (task \"x\" failed)"),
    );
}

/// A group over a mapped task has holes where that left nothing.
#[test]
fn a_group_over_a_mapped_task() {
    let why = "no-item: what this instance is mapped over left no value";
    check(
        "group g: expand(m)\nx: in(g) args(@g)\ny: in(g) rule=all_done\nx -> y\nm: expand(3)",
        "m[1]: none",
        &format!(
            "m: [0-2] success\nx: [0] success [1] skipped ({why}) [2] success\ny: [0] success [1] skipped ({why}) [2] success\nrun: success"
        ),
    );
}

#[test]
fn mapped_tasks_and_groups_inside_mapped_groups() {
    let fixture = "group g: expand(list)\none: in(g) args(@g)\nmany: in(g) expand(one)\nall: in(g) args(many)\nsum: args(many)\nsum2: expand(many)";
    let mut world = World::start(fixture, &Value::Null);
    let [list, one, many, all, sum2] = ["list", "one", "many", "all", "sum2"].map(|task| world.dag.find(task).unwrap());
    world.claim(9);
    world.end(list, MapIndex::NONE, Outcome::of_word("list=3"));
    world.claim(9);
    // Ordinals follow the order in which lists become known, paths do not.
    world.end(one, MapIndex::at(2), Outcome::of_word("list=2"));
    world.recover();
    world.end(one, MapIndex::at(0), Outcome::of_word("list=1"));
    let path = |world: &World, ordinal| world.machine.map_path(many, MapIndex::at(ordinal));
    assert_eq!([path(&world, 0), path(&world, 1), path(&world, 2)], [vec![2, 0], vec![2, 1], vec![0, 0]]);
    world.recover();
    assert_eq!([path(&world, 0), path(&world, 1), path(&world, 2)], [vec![2, 0], vec![2, 1], vec![0, 0]]);
    world.end(one, MapIndex::at(1), Outcome::of_word("list=0"));
    assert_eq!(path(&world, 3), [1]);
    assert_eq!(world.rows.instances[&(many, MapIndex::at(3))].saved.state, TaskState::Skipped);
    assert_eq!(world.rows.nodes[sum2.0 as usize].map_length, Some(3), "the whole sequence, without the empty one");
    world.recover();
    world.play(|_, _, _| Outcome::of_word("ok"));
    let states = |node| world.rows.of_node(node).map(|row| row.saved.state).collect::<Vec<_>>();
    assert_eq!(states(all), [TaskState::Success, TaskState::Skipped, TaskState::Success]);
    assert_eq!(states(many)[..3], [TaskState::Success; 3]);
}

#[test]
fn lists_of_lists_are_mapped_over_by_groups() {
    for (source, script) in [("conf./lists", ""), ("list", "list: nested=2+0+1")] {
        let fixture = format!("group g: expand({source})\nx: in(g) expand(@g)\nafter: args(x)");
        let dag = testkit::dag::dag(&fixture);
        let script = super::script::Script::of_text(&dag, script);
        let mut world = World::start_with(dag, &json!({"lists": [[1, 2], [], [3]]}), LIMITS, 2);
        world.recover();
        world.play(|node, map_index, execution| script.outcome(node, map_index, execution));
        let x = world.dag.find("x").unwrap();
        let rows: Vec<_> = world
            .rows
            .of_node(x)
            .map(|row| (world.machine.map_path(x, row.saved.map_index), row.saved.state))
            .collect();
        let (success, skipped) = (TaskState::Success, TaskState::Skipped);
        let mut sorted = rows.clone();
        sorted.sort();
        assert_eq!(
            sorted,
            [(vec![0, 0], success), (vec![0, 1], success), (vec![1], skipped), (vec![2, 0], success)],
            "{fixture}"
        );
    }
    let why = "no-list: item 1, which this one is mapped over, is no list and no object";
    let dag = testkit::dag::dag("group g: expand(conf./lists)\nx: in(g) expand(@g)");
    let mut world = World::start_with(dag, &json!({"lists": [[1], 2]}), LIMITS, 9);
    world.play(|_, _, _| Outcome::of_word("ok"));
    assert!(world.rows.text(&world.dag).contains(&format!("failed ({why})")), "{}", world.rows.text(&world.dag));
}

/// An instance runs as soon as its own item is there, where its rule lets it.
#[test]
fn an_item_is_waited_for() {
    let mut world = World::start("b: expand(a) rule=one_success\na: expand(3)", &Value::Null);
    let [a, b] = ["a", "b"].map(|task| world.dag.find(task).unwrap());
    world.claim(9);
    world.end(a, MapIndex::at(1), Outcome::of_word("ok"));
    assert_eq!(world.claim(9).iter().map(|ready| (ready.node, ready.map_index.number())).collect::<Vec<_>>(), [(b, 1)]);
    assert_eq!(world.machine.explain(b, MapIndex::at(0)), Explanation::Item);
    world.end(a, MapIndex::at(0), Outcome::of_word("fatal"));
    assert_eq!(world.rows.instances[&(b, MapIndex::at(0))].saved.state, TaskState::Skipped);
    world.recover();
    world.end(a, MapIndex::at(2), Outcome::of_word("ok"));
    assert_eq!(world.claim(9).iter().map(|ready| (ready.node, ready.map_index.number())).collect::<Vec<_>>(), [(b, 2)]);
}

/// What was mapped over a list that is read again has more instances, or fewer.
#[test]
fn a_source_that_comes_back_longer_or_shorter() {
    for (again, expect) in [
        (5, "m: [0-4] success\nsum: success\nlist: success\nrun: success"),
        (
            2,
            "m: [0-1] success [2] removed (removed: what this was mapped over is no longer there)\nsum: success\nlist: success\nrun: success",
        ),
    ] {
        let mut world = World::start("m: expand(list)\nsum: args(m)", &Value::Null);
        let list = world.dag.find("list").unwrap();
        world.play(|_, _, _| Outcome::success(Some(3)));
        world.clear(&Selection { tasks: vec![list], ..Selection::default() });
        world.play(|_, _, _| Outcome::success(Some(again)));
        let text = world.rows.text(&world.dag);
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
        assert_eq!(lines(&text), lines(expect));
    }
}

/// 1,000,000 indices: one block, one byte each; an end costs no more than it does among ten.
#[test]
fn a_million_instances_are_a_range() {
    let limits = MachineLimits { map_length: 1_000_000, map_length_ceiling: 2_000_000, instances: 3_000_000 };
    let dag = Arc::new(testkit::dag::dag("list -> m\nm: expand(list) max_map=1000000\nn: args(m)"));
    let given = lengths(&dag, &Value::Null);
    let now = jiff::Timestamp::UNIX_EPOCH;
    let mut machine = RunMachine::new(dag.clone(), &given, RunContext::default(), limits, now, u32::MAX);
    machine.begin();
    let [list, m] = ["list", "m"].map(|task| dag.find(task).unwrap());
    let fence = model::Fence::new(1, 1);
    let end = |machine: &mut RunMachine, node: NodeIdx, map_index, outcome: Outcome| {
        let Outcome { end, has_value, answer } = outcome;
        machine.on(Event::Ended { node, map_index, fence, end, has_value, answer }, now)
    };
    machine.take_ready(1, fence);
    let decisions = end(&mut machine, list, MapIndex::NONE, Outcome::success(Some(1_000_000)));
    assert_eq!((decisions.inserts.len(), decisions.inserts[0].count), (1, 1_000_000));
    assert_eq!(machine.ready_count(), 1_000_000);
    let taken = machine.take_ready(3, fence);
    assert_eq!(taken.len(), 3);
    let decisions = end(&mut machine, m, MapIndex::at(1), Outcome::of_word("fatal"));
    assert_eq!(decisions.transitions.len(), 1, "one failure decides about what comes after");
    let one = Selection { tasks: vec![m], map_indexes: vec![MapIndex::at(1)], ..Selection::default() };
    let selected = machine.select_for_clear(&one).unwrap();
    assert_eq!(selected, [Selected { node: m, first: MapIndex::at(1), last: MapIndex::at(1) }]);
    let decisions = machine.clear(&selected, now);
    assert_eq!((decisions.resets.len(), decisions.transitions.len(), decisions.inserts.len()), (1, 1, 0));
}

/// Each list inside a group is a block, however long it is.
#[test]
fn two_levels_of_mapping_are_blocks() {
    let limits = MachineLimits { map_length: 1_000, map_length_ceiling: 1_000, instances: 200_000 };
    let dag =
        Arc::new(testkit::dag::dag("group g: expand(100)\nx: in(g) expand(1000)\ny: in(g) args(x)\nsum: args(x)"));
    let given = lengths(&dag, &Value::Null);
    let now = jiff::Timestamp::UNIX_EPOCH;
    let mut machine = RunMachine::new(dag.clone(), &given, RunContext::default(), limits, now, u32::MAX);
    let decisions = machine.begin();
    let x = dag.find("x").unwrap();
    let of_x: Vec<_> = decisions.inserts.iter().filter(|it| it.node == x).map(|it| it.count).collect();
    assert_eq!((of_x, decisions.blocks.len(), machine.ready_count()), (vec![100_000], 101, 100_000));
    assert_eq!(machine.map_path(x, MapIndex::at(1_999)).len(), 2);
    let first =
        Selection { tasks: vec![x], map_indexes: vec![MapIndex::at(5)], downstream: true, ..Selection::default() };
    let selected = machine.select_for_clear(&first).unwrap();
    assert_eq!(
        selected,
        [Selected { node: x, first: MapIndex::at(5), last: MapIndex::at(5) }],
        "what waits is not cleared"
    );
}

/// What a worker needs to find values and items: each level's context and position, and the instances that are taken together.
#[test]
fn places_of_instances_in_groups() {
    let fixture = "group g: expand(list)\none: in(g)\nmany: in(g) expand(one)\nsum: in(g) args(many)\nall: args(many)";
    let mut world = World::start(fixture, &Value::Null);
    let [list, one, many, sum] = ["list", "one", "many", "sum"].map(|task| world.dag.find(task).unwrap());
    let claimed = |world: &mut World| {
        let taken = world.claim(9);
        let places = world.machine.places(&taken);
        let shown = taken.iter().zip(places).map(|(ready, place)| {
            let levels: Vec<_> = place.levels().iter().map(|level| (level.context, level.position)).collect();
            let many: Option<Vec<_>> =
                place.span(many).map(|span| span.ranges().map(|it| (it.start, it.end)).collect());
            (ready.node, levels, many)
        });
        shown.collect::<Vec<_>>()
    };
    assert_eq!(claimed(&mut world), [(list, vec![], None)]);
    world.end(list, MapIndex::NONE, Outcome::of_word("list=2"));
    assert_eq!(claimed(&mut world), [(one, vec![(0, 0)], None), (one, vec![(1, 1)], None)]);
    world.end(one, MapIndex::at(1), Outcome::of_word("list=2"));
    assert_eq!(claimed(&mut world), [(many, vec![(1, 1), (0, 0)], None), (many, vec![(1, 1), (1, 1)], None)]);
    world.end(one, MapIndex::at(0), Outcome::of_word("list=1"));
    assert_eq!(claimed(&mut world), [(many, vec![(0, 0), (2, 0)], None)]);
    world.end(many, MapIndex::at(0), Outcome::of_word("ok"));
    world.end(many, MapIndex::at(1), Outcome::of_word("ok"));
    assert_eq!(claimed(&mut world), [(sum, vec![(1, 1)], Some(vec![(0, 2)]))]);
    world.end(many, MapIndex::at(2), Outcome::of_word("ok"));
    let all = world.dag.find("all").unwrap();
    let expect = [(sum, vec![(0, 0)], Some(vec![(2, 3)])), (all, vec![], Some(vec![(2, 3), (0, 2)]))];
    assert_eq!(claimed(&mut world), expect);
}
