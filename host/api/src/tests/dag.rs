use super::*;

fn scheduled(schedule: Value) -> Value {
    let mut document = dag("d", json!([{"task_id": "t"}]));
    document["schedule"] = schedule;
    document
}

#[tokio::test]
async fn a_dag_tells_its_schedule_and_its_next_run() {
    let api = Api::start().await;
    let mut document = scheduled(json!({"cron": {"expression": "0 4 * * *", "timezone": "Europe/Berlin"}}));
    document["start_date"] = json!("2190-01-01T00:00:00Z");
    document["max_active_runs"] = json!(3);
    document["max_consecutive_failed_runs"] = json!(5);
    document["catchup"] = json!(true);
    api.house.deploy("b", &[document]).await;
    let dag = api.get("/dags/d/details").await.ok();
    let check = |key: &str, expect: Value| assert_eq!(dag[key], expect, "{key} of {dag:#}");
    check("timetable_summary", json!("0 4 * * *"));
    check("timetable_description", json!("At 0 4 * * * (Europe/Berlin)"));
    check("timetable_periodic", json!(true));
    check("is_backfillable", json!(true));
    check("max_active_runs", json!(3));
    check("max_consecutive_failed_dag_runs", json!(5));
    check("catchup", json!(true));
    check("timezone", json!("Europe/Berlin"));
    check("start_date", json!("2190-01-01T00:00:00Z"));
    check("next_dagrun_run_after", json!("2190-01-01T03:00:00Z"));
    check("next_dagrun_logical_date", json!("2190-01-01T03:00:00Z"));
    check("next_dagrun_data_interval_start", json!("2189-12-31T03:00:00Z"));
    check("next_dagrun_data_interval_end", json!("2190-01-01T03:00:00Z"));
}

#[tokio::test]
async fn a_dag_without_a_schedule_has_no_next_run() {
    let api = Api::with_dag(json!([{"task_id": "t"}])).await;
    let dag = api.get("/dags/d").await.ok();
    for key in ["timetable_summary", "next_dagrun_run_after", "next_dagrun_logical_date", "pause_reason"] {
        assert_eq!(dag[key], Value::Null, "{key}");
    }
    assert_eq!((&dag["is_backfillable"], &dag["max_active_runs"]), (&json!(false), &json!(16)));
}

#[tokio::test]
async fn a_schedule_makes_runs_by_itself() {
    let api = Api::start().await;
    api.house.deploy("b", &[scheduled(json!("once"))]).await;
    let ask = async || api.get("/dags/d/dagRuns").await.ok()["dag_runs"].get(0).cloned();
    let run = api.until("the schedule makes a run", ask).await;
    assert_eq!((&run["run_type"], &run["triggered_by"]), (&json!("scheduled"), &json!("timetable")), "{run:#}");
    assert_eq!((&run["logical_date"], &run["data_interval_end"]), (&run["run_after"], &run["run_after"]), "{run:#}");
}

#[tokio::test]
async fn a_paused_dag_makes_no_runs_until_it_goes_on() {
    let api = Api::start().await;
    let mut document = scheduled(json!({"interval": {"every_ms": 1000}}));
    document["start_date"] = json!("2190-01-01T00:00:00Z");
    api.house.deploy("b", &[document]).await;
    let paused = api.patch("/dags/d?update_mask=is_paused", json!({"is_paused": true})).await.ok();
    assert_eq!((&paused["is_paused"], &paused["pause_reason"]), (&json!(true), &Value::Null));
    assert_eq!(api.get("/dags?paused=true").await.ok()["total_entries"], 1);
    // What is due while it is paused is not made.
    api.house.deploy("b", &[scheduled(json!({"interval": {"every_ms": 1000}}))]).await;
    assert_eq!(api.get("/dags/d").await.ok()["is_paused"], true);
    api.house.deploy("c", &[dag("e", json!([{"task_id": "t"}]))]).await;
    assert_eq!(api.get("/dags/d/dagRuns").await.ok()["total_entries"], 0);
    assert_eq!(api.patch("/dags/d", json!({"is_paused": false})).await.ok()["is_paused"], false);
    let ask = async || api.get("/dags/d/dagRuns").await.ok()["dag_runs"].get(0).cloned();
    assert_eq!(api.until("the schedule makes a run", ask).await["run_type"], "scheduled");
    api.patch("/dags/absent", json!({"is_paused": true})).await.problem(404, "dag-not-found");
    api.patch("/dags/d?update_mask=tags", json!({"is_paused": true})).await.problem(400, "invalid-query");
    api.patch("/dags/d", json!({"tags": []})).await.problem(422, "invalid-body");
}

#[tokio::test]
async fn a_dag_is_deleted_with_its_runs_when_they_have_ended() {
    let api = Api::with_dag(json!([{"task_id": "hold"}])).await;
    let run = api.trigger(json!({})).await;
    let problem = api.delete("/dags/d").await.problem(409, "dag-runs");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("\"d\"")), "{problem:#}");
    assert_eq!(api.get("/dags/d").await.ok()["is_paused"], false);
    api.house.release();
    api.get(&format!("{run}/wait")).await.ok();
    for _ in 0..3 {
        api.finished(json!({})).await;
    }
    assert_eq!(api.delete("/dags/d").await.status, 204);
    api.get("/dags/d").await.problem(404, "dag-not-found");
    api.get(&run).await.problem(404, "run-not-found");
    api.delete("/dags/d").await.problem(404, "dag-not-found");
    assert_eq!(api.get("/dags/~/dagRuns").await.ok()["total_entries"], 0);
    assert_eq!(api.get("/dags").await.ok()["total_entries"], 0);
    let deleted = api.get("/eventLogs?event=delete_dag").await.ok();
    assert_eq!(deleted["event_logs"][0]["extra"], json!({"runs": 4}).to_string(), "{deleted:#}");

    // The same bytes bring it back, and its numbers go on.
    api.house.deploy("b", &[dag("d", json!([{"task_id": "hold"}]))]).await;
    assert_eq!(api.get("/dags/d/dagVersions").await.ok()["total_entries"], 1);
    let (_, ended) = api.finished(json!({})).await;
    assert_eq!(ended["state"], "success");
}

#[tokio::test]
async fn versions_are_compared_and_an_older_one_made_current() {
    let api = Api::with_dag(json!([{"task_id": "t"}])).await;
    let mut second = dag("d", json!([{"task_id": "t", "retries": 2}, {"task_id": "u"}]));
    second["tags"] = json!(["new"]);
    api.house.deploy("b", &[second]).await;
    let diff = api.get("/dags/d/dagVersions/1/diff/2").await.ok();
    let changes = diff["changes"].as_array().expect("a list");
    let told: Vec<_> = changes.iter().map(|it| (it["kind"].as_str(), it["path"].as_str())).collect();
    assert!(told.contains(&(Some("added"), Some("/tasks/u"))), "{diff:#}");
    assert!(told.iter().any(|(_, path)| *path == Some("/tasks/t/retries")), "{diff:#}");
    assert_eq!(diff["truncated"], false);
    assert_eq!(api.get("/dags/d/dagVersions/2/diff/2").await.ok()["changes"], json!([]));
    api.get("/dags/d/dagVersions/1/diff/3").await.problem(404, "version-not-found");

    let activate = async |number: u32| api.post(&format!("/dags/d/dagVersions/{number}/activate"), json!({})).await;
    assert_eq!(activate(1).await.ok()["version_number"], 1);
    activate(3).await.problem(404, "version-not-found");
    assert_eq!(api.get("/dags?tags=new").await.ok()["total_entries"], 0);
    assert_eq!(api.get("/dags/d/tasks").await.ok()["total_entries"], 1);
    let (run, _) = api.finished(json!({})).await;
    assert_eq!(api.get(&run).await.ok()["dag_versions"][0]["version_number"], 1);
    assert_eq!(activate(2).await.ok()["version_number"], 2);
    assert_eq!(api.get("/dags?tags=new").await.ok()["total_entries"], 1);
    assert_eq!(api.get("/eventLogs?event=activate").await.ok()["total_entries"], 2);
}
