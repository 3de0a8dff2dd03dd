//! Who may ask what.

use super::*;
use crate::app::App;
use crate::router::routes;
use crate::routes::Route;

fn table(api: &Api) -> Vec<Route> {
    routes(&App::new(parts(&api.house, &api.shutdown))).table
}

/// The path with names that follow the grammar and name nothing.
pub(super) fn filled(path: &str) -> String {
    let names = [
        ("{dag_id}", "absent"),
        ("{dag_run_id}", "absent"),
        ("{task_id}", "absent"),
        ("{map_index}", "0"),
        ("{try_number}", "1"),
        ("{version_number}", "1"),
        ("{other_number}", "2"),
        ("{import_error_id}", "0"),
        ("{file_token}", "absent"),
        ("{xcom_key}", "absent"),
        ("{name}", "absent"),
        ("{variable_key}", "absent"),
        ("{connection_id}", "absent"),
        ("{pool_name}", "absent"),
        ("{asset_id}", "0"),
        ("{backfill_id}", "0"),
        ("{group_id}", "absent"),
        ("{signal_name}", "absent"),
        ("{event_log_id}", "0"),
        ("{callback_number}", "0"),
        ("{digest}", "sha256:0000000000000000000000000000000000000000000000000000000000000000"),
    ];
    let filled = names.iter().fold(path.to_owned(), |path, (name, value)| path.replace(name, value));
    assert!(!filled.contains('{'), "no value for a name in {path}");
    filled
}

async fn status(api: &Api, (method, path): &Route, token: Option<&str>) -> u16 {
    let mut request = Request::builder()
        .method(method)
        .uri(filled(path))
        .header("host", "waft")
        .header("content-type", "application/json");
    if let Some(token) = token {
        request = request.header("authorization", token);
    }
    api.send(request.body(Body::empty()).expect("a request")).await.status.as_u16()
}

#[tokio::test]
async fn every_route_but_the_open_ones_needs_a_token() {
    let api = Api::start().await;
    let token = format!("Bearer {}", api.house.token());
    let basic = format!("Basic {}", api.house.token());
    let mut open = Vec::new();
    for route in &table(&api) {
        let without = status(&api, route, None).await;
        for wrong in ["Bearer waft_wrong", "Bearer", "", &basic] {
            assert_eq!(status(&api, route, Some(wrong)).await, without, "{route:?} with {wrong:?}");
        }
        assert_ne!(status(&api, route, Some(&token)).await, 401, "{route:?}");
        if without != 401 {
            open.push(route.1);
        }
    }
    open.sort_unstable();
    assert_eq!(open, crate::OPEN_ROUTES);
}

#[tokio::test]
async fn what_is_absent_is_not_found_on_every_route_that_reads_one_thing() {
    let api = Api::start().await;
    let settings = ["variables", "connections", "pools"];
    let others = ["dags", "bundles", "assets", "assets/events", "backfills", "signals", "eventLogs"];
    let sums = [
        "config",
        "assets/aliases",
        "dagStats",
        "dagTags",
        "dagWarnings",
        "importErrors",
        "jobs",
        "providers",
        "plugins",
        "plugins/importErrors",
    ];
    let nouns = settings.into_iter().chain(others).chain(sums);
    let lists: Vec<_> = nouns.map(|noun| format!("/api/v2/{noun}")).collect();
    for (method, path) in table(&api) {
        if method == Method::GET && !crate::OPEN_ROUTES.contains(&path) && !lists.iter().any(|list| list == path) {
            let reply = api.get(filled(path).strip_prefix("/api/v2").expect("below")).await;
            assert_eq!(reply.status, 404, "{path}: {reply:?}");
            assert_eq!(reply.headers["content-type"], "application/problem+json", "{path}");
        }
    }
}

#[tokio::test]
async fn a_tenant_does_not_see_what_another_has() {
    let api = Api::with_dag(json!([{"task_id": "t"}])).await;
    let (run, _) = api.finished(json!({})).await;
    let foreign = format!("Bearer {}", api.house.foreign_token().await);
    let paths = [
        "/dags/d",
        "/dags/d/dagRuns",
        "/dags/d/dagVersions",
        &run,
        &format!("{run}/wait"),
        &format!("{run}/taskInstances"),
    ];
    for path in paths {
        let request = Request::get(format!("/api/v2{path}")).header("host", "waft").header("authorization", &foreign);
        let seen = api.send(request.body(Body::empty()).expect("a request")).await;
        assert_eq!(seen.status, 404, "{path}: {seen:?}");
        let absent = api.get(&path.replacen("/dags/d", "/dags/e", 1)).await;
        assert_eq!(
            (seen.json()["type"].clone(), seen.status),
            (absent.json()["type"].clone(), absent.status),
            "{path}"
        );
    }
    let request = Request::get("/api/v2/dags").header("host", "waft").header("authorization", &foreign);
    let list = api.send(request.body(Body::empty()).expect("a request")).await.ok();
    assert_eq!(list["total_entries"], 0);
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_too() {
    let api = Api::start().await;
    api.get("/nothing").await.problem(404, "not-found");
    let reply = api.send(api.request(Method::DELETE, "/dags").body(Body::empty()).expect("a request")).await;
    reply.problem(405, "method-not-allowed");
    api.get(&format!("/dags?dag_id_pattern={}", "x".repeat(9000))).await.problem(414, "uri-too-long");
}

#[tokio::test]
async fn every_answer_has_an_id_of_its_own() {
    let api = Api::start().await;
    let id = async || api.get("/dags").await.headers["x-request-id"].clone();
    assert_ne!(id().await, id().await);
}

#[tokio::test]
async fn all_that_is_wrong_with_a_query_is_told_at_once() {
    let api = Api::start().await;
    let problem = api
        .get("/dags?limit=x&limt=3&paused=maybe&executor=x&order_by=size&offset=1000001")
        .await
        .problem(400, "invalid-query");
    let mut found = errors(&problem);
    found.sort();
    let expected = [
        ("invalid-query-parameter", "limit"),
        ("invalid-query-parameter", "offset"),
        ("invalid-query-parameter", "order_by"),
        ("invalid-query-parameter", "paused"),
        ("not-available-yet", "executor"),
        ("unknown-query-parameter", "limt"),
    ];
    assert_eq!(found, expected.map(|(code, path)| (code.to_owned(), path.to_owned())));
}

#[tokio::test]
async fn health_version_and_metrics_are_for_everyone() {
    let api = Api::start().await;
    let open = async |path: &str| {
        api.send(Request::get(path).header("host", "waft").body(Body::empty()).expect("a request")).await
    };
    let health = open("/api/v2/monitor/health").await.ok();
    for part in ["metadatabase", "scheduler", "worker"] {
        assert_eq!(health[part]["status"], "healthy", "{health:#}");
    }
    api.house.control.part_failed(control::Part::Scheduler);
    let health = open("/api/v2/monitor/health").await.ok();
    assert_eq!((&health["scheduler"]["status"], &health["worker"]["status"]), (&json!("unhealthy"), &json!("healthy")));
    assert!(open("/api/v2/version").await.ok()["version"].is_string());
    assert_eq!(open("/metrics").await.status, 200);
}
