//! Callbacks of runs: what was to be told to whom, and how that went.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::{Extension, Json};
use control::Session;

use crate::app::App;
use crate::path::PathNames;
use crate::problem::Failure;
use crate::query::QueryReader;
use crate::wire::callback::{CallbackCollection, CallbackResponse};
use crate::wire::log::LogResponse;
use crate::wire::problem::ProblemDetails;
use crate::{accept, log, to_wire};

/// What a run owed its callbacks, in the order in which it came about; deadlines that are still to come stand among them.
#[utoipa::path(
    get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/callbacks", tag = "Callback",
    params(
        ("dag_id" = String, Path), ("dag_run_id" = String, Path),
        ("limit" = Option<u32>, Query), ("offset" = Option<u32>, Query),
    ),
    responses(
        (status = 200, body = CallbackCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_callbacks(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    mut query: QueryReader,
) -> Result<Json<CallbackCollection>, Failure> {
    let page = query.page();
    query.finish()?;
    let found = app.control.callback_list(&session, &names.dag_id()?, &names.run_id()?, page).await?;
    let callbacks = found.page.rows.iter().map(to_wire::callback).collect();
    Ok(Json(CallbackCollection { callbacks, total_entries: found.page.total, left_out: found.left_out }))
}

/// A callback.
#[utoipa::path(
    get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/callbacks/{callback_number}", tag = "Callback",
    params(("dag_id" = String, Path), ("dag_run_id" = String, Path), ("callback_number" = u32, Path)),
    responses(
        (status = 200, body = CallbackResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_callback(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
) -> Result<Json<CallbackResponse>, Failure> {
    query.finish()?;
    let number = names.callback_number()?;
    let found = app.control.callback_fetch(&session, &names.dag_id()?, &names.run_id()?, number).await?;
    Ok(Json(to_wire::callback(&found)))
}

/// The log of a try of a callback, in the forms of the logs of tasks.
#[utoipa::path(
    get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/callbacks/{callback_number}/logs/{try_number}", tag = "Callback",
    params(
        ("dag_id" = String, Path), ("dag_run_id" = String, Path), ("callback_number" = u32, Path), ("try_number" = u32, Path),
        ("full_content" = Option<bool>, Query, description = "all lines at once"),
        ("token" = Option<String>, Query, description = "the continuation_token of the part before"),
    ),
    responses(
        (status = 200, body = LogResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_callback_log(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    mut query: QueryReader,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let whole = query.flag("full_content").unwrap_or(false);
    let skip = query.one("token", |text| text.parse().ok(), "give the token of the part before").unwrap_or(0);
    query.finish()?;
    let (dag_id, run_id) = (names.dag_id()?, names.run_id()?);
    let (number, try_number) = (names.callback_number()?, names.try_number()?);
    let read = app.control.callback_log_read(&session, (&dag_id, &run_id), number, try_number, skip, whole).await?;
    Ok(log::answer(app, read, accept::form(&headers)))
}
