//! The log of what people did.

use axum::extract::State;
use axum::{Extension, Json};
use control::Session;

use crate::app::App;
use crate::path::PathNames;
use crate::problem::Failure;
use crate::query::QueryReader;
use crate::wire::event_log::{EventLogCollection, EventLogResponse};
use crate::wire::problem::ProblemDetails;
use crate::{from_wire, to_wire};

/// What people did, in the order in which they did it.
#[utoipa::path(
    get, path = "/api/v2/eventLogs", tag = "Event log",
    params(
        ("limit" = Option<u32>, Query), ("offset" = Option<u32>, Query),
        ("order_by" = Option<String>, Query, description = "event_log_id or when; - before it for descending order"),
        ("dag_id" = Option<String>, Query), ("run_id" = Option<String>, Query), ("task_id" = Option<String>, Query),
        ("map_index" = Option<i32>, Query), ("try_number" = Option<u32>, Query), ("owner" = Option<String>, Query),
        ("event" = Option<String>, Query), ("included_events" = Option<Vec<String>>, Query),
        ("excluded_events" = Option<Vec<String>>, Query),
        ("before" = Option<String>, Query), ("after" = Option<String>, Query),
    ),
    responses(
        (status = 200, body = EventLogCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_event_logs(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    mut query: QueryReader,
) -> Result<Json<EventLogCollection>, Failure> {
    let (page, filter) = (query.page(), from_wire::event_log_filter(&mut query));
    query.finish()?;
    let found = app.control.event_log_list(&session, &filter, page).await?;
    let event_logs = found.rows.iter().map(to_wire::event_log).collect();
    Ok(Json(EventLogCollection { event_logs, total_entries: found.total }))
}

/// Something that somebody did.
#[utoipa::path(
    get, path = "/api/v2/eventLogs/{event_log_id}", tag = "Event log",
    params(("event_log_id" = i64, Path)),
    responses(
        (status = 200, body = EventLogResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_event_log(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
) -> Result<Json<EventLogResponse>, Failure> {
    query.finish()?;
    Ok(Json(to_wire::event_log(&app.control.event_log_fetch(&session, names.event_log_id()?).await?)))
}
