//! Bad input by its kind, sent to every route that takes any: it is refused in the right words, and nothing changes.

use model::limits::http::JSON_BODY_MAX_BYTES;

use super::*;
use crate::app::App;
use crate::router::routes;
use crate::routes::Route;

/// A server with something of each kind, and the names by which paths can name it.
struct World {
    api: Api,
    run_id: String,
}

impl World {
    async fn new() -> Self {
        let api = Api::with_dag(mapped_tasks()).await;
        let (run, _) = api.finished(json!({"x": 1})).await;
        api.post("/variables", json!({"key": "k", "value": "1"})).await.ok();
        api.post("/pools", json!({"name": "p", "slots": 3})).await.ok();
        api.post("/connections", json!({"connection_id": "c", "conn_type": "http"})).await.ok();
        let run_id = run.rsplit('/').next().expect("an id").to_owned();
        let world = Self { api, run_id };
        world.logged(1).await;
        world
    }

    /// What people did is logged after it is done.
    async fn logged(&self, triggers: u64) {
        let count = async || self.api.get("/eventLogs?event=trigger").await.ok()["total_entries"].as_u64();
        self.api.until("the triggers are logged", async || (count().await == Some(triggers)).then_some(())).await;
    }

    /// Everything that people can see.
    async fn seen(&self) -> Vec<Value> {
        let run = format!("/dags/d/dagRuns/{}", self.run_id);
        let mut seen = Vec::new();
        for path in [
            "/dags?exclude_stale=false",
            "/dags/d/dagVersions",
            "/dags/~/dagRuns",
            "/dags/~/dagRuns/~/taskInstances",
            &format!("{run}/taskInstances/list/xcomEntries"),
            &format!("{run}/taskInstances/each/xcomEntries"),
            "/variables",
            "/pools",
            "/connections",
            "/backfills",
            "/assets",
            "/assets/events",
            "/bundles",
            "/eventLogs",
        ] {
            seen.push(self.api.get(path).await.ok());
        }
        seen
    }

    /// A path with the names of what is there.
    fn named(&self, path: &str) -> String {
        let names = [
            ("{dag_id}", "d"),
            ("{dag_run_id}", self.run_id.as_str()),
            ("{task_id}", "list"),
            ("{map_index}", "-1"),
            ("{variable_key}", "k"),
            ("{connection_id}", "c"),
            ("{pool_name}", "p"),
            ("{xcom_key}", "return_value"),
        ];
        let named = names.iter().fold(path.to_owned(), |path, (name, value)| path.replace(name, value));
        routes::filled(&named).strip_prefix("/api/v2").map(str::to_owned).unwrap_or_default()
    }

    fn table(&self) -> Vec<Route> {
        routes(&App::new(parts(&self.api.house, &self.api.shutdown))).table
    }

    /// Routes whose bodies are JSON, and that need a token.
    fn with_json(&self) -> Vec<Route> {
        let document: Value = serde_json::from_str(&crate::openapi_json()).expect("JSON");
        let takes_json = |(method, path): &Route| {
            let operation = &document["paths"][path][method.as_str().to_lowercase()];
            operation["requestBody"]["content"]["application/json"].is_object()
        };
        // There is no group, which is told first.
        let is_there = |path: &str| path.starts_with("/api/v2") && !path.contains("{group_id}");
        let guarded = self.table().into_iter().filter(|(_, path)| is_there(path));
        guarded.filter(takes_json).collect()
    }

    async fn refused(&self, (method, path): &Route, media_type: &str, body: impl Into<Body>) -> Reply {
        // Many at once are asked for by a pattern.
        let query = if *path == "/api/v2/dags" { "?dag_id_pattern=~" } else { "" };
        let path_named = format!("{}{query}", self.named(path));
        let request = self.api.request(method.clone(), &path_named).header("content-type", media_type);
        let reply = self.api.send(request.body(body.into()).expect("a request")).await;
        assert!(reply.status.is_client_error(), "{method} {path}: {reply:?}");
        assert_eq!(reply.headers["content-type"], "application/problem+json", "{method} {path}");
        reply
    }
}

fn nested(depth: usize) -> String {
    format!("{}1", r#"{"conf":"#.repeat(depth)) + &"}".repeat(depth)
}

fn wide(members: usize) -> String {
    let members: Vec<_> = (0..members).map(|n| format!("\"k{n}\":{n}")).collect();
    format!("{{{}}}", members.join(","))
}

#[tokio::test]
async fn bodies_that_are_bombs_or_no_json_are_refused_by_every_route_and_change_nothing() {
    let world = World::new().await;
    let before = world.seen().await;
    let routes = world.with_json();
    assert!(routes.len() > 20, "{routes:?}");
    for route in &routes {
        let refused = async |body: String| world.refused(route, "application/json", body).await;
        refused(nested(10_000)).await.problem(422, "invalid-body");
        refused(wide(50_000)).await.problem(422, "invalid-body");
        refused("x".repeat(JSON_BODY_MAX_BYTES + 1)).await.problem(413, "too-large");
        for text in
            ["{", "[{}]", "7", "null", "\"text\"", "{\"a\":1,\"a\":2}", "{\"a\":1}x", "{\"a\":01}", "{\"a\":NaN}"]
        {
            refused(text.to_owned()).await.problem(422, "invalid-body");
        }
        let bytes: &'static [u8] = b"{\"a\":\"\xff\xfe\"}";
        world.refused(route, "application/json", bytes).await.problem(422, "invalid-body");
        refused(r#"{"nobody_knows_this": 1}"#.to_owned()).await.problem(422, "invalid-body");
        world.refused(route, "text/plain", "{}").await.problem(415, "unsupported-media-type");
        world.refused(route, "application/x-www-form-urlencoded", "a=1").await.problem(415, "unsupported-media-type");
    }
    assert_eq!(world.seen().await, before);
}

#[tokio::test]
async fn members_of_another_type_are_refused_with_their_place() {
    let world = World::new().await;
    let before = world.seen().await;
    let post = async |path: &str, body: Value| world.api.post(path, body).await;
    for (path, body, slug, place) in [
        ("/dags/d/dagRuns", json!({"conf": 7}), "invalid-conf", "/conf"),
        ("/dags/d/dagRuns", json!({"conf": [1]}), "invalid-conf", "/conf"),
        ("/dags/d/dagRuns", json!({"logical_date": 7}), "invalid-body", "/logical_date"),
        ("/dags/d/dagRuns", json!({"logical_date": "yesterday"}), "invalid-body", "/logical_date"),
        ("/dags/d/dagRuns", json!({"dag_run_id": {}}), "invalid-body", "/dag_run_id"),
        ("/dags/d/clearTaskInstances", json!({"task_ids": "t"}), "invalid-body", "/task_ids"),
        ("/dags/~/dagRuns/list", json!({"dag_ids": [7]}), "invalid-body", "/dag_ids/0"),
        ("/dags/~/dagRuns/list", json!({"page_limit": -1}), "invalid-body", "/page_limit"),
        ("/variables", json!({"key": 7, "value": "x"}), "invalid-body", "/key"),
        ("/pools", json!({"name": "q", "slots": "many"}), "invalid-body", "/slots"),
        ("/connections", json!({"connection_id": "e", "conn_type": "http", "port": 1e9}), "invalid-body", "/port"),
        ("/assets/events", json!({"asset_id": "one"}), "invalid-body", "/asset_id"),
    ] {
        let problem = post(path, body.clone()).await.problem(422, slug);
        assert!(errors(&problem).iter().any(|(_, at)| at == place), "{path} {body}: {problem:#}");
    }
    assert_eq!(world.seen().await, before);
}

#[tokio::test]
async fn parameters_that_nobody_knows_and_forged_cursors_change_nothing() {
    let world = World::new().await;
    let before = world.seen().await;
    for (method, path) in world.table() {
        if !path.starts_with("/api/v2") || crate::OPEN_ROUTES.contains(&path) || method == Method::HEAD {
            continue;
        }
        let request = world.api.request(method.clone(), &format!("{}?nobody=1", world.named(path)));
        let request = request.header("content-type", "application/json").body("{}".into()).expect("a request");
        world.api.send(request).await.problem(400, "invalid-query");
    }
    for list in ["/dags/d/dagRuns", "/dags/~/dagRuns/~/taskInstances"] {
        for cursor in ["x", "r.7", "i.1", "o.-1", "o.99999999", "%00", "r.'%20OR%201=1", "rb.", "ib.0.0.0"] {
            world.api.get(&format!("{list}?cursor={cursor}")).await.problem(400, "invalid-query");
        }
        // A cursor of another list, and one of nothing that is there.
        let other = if list.ends_with("dagRuns") { "i" } else { "r" };
        let nothing = "0190000000007000800000000000ffff";
        let foreign = if other == "i" { format!("i.{nothing}.0.-1") } else { format!("r.{nothing}") };
        world.api.get(&format!("{list}?cursor={foreign}")).await.problem(400, "invalid-query");
    }
    assert_eq!(world.seen().await, before);
}

#[tokio::test]
async fn what_another_tenant_has_cannot_be_changed() {
    let world = World::new().await;
    let before = world.seen().await;
    let foreign = format!("Bearer {}", world.api.house.foreign_token().await);
    let bodies = [
        ("/dagRuns", json!({"logical_date": null})),
        ("clearTaskInstances", json!({"dry_run": false})),
        ("/clear", json!({"dry_run": false})),
        ("xcomEntries", json!({"key": "k", "value": 1})),
        ("return_value", json!({"value": 1})),
        ("hitlDetails", json!({"chosen_options": ["Approve"]})),
    ];
    let mut asked = 0;
    for (method, path) in world.table() {
        let names_something =
            ["{dag_id}", "{variable_key}", "{pool_name}", "{connection_id}"].iter().any(|it| path.contains(it));
        if method == Method::GET || method == Method::HEAD || !names_something || path.ends_with("/list") {
            continue;
        }
        let named = world.named(path);
        let body = bodies.iter().find(|(end, _)| named.ends_with(end)).map_or(json!({}), |(_, body)| body.clone());
        let request = Request::builder()
            .method(method.clone())
            .uri(format!("/api/v2{named}"))
            .header("host", "waft")
            .header("authorization", &foreign)
            .header("content-type", "application/json");
        let reply = world.api.send(request.body(body.to_string().into()).expect("a request")).await;
        assert!([400, 404, 422].contains(&reply.status.as_u16()), "{method} {path}: {reply:?}");
        asked += 1;
    }
    assert!(asked > 20, "{asked}");
    assert_eq!(world.seen().await, before);
}

#[tokio::test]
async fn one_key_for_two_requests_makes_one_run() {
    let world = World::new().await;
    let send = async |body: Value| {
        let request = world.api.request(Method::POST, "/dags/d/dagRuns").header("content-type", "application/json");
        world.api.send(request.header("idempotency-key", "key").body(body.to_string().into()).expect("a request")).await
    };
    send(json!({"logical_date": null, "conf": {"n": 1}})).await.ok();
    world
        .api
        .until("the run has ended", async || {
            (world.api.get("/dags/d/dagRuns?state=success").await.ok()["total_entries"] == 2).then_some(())
        })
        .await;
    world.logged(2).await;
    let before = world.seen().await;
    send(json!({"logical_date": null, "conf": {"n": 2}})).await.problem(422, "idempotency-key-reused");
    send(json!({"logical_date": null, "conf": {"n": 1}, "note": "x"})).await.problem(422, "idempotency-key-reused");
    assert_eq!(world.seen().await, before);
}
