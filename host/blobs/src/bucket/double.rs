//! A server that speaks as much S3 as the client here does, with one bucket in memory. It knows keys by their names and does not
//! check signatures.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use object_store::ObjectStore;
use object_store::aws::AmazonS3Builder;

use super::PART_BYTES;

pub(crate) const BUCKET: &str = "bucket";
pub(crate) const KEY: &str = "AKIDEXAMPLE";
/// A secret of a request, which servers repeat in what they refuse.
pub(crate) const REPEATED: &str = "x-amz-security-token:of-nobody-else";
/// Names that one page of a listing has.
const PAGE: usize = 3;

/// The server. It ends with the runtime.
pub(crate) struct Double {
    pub(crate) address: String,
    pub(crate) shared: Arc<Shared>,
}

#[derive(Default)]
pub(crate) struct Shared {
    objects: Mutex<BTreeMap<String, (Bytes, Timestamp)>>,
    uploads: Mutex<HashMap<String, BTreeMap<u32, Bytes>>>,
    last: AtomicU64,
    /// So many requests are answered with 503.
    pub(crate) busy: AtomicU64,
    pub(crate) requests: AtomicU64,
}

impl Double {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared::default());
        let app = Router::new().fallback(answer).with_state(shared.clone());
        let app = app.layer(axum::extract::DefaultBodyLimit::disable());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { address, shared }
    }

    pub(crate) fn settings(&self) -> AmazonS3Builder {
        AmazonS3Builder::new()
            .with_endpoint(&self.address)
            .with_allow_http(true)
            .with_access_key_id(KEY)
            .with_secret_access_key("secret")
            .with_region("us-east-1")
    }

    pub(crate) fn open(&self, prefix: &str) -> Arc<dyn ObjectStore> {
        super::build(self.settings(), BUCKET, prefix).unwrap()
    }
}

impl Shared {
    pub(crate) fn names(&self) -> Vec<String> {
        self.objects.lock().unwrap().keys().cloned().collect()
    }

    pub(crate) fn uploads(&self) -> usize {
        self.uploads.lock().unwrap().len()
    }

    /// Makes an object look as if it had been written so long ago.
    pub(crate) fn age(&self, name: &str, age: std::time::Duration) {
        self.objects.lock().unwrap().get_mut(name).unwrap().1 -= age;
    }

    fn keep(&self, name: &str, bytes: Bytes) {
        #[expect(clippy::disallowed_methods, reason = "as a server on another machine, it has a clock of its own")]
        let now = Timestamp::now();
        self.objects.lock().unwrap().insert(name.to_owned(), (bytes, now));
    }
}

type Asked = HashMap<String, String>;

async fn answer(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    shared.requests.fetch_add(1, Ordering::Relaxed);
    let is_busy = |busy: u64| busy.checked_sub(1);
    if shared.busy.fetch_update(Ordering::Relaxed, Ordering::Relaxed, is_busy).is_ok() {
        return refused(StatusCode::SERVICE_UNAVAILABLE, "SlowDown");
    }
    let signed = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !signed.contains(&format!("Credential={KEY}/")) {
        return refused(StatusCode::FORBIDDEN, "InvalidAccessKeyId");
    }
    let path = uri.path().trim_start_matches('/');
    let (bucket, name) = path.split_once('/').unwrap_or((path, ""));
    if bucket != BUCKET {
        return refused(StatusCode::NOT_FOUND, "NoSuchBucket");
    }
    match (method, asked.get("uploadId")) {
        (Method::GET, _) if name.is_empty() => list(&shared, &asked),
        (Method::GET | Method::HEAD, _) => get(&shared, name, &headers),
        (Method::POST, None) => {
            let upload = shared.last.fetch_add(1, Ordering::Relaxed).to_string();
            shared.uploads.lock().unwrap().insert(upload.clone(), BTreeMap::new());
            xml(format!("<R><Bucket>{BUCKET}</Bucket><Key>{name}</Key><UploadId>{upload}</UploadId></R>"))
        }
        (Method::PUT, Some(upload)) => {
            let number = asked["partNumber"].parse().unwrap();
            shared.uploads.lock().unwrap().get_mut(upload).unwrap().insert(number, body);
            [(header::ETAG, format!("\"{number}\""))].into_response()
        }
        (Method::POST, Some(upload)) => complete(&shared, name, upload),
        (Method::DELETE, Some(upload)) => {
            shared.uploads.lock().unwrap().remove(upload);
            StatusCode::NO_CONTENT.into_response()
        }
        (Method::PUT, None) => put(&shared, name, &headers, body),
        (Method::DELETE, None) => {
            shared.objects.lock().unwrap().remove(name);
            StatusCode::NO_CONTENT.into_response()
        }
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

fn complete(shared: &Shared, name: &str, upload: &str) -> Response {
    let parts = shared.uploads.lock().unwrap().get(upload).unwrap().clone();
    let last = parts.last_key_value().map(|(number, _)| *number);
    if parts.iter().any(|(number, part)| part.len() < PART_BYTES && Some(*number) != last) {
        return refused(StatusCode::BAD_REQUEST, "EntityTooSmall");
    }
    shared.uploads.lock().unwrap().remove(upload);
    shared.keep(name, parts.into_values().flatten().collect());
    xml("<R><ETag>\"whole\"</ETag></R>".to_owned())
}

fn put(shared: &Shared, name: &str, headers: &HeaderMap, body: Bytes) -> Response {
    let is_there = shared.objects.lock().unwrap().contains_key(name);
    if is_there && headers.contains_key(header::IF_NONE_MATCH) {
        return refused(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
    }
    let Some(source) = headers.get("x-amz-copy-source") else {
        shared.keep(name, body);
        return [(header::ETAG, "\"put\"")].into_response();
    };
    let (_, source) = source.to_str().unwrap().split_once('/').unwrap();
    let copied = shared.objects.lock().unwrap().get(source).cloned();
    let Some((bytes, _)) = copied else { return refused(StatusCode::NOT_FOUND, "NoSuchKey") };
    shared.keep(name, bytes);
    xml("<R><ETag>\"copied\"</ETag></R>".to_owned())
}

fn get(shared: &Shared, name: &str, headers: &HeaderMap) -> Response {
    let Some((bytes, at)) = shared.objects.lock().unwrap().get(name).cloned() else {
        return refused(StatusCode::NOT_FOUND, "NoSuchKey");
    };
    let size = bytes.len();
    let mut response = Response::builder()
        .header(header::ETAG, "\"got\"")
        .header(header::LAST_MODIFIED, at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string());
    let range = headers.get(header::RANGE).and_then(|range| range.to_str().ok()?.strip_prefix("bytes="));
    let Some((first, last)) = range.and_then(|range| range.split_once('-')) else {
        return response.header(header::CONTENT_LENGTH, size).body(Body::from(bytes)).unwrap();
    };
    let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap_or(size - 1));
    let part = bytes.slice(first..(last + 1).min(size));
    let told = format!("bytes {first}-{}/{size}", first + part.len() - 1);
    response = response.status(StatusCode::PARTIAL_CONTENT).header(header::CONTENT_RANGE, told);
    response.body(Body::from(part)).unwrap()
}

fn list(shared: &Shared, asked: &Asked) -> Response {
    let prefix = asked.get("prefix").map_or("", String::as_str);
    let after = asked.get("continuation-token").map_or("", String::as_str);
    let objects = shared.objects.lock().unwrap();
    let mut found = objects.iter().filter(|(name, _)| name.starts_with(prefix) && name.as_str() > after);
    let page: Vec<_> = found.by_ref().take(PAGE).collect();
    let next = match (page.last(), found.next()) {
        (Some((last, _)), Some(_)) => format!("<NextContinuationToken>{last}</NextContinuationToken>"),
        _ => String::new(),
    };
    let contents: String = page
        .iter()
        .map(|(name, (bytes, at))| {
            let size = bytes.len();
            format!("<Contents><Key>{name}</Key><Size>{size}</Size><LastModified>{at}</LastModified></Contents>")
        })
        .collect();
    xml(format!("<R>{contents}{next}</R>"))
}

fn xml(text: String) -> Response {
    ([(header::CONTENT_TYPE, "application/xml")], text).into_response()
}

fn refused(status: StatusCode, code: &str) -> Response {
    let text = format!(
        "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>it is so</Message><CanonicalRequest>{REPEATED}</CanonicalRequest></Error>"
    );
    (status, text).into_response()
}
