//! Runs that nobody asks for: of a schedule, of a backfill, of events of assets.

use serde_json::{Value, json};

use crate::harness::{Server, component_with, eventually, text};

fn dag(dag_id: &str, schedule: Value, task: Value) -> Value {
    json!({ "schema": "waft.dag/v1", "dag_id": dag_id, "schedule": schedule, "tasks": [task] })
}

fn echo() -> Value {
    json!({ "task_id": "t", "entrypoint": "echo" })
}

async fn server_with(documents: Value) -> Server {
    let server = Server::start().await;
    server.upload("documents", component_with(&documents)).await.expect(200);
    server
}

/// The runs of a DAG in the order of their logical dates, when so many have ended well.
async fn succeeded(server: &Server, dag: &str, run_type: &str, count: usize) -> Vec<Value> {
    let path = format!("/dags/{dag}/dagRuns?run_type={run_type}&state=success&order_by=logical_date");
    eventually(&format!("{count} runs of {dag} end well"), async || {
        let runs = server.get(&path).await.expect(200)["dag_runs"].as_array().expect("runs").clone();
        (runs.len() >= count).then_some(runs)
    })
    .await
}

#[tokio::test]
async fn a_schedule_makes_runs_until_the_dag_is_paused() {
    let server = server_with(json!([dag("often", json!({ "interval": { "every_ms": 1000 } }), echo())])).await;
    let runs = succeeded(&server, "often", "scheduled", 2).await;
    for run in &runs {
        assert_eq!((&run["triggered_by"], &run["logical_date"]), (&json!("timetable"), &run["run_after"]), "{run:#}");
    }
    assert_ne!(runs[0]["logical_date"], runs[1]["logical_date"]);
    assert_eq!(runs[0]["data_interval_end"], runs[0]["run_after"]);
    let shown = server.get("/dags/often").await.expect(200);
    assert_eq!(shown["timetable_summary"], "0:00:01");
    assert!(shown["next_dagrun_run_after"].is_string(), "{shown:#}");
    let paused = server.waft(&["pause", "often"]);
    assert!(paused.status.success(), "{paused:?}");
    assert_eq!(server.get("/dags/often").await.expect(200)["is_paused"], true);
    let going = server.waft(&["unpause", "often"]);
    assert!(going.status.success(), "{going:?}");
}

#[tokio::test]
async fn a_schedule_goes_on_after_a_crash_and_makes_no_run_twice() {
    let mut often = dag("often", json!({ "interval": { "every_ms": 1000 } }), echo());
    often["catchup"] = json!(true);
    let mut server = server_with(json!([often])).await;
    succeeded(&server, "often", "scheduled", 1).await;
    server.kill().await;
    server.restart().await;
    succeeded(&server, "often", "scheduled", 4).await;
    let list = server.get("/dags/often/dagRuns?run_type=scheduled&order_by=logical_date").await.expect(200);
    let runs = list["dag_runs"].as_array().expect("runs");
    let dates: Vec<u32> = runs.iter().map(|run| second_of_hour(&text(run, "logical_date"))).collect();
    assert!(dates.windows(2).all(|pair| pair[1] == (pair[0] + 1) % 3600), "each second has one run: {dates:?}");
}

/// Of a time like 2026-01-31T12:34:56Z.
fn second_of_hour(at: &str) -> u32 {
    let number = |range| at.get(range).and_then(|digits: &str| digits.parse::<u32>().ok()).expect("digits");
    number(14..16) * 60 + number(17..19)
}

#[tokio::test]
async fn a_backfill_runs_its_three_dates() {
    let server = server_with(json!([dag("daily", json!({ "cron": { "expression": "0 6 * * *" } }), echo())])).await;
    let create = ["backfill", "create", "daily", "--from", "2026-01-01", "--to", "2026-01-04", "--output", "json"];
    let planned = server.waft(&[&create[..], &["--dry-run"]].concat());
    assert!(planned.status.success(), "{planned:?}");
    let planned: Value = serde_json::from_slice(&planned.stdout).expect("JSON");
    let dates = ["2026-01-01T06:00:00Z", "2026-01-02T06:00:00Z", "2026-01-03T06:00:00Z"];
    let told: Vec<_> = planned["items"].as_array().expect("dates").iter().map(|it| text(it, "logical_date")).collect();
    assert_eq!(told, dates);
    let made = server.waft(&create);
    assert!(made.status.success(), "{made:?}");
    let id = serde_json::from_slice::<Value>(&made.stdout).expect("JSON")["id"].clone();
    let runs = succeeded(&server, "daily", "backfill", 3).await;
    assert_eq!(runs.iter().map(|run| text(run, "logical_date")).collect::<Vec<_>>(), dates);
    assert_eq!(runs[0]["data_interval_start"], "2025-12-31T06:00:00Z");
    let ended = eventually("the backfill is complete", async || {
        let backfill = server.get(&format!("/backfills/{id}")).await.expect(200);
        (backfill["state"] == "completed").then_some(backfill)
    })
    .await;
    assert_eq!(ended["dates"]["ended"], 3, "{ended:#}");
}

#[tokio::test]
async fn the_success_of_a_task_starts_what_waits_for_its_asset() {
    let outlets = json!({ "task_id": "t", "entrypoint": "echo", "outlets": [{ "name": "orders" }] });
    let maker = json!({ "schema": "waft.dag/v1", "dag_id": "maker", "tasks": [outlets] });
    let both = json!({ "assets": { "all": [{ "asset": "orders" }, { "asset": "prices" }] } });
    let server = server_with(json!([maker, dag("taker", both, echo())])).await;
    let run = server.trigger_id("maker", json!({})).await;
    assert_eq!(server.finished("maker", &run).await["state"], "success");
    // The other asset is known once the documents were looked at.
    eventually("the assets are known", async || {
        server.waft(&["assets", "get", "prices"]).status.success().then_some(())
    })
    .await;
    let told = server.waft(&["assets", "tell", "prices", "--extra", r#"{"rows": 12}"#]);
    assert!(told.status.success(), "{told:?}");
    let taken = succeeded(&server, "taker", "asset_triggered", 1).await.remove(0);
    assert_eq!(taken["triggered_by"], "asset", "{taken:#}");
    let path = format!("/dags/taker/dagRuns/{}/upstreamAssetEvents", text(&taken, "dag_run_id"));
    let consumed = server.get(&path).await.expect(200);
    let sources: Vec<_> = consumed["asset_events"].as_array().expect("events").iter().collect();
    let told = |key: &str| sources.iter().map(|event| event[key].clone()).collect::<Vec<_>>();
    assert_eq!(told("name"), ["orders", "prices"], "{consumed:#}");
    assert_eq!(told("source_run_id"), [json!(run), Value::Null]);
    assert_eq!(told("extra"), [json!({}), json!({ "rows": 12 })]);
}

#[tokio::test]
async fn variables_connections_and_pools_are_kept_by_the_command_line() {
    let server = Server::start().await;
    let done = |arguments: &[&str]| {
        let output = server.waft(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    done(&["variables", "set", "region", "eu", "--description", "where"]);
    done(&["variables", "set", "region", "us"]);
    assert_eq!(done(&["variables", "get", "region"]), "us\n");
    assert!(done(&["variables", "list", "--output", "plain"]).starts_with("region\tus\twhere\n"));
    done(&["variables", "delete", "region"]);
    assert!(!server.waft(&["variables", "get", "region"]).status.success());

    done(&["connections", "set", "db", "--type", "postgres", "--host", "h", "--password", "hunter2"]);
    done(&["connections", "set", "db", "--type", "postgres", "--port", "5433"]);
    let shown = done(&["connections", "get", "db", "--output", "json"]);
    assert!(!shown.contains("hunter2"), "{shown}");
    let shown: Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!((&shown["host"], &shown["port"], &shown["password"]), (&json!("h"), &json!(5433), &json!("***")));

    done(&["pools", "set", "downloads", "4"]);
    done(&["pools", "set", "default_pool", "-1"]);
    let pools = done(&["pools", "list", "--output", "plain"]);
    assert!(pools.starts_with("default_pool\tno limit\tno limit\t0\t0\t"), "{pools}");
    assert!(pools.contains("downloads\t4\t4\t0\t0\t"), "{pools}");
    assert!(!server.log_text().contains("hunter2"));
}
