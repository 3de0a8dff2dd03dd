//! A page that shows the OpenAPI document: three files of this program, which fetch nothing but that document.

use axum::http::{HeaderName, header};
use axum::response::IntoResponse;

/// Nothing from elsewhere, nothing inline, no frames.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
form-action 'none'; frame-ancestors 'none'";

type Headers = [(HeaderName, &'static str); 4];

fn headers(media_type: &'static str) -> Headers {
    [
        (header::CONTENT_TYPE, media_type),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ]
}

/// This API, for people with a browser.
#[utoipa::path(get, path = "/docs", tag = "Monitor", responses((status = 200, content_type = "text/html", body = String)))]
pub(crate) async fn get_docs() -> impl IntoResponse {
    (headers("text/html; charset=utf-8"), include_str!("docs/page.html"))
}

/// The style of the page about this API.
#[utoipa::path(get, path = "/docs/page.css", tag = "Monitor", responses((status = 200, content_type = "text/css", body = String)))]
pub(crate) async fn get_docs_style() -> impl IntoResponse {
    (headers("text/css; charset=utf-8"), include_str!("docs/page.css"))
}

/// The program of the page about this API.
#[utoipa::path(get, path = "/docs/page.js", tag = "Monitor", responses((status = 200, content_type = "text/javascript", body = String)))]
pub(crate) async fn get_docs_script() -> impl IntoResponse {
    (headers("text/javascript; charset=utf-8"), include_str!("docs/page.js"))
}
