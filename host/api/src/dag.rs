//! DAGs.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use control::{Code, Error, Session};

use crate::app::App;
use crate::from_wire::Mask;
use crate::path::PathNames;
use crate::problem::Failure;
use crate::query::QueryReader;
use crate::wire::dag::{DagCollection, DagDetailsResponse, DagPatchBody, DagResponse};
use crate::wire::problem::ProblemDetails;
use crate::{body, from_wire, to_wire};

/// DAGs by id.
#[utoipa::path(
    get, path = "/api/v2/dags", tag = "DAG",
    params(
        ("limit" = Option<u32>, Query), ("offset" = Option<u32>, Query),
        ("order_by" = Option<String>, Query, description = "dag_id or -dag_id"),
        ("dag_id_pattern" = Option<String>, Query, description = "stands in the id, in whatever case; `%` stands for any characters, `_` for one"),
        ("dag_id_prefix_pattern" = Option<String>, Query, description = "the id begins with it"),
        ("dag_display_name_pattern" = Option<String>, Query, description = "stands in the name for people"),
        ("owners" = Option<Vec<String>>, Query), ("last_dag_run_state" = Option<String>, Query),
        ("has_asset_schedule" = Option<bool>, Query), ("asset_dependency" = Option<String>, Query),
        ("has_import_errors" = Option<bool>, Query, description = "none has any"),
        ("is_favorite" = Option<bool>, Query, description = "none is"),
        ("bundle_name" = Option<String>, Query),
        ("tags" = Option<Vec<String>>, Query),
        ("tags_match_mode" = Option<String>, Query, description = "any or all"),
        ("paused" = Option<bool>, Query),
        ("exclude_stale" = Option<bool>, Query, description = "true where it is left out"),
    ),
    responses(
        (status = 200, body = DagCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_dags(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    mut query: QueryReader,
) -> Result<Json<DagCollection>, Failure> {
    let (page, filter) = (query.page(), from_wire::dag_query(&mut query));
    query.finish()?;
    let found = app.control.dag_list(&session, &filter, page).await?;
    Ok(Json(DagCollection { dags: found.rows.iter().map(to_wire::dag).collect(), total_entries: found.total }))
}

/// One DAG.
#[utoipa::path(
    get, path = "/api/v2/dags/{dag_id}", tag = "DAG", params(("dag_id" = String, Path)),
    responses(
        (status = 200, body = DagResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_dag(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
) -> Result<Json<DagResponse>, Failure> {
    query.finish()?;
    Ok(Json(to_wire::dag(&app.control.dag_fetch(&session, &names.dag_id()?).await?)))
}

/// One DAG with its parameters and what is going on in it.
#[utoipa::path(
    get, path = "/api/v2/dags/{dag_id}/details", tag = "DAG", params(("dag_id" = String, Path)),
    responses(
        (status = 200, body = DagDetailsResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_dag_details(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
) -> Result<Json<DagDetailsResponse>, Failure> {
    query.finish()?;
    Ok(Json(to_wire::dag_details(&app.control.dag_details(&session, &names.dag_id()?).await?)))
}

/// Pauses a DAG, or sets it going again.
#[utoipa::path(
    patch, path = "/api/v2/dags/{dag_id}", tag = "DAG",
    params(
        ("dag_id" = String, Path),
        ("update_mask" = Option<Vec<String>>, Query, description = "is_paused"),
    ),
    request_body = DagPatchBody,
    responses(
        (status = 200, body = DagResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn patch_dag(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    mut query: QueryReader,
    request: Request,
) -> Result<Json<DagResponse>, Failure> {
    Mask::read(&mut query, &["is_paused"]);
    query.finish()?;
    let dag_id = names.dag_id()?;
    let body: DagPatchBody = body::json(&app, request).await?;
    Ok(Json(to_wire::dag(&app.control.dag_pause(&session, &dag_id, body.is_paused).await?)))
}

/// Deletes a DAG none of whose runs is unfinished, with its runs. It comes back when its bundle is deployed again.
#[utoipa::path(
    delete, path = "/api/v2/dags/{dag_id}", tag = "DAG", params(("dag_id" = String, Path)),
    responses(
        (status = 204, description = "it is gone"),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn delete_dag(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
) -> Result<StatusCode, Failure> {
    query.finish()?;
    app.control.dag_delete(&session, &names.dag_id()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Pauses the DAGs of a page, or sets them going again.
#[utoipa::path(
    patch, path = "/api/v2/dags", tag = "DAG",
    params(
        ("update_mask" = Option<Vec<String>>, Query, description = "is_paused"),
        ("limit" = Option<u32>, Query), ("offset" = Option<u32>, Query),
        ("order_by" = Option<String>, Query, description = "dag_id or -dag_id"),
        ("dag_id_pattern" = Option<String>, Query, description = "needed; stands in the id, in whatever case; `%` stands for any characters, `_` for one"),
        ("dag_id_prefix_pattern" = Option<String>, Query, description = "the id begins with it"),
        ("dag_display_name_pattern" = Option<String>, Query, description = "stands in the name for people"),
        ("owners" = Option<Vec<String>>, Query), ("last_dag_run_state" = Option<String>, Query),
        ("has_asset_schedule" = Option<bool>, Query), ("asset_dependency" = Option<String>, Query),
        ("has_import_errors" = Option<bool>, Query, description = "none has any"),
        ("is_favorite" = Option<bool>, Query, description = "none is"),
        ("bundle_name" = Option<String>, Query),
        ("tags" = Option<Vec<String>>, Query),
        ("tags_match_mode" = Option<String>, Query, description = "any or all"),
        ("paused" = Option<bool>, Query),
        ("exclude_stale" = Option<bool>, Query, description = "true where it is left out"),
    ),
    request_body = DagPatchBody,
    responses(
        (status = 200, body = DagCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn patch_dags(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    mut query: QueryReader,
    request: Request,
) -> Result<Json<DagCollection>, Failure> {
    Mask::read(&mut query, &["is_paused"]);
    let (page, filter) = (query.page(), from_wire::dag_query(&mut query));
    query.finish()?;
    if filter.rows.dag_id_pattern.is_none() {
        let message = "say which DAGs: dag_id_pattern is missing; ~ stands for all";
        return Err(Error::new(Code::InvalidRequest, message).into());
    }
    let body: DagPatchBody = body::json(&app, request).await?;
    let found = app.control.dag_list(&session, &filter, page).await?;
    let mut dags = Vec::with_capacity(found.rows.len());
    for dag in &found.rows {
        dags.push(to_wire::dag(&app.control.dag_pause(&session, &dag.row.dag_id, body.is_paused).await?));
    }
    Ok(Json(DagCollection { dags, total_entries: found.total }))
}
