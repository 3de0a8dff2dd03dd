//! Options of tasks and DAGs: in the attribute, and at the call.

use std::time::Duration;

use serde_json::json;
use waft::prelude::*;

#[task(
    trigger_rule = "none_failed_min_one_success",
    retries = 5,
    retry_delay = "2s",
    retry_multiplier = 2,
    retry_delay_max = "1m",
    retry_jitter = 0.25,
    retry_on = ["timed_out", "over_limit"],
    timeout = "10m",
    queued_timeout = "1h",
    pool = "database",
    pool_slots = 2,
    priority = -3,
    weight_rule = "upstream",
    max_active_per_dag = 6,
    max_active_per_run = 3,
    max_map_length = 50,
    map_index_template = "{{ map.value }}",
    depends_on_past = true,
    wait_for_downstream = true,
    memory = "8MiB",
    inlets = ["s3://shop/rates"],
    outlets = ["s3://shop/orders", "s3://shop/returns"]
)]
fn load(table: String) {
    let _ = table;
}

#[task]
fn plain(table: String) {
    let _ = table;
}

#[dag(fail_fast = true)]
fn in_the_attribute(tables: Param<Vec<String>>) {
    load.expand(tables);
    load("one");
}

#[dag]
fn at_the_call(tables: Param<Vec<String>>) {
    plain
        .expand(tables)
        .task_id("all")
        .trigger_rule(TriggerRule::Always)
        .retries(1)
        .retry_delay(Duration::from_millis(1_500))
        .retry_multiplier(1.5)
        .retry_delay_max(Duration::from_secs(9))
        .retry_jitter(0.0)
        .retry_on(&[FailureKind::Failed, FailureKind::Trapped])
        .timeout(Duration::from_secs(60))
        .queued_timeout(Duration::from_secs(5))
        .pool("network")
        .pool_slots(4)
        .priority(7)
        .weight_rule(WeightRule::Absolute)
        .max_active_per_dag(2)
        .max_active_per_run(1)
        .max_map_length(9)
        .map_index_template("{{ map.index }}")
        .wait_for_downstream()
        .memory_bytes(1 << 20)
        .inlets(&["a"])
        .outlets(&["b"]);
    load("again").retries(0).depends_on_past();
    plain("as it is");
}

#[dag(
    schedule = "0 8 * * MON-FRI",
    timezone = "Europe/Vienna",
    start_date = "2026-01-31T08:00:00Z",
    end_date = "2026-12-31T23:59:59.5+01:00",
    catchup = true,
    logical_date = "interval_start",
    max_active_runs = 2,
    max_consecutive_failed_runs = 3,
    deadline = "2h",
    deadline_from = "run_after"
)]
fn scheduled() {
    plain("a");
}

#[dag(schedule = "@once")]
fn once() {}

#[dag(schedule = "@continuous", deadline = "1m")]
fn continuous() {}

#[dag(schedule = ["@hourly", "every 90m"], timezone = "UTC")]
fn several() {}

#[dag(schedule = "every 6h")]
fn interval() {}

#[dag(schedule = all("a", any("b", asset("c"))))]
fn assets() {}

#[dag(schedule = assets_or_time(any("a", "b"), "@daily", "every 1h"))]
fn both() {}

#[test]
fn schedules() {
    insta::assert_snapshot!(super::document(scheduled::DAG));
    let check = |dag: waft::Dag, expect: serde_json::Value| {
        assert_eq!(super::checked(dag)["schedule"], expect);
    };
    check(once::DAG, json!("once"));
    check(continuous::DAG, json!("continuous"));
    check(interval::DAG, json!({ "interval": { "every_ms": 21_600_000 } }));
    let hourly = json!({ "cron": { "expression": "@hourly", "timezone": "UTC" } });
    check(several::DAG, json!({ "several": [hourly, { "interval": { "every_ms": 5_400_000 } }] }));
    let any = json!({ "any": [{ "asset": "b" }, { "asset": "c" }] });
    check(assets::DAG, json!({ "assets": { "all": [{ "asset": "a" }, any] } }));
    let any = json!({ "any": [{ "asset": "a" }, { "asset": "b" }] });
    let time = json!([{ "cron": { "expression": "@daily" } }, { "interval": { "every_ms": 3_600_000 } }]);
    check(both::DAG, json!({ "assets_or_time": { "assets": any, "time": time } }));
}

#[test]
fn the_attribute_says_every_option() {
    insta::assert_snapshot!(super::document(in_the_attribute::DAG));
}

#[test]
fn the_call_says_otherwise() {
    insta::assert_snapshot!(super::document(at_the_call::DAG));
}
