use futures::future::join_all;

use super::*;

const WASM: &str = "application/wasm";

#[tokio::test]
async fn the_same_bytes_again_are_neither_parsed_nor_a_new_version() {
    let api = Api::start().await;
    let component = api.house.component(&[dag("d", json!([{"task_id": "t"}]))]);
    let first = api.post_bytes("/bundles/b", WASM, component.clone()).await.ok();
    assert_eq!((&first["created"], &first["dags"][0]["version_number"]), (&json!(true), &json!(1)));
    let again = api.post_bytes("/bundles/b", WASM, component).await.ok();
    assert_eq!((&again["created"], &again["bundle_version"]), (&json!(false), &first["bundle_version"]));
    assert_eq!(again["dags"][0]["version_id"], first["dags"][0]["version_id"]);
    assert_eq!(api.house.parses(), 1);
    assert_eq!(api.get("/bundles").await.ok()["total_entries"], 1);
}

#[tokio::test]
async fn fifty_uploads_at_once_are_parsed_once() {
    let api = Api::start().await;
    let component = api.house.component(&[dag("d", json!([{"task_id": "t"}]))]);
    let replies = join_all((0..50).map(|_| api.post_bytes("/bundles/b", WASM, component.clone()))).await;
    let created = replies.iter().filter(|reply| reply.ok()["created"] == true).count();
    assert_eq!((created, api.house.parses()), (1, 1));
    assert_eq!(api.get("/dags/d/dagVersions").await.ok()["total_entries"], 1);
}

#[tokio::test]
async fn a_failed_upload_leaves_what_is_current() {
    let api = Api::with_dag(json!([{"task_id": "t"}])).await;
    let before = api.get("/dags/d").await.ok();
    let cycle = json!([{"from": "t", "to": "u"}, {"from": "u", "to": "t"}]);
    let mut cyclic = dag("d", json!([{"task_id": "t"}, {"task_id": "u"}]));
    cyclic["edges"] = cycle;
    let mut schema = dag("d", json!([{"task_id": "t"}]));
    schema["params"] = json!({"p": {"schema": {"type": "strin"}}});
    let core_module = Bytes::from_static(b"\0asm\x01\0\0\0");
    // A component whose documents the parser was never told.
    let silent = House::start().await.component(&[dag("x", json!([]))]);
    let bad = [
        ("empty", Bytes::new(), "invalid-component"),
        ("text", "hello".into(), "invalid-component"),
        ("core module", core_module, "invalid-component"),
        ("trap", silent, "parse-failed"),
        ("no DAG", api.house.component(&[]), "invalid-dags"),
        ("cycle", api.house.component(&[cyclic]), "invalid-dags"),
        ("no schema", api.house.component(&[schema]), "invalid-dags"),
    ];
    for (what, component, slug) in bad {
        let problem = api.post_bytes("/bundles/b", WASM, component).await.problem(422, slug);
        assert!(!errors(&problem).is_empty(), "{what}: {problem:#}");
    }
    assert_eq!(api.get("/dags/d").await.ok(), before);
}

#[tokio::test]
async fn a_dry_run_tells_and_does_nothing() {
    let api = Api::start().await;
    let component = api.house.component(&[dag("d", json!([{"task_id": "t"}]))]);
    let told = api.post_bytes("/bundles/b?dry_run=true", WASM, component.clone()).await.ok();
    assert_eq!(
        (&told["dry_run"], &told["created"], &told["bundle_version"]),
        (&json!(true), &json!(true), &Value::Null)
    );
    assert_eq!(told["dags"][0]["created"], true);
    assert_eq!(api.get("/dags").await.ok()["total_entries"], 0);
}

#[tokio::test]
async fn a_dag_belongs_to_one_bundle() {
    let api = Api::with_dag(json!([{"task_id": "t"}])).await;
    for query in ["", "?dry_run=true"] {
        let component = api.house.component(&[dag("d", json!([{"task_id": "other"}]))]);
        api.post_bytes(&format!("/bundles/c{query}"), WASM, component).await.problem(409, "dag-belongs-elsewhere");
    }
}

#[tokio::test]
async fn a_dag_that_is_gone_from_its_bundle_is_stale_and_starts_no_runs() {
    let api = Api::with_dag(json!([{"task_id": "t"}])).await;
    api.house.deploy("b", &[dag("e", json!([{"task_id": "t"}]))]).await;
    assert_eq!(api.get("/dags").await.ok()["total_entries"], 1);
    assert_eq!(api.get("/dags?exclude_stale=false").await.ok()["total_entries"], 2);
    api.post("/dags/d/dagRuns", json!({"logical_date": null})).await.problem(409, "dag-is-stale");
}

#[tokio::test]
async fn an_upload_must_be_a_component_of_bounded_size() {
    let api = Api::start().await;
    api.post_bytes("/bundles/b", "text/plain", "x").await.problem(415, "unsupported-media-type");
    let request =
        api.request(Method::POST, "/bundles/b").header("content-type", WASM).header("content-length", "99999999999");
    api.send(request.body(Body::empty()).expect("a request")).await.problem(413, "too-large");
    api.post_bytes("/bundles/a%20b", WASM, "x").await.problem(400, "invalid-request");
}

#[tokio::test]
async fn a_bundle_is_deployed_from_files_that_were_uploaded() {
    let api = Api::start().await;
    let component = api.house.component(&[dag("d", json!([{"task_id": "t"}]))]);
    let digest = model::Digest::of(&component);
    let body = json!({"files": {"component.wasm": digest}});
    api.post("/bundles/b/versions", body.clone()).await.problem(404, "blob-not-found");
    let put = api.request(Method::PUT, &format!("/blobs/{digest}")).body(component.clone().into()).expect("a request");
    assert_eq!(api.send(put).await.status, 201);
    let dry = api.post("/bundles/b/versions?dry_run=true", body.clone()).await.ok();
    assert_eq!((&dry["dry_run"], &dry["dags"][0]["version_number"]), (&json!(true), &Value::Null));
    assert_eq!(api.get("/dags").await.ok()["total_entries"], 0);
    let deployed = api.post("/bundles/b/versions", body.clone()).await.ok();
    assert_eq!((&deployed["created"], &deployed["component"]), (&json!(true), &json!(digest)));
    assert_eq!(api.post("/bundles/b/versions", body).await.ok()["created"], false);
    assert_eq!(api.post_bytes("/bundles/b", WASM, component).await.ok()["created"], false);
    for files in [json!({}), json!({"a": digest, "b": digest}), json!({"a": "sha256:x"})] {
        api.post("/bundles/b/versions", json!({"files": files})).await.problem(400, "invalid-request");
    }
}
