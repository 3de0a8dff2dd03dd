use futures::stream;
use model::TenantId;

use super::*;
use crate::places::Place;

const PART_BYTES: usize = 256 << 10;

const OWN: TenantScope = TenantScope::assume(TenantId::DEFAULT);
const OTHER: TenantScope = TenantScope::assume(TenantId::from_row(2));

fn in_folder() -> (tempfile::TempDir, BlobStore) {
    let folder = tempfile::tempdir().unwrap();
    let blobs = BlobStore::in_folder(&folder.path().join("new").join("objects")).unwrap();
    (folder, blobs)
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files
}

#[tokio::test]
async fn what_was_put_is_found_by_its_digest_and_tenant() {
    for place in Place::all().await {
        let blobs = place.blobs();
        for bytes in [Bytes::new(), Bytes::from_static(b"words"), Bytes::from(vec![7; HASH_INLINE_MAX_BYTES + 1])] {
            let digest = blobs.put(OWN, bytes.clone()).await.unwrap();
            assert_eq!(digest, Digest::of(&bytes));
            assert_eq!(blobs.put(OWN, bytes.clone()).await.unwrap(), digest);
            assert_eq!(blobs.get(OWN, digest).await.unwrap(), bytes, "{}", place.name);
            assert_eq!(blobs.size(OWN, digest).await.unwrap(), Some(bytes.len() as u64));
            assert!(!blobs.exists(OTHER, digest).await.unwrap());
            assert!(matches!(blobs.get(OTHER, digest).await, Err(BlobError::NotFound(missing)) if missing == digest));
        }
        assert_eq!(place.blobs().get(OWN, Digest::of(b"words")).await.unwrap(), "words", "{}", place.name);
    }
}

#[tokio::test]
async fn what_is_written_at_once_through_two_openings_is_whole() {
    for place in Place::all().await.into_iter().filter(|place| place.name != "folder") {
        let (one, two) = (place.blobs(), place.blobs());
        let (mut first, mut second) = (one.writer(OWN), two.writer(OWN));
        for (number, writer) in [(1, &mut first), (2, &mut second)] {
            writer.write(vec![number; one.writer_buffer_bytes() + 1].into()).await.unwrap();
            writer.write(vec![9; 10].into()).await.unwrap();
        }
        // Opening the place takes nothing from those who write.
        let blobs = place.blobs();
        assert_eq!(blobs.remove_remnants().await.unwrap(), 0, "{}", place.name);
        let digests = [first.finish().await.unwrap(), second.finish().await.unwrap()];
        for (number, digest) in [1, 2].into_iter().zip(digests) {
            let bytes = blobs.get(OWN, digest).await.unwrap();
            assert_eq!((bytes[0], bytes.len()), (number, one.writer_buffer_bytes() + 11), "{}", place.name);
        }
    }
}

#[tokio::test]
async fn a_part_ends_where_the_blob_ends() {
    for place in Place::all().await {
        check_parts(place.blobs()).await;
    }
}

async fn check_parts(blobs: BlobStore) {
    let digest = blobs.put(OWN, Bytes::from_static(b"0123456789")).await.unwrap();
    for (offset, len, expect) in [
        (0, 4, "0123"),
        (8, 4, "89"),
        (10, 1, ""),
        (99, 1, ""),
        (3, 0, ""),
        (0, u64::MAX, "0123456789"),
        (9, u64::MAX, "9"),
    ] {
        assert_eq!(blobs.get_range(OWN, digest, offset, len).await.unwrap(), expect, "{offset} {len}");
    }
    assert!(matches!(blobs.get_range(OTHER, digest, 0, 1).await, Err(BlobError::NotFound(_))));
}

async fn pieces(blobs: &BlobStore, digest: Digest, piece_bytes: usize) -> Result<Vec<Bytes>, BlobError> {
    let mut reader = blobs.reader(OWN, digest, piece_bytes).await?;
    let mut pieces = Vec::new();
    while let Some(piece) = reader.next().await? {
        pieces.push(piece);
    }
    Ok(pieces)
}

#[tokio::test]
async fn a_blob_is_read_in_pieces() {
    for place in Place::all().await {
        check_pieces(place.blobs()).await;
    }
}

async fn check_pieces(blobs: BlobStore) {
    let digest = blobs.put(OWN, Bytes::from_static(b"0123456789")).await.unwrap();
    for (piece_bytes, expect) in
        [(4, vec!["0123", "4567", "89"]), (5, vec!["01234", "56789"]), (99, vec!["0123456789"])]
    {
        assert_eq!(pieces(&blobs, digest, piece_bytes).await.unwrap(), expect);
    }
    assert_eq!(blobs.reader(OWN, digest, 4).await.unwrap().size(), 10);
    let empty = blobs.put(OWN, Bytes::new()).await.unwrap();
    assert_eq!(pieces(&blobs, empty, 4).await.unwrap(), [] as [Bytes; 0]);
    assert!(matches!(blobs.reader(OTHER, digest, 4).await, Err(BlobError::NotFound(_))));
}

#[tokio::test]
async fn a_damaged_blob_is_never_read_to_its_end() {
    let (folder, blobs) = in_folder();
    let digest = blobs.put(OWN, Bytes::from_static(b"0123456789")).await.unwrap();
    let [file] = files(folder.path()).try_into().unwrap();
    std::fs::write(file, b"0123x56789").unwrap();
    let mut reader = blobs.reader(OWN, digest, 5).await.unwrap();
    assert_eq!(reader.next().await.unwrap().unwrap(), "0123x");
    assert!(matches!(reader.next().await, Err(BlobError::Damaged(damaged)) if damaged == digest));
}

#[tokio::test]
async fn damage_is_noticed() {
    let (folder, blobs) = in_folder();
    let digest = blobs.put(OWN, Bytes::from_static(b"words")).await.unwrap();
    let [file] = files(folder.path()).try_into().unwrap();
    std::fs::write(file, b"wards").unwrap();
    assert!(matches!(blobs.get(OWN, digest).await, Err(BlobError::Damaged(damaged)) if damaged == digest));
}

#[tokio::test]
async fn a_stream_is_kept_whole_or_not_at_all() {
    let (folder, blobs) = in_folder();
    let piece = Bytes::from(vec![3; PART_BYTES / 2 + 1]);
    let whole: Vec<u8> = [&piece[..], &piece[..], &piece[..]].concat();
    let digest = Digest::of(&whole);
    let pieces = || stream::iter([piece.clone(), piece.clone(), piece.clone()].map(Ok::<_, String>));

    let too_large = blobs.put_stream(OWN, digest, whole.len() as u64 - 1, pieces()).await;
    assert!(matches!(too_large, Err(BlobError::TooLarge { .. })), "{too_large:?}");
    let other = blobs.put_stream(OWN, Digest::of(b""), u64::MAX, pieces()).await;
    assert!(matches!(other, Err(BlobError::OtherDigest { found, .. }) if found == digest), "{other:?}");
    let broken = stream::iter([Ok(piece.clone()), Err("connection reset")]);
    let broken = blobs.put_stream(OWN, digest, u64::MAX, broken).await;
    assert!(matches!(broken, Err(BlobError::BrokenOff { .. })), "{broken:?}");
    assert_eq!(files(folder.path()), Vec::<std::path::PathBuf>::new());

    let size = blobs.put_stream(OWN, digest, whole.len() as u64, pieces()).await.unwrap();
    assert_eq!(size, whole.len() as u64);
    assert_eq!(blobs.get(OWN, digest).await.unwrap(), whole);
    let empty = blobs.put_stream(OWN, Digest::of(b""), 0, stream::iter(Vec::<Result<Bytes, String>>::new())).await;
    assert_eq!(empty.unwrap(), 0);
    assert_eq!(blobs.size(OWN, Digest::of(b"")).await.unwrap(), Some(0));
}
