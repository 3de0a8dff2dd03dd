//! Connections.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use control::{Code, Error, Session};
use model::{ConnectionId, Problem};

use crate::app::App;
use crate::bulk::BulkEntity;
use crate::from_wire::Mask;
use crate::path::PathNames;
use crate::problem::{Failure, HttpFault};
use crate::query::QueryReader;
use crate::wire::bulk::{BulkBody, BulkResponse};
use crate::wire::connection::{ConnectionBody, ConnectionCollection, ConnectionResponse};
use crate::wire::problem::ProblemDetails;
use crate::{body, bulk, from_wire, to_wire};

/// Connections by id.
#[utoipa::path(
    get, path = "/api/v2/connections", tag = "Connection",
    params(
        ("limit" = Option<u32>, Query), ("offset" = Option<u32>, Query),
        ("order_by" = Option<String>, Query, description = "connection_id"),
        ("connection_id_pattern" = Option<String>, Query, description = "`%` stands for any characters, `_` for one"),
    ),
    responses(
        (status = 200, body = ConnectionCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_connections(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    mut query: QueryReader,
) -> Result<Json<ConnectionCollection>, Failure> {
    let (page, pattern) = (query.page(), from_wire::name_pattern(&mut query, "connection_id_pattern"));
    from_wire::one_order(&mut query, "connection_id");
    query.finish()?;
    let found = app.control.connection_list(&session, pattern.as_deref(), page).await?;
    let connections = found.rows.into_iter().map(to_wire::connection).collect();
    Ok(Json(ConnectionCollection { connections, total_entries: found.total }))
}

/// One connection.
#[utoipa::path(
    get, path = "/api/v2/connections/{connection_id}", tag = "Connection", params(("connection_id" = String, Path)),
    responses(
        (status = 200, body = ConnectionResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_connection(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
) -> Result<Json<ConnectionResponse>, Failure> {
    query.finish()?;
    let found = app.control.connection_fetch(&session, &names.connection_id()?).await?;
    Ok(Json(to_wire::connection(found)))
}

/// Makes a connection.
#[utoipa::path(
    post, path = "/api/v2/connections", tag = "Connection", request_body = ConnectionBody,
    responses(
        (status = 201, body = ConnectionResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn post_connection(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    query: QueryReader,
    request: Request,
) -> Result<(StatusCode, Json<ConnectionResponse>), Failure> {
    query.finish()?;
    let body: ConnectionBody = body::json(&app, request).await?;
    let (id, said) = from_wire::new_connection(body).map_err(invalid)?;
    let made = app.control.connection_create(&session, id, said).await?;
    Ok((StatusCode::CREATED, Json(to_wire::connection(made))))
}

/// Changes a connection.
#[utoipa::path(
    patch, path = "/api/v2/connections/{connection_id}", tag = "Connection",
    params(
        ("connection_id" = String, Path),
        ("update_mask" = Option<Vec<String>>, Query, description = "the members that count; all that the body says where it is left out"),
    ),
    request_body = ConnectionBody,
    responses(
        (status = 200, body = ConnectionResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn patch_connection(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    mut query: QueryReader,
    request: Request,
) -> Result<Json<ConnectionResponse>, Failure> {
    let mask = Mask::read(&mut query, from_wire::CONNECTION_FIELDS);
    query.finish()?;
    let id = names.connection_id()?;
    let body: ConnectionBody = body::json(&app, request).await?;
    let change = from_wire::connection_change(&id, body, &mask).map_err(invalid)?;
    let changed = app.control.connection_change(&session, &id, change).await?;
    Ok(Json(to_wire::connection(changed)))
}

/// Deletes a connection.
#[utoipa::path(
    delete, path = "/api/v2/connections/{connection_id}", tag = "Connection", params(("connection_id" = String, Path)),
    responses(
        (status = 204, description = "it is gone"),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn delete_connection(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
) -> Result<StatusCode, Failure> {
    query.finish()?;
    app.control.connection_delete(&session, &names.connection_id()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes the connections that there are by default, of which there are none.
#[utoipa::path(
    post, path = "/api/v2/connections/defaults", tag = "Connection",
    responses(
        (status = 204, description = "there are none"),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn post_default_connections(query: QueryReader) -> Result<StatusCode, Failure> {
    query.finish()?;
    Ok(StatusCode::NO_CONTENT)
}

/// The server reaches no service itself: guests do, from their sandboxes.
#[utoipa::path(
    post, path = "/api/v2/connections/test", tag = "Connection",
    responses((status = "default", body = ProblemDetails, content_type = "application/problem+json"))
)]
pub(crate) async fn post_connection_test(query: QueryReader) -> Result<StatusCode, Failure> {
    query.finish()?;
    let detail = "the server reaches no service itself; trigger a DAG whose task uses the connection";
    Err(HttpFault::new(StatusCode::FORBIDDEN, "connection-not-tested", "Connections are not tested", detail).into())
}

/// Makes, changes and deletes many connections.
#[utoipa::path(
    patch, path = "/api/v2/connections", tag = "Connection", request_body = BulkBody<ConnectionBody>,
    responses(
        (status = 200, body = BulkResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn patch_connections(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    query: QueryReader,
    request: Request,
) -> Result<Json<BulkResponse>, Failure> {
    bulk::apply::<ConnectionBody>(&app, &session, query, request).await
}

impl BulkEntity for ConnectionBody {
    const FIELDS: &'static [&'static str] = from_wire::CONNECTION_FIELDS;

    fn name(&self) -> &str {
        &self.connection_id
    }

    async fn exists(app: &App, session: &Session, name: &str) -> Result<bool, Error> {
        let Ok(name) = ConnectionId::new(name) else { return Ok(false) };
        match app.control.connection_fetch(session, &name).await {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Code::ConnectionNotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn create(self, app: &App, session: &Session) -> Result<(), Error> {
        let (id, said) = from_wire::new_connection(self).map_err(invalid)?;
        app.control.connection_create(session, id, said).await.map(drop)
    }

    async fn update(self, app: &App, session: &Session, mask: Mask) -> Result<(), Error> {
        let id = ConnectionId::new(&self.connection_id)
            .map_err(|error| Error::new(Code::ConnectionNotFound, error.to_string()))?;
        let change = from_wire::connection_change(&id, self, &mask).map_err(invalid)?;
        app.control.connection_change(session, &id, change).await.map(drop)
    }

    async fn delete(app: &App, session: &Session, name: &str) -> Result<(), Error> {
        match ConnectionId::new(name) {
            Ok(name) => app.control.connection_delete(session, &name).await,
            Err(error) => Err(Error::new(Code::ConnectionNotFound, error.to_string())),
        }
    }
}

fn invalid(problems: Vec<Problem>) -> Error {
    Error::new(Code::InvalidSetting, "the connection cannot be like this").problems(problems)
}
