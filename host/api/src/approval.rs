//! Approvals, which Airflow calls human-in-the-loop details.

use axum::extract::{Request, State};
use axum::{Extension, Json};
use control::{Code, Error, Session};
use model::Problem;

use crate::app::App;
use crate::path::PathNames;
use crate::problem::Failure;
use crate::query::QueryReader;
use crate::wire::approval::{HitlAnswerBody, HitlAnswerResponse, HitlDetailCollection, HitlDetailResponse};
use crate::wire::problem::ProblemDetails;
use crate::{body, to_wire};

/// The approvals of a run; for `~`, those of all runs that wait for an answer.
#[utoipa::path(
    get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/hitlDetails", tag = "Approval",
    params(
        ("dag_id" = String, Path, description = "`~` for all"), ("dag_run_id" = String, Path, description = "`~` for all"),
        ("limit" = Option<u32>, Query), ("offset" = Option<u32>, Query),
    ),
    responses(
        (status = 200, body = HitlDetailCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_approvals(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    mut query: QueryReader,
) -> Result<Json<HitlDetailCollection>, Failure> {
    let page = query.page();
    query.finish()?;
    let (dag_id, run_id) = (names.dag_id_or_any()?, names.run_id_or_any()?);
    let run = match (&dag_id, &run_id) {
        (Some(dag_id), Some(run_id)) => Some((dag_id, run_id)),
        (_, None) => None,
        (None, Some(_)) => {
            return Err(Error::new(Code::InvalidRequest, "a run id names a run within a DAG")
                .hint("name the DAG, or say ~ for the run too")
                .into());
        }
    };
    let found = app.control.approval_list(&session, run, dag_id.as_ref(), page).await?;
    let hitl_details = found.rows.iter().map(to_wire::approval).collect();
    Ok(Json(HitlDetailCollection { hitl_details, total_entries: found.total }))
}

/// One approval; -1 stands for the instance of a task that is not mapped.
#[utoipa::path(
    get, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}/hitlDetails",
    tag = "Approval",
    params(
        ("dag_id" = String, Path), ("dag_run_id" = String, Path), ("task_id" = String, Path), ("map_index" = i32, Path),
    ),
    responses(
        (status = 200, body = HitlDetailResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_approval(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
) -> Result<Json<HitlDetailResponse>, Failure> {
    query.finish()?;
    Ok(Json(to_wire::approval(&app.control.approval_fetch(&session, &names.mapped_instance()?).await?)))
}

/// Answers an approval.
#[utoipa::path(
    patch, path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}/hitlDetails",
    tag = "Approval",
    params(
        ("dag_id" = String, Path), ("dag_run_id" = String, Path), ("task_id" = String, Path), ("map_index" = i32, Path),
    ),
    request_body = HitlAnswerBody,
    responses(
        (status = 200, body = HitlAnswerResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn patch_approval(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
    request: Request,
) -> Result<Json<HitlAnswerResponse>, Failure> {
    query.finish()?;
    let name = names.mapped_instance()?;
    let body: HitlAnswerBody = body::json(&app, request).await?;
    let is_approved = match body.chosen_options.as_slice() {
        [chosen] if chosen == to_wire::APPROVE => true,
        [chosen] if chosen == to_wire::REJECT => false,
        _ => {
            let message = format!("choose one of {} and {}", to_wire::APPROVE, to_wire::REJECT);
            let problem = Problem::error("invalid-option", "/chosen_options", message);
            let error = Error::new(Code::InvalidRequest, "the approval cannot be answered like this");
            return Err(error.problems(vec![problem]).into());
        }
    };
    let answer = app.control.approval_answer(&session, &name, is_approved, &body.params_input).await?;
    Ok(Json(to_wire::approval_answer(answer, session.name())))
}
