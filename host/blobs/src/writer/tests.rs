use std::path::PathBuf;

use model::TenantId;

use super::*;
use crate::BlobStore;

const OWN: TenantScope = TenantScope::assume(TenantId::DEFAULT);

fn in_folder() -> (tempfile::TempDir, BlobStore) {
    let folder = tempfile::tempdir().unwrap();
    let blobs = BlobStore::in_folder(folder.path()).unwrap();
    (folder, blobs)
}

/// The files of temporary objects.
fn temporary(folder: &tempfile::TempDir) -> Vec<PathBuf> {
    match std::fs::read_dir(folder.path().join(UPLOADS)) {
        Ok(entries) => entries.map(|entry| entry.unwrap().path()).collect(),
        Err(_) => Vec::new(),
    }
}

async fn check(pieces: &[usize]) {
    let (folder, blobs) = in_folder();
    let mut writer = blobs.writer(OWN);
    let mut whole = Vec::new();
    for (number, size) in pieces.iter().enumerate() {
        let piece = vec![number as u8; *size];
        whole.extend_from_slice(&piece);
        writer.write(piece.into()).await.unwrap();
        assert!(writer.buffer.len() <= blobs.writer_buffer_bytes(), "{pieces:?}");
        let is_uploading = whole.len() > blobs.writer_buffer_bytes();
        assert_eq!(temporary(&folder).len(), usize::from(is_uploading), "{pieces:?}");
    }
    assert_eq!((writer.size(), writer.digest()), (whole.len() as u64, Digest::of(&whole)));
    let digest = writer.finish().await.unwrap();
    assert_eq!(blobs.get(OWN, digest).await.unwrap(), whole, "{pieces:?}");
    assert_eq!(temporary(&folder), [] as [PathBuf; 0]);
}

#[tokio::test]
async fn what_was_written_in_pieces_is_one_blob() {
    check(&[]).await;
    check(&[0]).await;
    check(&[5, 6]).await;
    check(&[PART_BYTES]).await;
    check(&[PART_BYTES, 1]).await;
    check(&[1, PART_BYTES, 0, 7]).await;
    check(&[4 * PART_BYTES, 3, PART_BYTES - 3]).await;
    check(&[PART_BYTES / 3; 10]).await;
}

#[tokio::test]
async fn a_blob_that_is_given_up_leaves_nothing() {
    let (folder, blobs) = in_folder();
    let mut writer = blobs.writer(OWN);
    writer.write(vec![1; PART_BYTES + 1].into()).await.unwrap();
    let digest = writer.digest();
    assert_eq!(temporary(&folder).len(), 1);
    writer.discard().await;
    assert_eq!(temporary(&folder), [] as [PathBuf; 0]);
    assert!(!blobs.exists(OWN, digest).await.unwrap());
}

#[tokio::test]
async fn a_writer_that_is_dropped_leaves_nothing() {
    let (folder, blobs) = in_folder();
    let mut writer = blobs.writer(OWN);
    writer.write(vec![1; PART_BYTES + 1].into()).await.unwrap();
    drop(writer);
    while !temporary(&folder).is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_a_process_left_is_removed_by_the_next() {
    let (folder, blobs) = in_folder();
    let kept = blobs.put(OWN, Bytes::from_static(b"kept")).await.unwrap();
    let mut writer = blobs.writer(OWN);
    writer.write(vec![1; PART_BYTES + 1].into()).await.unwrap();
    // A process that is killed drops nothing.
    std::mem::forget(writer);
    assert_eq!(temporary(&folder).len(), 1);
    let blobs = BlobStore::in_folder(folder.path()).unwrap();
    assert_eq!(temporary(&folder), [] as [PathBuf; 0]);
    assert!(blobs.exists(OWN, kept).await.unwrap());
}

#[tokio::test]
async fn a_blob_that_misses_a_part_is_not_stored() {
    let (folder, blobs) = in_folder();
    let mut writer = blobs.writer(OWN);
    // A file stands where the folder of temporary objects would be made.
    std::fs::write(folder.path().join(UPLOADS), "").unwrap();
    assert!(matches!(writer.write(vec![1; PART_BYTES + 1].into()).await, Err(BlobError::Unavailable { .. })));
    std::fs::remove_file(folder.path().join(UPLOADS)).unwrap();
    assert!(matches!(writer.write(vec![2; PART_BYTES + 1].into()).await, Err(BlobError::Unavailable { .. })));
    writer.write(Bytes::from_static(b"little")).await.unwrap();
    let digest = writer.digest();
    assert!(matches!(writer.finish().await, Err(BlobError::Unavailable { .. })));
    assert!(!blobs.exists(OWN, digest).await.unwrap());
}

#[tokio::test]
async fn equal_blobs_may_be_written_at_once() {
    let (_folder, blobs) = in_folder();
    let (mut one, mut two) = (blobs.writer(OWN), blobs.writer(OWN));
    for writer in [&mut one, &mut two] {
        writer.write(vec![1; 3 * PART_BYTES].into()).await.unwrap();
    }
    let digest = one.finish().await.unwrap();
    assert_eq!(two.finish().await.unwrap(), digest);
    assert_eq!(blobs.get(OWN, digest).await.unwrap().len(), 3 * PART_BYTES);
}
