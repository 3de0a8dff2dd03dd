//! A selection of what runs, waits and people do, on PostgreSQL: the rows of a run come and go there by other statements.

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit_postgres::Database;

use crate::harness::{Server, act, check_states, dag, edges, names, output, over, text, with};

/// A server on a database of its own, with these DAGs; and what it stands on.
async fn server(documents: &[Value]) -> (Server, (Database, TempDir)) {
    let (database, objects) = (testkit_postgres::database(), tempfile::tempdir().expect("a temporary folder"));
    let (url, folder) = (database.url(), format!("file://{}", objects.path().display()));
    let server = Server::start_with(&["--database", &url, "--objects", &folder]).await;
    server.deploy_dags(documents).await;
    (server, (database, objects))
}

#[tokio::test]
async fn runs_are_mapped_cleared_and_marked() {
    let line = json!([
        act("list", json!({ "tries": { "1": { "give": [1, 2, 3] }, "2": { "give": [4] } } })),
        with(act("each", json!({})), json!({ "expand": over("x", output("list")) })),
        with(act("all", json!({})), json!({ "args": { "all": output("each") } })),
    ]);
    let branch = with(act("decide", json!({ "give": "a" })), json!({ "kind": "branch" }));
    let fork = with(
        dag("fork", json!([branch, act("a", json!({})), act("b", json!({}))])),
        json!({ "edges": edges(&["decide > a", "decide > b"]) }),
    );
    let (server, _ground) = server(&[dag("line", line), fork]).await;
    let (run, state) = server.run_to_end("line", json!({})).await;
    assert_eq!(
        (state.as_str(), server.value("line", &run, "all").await["all"].as_array().map(Vec::len)),
        ("success", Some(3))
    );
    let body = json!({ "dag_run_id": run, "task_ids": ["list"], "only_failed": false, "include_downstream": true });
    let told = server.post("/dags/line/clearTaskInstances", body.clone()).await.expect(200);
    assert_eq!(names(&told), ["all", "each[0]", "each[1]", "each[2]", "list"]);
    let real = with(body, json!({ "dry_run": false, "note": "anew" }));
    server.post("/dags/line/clearTaskInstances", real).await.expect(200);
    assert_eq!(server.finished("line", &run).await["state"], "success");
    let expected = "list success, each[0] success, each[1] removed, each[2] removed, all success";
    check_states(&server.states("line", &run).await, expected);
    let path = format!("/dags/line/dagRuns/{run}/taskInstances/all");
    server.patch(&path, json!({ "new_state": "failed", "note": "by hand" })).await.expect(200);
    let marked = server.instance("line", &run, "all").await;
    assert_eq!((&marked["state"], &marked["note"]), (&json!("failed"), &json!("by hand")));
    assert_eq!(server.finished("line", &run).await["state"], "failed");
    let events = server.get("/eventLogs?dag_id=line&order_by=-event_log_id").await.expect(200);
    let events: Vec<_> = events["event_logs"].as_array().expect("events").iter().map(|it| text(it, "event")).collect();
    assert_eq!(events, ["note", "mark", "clear", "trigger"]);

    let (run, _) = server.run_to_end("fork", json!({})).await;
    check_states(&server.states("fork", &run).await, "decide success, a success, b skipped");
}

#[tokio::test]
async fn waits_are_woken_and_requests_are_known_again() {
    let waits = dag("waits", json!([act("t", json!({ "wait": { "signal": "s" } }))]));
    let sign = json!({ "task_id": "sign", "kind": "approval", "form": { "ok": { "schema": { "type": "boolean" } } } });
    let (server, _ground) = server(&[waits, dag("asks", json!([sign]))]).await;
    let run = server.trigger_id("waits", json!({})).await;
    server.until_state("waits", &run, "t", "deferred").await;
    server.post(&format!("/dags/waits/dagRuns/{run}/signals/s"), json!({ "payload": [1] })).await.expect(200);
    assert_eq!(server.finished("waits", &run).await["state"], "success");
    assert_eq!(server.value("waits", &run, "t").await, json!([1]));

    let run = server.trigger_id("asks", json!({})).await;
    server.until_state("asks", &run, "sign", "awaiting_input").await;
    let path = format!("/dags/asks/dagRuns/{run}/taskInstances/sign/-1/hitlDetails");
    let body = json!({ "chosen_options": ["Approve"], "params_input": { "ok": true } });
    server.patch(&path, body).await.expect(200);
    assert_eq!(server.finished("asks", &run).await["state"], "success");

    let send = async |conf: Value| {
        let request = server.request(reqwest::Method::POST, "/dags/waits/dagRuns").header("idempotency-key", "k");
        server.send(request.json(&json!({ "logical_date": "2026-01-01T00:00:00Z", "conf": conf }))).await
    };
    let first = text(&send(json!({})).await.expect(200), "dag_run_id");
    assert_eq!(text(&send(json!({})).await.expect(200), "dag_run_id"), first);
    send(json!({ "x": 1 })).await.expect_problem(422, "idempotency-key-reused");
    let other = json!({ "logical_date": "2026-01-01T00:00:00Z" });
    server.post("/dags/waits/dagRuns", other).await.expect_problem(409, "logical-date-taken");
    let page = server.get("/dags/waits/dagRuns?order_by=-id&limit=1&cursor=").await.expect(200);
    let next = text(&page, "next_cursor");
    let rest = server.get(&format!("/dags/waits/dagRuns?order_by=-id&cursor={next}")).await.expect(200);
    assert_eq!(rest["dag_runs"].as_array().map(Vec::len), Some(1), "{rest:#}");
    server.post(&format!("/dags/waits/dagRuns/{first}/cancel"), json!({})).await.expect(200);
    assert_eq!(server.finished("waits", &first).await["state"], "failed");
}
