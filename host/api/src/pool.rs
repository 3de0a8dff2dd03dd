//! Pools.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use control::{Code, Error, Session};
use model::{PoolName, Problem};

use crate::app::App;
use crate::bulk::BulkEntity;
use crate::from_wire::Mask;
use crate::path::PathNames;
use crate::problem::Failure;
use crate::query::QueryReader;
use crate::wire::bulk::{BulkBody, BulkResponse};
use crate::wire::pool::{PoolBody, PoolCollection, PoolPatchBody, PoolResponse};
use crate::wire::problem::ProblemDetails;
use crate::{body, bulk, from_wire, to_wire};

/// Pools by name.
#[utoipa::path(
    get, path = "/api/v2/pools", tag = "Pool",
    params(
        ("limit" = Option<u32>, Query), ("offset" = Option<u32>, Query),
        ("order_by" = Option<String>, Query, description = "name"),
        ("pool_name_pattern" = Option<String>, Query, description = "`%` stands for any characters, `_` for one"),
    ),
    responses(
        (status = 200, body = PoolCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_pools(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    mut query: QueryReader,
) -> Result<Json<PoolCollection>, Failure> {
    let (page, pattern) = (query.page(), from_wire::name_pattern(&mut query, "pool_name_pattern"));
    from_wire::one_order(&mut query, "name");
    query.finish()?;
    let found = app.control.pool_list(&session, pattern.as_deref(), page).await?;
    let pools = found.rows.iter().map(to_wire::pool).collect();
    Ok(Json(PoolCollection { pools, total_entries: found.total }))
}

/// One pool.
#[utoipa::path(
    get, path = "/api/v2/pools/{pool_name}", tag = "Pool", params(("pool_name" = String, Path)),
    responses(
        (status = 200, body = PoolResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_pool(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
) -> Result<Json<PoolResponse>, Failure> {
    query.finish()?;
    let found = app.control.pool_fetch(&session, &names.pool_name()?).await?;
    Ok(Json(to_wire::pool(&found)))
}

/// Makes a pool.
#[utoipa::path(
    post, path = "/api/v2/pools", tag = "Pool", request_body = PoolBody,
    responses(
        (status = 201, body = PoolResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn post_pool(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    query: QueryReader,
    request: Request,
) -> Result<(StatusCode, Json<PoolResponse>), Failure> {
    query.finish()?;
    let body: PoolBody = body::json(&app, request).await?;
    let (name, slots, said) = from_wire::new_pool(body).map_err(invalid)?;
    let made = app.control.pool_create(&session, name, slots, said).await?;
    Ok((StatusCode::CREATED, Json(to_wire::pool(&made))))
}

/// Changes a pool.
#[utoipa::path(
    patch, path = "/api/v2/pools/{pool_name}", tag = "Pool",
    params(
        ("pool_name" = String, Path),
        ("update_mask" = Option<Vec<String>>, Query, description = "the members that count; all that the body says where it is left out"),
    ),
    request_body = PoolPatchBody,
    responses(
        (status = 200, body = PoolResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn patch_pool(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    mut query: QueryReader,
    request: Request,
) -> Result<Json<PoolResponse>, Failure> {
    let mask = Mask::read(&mut query, from_wire::POOL_FIELDS);
    query.finish()?;
    let name = names.pool_name()?;
    let body: PoolPatchBody = body::json(&app, request).await?;
    let change = from_wire::pool_change(&name, body, &mask).map_err(invalid)?;
    let changed = app.control.pool_change(&session, &name, change).await?;
    Ok(Json(to_wire::pool(&changed)))
}

/// Deletes a pool.
#[utoipa::path(
    delete, path = "/api/v2/pools/{pool_name}", tag = "Pool", params(("pool_name" = String, Path)),
    responses(
        (status = 204, description = "it is gone"),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn delete_pool(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
) -> Result<StatusCode, Failure> {
    query.finish()?;
    app.control.pool_delete(&session, &names.pool_name()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes, changes and deletes many pools.
#[utoipa::path(
    patch, path = "/api/v2/pools", tag = "Pool", request_body = BulkBody<PoolBody>,
    responses(
        (status = 200, body = BulkResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn patch_pools(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    query: QueryReader,
    request: Request,
) -> Result<Json<BulkResponse>, Failure> {
    bulk::apply::<PoolBody>(&app, &session, query, request).await
}

impl BulkEntity for PoolBody {
    const FIELDS: &'static [&'static str] = from_wire::POOL_FIELDS;

    fn name(&self) -> &str {
        &self.name
    }

    async fn exists(app: &App, session: &Session, name: &str) -> Result<bool, Error> {
        let Ok(name) = PoolName::new(name) else { return Ok(false) };
        match app.control.pool_fetch(session, &name).await {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Code::PoolNotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn create(self, app: &App, session: &Session) -> Result<(), Error> {
        let (name, slots, said) = from_wire::new_pool(self).map_err(invalid)?;
        app.control.pool_create(session, name, slots, said).await.map(drop)
    }

    async fn update(self, app: &App, session: &Session, mask: Mask) -> Result<(), Error> {
        let name = PoolName::new(&self.name).map_err(|error| Error::new(Code::PoolNotFound, error.to_string()))?;
        let change = from_wire::pool_change(&name, self.into(), &mask).map_err(invalid)?;
        app.control.pool_change(session, &name, change).await.map(drop)
    }

    async fn delete(app: &App, session: &Session, name: &str) -> Result<(), Error> {
        match PoolName::new(name) {
            Ok(name) => app.control.pool_delete(session, &name).await,
            Err(error) => Err(Error::new(Code::PoolNotFound, error.to_string())),
        }
    }
}

fn invalid(problems: Vec<Problem>) -> Error {
    Error::new(Code::InvalidSetting, "the pool cannot be like this").problems(problems)
}
