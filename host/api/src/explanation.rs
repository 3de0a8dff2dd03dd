//! Why task instances do not run now.

use axum::extract::State;
use axum::{Extension, Json};
use control::Session;

use crate::app::App;
use crate::from_wire;
use crate::path::PathNames;
use crate::problem::Failure;
use crate::query::QueryReader;
use crate::to_wire;
use crate::wire::problem::ProblemDetails;
use crate::wire::task_instance::{ExplanationResponse, TaskDependencyCollection};

/// Why the instance of a task does not run now; of a mapped task, why it has no instances yet.
#[utoipa::path(
    get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/explain", tag = "Task instance",
    params(("dag_id" = String, Path), ("dag_run_id" = String, Path), ("task_id" = String, Path)),
    responses(
        (status = 200, body = ExplanationResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_explanation(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
) -> Result<Json<ExplanationResponse>, Failure> {
    query.finish()?;
    let found = app.control.task_instance_explain(&session, &names.instance()?).await?;
    Ok(Json(to_wire::explanation(&found)))
}

/// Why one instance of a mapped task does not run now.
#[utoipa::path(
    get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}/explain",
    tag = "Task instance",
    params(
        ("dag_id" = String, Path), ("dag_run_id" = String, Path), ("task_id" = String, Path), ("map_index" = i32, Path),
    ),
    responses(
        (status = 200, body = ExplanationResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_mapped_explanation(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
) -> Result<Json<ExplanationResponse>, Failure> {
    query.finish()?;
    let found = app.control.task_instance_explain(&session, &names.mapped_instance()?).await?;
    Ok(Json(to_wire::explanation(&found)))
}

/// What keeps the instance of a task from running.
#[utoipa::path(
    get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/dependencies",
    tag = "Task instance",
    params(
        ("dag_id" = String, Path), ("dag_run_id" = String, Path), ("task_id" = String, Path),
        ("map_index" = Option<i32>, Query),
    ),
    responses(
        (status = 200, body = TaskDependencyCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_dependencies(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    mut query: QueryReader,
) -> Result<Json<TaskDependencyCollection>, Failure> {
    let map_index = from_wire::map_index(&mut query);
    query.finish()?;
    let name = control::InstanceName { map_index, ..names.instance()? };
    Ok(Json(to_wire::dependencies(&app.control.task_instance_explain(&session, &name).await?)))
}

/// What keeps one instance of a mapped task from running.
#[utoipa::path(
    get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}/dependencies",
    tag = "Task instance",
    params(
        ("dag_id" = String, Path), ("dag_run_id" = String, Path), ("task_id" = String, Path), ("map_index" = i32, Path),
    ),
    responses(
        (status = 200, body = TaskDependencyCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_mapped_dependencies(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
) -> Result<Json<TaskDependencyCollection>, Failure> {
    query.finish()?;
    let found = app.control.task_instance_explain(&session, &names.mapped_instance()?).await?;
    Ok(Json(to_wire::dependencies(&found)))
}
