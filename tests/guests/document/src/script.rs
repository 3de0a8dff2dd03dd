//! A body that does what it is told: its argument `do` is an object of instructions, which are followed in this order. All others of
//! its arguments are its value unless `give` says another.
//!
//! | instruction | what it does |
//! | --- | --- |
//! | `"tries": {"1": {…}}` | these instructions stand over the others at that try |
//! | `"at": {"0": {…}}` | likewise at that map index |
//! | `"when": {"a": {…}}` | likewise where the argument `x` has this text (of a text) or JSON |
//! | `"say": "…"` | writes a line into the log |
//! | `"remember": {"key": value}` | keeps task state |
//! | `"hold": "name"` | waits, sandbox and all, until there is a variable of this name |
//! | `"sleep_ms": 50` | takes its time |
//! | `"push": {"key": value}` | leaves XComs |
//! | `"emit": [{"asset": "a", "extra": {}}]` | tells events of outlets |
//! | `"trigger": {"dag": "d", "conf": {}, "run_id": "r"}` | starts a run; the value is its id. The last two may be left out |
//! | `"wait": {"signal": "s", "timeout_ms": 1000}` | is deferred; the value is what woke it. Instead of `signal`: `asset`, `dag_run` (`"dag/run"`, or `true` for the run that `trigger` started), `in_ms`. `times` waits so often |
//! | `"polls": 3` | as a sensor: answers false until it is asked for the third time |
//! | `"trap": true`, `"spin": true` | traps; never ends |
//! | `"fail": "…"` | fails; `"retry": false` for good, `"delay_ms": 10` with a delay of its own |
//! | `"skip": "…"` | is skipped |
//! | `"none": true` | succeeds without a value |
//! | `"show": "context"` | the value is the context; `"variable:name"`, `"connection:id"`, `"run:dag/run"`, `"state:key"`, `"xcom:task/key"` show others |
//! | `"give": value` | the value |

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use crate::exports::waft::task::task_bodies::{Outcome, TaskContext};
use crate::waft::task::types::{Failure, Wake, WakeEvent};
use crate::waft::task::{assets, connections, dags, deferral, log, task_state, values, variables, xcom};

pub(crate) fn act(args: &str, context: &TaskContext) -> Result<Outcome, String> {
    let mut args: Map<String, Value> = serde_json::from_str(args).map_err(|error| error.to_string())?;
    let script = match args.remove("do") {
        Some(Value::Object(script)) => script,
        Some(other) => return Err(format!("`do` is an object, and this is {other}")),
        None => Map::new(),
    };
    let script = told(script, &args, context);
    let text = |key: &str| script.get(key).and_then(Value::as_str);
    let number = |key: &str| script.get(key).and_then(Value::as_u64);
    let is_set = |key: &str| script.get(key).is_some_and(|value| *value == true);
    let members = |key: &str| script.get(key).and_then(Value::as_object).into_iter().flatten();

    if let Some(line) = text("say") {
        log::write(log::Level::Info, line);
    }
    for (key, value) in members("remember") {
        task_state::set(key, &value.to_string(), None).map_err(shown)?;
    }
    if let Some(name) = text("hold") {
        while variables::get(name).map_err(shown)?.is_none() {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    if let Some(pause) = number("sleep_ms") {
        std::thread::sleep(Duration::from_millis(pause));
    }
    for (key, value) in members("push") {
        xcom::push(key, &value.to_string()).map_err(shown)?;
    }
    for event in script.get("emit").and_then(Value::as_array).into_iter().flatten() {
        let extra = event.get("extra").map_or_else(|| "{}".to_owned(), Value::to_string);
        assets::emit(of(event, "asset")?, &extra).map_err(shown)?;
    }
    let mut value = None;
    let mut started = None;
    if let Some(wanted) = script.get("trigger") {
        let dag = of(wanted, "dag")?;
        let run_id = triggered(dag, wanted)?;
        value = Some(json!(run_id));
        started = Some(format!("{dag}/{run_id}"));
    }
    if let Some(wait) = script.get("wait") {
        match waited(wait, started.as_deref())? {
            Ok(woken) => value = Some(woken),
            Err(wake) => return Ok(Outcome::Deferred(wake)),
        }
    }
    if let Some(polls) = number("polls") {
        return polled(polls);
    }
    if is_set("trap") {
        std::arch::wasm32::unreachable();
    }
    if is_set("spin") {
        crate::attacks::spin();
    }
    if let Some(message) = text("fail") {
        let retry = script.get("retry").is_none_or(|retry| *retry == true);
        return Ok(Outcome::Failed(Failure { message: message.into(), retry, delay_ms: number("delay_ms") }));
    }
    if let Some(reason) = text("skip") {
        return Ok(Outcome::Skipped(reason.into()));
    }
    if is_set("none") {
        return Ok(Outcome::Success(None));
    }
    if let Some(what) = text("show") {
        value = Some(shown_value(what, context)?);
    }
    let value = match script.get("give") {
        Some(value) => value.clone(),
        None => value.map_or_else(|| read(Value::Object(args)), Ok)?,
    };
    Ok(Outcome::Success(Some(value.to_string())))
}

/// The instructions that hold for this instance and this try.
fn told(mut script: Map<String, Value>, args: &Map<String, Value>, context: &TaskContext) -> Map<String, Value> {
    let x = args.get("x").map_or_else(String::new, |x| x.as_str().map_or_else(|| x.to_string(), str::to_owned));
    let cases = [("tries", context.try_number.to_string()), ("at", context.map_index.to_string()), ("when", x)];
    for (key, case) in cases {
        if let Some(Value::Object(mut cases)) = script.remove(key)
            && let Some(Value::Object(over)) = cases.remove(&case)
        {
            script.extend(over);
        }
    }
    script
}

fn triggered(dag: &str, wanted: &Value) -> Result<String, String> {
    let request = dags::RunRequest {
        conf: wanted.get("conf").map(Value::to_string),
        run_id: wanted.get("run_id").and_then(Value::as_str).map(str::to_owned),
        logical_date: None,
        note: None,
    };
    dags::trigger(dag, &request).map_err(shown)
}

/// What woke it; or what it waits for.
fn waited(wait: &Value, started: Option<&str>) -> Result<Result<Value, Wake>, String> {
    const WAITED: &str = "waited";
    let so_far = task_state::get(WAITED).map_err(shown)?.and_then(|times| times.parse::<u64>().ok()).unwrap_or(0);
    if so_far >= wait.get("times").and_then(Value::as_u64).unwrap_or(1) {
        let woken = deferral::woken_by();
        let payload = woken.and_then(|woken| woken.payload).unwrap_or_else(|| "null".to_owned());
        return Ok(Ok(serde_json::from_str(&payload).map_err(|error| error.to_string())?));
    }
    task_state::set(WAITED, &(so_far + 1).to_string(), None).map_err(shown)?;
    let on = if let Some(signal) = wait.get("signal") {
        WakeEvent::Signal(signal.as_str().unwrap_or_default().to_owned())
    } else if let Some(asset) = wait.get("asset") {
        WakeEvent::Asset(asset.as_str().unwrap_or_default().to_owned())
    } else if let Some(run) = wait.get("dag_run") {
        WakeEvent::DagRun(run.as_str().or(started).ok_or("nothing was triggered")?.to_owned())
    } else {
        let in_us = wait.get("in_ms").and_then(Value::as_i64).unwrap_or(0) * 1_000;
        WakeEvent::Until(now_us() + in_us)
    };
    Ok(Err(Wake { on, timeout_ms: wait.get("timeout_ms").and_then(Value::as_u64) }))
}

fn polled(polls: u64) -> Result<Outcome, String> {
    const POLLS: &str = "polls";
    let so_far = task_state::get(POLLS).map_err(shown)?.and_then(|times| times.parse::<u64>().ok()).unwrap_or(0) + 1;
    task_state::set(POLLS, &so_far.to_string(), None).map_err(shown)?;
    Ok(Outcome::Success(Some((so_far >= polls).to_string())))
}

fn shown_value(what: &str, context: &TaskContext) -> Result<Value, String> {
    let parsed = |text: Option<String>| match text {
        Some(text) => serde_json::from_str(&text).map_err(|error| error.to_string()),
        None => Ok(Value::Null),
    };
    let Some((kind, name)) = what.split_once(':') else {
        return Ok(json!({
            "dag_id": context.dag_id,
            "run_id": context.run_id,
            "task_id": context.task_id,
            "map_index": context.map_index,
            "map_path": context.map_path,
            "map_key": parsed(context.map_key.clone())?,
            "try_number": context.try_number,
            "logical_date": context.logical_date,
            "params": parsed(Some(context.params.clone()))?,
        }));
    };
    let pair = || name.split_once('/').ok_or_else(|| format!("{name:?} has no slash"));
    match kind {
        "variable" => parsed(variables::get(name).map_err(shown)?),
        "state" => parsed(task_state::get(name).map_err(shown)?),
        "xcom" => parsed(xcom::pull(pair()?.0, -1, pair()?.1).map_err(shown)?),
        "run" => {
            let run = dags::run(pair()?.0, pair()?.1).map_err(shown)?;
            Ok(match run {
                Some(run) => json!({"state": run.state, "results": parsed(run.results)?}),
                None => Value::Null,
            })
        }
        "connection" => {
            let found = connections::get(name).map_err(shown)?;
            Ok(found.map_or(Value::Null, |it| {
                json!({"conn_type": it.conn_type, "host": it.host, "login": it.login, "port": it.port,
                    "schema": it.schema, "password": it.password, "extra": it.extra})
            }))
        }
        _ => Err(format!("nobody knows how to show {what:?}")),
    }
}

/// The value with the lists that sequences in it stand for.
fn read(value: Value) -> Result<Value, String> {
    match value {
        Value::Object(members) => {
            if members.get("$waft").is_some_and(|kind| kind == "sequence") {
                return sequence(members.get("id").and_then(Value::as_u64).unwrap_or_default());
            }
            let read = members.into_iter().map(|(name, value)| Ok((name, read(value)?)));
            read.collect::<Result<Map<_, _>, String>>().map(Value::Object)
        }
        Value::Array(items) => items.into_iter().map(read).collect::<Result<Vec<_>, _>>().map(Value::Array),
        other => Ok(other),
    }
}

fn sequence(id: u64) -> Result<Value, String> {
    const PAGE: u32 = 100;
    let sequence = values::open(id).map_err(shown)?;
    let mut all = Vec::new();
    loop {
        let page = sequence.next(PAGE).map_err(shown)?;
        if page.is_empty() {
            return Ok(Value::Array(all));
        }
        for text in page {
            all.push(serde_json::from_str(&text).map_err(|error| error.to_string())?);
        }
    }
}

fn of<'a>(value: &'a Value, key: &str) -> Result<&'a str, String> {
    value.get(key).and_then(Value::as_str).ok_or_else(|| format!("{value} has no text {key:?}"))
}

fn shown(error: impl std::fmt::Debug) -> String {
    format!("{error:?}")
}

#[expect(clippy::disallowed_methods, reason = "a guest has no other clock than the one that its host shows")]
fn now_us() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_micros() as i64)
}
