//! Tokens for clients that log in with a name and a password, as Airflow's do. The server has no users yet: the password is a token of
//! the server, and the answer is that token, once it is known to be one.

use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::{Form, Json};
use control::{Code, Error};
use model::Problem;
use model::limits::http::LOGIN_MAX_BYTES;

use crate::app::App;
use crate::problem::{Failure, HttpFault};
use crate::wire::login::{LoginBody, LoginResponse};
use crate::wire::problem::ProblemDetails;

/// A token for a name and a password.
#[utoipa::path(
    post, path = "/auth/token", tag = "Login",
    request_body(content((LoginBody = "application/json"), (LoginBody = "application/x-www-form-urlencoded"))),
    responses(
        (status = 201, body = LoginResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn post_token(
    State(app): State<App>,
    request: Request,
) -> Result<(StatusCode, Json<LoginResponse>), Failure> {
    log_in(&app, request).await
}

/// The same, for command lines.
#[utoipa::path(
    post, path = "/auth/token/cli", tag = "Login",
    request_body(content((LoginBody = "application/json"), (LoginBody = "application/x-www-form-urlencoded"))),
    responses(
        (status = 201, body = LoginResponse),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn post_token_of_cli(
    State(app): State<App>,
    request: Request,
) -> Result<(StatusCode, Json<LoginResponse>), Failure> {
    log_in(&app, request).await
}

async fn log_in(app: &App, request: Request) -> Result<(StatusCode, Json<LoginResponse>), Failure> {
    let (parts, sent) = request.into_parts();
    let is_form = is_form(&parts.headers);
    let bytes = axum::body::to_bytes(sent, LOGIN_MAX_BYTES).await.map_err(|_| {
        let detail = format!("a name and a password have at most {LOGIN_MAX_BYTES} bytes");
        HttpFault::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "What was sent is too large", detail)
    })?;
    let body: Option<LoginBody> = if is_form {
        Form::from_request(Request::from_parts(parts, bytes.into()), &()).await.ok().map(|Form(body)| body)
    } else {
        serde_json::from_slice(&bytes).ok()
    };
    let body = body.ok_or_else(invalid)?;
    let token = body.password.trim();
    app.control.authenticate(token).await.map_err(|error| match error.code() {
        Code::Unauthenticated => Error::new(Code::Unauthenticated, "the name or the password is not right")
            .hint("the password is a token of the server; the first one is in the file admin.token of its data folder"),
        _ => error,
    })?;
    Ok((StatusCode::CREATED, Json(LoginResponse { access_token: token.to_owned() })))
}

fn is_form(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().is_some_and(|it| it.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"))
}

/// What stood there is not told: it may be a secret.
fn invalid() -> Error {
    let message = "the body is no {\"username\": …, \"password\": …}";
    Error::new(Code::InvalidRequest, message).problems(vec![Problem::error("wrong-shape", "", message)])
}
