//! Versions of DAGs.

use axum::extract::State;
use axum::{Extension, Json};
use control::Session;

use crate::app::App;
use crate::path::PathNames;
use crate::problem::Failure;
use crate::query::QueryReader;
use crate::to_wire;
use crate::wire::dag_version::{DagVersionCollection, DagVersionDiffResponse, DagVersionResponse};
use crate::wire::problem::ProblemDetails;

/// Versions of a DAG, newest first.
#[utoipa::path(
    get, path = "/api/v2/dags/{dag_id}/dagVersions", tag = "DAG version",
    params(("dag_id" = String, Path), ("limit" = Option<u32>, Query), ("offset" = Option<u32>, Query)),
    responses(
        (status = 200, body = DagVersionCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_dag_versions(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    mut query: QueryReader,
) -> Result<Json<DagVersionCollection>, Failure> {
    let page = query.page();
    query.finish()?;
    let found = app.control.dag_version_list(&session, &names.dag_id()?, page).await?;
    let dag_versions = found.rows.iter().map(|version| to_wire::dag_version(version)).collect();
    Ok(Json(DagVersionCollection { dag_versions, total_entries: found.total }))
}

/// One version of a DAG.
#[utoipa::path(
    get, path = "/api/v2/dags/{dag_id}/dagVersions/{version_number}", tag = "DAG version",
    params(("dag_id" = String, Path), ("version_number" = u32, Path)),
    responses(
        (status = 200, body = DagVersionResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_dag_version(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
) -> Result<Json<DagVersionResponse>, Failure> {
    query.finish()?;
    let version = app.control.dag_version_fetch(&session, &names.dag_id()?, names.version_number()?).await?;
    Ok(Json(to_wire::dag_version(&version)))
}

/// Makes a version current that the DAG had before: new runs are of it, until a bundle is deployed that says otherwise.
#[utoipa::path(
    post, path = "/api/v2/dags/{dag_id}/dagVersions/{version_number}/activate", tag = "DAG version",
    params(("dag_id" = String, Path), ("version_number" = u32, Path)),
    responses(
        (status = 200, body = DagVersionResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn post_dag_version_activate(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
) -> Result<Json<DagVersionResponse>, Failure> {
    query.finish()?;
    let version = app.control.dag_version_activate(&session, &names.dag_id()?, names.version_number()?).await?;
    Ok(Json(to_wire::dag_version(&version)))
}

/// What differs between two versions.
#[utoipa::path(
    get, path = "/api/v2/dags/{dag_id}/dagVersions/{version_number}/diff/{other_number}", tag = "DAG version",
    params(("dag_id" = String, Path), ("version_number" = u32, Path), ("other_number" = u32, Path)),
    responses(
        (status = 200, body = DagVersionDiffResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_dag_version_diff(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
) -> Result<Json<DagVersionDiffResponse>, Failure> {
    query.finish()?;
    let (from, to) = (names.version_number()?, names.other_number()?);
    let diff = app.control.dag_version_diff(&session, &names.dag_id()?, from, to).await?;
    Ok(Json(to_wire::dag_version_diff(&diff)))
}
