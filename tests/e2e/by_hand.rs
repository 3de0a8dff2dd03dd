//! What people do to runs that are there: clears, marks, cancels, notes; what is told of it, and why something does not run.

use serde_json::{Value, json};

use crate::harness::{Server, act, check_states, dag, edges, names, object, output, over, text, with};

/// Three tasks in a row, the second of which fails at its first try, with something beside them.
fn line() -> Value {
    let tasks = json!([
        act("a", json!({})),
        act("b", json!({ "tries": { "1": { "fail": "told so", "retry": false } } })),
        act("c", json!({})),
        act("beside", json!({})),
    ]);
    with(dag("line", tasks), json!({ "edges": edges(&["a > b > c"]) }))
}

async fn clear(server: &Server, dag: &str, body: Value) -> Value {
    server.post(&format!("/dags/{dag}/clearTaskInstances"), body).await.expect(200)
}

/// The entries of the log of events about a run, the newest first.
async fn events(server: &Server, run: &str) -> Vec<Value> {
    let path = format!("/eventLogs?run_id={}&order_by=-event_log_id", run.replace('+', "%2B"));
    let found = server.get(&path).await.expect(200);
    found["event_logs"].as_array().expect("events").clone()
}

#[tokio::test]
async fn a_clear_tells_what_it_will_do_and_does_that() {
    let server = Server::with_dags(&[line()]).await;
    let (run, state) = server.run_to_end("line", json!({})).await;
    assert_eq!(state, "failed");
    let body = |more: &[(&str, Value)]| {
        let mut all = vec![("dag_run_id", json!(run))];
        all.extend_from_slice(more);
        object(&all)
    };
    // The defaults are a dry run of what failed.
    let told = clear(&server, "line", body(&[])).await;
    assert_eq!(names(&told), ["b", "c"], "{told:#}");
    let all = clear(&server, "line", body(&[("only_failed", json!(false))])).await;
    assert_eq!(names(&all), ["a", "b", "beside", "c"]);
    let whole = |more: &[(&str, Value)]| {
        let mut all = vec![("only_failed", json!(false)), ("task_ids", json!(["b"]))];
        all.extend_from_slice(more);
        body(&all)
    };
    for (option, expected) in [("include_upstream", vec!["a", "b"]), ("include_downstream", vec!["b", "c"])] {
        assert_eq!(names(&clear(&server, "line", whole(&[(option, json!(true))])).await), expected, "{option}");
    }
    check_states(&server.states("line", &run).await, "a success, b failed, c upstream_failed, beside success");
    assert_eq!(server.get(&format!("/dags/line/dagRuns/{run}")).await.expect(200)["clear_number"], 0);

    let real = body(&[("dry_run", json!(false)), ("note", json!("the disk was full"))]);
    assert_eq!(names(&clear(&server, "line", real).await), ["b", "c"]);
    assert_eq!(server.finished("line", &run).await["state"], "success");
    check_states(&server.states("line", &run).await, "a success, b success, c success, beside success");
    let tries = server.get(&format!("/dags/line/dagRuns/{run}/taskInstances/b/tries")).await.expect(200);
    let tries: Vec<_> = tries["task_instances"].as_array().expect("tries").iter().map(|it| &it["state"]).collect();
    assert_eq!(tries, ["failed", "success"]);
    let cleared = &events(&server, &run).await[0];
    assert_eq!((&cleared["event"], &cleared["owner"]), (&json!("clear"), &json!("admin")), "{cleared:#}");
    assert!(text(cleared, "extra").contains("the disk was full"), "{cleared:#}");
}

#[tokio::test]
async fn a_clear_of_one_index_touches_its_own_in_the_group_and_everything_outside() {
    let item = json!({ "group_arg": { "group": "g", "arg": "x" } });
    let inside = |task_id: &str, args: Value| with(act(task_id, json!({})), json!({ "group": "g", "args": args }));
    let groups = json!([{ "group_id": "g", "expand": over("x", json!({ "literal": [1, 2, 3] })) }]);
    let tasks = json!([
        inside("a", json!({ "x": item })),
        inside("b", json!({ "of_a": output("a") })),
        with(act("all", json!({})), json!({ "args": { "all": output("b") } })),
    ]);
    let server = Server::with_dags(&[with(dag("groups", tasks), json!({ "groups": groups }))]).await;
    let (run, _) = server.run_to_end("groups", json!({})).await;
    let body = |dry_run: bool| json!({ "dag_run_id": run, "task_ids": [["a", 1]], "only_failed": false, "include_downstream": true, "dry_run": dry_run });
    assert_eq!(names(&clear(&server, "groups", body(true)).await), ["a[1]", "all", "b[1]"]);
    clear(&server, "groups", body(false)).await;
    assert_eq!(server.finished("groups", &run).await["state"], "success");
    let tries = |instances: &[Value]| {
        let again = instances.iter().filter(|it| it["try_number"] == 2);
        again.map(|it| format!("{}{}", text(it, "task_id"), it["map_index"])).collect::<Vec<_>>()
    };
    let mut again = tries(&server.instances("groups", &run).await);
    again.sort();
    assert_eq!(again, ["a1", "all-1", "b1"]);
    let unknown = json!({ "dag_run_id": run, "task_ids": [["a", 9]], "only_failed": false });
    server.post("/dags/groups/clearTaskInstances", unknown).await.expect_problem(404, "task-instance-not-found");
}

#[tokio::test]
async fn a_clear_of_the_source_maps_anew() {
    let tasks = json!([
        act(
            "list",
            json!({ "tries": { "1": { "give": [1, 2, 3] }, "2": { "give": [1] }, "3": { "give": [1, 2, 3, 4] } } })
        ),
        with(act("each", json!({})), json!({ "expand": over("x", output("list")) })),
        with(act("all", json!({})), json!({ "args": { "all": output("each") } })),
    ]);
    let server = Server::with_dags(&[dag("again", tasks)]).await;
    let (run, _) = server.run_to_end("again", json!({})).await;
    let body = json!({ "dag_run_id": run, "task_ids": ["list"], "only_failed": false, "include_downstream": true, "dry_run": false });
    // A place that is gone does not come back: what is mapped later has other indexes.
    for (count, removed) in [(1, 2), (4, 2)] {
        clear(&server, "again", body.clone()).await;
        assert_eq!(server.finished("again", &run).await["state"], "success");
        let states = server.states("again", &run).await;
        let of =
            |state: &str| states.iter().filter(|(name, found)| name.starts_with("each[") && *found == state).count();
        assert_eq!((of("success"), of("removed")), (count, removed), "{states:#?}");
        let all = server.value("again", &run, "all").await;
        assert_eq!(all["all"].as_array().map(Vec::len), Some(count), "{all:#}");
    }
}

#[tokio::test]
async fn setups_and_teardowns_come_along_with_a_clear() {
    let tasks = json!([
        with(act("make", json!({})), json!({ "kind": "setup" })),
        act("work", json!({})),
        with(act("undo", json!({})), json!({ "kind": "teardown", "setups": ["make"] })),
        act("beside", json!({})),
    ]);
    let server =
        Server::with_dags(&[with(dag("made", tasks), json!({ "edges": edges(&["make > work > undo"]) }))]).await;
    let (run, _) = server.run_to_end("made", json!({})).await;
    let body = |task: &str| json!({ "dag_run_id": run, "task_ids": [task], "only_failed": false });
    assert_eq!(names(&clear(&server, "made", body("work")).await), ["make", "undo", "work"]);
    assert_eq!(names(&clear(&server, "made", body("make")).await), ["make", "undo"]);
}

#[tokio::test]
async fn a_mark_ends_instances_and_what_waited_for_them_goes_on() {
    let tasks =
        json!([act("slow", json!({ "hold": "never" })), act("after", json!({})), act("last", json!({ "hold": "go" }))]);
    let chain = json!({ "edges": edges(&["slow > after > last"]) });
    let server = Server::with_dags(&[with(dag("marks", tasks), chain)]).await;
    let run = server.trigger_id("marks", json!({})).await;
    server.until_state("marks", &run, "slow", "running").await;
    let slow = format!("/dags/marks/dagRuns/{run}/taskInstances/slow");
    let body = json!({ "new_state": "success", "note": "done by hand" });
    let told = server.patch(&format!("{slow}/dry_run"), body.clone()).await.expect(200);
    assert_eq!(names(&told), ["slow"]);
    assert_eq!(server.instance("marks", &run, "slow").await["state"], "running");
    assert_eq!(names(&server.patch(&slow, body.clone()).await.expect(200)), ["slow"]);
    let marked = server.instance("marks", &run, "slow").await;
    assert_eq!((&marked["state"], &marked["note"]), (&json!("success"), &json!("done by hand")), "{marked:#}");
    server.until_state("marks", &run, "last", "running").await;
    server.patch(&slow, body).await.expect_problem(409, "already-so");
    server.patch(&slow, json!({ "new_state": "running" })).await.expect(400);
    server.patch(&slow, json!({})).await.expect(400);
    server.release("go").await;
    assert_eq!(server.finished("marks", &run).await["state"], "success");

    // A failure by hand takes along what waited for a success; undoing it lets that run.
    let down = json!({ "new_state": "failed" });
    server.patch(&format!("/dags/marks/dagRuns/{run}/taskInstances/last"), down).await.expect(200);
    assert_eq!(server.finished("marks", &run).await["state"], "failed");
    let noted = server.patch(&slow, json!({ "note": null })).await.expect(200);
    assert_eq!(noted["task_instances"][0]["note"], Value::Null, "{noted:#}");
}

#[tokio::test]
async fn runs_are_marked_and_cancelled() {
    let tasks = json!([
        with(act("make", json!({})), json!({ "kind": "setup" })),
        act("slow", json!({ "hold": "never" })),
        act("after", json!({})),
        with(act("undo", json!({})), json!({ "kind": "teardown", "setups": ["make"] })),
    ]);
    let document = with(dag("stops", tasks), json!({ "edges": edges(&["make > slow > after > undo"]) }));
    let server = Server::with_dags(&[document]).await;
    let begun = async || {
        let run = server.trigger_id("stops", json!({})).await;
        server.until_state("stops", &run, "slow", "running").await;
        run
    };
    let run = begun().await;
    server.post(&format!("/dags/stops/dagRuns/{run}/cancel"), json!({ "note": "wrong day" })).await.expect(200);
    assert_eq!(server.finished("stops", &run).await["state"], "failed");
    let states = server.states("stops", &run).await;
    check_states(&states, "make success, slow failed, after skipped, undo success");
    assert!(events(&server, &run).await.iter().any(|it| text(it, "extra").contains("wrong day")));
    server.post(&format!("/dags/stops/dagRuns/{run}/cancel"), json!({})).await.expect_problem(409, "run-ended");

    for state in ["failed", "success"] {
        let run = begun().await;
        let path = format!("/dags/stops/dagRuns/{run}");
        let marked = server.patch(&path, json!({ "state": state, "note": "by hand" })).await.expect(200);
        assert_eq!(marked["note"], "by hand", "{marked:#}");
        // What was set up may have to be undone before a run is over.
        assert_eq!(server.finished("stops", &run).await["state"], state);
    }
    let run = begun().await;
    let path = format!("/dags/stops/dagRuns/{run}");
    server.patch(&path, json!({ "state": "running" })).await.expect(400);
    server
        .patch("/dags/stops/dagRuns/nothing", json!({ "state": "failed" }))
        .await
        .expect_problem(404, "run-not-found");
}

#[tokio::test]
async fn a_cancelled_run_is_undone_through_a_crash_and_a_second_cancel_ends_that() {
    let tasks = json!([
        with(act("make", json!({})), json!({ "kind": "setup" })),
        act("slow", json!({ "hold": "never" })),
        with(act("undo", json!({ "hold": "go" })), json!({ "kind": "teardown", "setups": ["make"] })),
    ]);
    let document = with(dag("undone", tasks), json!({ "edges": edges(&["make > slow > undo"]) }));
    let mut server = Server::with_dags(&[document]).await;
    let begun = async |server: &Server| {
        let run = server.trigger_id("undone", json!({})).await;
        server.until_state("undone", &run, "slow", "running").await;
        let path = format!("/dags/undone/dagRuns/{run}");
        let told = server.post(&format!("{path}/cancel"), json!({})).await.expect(200);
        assert_eq!(told["state"], "running", "it has something to undo: {told:#}");
        server.until_state("undone", &run, "undo", "running").await;
        (run, path)
    };
    let (run, path) = begun(&server).await;
    let marked = server.patch(&path, json!({ "state": "failed" })).await.expect(200);
    assert_eq!(marked["state"], "running", "it fails already, and goes on being undone: {marked:#}");
    let told = server.post(&format!("{path}/cancel"), json!({})).await.expect(200);
    assert_eq!(told["state"], "failed", "{told:#}");
    check_states(&server.states("undone", &run).await, "make success, slow failed, undo failed");

    let (run, _) = begun(&server).await;
    server.kill().await;
    server.restart().await;
    server.release("go").await;
    assert_eq!(server.finished("undone", &run).await["state"], "failed");
    check_states(&server.states("undone", &run).await, "make success, slow failed, undo success");
}

#[tokio::test]
async fn past_and_future_are_by_logical_date() {
    let server = Server::with_dags(&[line()]).await;
    for day in 1..=3 {
        let body = json!({ "logical_date": format!("2026-01-0{day}T00:00:00Z"), "dag_run_id": format!("day_{day}") });
        server.post("/dags/line/dagRuns", body).await.expect(200);
        server.finished("line", &format!("day_{day}")).await;
    }
    let body = |more: &[(&str, Value)]| {
        let mut all = vec![("dag_run_id", json!("day_2")), ("task_ids", json!(["b"])), ("only_failed", json!(false))];
        all.extend_from_slice(more);
        object(&all)
    };
    let runs = async |more: &[(&str, Value)]| {
        let told = clear(&server, "line", body(more)).await;
        let mut runs: Vec<_> =
            told["task_instances"].as_array().expect("instances").iter().map(|it| text(it, "dag_run_id")).collect();
        runs.sort();
        runs
    };
    let yes = json!(true);
    assert_eq!(runs(&[]).await, ["day_2"]);
    assert_eq!(runs(&[("include_past", yes.clone())]).await, ["day_1", "day_2"]);
    assert_eq!(runs(&[("include_future", yes.clone())]).await, ["day_2", "day_3"]);
    assert_eq!(
        runs(&[("include_past", yes.clone()), ("include_future", yes.clone())]).await,
        ["day_1", "day_2", "day_3"]
    );
    let dated = json!({ "start_date": "2026-01-02T00:00:00Z", "task_ids": ["b"], "only_failed": false });
    assert_eq!(clear(&server, "line", dated).await["total_entries"], 2);
    let (undated, _) = server.run_to_end("line", json!({})).await;
    let body = json!({ "dag_run_id": undated, "include_past": true });
    server.post("/dags/line/clearTaskInstances", body).await.expect_problem(400, "invalid-request");
}

#[tokio::test]
async fn it_is_explained_why_something_does_not_run() {
    let tasks = json!([
        act("slow", json!({ "hold": "go" })),
        act("after", json!({})),
        with(act("each", json!({})), json!({ "expand": over("x", output("slow")) })),
        with(act("waits", json!({ "wait": { "signal": "s" } })), json!({})),
        with(act("pooled", json!({})), json!({ "pool": "closed" })),
    ]);
    let document = with(dag("why", tasks), json!({ "edges": edges(&["slow > after"]) }));
    let server = Server::with_dags(&[document]).await;
    server.post("/pools", json!({ "name": "closed", "slots": 0 })).await.expect(201);
    let run = server.trigger_id("why", json!({})).await;
    server.until_state("why", &run, "slow", "running").await;
    server.until_state("why", &run, "waits", "deferred").await;
    let explain = async |task: &str| {
        let path = format!("/dags/why/dagRuns/{run}/taskInstances/{task}/explain");
        server.get(&path).await.expect(200)
    };
    let after = explain("after").await;
    assert_eq!((&after["code"], &after["trigger_rule"]), (&json!("upstream"), &json!("all_success")), "{after:#}");
    assert_eq!(after["reasons"][0]["tasks"], json!([{ "task_id": "slow", "pending": 1 }]));
    assert_eq!(after["upstream"], json!({ "slow": { "running": 1 } }));
    let pooled = explain("pooled").await;
    assert!(pooled["reasons"].to_string().contains("closed"), "{pooled:#}");
    for (task, code) in [("slow", "running"), ("each", "unexpanded"), ("waits", "deferred")] {
        let found = explain(task).await;
        assert_eq!(found["code"], code, "{found:#}");
    }
    let path = format!("/dags/why/dagRuns/{run}/taskInstances/nothing/explain");
    server.get(&path).await.expect_problem(404, "task-not-found");
}

#[tokio::test]
async fn the_command_line_does_the_same() {
    let server = Server::with_dags(&[line()]).await;
    let (run, _) = server.run_to_end("line", json!({})).await;
    let name = format!("line/{run}");
    let done = |arguments: &[&str]| {
        let output = server.waft(&[arguments, &["--output", "json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        serde_json::from_slice::<Value>(&output.stdout).expect("JSON")
    };
    assert_eq!(done(&["clear", &name, "--only-failed", "--dry-run"])["total_entries"], 2);
    assert_eq!(done(&["clear", &name, "--only-failed"])["total_entries"], 2);
    server.finished("line", &run).await;
    assert_eq!(done(&["mark", &name, "failed", "--task", "c"])["items"][0]["task_id"], "c");
    assert_eq!(done(&["explain", "line", &run, "c"])["reasons"][0]["code"], "ended");
    let events = done(&["events", "--run", &run]);
    let events: Vec<_> = events["items"].as_array().expect("events").iter().map(|it| text(it, "event")).collect();
    assert_eq!(events, ["mark", "clear", "trigger"]);
    assert!(!server.waft(&["cancel", &name]).status.success());
}
