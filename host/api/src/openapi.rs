//! The OpenAPI document, made of the handlers and wire types. It is checked in as `openapi.json`; a test compares.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde_json::{Map, Value, json};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::{
    approval, asset, backfill, blob, bundle, by_hand, callback, connection, dag, dag_run, dag_run_event, dag_source,
    dag_version, dashboard, docs, event_log, explanation, health, log, login, metrics, pool, signal, slugs, task,
    task_instance, variable, wait, xcom,
};

#[derive(OpenApi)]
#[openapi(
    info(title = "Waft", description = "Airflow's public REST API v2 where Waft has the same things, and Waft's own resources."),
    paths(
        bundle::post_bundle,
        bundle::post_bundle_version,
        bundle::get_bundles,
        blob::put_blob,
        blob::head_blob,
        blob::get_blob,
        dag::get_dags,
        dag::get_dag,
        dag::get_dag_details,
        dag::patch_dag,
        dag::patch_dags,
        dag::delete_dag,
        task::get_tasks,
        task::get_task,
        dag_source::get_dag_source,
        dag_version::get_dag_versions,
        dag_version::get_dag_version,
        dag_version::post_dag_version_activate,
        dag_version::get_dag_version_diff,
        dag_run::post_dag_run,
        dag_run::get_dag_runs,
        dag_run::post_dag_run_list,
        dag_run::get_dag_run,
        by_hand::patch_dag_run,
        dag_run::delete_dag_run,
        dag_run::post_clear,
        by_hand::post_cancel,
        by_hand::post_clear_task_instances,
        wait::get_wait,
        callback::get_callbacks,
        callback::get_callback,
        callback::get_callback_log,
        dag_run_event::get_dag_run_events,
        task_instance::get_task_instances,
        task_instance::post_task_instance_list,
        task_instance::get_task_instance,
        task_instance::get_mapped_task_instances,
        task_instance::get_mapped_task_instance,
        task_instance::get_task_summaries,
        by_hand::patch_task_instance,
        by_hand::patch_task_instance_dry_run,
        by_hand::patch_mapped_task_instance,
        by_hand::patch_mapped_task_instance_dry_run,
        by_hand::patch_task_group,
        by_hand::patch_task_group_dry_run,
        explanation::get_explanation,
        explanation::get_mapped_explanation,
        explanation::get_dependencies,
        explanation::get_mapped_dependencies,
        task_instance::get_tries,
        task_instance::get_try,
        task_instance::get_mapped_tries,
        task_instance::get_mapped_try,
        xcom::get_xcoms,
        xcom::get_xcom,
        xcom::post_xcom,
        xcom::patch_xcom,
        xcom::delete_xcom,
        log::get_log,
        variable::get_variables,
        variable::post_variable,
        variable::patch_variables,
        variable::get_variable,
        variable::patch_variable,
        variable::delete_variable,
        connection::get_connections,
        connection::post_connection,
        connection::patch_connections,
        connection::post_default_connections,
        connection::post_connection_test,
        connection::get_connection,
        connection::patch_connection,
        connection::delete_connection,
        pool::get_pools,
        pool::post_pool,
        pool::patch_pools,
        pool::get_pool,
        pool::patch_pool,
        pool::delete_pool,
        asset::get_assets,
        asset::get_asset,
        asset::post_materialize,
        asset::get_asset_events,
        asset::post_asset_event,
        asset::get_upstream_asset_events,
        asset::get_queued_events,
        asset::get_queued_event,
        asset::delete_queued_events,
        asset::delete_queued_event,
        backfill::post_backfill,
        backfill::post_backfill_dry_run,
        backfill::get_backfills,
        backfill::get_backfill,
        backfill::put_backfill_pause,
        backfill::put_backfill_unpause,
        backfill::put_backfill_cancel,
        signal::post_signal,
        signal::get_signals,
        approval::get_approvals,
        approval::get_approval,
        approval::patch_approval,
        event_log::get_event_logs,
        event_log::get_event_log,
        dashboard::get_dag_stats,
        dashboard::get_dag_tags,
        dashboard::get_dag_warnings,
        dashboard::get_import_errors,
        dashboard::get_import_error,
        dashboard::put_parse_dag_file,
        dashboard::get_jobs,
        dashboard::get_config,
        dashboard::get_asset_aliases,
        dashboard::get_extra_links,
        dashboard::get_providers,
        dashboard::get_plugins,
        dashboard::get_plugin_import_errors,
        login::post_token,
        login::post_token_of_cli,
        health::get_health,
        health::get_version,
        docs::get_docs,
        docs::get_docs_style,
        docs::get_docs_script,
        metrics::get_metrics,
        get_openapi,
    ),
    components(schemas(crate::wire::dag_run_event::DagRunEvent)),
    modifiers(&Tokens),
)]
struct Api;

/// Everything needs a bearer token but what is open.
struct Tokens;

impl Modify for Tokens {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        document.components.get_or_insert_default().add_security_scheme("token", scheme);
        document.security = Some(vec![SecurityRequirement::new("token", Vec::<String>::new())]);
        for path in crate::OPEN_ROUTES {
            let item = document.paths.paths.get_mut(path);
            for operation in item.into_iter().flat_map(|item| [item.get.as_mut(), item.post.as_mut()]).flatten() {
                operation.security = Some(vec![]);
            }
        }
    }
}

/// The document as text.
pub fn openapi_json() -> String {
    let mut document = serde_json::to_value(Api::openapi()).expect("the document is JSON");
    add_problems(&mut document);
    let mut text = serde_json::to_string_pretty(&document).expect("the document is JSON");
    text.push('\n');
    text
}

/// Tells which problems each operation may answer with: a response for each of their statuses, and the slugs in `x-problems`.
fn add_problems(document: &mut Value) {
    let mut statuses = BTreeSet::new();
    for (path, item) in document["paths"].as_object_mut().into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            let takes_json = operation["requestBody"]["content"]["application/json"].is_object();
            let mut slugs = BTreeMap::<String, Vec<&str>>::new();
            for (status, slug) in slugs::of(method, path, takes_json) {
                statuses.insert(status);
                slugs.entry(status.to_string()).or_default().push(slug);
            }
            for status in slugs.keys() {
                let responses = operation["responses"].as_object_mut();
                if let Some(responses) = responses.filter(|responses| !responses.contains_key(status)) {
                    responses
                        .insert(status.clone(), json!({"$ref": format!("#/components/responses/Problem{status}")}));
                }
            }
            operation["x-problems"] = json!(slugs);
        }
    }
    let problem = json!({"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}});
    let response = |status: u16| {
        let title = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or_default();
        let description = format!("{title}; x-problems of the operation names the slugs");
        (format!("Problem{status}"), json!({"description": description, "content": problem}))
    };
    let responses: Map<String, Value> = statuses.into_iter().map(response).collect();
    document["components"]["responses"] = Value::Object(responses);
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "Monitor", responses((status = 200, content_type = "application/json", body = Object)))]
pub(crate) async fn get_openapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], openapi_json())
}
