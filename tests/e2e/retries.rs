//! Attempts: which failures are tried again and when, how long they may take; setups and teardowns around them.

use serde_json::{Value, json};

use crate::harness::{Server, act, check_states, dag, edges, text, with};

#[tokio::test]
async fn failures_are_tried_again_as_the_author_says() {
    let flaky = json!({ "tries": { "1": { "fail": "told so" }, "2": { "fail": "told so" } } });
    let twice = json!({ "retries": 2, "retry_delay_ms": 10 });
    let retried = |script: &Value, more: Value| with(with(act("t", script.clone()), twice.clone()), more);
    let trap = json!({ "tries": { "1": { "trap": true } } });
    let server = Server::with_dags(&[
        dag("mends", json!([retried(&flaky, json!({}))])),
        dag("ends", json!([retried(&flaky, json!({ "retries": 1 }))])),
        dag("fatal", json!([retried(&json!({ "fail": "told so", "retry": false }), json!({}))])),
        dag("traps", json!([retried(&trap, json!({}))])),
        dag("only_failed", json!([retried(&trap, json!({ "retry_on": ["failed"] }))])),
        dag("slow", json!([retried(&json!({ "tries": { "1": { "spin": true } } }), json!({ "timeout_ms": 300 }))])),
    ])
    .await;
    for (dag_id, state, tries) in [
        ("mends", "success", 3),
        ("ends", "failed", 2),
        ("fatal", "failed", 1),
        ("traps", "success", 2),
        ("only_failed", "failed", 1),
        ("slow", "success", 2),
    ] {
        let (run, _) = server.run_to_end(dag_id, json!({})).await;
        let instance = server.instance(dag_id, &run, "t").await;
        assert_eq!(
            (&instance["state"], &instance["try_number"]),
            (&json!(state), &json!(tries)),
            "{dag_id}: {instance:#}"
        );
        let path = format!("/dags/{dag_id}/dagRuns/{run}/taskInstances/t/tries");
        assert_eq!(server.get(&path).await.expect(200)["total_entries"], tries, "{dag_id}");
    }
}

#[tokio::test]
async fn delays_grow_and_the_author_may_say_another() {
    let fails = json!({ "tries": { "1": { "fail": "told so" }, "2": { "fail": "told so", "delay_ms": 20 } } });
    let task = with(
        act("t", fails),
        json!({ "retries": 2, "retry_delay_ms": 400, "retry_multiplier_milli": 2000, "retry_jitter_milli": 0 }),
    );
    let server = Server::with_dags(&[dag("d", json!([task]))]).await;
    let run = server.trigger_id("d", json!({})).await;
    server.until_state("d", &run, "t", "up_for_retry").await;
    assert!(server.instance("d", &run, "t").await["retry_at"].is_string());
    server.finished("d", &run).await;
    let tries = server.get(&format!("/dags/d/dagRuns/{run}/taskInstances/t/tries")).await.expect(200);
    let tries = tries["task_instances"].as_array().expect("tries");
    let gap = |i: usize| {
        let begin = second_of_day(&text(&tries[i], "start_date"));
        (begin - second_of_day(&text(&tries[i - 1], "end_date"))).rem_euclid(86_400.0)
    };
    assert!(gap(1) >= 0.4, "{tries:#?}");
    assert!(gap(2) >= 0.02, "{tries:#?}");
}

/// Of a time like 2026-01-31T12:34:56.789Z.
fn second_of_day(at: &str) -> f64 {
    let number = |range| at.get(range).and_then(|digits: &str| digits.parse::<f64>().ok()).expect("digits");
    number(11..13) * 3_600.0 + number(14..16) * 60.0 + number(17..at.len() - 1)
}

#[tokio::test]
async fn a_run_that_takes_too_long_fails_and_its_teardowns_run() {
    let tasks = json!([
        with(act("make", json!({})), json!({ "kind": "setup" })),
        act("slow", json!({ "hold": "never" })),
        act("after", json!({})),
        with(act("undo", json!({})), json!({ "kind": "teardown", "setups": ["make"] })),
    ]);
    let more = json!({ "run_timeout_ms": 1000, "edges": edges(&["make > slow > after > undo"]) });
    let server = Server::with_dags(&[with(dag("long", tasks), more)]).await;
    let (run, state) = server.run_to_end("long", json!({})).await;
    assert_eq!(state, "failed");
    let states = server.states("long", &run).await;
    assert_eq!((states["make"].as_str(), states["undo"].as_str()), ("success", "success"), "{states:#?}");
    assert_eq!(states["after"], "skipped", "{states:#?}");
    assert_ne!(states["slow"], "running");
}

/// Setups and teardowns around work that ends in each way: what becomes of all, and of the run.
#[tokio::test]
async fn teardowns_run_when_their_setup_did() {
    let failing = json!({ "fail": "told so", "retry": false });
    let skipping = json!({ "skip": "told so" });
    let well = json!({});
    let document = |dag_id: &str, make: &Value, work: &Value, undo: &Value, more: Value| {
        let tasks = json!([
            with(act("make", make.clone()), json!({ "kind": "setup" })),
            act("work", work.clone()),
            act("more", json!({})),
            with(with(act("undo", undo.clone()), json!({ "kind": "teardown", "setups": ["make"] })), more),
        ]);
        with(dag(dag_id, tasks), json!({ "edges": edges(&["make > work > more > undo"]) }))
    };
    let counts = json!({ "on_failure_fail_run": true });
    let server = Server::with_dags(&[
        document("well", &well, &well, &well, json!({})),
        document("work_fails", &well, &failing, &well, json!({})),
        document("work_skips", &well, &skipping, &well, json!({})),
        document("make_fails", &failing, &well, &well, json!({})),
        document("make_skips", &skipping, &well, &well, json!({})),
        document("undo_fails", &well, &well, &failing, json!({})),
        document("undo_counts", &well, &well, &failing, counts),
    ])
    .await;
    let check = async |dag_id: &str, state: &str, expected: &str| {
        let (run, ended) = server.run_to_end(dag_id, json!({})).await;
        check_states(&server.states(dag_id, &run).await, expected);
        assert_eq!(ended, state, "{dag_id}");
    };
    check("well", "success", "make success, work success, more success, undo success").await;
    check("work_fails", "failed", "make success, work failed, more upstream_failed, undo success").await;
    check("work_skips", "success", "make success, work skipped, more skipped, undo success").await;
    check("make_fails", "failed", "make failed, work upstream_failed, more upstream_failed, undo upstream_failed")
        .await;
    check("make_skips", "success", "make skipped, work skipped, more skipped, undo skipped").await;
    check("undo_fails", "success", "make success, work success, more success, undo failed").await;
    check("undo_counts", "failed", "make success, work success, more success, undo failed").await;
}
