//! Values that instances left behind, and what people make of them.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use control::{InstanceName, Session};

use crate::app::App;
use crate::path::PathNames;
use crate::problem::Failure;
use crate::query::QueryReader;
use crate::wire::problem::ProblemDetails;
use crate::wire::xcom::{XcomCollection, XcomCreateBody, XcomPatchBody, XcomValueResponse};
use crate::{body, from_wire, to_wire};

/// Values of a task, without themselves: all of one instance, or those with one key of all instances of a mapped task.
#[utoipa::path(
    get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/xcomEntries", tag = "XCom",
    params(
        ("dag_id" = String, Path), ("dag_run_id" = String, Path), ("task_id" = String, Path),
        ("limit" = Option<u32>, Query), ("offset" = Option<u32>, Query),
        ("map_index" = Option<i32>, Query),
        ("xcom_key" = Option<String>, Query, description = "for a mapped task without map_index, return_value where it is left out"),
    ),
    responses(
        (status = 200, body = XcomCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_xcoms(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    mut query: QueryReader,
) -> Result<Json<XcomCollection>, Failure> {
    let (page, filter) = (query.page(), from_wire::xcom_filter(&mut query));
    query.finish()?;
    let InstanceName { dag_id, run_id, task_id, .. } = names.instance()?;
    let found = app.control.xcom_list(&session, &dag_id, &run_id, &task_id, &filter, page).await?;
    Ok(Json(XcomCollection {
        xcom_entries: found.rows.iter().map(to_wire::xcom).collect(),
        total_entries: found.total,
    }))
}

/// One value.
#[utoipa::path(
    get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/xcomEntries/{xcom_key}",
    tag = "XCom",
    params(
        ("dag_id" = String, Path), ("dag_run_id" = String, Path), ("task_id" = String, Path), ("xcom_key" = String, Path),
        ("map_index" = Option<i32>, Query, description = "-1 where it is left out"),
        ("deserialize" = Option<bool>, Query, description = "changes nothing: values are JSON"),
        ("stringify" = Option<bool>, Query, description = "give the value as a string of JSON text"),
    ),
    responses(
        (status = 200, body = XcomValueResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_xcom(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    mut query: QueryReader,
) -> Result<Json<XcomValueResponse>, Failure> {
    let map_index = from_wire::map_index(&mut query);
    let stringify = query.flag("stringify").unwrap_or(false);
    query.flag("deserialize");
    query.finish()?;
    let name = InstanceName { map_index, ..names.instance()? };
    let (view, text) = app.control.xcom_fetch(&session, &name, &names.xcom_key()?).await?;
    Ok(Json(to_wire::xcom_value(&view, &text, stringify)))
}

/// Leaves a value beside an instance.
#[utoipa::path(
    post, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/xcomEntries", tag = "XCom",
    params(("dag_id" = String, Path), ("dag_run_id" = String, Path), ("task_id" = String, Path)),
    request_body = XcomCreateBody,
    responses(
        (status = 201, body = XcomValueResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn post_xcom(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
    request: Request,
) -> Result<(StatusCode, Json<XcomValueResponse>), Failure> {
    query.finish()?;
    let name = names.instance()?;
    let body: XcomCreateBody = body::json(&app, request).await?;
    let (name, key, value) = from_wire::new_xcom(name, body)?;
    let (view, text) = app.control.xcom_create(&session, &name, &key, &value).await?;
    Ok((StatusCode::CREATED, Json(to_wire::xcom_value(&view, &text, false))))
}

/// Gives a value that is there another one in its place.
#[utoipa::path(
    patch, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/xcomEntries/{xcom_key}",
    tag = "XCom",
    params(
        ("dag_id" = String, Path), ("dag_run_id" = String, Path), ("task_id" = String, Path), ("xcom_key" = String, Path),
    ),
    request_body = XcomPatchBody,
    responses(
        (status = 200, body = XcomValueResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn patch_xcom(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
    request: Request,
) -> Result<Json<XcomValueResponse>, Failure> {
    query.finish()?;
    let (name, key) = (names.instance()?, names.xcom_key()?);
    let body: XcomPatchBody = body::json(&app, request).await?;
    let (name, value) = from_wire::changed_xcom(name, body)?;
    let (view, text) = app.control.xcom_update(&session, &name, &key, &value).await?;
    Ok(Json(to_wire::xcom_value(&view, &text, false)))
}

/// Takes a value away.
#[utoipa::path(
    delete, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/xcomEntries/{xcom_key}",
    tag = "XCom",
    params(
        ("dag_id" = String, Path), ("dag_run_id" = String, Path), ("task_id" = String, Path), ("xcom_key" = String, Path),
        ("map_index" = Option<i32>, Query, description = "-1 where it is left out"),
    ),
    responses(
        (status = 204, description = "it is gone"),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn delete_xcom(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    mut query: QueryReader,
) -> Result<StatusCode, Failure> {
    let map_index = from_wire::map_index(&mut query);
    query.finish()?;
    let name = from_wire::indexed(names.instance()?, map_index);
    app.control.xcom_delete(&session, &name, &names.xcom_key()?).await?;
    Ok(StatusCode::NO_CONTENT)
}
