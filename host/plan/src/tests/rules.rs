//! Trigger rules in whole runs, with branches, short circuits, setups and teardowns.

use model::{MapIndex, TaskState};
use serde_json::Value;
use testkit::outcome::Outcome;

use super::check;
use super::world::{LIMITS, World};
use crate::{Ending, Event, Explanation, Past, RunContext};

#[test]
fn rules_that_do_not_wait() {
    check(
        "a, b -> c
         c: rule=one_success
         a, b -> d
         d: rule=one_failed
         a, b -> e
         e: rule=all_done
         a, b -> f
         f: rule=none_failed",
        "a: fatal",
        "a: failed (fatal)
         b: success
         c: success
         d: success
         e: success
         f: upstream_failed (none_failed: task \"a\" is failed)
         run: failed (task \"a\" failed)",
    );
    let mut world = World::start("a, b -> c\nc: rule=one_success", &Value::Null);
    let [a, c] = ["a", "c"].map(|task| world.dag.find(task).unwrap());
    world.claim(9);
    world.end(a, MapIndex::NONE, Outcome::of_word("ok"));
    assert_eq!(world.claim(9).iter().map(|ready| ready.node).collect::<Vec<_>>(), [c]);
}

#[test]
fn a_branch_skips_what_it_did_not_choose() {
    let fixture = "p: kind=branch\ngroup g:\np -> x, y, g\nx -> z\np -> z\nin_g: in(g)\np -> g\ny -> j\nx -> j\nj: rule=none_failed_min_one_success";
    check(
        fixture,
        "p: choose=x",
        "p: success
         x: success
         y: skipped (branch: task \"p\" did not choose this one)
         z: success
         in_g: skipped (branch: task \"p\" did not choose this one)
         j: success
         run: success",
    );
    check(
        "p: kind=branch\np -> x, y\ny: rule=always",
        "p: choose=",
        "p: success
         x: skipped (branch: task \"p\" did not choose this one)
         y: skipped (branch: task \"p\" did not choose this one)
         run: success",
    );
    check(
        "p: kind=branch\np -> x",
        "p: choose=nobody",
        "p: failed (unknown-choice: \"nobody\" is no task or group directly downstream of \"p\")
         x: upstream_failed (all_success: task \"p\" is failed)
         run: failed (task \"p\" failed)",
    );
}

#[test]
fn a_branch_may_choose_a_group() {
    check(
        "p: kind=branch\ngroup g:\nx: in(g)\ny: in(g)\np -> g\np -> z",
        "p: choose=g",
        "p: success
         x: success
         y: success
         z: skipped (branch: task \"p\" did not choose this one)
         run: success",
    );
}

#[test]
fn a_short_circuit_skips_everything_but_teardowns() {
    let fixture =
        "s: kind=setup\nc: kind=short_circuit\ns -> c -> a -> b -> t\ns -> t\nt: kind=teardown\nb: rule=always";
    check(
        fixture,
        "c: false",
        "s: success
         c: success
         a: skipped (short_circuit: task \"c\" did not choose this one)
         b: skipped (short_circuit: task \"c\" did not choose this one)
         t: success
         run: success",
    );
    check(
        &fixture.replace("c: kind=short_circuit", "c: kind=short_circuit direct"),
        "c: false",
        "s: success
         c: success
         a: skipped (short_circuit: task \"c\" did not choose this one)
         b: success
         t: success
         run: success",
    );
}

/// What a decision would forbid waits for it, whatever else has ended.
#[test]
fn a_rule_that_does_not_wait_waits_for_who_may_skip_it() {
    let mut world = World::start("c: kind=short_circuit\nc -> a\nb -> x\na -> x\nx: rule=one_success", &Value::Null);
    let [c, b, x] = ["c", "b", "x"].map(|task| world.dag.find(task).unwrap());
    world.claim(9);
    world.end(b, MapIndex::NONE, Outcome::of_word("ok"));
    assert_eq!(world.machine.explain(x, MapIndex::NONE), Explanation::Gate { decider: c });
    world.end(c, MapIndex::NONE, Outcome::of_word("true"));
    assert!(world.claim(9).iter().any(|ready| ready.node == x));
}

#[test]
fn setups_and_teardowns() {
    let fixture = "s: kind=setup\ns -> a -> b -> t\ns -> t\nt: kind=teardown\nb: rule=all_done\na -> after";
    check(
        fixture,
        "a: fatal",
        "s: success
         a: failed (fatal)
         b: success
         t: success
         after: upstream_failed (all_success: task \"a\" is failed)
         run: failed (task \"a\" failed)",
    );
    check(
        fixture,
        "s: fatal",
        "s: failed (fatal)
         a: upstream_failed (setup: task \"s\" is failed)
         b: upstream_failed (setup: task \"s\" is failed)
         t: upstream_failed (all_done_setup_success: task \"s\" is failed)
         after: upstream_failed (all_success: task \"a\" is upstream_failed)
         run: failed (task \"s\" failed)",
    );
    check(
        fixture,
        "s: skip",
        "s: skipped (skip)
         a: skipped (setup: task \"s\" is skipped)
         b: skipped (setup: task \"s\" is skipped)
         t: skipped (all_done_setup_success: task \"s\" is skipped)
         after: skipped (all_success: task \"a\" is skipped)
         run: success",
    );
    check(
        "s: kind=setup\ns -> a -> t\ns -> t\nt: kind=teardown",
        "t: fatal",
        "s: success\na: success\nt: failed (fatal)\nrun: success",
    );
    check(
        "s: kind=setup\ns -> a -> t\ns -> t\nt: kind=teardown fail_run",
        "t: fatal",
        "s: success\na: success\nt: failed (fatal)\nrun: failed (task \"t\" failed)",
    );
}

#[test]
fn fail_fast_ends_everything_but_teardowns() {
    let mut world = World::start(
        "s: kind=setup\ns -> m -> t\ns -> t\nt: kind=teardown\nm: expand(3) retries=1\nlist -> n\nn: expand(list)\ndag: fail_fast",
        &Value::Null,
    );
    let [s, m] = ["s", "m"].map(|task| world.dag.find(task).unwrap());
    world.claim(9);
    world.end(s, MapIndex::NONE, Outcome::of_word("ok"));
    world.claim(2);
    world.end(m, MapIndex::at(0), Outcome::of_word("fail"));
    assert_eq!(world.rows.of_node(m).filter(|row| row.saved.state.is_ended()).count(), 0, "it is tried again");
    world.end(m, MapIndex::at(1), Outcome::of_word("fatal"));
    let why = "fail-fast: task \"m\" failed at index 1";
    let expect = format!(
        "s: success\nm: [0] skipped ({why}) [1] failed (fatal) [2] skipped ({why})\nt: scheduled\nlist: failed ({why})\nn: skipped ({why})\nrun: running ({why})\n"
    );
    assert_eq!(world.rows.text(&world.dag), expect);
    world.recover();
    world.play(|_, _, _| Outcome::of_word("ok"));
    assert_eq!(world.rows.reason.as_deref(), Some(why));
    assert_eq!(world.rows.state, model::RunState::Failed);
}

#[test]
fn teardowns_run_after_the_timeout_of_a_run() {
    let mut world =
        World::start("s: kind=setup\ns -> a -> t\ns -> t\nt: kind=teardown\ndag: run_timeout=60000", &Value::Null);
    let [s, t] = ["s", "t"].map(|task| world.dag.find(task).unwrap());
    world.claim(1);
    world.end(s, MapIndex::NONE, Outcome::of_word("ok"));
    world.claim(1);
    world.tick();
    assert_eq!(world.claim(9).iter().map(|ready| ready.node).collect::<Vec<_>>(), [t]);
    world.end(t, MapIndex::NONE, Outcome::of_word("ok"));
    let why = "timed-out: the run took longer than 60000 ms";
    assert_eq!(
        world.rows.text(&world.dag),
        format!("s: success\na: failed ({why})\nt: success\nrun: failed ({why})\n")
    );
}

#[test]
fn a_run_that_is_cancelled_is_undone_and_a_second_cancel_stops_that() {
    let fixture = "s: kind=setup\ns -> a -> t\ns -> t\nt: kind=teardown\nlist -> m\nm: expand(list)";
    for is_stopped in [false, true] {
        let mut world = World::start(fixture, &Value::Null);
        let [s, t] = ["s", "t"].map(|task| world.dag.find(task).unwrap());
        world.claim(1);
        world.end(s, MapIndex::NONE, Outcome::of_word("ok"));
        world.claim(9);
        let (told, _) = world.end_run(Ending::Failed, "cancelled by ada");
        let told: Vec<_> = told.iter().map(|(it, to)| (world.dag.task(it.node).task_id.as_str(), *to)).collect();
        let failed = TaskState::Failed;
        assert_eq!(told, [("a", failed), ("list", failed), ("m", TaskState::Skipped)]);
        let why = "cancelled by ada";
        let before = format!("s: success\na: failed ({why})\nt: scheduled\nlist: failed ({why})\nm: skipped ({why})\n");
        assert_eq!(world.rows.text(&world.dag), format!("{before}run: running ({why})\n"));
        world.recover();
        assert!(world.machine.is_failing());
        if is_stopped {
            world.end_run(Ending::Stopped, "cancelled again");
            let after = before.replace("t: scheduled", "t: skipped (cancelled again)");
            assert_eq!(world.rows.text(&world.dag), format!("{after}run: failed (cancelled again)\n"));
            assert_eq!(world.claim(9), []);
        } else {
            assert_eq!(world.claim(9).iter().map(|ready| ready.node).collect::<Vec<_>>(), [t]);
            world.end(t, MapIndex::NONE, Outcome::of_word("ok"));
            let after = before.replace("scheduled", "success");
            assert_eq!(world.rows.text(&world.dag), format!("{after}run: failed ({why})\n"));
        }
    }
}

#[test]
fn only_the_newest_run_goes_past_latest_only() {
    let fixture = "l: kind=latest_only\nl -> a -> b\nl -> c\nc: rule=always\nother";
    let context = RunContext { is_latest: false, ..RunContext::default() };
    let mut world = World::start_in(testkit::dag::dag(fixture), &Value::Null, LIMITS, 5, context);
    world.recover();
    world.play(|_, _, _| Outcome::of_word("ok"));
    let why = "latest_only: task \"l\" did not choose this one";
    let expect = format!(
        "l: success\na: skipped ({why})\nb: skipped (all_success: task \"a\" is skipped)\nc: skipped ({why})\nother: success\nrun: success\n"
    );
    assert_eq!(world.rows.text(&world.dag), expect);
    check("l: kind=latest_only\nl -> a", "", "l: success\na: success\nrun: success");
}

#[test]
fn the_run_before_holds_a_task_back() {
    let dag = testkit::dag::dag("a: past\na -> b");
    let context = RunContext { past: Past::Met(Vec::new()), ..RunContext::default() };
    let mut world = World::start_in(dag, &Value::Null, LIMITS, 5, context);
    let a = world.dag.find("a").unwrap();
    assert_eq!(world.claim(9), []);
    assert_eq!(world.machine.explain(a, MapIndex::NONE), Explanation::Past);
    world.feed(Event::Tick);
    assert_eq!(world.rows.state, model::RunState::Running, "waiting for the past is no deadlock");
    world.feed(Event::PastMet { nodes: vec![a] });
    world.context.past = Past::Met(vec![a]);
    world.play(|_, _, _| Outcome::of_word("ok"));
    assert_eq!(world.rows.state, model::RunState::Success);
}

#[test]
fn a_sensor_is_asked_again_until_it_times_out() {
    let mut world = World::start(
        "a: kind=sensor poke=10000 timeout=25000 retries=1\nb: kind=sensor soft_fail timeout=5000",
        &Value::Null,
    );
    let [a, b] = ["a", "b"].map(|task| world.dag.find(task).unwrap());
    world.claim(9);
    for node in [a, b] {
        world.end(node, MapIndex::NONE, Outcome::of_word("poke"));
    }
    world.tick();
    assert_eq!(world.rows.instances[&(b, MapIndex::NONE)].saved.state, TaskState::Skipped);
    world.recover();
    for _ in 0..2 {
        world.tick();
        let ready = world.claim(9);
        assert_eq!(ready.iter().map(|ready| (ready.node, ready.try_number.0)).collect::<Vec<_>>(), [(a, 1)]);
        world.end(a, MapIndex::NONE, Outcome::of_word("poke"));
    }
    world.tick();
    assert_eq!(world.rows.instances[&(a, MapIndex::NONE)].saved.state, TaskState::UpForRetry);
    world.tick();
    assert_eq!(world.claim(9)[0].try_number.0, 2);
    world.end(a, MapIndex::NONE, Outcome::of_word("ok"));
    assert_eq!(world.rows.state, model::RunState::Success);
}

#[test]
fn a_deferred_attempt_goes_on_when_it_is_woken() {
    let mut world = World::start("a: retries=1\na -> b", &Value::Null);
    let a = world.dag.find("a").unwrap();
    world.claim(9);
    world.end(a, MapIndex::NONE, Outcome::of_word("defer"));
    assert_eq!(world.machine.next_tick(), None);
    world.recover();
    world.feed(Event::Tick);
    assert_eq!(world.machine.explain(a, MapIndex::NONE), Explanation::Deferred { times_out_at: None });
    world.feed(Event::Woken { node: a, map_index: MapIndex::NONE });
    world.feed(Event::Woken { node: a, map_index: MapIndex::NONE });
    assert_eq!(world.claim(9)[0].try_number.0, 1);
    world.end(a, MapIndex::NONE, Outcome::of_word("until=5000"));
    world.tick();
    assert_eq!(world.claim(9)[0].try_number.0, 1);
    world.end(a, MapIndex::NONE, Outcome::of_word("defer=1000"));
    world.recover();
    world.tick();
    assert_eq!(world.rows.instances[&(a, MapIndex::NONE)].saved.state, TaskState::UpForRetry, "it timed out");
    world.tick();
    assert_eq!(world.claim(9)[0].try_number.0, 2);
}

#[test]
fn an_approval_waits_for_an_answer() {
    let mut world = World::start("ask: kind=approval\nask -> a", &Value::Null);
    let ask = world.dag.find("ask").unwrap();
    world.recover();
    assert_eq!(world.machine.explain(ask, MapIndex::NONE), Explanation::AwaitsInput { times_out_at: None });
    world.feed(Event::Tick);
    world.feed(Event::Woken { node: ask, map_index: MapIndex::NONE });
    world.play(|_, _, _| Outcome::of_word("ok"));
    assert_eq!(world.rows.text(&world.dag), "ask: success\na: success\nrun: success\n");
    let mut world = World::start("ask: kind=approval timeout=1000", &Value::Null);
    world.tick();
    assert_eq!(world.rows.state, model::RunState::Failed);
}

#[test]
fn an_instance_waits_only_so_long_for_a_slot() {
    let mut world = World::start("a: expand(2) queued_timeout=1000 retries=1 max_active=1", &Value::Null);
    let a = world.dag.find("a").unwrap();
    world.claim(9);
    world.tick();
    let states: Vec<_> = world.rows.of_node(a).map(|row| row.saved.state).collect();
    assert_eq!(states, [TaskState::Running, TaskState::UpForRetry]);
}

#[test]
fn limits_beyond_the_run_hold_instances_back() {
    let mut world = World::start("a: expand(5)\nb", &Value::Null);
    let a = world.dag.find("a").unwrap();
    world.machine.set_room(a, 2);
    let taken = |world: &mut World| world.machine.take_ready(9, model::Fence::new(1, 1)).len();
    assert_eq!(taken(&mut world), 3);
    assert_eq!(world.machine.explain(a, MapIndex::at(4)), Explanation::Limited(crate::Limit::Room));
    world.machine.set_room(a, 1);
    assert_eq!(taken(&mut world), 1);
}
