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
