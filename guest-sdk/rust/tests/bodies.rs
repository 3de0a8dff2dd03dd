//! What a host sees of a body: how arguments arrive, and how each way to return ends the attempt.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use waft::prelude::*;
use waft::testing::{self, Outcome};

#[derive(Serialize, Deserialize, Type)]
struct Point {
    x: i64,
    y: i64,
}

#[task]
fn add(a: Point, b: Option<Point>) -> Point {
    let b = b.unwrap_or(Point { x: 0, y: 0 });
    Point { x: a.x + b.x, y: a.y + b.y }
}

#[task]
fn end(how: String) -> Result<Option<u64>, TaskError> {
    match how.as_str() {
        "value" => Ok(Some(7)),
        "none" => Ok(None),
        "skip" => Err(TaskError::skip("nothing to do")),
        "fatal" => Err(TaskError::fatal("no such table")),
        "later" => Err(TaskError::new("busy").retry_in(Duration::from_millis(1_500))),
        number => Ok(Some(number.parse()?)),
    }
}

#[task]
fn nothing() {}

#[task]
fn null() -> serde_json::Value {
    serde_json::Value::Null
}

#[task]
fn read(file: String) -> Result<String, std::io::Error> {
    Err(std::io::Error::new(std::io::ErrorKind::NotFound, file))
}

#[task]
fn sum(numbers: Sequence<u64>, weights: Vec<f64>) -> Result<f64, TaskError> {
    let mut sum = 0.0;
    for (number, weight) in numbers.iter().zip(&weights) {
        sum += number? as f64 * weight;
    }
    assert_eq!(numbers.iter().count() as u64, numbers.len(), "a second look sees the same");
    Ok(sum)
}

#[dag]
fn all() {
    add(Point { x: 0, y: 0 }, None);
    end("value");
    nothing();
    null();
    read("a.txt");
    let numbers = end.expand(["1", "2"]);
    sum(numbers, [1.0]);
}

#[track_caller]
fn check(entrypoint: &str, args: &str, expect: Outcome) {
    assert_eq!(testing::run(all::DAG, entrypoint, args), expect);
}

fn success(json: &str) -> Outcome {
    Outcome::Success(Some(json.to_owned()))
}

fn failed(message: &str, retry: bool, delay: Option<Duration>) -> Outcome {
    Outcome::Failed { message: message.to_owned(), retry, delay }
}

#[test]
fn arguments_arrive_by_name() {
    check("add", r#"{"b":{"x":1,"y":2},"a":{"y":20,"x":10}}"#, success(r#"{"x":11,"y":22}"#));
    check("add", r#"{"a":{"x":1,"y":2},"b":null}"#, success(r#"{"x":1,"y":2}"#));
    check("add", r#"{"a":{"x":1,"y":2}}"#, success(r#"{"x":1,"y":2}"#));
}

#[test]
fn wrong_arguments_are_not_tried_again() {
    check("add", r#"{"a":{"x":1}}"#, failed("argument `a`: missing field `y` at line 1 column 7", false, None));
    check(
        "end",
        r#"{"how":3}"#,
        failed("argument `how`: invalid type: integer `3`, expected a string at line 1 column 1", false, None),
    );
    check(
        "end",
        "[]",
        failed(
            "the arguments are no JSON object: invalid type: sequence, expected a map at line 1 column 0",
            false,
            None,
        ),
    );
    check("vanish", "{}", failed("this component has no body \"vanish\"", false, None));
}

#[test]
fn each_way_to_return() {
    check("end", r#"{"how":"value"}"#, success("7"));
    check("end", r#"{"how":"none"}"#, Outcome::Success(None));
    check("nothing", "{}", Outcome::Success(None));
    check("null", "{}", success("null"));
    check("end", r#"{"how":"skip"}"#, Outcome::Skipped("nothing to do".to_owned()));
    check("end", r#"{"how":"fatal"}"#, failed("no such table", false, None));
    check("end", r#"{"how":"later"}"#, failed("busy", true, Some(Duration::from_millis(1_500))));
    check("end", r#"{"how":"x"}"#, failed("invalid digit found in string", true, None));
    check("read", r#"{"file":"a.txt"}"#, failed("a.txt", true, None));
}

#[test]
fn sequences_arrive_as_marker_or_list() {
    check("sum", r#"{"numbers":[1,2,3],"weights":[1,1,0.5]}"#, success("4.5"));
    let long = testing::sequence((0..2_500).collect());
    let ones = testing::sequence(vec![1; 2_500]);
    check("sum", &format!(r#"{{"numbers":{long},"weights":{ones}}}"#), success("3123750.0"));
    check(
        "sum",
        r#"{"numbers":{"$waft":"sequence","id":9,"len":1},"weights":[]}"#,
        failed("argument `numbers`: denied: no sequence 9 stands in the arguments", false, None),
    );
}

#[test]
fn a_value_of_another_type_in_a_sequence_names_its_place() {
    let numbers = testing::sequence(vec![serde_json::json!(1), serde_json::json!("two")]);
    check(
        "sum",
        &format!(r#"{{"numbers":{numbers},"weights":[1,1]}}"#),
        failed("value 1 of the sequence: invalid type: string \"two\", expected u64 at line 1 column 5", false, None),
    );
}
