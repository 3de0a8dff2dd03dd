//! Variables.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use control::{Code, Error, Session};
use model::{Key, Problem};

use crate::app::App;
use crate::bulk::BulkEntity;
use crate::from_wire::Mask;
use crate::path::PathNames;
use crate::problem::Failure;
use crate::query::QueryReader;
use crate::wire::bulk::{BulkBody, BulkResponse};
use crate::wire::problem::ProblemDetails;
use crate::wire::variable::{VariableBody, VariableCollection, VariableResponse};
use crate::{body, bulk, from_wire, to_wire};

/// Variables by key.
#[utoipa::path(
    get, path = "/api/v2/variables", tag = "Variable",
    params(
        ("limit" = Option<u32>, Query), ("offset" = Option<u32>, Query),
        ("order_by" = Option<String>, Query, description = "key"),
        ("variable_key_pattern" = Option<String>, Query, description = "`%` stands for any characters, `_` for one"),
    ),
    responses(
        (status = 200, body = VariableCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_variables(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    mut query: QueryReader,
) -> Result<Json<VariableCollection>, Failure> {
    let (page, pattern) = (query.page(), from_wire::name_pattern(&mut query, "variable_key_pattern"));
    from_wire::one_order(&mut query, "key");
    query.finish()?;
    let found = app.control.variable_list(&session, pattern.as_deref(), page).await?;
    let variables = found.rows.into_iter().map(to_wire::variable).collect();
    Ok(Json(VariableCollection { variables, total_entries: found.total }))
}

/// One variable.
#[utoipa::path(
    get, path = "/api/v2/variables/{variable_key}", tag = "Variable", params(("variable_key" = String, Path)),
    responses(
        (status = 200, body = VariableResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_variable(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
) -> Result<Json<VariableResponse>, Failure> {
    query.finish()?;
    let found = app.control.variable_fetch(&session, &names.variable_key()?).await?;
    Ok(Json(to_wire::variable(found)))
}

/// Makes a variable.
#[utoipa::path(
    post, path = "/api/v2/variables", tag = "Variable", request_body = VariableBody,
    responses(
        (status = 201, body = VariableResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn post_variable(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    query: QueryReader,
    request: Request,
) -> Result<(StatusCode, Json<VariableResponse>), Failure> {
    query.finish()?;
    let body: VariableBody = body::json(&app, request).await?;
    let new = from_wire::new_variable(body).map_err(invalid)?;
    let made = app.control.variable_create(&session, new).await?;
    Ok((StatusCode::CREATED, Json(to_wire::variable(made))))
}

/// Changes a variable.
#[utoipa::path(
    patch, path = "/api/v2/variables/{variable_key}", tag = "Variable",
    params(
        ("variable_key" = String, Path),
        ("update_mask" = Option<Vec<String>>, Query, description = "the members that count; all that the body says where it is left out"),
    ),
    request_body = VariableBody,
    responses(
        (status = 200, body = VariableResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn patch_variable(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    mut query: QueryReader,
    request: Request,
) -> Result<Json<VariableResponse>, Failure> {
    let mask = Mask::read(&mut query, from_wire::VARIABLE_FIELDS);
    query.finish()?;
    let key = names.variable_key()?;
    let body: VariableBody = body::json(&app, request).await?;
    let change = from_wire::variable_change(&key, body, &mask).map_err(invalid)?;
    let changed = app.control.variable_change(&session, &key, change).await?;
    Ok(Json(to_wire::variable(changed)))
}

/// Deletes a variable.
#[utoipa::path(
    delete, path = "/api/v2/variables/{variable_key}", tag = "Variable", params(("variable_key" = String, Path)),
    responses(
        (status = 204, description = "it is gone"),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn delete_variable(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
) -> Result<StatusCode, Failure> {
    query.finish()?;
    app.control.variable_delete(&session, &names.variable_key()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes, changes and deletes many variables.
#[utoipa::path(
    patch, path = "/api/v2/variables", tag = "Variable", request_body = BulkBody<VariableBody>,
    responses(
        (status = 200, body = BulkResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn patch_variables(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    query: QueryReader,
    request: Request,
) -> Result<Json<BulkResponse>, Failure> {
    bulk::apply::<VariableBody>(&app, &session, query, request).await
}

impl BulkEntity for VariableBody {
    const FIELDS: &'static [&'static str] = from_wire::VARIABLE_FIELDS;

    fn name(&self) -> &str {
        &self.key
    }

    async fn exists(app: &App, session: &Session, name: &str) -> Result<bool, Error> {
        let Ok(name) = Key::new(name) else { return Ok(false) };
        match app.control.variable_fetch(session, &name).await {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Code::VariableNotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn create(self, app: &App, session: &Session) -> Result<(), Error> {
        let new = from_wire::new_variable(self).map_err(invalid)?;
        app.control.variable_create(session, new).await.map(drop)
    }

    async fn update(self, app: &App, session: &Session, mask: Mask) -> Result<(), Error> {
        let key = Key::new(&self.key).map_err(|error| Error::new(Code::VariableNotFound, error.to_string()))?;
        let change = from_wire::variable_change(&key, self, &mask).map_err(invalid)?;
        app.control.variable_change(session, &key, change).await.map(drop)
    }

    async fn delete(app: &App, session: &Session, name: &str) -> Result<(), Error> {
        match Key::new(name) {
            Ok(name) => app.control.variable_delete(session, &name).await,
            Err(error) => Err(Error::new(Code::VariableNotFound, error.to_string())),
        }
    }
}

fn invalid(problems: Vec<Problem>) -> Error {
    Error::new(Code::InvalidSetting, "the variable cannot be like this").problems(problems)
}
