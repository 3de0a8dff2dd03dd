//! Tasks of DAGs.

use axum::extract::State;
use axum::{Extension, Json};
use control::{Code, Error, Session};

use crate::app::App;
use crate::path::PathNames;
use crate::problem::Failure;
use crate::query::QueryReader;
use crate::to_wire;
use crate::wire::problem::ProblemDetails;
use crate::wire::task::{TaskCollection, TaskResponse};

/// Tasks of a DAG's current version.
#[utoipa::path(
    get, path = "/api/v2/dags/{dag_id}/tasks", tag = "Task",
    params(
        ("dag_id" = String, Path),
        ("order_by" = Option<String>, Query, description = "task_id or -task_id; the order of the document where it is left out"),
    ),
    responses(
        (status = 200, body = TaskCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_tasks(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    mut query: QueryReader,
) -> Result<Json<TaskCollection>, Failure> {
    let order = query.order_by(&["task_id"]);
    query.finish()?;
    let dag = app.control.dag_fetch(&session, &names.dag_id()?).await?;
    let version = &dag.current;
    let mut tasks: Vec<_> = version.dag().indices().map(|node| to_wire::task(version, node)).collect();
    if let Some((_, is_descending)) = order {
        tasks.sort_by(|a, b| a.task_id.cmp(&b.task_id));
        if is_descending {
            tasks.reverse();
        }
    }
    Ok(Json(TaskCollection { total_entries: tasks.len() as u64, tasks }))
}

/// One task of a DAG's current version.
#[utoipa::path(
    get, path = "/api/v2/dags/{dag_id}/tasks/{task_id}", tag = "Task",
    params(("dag_id" = String, Path), ("task_id" = String, Path)),
    responses(
        (status = 200, body = TaskResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_task(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
) -> Result<Json<TaskResponse>, Failure> {
    query.finish()?;
    let dag = app.control.dag_fetch(&session, &names.dag_id()?).await?;
    let task_id = names.task_id()?;
    let node = dag.current.dag().find(task_id.as_str()).ok_or_else(|| {
        let message = format!("DAG {:?} has no task {:?}", dag.row.dag_id.as_str(), task_id.as_str());
        Error::new(Code::TaskNotFound, message).hint("list them with GET /api/v2/dags/{dag_id}/tasks")
    })?;
    Ok(Json(to_wire::task(&dag.current, node)))
}
