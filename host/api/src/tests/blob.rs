use std::convert::Infallible;

use model::Digest;
use model::limits::http::PIECE_BYTES;
use model::limits::value::BLOB_MAX_BYTES;
use tokio::sync::Semaphore;

use super::*;

async fn put(api: &Api, digest: Digest, bytes: &'static [u8]) -> Reply {
    api.send(api.request(Method::PUT, &format!("/blobs/{digest}")).body(bytes.into()).expect("a request")).await
}

#[tokio::test]
async fn a_blob_is_kept_once_and_comes_back() {
    let api = Api::start().await;
    let digest = Digest::of(b"hello");
    api.get(&format!("/blobs/{digest}")).await.problem(404, "blob-not-found");
    let first = put(&api, digest, b"hello").await;
    assert_eq!((first.status.as_u16(), &first.json()["size_bytes"]), (201, &json!(5)));
    assert_eq!(put(&api, digest, b"hello").await.status, 200);
    let head =
        api.send(api.request(Method::HEAD, &format!("/blobs/{digest}")).body(Body::empty()).expect("a request")).await;
    assert_eq!((head.status.as_u16(), head.headers["content-length"].to_str().expect("text")), (200, "5"));
    let read = api.get(&format!("/blobs/{digest}")).await;
    assert_eq!((read.text(), read.headers["x-content-type-options"].to_str().expect("text")), ("hello", "nosniff"));
}

#[tokio::test]
async fn bytes_with_another_digest_are_refused() {
    let api = Api::start().await;
    let digest = Digest::of(b"hello");
    put(&api, digest, b"hullo").await.problem(400, "digest-mismatch");
    api.get(&format!("/blobs/{digest}")).await.problem(404, "blob-not-found");
    api.get("/blobs/sha256:12").await.problem(400, "invalid-request");
}

#[tokio::test]
async fn a_large_blob_comes_in_pieces_and_whole() {
    let api = Api::start().await;
    let bytes: Vec<u8> = (0..PIECE_BYTES * 2 + 1).map(|number| number as u8).collect();
    let digest = Digest::of(&bytes);
    let request = api.request(Method::PUT, &format!("/blobs/{digest}"));
    assert_eq!(api.send(request.body(bytes.clone().into()).expect("a request")).await.status, 201);
    let request = api.request(Method::GET, &format!("/blobs/{digest}")).body(Body::empty()).expect("a request");
    let (status, headers, mut stream) = api.open(request).await;
    assert_eq!((status.as_u16(), headers["content-length"].to_str().expect("text")), (200, "262145"));
    let mut pieces = Vec::new();
    while let Some(piece) = stream.next().await {
        pieces.push(piece.expect("it comes"));
    }
    assert_eq!(pieces.iter().map(Bytes::len).collect::<Vec<_>>(), [PIECE_BYTES, PIECE_BYTES, 1]);
    assert_eq!(pieces.concat(), bytes);
}

#[tokio::test]
async fn slow_uploads_do_not_make_others_wait() {
    let api = Api::start().await;
    let digest = Digest::of(b"hello");
    let arrived = Arc::new(Semaphore::new(0));
    let mut slow = Vec::new();
    for _ in 0..20 {
        let arrived = arrived.clone();
        // One byte of the most that may be sent, and then nothing.
        let pieces = futures::stream::once(async { Ok::<_, Infallible>(Bytes::from_static(b"h")) }).chain(
            futures::stream::once(async move {
                arrived.add_permits(1);
                std::future::pending().await
            }),
        );
        let request = api.request(Method::PUT, &format!("/blobs/{digest}")).header("content-length", BLOB_MAX_BYTES);
        let request = request.body(Body::from_stream(pieces)).expect("a request");
        slow.push(tokio::spawn(api.router.clone().oneshot(request)));
    }
    let _all = arrived.acquire_many(20).await.expect("it is open");
    assert_eq!(put(&api, digest, b"hello").await.status, 201);
    for slow in slow {
        slow.abort();
    }
}
