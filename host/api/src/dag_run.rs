//! Runs.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use control::{Code, Error, PageRequest, RunFilter, RunOrder, Session, TriggerRequest};
use model::limits::http::TOTAL_ENTRIES_MAX;
use std::time::Duration;

use crate::app::{App, stopping};
use crate::by_hand::{TOLD, cannot};
use crate::from_wire::Cursor;
use crate::path::PathNames;
use crate::problem::Failure;
use crate::query::QueryReader;
use crate::wire::dag_run::{
    ClearAnswer, ClearBody, ClearPreview, DagRunCollection, DagRunListBody, DagRunResponse, TriggerBody,
};
use crate::wire::problem::ProblemDetails;
use crate::wire::wait::WaitResponse;
use crate::{body, from_wire, prefer, to_wire};

/// Starts a run. With `Prefer: wait=SECONDS` the answer comes with the result, when it is there in time.
#[utoipa::path(
    post, path = "/api/v2/dags/{dag_id}/dagRuns", tag = "DagRun",
    params(
        ("dag_id" = String, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "the same request under the same key makes one run and answers with it, however often it comes; another request under the key is refused"),
        ("Prefer" = Option<String>, Header, description = "wait=SECONDS (RFC 7240): wait for the result, at most 3600 seconds however many are asked for; fractions are possible, anything else is refused"),
    ),
    request_body = TriggerBody,
    responses(
        (status = 200, body = DagRunResponse, description = "started; with Prefer: wait, the result as WaitResponse"),
        (status = 202, body = WaitResponse, description = "started; the result was not there in time"),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn post_dag_run(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
    request: Request,
) -> Result<Response, Failure> {
    query.finish()?;
    let wait = prefer::wait(request.headers())?;
    let key = idempotency_key(request.headers())?;
    let body: TriggerBody = body::json(&app, request).await?;
    let trigger = from_wire::trigger(names.dag_id()?, key, body).map_err(|problems| {
        Error::new(Code::InvalidRequest, "the run cannot be triggered like this").problems(problems)
    })?;
    match wait {
        None => Ok(Json(to_wire::dag_run(&app.control.dag_run_trigger(&session, trigger).await?)).into_response()),
        Some(timeout) => trigger_and_wait(&app, &session, trigger, timeout).await,
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Error> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let text = value.to_str().map_err(|_| {
        Error::new(Code::InvalidRequest, "the header Idempotency-Key holds other characters than ASCII has")
    })?;
    Ok(Some(text.trim().to_owned()))
}

async fn trigger_and_wait(
    app: &App,
    session: &Session,
    trigger: TriggerRequest,
    timeout: Duration,
) -> Result<Response, Failure> {
    let _room = app.waiter_room()?;
    let wait = from_wire::prefer_wait(timeout);
    let waited = tokio::select! {
        waited = app.control.dag_run_trigger_and_wait(session, trigger, &wait) => waited?,
        () = app.shutdown.cancelled() => return Err(stopping().into()),
    };
    let answer = to_wire::waited(waited);
    let mut headers = HeaderMap::new();
    let mut insert = |name, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    };
    let run = format!("/api/v2/dags/{}/dagRuns/{}", answer.dag_run.dag_id, answer.dag_run.dag_run_id);
    let status = if answer.timed_out {
        insert(header::LINK, format!("<{run}/wait>; rel=\"monitor\""));
        insert(header::LOCATION, run);
        StatusCode::ACCEPTED
    } else {
        StatusCode::OK
    };
    insert(header::HeaderName::from_static("preference-applied"), format!("wait={}", wait.timeout.as_secs_f64()));
    Ok((status, headers, Json(answer)).into_response())
}

/// Runs of a DAG; of all DAGs for `~`.
#[utoipa::path(
    get, path = "/api/v2/dags/{dag_id}/dagRuns", tag = "DagRun",
    params(
        ("dag_id" = String, Path, description = "`~` for all"),
        ("limit" = Option<u32>, Query), ("offset" = Option<u32>, Query),
        ("order_by" = Option<String>, Query, description = "id, run_after, start_date, end_date, logical_date, dag_run_id or state; - before it for descending order"),
        ("state" = Option<Vec<String>>, Query), ("run_type" = Option<Vec<String>>, Query),
        ("cursor" = Option<String>, Query, description = "empty for the first page, then next_cursor or previous_cursor of another page; nothing is counted then"),
        ("run_id_pattern" = Option<String>, Query, description = "stands in the id, in whatever case; `%` stands for any characters, `_` for one"),
        ("run_id_prefix_pattern" = Option<String>, Query, description = "the id begins with it"),
        ("dag_id_pattern" = Option<String>, Query), ("dag_id_prefix_pattern" = Option<String>, Query),
        ("conf_contains" = Option<String>, Query, description = "stands in the conf as it was sent"),
        ("dag_version" = Option<u32>, Query),
        ("duration_gte" = Option<f64>, Query, description = "seconds"), ("duration_gt" = Option<f64>, Query),
        ("duration_lte" = Option<f64>, Query), ("duration_lt" = Option<f64>, Query),
        ("run_after_gte" = Option<String>, Query), ("run_after_gt" = Option<String>, Query),
        ("run_after_lte" = Option<String>, Query), ("run_after_lt" = Option<String>, Query),
        ("start_date_gte" = Option<String>, Query), ("start_date_gt" = Option<String>, Query),
        ("start_date_lte" = Option<String>, Query), ("start_date_lt" = Option<String>, Query),
        ("end_date_gte" = Option<String>, Query), ("end_date_gt" = Option<String>, Query),
        ("end_date_lte" = Option<String>, Query), ("end_date_lt" = Option<String>, Query),
        ("logical_date_gte" = Option<String>, Query), ("logical_date_gt" = Option<String>, Query),
        ("logical_date_lte" = Option<String>, Query), ("logical_date_lt" = Option<String>, Query),
    ),
    responses(
        (status = 200, body = DagRunCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_dag_runs(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    mut query: QueryReader,
) -> Result<Json<DagRunCollection>, Failure> {
    let mut page = query.page();
    let (filter, cursor) = from_wire::run_filter(names.dag_id_or_any()?, &mut query, &mut page);
    query.finish()?;
    runs(&app, &session, &filter, page, cursor).await
}

/// Runs of several DAGs, as a list of names can say it that is too long for an address.
#[utoipa::path(
    post, path = "/api/v2/dags/{dag_id}/dagRuns/list", tag = "DagRun",
    params(("dag_id" = String, Path, description = "`~`; the body says which DAGs")),
    request_body = DagRunListBody,
    responses(
        (status = 200, body = DagRunCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn post_dag_run_list(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
    request: Request,
) -> Result<Json<DagRunCollection>, Failure> {
    names.require_list("dag_run_id")?;
    query.finish()?;
    let dag_id = names.dag_id_or_any()?;
    let body: DagRunListBody = body::json(&app, request).await?;
    let (filter, page) = from_wire::run_list(dag_id, body)?;
    runs(&app, &session, &filter, page, None).await
}

async fn runs(
    app: &App,
    session: &Session,
    filter: &RunFilter,
    page: PageRequest,
    cursor: Option<Cursor>,
) -> Result<Json<DagRunCollection>, Failure> {
    let mut found = app.control.dag_run_list(session, filter, page).await?;
    let read = found.rows.len() as u64;
    // A page may be shorter than it was asked for, so that only the count tells the end.
    let more = read > 0 && u64::from(page.offset) + read < found.total;
    if cursor.is_some_and(Cursor::is_backwards) {
        found.rows.reverse();
    }
    let (has_previous, has_next) = cursor.map_or((false, false), |cursor| cursor.neighbours(more));
    let (first, last) = (found.rows.first().filter(|_| has_previous), found.rows.last().filter(|_| has_next));
    let (previous, next) = match filter.order {
        RunOrder::Key => {
            (first.map(|run| Cursor::BeforeRun(run.row.key)), last.map(|run| Cursor::AfterRun(run.row.key)))
        }
        _ => {
            let offsets = (page.offset.saturating_sub(page.limit), page.offset + read as u32);
            (first.map(|_| Cursor::Offset(offsets.0)), last.map(|_| Cursor::Offset(offsets.1)))
        }
    };
    Ok(Json(DagRunCollection {
        dag_runs: found.rows.iter().map(to_wire::dag_run).collect(),
        total_entries: cursor.is_none().then_some(found.total),
        total_entries_limit: TOTAL_ENTRIES_MAX,
        next_cursor: next.map(|next| next.to_string()),
        previous_cursor: previous.map(|previous| previous.to_string()),
    }))
}

/// One run.
#[utoipa::path(
    get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}", tag = "DagRun",
    params(("dag_id" = String, Path), ("dag_run_id" = String, Path)),
    responses(
        (status = 200, body = DagRunResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_dag_run(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
) -> Result<Json<DagRunResponse>, Failure> {
    query.finish()?;
    Ok(Json(to_wire::dag_run(&app.control.dag_run_fetch(&session, &names.dag_id()?, &names.run_id()?).await?)))
}

/// Makes a run's instances wait again, all or those that failed; or, for a dry run, tells which.
#[utoipa::path(
    post, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/clear", tag = "DagRun",
    params(("dag_id" = String, Path), ("dag_run_id" = String, Path)),
    request_body = ClearBody,
    responses(
        (status = 200, body = ClearAnswer, description = "the run as it is now; for a dry run, what would be cleared"),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn post_clear(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
    request: Request,
) -> Result<Json<ClearAnswer>, Failure> {
    query.finish()?;
    let (dag_id, run_id) = (names.dag_id()?, names.run_id()?);
    let body: ClearBody = body::json(&app, request).await?;
    let (clear, dry_run) = from_wire::run_clear(body).map_err(cannot)?;
    if dry_run {
        let preview = app.control.dag_run_clear_preview(&session, &dag_id, &run_id, clear, TOLD).await?;
        let task_instances = preview.rows.iter().map(to_wire::task_instance).collect();
        return Ok(Json(ClearAnswer::Preview(ClearPreview { task_instances, total_entries: preview.total })));
    }
    let run = app.control.dag_run_clear(&session, &dag_id, &run_id, clear).await?;
    Ok(Json(ClearAnswer::Run(Box::new(to_wire::dag_run(&run)))))
}

/// Deletes a run that has ended.
#[utoipa::path(
    delete, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}", tag = "DagRun",
    params(("dag_id" = String, Path), ("dag_run_id" = String, Path)),
    responses(
        (status = 204, description = "it is gone"),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn delete_dag_run(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
) -> Result<StatusCode, Failure> {
    query.finish()?;
    app.control.dag_run_delete(&session, &names.dag_id()?, &names.run_id()?).await?;
    Ok(StatusCode::NO_CONTENT)
}
