use waft::prelude::*;

#[task(retry = 3)]
fn unknown_option() {}

#[task(timeout = "5 minutes")]
fn wrong_time() {}

#[task(memory = "64MB")]
fn wrong_size() {}

#[task(trigger_rule = "one_success")]
fn unknown_rule() {}

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

#[dag(schedule = "@daily")]
fn unknown_dag_option() {}

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
