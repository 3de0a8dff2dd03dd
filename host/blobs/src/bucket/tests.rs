use std::sync::atomic::Ordering;

use bytes::Bytes;
use model::{Digest, TenantId, TenantScope};

use super::double::{BUCKET, Double, REPEATED};
use super::*;
use crate::BlobStore;

const OWN: TenantScope = TenantScope::assume(TenantId::DEFAULT);

/// What is told of a store that cannot be used, wherever that is noticed.
async fn told(settings: AmazonS3Builder, bucket: &str) -> String {
    let error = match build(settings, bucket, "waft") {
        Ok(objects) => BlobStore::over(objects, PART_BYTES).remove_remnants().await.unwrap_err(),
        Err(error) => error,
    };
    error.to_string()
}

fn check(told: &str, expect: &[&str]) {
    for part in expect {
        assert!(told.contains(part), "{part:?} is not in {told}");
    }
    assert!(!told.contains(REPEATED) && !told.contains("secret "), "{told}");
}

#[tokio::test]
async fn a_store_that_cannot_be_used_says_what_to_do() {
    let server = Double::start().await;
    let wrong_key = server.settings().with_access_key_id("AKIDOTHER");
    check(&told(wrong_key, BUCKET).await, &[BUCKET, &server.address, "InvalidAccessKeyId", "AWS_ACCESS_KEY_ID"]);
    check(&told(server.settings(), "absent").await, &["/absent", "NoSuchBucket", "make the bucket"]);
    let plain = server.settings().with_allow_http(false);
    check(&told(plain, BUCKET).await, &["`bucket`", "AWS_ALLOW_HTTP"]);
    let no_secret = AmazonS3Builder::new().with_access_key_id("key");
    check(&told(no_secret, BUCKET).await, &["`bucket`", "SecretAccessKey"]);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_not_there_is_given_up() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let settings = Double { address, shared: Arc::default() }.settings();
    check(&told(settings, BUCKET).await, &[BUCKET, "AWS_ENDPOINT_URL"]);
}

#[tokio::test]
async fn a_busy_store_is_asked_again_but_not_for_ever() {
    let server = Double::start().await;
    let blobs = BlobStore::over(server.open("waft"), PART_BYTES);
    server.shared.busy.store(1, Ordering::Relaxed);
    let digest = blobs.put(OWN, Bytes::from_static(b"words")).await.unwrap();
    assert_eq!(blobs.get(OWN, digest).await.unwrap(), "words");

    let retry = RetryConfig { max_retries: 0, ..RetryConfig::default() };
    server.shared.busy.store(u64::MAX, Ordering::Relaxed);
    let objects = server.settings().with_bucket_name(BUCKET).with_retry(retry).with_http_connector(http::Connector);
    let blobs = BlobStore::over(Arc::new(objects.build().unwrap()), PART_BYTES);
    let before = server.shared.requests.load(Ordering::Relaxed);
    let error = blobs.put(OWN, Bytes::from_static(b"more")).await.unwrap_err().to_string();
    check(&error, &["503", "SlowDown"]);
    assert_eq!(server.shared.requests.load(Ordering::Relaxed), before + 1);
}

#[tokio::test]
async fn names_stand_below_the_prefix() {
    let server = Double::start().await;
    for prefix in ["", "one/two"] {
        BlobStore::over(server.open(prefix), PART_BYTES).put(OWN, Bytes::from_static(b"words")).await.unwrap();
    }
    let name = crate::blob::path(OWN, Digest::of(b"words"));
    assert_eq!(server.shared.names(), [name.to_string(), format!("one/two/{name}")]);
}

#[tokio::test]
async fn a_large_blob_goes_in_parts_and_leaves_nothing_else() {
    let server = Double::start().await;
    let blobs = BlobStore::over(server.open("waft"), PART_BYTES);
    let mut writer = blobs.writer(OWN);
    let mut whole = Vec::new();
    for number in 0..5u8 {
        let piece = vec![number; PART_BYTES / 2 + 7];
        whole.extend_from_slice(&piece);
        writer.write(piece.into()).await.unwrap();
    }
    assert_eq!(server.shared.uploads(), 1);
    let digest = writer.finish().await.unwrap();
    assert_eq!(blobs.get(OWN, digest).await.unwrap(), whole);
    assert_eq!(server.shared.names(), [format!("waft/{}", crate::blob::path(OWN, digest))]);
    assert_eq!(server.shared.uploads(), 0);

    let mut given_up = blobs.writer(OWN);
    given_up.write(vec![7; PART_BYTES + 1].into()).await.unwrap();
    assert_eq!(server.shared.uploads(), 1);
    given_up.discard().await;
    assert_eq!((server.shared.names().len(), server.shared.uploads()), (1, 0));
}
