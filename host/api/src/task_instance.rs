//! Task instances and their tries.

use axum::extract::{Request, State};
use axum::{Extension, Json};
use control::{Code, Error, InstanceFilter, InstanceName, Session, TaskQuery};

use crate::app::App;
use crate::from_wire::Cursor;
use crate::path::PathNames;
use crate::problem::Failure;
use crate::query::QueryReader;
use crate::wire::problem::ProblemDetails;
use crate::wire::task_instance::{
    TaskInstanceCollection, TaskInstanceListBody, TaskInstanceResponse, TaskSummaryCollection, TryCollection,
    TryResponse,
};
use crate::{body, from_wire, to_wire};

/// Instances of a run; of all runs and DAGs for `~`.
#[utoipa::path(
    get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances", tag = "Task instance",
    params(
        ("dag_id" = String, Path, description = "`~` for all"), ("dag_run_id" = String, Path, description = "`~` for all"),
        ("limit" = Option<u32>, Query), ("offset" = Option<u32>, Query),
        ("order_by" = Option<String>, Query, description = "map_index or -map_index"),
        ("cursor" = Option<String>, Query, description = "empty for the first page, then next_cursor or previous_cursor of another page; nothing is counted then"),
        ("task_id" = Option<Vec<String>>, Query), ("state" = Option<Vec<String>>, Query),
        ("map_index" = Option<Vec<i32>>, Query),
        ("dag_id_pattern" = Option<String>, Query), ("dag_id_prefix_pattern" = Option<String>, Query),
        ("run_id_pattern" = Option<String>, Query), ("run_id_prefix_pattern" = Option<String>, Query),
        ("run_after_gte" = Option<String>, Query), ("run_after_gt" = Option<String>, Query),
        ("run_after_lte" = Option<String>, Query), ("run_after_lt" = Option<String>, Query),
        ("logical_date_gte" = Option<String>, Query), ("logical_date_gt" = Option<String>, Query),
        ("logical_date_lte" = Option<String>, Query), ("logical_date_lt" = Option<String>, Query),
        ("version_number" = Option<u32>, Query),
        ("pool" = Option<Vec<String>>, Query, description = "of one run, as are the next ones"),
        ("queue" = Option<Vec<String>>, Query), ("operator" = Option<Vec<String>>, Query),
        ("task_group_id" = Option<String>, Query), ("task_display_name_pattern" = Option<String>, Query),
        ("try_number" = Option<Vec<u32>>, Query),
        ("start_date_gte" = Option<String>, Query), ("start_date_gt" = Option<String>, Query),
        ("start_date_lte" = Option<String>, Query), ("start_date_lt" = Option<String>, Query),
        ("end_date_gte" = Option<String>, Query), ("end_date_gt" = Option<String>, Query),
        ("end_date_lte" = Option<String>, Query), ("end_date_lt" = Option<String>, Query),
        ("duration_gte" = Option<f64>, Query, description = "seconds"), ("duration_gt" = Option<f64>, Query),
        ("duration_lte" = Option<f64>, Query), ("duration_lt" = Option<f64>, Query),
    ),
    responses(
        (status = 200, body = TaskInstanceCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_task_instances(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    mut query: QueryReader,
) -> Result<Json<TaskInstanceCollection>, Failure> {
    let mut page = query.page();
    let (dag_id, run_id) = (names.dag_id_or_any()?, names.run_id_or_any()?);
    let (filter, tasks, cursor) = from_wire::instance_filter(dag_id.clone(), &mut query, &mut page);
    query.finish()?;
    let run = match (&dag_id, &run_id) {
        (Some(dag_id), Some(run_id)) => Some((dag_id, run_id)),
        (_, None) => None,
        (None, Some(_)) => {
            return Err(Error::new(Code::InvalidRequest, "a run id names a run within a DAG")
                .hint("name the DAG, or say ~ for the run too")
                .into());
        }
    };
    let mut found = app.control.task_instance_list(&session, run, filter, &tasks, page).await?;
    let is_full = found.rows.len() >= page.limit as usize;
    if cursor.is_some_and(Cursor::is_backwards) {
        found.rows.reverse();
    }
    let (has_previous, has_next) = cursor.map_or((false, false), |cursor| cursor.neighbours(is_full));
    let (first, last) = (found.rows.first().filter(|_| has_previous), found.rows.last().filter(|_| has_next));
    Ok(Json(TaskInstanceCollection {
        task_instances: found.rows.iter().map(to_wire::task_instance).collect(),
        total_entries: cursor.is_none().then_some(found.total),
        next_cursor: last.map(|last| Cursor::AfterInstance(last.row.key).to_string()),
        previous_cursor: first.map(|first| Cursor::BeforeInstance(first.row.key).to_string()),
    }))
}

/// Instances of several DAGs and runs, as a list of names can say it that is too long for an address.
#[utoipa::path(
    post, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/list", tag = "Task instance",
    params(
        ("dag_id" = String, Path, description = "`~`; the body says which DAGs"),
        ("dag_run_id" = String, Path, description = "`~`; the body says which runs"),
    ),
    request_body = TaskInstanceListBody,
    responses(
        (status = 200, body = TaskInstanceCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn post_task_instance_list(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
    request: Request,
) -> Result<Json<TaskInstanceCollection>, Failure> {
    names.require_list("task_id")?;
    query.finish()?;
    let (dag_id, run_id) = (names.dag_id_or_any()?, names.run_id_or_any()?);
    let body: TaskInstanceListBody = body::json(&app, request).await?;
    let mut list = from_wire::instance_list(dag_id.clone(), body)?;
    list.run = dag_id.zip(run_id).or(list.run);
    let needs_run = list.tasks != TaskQuery::default();
    let run = list.run.as_ref().filter(|_| needs_run || list.filter.dag_id.is_some());
    let run = run.map(|(dag_id, run_id)| (dag_id, run_id));
    let found = app.control.task_instance_list(&session, run, list.filter, &list.tasks, list.page).await?;
    let task_instances = found.rows.iter().map(to_wire::task_instance).collect();
    let total_entries = Some(found.total);
    Ok(Json(TaskInstanceCollection { task_instances, total_entries, next_cursor: None, previous_cursor: None }))
}

/// The instance of a task that is not mapped.
#[utoipa::path(
    get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}", tag = "Task instance",
    params(("dag_id" = String, Path), ("dag_run_id" = String, Path), ("task_id" = String, Path)),
    responses(
        (status = 200, body = TaskInstanceResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_task_instance(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
) -> Result<Json<TaskInstanceResponse>, Failure> {
    query.finish()?;
    Ok(Json(to_wire::task_instance(&app.control.task_instance_fetch(&session, &names.instance()?).await?)))
}

/// One instance of a mapped task.
#[utoipa::path(
    get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}", tag = "Task instance",
    params(
        ("dag_id" = String, Path), ("dag_run_id" = String, Path), ("task_id" = String, Path), ("map_index" = i32, Path),
    ),
    responses(
        (status = 200, body = TaskInstanceResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_mapped_task_instance(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
) -> Result<Json<TaskInstanceResponse>, Failure> {
    query.finish()?;
    Ok(Json(to_wire::task_instance(&app.control.task_instance_fetch(&session, &names.mapped_instance()?).await?)))
}

/// All instances of a mapped task; none before it is expanded.
#[utoipa::path(
    get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/listMapped", tag = "Task instance",
    params(
        ("dag_id" = String, Path), ("dag_run_id" = String, Path), ("task_id" = String, Path),
        ("limit" = Option<u32>, Query), ("offset" = Option<u32>, Query),
        ("order_by" = Option<String>, Query, description = "map_index or -map_index"),
        ("state" = Option<Vec<String>>, Query), ("map_index" = Option<Vec<i32>>, Query),
        ("try_number" = Option<Vec<u32>>, Query),
        ("start_date_gte" = Option<String>, Query), ("start_date_gt" = Option<String>, Query),
        ("start_date_lte" = Option<String>, Query), ("start_date_lt" = Option<String>, Query),
        ("end_date_gte" = Option<String>, Query), ("end_date_gt" = Option<String>, Query),
        ("end_date_lte" = Option<String>, Query), ("end_date_lt" = Option<String>, Query),
        ("duration_gte" = Option<f64>, Query, description = "seconds"), ("duration_gt" = Option<f64>, Query),
        ("duration_lte" = Option<f64>, Query), ("duration_lt" = Option<f64>, Query),
    ),
    responses(
        (status = 200, body = TaskInstanceCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_mapped_task_instances(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    mut query: QueryReader,
) -> Result<Json<TaskInstanceCollection>, Failure> {
    let page = query.page();
    let filter: InstanceFilter = from_wire::mapped_filter(&mut query);
    query.finish()?;
    let InstanceName { dag_id, run_id, task_id, .. } = names.instance()?;
    let found = app.control.task_instance_list_mapped(&session, &dag_id, &run_id, &task_id, filter, page).await?;
    let task_instances = found.rows.iter().map(to_wire::task_instance).collect();
    let total_entries = Some(found.total);
    Ok(Json(TaskInstanceCollection { task_instances, total_entries, next_cursor: None, previous_cursor: None }))
}

/// How the tasks of a run stand: their instances by state.
#[utoipa::path(
    get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskSummaries", tag = "Task instance",
    params(("dag_id" = String, Path), ("dag_run_id" = String, Path)),
    responses(
        (status = 200, body = TaskSummaryCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_task_summaries(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
) -> Result<Json<TaskSummaryCollection>, Failure> {
    query.finish()?;
    let (run, summaries) = app.control.task_summaries(&session, &names.dag_id()?, &names.run_id()?).await?;
    let tasks: Vec<_> = summaries.iter().map(|summary| to_wire::task_summary(&run, summary)).collect();
    Ok(Json(TaskSummaryCollection { total_entries: tasks.len() as u64, tasks }))
}

/// Tries of the instance of a task that is not mapped, oldest first.
#[utoipa::path(
    get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/tries", tag = "Task instance",
    params(("dag_id" = String, Path), ("dag_run_id" = String, Path), ("task_id" = String, Path)),
    responses(
        (status = 200, body = TryCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_tries(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
) -> Result<Json<TryCollection>, Failure> {
    query.finish()?;
    tries(&app, &session, &names.instance()?).await
}

/// Tries of one instance of a mapped task, oldest first.
#[utoipa::path(
    get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}/tries",
    tag = "Task instance",
    params(
        ("dag_id" = String, Path), ("dag_run_id" = String, Path), ("task_id" = String, Path), ("map_index" = i32, Path),
    ),
    responses(
        (status = 200, body = TryCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_mapped_tries(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
) -> Result<Json<TryCollection>, Failure> {
    query.finish()?;
    tries(&app, &session, &names.mapped_instance()?).await
}

/// One try of the instance of a task that is not mapped.
#[utoipa::path(
    get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/tries/{try_number}",
    tag = "Task instance",
    params(
        ("dag_id" = String, Path), ("dag_run_id" = String, Path), ("task_id" = String, Path), ("try_number" = u32, Path),
    ),
    responses(
        (status = 200, body = TryResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_try(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
) -> Result<Json<TryResponse>, Failure> {
    query.finish()?;
    let found = app.control.task_instance_try(&session, &names.instance()?, names.try_number()?).await?;
    Ok(Json(to_wire::task_try(&found)))
}

/// One try of one instance of a mapped task.
#[utoipa::path(
    get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}/tries/{try_number}",
    tag = "Task instance",
    params(
        ("dag_id" = String, Path), ("dag_run_id" = String, Path), ("task_id" = String, Path), ("map_index" = i32, Path),
        ("try_number" = u32, Path),
    ),
    responses(
        (status = 200, body = TryResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_mapped_try(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
) -> Result<Json<TryResponse>, Failure> {
    query.finish()?;
    let found = app.control.task_instance_try(&session, &names.mapped_instance()?, names.try_number()?).await?;
    Ok(Json(to_wire::task_try(&found)))
}

async fn tries(app: &App, session: &Session, name: &InstanceName) -> Result<Json<TryCollection>, Failure> {
    let found = app.control.task_instance_tries(session, name).await?;
    let task_instances: Vec<_> = found.iter().map(to_wire::task_try).collect();
    Ok(Json(TryCollection { total_entries: task_instances.len() as u64, task_instances }))
}
