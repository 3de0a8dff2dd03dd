use super::*;

async fn change(api: &Api, method: Method, path: &str, tag: &str, body: &Value) -> Reply {
    let request = api.request(method, path).header("content-type", "application/json").header("if-match", tag);
    api.send(request.body(body.to_string().into()).expect("a request")).await
}

#[tokio::test]
async fn a_change_is_made_only_where_the_thing_is_as_it_was_read() {
    let api = Api::with_dag(json!([{"task_id": "t"}])).await;
    let read = api.get("/dags/d").await;
    let tag = read.headers["etag"].to_str().expect("text").to_owned();
    assert_eq!(api.get("/dags/d").await.headers["etag"], tag.as_str());
    let known = api.request(Method::GET, "/dags/d").header("if-none-match", &tag);
    let unchanged = api.send(known.body(Body::empty()).expect("a request")).await;
    assert_eq!((unchanged.status.as_u16(), unchanged.bytes.len()), (304, 0));

    let paused = change(&api, Method::PATCH, "/dags/d", &tag, &json!({"is_paused": true})).await.ok();
    assert_eq!(paused["is_paused"], true);
    let late = change(&api, Method::PATCH, "/dags/d", &tag, &json!({"is_paused": false})).await;
    late.problem(412, "precondition-failed");
    change(&api, Method::DELETE, "/dags/d", &tag, &json!({})).await.problem(412, "precondition-failed");
    assert_eq!(api.get("/dags/d").await.ok()["is_paused"], true);
    change(&api, Method::PATCH, "/dags/absent", &tag, &json!({"is_paused": true})).await.problem(404, "dag-not-found");
    change(&api, Method::PATCH, "/dags/d", "*", &json!({"is_paused": false})).await.ok();

    api.post("/variables", json!({"key": "k", "value": "1"})).await;
    let tag = api.get("/variables/k").await.headers["etag"].to_str().expect("text").to_owned();
    let (one, other) = (json!({"key": "k", "value": "2"}), json!({"key": "k", "value": "3"}));
    let (one, other) = tokio::join!(
        change(&api, Method::PATCH, "/variables/k", &tag, &one),
        change(&api, Method::PATCH, "/variables/k", &tag, &other)
    );
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
}
