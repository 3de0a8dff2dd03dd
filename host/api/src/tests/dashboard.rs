use super::*;

#[tokio::test]
async fn runs_are_counted_by_state() {
    let api = Api::with_dag(json!([{"task_id": "t"}])).await;
    api.finished(json!({})).await;
    api.finished(json!({})).await;
    let found = api.get("/dagStats?dag_ids=d&dag_ids=absent").await.ok();
    assert_eq!((&found["total_entries"], &found["dags"][0]["dag_id"]), (&json!(1), &json!("d")), "{found:#}");
    let states = json!([
        {"state": "queued", "count": 0}, {"state": "running", "count": 0},
        {"state": "success", "count": 2}, {"state": "failed", "count": 0},
    ]);
    assert_eq!(found["dags"][0]["stats"], states);
    assert_eq!(api.get("/dagStats").await.ok(), found);
}

#[tokio::test]
async fn tags_of_all_dags_are_listed_once() {
    let api = Api::start().await;
    let tagged = |id: &str, tags: Value| {
        let mut document = dag(id, json!([{"task_id": "t"}]));
        document["tags"] = tags;
        document
    };
    api.house.deploy("b", &[tagged("d", json!(["red", "blue"])), tagged("e", json!(["red"]))]).await;
    assert_eq!(api.get("/dagTags").await.ok(), json!({"tags": ["blue", "red"], "total_entries": 2}));
    let some = api.get("/dagTags?tag_name_pattern=r%25&limit=1").await.ok();
    assert_eq!(some, json!({"tags": ["red"], "total_entries": 1}));
}

#[tokio::test]
async fn what_there_is_none_of_is_an_empty_list() {
    let api = Api::start().await;
    for (path, name) in [
        ("dagWarnings", "dag_warnings"),
        ("importErrors", "import_errors"),
        ("jobs", "jobs"),
        ("providers", "providers"),
        ("plugins", "plugins"),
        ("plugins/importErrors", "import_errors"),
    ] {
        assert_eq!(api.get(&format!("/{path}")).await.ok(), json!({name: [], "total_entries": 0}), "{path}");
    }
}

#[tokio::test]
async fn what_was_uploaded_is_parsed() {
    let api = Api::with_dag(json!([{"task_id": "t"}])).await;
    let dag = api.get("/dags/d").await.ok();
    let token = dag["file_token"].as_str().expect("a token");
    let parsed = api.put(&format!("/parseDagFile/{token}")).await;
    assert_eq!((parsed.status.as_u16(), parsed.bytes.len()), (201, 0));
    api.put("/parseDagFile/absent").await.problem(404, "dag-file-not-found");
    api.put(&format!("/parseDagFile/{}", "0".repeat(64))).await.problem(404, "dag-file-not-found");
    api.get("/importErrors/1").await.problem(404, "import-error-not-found");
}
