//! Errors as problem documents (RFC 9457): the one place that knows which status an error has.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use control::{Code, Error};
use model::{Problem, Severity};

use crate::wire::problem::{ProblemDetails, ProblemItem};

/// Seconds after which a refused request may be tried again.
const RETRY_AFTER_S: HeaderValue = HeaderValue::from_static("1");

/// Why a request was refused: by a use-case, or by HTTP itself.
#[derive(Debug)]
pub(crate) enum Failure {
    Control(Error),
    Http(HttpFault),
}

/// What only HTTP can get wrong.
#[derive(Debug)]
pub(crate) struct HttpFault {
    pub(crate) status: StatusCode,
    pub(crate) slug: &'static str,
    pub(crate) title: &'static str,
    pub(crate) detail: String,
    pub(crate) problems: Vec<Problem>,
}

impl HttpFault {
    pub(crate) fn new(status: StatusCode, slug: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, slug, title, detail: detail.into(), problems: Vec::new() }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Control(error)
    }
}

impl From<HttpFault> for Failure {
    fn from(fault: HttpFault) -> Self {
        Self::Http(fault)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::Control(error) => of_error(&error),
            Self::Http(fault) => of_fault(fault),
        }
    }
}

/// The status of an error.
pub(crate) fn status(code: Code) -> StatusCode {
    match code {
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::DagNotFound
        | Code::VersionNotFound
        | Code::RunNotFound
        | Code::TaskNotFound
        | Code::GroupNotFound
        | Code::InstanceNotFound
        | Code::TaskIsMapped
        | Code::TryNotFound
        | Code::XcomNotFound
        | Code::BlobNotFound
        | Code::VariableNotFound
        | Code::ConnectionNotFound
        | Code::PoolNotFound
        | Code::AssetNotFound
        | Code::EventsNotFound
        | Code::BackfillNotFound
        | Code::EventLogNotFound
        | Code::CallbackNotFound
        | Code::ImportErrorNotFound
        | Code::FileNotFound
        | Code::ApprovalNotFound => StatusCode::NOT_FOUND,
        Code::RunExists
        | Code::DagIsStale
        | Code::DagBelongsElsewhere
        | Code::AlreadyExists
        | Code::BackfillRuns
        | Code::BackfillEnded
        | Code::AlreadySo
        | Code::TaskRuns
        | Code::OtherTasks
        | Code::RunNotBegun
        | Code::RunUnfinished
        | Code::RunEnded
        | Code::DagRuns
        | Code::ResultIsUsed
        | Code::NotAwaited
        | Code::DateTaken => StatusCode::CONFLICT,
        Code::InvalidRequest | Code::NotAvailableYet | Code::DigestMismatch => StatusCode::BAD_REQUEST,
        Code::InvalidConf
        | Code::InvalidParams
        | Code::KeyReused
        | Code::NotMappable
        | Code::NotBackfillable
        | Code::InvalidSetting
        | Code::InvalidComponent
        | Code::ParseFailed
        | Code::InvalidDags => StatusCode::UNPROCESSABLE_ENTITY,
        Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::LimitReached | Code::Overloaded => StatusCode::TOO_MANY_REQUESTS,
        Code::NotWritable => StatusCode::INSUFFICIENT_STORAGE,
        Code::Stopping | Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// An error as it stands on the wire.
pub(crate) fn details(error: &Error) -> ProblemDetails {
    let code = error.code();
    ProblemDetails {
        kind: kind(code.slug()),
        title: code.title().to_owned(),
        status: status(code).as_u16(),
        detail: error.message().to_owned(),
        hint: error.what_to_do().map(str::to_owned),
        errors: error.all_problems().iter().map(problem_item).collect(),
    }
}

fn kind(slug: &str) -> String {
    format!("urn:waft:error:{slug}")
}

fn of_error(error: &Error) -> Response {
    let (code, status) = (error.code(), status(error.code()));
    if status.is_server_error() && code != Code::Stopping {
        tracing::error!(code = code.slug(), error = %error.chain(), "request failed");
    } else {
        tracing::debug!(code = code.slug(), error = %error.chain(), "request refused");
    }
    respond(status, &details(error))
}

/// An error after the head of the answer was sent: the connection ends before the body does.
pub(crate) fn cut_off(error: &Error) {
    tracing::error!(code = error.code().slug(), error = %error.chain(), "an answer is cut off");
}

fn of_fault(fault: HttpFault) -> Response {
    let HttpFault { status, slug, title, detail, problems } = fault;
    let details = ProblemDetails {
        kind: kind(slug),
        title: title.to_owned(),
        status: status.as_u16(),
        detail,
        hint: None,
        errors: problems.iter().map(problem_item).collect(),
    };
    respond(status, &details)
}

/// A path that takes other methods.
pub(crate) fn other_method() -> Failure {
    let detail = "this path takes other methods; see the header Allow";
    HttpFault::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "Another method is needed", detail).into()
}

fn respond(status: StatusCode, details: &ProblemDetails) -> Response {
    let body = serde_json::to_vec(details).expect("texts and numbers are JSON");
    let mut response = (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
    let headers = response.headers_mut();
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"waft\""));
    }
    if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        headers.insert(header::RETRY_AFTER, RETRY_AFTER_S);
    }
    response
}

/// One problem on the wire.
pub(crate) fn problem_item(problem: &Problem) -> ProblemItem {
    let Problem { severity, code, path, message } = problem;
    let severity = match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    ProblemItem { severity, code: code.clone(), path: path.clone(), message: message.clone() }
}
