//! What dashboards ask beside the nouns. What Waft has none of is answered by an empty list.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use control::{Code, DagStats, Error, InstanceName, Session};
use model::DagId;

use crate::app::App;
use crate::from_wire;
use crate::path::PathNames;
use crate::problem::Failure;
use crate::query::QueryReader;
use crate::wire::dashboard::{
    AssetAliasCollection, ConfigResponse, DagStatsCollection, DagStatsResponse, DagStatsStateResponse,
    DagTagCollection, DagWarningCollection, ExtraLinkCollection, ImportErrorCollection, JobCollection,
    PluginCollection, PluginImportErrorCollection, ProviderCollection,
};
use crate::wire::problem::ProblemDetails;

/// Runs of DAGs by state.
#[utoipa::path(
    get, path = "/api/v2/dagStats", tag = "Dashboard",
    params(("dag_ids" = Option<Vec<String>>, Query, description = "the first hundred DAGs where it is left out")),
    responses(
        (status = 200, body = DagStatsCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_dag_stats(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    mut query: QueryReader,
) -> Result<Json<DagStatsCollection>, Failure> {
    let dag_ids = query.many("dag_ids", |text| DagId::new(text).ok(), "this is no id of a DAG");
    query.finish()?;
    let found = app.control.dag_stats(&session, &dag_ids).await?;
    let dags: Vec<_> = found.iter().map(stats).collect();
    Ok(Json(DagStatsCollection { total_entries: dags.len() as u64, dags }))
}

/// Tags of all DAGs.
#[utoipa::path(
    get, path = "/api/v2/dagTags", tag = "Dashboard",
    params(
        ("limit" = Option<u32>, Query), ("offset" = Option<u32>, Query),
        ("order_by" = Option<String>, Query, description = "name"),
        ("tag_name_pattern" = Option<String>, Query, description = "`%` stands for any characters, `_` for one"),
    ),
    responses(
        (status = 200, body = DagTagCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_dag_tags(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    mut query: QueryReader,
) -> Result<Json<DagTagCollection>, Failure> {
    let (page, pattern) = (query.page(), from_wire::name_pattern(&mut query, "tag_name_pattern"));
    from_wire::one_order(&mut query, "name");
    query.finish()?;
    let found = app.control.dag_tag_list(&session, pattern.as_deref(), page).await?;
    Ok(Json(DagTagCollection { tags: found.rows, total_entries: found.total }))
}

/// Warnings about DAGs: a document that is not right is refused.
#[utoipa::path(
    get, path = "/api/v2/dagWarnings", tag = "Dashboard",
    params(("limit" = Option<u32>, Query), ("offset" = Option<u32>, Query)),
    responses(
        (status = 200, body = DagWarningCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_dag_warnings(mut query: QueryReader) -> Result<Json<DagWarningCollection>, Failure> {
    let _ = query.page();
    query.finish()?;
    Ok(Json(DagWarningCollection::default()))
}

/// Errors of imports: what an upload gets wrong is told to whoever uploads.
#[utoipa::path(
    get, path = "/api/v2/importErrors", tag = "Dashboard",
    params(("limit" = Option<u32>, Query), ("offset" = Option<u32>, Query)),
    responses(
        (status = 200, body = ImportErrorCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_import_errors(mut query: QueryReader) -> Result<Json<ImportErrorCollection>, Failure> {
    let _ = query.page();
    query.finish()?;
    Ok(Json(ImportErrorCollection::default()))
}

/// One of them, of which there is none.
#[utoipa::path(
    get, path = "/api/v2/importErrors/{import_error_id}", tag = "Dashboard",
    params(("import_error_id" = i64, Path)),
    responses((status = "default", body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn get_import_error(query: QueryReader) -> Result<StatusCode, Failure> {
    query.finish()?;
    let message = "what an upload gets wrong is told to whoever uploads, and not kept";
    Err(Error::new(Code::ImportErrorNotFound, message).into())
}

/// Parses the file of a DAG. It was parsed when it came, and tells the same each time, so that nothing is left to do.
#[utoipa::path(
    put, path = "/api/v2/parseDagFile/{file_token}", tag = "Dashboard",
    params(("file_token" = String, Path, description = "that of a DAG")),
    responses(
        (status = 201, description = "it is parsed"),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn put_parse_dag_file(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
) -> Result<StatusCode, Failure> {
    query.finish()?;
    app.control.bundle_parsed(&session, names.file_token()?).await?;
    Ok(StatusCode::CREATED)
}

/// Processes of the server, as Airflow has them.
#[utoipa::path(
    get, path = "/api/v2/jobs", tag = "Dashboard",
    params(("limit" = Option<u32>, Query), ("offset" = Option<u32>, Query)),
    responses(
        (status = 200, body = JobCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_jobs(mut query: QueryReader) -> Result<Json<JobCollection>, Failure> {
    let _ = query.page();
    query.finish()?;
    Ok(Json(JobCollection::default()))
}

/// Packages of operators.
#[utoipa::path(
    get, path = "/api/v2/providers", tag = "Dashboard",
    params(("limit" = Option<u32>, Query), ("offset" = Option<u32>, Query)),
    responses(
        (status = 200, body = ProviderCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_providers(mut query: QueryReader) -> Result<Json<ProviderCollection>, Failure> {
    let _ = query.page();
    query.finish()?;
    Ok(Json(ProviderCollection::default()))
}

/// Plugins.
#[utoipa::path(
    get, path = "/api/v2/plugins", tag = "Dashboard",
    params(("limit" = Option<u32>, Query), ("offset" = Option<u32>, Query)),
    responses(
        (status = 200, body = PluginCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_plugins(mut query: QueryReader) -> Result<Json<PluginCollection>, Failure> {
    let _ = query.page();
    query.finish()?;
    Ok(Json(PluginCollection::default()))
}

/// Errors of plugins.
#[utoipa::path(
    get, path = "/api/v2/plugins/importErrors", tag = "Dashboard",
    responses(
        (status = 200, body = PluginImportErrorCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_plugin_import_errors(query: QueryReader) -> Result<Json<PluginImportErrorCollection>, Failure> {
    query.finish()?;
    Ok(Json(PluginImportErrorCollection::default()))
}

/// Settings of the server.
#[utoipa::path(
    get, path = "/api/v2/config", tag = "Dashboard",
    params(("section" = Option<String>, Query)),
    responses(
        (status = 200, body = ConfigResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_config(mut query: QueryReader) -> Result<Json<ConfigResponse>, Failure> {
    query.one("section", |_| Some(()), "");
    query.finish()?;
    Ok(Json(ConfigResponse::default()))
}

/// Other names of assets.
#[utoipa::path(
    get, path = "/api/v2/assets/aliases", tag = "Asset",
    params(
        ("limit" = Option<u32>, Query), ("offset" = Option<u32>, Query), ("name_pattern" = Option<String>, Query),
    ),
    responses(
        (status = 200, body = AssetAliasCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_asset_aliases(mut query: QueryReader) -> Result<Json<AssetAliasCollection>, Failure> {
    let _ = (query.page(), from_wire::name_pattern(&mut query, "name_pattern"));
    query.finish()?;
    Ok(Json(AssetAliasCollection::default()))
}

/// Pages of other services about an instance.
#[utoipa::path(
    get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/links", tag = "Task instance",
    params(
        ("dag_id" = String, Path), ("dag_run_id" = String, Path), ("task_id" = String, Path),
        ("map_index" = Option<i32>, Query),
    ),
    responses(
        (status = 200, body = ExtraLinkCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_extra_links(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    mut query: QueryReader,
) -> Result<Json<ExtraLinkCollection>, Failure> {
    let map_index = from_wire::map_index(&mut query);
    query.finish()?;
    let name = InstanceName { map_index, ..names.instance()? };
    app.control.task_instance_fetch(&session, &name).await?;
    Ok(Json(ExtraLinkCollection::default()))
}

fn stats(found: &DagStats) -> DagStatsResponse {
    let DagStats { dag, runs } = found;
    DagStatsResponse {
        dag_id: dag.row.dag_id.to_string(),
        dag_display_name: dag.current.display_name().to_owned(),
        stats: runs
            .iter()
            .map(|(state, count)| DagStatsStateResponse { state: state.as_str(), count: *count })
            .collect(),
    }
}
