//! Kinds of tasks: branches, short circuits, sensors, setups and teardowns, and those without a body.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use waft::prelude::*;
use waft::testing::{self, Outcome};

#[derive(Clone, Copy, Debug, PartialEq, Arms)]
enum Size {
    Small,
    Large,
    Strange,
}

#[task(kind = "branch")]
fn by_size(rows: u64) -> Result<Vec<Size>, TaskError> {
    match rows {
        0 => Ok(Vec::new()),
        1..100 => Ok(vec![Size::Small]),
        100..10_000 => Ok(vec![Size::Large]),
        10_000 => Ok(vec![Size::Strange]),
        _ => Ok(vec![Size::Small, Size::Large]),
    }
}

#[task(kind = "branch")]
fn maybe(rows: u64) -> Option<Size> {
    (rows > 0).then_some(Size::Large)
}

#[task]
fn sort(how: String) {
    let _ = how;
}

#[dag]
fn branches() {
    let large = group("large", || sort("on disk"));
    by_size(7).when(Size::Small, sort("in memory")).when(Size::Large, (large, sort("twice"))).when(Size::Strange, ());
    by_size(9).when(Size::Small, ()).when(Size::Large, sort("more")).when(Size::Strange, empty("end"));
    maybe(1).when(Size::Small, ()).when(Size::Strange, ()).when(Size::Large, sort("last"));
}

#[test]
fn branches_are_edges_with_labels() {
    insta::assert_snapshot!(super::document(branches::DAG));
}

#[track_caller]
fn check(task_id: &str, entrypoint: &str, rows: u64, expect: &str) {
    testing::set_context(TaskContext { task_id: task_id.to_owned(), ..Default::default() });
    let outcome = testing::run(branches::DAG, entrypoint, &format!(r#"{{"rows":{rows}}}"#));
    assert_eq!(outcome, Outcome::Success(Some(expect.to_owned())));
}

#[test]
fn a_branch_answers_with_ids_of_its_dag() {
    check("by_size", "by_size", 0, "null");
    check("by_size", "by_size", 1, r#""sort""#);
    check("by_size", "by_size", 100, r#"["large","sort__1"]"#);
    check("by_size", "by_size", 10_000, "null");
    check("by_size", "by_size", 20_000, r#"["sort","large","sort__1"]"#);
    check("by_size__1", "by_size", 100, r#""sort__2""#);
    check("by_size__1", "by_size", 10_000, r#""end""#);
    check("maybe", "maybe", 1, r#""sort__3""#);
    check("maybe", "maybe", 0, "null");
}

#[dag]
fn forgetful() {
    by_size(7).when(Size::Small, sort("in memory"));
}

#[test]
fn an_arm_that_leads_nowhere_is_told() {
    insta::assert_snapshot!(forgetful::DAG.document().unwrap_err(), @r#"
    DAG "forgetful": branch "by_size" does not say what runs for `Large`: add `.when(…::Large, …)`, with `()` for nothing
    DAG "forgetful": branch "by_size" does not say what runs for `Strange`: add `.when(…::Strange, …)`, with `()` for nothing
    "#);
}

#[task(kind = "short_circuit")]
fn is_weekday(day: u32) -> bool {
    day < 6
}

#[task(kind = "short_circuit", ignore_downstream_trigger_rules = true)]
fn has_rows() -> Result<bool, TaskError> {
    Ok(true)
}

#[task(kind = "sensor", poke_interval = "10s", soft_fail = true, timeout = "1h")]
fn is_there(file: String) -> Poke {
    Poke::done_if(file == "there")
}

#[task(kind = "sensor")]
fn is_deferred() -> Result<Poke, TaskError> {
    Err(TaskError::defer(Wake::signal("file-arrived").within(Duration::from_secs(60))))
}

#[dag]
fn waiting() {
    let weekday = is_weekday(3).only_directly();
    let rows = has_rows();
    let there = is_there("there");
    (weekday, rows, there, is_deferred().poke_interval(Duration::from_millis(250)).soft_fail()).then(sort("all"));
}

#[test]
fn short_circuits_and_sensors() {
    insta::assert_snapshot!(super::document(waiting::DAG));
}

#[test]
fn answers_of_short_circuits_and_sensors() {
    let check = |entrypoint, args, expect: &str| {
        assert_eq!(testing::run(waiting::DAG, entrypoint, args), Outcome::Success(Some(expect.to_owned())));
    };
    check("is_weekday", r#"{"day":6}"#, "false");
    check("has_rows", "{}", "true");
    check("is_there", r#"{"file":"there"}"#, "true");
    check("is_there", r#"{"file":"gone"}"#, "false");
    let wake = Wake::signal("file-arrived").within(Duration::from_secs(60));
    assert_eq!(testing::run(waiting::DAG, "is_deferred", "{}"), Outcome::Deferred(wake));
}

#[task(kind = "setup", retries = 2)]
fn create(name: String) -> String {
    name
}

#[task]
fn compute(cluster: String) -> u64 {
    cluster.len() as u64
}

#[task(kind = "teardown", on_failure_fail_run = true)]
fn delete(cluster: String) {
    let _ = cluster;
}

#[task(kind = "teardown")]
fn delete_all(clusters: Sequence<String>) {
    let _ = clusters;
}

#[dag]
fn clusters(names: Param<Vec<String>>) -> Output<u64> {
    let one = create("one");
    let all = create.expand(names);
    let result = compute(one).after(all);
    delete(one).of(one).after(result);
    delete_all(all).of((all, [one])).fail_run().after(result);
    result
}

#[test]
fn setups_and_teardowns() {
    insta::assert_snapshot!(super::document(clusters::DAG));
}

#[derive(Serialize, Deserialize, Type)]
struct Release {
    publish: bool,
    note: Option<String>,
}

#[task]
fn publish(answer: Release) {
    let _ = answer;
}

#[dag]
fn releases() {
    let answer = approval::<Release>("ask").timeout(Duration::from_secs(3600));
    let newest = latest_only("newest");
    let ready = empty("ready").after_labelled("only once", newest).trigger_rule(TriggerRule::NoneFailed);
    publish(answer).after(ready);
}

#[test]
fn tasks_without_a_body() {
    insta::assert_snapshot!(super::document(releases::DAG));
}
