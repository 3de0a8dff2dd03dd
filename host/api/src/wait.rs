//! Waiting for a run.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use control::Session;

use crate::accept::{self, Form};
use crate::app::{App, stopping};
use crate::log::streamed;
use crate::path::PathNames;
use crate::problem::Failure;
use crate::query::QueryReader;
use crate::wire::problem::ProblemDetails;
use crate::wire::wait::WaitResponse;
use crate::{from_wire, to_wire, wait_stream};

/// Waits for a run: one JSON object at the end; with `Accept: application/x-ndjson` or `text/event-stream` also what happens until then.
#[utoipa::path(
    get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/wait", tag = "DagRun",
    params(
        ("dag_id" = String, Path), ("dag_run_id" = String, Path),
        ("interval" = Option<f64>, Query, description = "shortest time between two lines of a stream, in seconds"),
        ("result" = Option<Vec<String>>, Query, description = "tasks whose values are the answer; the DAG's result tasks where it is left out"),
        ("timeout" = Option<f64>, Query, description = "seconds"),
        ("until" = Option<String>, Query, description = "result: as soon as the result is there or can no longer come; finished (the default): until nothing is unfinished"),
        ("counts" = Option<bool>, Query, description = "tell in a stream how many instances of each task are in each state"),
    ),
    responses(
        (status = 200, body = WaitResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_wait(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    mut query: QueryReader,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let wait_query = from_wire::wait(&mut query);
    query.finish()?;
    let (dag_id, run_id) = (names.dag_id()?, names.run_id()?);
    let room = app.waiter_room()?;
    match accept::form(&headers) {
        Form::Json => {
            let waited = tokio::select! {
                waited = app.control.dag_run_wait(&session, &dag_id, &run_id, &wait_query.wait) => waited?,
                () = app.shutdown.cancelled() => return Err(stopping().into()),
            };
            Ok(Json(to_wire::waited(waited)).into_response())
        }
        form => {
            let follow = app.control.dag_run_follow(&session, &dag_id, &run_id).await?;
            app.control.check_results(&follow.run, &wait_query.wait.results)?;
            Ok(streamed(form, wait_stream::pieces(app, follow, wait_query, form, room)))
        }
    }
}
