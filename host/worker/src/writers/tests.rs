use std::pin::pin;

use futures::poll;

use super::*;
use crate::doubles::{OWN, claim, run_of};

const PIECE: usize = 300 << 10;

struct Fixture {
    folder: tempfile::TempDir,
    blobs: BlobStore,
    room: WritingRoom,
}

impl Fixture {
    /// With room for so many attempts.
    fn new(attempts: usize) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let blobs = BlobStore::in_folder(folder.path()).expect("the folder can be used");
        let room = WritingRoom::of(attempts * BLOB_WRITERS_PER_ATTEMPT_MAX * blobs.writer_buffer_bytes(), &blobs);
        Self { folder, blobs, room }
    }

    async fn create(&self, attempt: &Attempt, writer: u32) -> Result<(), HostError> {
        attempt.create_writer(&self.blobs, &self.room, writer).await
    }

    fn temporary_objects(&self) -> usize {
        std::fs::read_dir(self.folder.path().join("uploads")).map_or(0, Iterator::count)
    }
}

fn attempt() -> Attempt {
    Attempt::new(claim(&run_of(testkit::dag::dag("a"), Digest::of(b"")), 0, -1, false))
}

#[tokio::test]
async fn what_a_guest_wrote_is_its_blob() {
    let (fixture, attempt) = (Fixture::new(1), attempt());
    fixture.create(&attempt, 1).await.expect("there is room");
    for piece in 0..5_u8 {
        attempt.write(1, vec![piece; PIECE].into()).await.expect("it is taken");
    }
    assert_eq!(fixture.temporary_objects(), 1);
    let digest = attempt.finish_writer(1).await.expect("it is stored");
    assert!(attempt.may_read(digest));
    let whole: Vec<u8> = (0..5_u8).flat_map(|piece| vec![piece; PIECE]).collect();
    assert_eq!(fixture.blobs.get(OWN, digest).await.expect("it is there"), whole);
    assert_eq!(fixture.temporary_objects(), 0);
    assert_eq!(attempt.finish_writer(1).await, Err(not_open()));
    assert_eq!(attempt.write(1, Bytes::new()).await, Err(not_open()));
}

#[tokio::test]
async fn an_attempt_has_few_writers_and_a_blob_few_bytes() {
    let (fixture, attempt) = (Fixture::new(1), attempt());
    for writer in 0..BLOB_WRITERS_PER_ATTEMPT_MAX as u32 {
        fixture.create(&attempt, writer).await.expect("there is room");
    }
    assert!(matches!(fixture.create(&attempt, 9).await, Err(HostError::QuotaExceeded(_))));
    attempt.discard_writer(0).await;
    fixture.create(&attempt, 9).await.expect("a writer was closed");
    let most = usize::try_from(BLOB_MAX_BYTES).expect("a small limit");
    attempt.write(9, vec![0; most].into()).await.expect("it is taken");
    assert!(matches!(attempt.write(9, Bytes::from_static(b"1")).await, Err(HostError::QuotaExceeded(_))));
    attempt.finish_writer(9).await.expect("it is stored");
}

#[tokio::test]
async fn whoever_finds_no_room_waits_until_another_attempt_has_closed_its_writers() {
    let (fixture, first, second) = (Fixture::new(1), attempt(), attempt());
    fixture.create(&first, 1).await.expect("there is room");
    fixture.create(&first, 2).await.expect("the attempt has its room");
    let mut waiting = pin!(fixture.create(&second, 1));
    assert!(poll!(&mut waiting).is_pending());
    first.discard_writer(1).await;
    assert!(poll!(&mut waiting).is_pending());
    first.finish_writer(2).await.expect("it is stored");
    waiting.await.expect("there is room");
}

#[tokio::test]
async fn nobody_waits_for_room_after_its_end() {
    let (fixture, first, second) = (Fixture::new(1), attempt(), attempt());
    fixture.create(&first, 1).await.expect("there is room");
    let mut waiting = pin!(fixture.create(&second, 1));
    assert!(poll!(&mut waiting).is_pending());
    second.end();
    assert_eq!(waiting.await, Err(HostError::Fenced));
}

#[tokio::test]
async fn an_attempt_that_ends_leaves_neither_room_taken_nor_objects() {
    let (fixture, first, second) = (Fixture::new(1), attempt(), attempt());
    fixture.create(&first, 1).await.expect("there is room");
    first.write(1, vec![1; PIECE].into()).await.expect("it is taken");
    assert_eq!(fixture.temporary_objects(), 1);
    drop(first);
    fixture.create(&second, 1).await.expect("there is room again");
    crate::doubles::until(|| fixture.temporary_objects() == 0).await;
}
