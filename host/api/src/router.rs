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
use crate::etag::{Looks, conditions};
use crate::observe::observe;
use crate::problem::{Failure, HttpFault, other_method};
use crate::routes::Routes;
use crate::{
    approval, asset, backfill, blob, bundle, by_hand, callback, connection, dag, dag_run, dag_run_event, dag_source,
    dag_version, dashboard, docs, event_log, explanation, framing, health, log, login, metrics, openapi, pool, signal,
    task, task_instance, variable, wait, xcom,
};

/// Paths that answer without a token.
pub const OPEN_ROUTES: [&str; 9] = [
    "/api/v2/monitor/health",
    "/api/v2/version",
    "/auth/token",
    "/auth/token/cli",
    "/docs",
    "/docs/page.css",
    "/docs/page.js",
    "/metrics",
    "/openapi.json",
];

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
    let routes = routes.into_router();
    let looks = Looks::new(routes.clone().with_state(app.clone()));
    routes
        .route_layer(middleware::from_fn_with_state(looks, conditions))
        .fallback(nothing_here)
        .method_not_allowed_fallback(refuse_method)
        .layer(middleware::from_fn(framing::check))
        .layer(middleware::from_fn_with_state(app.clone(), observe))
        .with_state(app)
}

pub(crate) fn routes(app: &App) -> Routes {
    let guard = middleware::from_fn_with_state(app.clone(), require_token);
    let timed = |routes: Routes| routes.layered(|router| router.layer(middleware::from_fn(in_time)));
    let guarded = timed(quick().merge(dashboards()).merge(settings()).merge(causes()).merge(acts())).merge(long());
    timed(open().merge(pages()).merge(logins())).merge(guarded.layered(|router| router.layer(guard)))
}

fn open() -> Routes {
    Routes::default()
        .get("/api/v2/monitor/health", health::get_health)
        .get("/api/v2/version", health::get_version)
        .get("/metrics", metrics::get_metrics)
        .get("/openapi.json", openapi::get_openapi)
}

/// What this API is, for people.
fn pages() -> Routes {
    Routes::default()
        .get("/docs", docs::get_docs)
        .get("/docs/page.css", docs::get_docs_style)
        .get("/docs/page.js", docs::get_docs_script)
}

/// Tokens for who has a password.
fn logins() -> Routes {
    Routes::default().post("/auth/token", login::post_token).post("/auth/token/cli", login::post_token_of_cli)
}

/// Sums, and what Waft has none of.
fn dashboards() -> Routes {
    Routes::default()
        .get("/api/v2/dagStats", dashboard::get_dag_stats)
        .get("/api/v2/dagTags", dashboard::get_dag_tags)
        .get("/api/v2/dagWarnings", dashboard::get_dag_warnings)
        .get("/api/v2/importErrors", dashboard::get_import_errors)
        .get("/api/v2/importErrors/{import_error_id}", dashboard::get_import_error)
        .put("/api/v2/parseDagFile/{file_token}", dashboard::put_parse_dag_file)
        .get("/api/v2/jobs", dashboard::get_jobs)
        .get("/api/v2/config", dashboard::get_config)
        .get("/api/v2/assets/aliases", dashboard::get_asset_aliases)
        .get("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/links", dashboard::get_extra_links)
        .get("/api/v2/providers", dashboard::get_providers)
        .get("/api/v2/plugins", dashboard::get_plugins)
        .get("/api/v2/plugins/importErrors", dashboard::get_plugin_import_errors)
}

/// Answered within the time of a request.
fn quick() -> Routes {
    Routes::default()
        .get("/api/v2/bundles", bundle::get_bundles)
        .head("/api/v2/blobs/{digest}", blob::head_blob)
        .get("/api/v2/dags", dag::get_dags)
        .patch("/api/v2/dags", dag::patch_dags)
        .get("/api/v2/dags/{dag_id}", dag::get_dag)
        .patch("/api/v2/dags/{dag_id}", dag::patch_dag)
        .delete("/api/v2/dags/{dag_id}", dag::delete_dag)
        .get("/api/v2/dags/{dag_id}/details", dag::get_dag_details)
        .get("/api/v2/dags/{dag_id}/tasks", task::get_tasks)
        .get("/api/v2/dags/{dag_id}/tasks/{task_id}", task::get_task)
        .get("/api/v2/dagSources/{dag_id}", dag_source::get_dag_source)
        .get("/api/v2/dags/{dag_id}/dagVersions", dag_version::get_dag_versions)
        .get("/api/v2/dags/{dag_id}/dagVersions/{version_number}", dag_version::get_dag_version)
        .get("/api/v2/dags/{dag_id}/dagRuns", dag_run::get_dag_runs)
        .post("/api/v2/dags/{dag_id}/dagVersions/{version_number}/activate", dag_version::post_dag_version_activate)
        .get(
            "/api/v2/dags/{dag_id}/dagVersions/{version_number}/diff/{other_number}",
            dag_version::get_dag_version_diff,
        )
        .post_word("/api/v2/dags/{dag_id}/dagRuns/list", "dag_run_id", dag_run::post_dag_run_list)
        .get("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}", dag_run::get_dag_run)
        .post_word(
            "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/list",
            "task_id",
            task_instance::post_task_instance_list,
        )
        .get("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskSummaries", task_instance::get_task_summaries)
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
        .post("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/xcomEntries", xcom::post_xcom)
        .patch(
            "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/xcomEntries/{xcom_key}",
            xcom::patch_xcom,
        )
        .delete(
            "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/xcomEntries/{xcom_key}",
            xcom::delete_xcom,
        )
}

/// What people do to runs that are there, what runs wait for, and who did what.
fn acts() -> Routes {
    Routes::default()
        .post("/api/v2/dags/{dag_id}/clearTaskInstances", by_hand::post_clear_task_instances)
        .patch("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}", by_hand::patch_dag_run)
        .delete("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}", dag_run::delete_dag_run)
        .post("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/clear", dag_run::post_clear)
        .post("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/cancel", by_hand::post_cancel)
        .patch("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}", by_hand::patch_task_instance)
        .patch(
            "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/dry_run",
            by_hand::patch_task_instance_dry_run,
        )
        .patch(
            "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}",
            by_hand::patch_mapped_task_instance,
        )
        .patch(
            "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}/dry_run",
            by_hand::patch_mapped_task_instance_dry_run,
        )
        .patch("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskGroupInstances/{group_id}", by_hand::patch_task_group)
        .patch(
            "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskGroupInstances/{group_id}/dry_run",
            by_hand::patch_task_group_dry_run,
        )
        .get("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/explain", explanation::get_explanation)
        .get(
            "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}/explain",
            explanation::get_mapped_explanation,
        )
        .get(
            "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/dependencies",
            explanation::get_dependencies,
        )
        .get(
            "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}/dependencies",
            explanation::get_mapped_dependencies,
        )
        .post("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/signals/{signal_name}", signal::post_signal)
        .get("/api/v2/signals", signal::get_signals)
        .get("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/hitlDetails", approval::get_approvals)
        .get(
            "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}/hitlDetails",
            approval::get_approval,
        )
        .patch(
            "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}/hitlDetails",
            approval::patch_approval,
        )
        .get("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/callbacks", callback::get_callbacks)
        .get("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/callbacks/{callback_number}", callback::get_callback)
        .get("/api/v2/eventLogs", event_log::get_event_logs)
        .get("/api/v2/eventLogs/{event_log_id}", event_log::get_event_log)
}

/// Variables, connections and pools.
fn settings() -> Routes {
    Routes::default()
        .get("/api/v2/variables", variable::get_variables)
        .post("/api/v2/variables", variable::post_variable)
        .patch("/api/v2/variables", variable::patch_variables)
        .get("/api/v2/variables/{variable_key}", variable::get_variable)
        .patch("/api/v2/variables/{variable_key}", variable::patch_variable)
        .delete("/api/v2/variables/{variable_key}", variable::delete_variable)
        .get("/api/v2/connections", connection::get_connections)
        .post("/api/v2/connections", connection::post_connection)
        .patch("/api/v2/connections", connection::patch_connections)
        .post("/api/v2/connections/defaults", connection::post_default_connections)
        .post("/api/v2/connections/test", connection::post_connection_test)
        .get("/api/v2/connections/{connection_id}", connection::get_connection)
        .patch("/api/v2/connections/{connection_id}", connection::patch_connection)
        .delete("/api/v2/connections/{connection_id}", connection::delete_connection)
        .get("/api/v2/pools", pool::get_pools)
        .post("/api/v2/pools", pool::post_pool)
        .patch("/api/v2/pools", pool::patch_pools)
        .get("/api/v2/pools/{pool_name}", pool::get_pool)
        .patch("/api/v2/pools/{pool_name}", pool::patch_pool)
        .delete("/api/v2/pools/{pool_name}", pool::delete_pool)
}

/// What runs are made for: events of assets, backfills.
fn causes() -> Routes {
    Routes::default()
        .get("/api/v2/assets", asset::get_assets)
        .get("/api/v2/assets/events", asset::get_asset_events)
        .post("/api/v2/assets/events", asset::post_asset_event)
        .get("/api/v2/assets/{asset_id}", asset::get_asset)
        .post("/api/v2/assets/{asset_id}/materialize", asset::post_materialize)
        .get("/api/v2/dags/{dag_id}/assets/queuedEvents", asset::get_queued_events)
        .delete("/api/v2/dags/{dag_id}/assets/queuedEvents", asset::delete_queued_events)
        .get("/api/v2/dags/{dag_id}/assets/{asset_id}/queuedEvents", asset::get_queued_event)
        .delete("/api/v2/dags/{dag_id}/assets/{asset_id}/queuedEvents", asset::delete_queued_event)
        .get("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/upstreamAssetEvents", asset::get_upstream_asset_events)
        .get("/api/v2/backfills", backfill::get_backfills)
        .post("/api/v2/backfills", backfill::post_backfill)
        .post("/api/v2/backfills/dry_run", backfill::post_backfill_dry_run)
        .get("/api/v2/backfills/{backfill_id}", backfill::get_backfill)
        .put("/api/v2/backfills/{backfill_id}/pause", backfill::put_backfill_pause)
        .put("/api/v2/backfills/{backfill_id}/unpause", backfill::put_backfill_unpause)
        .put("/api/v2/backfills/{backfill_id}/cancel", backfill::put_backfill_cancel)
}

/// With limits of their own: uploads, downloads, waits and streams.
fn long() -> Routes {
    Routes::default()
        .post("/api/v2/bundles/{name}", bundle::post_bundle)
        .post("/api/v2/bundles/{name}/versions", bundle::post_bundle_version)
        .put("/api/v2/blobs/{digest}", blob::put_blob)
        .get("/api/v2/blobs/{digest}", blob::get_blob)
        .post("/api/v2/dags/{dag_id}/dagRuns", dag_run::post_dag_run)
        .get("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/wait", wait::get_wait)
        .get("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/events", dag_run_event::get_dag_run_events)
        .get("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/logs/{try_number}", log::get_log)
        .get(
            "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/callbacks/{callback_number}/logs/{try_number}",
            callback::get_callback_log,
        )
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

async fn refuse_method() -> Failure {
    other_method()
}
