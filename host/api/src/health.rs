//! Health and version; both answer without a token.

use axum::Json;
use axum::extract::State;

use crate::app::App;
use crate::to_wire;
use crate::wire::health::{HealthResponse, VersionResponse};

/// Health of the server's parts.
#[utoipa::path(get, path = "/api/v2/monitor/health", tag = "Monitor", responses((status = 200, body = HealthResponse)))]
pub(crate) async fn get_health(State(app): State<App>) -> Json<HealthResponse> {
    Json(to_wire::health(app.control.health().await))
}

/// What runs here.
#[utoipa::path(get, path = "/api/v2/version", tag = "Monitor", responses((status = 200, body = VersionResponse)))]
pub(crate) async fn get_version() -> Json<VersionResponse> {
    Json(VersionResponse { version: env!("CARGO_PKG_VERSION"), git_version: option_env!("WAFT_GIT_VERSION") })
}
