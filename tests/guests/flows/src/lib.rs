//! DAGs that the end-to-end tests run: each shows one promise.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use waft::prelude::*;

#[task(max_map_length = 200_000)]
fn list(n: u64) -> Vec<u64> {
    (0..n).collect()
}

#[task]
fn square(number: u64) -> u64 {
    number * number
}

#[task]
fn sum(numbers: Sequence<u64>) -> Result<u64, TaskError> {
    numbers.iter().sum()
}

/// Map and reduce: the sum of the squares below `n`.
#[dag]
fn squares(#[param(default = 10)] n: Param<u64>) -> Output<u64> {
    sum(square.expand(list(n)))
}

#[task]
fn add_one(number: u64) -> u64 {
    number + 1
}

/// Three tasks, one after another.
#[dag]
fn chain(#[param(default = 0)] start: Param<u64>) -> Output<u64> {
    add_one(add_one(add_one(start)))
}

/// Fails as often as it is told and counts its attempts in its state.
#[task(retries = 3, retry_delay = "10ms")]
fn fail_first(failures: u64) -> Result<u64, TaskError> {
    let attempts = state::get::<u64>("attempts")?.unwrap_or(0) + 1;
    state::set("attempts", &attempts)?;
    println!("this is attempt {attempts}");
    if attempts <= failures {
        return Err(TaskError::new(format!("attempt {attempts} fails as it was told")));
    }
    Ok(attempts)
}

#[dag]
fn flaky(failures: Param<u64>) -> Output<u64> {
    fail_first(failures)
}

/// Fails at once and for good.
#[task(retries = 3)]
fn give_up() -> Result<u64, TaskError> {
    Err(TaskError::fatal("there is nothing to be done"))
}

/// A failure in the middle: what needs it never runs.
#[dag]
fn doomed() -> Output<u64> {
    add_one(give_up())
}

/// Skips itself.
#[task]
fn not_today() -> Result<u64, TaskError> {
    Err(TaskError::skip("not today"))
}

#[dag]
fn skipping() -> Output<u64> {
    add_one(not_today())
}

/// Says something on each way that a log has, leaves a value beside its result.
#[task]
fn speak(words: String) -> Result<String, TaskError> {
    println!("out: {words}");
    eprintln!("err: {words}");
    log::warn!("log: {words}");
    xcom::push("words", &words)?;
    Ok(words)
}

#[task]
fn listen(heard: String) -> Result<Vec<Option<String>>, TaskError> {
    Ok(vec![Some(heard), xcom::pull("speak", "words")?, xcom::pull("speak", "silence")?])
}

#[dag]
fn talk(words: Param<String>) -> Output<Vec<Option<String>>> {
    listen(speak(words))
}

/// Says a line every 20 ms.
#[task]
fn tick(times: u64) -> u64 {
    for time in 0..times {
        log::info!("tick {time}");
        std::thread::sleep(Duration::from_millis(20));
    }
    times
}

#[dag]
fn ticking(times: Param<u64>) -> Output<u64> {
    tick(times)
}

/// How often an item was begun.
#[derive(Clone, Serialize, Deserialize, Type)]
struct Begun {
    item: u64,
    times: u64,
}

/// What all items left together.
#[derive(Serialize, Deserialize, Type)]
struct Survival {
    items: u64,
    sum: u64,
    begun_again: u64,
}

/// Notes durably that it begins, then takes its time: whoever is killed meanwhile is seen to begin again.
#[task(max_map_length = 200_000)]
fn begin(item: u64, pause_ms: u64) -> Result<Begun, TaskError> {
    let times = state::get::<u64>("times")?.unwrap_or(0) + 1;
    state::set("times", &times)?;
    println!("begun {times} times");
    std::thread::sleep(Duration::from_millis(pause_ms));
    Ok(Begun { item, times })
}

#[task]
fn survey(all: Sequence<Begun>) -> Result<Survival, TaskError> {
    let mut survival = Survival { items: all.len(), sum: 0, begun_again: 0 };
    for begun in &all {
        let begun = begun?;
        survival.sum += begun.item;
        survival.begun_again += u64::from(begun.times > 1);
    }
    Ok(survival)
}

/// Many items that take their time.
#[dag]
fn surviving(n: Param<u64>, #[param(default = 20)] pause_ms: Param<u64>) -> Output<Survival> {
    survey(begin.expand((list(n), fixed(pause_ms))))
}

/// Takes its time and shows its parameters.
#[task]
fn wait_for(pause_ms: u64, name: String) -> String {
    std::thread::sleep(Duration::from_millis(pause_ms));
    name
}

/// Parameters of two types, none with a default.
#[dag]
fn strict(pause_ms: Param<u64>, name: Param<String>) -> Output<String> {
    wait_for(pause_ms, name)
}

waft::bundle!(squares, chain, flaky, doomed, skipping, talk, ticking, surviving, strict);
