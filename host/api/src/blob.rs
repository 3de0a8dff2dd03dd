//! Blobs.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use bytes::Bytes;
use control::{BlobRead, Error, Session};
use futures::{Stream, stream};
use model::limits::value::BLOB_MAX_BYTES;

use crate::app::App;
use crate::body;
use crate::path::PathNames;
use crate::problem::{Failure, cut_off};
use crate::query::QueryReader;
use crate::wire::blob::BlobResponse;
use crate::wire::problem::ProblemDetails;

/// Keeps bytes under their digest; the same bytes again change nothing.
#[utoipa::path(
    put, path = "/api/v2/blobs/{digest}", tag = "Blob",
    params(("digest" = String, Path, description = "`sha256:` and 64 lower-case hex digits")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 201, body = BlobResponse, description = "kept"),
        (status = 200, body = BlobResponse, description = "it was there"),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn put_blob(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
    request: Request,
) -> Result<Response, Failure> {
    query.finish()?;
    let digest = names.digest()?;
    let limit = usize::try_from(BLOB_MAX_BYTES).unwrap_or(usize::MAX);
    let (bytes, _room) = body::upload(&app, request, limit).await?;
    let size_bytes = bytes.len() as u64;
    let created = app.control.blob_put(&session, digest, bytes).await?;
    let status = if created { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(BlobResponse { digest: digest.to_string(), size_bytes, created })).into_response())
}

/// Whether a blob is there, and its size.
#[utoipa::path(
    head, path = "/api/v2/blobs/{digest}", tag = "Blob",
    params(("digest" = String, Path, description = "`sha256:` and 64 lower-case hex digits")),
    responses(
        (status = 200, description = "it is there"),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn head_blob(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
) -> Result<Response, Failure> {
    query.finish()?;
    let size = app.control.blob_size(&session, names.digest()?).await?;
    Ok(([(header::CONTENT_LENGTH, size.to_string()), (header::CONTENT_TYPE, OCTETS.to_owned())], ()).into_response())
}

/// The bytes of a blob.
#[utoipa::path(
    get, path = "/api/v2/blobs/{digest}", tag = "Blob",
    params(("digest" = String, Path, description = "`sha256:` and 64 lower-case hex digits")),
    responses(
        (status = 200, body = Vec<u8>, content_type = "application/octet-stream"),
        (status = "default", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_blob(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    names: PathNames,
    query: QueryReader,
) -> Result<Response, Failure> {
    query.finish()?;
    let digest = names.digest()?;
    let blob = app.control.blob_read(&session, digest).await?;
    // Never shown by a browser as anything but a download: the bytes are a stranger's.
    let headers = [
        (header::CONTENT_LENGTH, blob.size_bytes().to_string()),
        (header::CONTENT_TYPE, OCTETS.to_owned()),
        (header::CONTENT_DISPOSITION, "attachment".to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    Ok((headers, Body::from_stream(pieces(app, blob))).into_response())
}

fn pieces(app: App, blob: BlobRead) -> impl Stream<Item = Result<Bytes, Error>> + Send {
    stream::try_unfold((app, blob), |(app, mut blob)| async move {
        let turn = app.pieces.turn().await;
        let piece = blob.next().await.inspect_err(cut_off)?;
        Ok(piece.map(|bytes| (turn.hold(bytes), (app, blob))))
    })
}

const OCTETS: &str = "application/octet-stream";
