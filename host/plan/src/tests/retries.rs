//! Failed attempts, lost executions, stale reports.

use model::{Fence, MapIndex, TaskState};
use serde_json::Value;
use testkit::outcome::Outcome;

use super::script::Script;
use super::world::World;
use crate::{Decisions, Event};

/// Plays a run of one task and compares how it ended: state, tries, executions.
fn check(task: &str, executions: &str, expect: (TaskState, u32, usize)) {
    let fixture = format!("a: {task}");
    let mut world = World::start(&fixture, &Value::Null);
    let script = Script::of_text(&world.dag, &format!("a: {executions}"));
    world.play(|node, map_index, execution| script.outcome(node, map_index, execution));
    let (key, row) = world.rows.instances.first_key_value().unwrap();
    let got = (row.saved.state, row.saved.try_number.0, world.executions[key]);
    assert_eq!(got, expect, "{fixture}, {executions}");
}

#[test]
fn failures_spend_retries() {
    check("retries=2", "fail ok", (TaskState::Success, 2, 2));
    check("retries=2", "fail trap ok", (TaskState::Success, 3, 3));
    check("retries=2", "timeout limit fail", (TaskState::Failed, 3, 3));
    check("retries=0", "fail", (TaskState::Failed, 1, 1));
}

#[test]
fn the_author_can_refuse_another_try() {
    check("retries=5", "fatal", (TaskState::Failed, 1, 1));
    check("retries=5", "cancel", (TaskState::Failed, 1, 1));
    check("retries=5", "skip", (TaskState::Skipped, 1, 1));
}

#[test]
fn lost_hosts_spend_no_retries_but_are_bounded() {
    check("retries=0", "lost lost lost lost ok", (TaskState::Success, 1, 5));
    check("retries=3", "lost lost lost lost lost", (TaskState::Failed, 1, 5));
    check("retries=1", "lost lost lost lost fail lost lost lost lost ok", (TaskState::Success, 2, 10));
}

#[test]
fn an_attempt_that_lost_too_many_executions_says_so() {
    let mut world = World::start("a", &Value::Null);
    world.play(|_, _, _| Outcome::of_word("lost"));
    let expect =
        "a: failed (infra-exhausted: 5 executions of this attempt were lost)\nrun: failed (task \"a\" failed)\n";
    assert_eq!(world.rows.text(&world.dag), expect);
}

#[test]
fn a_suspect_stays_one_for_its_attempt() {
    let mut world = World::start("a: retries=1", &Value::Null);
    let a = world.dag.find("a").unwrap();
    for (outcome, is_suspect) in [("lost", false), ("suspect", true), ("lost", true)] {
        world.claim(1);
        world.end(a, MapIndex::NONE, Outcome::of_word(outcome));
        assert_eq!(world.rows.instances[&(a, MapIndex::NONE)].saved.suspect, is_suspect, "{outcome}");
    }
    assert!(world.claim(1)[0].suspect);
    world.end(a, MapIndex::NONE, Outcome::of_word("fail"));
    world.tick();
    assert!(!world.claim(1)[0].suspect);
}

#[test]
fn a_retry_waits_for_its_time() {
    let mut world = World::start("a: expand(2) retries=1 retry_delay=10000", &Value::Null);
    let a = world.dag.find("a").unwrap();
    world.claim(2);
    world.end(a, MapIndex::at(0), Outcome::of_word("fail"));
    world.end(a, MapIndex::at(1), Outcome::of_word("fail=500"));
    let start = world.now;
    assert_eq!(world.machine.next_tick(), Some(start + jiff::SignedDuration::from_millis(500)));
    world.feed(Event::Tick);
    assert_eq!(world.machine.ready_count(), 0);
    world.tick();
    assert_eq!(world.claim(2).iter().map(|ready| ready.map_index.number()).collect::<Vec<_>>(), [1]);
    let delay_ms = world.machine.next_tick().unwrap().duration_since(start).as_millis();
    assert!((9_000..=11_000).contains(&delay_ms), "{delay_ms}");
}

#[test]
fn a_stale_report_changes_nothing() {
    let mut world = World::start("a -> b", &Value::Null);
    let a = world.dag.find("a").unwrap();
    world.claim(1);
    let old = world.rows.instances[&(a, MapIndex::NONE)].saved.fence;
    world.end(a, MapIndex::NONE, Outcome::of_word("lost"));
    world.claim(1);
    for (map_index, fence) in [(MapIndex::NONE, old), (MapIndex::NONE, Fence::NONE), (MapIndex::at(7), old)] {
        let Outcome { end, has_value, answer } = Outcome::success(None);
        let event = Event::Ended { node: a, map_index, fence, end, has_value, answer };
        assert_eq!(world.machine.on(event, world.now), Decisions::default());
    }
}
