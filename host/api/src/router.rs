//! All routes. What stands in [`guarded`] needs a token; a new route is written there unless it belongs in [`OPEN_ROUTES`].

use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use model::limits::http::REQUEST_TIMEOUT_MS;

use crate::app::{ApiParts, App};
use crate::auth::require_token;
use crate::observe::observe;
use crate::problem::{Failure, HttpFault};
use crate::routes::Routes;
use crate::{
    blob, bundle, dag, dag_run, dag_version, framing, health, log, metrics, openapi, task_instance, wait, xcom,
};

/// Paths that answer without a token.
pub const OPEN_ROUTES: [&str; 4] = ["/api/v2/monitor/health", "/api/v2/version", "/metrics", "/openapi.json"];

/// The API.
pub fn router(parts: ApiParts) -> Router {
    let app = App::new(parts);
    layered(routes(&app), app)
}

/// What every process of a server answers, though it serves no API: how it is, and how much it does.
pub fn router_of_probes(parts: ApiParts) -> Router {
    layered(open(), App::new(parts))
}

fn layered(routes: Routes, app: App) -> Router {
    routes
        .into_router()
        .fallback(nothing_here)
        .method_not_allowed_fallback(other_method)
        .layer(middleware::from_fn(framing::check))
        .layer(middleware::from_fn_with_state(app.clone(), observe))
        .with_state(app)
}

pub(crate) fn routes(app: &App) -> Routes {
    let guard = middleware::from_fn_with_state(app.clone(), require_token);
    let timed = |routes: Routes| routes.layered(|router| router.layer(middleware::from_fn(in_time)));
    let guarded = timed(quick()).merge(long());
    timed(open()).merge(guarded.layered(|router| router.layer(guard)))
}

fn open() -> Routes {
    Routes::default()
        .get("/api/v2/monitor/health", health::get_health)
        .get("/api/v2/version", health::get_version)
        .get("/metrics", metrics::get_metrics)
        .get("/openapi.json", openapi::get_openapi)
}

/// Answered within the time of a request.
fn quick() -> Routes {
    Routes::default()
        .get("/api/v2/bundles", bundle::get_bundles)
        .head("/api/v2/blobs/{digest}", blob::head_blob)
        .get("/api/v2/dags", dag::get_dags)
        .get("/api/v2/dags/{dag_id}", dag::get_dag)
        .get("/api/v2/dags/{dag_id}/details", dag::get_dag_details)
        .get("/api/v2/dags/{dag_id}/dagVersions", dag_version::get_dag_versions)
        .get("/api/v2/dags/{dag_id}/dagVersions/{version_number}", dag_version::get_dag_version)
        .get("/api/v2/dags/{dag_id}/dagRuns", dag_run::get_dag_runs)
        .get("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}", dag_run::get_dag_run)
        .post("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/clear", dag_run::post_clear)
        .get("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances", task_instance::get_task_instances)
        .get("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}", task_instance::get_task_instance)
        .get(
            "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/listMapped",
            task_instance::get_mapped_task_instances,
        )
        .get(
            "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}",
            task_instance::get_mapped_task_instance,
        )
        .get("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/tries", task_instance::get_tries)
        .get(
            "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/tries/{try_number}",
            task_instance::get_try,
        )
        .get(
            "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}/tries",
            task_instance::get_mapped_tries,
        )
        .get(
            "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}/tries/{try_number}",
            task_instance::get_mapped_try,
        )
        .get("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/xcomEntries", xcom::get_xcoms)
        .get(
            "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/xcomEntries/{xcom_key}",
            xcom::get_xcom,
        )
}

/// With limits of their own: uploads, downloads, waits and streams.
fn long() -> Routes {
    Routes::default()
        .post("/api/v2/bundles/{name}", bundle::post_bundle)
        .put("/api/v2/blobs/{digest}", blob::put_blob)
        .get("/api/v2/blobs/{digest}", blob::get_blob)
        .post("/api/v2/dags/{dag_id}/dagRuns", dag_run::post_dag_run)
        .get("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/wait", wait::get_wait)
        .get("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/logs/{try_number}", log::get_log)
}

async fn in_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(Duration::from_millis(REQUEST_TIMEOUT_MS), next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let detail = format!("there was no answer within {REQUEST_TIMEOUT_MS} ms; try again, or ask for less");
            let status = StatusCode::SERVICE_UNAVAILABLE;
            Failure::from(HttpFault::new(status, "timeout", "The answer took too long", detail)).into_response()
        }
    }
}

async fn nothing_here() -> Failure {
    let detail = "there is no such path; /openapi.json lists all that there are";
    HttpFault::new(StatusCode::NOT_FOUND, "not-found", "There is nothing here", detail).into()
}

async fn other_method() -> Failure {
    let detail = "this path takes other methods; see the header Allow";
    HttpFault::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "Another method is needed", detail).into()
}
