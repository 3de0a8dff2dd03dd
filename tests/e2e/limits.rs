//! What may run at a time: pools, limits of DAGs, runs and tasks; what fails fast, and what depends on the past.

use serde_json::{Value, json};

use crate::harness::{Server, act, check_states, dag, edges, eventually, over, text, with};

/// Ten instances that take a while.
fn crowd(more: Value) -> Value {
    let items: Vec<u32> = (0..10).collect();
    let each =
        with(act("each", json!({ "sleep_ms": 60 })), json!({ "expand": over("x", json!({ "literal": items })) }));
    with(each, more)
}

/// The most instances that ran at a time, by their tries.
async fn most_at_a_time(server: &Server, runs: &[(&str, &str)]) -> usize {
    let mut times = Vec::new();
    for (dag, run) in runs {
        for instance in server.instances(dag, run).await {
            times.push((text(&instance, "start_date"), text(&instance, "end_date")));
        }
    }
    // At each start, those that have begun and not ended.
    let at = |start: &String| times.iter().filter(|(from, to)| from <= start && to > start).count();
    times.iter().map(|(start, _)| at(start)).max().unwrap_or_default()
}

#[tokio::test]
async fn no_more_run_than_may() {
    let server = Server::with_dags(&[
        dag("pooled", json!([crowd(json!({ "pool": "narrow" }))])),
        dag("wide", json!([crowd(json!({ "pool": "narrow", "pool_slots": 2 }))])),
        dag("task", json!([crowd(json!({ "max_active_per_run": 2 }))])),
        with(dag("run", json!([crowd(json!({}))])), json!({ "max_active_tasks": 2 })),
        dag("over_runs", json!([crowd(json!({ "max_active_per_dag": 2 }))])),
    ])
    .await;
    server.post("/pools", json!({ "name": "narrow", "slots": 3 })).await.expect(201);
    for (dag_id, most) in [("pooled", 3), ("wide", 1), ("task", 2), ("run", 2)] {
        let (run, state) = server.run_to_end(dag_id, json!({})).await;
        assert_eq!(state, "success", "{dag_id}");
        let found = most_at_a_time(&server, &[(dag_id, &run)]).await;
        assert!((1..=most).contains(&found), "{dag_id}: {found} at a time, {most} may be");
    }
    let runs = [server.trigger_id("over_runs", json!({})).await, server.trigger_id("over_runs", json!({})).await];
    for run in &runs {
        server.finished("over_runs", run).await;
    }
    let found = most_at_a_time(&server, &[("over_runs", &runs[0]), ("over_runs", &runs[1])]).await;
    assert!((1..=2).contains(&found), "{found} at a time over both runs");
}

#[tokio::test]
async fn pools_tell_how_full_they_are_and_let_go_when_they_grow() {
    let tasks = json!([crowd(json!({ "pool": "closed" }))]);
    let server = Server::with_dags(&[dag("p", tasks)]).await;
    server.post("/pools", json!({ "name": "closed", "slots": 0 })).await.expect(201);
    let run = server.trigger_id("p", json!({})).await;
    server.until_state("p", &run, "each[9]", "scheduled").await;
    let pool = server.get("/pools/closed").await.expect(200);
    assert_eq!((&pool["scheduled_slots"], &pool["running_slots"]), (&json!(10), &json!(0)), "{pool:#}");
    let instance = server.get(&format!("/dags/p/dagRuns/{run}/taskInstances/each/0")).await.expect(200);
    assert_eq!((&instance["pool"], &instance["pool_slots"]), (&json!("closed"), &json!(1)), "{instance:#}");
    server.patch("/pools/closed", json!({ "slots": 10 })).await.expect(200);
    assert_eq!(server.finished("p", &run).await["state"], "success");
}

#[tokio::test]
async fn the_more_important_goes_first() {
    let tasks = json!([
        act("first", json!({ "hold": "go" })),
        with(act("low", json!({})), json!({ "priority": 1, "weight_rule": "absolute", "pool": "one" })),
        with(act("high", json!({})), json!({ "priority": 9, "weight_rule": "absolute", "pool": "one" })),
        with(act("middle", json!({})), json!({ "priority": 5, "weight_rule": "absolute", "pool": "one" })),
    ]);
    let document =
        with(dag("order", tasks), json!({ "edges": edges(&["first > low", "first > high", "first > middle"]) }));
    let server = Server::with_dags(&[document]).await;
    server.post("/pools", json!({ "name": "one", "slots": 1 })).await.expect(201);
    let run = server.trigger_id("order", json!({})).await;
    server.until_state("order", &run, "first", "running").await;
    server.release("go").await;
    server.finished("order", &run).await;
    let mut times = Vec::new();
    for task in ["low", "high", "middle"] {
        times.push((text(&server.instance("order", &run, task).await, "start_date"), task));
    }
    times.sort();
    assert_eq!(times.iter().map(|(_, task)| *task).collect::<Vec<_>>(), ["high", "middle", "low"]);
}

#[tokio::test]
async fn the_first_failure_ends_what_fails_fast() {
    let tasks = json!([
        with(act("make", json!({})), json!({ "kind": "setup" })),
        act("slow", json!({ "hold": "never" })),
        act("bad", json!({ "hold": "go", "fail": "told so", "retry": false })),
        act("after", json!({})),
        with(act("undo", json!({})), json!({ "kind": "teardown", "setups": ["make"] })),
    ]);
    let chains = edges(&["make > slow > after > undo", "make > bad > undo"]);
    let server = Server::with_dags(&[with(dag("fast", tasks), json!({ "fail_fast": true, "edges": chains }))]).await;
    let run = server.trigger_id("fast", json!({})).await;
    server.until_state("fast", &run, "slow", "running").await;
    server.until_state("fast", &run, "bad", "running").await;
    server.release("go").await;
    assert_eq!(server.finished("fast", &run).await["state"], "failed");
    let states = server.states("fast", &run).await;
    assert_eq!((states["bad"].as_str(), states["undo"].as_str()), ("failed", "success"), "{states:#?}");
    assert!(["failed", "skipped"].contains(&states["slow"].as_str()), "{states:#?}");
    assert!(["skipped", "upstream_failed"].contains(&states["after"].as_str()), "{states:#?}");
}

#[tokio::test]
async fn what_depends_on_the_past_waits_for_the_run_before() {
    let script = json!({ "tries": { "1": { "fail": "told so", "retry": false } } });
    let past = with(act("t", script), json!({ "depends_on_past": true }));
    let server = Server::with_dags(&[dag("past", json!([past, act("beside", json!({}))]))]).await;
    let trigger = async |day: u32| {
        let id = format!("day_{day}");
        let body = json!({ "logical_date": format!("2026-01-0{day}T00:00:00Z"), "dag_run_id": id });
        server.post("/dags/past/dagRuns", body).await.expect(200);
        id
    };
    let first = trigger(1).await;
    assert_eq!(server.finished("past", &first).await["state"], "failed");
    let second = trigger(2).await;
    server.until_state("past", &second, "beside", "success").await;
    let why = server.get(&format!("/dags/past/dagRuns/{second}/taskInstances/t/explain")).await.expect(200);
    assert_eq!(why["code"], "past", "{why:#}");
    let body = json!({ "dag_run_id": first, "dry_run": false });
    server.post("/dags/past/clearTaskInstances", body).await.expect(200);
    assert_eq!(server.finished("past", &first).await["state"], "success");
    // Then the second may try, and fails at its own first try.
    assert_eq!(server.finished("past", &second).await["state"], "failed");
    check_states(&server.states("past", &second).await, "t failed, beside success");
}

#[tokio::test]
async fn a_schedule_makes_no_more_runs_than_may_be_active() {
    let every = json!({ "interval": { "every_ms": 1000 } });
    let tasks = json!([act("t", json!({ "hold": "go" }))]);
    let more = json!({ "schedule": every, "max_active_runs": 1, "catchup": true });
    let server = Server::with_dags(&[with(dag("one", tasks), more)]).await;
    let first = eventually("the schedule makes a run", async || {
        let runs = server.get("/dags/one/dagRuns").await.expect(200);
        runs["dag_runs"].get(0).map(|run| text(run, "dag_run_id"))
    })
    .await;
    server.until_state("one", &first, "t", "running").await;
    // Runs that people want are not held back.
    let own = server.trigger_id("one", json!({})).await;
    server.until_state("one", &own, "t", "running").await;
    let scheduled = server.get("/dags/one/dagRuns?run_type=scheduled").await.expect(200);
    assert_eq!(scheduled["total_entries"], 1, "{scheduled:#}");
    server.release("go").await;
    eventually("the next one comes", async || {
        let runs = server.get("/dags/one/dagRuns?run_type=scheduled").await.expect(200);
        (runs["total_entries"].as_u64() > Some(1)).then_some(())
    })
    .await;
}
