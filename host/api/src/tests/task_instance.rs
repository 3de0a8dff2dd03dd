use super::*;

#[tokio::test]
async fn instances_of_a_mapped_task() {
    let api = Api::with_dag(mapped_tasks()).await;
    let (run, ended) = api.finished(json!({})).await;
    assert_eq!(ended["state"], "success", "{ended:#}");
    let task = format!("{run}/taskInstances/each");
    api.get(&task).await.problem(404, "task-is-mapped");
    let list = api.get(&format!("{task}/listMapped?limit=2&offset=1")).await.ok();
    assert_eq!((&list["total_entries"], &list["task_instances"][0]["map_index"]), (&json!(3), &json!(1)));
    assert_eq!(api.get(&format!("{task}/2")).await.ok()["map_index"], 2);
    api.get(&format!("{task}/3")).await.problem(404, "task-instance-not-found");
    assert_eq!(api.get(&format!("{task}/0/tries")).await.ok()["total_entries"], 1);
    assert_eq!(api.get(&format!("{run}/taskInstances/list")).await.ok()["map_index"], -1);
    api.get(&format!("{run}/taskInstances/list/listMapped")).await.problem(404, "task-not-found");
    api.get(&format!("{run}/taskInstances/nothing")).await.problem(404, "task-not-found");
    assert_eq!(api.get(&format!("{run}/taskInstances?task_id=each&map_index=1")).await.ok()["total_entries"], 1);
}

#[tokio::test]
async fn a_mapped_task_that_is_not_expanded_has_no_instances_yet() {
    let over = json!({"product": [{"arg": "item", "source": {"output": {"task": "hold"}}}]});
    let api = Api::with_dag(json!([{"task_id": "hold"}, {"task_id": "each", "expand": over}])).await;
    let run = api.trigger(json!({})).await;
    let list = api.get(&format!("{run}/taskInstances/each/listMapped")).await;
    assert_eq!((list.status.as_u16(), &list.json()["total_entries"]), (200, &json!(0)));
}

#[tokio::test]
async fn each_try_tells_how_it_ended() {
    let api = Api::with_dag(json!([{"task_id": "flaky", "retries": 1}])).await;
    let (run, ended) = api.finished(json!({})).await;
    assert_eq!(ended["state"], "success", "{ended:#}");
    let tries = api.get(&format!("{run}/taskInstances/flaky/tries")).await.ok();
    let told: Vec<_> = tries["task_instances"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| (it["try_number"].clone(), it["state"].clone(), it["message"].clone()))
        .collect();
    assert_eq!(told, [(json!(1), json!("failed"), json!("not yet")), (json!(2), json!("success"), Value::Null)]);
    assert_eq!(api.get(&format!("{run}/taskInstances/flaky/tries/1")).await.ok()["end"], "failed");
    api.get(&format!("{run}/taskInstances/flaky/tries/3")).await.problem(404, "try-not-found");
}

#[tokio::test]
async fn values_that_instances_left() {
    let mut tasks = mapped_tasks();
    tasks.as_array_mut().expect("a list").push(json!({"task_id": "big"}));
    let api = Api::with_dag(tasks).await;
    let (run, _) = api.finished(json!({})).await;
    let value = async |path: &str| api.get(&format!("{run}/taskInstances/{path}")).await.ok()["value"].clone();
    assert_eq!(value("list/xcomEntries/return_value").await, json!([0, 1, 2]));
    assert_eq!(value("list/xcomEntries/return_value?stringify=true").await, json!("[0, 1, 2]"));
    assert_eq!(value("each/xcomEntries/return_value?map_index=2").await, json!(2));
    assert!(value("big/xcomEntries/return_value").await.as_str().is_some_and(|text| text.len() > 65_000));
    let list = api.get(&format!("{run}/taskInstances/each/xcomEntries?limit=1&offset=1")).await.ok();
    assert_eq!((&list["total_entries"], &list["xcom_entries"][0]["map_index"]), (&json!(3), &json!(1)));
    assert_eq!(api.get(&format!("{run}/taskInstances/list/xcomEntries")).await.ok()["total_entries"], 1);
    api.get(&format!("{run}/taskInstances/list/xcomEntries/other")).await.problem(404, "xcom-not-found");
}

#[tokio::test]
async fn values_are_made_changed_and_taken_away() {
    let api = Api::with_dag(mapped_tasks()).await;
    let (run, _) = api.finished(json!({})).await;
    let of = |task: &str| format!("{run}/taskInstances/{task}/xcomEntries");
    let made = api.post(&of("list"), json!({"key": "k", "value": {"n": 1}})).await;
    assert_eq!(made.status, 201);
    assert_eq!((&made.json()["key"], &made.json()["value"]), (&json!("k"), &json!({"n": 1})));
    api.post(&of("list"), json!({"key": "k", "value": 2})).await.problem(409, "already-exists");
    let one = format!("{}/k", of("list"));
    assert_eq!(api.patch(&one, json!({"value": [1, 2]})).await.ok()["value"], json!([1, 2]));
    assert_eq!(api.get(&one).await.ok()["value"], json!([1, 2]));
    let large = "x".repeat(100 << 10);
    assert_eq!(api.patch(&one, json!({"value": large})).await.ok()["value"], json!(large));
    assert_eq!(api.delete(&one).await.status, 204);
    api.get(&one).await.problem(404, "xcom-not-found");
    api.delete(&one).await.problem(404, "xcom-not-found");
    api.patch(&one, json!({"value": 1})).await.problem(404, "xcom-not-found");

    // Instances of mapped tasks are named by their map index.
    api.post(&of("each"), json!({"key": "k", "value": 1})).await.problem(404, "task-is-mapped");
    api.post(&of("each"), json!({"key": "k", "value": 1, "map_index": 2})).await.ok();
    api.post(&of("each"), json!({"key": "k", "value": 1, "map_index": 7}))
        .await
        .problem(404, "task-instance-not-found");
    api.post(&of("each"), json!({"key": "", "value": 1, "map_index": 0})).await.problem(400, "invalid-request");
    assert_eq!(api.get(&format!("{}/k?map_index=2", of("each"))).await.ok()["value"], 1);
    assert_eq!(api.delete(&format!("{}/k?map_index=2", of("each"))).await.status, 204);

    // Others are mapped over this list, so that its length stays.
    let list = format!("{}/return_value", of("list"));
    assert_eq!(api.patch(&list, json!({"value": [7, 8, 9]})).await.ok()["value"], json!([7, 8, 9]));
    api.patch(&list, json!({"value": [7, 8]})).await.problem(409, "result-is-used");
    api.delete(&list).await.problem(409, "result-is-used");
    assert_eq!(api.get(&list).await.ok()["value"], json!([7, 8, 9]));
    let marker = json!({"$waft": "other"});
    api.post(&of("list"), json!({"key": "m", "value": marker})).await.problem(400, "invalid-request");
    assert_eq!(api.get("/eventLogs?event=xcom_update").await.ok()["total_entries"], 3);
}
