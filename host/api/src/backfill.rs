//! Backfills.

use axum::extract::{Request, State};
use axum::{Extension, Json};
use control::{BackfillRequest, Code, Error, Session};
use model::{BackfillState, DagId};

use crate::app::App;
use crate::path::PathNames;
use crate::problem::Failure;
use crate::query::QueryReader;
use crate::wire::backfill::{BackfillBody, BackfillCollection, BackfillResponse, DryRunBackfillCollection};
use crate::wire::problem::ProblemDetails;
use crate::{body, from_wire, to_wire};

/// Makes a backfill; its runs begin as its concurrency allows.
#[utoipa::path(
    post, path = "/api/v2/backfills", tag = "Backfill",
    request_body = BackfillBody,
    responses(
        (status = 200, body = BackfillResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn post_backfill(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    query: QueryReader,
    request: Request,
) -> Result<Json<BackfillResponse>, Failure> {
    query.finish()?;
    let wanted = read(&app, request).await?;
    Ok(Json(to_wire::backfill(&app.control.backfill_create(&session, wanted).await?)))
}

/// The dates for which a backfill would make or repeat runs.
#[utoipa::path(
    post, path = "/api/v2/backfills/dry_run", tag = "Backfill",
    request_body = BackfillBody,
    responses(
        (status = 200, body = DryRunBackfillCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn post_backfill_dry_run(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    query: QueryReader,
    request: Request,
) -> Result<Json<DryRunBackfillCollection>, Failure> {
    query.finish()?;
    let wanted = read(&app, request).await?;
    let planned = app.control.backfill_preview(&session, &wanted).await?;
    let backfills = planned.iter().map(to_wire::planned_date).collect();
    Ok(Json(DryRunBackfillCollection { backfills, total_entries: planned.len() as u64 }))
}

/// Backfills, newest first.
#[utoipa::path(
    get, path = "/api/v2/backfills", tag = "Backfill",
    params(
        ("limit" = Option<u32>, Query), ("offset" = Option<u32>, Query),
        ("dag_id" = Option<String>, Query, description = "those of all DAGs where it is left out"),
    ),
    responses(
        (status = 200, body = BackfillCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_backfills(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    mut query: QueryReader,
) -> Result<Json<BackfillCollection>, Failure> {
    let page = query.page();
    let dag_id = query.one("dag_id", |text| DagId::new(text).ok(), "this is no id of a DAG");
    query.finish()?;
    let found = app.control.backfill_list(&session, dag_id.as_ref(), page).await?;
    let backfills = found.rows.iter().map(to_wire::backfill).collect();
    Ok(Json(BackfillCollection { backfills, total_entries: found.total }))
}

/// One backfill.
#[utoipa::path(
    get, path = "/api/v2/backfills/{backfill_id}", tag = "Backfill",
    params(("backfill_id" = i64, Path)),
    responses(
        (status = 200, body = BackfillResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_backfill(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
) -> Result<Json<BackfillResponse>, Failure> {
    query.finish()?;
    Ok(Json(to_wire::backfill(&app.control.backfill_fetch(&session, names.backfill_id()?).await?)))
}

/// Makes no more runs of a backfill; what runs goes on.
#[utoipa::path(
    put, path = "/api/v2/backfills/{backfill_id}/pause", tag = "Backfill",
    params(("backfill_id" = i64, Path)),
    responses(
        (status = 200, body = BackfillResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn put_backfill_pause(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
) -> Result<Json<BackfillResponse>, Failure> {
    query.finish()?;
    moved(&app, &session, &names, BackfillState::Paused).await
}

/// Sets a backfill going again.
#[utoipa::path(
    put, path = "/api/v2/backfills/{backfill_id}/unpause", tag = "Backfill",
    params(("backfill_id" = i64, Path)),
    responses(
        (status = 200, body = BackfillResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn put_backfill_unpause(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
) -> Result<Json<BackfillResponse>, Failure> {
    query.finish()?;
    moved(&app, &session, &names, BackfillState::Running).await
}

/// Ends a backfill; what runs goes on.
#[utoipa::path(
    put, path = "/api/v2/backfills/{backfill_id}/cancel", tag = "Backfill",
    params(("backfill_id" = i64, Path)),
    responses(
        (status = 200, body = BackfillResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn put_backfill_cancel(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
) -> Result<Json<BackfillResponse>, Failure> {
    query.finish()?;
    moved(&app, &session, &names, BackfillState::Cancelled).await
}

async fn moved(
    app: &App,
    session: &Session,
    names: &PathNames,
    to: BackfillState,
) -> Result<Json<BackfillResponse>, Failure> {
    Ok(Json(to_wire::backfill(&app.control.backfill_move(session, names.backfill_id()?, to).await?)))
}

async fn read(app: &App, request: Request) -> Result<BackfillRequest, Failure> {
    let body: BackfillBody = body::json(app, request).await?;
    let wanted = from_wire::backfill(body);
    Ok(wanted.map_err(|problems| {
        Error::new(Code::NotBackfillable, "the backfill cannot be made like this").problems(problems)
    })?)
}
