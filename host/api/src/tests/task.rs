use super::*;

#[tokio::test]
async fn tasks_are_told_as_their_document_defines_them() {
    let api = Api::start().await;
    let mut document = dag(
        "d",
        json!([
            {"task_id": "z", "retries": 2, "retry_delay_ms": 90_061_001, "timeout_ms": 1_500, "entrypoint": "body", "doc_md": "# z"},
            {"task_id": "a", "kind": "teardown", "setups": ["s"]},
            {"task_id": "s", "kind": "setup"},
        ]),
    );
    document["edges"] = json!([{"from": "s", "to": "z"}, {"from": "z", "to": "a"}]);
    api.house.deploy("b", &[document]).await;
    let all = api.get("/dags/d/tasks").await.ok();
    let ids = |all: &Value| {
        all["tasks"].as_array().expect("a list").iter().map(|it| it["task_id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!((ids(&all), &all["total_entries"]), (vec![json!("z"), json!("a"), json!("s")], &json!(3)));
    assert_eq!(ids(&api.get("/dags/d/tasks?order_by=-task_id").await.ok()), ["z", "s", "a"]);

    let task = api.get("/dags/d/tasks/z").await.ok();
    assert_eq!(task, all["tasks"][0]);
    let check = |key: &str, expect: Value| assert_eq!(task[key], expect, "{key} of {task:#}");
    check("retry_delay", json!({"__type": "TimeDelta", "days": 1, "seconds": 3661, "microseconds": 1000}));
    check("execution_timeout", json!({"__type": "TimeDelta", "days": 0, "seconds": 1, "microseconds": 500_000}));
    check("downstream_task_ids", json!(["a"]));
    check("trigger_rule", json!("all_success"));
    check("is_mapped", json!(false));
    assert_eq!(task["class_ref"]["class_name"], "body");
    assert_eq!(all["tasks"][1]["trigger_rule"], "all_done_setup_success");
    api.get("/dags/d/tasks/absent").await.problem(404, "task-not-found");
}

#[tokio::test]
async fn the_document_of_each_version_is_its_source() {
    let api = Api::with_dag(json!([{"task_id": "one"}])).await;
    api.house.deploy("b", &[dag("d", json!([{"task_id": "two"}]))]).await;
    let source = api.get("/dagSources/d?version_number=1").await.ok();
    assert_eq!((&source["version_number"], &source["dag_id"]), (&json!(1), &json!("d")));
    let document: Value = serde_json::from_str(source["content"].as_str().expect("text")).expect("JSON");
    assert_eq!(document["tasks"][0]["task_id"], "one");
    let text = api.get_as("/dagSources/d", "text/plain").await;
    let document: Value = serde_json::from_str(text.text()).expect("JSON");
    assert_eq!(document["tasks"][0]["task_id"], "two");
    api.get("/dagSources/d?version_number=9").await.problem(404, "version-not-found");
}
