//! Reads of one thing have an `ETag`, the digest of what is answered; `If-None-Match` saves sending it again, and a change with
//! `If-Match` is made only where the thing still is as it was read.
//!
//! What must hold: of the changes of one thing that this process is asked for with `If-Match`, one is looked at and made after the other.
//! Not here: changes by other processes or without `If-Match` between the look and the change, which are not seen.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use model::Digest;
use tokio::sync::Mutex;
use tower::ServiceExt;

use crate::problem::{Failure, HttpFault};

/// Changes of different things that can be under way at once.
const TURNS: usize = 64;

/// What looks at things before they are changed.
#[derive(Clone)]
pub(crate) struct Looks {
    reader: Router,
    turns: Arc<[Mutex<()>; TURNS]>,
}

impl Looks {
    /// `reader` answers `GET`.
    pub(crate) fn new(reader: Router) -> Self {
        Self { reader, turns: Arc::new([const { Mutex::const_new(()) }; TURNS]) }
    }

    fn turn(&self, path: &str) -> &Mutex<()> {
        let mut hasher = DefaultHasher::new();
        path.hash(&mut hasher);
        &self.turns[(hasher.finish() % TURNS as u64) as usize]
    }
}

/// Marks what is read, and looks before what is changed.
pub(crate) async fn conditions(State(looks): State<Looks>, request: Request, next: Next) -> Response {
    let is_one = request.extensions().get::<MatchedPath>().is_some_and(|path| names_one(path.as_str()));
    if !is_one {
        return next.run(request).await;
    }
    if request.method() == Method::GET {
        let known = request.headers().get(header::IF_NONE_MATCH).cloned();
        return marked(next.run(request).await, known.as_ref()).await;
    }
    let Some(expected) = request.headers().get(header::IF_MATCH).cloned() else { return next.run(request).await };
    let path = request.uri().path().to_owned();
    let _turn = looks.turn(&path).lock().await;
    let found = look(&looks, &path, request.headers()).await;
    match found.headers().get(header::ETAG) {
        Some(tag) if matches(&expected, tag) => next.run(request).await,
        Some(_) => {
            let detail = "the thing is no longer as it was when it was read; read it again and decide anew";
            let status = StatusCode::PRECONDITION_FAILED;
            Failure::from(HttpFault::new(status, "precondition-failed", "The thing has changed", detail))
                .into_response()
        }
        None => found,
    }
}

/// Paths that end with the name of a thing.
fn names_one(path: &str) -> bool {
    path.starts_with("/api/") && path.ends_with('}') && !path.contains("/blobs/")
}

async fn look(looks: &Looks, path: &str, headers: &HeaderMap) -> Response {
    let mut request = Request::new(Body::empty());
    match path.parse() {
        Ok(uri) => *request.uri_mut() = uri,
        Err(_) => return StatusCode::BAD_REQUEST.into_response(),
    }
    let copied: [HeaderName; 2] = [header::AUTHORIZATION, header::HOST];
    for name in copied {
        if let Some(value) = headers.get(&name) {
            request.headers_mut().insert(name, value.clone());
        }
    }
    let Ok(response) = looks.reader.clone().oneshot(request).await;
    marked(response, None).await
}

/// An answer with its tag; without itself where the client knows it.
async fn marked(response: Response, known: Option<&HeaderValue>) -> Response {
    if response.status() != StatusCode::OK || response.body().size_hint().exact().is_none() {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let Ok(body) = body.collect().await else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let bytes = body.to_bytes();
    let tag = format!("\"{}\"", Digest::of(&bytes).to_hex());
    let Ok(tag) = HeaderValue::from_str(&tag) else { return (head, bytes).into_response() };
    let is_known = known.is_some_and(|known| matches(known, &tag));
    head.headers.insert(header::ETAG, tag);
    if is_known {
        head.status = StatusCode::NOT_MODIFIED;
        head.headers.remove(header::CONTENT_TYPE);
        head.headers.remove(header::CONTENT_LENGTH);
        return (head, Body::empty()).into_response();
    }
    (head, bytes).into_response()
}

/// Whether a list of tags has this one. Weak ones are compared like strong ones, for an answer has one form.
fn matches(list: &HeaderValue, tag: &HeaderValue) -> bool {
    let Ok(list) = list.to_str() else { return false };
    let same = |it: &str| it == "*" || it.strip_prefix("W/").unwrap_or(it).as_bytes() == tag.as_bytes();
    list.split(',').map(str::trim).any(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_found_in_lists() {
        let check = |list: &'static str, expected| {
            let (list, tag) = (HeaderValue::from_static(list), HeaderValue::from_static("\"a\""));
            assert_eq!(matches(&list, &tag), expected, "{list:?}");
        };
        check("\"a\"", true);
        check("*", true);
        check("\"b\", W/\"a\"", true);
        check("\"b\"", false);
        check("a", false);
        check("", false);
    }
}
