//! What Airflow's strict clients need: members that must be there and must not be null, and words that they know.

use super::*;

#[track_caller]
fn check(value: &Value, required: &[&str]) {
    for name in required {
        assert!(value.get(name).is_some_and(|member| !member.is_null()), "{name} is missing in {value:#}");
    }
}

const DAG: [&str; 14] = [
    "dag_id",
    "dag_display_name",
    "file_token",
    "fileloc",
    "has_import_errors",
    "has_task_concurrency_limits",
    "is_backfillable",
    "is_paused",
    "is_stale",
    "max_active_tasks",
    "max_consecutive_failed_dag_runs",
    "owners",
    "tags",
    "timetable_partitioned",
];
const DAG_RUN: [&str; 7] =
    ["dag_id", "dag_display_name", "dag_run_id", "dag_versions", "run_after", "run_type", "state"];
const DAG_VERSION: [&str; 5] = ["id", "dag_id", "dag_display_name", "version_number", "created_at"];
const INSTANCE: [&str; 13] = [
    "id",
    "dag_id",
    "dag_display_name",
    "dag_run_id",
    "task_id",
    "task_display_name",
    "map_index",
    "try_number",
    "max_tries",
    "pool",
    "pool_slots",
    "executor_config",
    "run_after",
];

#[tokio::test]
async fn airflows_clients_find_what_they_need() {
    let api = Api::with_dag(json!([{"task_id": "t"}, {"task_id": "u", "entrypoint": "hold"}])).await;
    let run = api.trigger(json!({})).await;

    let dags = api.get("/dags").await.ok();
    assert_eq!(dags["total_entries"], 1);
    check(&dags["dags"][0], &DAG);
    check(&dags["dags"][0], &["timetable_periodic"]);
    check(&api.get("/dags/d").await.ok(), &DAG);
    let details = api.get("/dags/d/details").await.ok();
    check(&details, &DAG);
    check(&details, &["catchup", "concurrency", "params", "is_favorite", "active_runs_count", "latest_dag_version"]);
    assert_eq!(details["active_runs_count"], 1);

    let versions = api.get("/dags/d/dagVersions").await.ok();
    check(&versions["dag_versions"][0], &DAG_VERSION);
    check(&api.get("/dags/d/dagVersions/1").await.ok(), &DAG_VERSION);

    let runs = api.get("/dags/~/dagRuns").await.ok();
    check(&runs["dag_runs"][0], &DAG_RUN);
    check(&runs["dag_runs"][0]["dag_versions"][0], &DAG_VERSION);
    let seen = api.get(&run).await.ok();
    check(&seen, &DAG_RUN);
    assert_eq!((&seen["run_type"], &seen["triggered_by"]), (&json!("manual"), &json!("rest_api")));

    let instances = api.get(&format!("{run}/taskInstances")).await.ok();
    assert_eq!(instances["total_entries"], 2);
    check(&instances["task_instances"][0], &INSTANCE);
    check(&api.get(&format!("{run}/taskInstances/u")).await.ok(), &INSTANCE);
    api.house.release();
}

#[tokio::test]
async fn an_instance_that_waits_has_no_state() {
    let edges = json!([{"from": "t", "to": "u"}]);
    let api = Api::start().await;
    let mut document = dag("d", json!([{"task_id": "t", "entrypoint": "hold"}, {"task_id": "u"}]));
    document["edges"] = edges;
    api.house.deploy("b", &[document]).await;
    let run = api.trigger(json!({})).await;
    assert_eq!(api.get(&format!("{run}/taskInstances/u")).await.ok()["state"], Value::Null);
    let waiting = api.get(&format!("{run}/taskInstances?state=no_status")).await.ok();
    assert_eq!(waiting["total_entries"], 1, "{waiting:#}");
    api.house.release();
}
