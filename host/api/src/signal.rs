//! Signals.

use axum::extract::{Request, State};
use axum::{Extension, Json};
use control::Session;
use model::{DagId, RunId};

use crate::app::App;
use crate::path::PathNames;
use crate::problem::Failure;
use crate::query::QueryReader;
use crate::wire::problem::ProblemDetails;
use crate::wire::signal::{AwaitedSignalCollection, SignalBody, SignalResponse};
use crate::{body, to_wire};

/// Tells a run something: whoever waits for it there goes on, now or when it begins to wait.
#[utoipa::path(
    post, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/signals/{signal_name}", tag = "Signal",
    params(("dag_id" = String, Path), ("dag_run_id" = String, Path), ("signal_name" = String, Path)),
    request_body = SignalBody,
    responses(
        (status = 200, body = SignalResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn post_signal(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
    request: Request,
) -> Result<Json<SignalResponse>, Failure> {
    query.finish()?;
    let (dag_id, run_id, name) = (names.dag_id()?, names.run_id()?, names.signal_name());
    let body: SignalBody = body::json_or_default(&app, request).await?;
    let payload = body.payload.as_ref().map_or("null", |payload| payload.get());
    app.control.dag_run_signal(&session, &dag_id, &run_id, &name, payload.into()).await?;
    Ok(Json(SignalResponse { dag_id: dag_id.to_string(), dag_run_id: run_id.to_string(), name }))
}

/// Instances that wait for signals.
#[utoipa::path(
    get, path = "/api/v2/signals", tag = "Signal",
    params(
        ("limit" = Option<u32>, Query), ("offset" = Option<u32>, Query),
        ("dag_id" = Option<String>, Query),
        ("dag_run_id" = Option<String>, Query, description = "of this run alone; dag_id names its DAG"),
    ),
    responses(
        (status = 200, body = AwaitedSignalCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_signals(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    mut query: QueryReader,
) -> Result<Json<AwaitedSignalCollection>, Failure> {
    let page = query.page();
    let dag_id = query.one("dag_id", |text| DagId::new(text).ok(), "this is no id of a DAG");
    let run_id = query.one("dag_run_id", |text| RunId::new(text).ok(), "this is no id of a run");
    if run_id.is_some() && dag_id.is_none() {
        query.refuse("dag_run_id", "a run id names a run within a DAG; say dag_id too".to_owned());
    }
    query.finish()?;
    let found = app.control.signal_list(&session, dag_id.as_ref(), run_id.as_ref(), page).await?;
    let signals = found.rows.iter().map(to_wire::awaited_signal).collect();
    Ok(Json(AwaitedSignalCollection { signals, total_entries: found.total }))
}
