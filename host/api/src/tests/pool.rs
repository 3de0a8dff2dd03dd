use super::*;

#[tokio::test]
async fn the_default_pool_is_always_there() {
    let api = Api::start().await;
    let pool = api.get("/pools/default_pool").await.ok();
    assert_eq!((&pool["slots"], &pool["open_slots"], &pool["occupied_slots"]), (&json!(-1), &json!(-1), &json!(0)));
    assert_eq!(api.get("/pools").await.ok()["total_entries"], 1);
    api.delete("/pools/default_pool").await.problem(400, "invalid-request");
    api.patch("/pools/default_pool", json!({"description": "x"})).await.problem(400, "invalid-request");
    let changed = api.patch("/pools/default_pool?update_mask=slots", json!({"slots": 7})).await.ok();
    assert_eq!((&changed["slots"], &changed["open_slots"]), (&json!(7), &json!(7)));
    api.post("/pools", json!({"name": "default_pool", "slots": 1})).await.problem(409, "already-exists");
}

#[tokio::test]
async fn a_pool_tells_how_full_it_is() {
    let api = Api::start().await;
    let made = api.post("/pools", json!({"name": "narrow", "slots": 5, "include_deferred": true})).await;
    assert_eq!(made.status, 201, "{made:?}");
    let task = json!({"task_id": "t", "entrypoint": "hold", "pool": "narrow", "pool_slots": 2});
    api.house.deploy("b", &[dag("d", json!([task, {"task_id": "u", "entrypoint": "hold"}]))]).await;
    let run = api.trigger(json!({})).await;
    let pool = api
        .until("the body runs", async || {
            let pool = api.get("/pools/narrow").await.ok();
            (pool["running_slots"] == 2).then_some(pool)
        })
        .await;
    assert_eq!((&pool["occupied_slots"], &pool["open_slots"]), (&json!(2), &json!(3)), "{pool:#}");
    let list = api.get("/pools?pool_name_pattern=ARR").await.ok();
    assert_eq!(list["pools"], json!([pool]));
    api.house.release();
    api.get(&format!("{run}/wait")).await.ok();
    assert_eq!(api.get("/pools/narrow").await.ok()["open_slots"], 5);
}

#[tokio::test]
async fn a_pool_is_changed_and_deleted() {
    let api = Api::start().await;
    api.post("/pools", json!({"name": "p", "slots": 5, "description": "d"})).await.ok();
    let changed = api.patch("/pools/p", json!({"include_deferred": true})).await.ok();
    assert_eq!(
        (&changed["slots"], &changed["description"], &changed["include_deferred"]),
        (&json!(5), &json!("d"), &json!(true))
    );
    let problem = api.patch("/pools/p?update_mask=slots", json!({})).await.problem(422, "invalid-setting");
    assert_eq!(errors(&problem), [("missing-field".to_owned(), "/slots".to_owned())]);
    for slots in [-2, 1_000_001] {
        api.patch("/pools/p", json!({"slots": slots})).await.problem(422, "invalid-setting");
    }
    assert_eq!(api.delete("/pools/p").await.status, 204);
    api.get("/pools/p").await.problem(404, "pool-not-found");
}
