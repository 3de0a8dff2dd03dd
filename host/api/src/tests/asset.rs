use super::*;

/// `maker` makes the asset `a`; `taker` waits for it.
async fn api_with_asset() -> Api {
    let api = Api::start().await;
    let outlet = json!({"name": "a", "uri": "s3://a", "group": "g", "extra": {"owner": "me"}});
    let maker = dag("maker", json!([{"task_id": "t", "outlets": [outlet]}, {"task_id": "u", "inlets": ["a"]}]));
    let mut taker = dag("taker", json!([{"task_id": "t"}]));
    taker["schedule"] = json!({"assets": {"asset": "a"}});
    api.house.deploy("b", &[maker, taker]).await;
    api
}

async fn asset(api: &Api) -> Value {
    let ask = async || api.get("/assets?name_pattern=a").await.ok()["assets"].get(0).cloned();
    let has_users = |asset: &Value| asset["scheduled_dags"][0]["dag_id"] == "taker" && asset["uri"] == "s3://a";
    api.until("the documents were looked at", async || ask().await.filter(has_users)).await
}

async fn taken(api: &Api) -> Value {
    let ended = |run: &Value| run["state"] == "success";
    let ask = async || api.get("/dags/taker/dagRuns").await.ok()["dag_runs"].get(0).cloned();
    api.until("a run was made and has ended", async || ask().await.filter(ended)).await
}

#[tokio::test]
async fn an_asset_tells_who_has_to_do_with_it() {
    let api = api_with_asset().await;
    let asset = asset(&api).await;
    assert_eq!(
        (&asset["group"], &asset["extra"], &asset["last_asset_event"]),
        (&json!("g"), &json!({"owner": "me"}), &Value::Null)
    );
    assert_eq!(asset["producing_tasks"][0]["task_id"], "t", "{asset:#}");
    assert_eq!(asset["consuming_tasks"][0]["task_id"], "u", "{asset:#}");
    assert_eq!(api.get(&format!("/assets/{}", asset["id"])).await.ok(), asset);
    let taker = api.get("/dags/taker/details").await.ok();
    assert_eq!(taker["timetable_summary"], "Asset");
    assert_eq!(taker["asset_expression"], json!({"asset": {"name": "a", "uri": "a", "group": "asset"}}));
}

#[tokio::test]
async fn an_event_starts_a_run_that_knows_it() {
    let api = api_with_asset().await;
    let id = asset(&api).await["id"].clone();
    let event = api.post("/assets/events", json!({"asset_id": id, "extra": {"rows": 12}})).await.ok();
    assert_eq!((&event["uri"], &event["extra"]), (&json!("s3://a"), &json!({"rows": 12})), "{event:#}");
    let run = taken(&api).await;
    assert_eq!((&run["run_type"], &run["triggered_by"]), (&json!("asset_triggered"), &json!("asset")), "{run:#}");
    let run = run["dag_run_id"].as_str().expect("an id").to_owned();
    let upstream = api.get(&format!("/dags/taker/dagRuns/{run}/upstreamAssetEvents")).await.ok();
    assert_eq!((&upstream["total_entries"], &upstream["asset_events"][0]["id"]), (&json!(1), &event["id"]));
    let listed = api.get(&format!("/assets/events?asset_id={id}&order_by=-timestamp")).await.ok();
    assert_eq!(listed["asset_events"][0]["created_dagruns"][0]["run_id"], json!(run), "{listed:#}");
    assert_eq!(api.get(&format!("/assets/{id}")).await.ok()["last_asset_event"]["id"], event["id"]);
}

#[tokio::test]
async fn the_success_of_a_task_is_an_event_of_its_outlets() {
    let api = api_with_asset().await;
    let id = asset(&api).await["id"].clone();
    let run = api.post(&format!("/assets/{id}/materialize"), json!({})).await.ok();
    assert_eq!(run["dag_id"], "maker");
    taken(&api).await;
    let listed = api.get("/assets/events?source_dag_id=maker").await.ok();
    let event = &listed["asset_events"][0];
    assert_eq!((&event["source_task_id"], &event["source_run_id"]), (&json!("t"), &run["dag_run_id"]), "{event:#}");
    assert_eq!(event["source_map_index"], -1);
}

#[tokio::test]
async fn events_wait_for_a_paused_dag_until_they_are_taken_back() {
    let api = api_with_asset().await;
    let id = asset(&api).await["id"].clone();
    api.patch("/dags/taker", json!({"is_paused": true})).await.ok();
    api.get("/dags/taker/assets/queuedEvents").await.problem(404, "asset-events-not-found");
    api.post("/assets/events", json!({"asset_id": id})).await.ok();
    let waiting = api.get(&format!("/dags/taker/assets/{id}/queuedEvents")).await.ok();
    assert_eq!((&waiting["total_entries"], &waiting["queued_events"][0]["asset_id"]), (&json!(1), &id));
    assert_eq!(api.delete("/dags/taker/assets/queuedEvents").await.status, 204);
    api.delete("/dags/taker/assets/queuedEvents").await.problem(404, "asset-events-not-found");
    assert_eq!(api.get("/dags/taker/dagRuns").await.ok()["total_entries"], 0);
}

#[tokio::test]
async fn an_event_that_none_can_be_is_refused() {
    let api = api_with_asset().await;
    let id = asset(&api).await["id"].clone();
    api.post("/assets/events", json!({"asset_id": 99})).await.problem(404, "asset-not-found");
    api.post("/assets/events", json!({"asset_id": id, "extra": [1]})).await.problem(400, "invalid-request");
    api.post("/assets/events", json!({"asset_id": id, "partition_key": "x"})).await.problem(400, "invalid-request");
    api.post("/assets/events", json!({"extra": {}})).await.problem(422, "invalid-body");
    assert_eq!(api.get("/assets/events").await.ok()["total_entries"], 0);
}
