use super::*;

async fn bulk(api: &Api, noun: &str, actions: Value) -> Value {
    api.patch(&format!("/{noun}"), json!({"actions": actions})).await.ok()
}

fn variable(key: &str, value: &str) -> Value {
    json!({"key": key, "value": value})
}

#[tokio::test]
async fn many_variables_are_made_changed_and_deleted_at_once() {
    let api = Api::start().await;
    let done = bulk(
        &api,
        "variables",
        json!([
            {"action": "create", "entities": [variable("a", "1"), variable("b", "2")]},
            {"action": "update", "entities": [variable("a", "3")]},
            {"action": "delete", "entities": ["b"]},
        ]),
    );
    let expected = json!({
        "create": {"success": ["a", "b"], "errors": []},
        "update": {"success": ["a"], "errors": []},
        "delete": {"success": ["b"], "errors": []},
    });
    assert_eq!(done.await, expected);
    assert_eq!(api.get("/variables/a").await.ok()["value"], "3");
    assert_eq!(api.get("/variables").await.ok()["total_entries"], 1);
}

#[tokio::test]
async fn an_action_that_meets_what_it_must_not_does_nothing_unless_it_says_otherwise() {
    let api = Api::start().await;
    api.post("/variables", variable("a", "1")).await.ok();
    let make = |on: &str| json!([{"action": "create", "action_on_existence": on, "entities": [variable("a", "2"), variable("b", "2")]}]);
    let refused = bulk(&api, "variables", make("fail")).await;
    assert_eq!(refused["create"]["errors"][0]["status_code"], 409, "{refused:#}");
    assert_eq!((&refused["create"]["success"], &refused["update"]), (&json!([]), &Value::Null));
    api.get("/variables/b").await.problem(404, "variable-not-found");
    assert_eq!(bulk(&api, "variables", make("skip")).await["create"]["success"], json!(["b"]));
    assert_eq!(bulk(&api, "variables", make("overwrite")).await["create"]["success"], json!(["a", "b"]));
    assert_eq!(api.get("/variables/a").await.ok()["value"], "2");

    let take = |on: &str| json!([{"action": "delete", "action_on_non_existence": on, "entities": [variable("a", ""), "absent"]}]);
    let refused = bulk(&api, "variables", take("fail")).await;
    assert_eq!(refused["delete"]["errors"][0]["status_code"], 404, "{refused:#}");
    assert_eq!(bulk(&api, "variables", take("skip")).await["delete"]["success"], json!(["a"]));
}

#[tokio::test]
async fn one_thing_that_is_not_right_is_told_beside_what_was_done() {
    let api = Api::start().await;
    let pool = |name: &str, slots: i64| json!({"name": name, "slots": slots});
    let done = bulk(&api, "pools", json!([{"action": "create", "entities": [pool("p", 3), pool("q", -5)]}])).await;
    assert_eq!(done["create"]["success"], json!(["p"]), "{done:#}");
    let error = &done["create"]["errors"][0];
    assert!(error["status_code"] == 422 && error["error"].as_str().is_some_and(|it| it.contains("/slots")), "{done:#}");
    let changed = json!([{"action": "update", "entities": [pool("p", 9)], "update_mask": ["slots"]}]);
    assert_eq!(bulk(&api, "pools", changed).await["update"]["success"], json!(["p"]));
    assert_eq!(api.get("/pools/p").await.ok()["slots"], 9);
    let unknown = json!([{"action": "update", "entities": [pool("p", 9)], "update_mask": ["size"]}]);
    assert_eq!(bulk(&api, "pools", unknown).await["update"]["errors"][0]["status_code"], 422);

    let connection = json!({"connection_id": "c", "conn_type": "http", "password": "hunter2"});
    let done = bulk(&api, "connections", json!([{"action": "create", "entities": [connection]}])).await;
    assert_eq!(done["create"]["success"], json!(["c"]));
    assert_eq!(api.get("/connections/c").await.ok()["password"], "***");
}

#[tokio::test]
async fn a_request_names_no_more_than_the_limit() {
    let api = Api::start().await;
    let names: Vec<_> = (0..501).map(|number| format!("v{number}")).collect();
    let body = json!({"actions": [{"action": "delete", "entities": names}]});
    api.patch("/variables", body).await.problem(429, "limit-reached");
}
