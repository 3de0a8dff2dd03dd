//! Tokens for who has a name and a password.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who asks for a token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoginBody {
    /// Any name: the password alone says who it is.
    #[serde(default)]
    #[expect(dead_code, reason = "clients send it, and it says nothing")]
    pub(crate) username: Option<String>,
    /// A token of the server.
    pub(crate) password: String,
}

/// A token to send as `Authorization: Bearer`.
#[derive(Serialize, ToSchema)]
pub(crate) struct LoginResponse {
    pub(crate) access_token: String,
}
