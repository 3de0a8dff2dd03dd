use model::Digest;

use super::*;

async fn api_with_params() -> Api {
    let api = Api::start().await;
    let mut document = dag("d", json!([{"task_id": "params"}]));
    document["result"] = json!(["params"]);
    document["params"] = json!({
        "name": {"schema": {"type": "string"}},
        "count": {"schema": {"type": "integer", "minimum": 1}, "default": 3},
    });
    api.house.deploy("b", &[document]).await;
    api
}

#[tokio::test]
async fn parameters_are_defaults_overridden_by_the_conf_which_is_kept_as_it_was_sent() {
    let api = api_with_params().await;
    let body = r#"{"logical_date": null, "conf": {"z": 1.50, "name": "x", "a": [1e2]}}"#;
    let run = api.post_bytes("/dags/d/dagRuns", "application/json", body).await.ok();
    assert_eq!(run["state"], "queued");
    let path = format!("/dags/d/dagRuns/{}", run["dag_run_id"].as_str().expect("an id"));
    let reply = api.get(&path).await;
    assert!(reply.text().contains(r#""conf":{"z": 1.50, "name": "x", "a": [1e2]}"#), "{}", reply.text());
    let ended = api.get(&format!("{path}/wait?until=result")).await.ok();
    assert_eq!(ended["results"], json!({"params": {"name": "x", "count": 3}}), "{ended:#}");
}

#[tokio::test]
async fn all_parameters_that_are_wrong_are_told() {
    let api = api_with_params().await;
    let problem = api.post("/dags/d/dagRuns", json!({"conf": {"count": 0}})).await.problem(422, "invalid-params");
    let expected = [("invalid-param", "/conf/count"), ("missing-param", "/conf/name")];
    assert_eq!(errors(&problem), expected.map(|(code, path)| (code.to_owned(), path.to_owned())));
    assert_eq!(api.get("/dags/d/dagRuns").await.ok()["total_entries"], 0);
}

#[tokio::test]
async fn a_body_that_is_not_as_it_must_be_is_refused_with_the_place() {
    let api = Api::with_dag(json!([{"task_id": "t"}])).await;
    let check = async |body: &str, slug: &str, code: &str, path: &str| {
        let problem = api.post_bytes("/dags/d/dagRuns", "application/json", body.to_owned()).await.problem(422, slug);
        assert_eq!(errors(&problem), [(code.to_owned(), path.to_owned())], "{body}");
    };
    check("{", "invalid-body", "json-syntax", "").await;
    check("[]", "invalid-body", "not-an-object", "").await;
    check(r#"["mine", null]"#, "invalid-body", "not-an-object", "").await;
    check(r#"{"a": 1, "a": 2}"#, "invalid-body", "json-duplicate-key", "/a").await;
    check(r#"{"confg": {}}"#, "invalid-body", "wrong-shape", "/confg").await;
    check(r#"{"logical_date": "yesterday"}"#, "invalid-body", "wrong-shape", "/logical_date").await;
    check(r#"{"conf": [1]}"#, "invalid-conf", "not-an-object", "/conf").await;
    check(r#"{"conf": {"x": [18446744073709551616]}}"#, "invalid-conf", "json-integer-range", "/conf").await;
    check(r#"{"conf": {"x": {"$waft": "sequence"}}}"#, "invalid-conf", "reserved-key", "/conf/x").await;
    api.post_bytes("/dags/d/dagRuns", "text/plain", "{}").await.problem(415, "unsupported-media-type");
    api.post("/dags/d/dagRuns", json!({"dag_run_id": "a b"})).await.problem(400, "invalid-request");
    let large = format!(r#"{{"conf": {{"x": "{}"}}}}"#, "x".repeat(1 << 20));
    api.post_bytes("/dags/d/dagRuns", "application/json", large).await.problem(413, "too-large");
}

#[tokio::test]
async fn blobs_of_a_conf_must_be_there() {
    let api = Api::with_dag(json!([{"task_id": "t"}])).await;
    let digest = Digest::of(b"hello");
    let marker = |size: u64| json!({"$waft": "blob", "digest": digest, "size": size, "media_type": "text/plain"});
    let body = |size| json!({"conf": {"file": marker(size)}});
    let problem = api.post("/dags/d/dagRuns", body(5)).await.problem(422, "invalid-conf");
    assert_eq!(errors(&problem)[0].0, "unknown-blob");
    api.send(api.request(Method::PUT, &format!("/blobs/{digest}")).body("hello".into()).expect("a request")).await.ok();
    let problem = api.post("/dags/d/dagRuns", body(6)).await.problem(422, "invalid-conf");
    assert_eq!(errors(&problem)[0].0, "wrong-blob-size");
    assert_eq!(api.post("/dags/d/dagRuns", body(5)).await.status, 200);
}

#[tokio::test]
async fn a_run_id_is_taken_once() {
    let api = Api::with_dag(json!([{"task_id": "t"}])).await;
    let body = json!({"dag_run_id": "mine~:+1"});
    assert_eq!(api.post("/dags/d/dagRuns", body.clone()).await.ok()["dag_run_id"], "mine~:+1");
    api.post("/dags/d/dagRuns", body).await.problem(409, "run-exists");
    assert_eq!(api.get("/dags/d/dagRuns/mine~%3A%2B1").await.ok()["dag_run_id"], "mine~:+1");
}

#[tokio::test]
async fn lists_of_runs_are_filtered_ordered_and_paged() {
    let api = Api::with_dag(json!([{"task_id": "params"}])).await;
    for id in ["r1", "r2", "s3"] {
        api.post("/dags/d/dagRuns", json!({"dag_run_id": id})).await.ok();
        api.get(&format!("/dags/d/dagRuns/{id}/wait")).await.ok();
    }
    let ids = async |query: &str| {
        let list = api.get(&format!("/dags/d/dagRuns?{query}")).await.ok();
        let ids = list["dag_runs"].as_array().expect("a list").iter().map(|run| run["dag_run_id"].clone());
        (ids.collect::<Vec<_>>(), list["total_entries"].as_u64().expect("a number"))
    };
    assert_eq!(ids("").await, (vec![json!("r1"), json!("r2"), json!("s3")], 3));
    assert_eq!(ids("order_by=-id&limit=1&offset=1").await, (vec![json!("r2")], 3));
    assert_eq!(ids("run_id_pattern=r%25").await.1, 2);
    assert_eq!(ids("state=success&state=failed").await.1, 3);
    assert_eq!(ids("state=running").await.1, 0);
    assert_eq!(ids("run_type=scheduled").await.1, 0);
    assert_eq!(ids("start_date_lt=2000-01-01T00:00:00Z").await.1, 0);
    assert_eq!(ids("start_date_gt=2000-01-01T00:00:00Z&dag_version=1").await.1, 3);
    assert_eq!(ids("run_id_prefix_pattern=r&duration_gte=0&duration_lt=3600").await.1, 2);
    assert_eq!(ids("conf_contains=nothing").await.1, 0);
    let mut cursor = json!("");
    for id in ["s3", "r2", "r1"] {
        let query = format!("order_by=-id&limit=1&cursor={}", cursor.as_str().expect("a cursor"));
        let page = api.get(&format!("/dags/d/dagRuns?{query}")).await.ok();
        assert_eq!((&page["dag_runs"][0]["dag_run_id"], &page["total_entries"]), (&json!(id), &Value::Null));
        cursor = page["next_cursor"].clone();
    }
    assert_eq!(cursor, Value::Null);
    api.get("/dags/d/dagRuns?cursor=forged").await.problem(400, "invalid-query");
}

#[tokio::test]
async fn a_page_of_large_runs_is_short_and_never_empty() {
    let api = Api::with_dag(json!([{"task_id": "t"}])).await;
    let large = "x".repeat(900 << 10);
    for _ in 0..20 {
        api.post("/dags/d/dagRuns", json!({"conf": {"x": large}})).await.ok();
    }
    let mut seen = 0;
    while seen < 20 {
        let page = api.get(&format!("/dags/d/dagRuns?limit=100&offset={seen}")).await;
        assert!(page.bytes.len() < 20 << 20, "{} bytes", page.bytes.len());
        let rows = page.ok()["dag_runs"].as_array().expect("runs").len();
        assert!(rows > 0);
        seen += rows;
    }
}

#[tokio::test]
async fn a_clear_tells_on_dry_run_and_runs_again() {
    let api = Api::with_dag(json!([{"task_id": "t"}, {"task_id": "fail"}])).await;
    let (run, ended) = api.finished(json!({})).await;
    assert_eq!(ended["state"], "failed");
    let preview = api.post(&format!("{run}/clear"), json!({"only_failed": true})).await.ok();
    assert_eq!((&preview["total_entries"], &preview["task_instances"][0]["task_id"]), (&json!(1), &json!("fail")));
    assert_eq!(api.get(&run).await.ok()["clear_number"], 0);
    api.post(&format!("{run}/clear"), json!([false])).await.problem(422, "invalid-body");
    assert_eq!(api.get(&run).await.ok()["clear_number"], 0);
    let cleared = api.post(&format!("{run}/clear"), json!({"dry_run": false, "only_failed": true})).await.ok();
    assert_eq!(cleared["clear_number"], 1);
    assert_eq!(api.get(&format!("{run}/wait")).await.ok()["state"], "failed");
    let tries = api.get(&format!("{run}/taskInstances/fail/tries")).await.ok();
    assert_eq!(tries["total_entries"], 2, "{tries:#}");
    api.post(&format!("{run}/clear"), json!({"only_new": true})).await.problem(400, "invalid-request");
}

#[tokio::test]
async fn a_request_under_a_key_makes_one_run() {
    let api = Api::with_dag(json!([{"task_id": "t"}])).await;
    let send = async |key: &str, body: Value| {
        let request = api.request(Method::POST, "/dags/d/dagRuns").header("content-type", "application/json");
        api.send(request.header("idempotency-key", key).body(body.to_string().into()).expect("a request")).await
    };
    let body = json!({"logical_date": null, "conf": {"x": 1}});
    let (first, second) = tokio::join!(send("k", body.clone()), send("k", body.clone()));
    assert_eq!(first.ok()["dag_run_id"], second.ok()["dag_run_id"]);
    assert_eq!(send("k", body.clone()).await.ok()["dag_run_id"], first.ok()["dag_run_id"]);
    send("k", json!({"logical_date": null, "conf": {"x": 2}})).await.problem(422, "idempotency-key-reused");
    send("other", body.clone()).await.ok();
    send("", body).await.problem(400, "invalid-request");
    assert_eq!(api.get("/dags/d/dagRuns").await.ok()["total_entries"], 2);
}

#[tokio::test]
async fn a_logical_date_is_taken_once() {
    let api = Api::with_dag(json!([{"task_id": "t"}])).await;
    let body = |id: &str| json!({"dag_run_id": id, "logical_date": "2026-01-31T00:00:00Z"});
    api.post("/dags/d/dagRuns", body("first")).await.ok();
    let problem = api.post("/dags/d/dagRuns", body("second")).await.problem(409, "logical-date-taken");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("first")), "{problem:#}");
    for _ in 0..2 {
        api.post("/dags/d/dagRuns", json!({"logical_date": null})).await.ok();
    }
    assert_eq!(api.get("/dags/d/dagRuns").await.ok()["total_entries"], 3);
}

#[tokio::test]
async fn a_run_that_has_ended_can_be_deleted() {
    let api = Api::with_dag(json!([{"task_id": "t"}])).await;
    let (run, _) = api.finished(json!({})).await;
    assert_eq!(api.delete(&run).await.status, 204);
    api.get(&run).await.problem(404, "run-not-found");
    api.delete(&run).await.problem(404, "run-not-found");
    assert_eq!(api.get("/dags/d/dagRuns").await.ok()["total_entries"], 0);
    let deleted = api.get("/eventLogs?event=delete").await.ok();
    assert_eq!(deleted["total_entries"], 1, "{deleted:#}");
}

#[tokio::test]
async fn pages_are_read_forwards_and_backwards() {
    let api = Api::with_dag(json!([{"task_id": "params"}])).await;
    for id in ["r1", "r2", "r3", "r4", "r5"] {
        api.post("/dags/d/dagRuns", json!({"dag_run_id": id})).await.ok();
        api.get(&format!("/dags/d/dagRuns/{id}/wait")).await.ok();
    }
    let page = async |order: &str, cursor: &Value| {
        let cursor = cursor.as_str().expect("a cursor");
        let page = api.get(&format!("/dags/d/dagRuns?order_by={order}&limit=2&cursor={cursor}")).await.ok();
        let ids: Vec<_> =
            page["dag_runs"].as_array().expect("runs").iter().map(|it| it["dag_run_id"].clone()).collect();
        (Value::from(ids), page["previous_cursor"].clone(), page["next_cursor"].clone())
    };
    for order in ["id", "-id", "dag_run_id", "-run_after"] {
        let mut pages = vec![page(order, &json!("")).await];
        while pages[pages.len() - 1].2 != Value::Null {
            let next = pages[pages.len() - 1].2.clone();
            pages.push(page(order, &next).await);
        }
        assert_eq!(pages.iter().map(|page| page.0.as_array().expect("ids").len()).collect::<Vec<_>>(), [2, 2, 1]);
        assert_eq!(pages[0].1, Value::Null, "{order}");
        let second = page(order, &pages[2].1).await;
        assert_eq!(second.0, pages[1].0, "{order}");
        let first = page(order, &second.1).await;
        assert_eq!((&first.0, &first.1), (&pages[0].0, &Value::Null), "{order}");
        assert_eq!(page(order, &first.2).await.0, pages[1].0, "{order}");
    }
}

#[tokio::test]
async fn a_body_asks_for_runs_and_instances() {
    let api = Api::start().await;
    let of = |dag_id: &str| dag(dag_id, json!([{"task_id": "t"}, {"task_id": "list", "entrypoint": "t"}]));
    api.house.deploy("b", &[of("d"), of("e"), of("f")]).await;
    for dag_id in ["d", "e", "f"] {
        api.post(&format!("/dags/{dag_id}/dagRuns"), json!({"dag_run_id": "list"})).await.ok();
        api.get(&format!("/dags/{dag_id}/dagRuns/list/wait")).await.ok();
    }
    let runs = async |body: Value| api.post("/dags/~/dagRuns/list", body).await;
    let listed = runs(json!({"dag_ids": ["d", "f", "absent"], "states": ["success"], "order_by": "-id"})).await.ok();
    let ids: Vec<_> = listed["dag_runs"].as_array().expect("runs").iter().map(|run| run["dag_id"].clone()).collect();
    assert_eq!((Value::from(ids), &listed["total_entries"]), (json!(["f", "d"]), &json!(2)));
    assert_eq!(runs(json!({})).await.ok()["total_entries"], 3);
    let page = runs(json!({"page_limit": 1, "page_offset": 2, "start_date_gte": "2000-01-01T00:00:00Z"})).await.ok();
    assert_eq!((&page["dag_runs"][0]["dag_id"], &page["total_entries"]), (&json!("f"), &json!(3)));
    let wrong =
        runs(json!({"states": ["x"], "start_date_lt": "x", "dag_ids": ["/"]})).await.problem(422, "invalid-body");
    let mut paths: Vec<_> = errors(&wrong).into_iter().map(|(_, path)| path).collect();
    paths.sort();
    assert_eq!(paths, ["/dag_ids", "/start_date_lt", "/states"]);
    runs(json!({"nobody": 1})).await.problem(422, "invalid-body");

    let instances = async |body: Value| api.post("/dags/~/dagRuns/~/taskInstances/list", body).await;
    let listed = instances(json!({"dag_ids": ["e"], "task_ids": ["t"], "state": ["success", null]})).await.ok();
    assert_eq!((&listed["total_entries"], &listed["task_instances"][0]["dag_id"]), (&json!(1), &json!("e")));
    assert_eq!(instances(json!({"dag_run_ids": ["list"]})).await.ok()["total_entries"], 6);
    assert_eq!(instances(json!({"dag_run_ids": ["other"]})).await.ok()["total_entries"], 0);
    let one = json!({"dag_ids": ["e"], "dag_run_ids": ["list"], "pool": ["default_pool"]});
    assert_eq!(instances(one).await.ok()["total_entries"], 2);
    instances(json!({"pool": ["default_pool"]})).await.problem(400, "invalid-request");
    instances(json!({"executor": ["local"]})).await.problem(422, "invalid-body");
    // Things of this name stay reachable.
    assert_eq!(api.get("/dags/d/dagRuns/list").await.ok()["dag_run_id"], "list");
    assert_eq!(api.get("/dags/d/dagRuns/list/taskInstances/list").await.ok()["task_id"], "list");
    api.post("/dags/d/dagRuns/other", json!({})).await.problem(405, "method-not-allowed");
}
