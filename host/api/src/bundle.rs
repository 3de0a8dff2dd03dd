//! Bundles.

use axum::extract::{Request, State};
use axum::{Extension, Json};
use control::Session;
use model::limits::http::UPLOAD_MAX_BYTES;

use crate::app::App;
use crate::path::PathNames;
use crate::problem::Failure;
use crate::query::QueryReader;
use crate::wire::bundle::{BundleCollection, BundleVersionBody, DeployResponse};
use crate::wire::problem::ProblemDetails;
use crate::{body, from_wire, to_wire};

/// Makes a component the bundle's current version, and its DAGs with it. A failure leaves what is current.
#[utoipa::path(
    post, path = "/api/v2/bundles/{name}", tag = "Bundle",
    params(
        ("name" = String, Path, description = "name of the bundle; made where there is none"),
        ("dry_run" = Option<bool>, Query, description = "only tell what would be done"),
    ),
    request_body(content = Vec<u8>, content_type = "application/wasm"),
    responses(
        (status = 200, body = DeployResponse, description = "current, or would be; `created` tells what is new"),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn post_bundle(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    mut query: QueryReader,
    request: Request,
) -> Result<Json<DeployResponse>, Failure> {
    let name = names.bundle_name()?;
    let dry_run = query.flag("dry_run").unwrap_or(false);
    query.finish()?;
    body::require_media_type(request.headers(), "application/wasm")?;
    let (component, _room) = body::upload(&app, request, UPLOAD_MAX_BYTES).await?;
    let deployed = app.control.bundle_deploy(&session, &name, component, dry_run).await?;
    Ok(Json(to_wire::deployed(&deployed)))
}

/// All bundles, by name.
#[utoipa::path(
    get, path = "/api/v2/bundles", tag = "Bundle",
    params(("limit" = Option<u32>, Query), ("offset" = Option<u32>, Query)),
    responses(
        (status = 200, body = BundleCollection),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_bundles(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    mut query: QueryReader,
) -> Result<Json<BundleCollection>, Failure> {
    let page = query.page();
    query.finish()?;
    let found = app.control.bundle_list(&session, page).await?;
    let bundles = found.rows.iter().map(to_wire::bundle).collect();
    Ok(Json(BundleCollection { bundles, total_entries: found.total }))
}

/// Makes a bundle current whose files were uploaded before, as `PUT /blobs/{digest}` does. A failure leaves what is current.
#[utoipa::path(
    post, path = "/api/v2/bundles/{name}/versions", tag = "Bundle",
    params(
        ("name" = String, Path, description = "name of the bundle; made where there is none"),
        ("dry_run" = Option<bool>, Query, description = "only tell what would be done"),
    ),
    request_body = BundleVersionBody,
    responses(
        (status = 200, body = DeployResponse, description = "current, or would be; `created` tells what is new"),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn post_bundle_version(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    mut query: QueryReader,
    request: Request,
) -> Result<Json<DeployResponse>, Failure> {
    let name = names.bundle_name()?;
    let dry_run = query.flag("dry_run").unwrap_or(false);
    query.finish()?;
    let body: BundleVersionBody = body::json(&app, request).await?;
    let files = from_wire::files(body)?;
    Ok(Json(to_wire::deployed(&app.control.bundle_deploy_files(&session, &name, &files, dry_run).await?)))
}
