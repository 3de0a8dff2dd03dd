use super::*;

#[tokio::test]
async fn a_variable_is_made_changed_in_part_and_deleted() {
    let api = Api::start().await;
    let made = api.post("/variables", json!({"key": "region", "value": "eu", "description": "where"})).await;
    assert_eq!(made.status, 201, "{made:?}");
    let expected =
        json!({"key": "region", "value": "eu", "description": "where", "is_encrypted": false, "team_name": null});
    assert_eq!(made.json(), expected);
    api.post("/variables", json!({"key": "region", "value": "us"})).await.problem(409, "already-exists");
    let body = json!({"key": "region", "value": {"a": [1]}});
    let changed = api.patch("/variables/region?update_mask=value", body.clone()).await.ok();
    assert_eq!((&changed["value"], &changed["description"]), (&json!(r#"{"a":[1]}"#), &json!("where")));
    assert_eq!(api.patch("/variables/region", body).await.ok()["description"], Value::Null);
    assert_eq!(api.get("/variables/region").await.ok()["value"], r#"{"a":[1]}"#);
    assert_eq!(api.delete("/variables/region").await.status, 204);
    api.delete("/variables/region").await.problem(404, "variable-not-found");
}

#[tokio::test]
async fn secrets_are_written_and_not_shown() {
    let api = Api::start().await;
    let body = json!({"key": "db_password", "value": "hunter2"});
    assert_eq!(api.post("/variables", body).await.ok()["value"], "***");
    let body = json!({"key": "config", "value": {"url": "u", "api_key": "hunter2"}});
    api.post("/variables", body).await.ok();
    let list = api.get("/variables").await;
    assert!(!list.text().contains("hunter2"), "{}", list.text());
    let shown = list.ok()["variables"][0]["value"].clone();
    let shown: Value = serde_json::from_str(shown.as_str().expect("text")).expect("JSON");
    assert_eq!(shown, json!({"url": "u", "api_key": "***"}));
}

#[tokio::test]
async fn what_no_variable_can_be_is_told() {
    let api = Api::start().await;
    let check = async |body: Value, code: &str, path: &str| {
        let problem = api.post("/variables", body).await.problem(422, "invalid-setting");
        assert_eq!(errors(&problem), [(code.to_owned(), path.to_owned())]);
    };
    check(json!({"key": "a b", "value": ""}), "invalid-name", "/key").await;
    check(json!({"key": "a", "value": "x".repeat(64 * 1024 + 1)}), "too-long", "/value").await;
    check(json!({"key": "a", "value": "", "description": "x".repeat(5_001)}), "too-long", "/description").await;
    api.post("/variables", json!({"key": "a", "value": "1"})).await.ok();
    let problem = api.patch("/variables/a", json!({"key": "b", "value": "1"})).await.problem(422, "invalid-setting");
    assert_eq!(errors(&problem)[0].0, "other-name");
    api.patch("/variables/a?update_mask=key", json!({"key": "a", "value": "1"})).await.problem(400, "invalid-query");
}

#[tokio::test]
async fn lists_are_filtered_by_pattern_and_paged() {
    let api = Api::start().await;
    for key in ["b1", "a1", "a2"] {
        api.post("/variables", json!({"key": key, "value": ""})).await.ok();
    }
    let keys = async |query: &str| {
        let list = api.get(&format!("/variables?{query}")).await.ok();
        let keys = list["variables"].as_array().expect("a list").iter().map(|it| it["key"].clone());
        (keys.collect::<Vec<_>>(), list["total_entries"].as_u64().expect("a number"))
    };
    assert_eq!(keys("order_by=key").await, (vec![json!("a1"), json!("a2"), json!("b1")], 3));
    assert_eq!(keys("variable_key_pattern=a%25&limit=1&offset=1").await, (vec![json!("a2")], 2));
}
