use waft::prelude::*;

#[task(retry = 3)]
fn unknown_option() {}

#[task(timeout = "5 minutes")]
fn wrong_time() {}

#[task(memory = "64MB")]
fn wrong_size() {}

#[task(trigger_rule = "some_success")]
fn unknown_rule() {}

#[task(kind = "loop")]
fn unknown_kind() {}

#[task(kind = "empty")]
fn kind_without_body() {}

#[task(poke_interval = "1s")]
fn no_sensor() {}

#[task(kind = "teardown", trigger_rule = "always")]
fn teardown_with_a_rule() {}

#[task(retry_on = ["slow"])]
fn unknown_failure() {}

#[task(retry_jitter = 1.5)]
fn too_much_jitter() {}

#[task(pool = "a b")]
fn wrong_pool() {}

#[task(depends_on_past = "yes")]
fn wrong_flag() {}

#[group(expand = 3)]
fn unknown_group_option() {}

#[task(retries = 101)]
fn too_many_retries() {}

#[task(task_id = "-a")]
fn wrong_id() {}

#[task(retries = 1, retries = 2)]
fn set_twice() {}

#[task]
fn borrowed(text: &str) {}

#[task]
async fn asynchronous() {}

#[task]
fn generic<T>(value: T) {}

#[task]
fn underscored(_text: String) {}

#[task]
fn straße() {}

#[dag(scheduled = "@daily")]
fn unknown_dag_option() {}

#[dag(schedule = "@dayly")]
fn wrong_schedule() {}

#[dag(schedule = any())]
fn schedule_of_nothing() {}

#[dag(timezone = "Europe/Vienna")]
fn timezone_of_nothing() {}

#[dag(schedule = "@daily", start_date = "yesterday")]
fn wrong_date() {}

#[task(outlets = ["my orders"])]
fn wrong_asset() {}

#[derive(Arms)]
enum Way {
    Left(u64),
}

#[derive(Type)]
enum Shape {
    Circle(f64),
}

#[derive(Type)]
#[serde(tag = "kind")]
enum Tagged {
    A,
}

fn main() {}
