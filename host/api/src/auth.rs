//! Who asks: the bearer token of a request becomes a session before any handler runs.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use control::{Code, Error};

use crate::app::App;
use crate::problem::Failure;

/// Lets only those pass who show a valid token.
pub(crate) async fn require_token(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let found = match bearer(request.headers()) {
        Ok(token) => app.control.authenticate(token).await,
        Err(error) => Err(error),
    };
    match found {
        Ok(session) => {
            request.extensions_mut().insert(session);
            next.run(request).await
        }
        Err(error) => Failure::from(error).into_response(),
    }
}

fn bearer(headers: &HeaderMap) -> Result<&str, Error> {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let refused = |message: &str| {
        Error::new(Code::Unauthenticated, message).hint(
            "send \"Authorization: Bearer TOKEN\"; the server's first token is in the file admin.token of its data folder",
        )
    };
    let (scheme, token) =
        value.and_then(|value| value.split_once(' ')).ok_or_else(|| refused("the request has no token"))?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(refused("only bearer tokens are taken")) }
}
