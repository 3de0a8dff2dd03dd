//! What a version of a DAG was made of: the document that its component told.

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use control::Session;

use crate::app::App;
use crate::path::PathNames;
use crate::problem::Failure;
use crate::query::QueryReader;
use crate::wire::dag_source::DagSourceResponse;
use crate::wire::problem::ProblemDetails;

/// The document of a DAG's version.
#[utoipa::path(
    get, path = "/api/v2/dagSources/{dag_id}", tag = "DAG version",
    params(
        ("dag_id" = String, Path),
        ("version_number" = Option<u32>, Query, description = "the current version where it is left out"),
    ),
    responses(
        (status = 200, content((DagSourceResponse = "application/json"), (String = "text/plain"))),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_dag_source(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    mut query: QueryReader,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let number = query.one("version_number", |text| text.parse().ok(), "version numbers are 1, 2, …");
    query.finish()?;
    let dag_id = names.dag_id()?;
    let version = match number {
        Some(number) => app.control.dag_version_fetch(&session, &dag_id, number).await?,
        None => app.control.dag_fetch(&session, &dag_id).await?.current,
    };
    let content = version.document_text();
    let wanted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if wanted.starts_with("text/plain") {
        return Ok(content.into_response());
    }
    Ok(Json(DagSourceResponse {
        content,
        dag_id: dag_id.to_string(),
        dag_display_name: version.display_name().to_owned(),
        version_number: version.row.version_number,
    })
    .into_response())
}
