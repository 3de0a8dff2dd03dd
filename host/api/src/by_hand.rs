//! What people ask of runs that are there: clears, marks, cancels, notes.

use axum::extract::{Request, State};
use axum::{Extension, Json};
use control::{Changed, Code, Error, PageRequest, Session};
use model::limits::http::CHANGES_TOLD_MAX;
use model::{MapIndex, Problem, TaskId};

use crate::app::App;
use crate::from_wire::{INSTANCE_FIELDS, InstancePatch, Mask, RUN_FIELDS};
use crate::path::PathNames;
use crate::problem::Failure;
use crate::query::QueryReader;
use crate::wire::dag_run::{CancelBody, DagRunPatchBody, DagRunResponse};
use crate::wire::problem::ProblemDetails;
use crate::wire::task_instance::{ClearTaskInstancesBody, PatchTaskInstanceBody, TaskInstanceCollection};
use crate::{body, from_wire, to_wire};

/// All that an answer tells of what changes.
pub(crate) const TOLD: PageRequest = PageRequest { limit: CHANGES_TOLD_MAX, offset: 0 };

/// Makes instances of one or several runs wait again; or, for a dry run, tells which.
#[utoipa::path(
    post, path = "/api/v2/dags/{dag_id}/clearTaskInstances", tag = "Task instance",
    params(("dag_id" = String, Path)),
    request_body = ClearTaskInstancesBody,
    responses(
        (status = 200, body = TaskInstanceCollection, description = "the instances, the first 10,000 of them; for a dry run with the version that they would have"),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn post_clear_task_instances(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
    request: Request,
) -> Result<Json<TaskInstanceCollection>, Failure> {
    query.finish()?;
    let dag_id = names.dag_id()?;
    let body: ClearTaskInstancesBody = body::json(&app, request).await?;
    let clear = from_wire::clear(dag_id, body).map_err(cannot)?;
    Ok(told(&app.control.task_instances_clear(&session, &clear, TOLD).await?))
}

/// Gives all instances of a task a state, or a note.
#[utoipa::path(
    patch, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}", tag = "Task instance",
    params(
        ("dag_id" = String, Path), ("dag_run_id" = String, Path), ("task_id" = String, Path),
        ("map_index" = Option<i32>, Query, description = "one instance alone"),
        ("update_mask" = Option<Vec<String>>, Query, description = "the members that count; all that the body says where it is left out"),
    ),
    request_body = PatchTaskInstanceBody,
    responses(
        (status = 200, body = TaskInstanceCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn patch_task_instance(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
    request: Request,
) -> Result<Json<TaskInstanceCollection>, Failure> {
    patch(&app, &session, &names, Named::Task, query, request, false).await
}

/// Gives one instance of a mapped task a state, or a note.
#[utoipa::path(
    patch, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}", tag = "Task instance",
    params(
        ("dag_id" = String, Path), ("dag_run_id" = String, Path), ("task_id" = String, Path), ("map_index" = i32, Path),
        ("update_mask" = Option<Vec<String>>, Query, description = "the members that count; all that the body says where it is left out"),
    ),
    request_body = PatchTaskInstanceBody,
    responses(
        (status = 200, body = TaskInstanceCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn patch_mapped_task_instance(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
    request: Request,
) -> Result<Json<TaskInstanceCollection>, Failure> {
    patch(&app, &session, &names, Named::Instance, query, request, false).await
}

/// Gives all instances of the tasks of a group a state, or a note.
#[utoipa::path(
    patch, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskGroupInstances/{group_id}", tag = "Task instance",
    params(
        ("dag_id" = String, Path), ("dag_run_id" = String, Path), ("group_id" = String, Path),
        ("update_mask" = Option<Vec<String>>, Query, description = "the members that count; all that the body says where it is left out"),
    ),
    request_body = PatchTaskInstanceBody,
    responses(
        (status = 200, body = TaskInstanceCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn patch_task_group(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
    request: Request,
) -> Result<Json<TaskInstanceCollection>, Failure> {
    patch(&app, &session, &names, Named::Group, query, request, false).await
}

/// The instances that would get a state.
#[utoipa::path(
    patch, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/dry_run", tag = "Task instance",
    params(
        ("dag_id" = String, Path), ("dag_run_id" = String, Path), ("task_id" = String, Path),
        ("map_index" = Option<i32>, Query), ("update_mask" = Option<Vec<String>>, Query),
    ),
    request_body = PatchTaskInstanceBody,
    responses(
        (status = 200, body = TaskInstanceCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn patch_task_instance_dry_run(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
    request: Request,
) -> Result<Json<TaskInstanceCollection>, Failure> {
    patch(&app, &session, &names, Named::Task, query, request, true).await
}

/// The instances that would get a state.
#[utoipa::path(
    patch, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}/dry_run",
    tag = "Task instance",
    params(
        ("dag_id" = String, Path), ("dag_run_id" = String, Path), ("task_id" = String, Path), ("map_index" = i32, Path),
        ("update_mask" = Option<Vec<String>>, Query),
    ),
    request_body = PatchTaskInstanceBody,
    responses(
        (status = 200, body = TaskInstanceCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn patch_mapped_task_instance_dry_run(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
    request: Request,
) -> Result<Json<TaskInstanceCollection>, Failure> {
    patch(&app, &session, &names, Named::Instance, query, request, true).await
}

/// The instances that would get a state.
#[utoipa::path(
    patch, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskGroupInstances/{group_id}/dry_run",
    tag = "Task instance",
    params(
        ("dag_id" = String, Path), ("dag_run_id" = String, Path), ("group_id" = String, Path),
        ("update_mask" = Option<Vec<String>>, Query),
    ),
    request_body = PatchTaskInstanceBody,
    responses(
        (status = 200, body = TaskInstanceCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn patch_task_group_dry_run(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
    request: Request,
) -> Result<Json<TaskInstanceCollection>, Failure> {
    patch(&app, &session, &names, Named::Group, query, request, true).await
}

/// Gives a run a state, or a note.
#[utoipa::path(
    patch, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}", tag = "DagRun",
    params(
        ("dag_id" = String, Path), ("dag_run_id" = String, Path),
        ("update_mask" = Option<Vec<String>>, Query, description = "the members that count; all that the body says where it is left out"),
    ),
    request_body = DagRunPatchBody,
    responses(
        (status = 200, body = DagRunResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn patch_dag_run(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    mut query: QueryReader,
    request: Request,
) -> Result<Json<DagRunResponse>, Failure> {
    let mask = Mask::read(&mut query, RUN_FIELDS);
    query.finish()?;
    let (dag_id, run_id) = (names.dag_id()?, names.run_id()?);
    let body: DagRunPatchBody = body::json(&app, request).await?;
    let (state, note) = from_wire::run_patch(body, &mask).map_err(cannot)?;
    if let Some(state) = state {
        let why = note.as_ref().and_then(|note| note.as_deref());
        app.control.dag_run_mark(&session, &dag_id, &run_id, state, why).await?;
    }
    if let Some(note) = note {
        app.control.dag_run_note(&session, &dag_id, &run_id, note).await?;
    }
    Ok(Json(to_wire::dag_run(&app.control.dag_run_fetch(&session, &dag_id, &run_id).await?)))
}

/// Ends a run: what runs in it is cancelled, what waits is skipped, and then its teardowns have their turn. Once more, and those end too.
#[utoipa::path(
    post, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/cancel", tag = "DagRun",
    params(("dag_id" = String, Path), ("dag_run_id" = String, Path)),
    request_body = CancelBody,
    responses(
        (status = 200, body = DagRunResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn post_cancel(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
    request: Request,
) -> Result<Json<DagRunResponse>, Failure> {
    query.finish()?;
    let (dag_id, run_id) = (names.dag_id()?, names.run_id()?);
    let body: CancelBody = body::json_or_default(&app, request).await?;
    let run = app.control.dag_run_cancel(&session, &dag_id, &run_id, body.note.as_deref()).await?;
    Ok(Json(to_wire::dag_run(&run)))
}

/// What the path of a patch names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    Task,
    Instance,
    Group,
}

async fn patch(
    app: &App,
    session: &Session,
    names: &PathNames,
    named: Named,
    mut query: QueryReader,
    request: Request,
    dry_run: bool,
) -> Result<Json<TaskInstanceCollection>, Failure> {
    let mask = Mask::read(&mut query, INSTANCE_FIELDS);
    let asked = if named == Named::Task { from_wire::map_index(&mut query) } else { None };
    query.finish()?;
    let (dag_id, run_id) = (names.dag_id()?, names.run_id()?);
    let tasks: Vec<(TaskId, Option<MapIndex>)> = match named {
        Named::Task => vec![(names.task_id()?, asked)],
        Named::Instance => vec![(names.task_id()?, Some(names.map_index()?))],
        Named::Group => {
            let tasks = app.control.task_group_tasks(session, &dag_id, &run_id, &names.group_id()?).await?;
            tasks.into_iter().map(|task_id| (task_id, asked)).collect()
        }
    };
    let body: PatchTaskInstanceBody = body::json(app, request).await?;
    let run = (dag_id.clone(), run_id.clone());
    let InstancePatch { mark, note } =
        from_wire::instance_patch(run, tasks.clone(), body, &mask, dry_run).map_err(cannot)?;
    let marked = match mark {
        Some(mark) => Some(app.control.task_instances_mark(session, &mark, TOLD).await?),
        None => None,
    };
    let noted = match note {
        Some(note) => {
            Some(app.control.task_instances_note(session, &dag_id, &run_id, &tasks, note, dry_run, TOLD).await?)
        }
        None => None,
    };
    Ok(told(&marked.or(noted).unwrap_or(Changed { rows: Vec::new(), total: 0 })))
}

fn told(changed: &Changed) -> Json<TaskInstanceCollection> {
    let task_instances = changed.rows.iter().map(to_wire::task_instance).collect();
    let total_entries = Some(changed.total);
    Json(TaskInstanceCollection { task_instances, total_entries, next_cursor: None, previous_cursor: None })
}

pub(crate) fn cannot(problems: Vec<Problem>) -> Error {
    Error::new(Code::InvalidRequest, "this cannot be done like this").problems(problems)
}
