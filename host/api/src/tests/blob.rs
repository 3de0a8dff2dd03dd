use model::Digest;

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
