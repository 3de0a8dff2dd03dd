use std::pin::pin;
use std::task::Poll;

use blobs::{BlobError, BlobStore};
use bytes::Bytes;
use tempfile::TempDir;

use super::*;
use crate::doubles::{Rows, SCOPE};

const DAY_S: u64 = 24 * 3600;

struct World {
    _folder: TempDir,
    rows: Rows,
    blobs: BlobStore,
    /// Of the files: they are new.
    start: Timestamp,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let blobs = BlobStore::in_folder(folder.path()).unwrap();
        let start = clock::Clock::now(&clock::Real);
        Self { _folder: folder, rows: Rows::default(), blobs, start }
    }

    async fn put(&self, bytes: impl Into<Bytes>) -> Digest {
        self.blobs.put(SCOPE, bytes.into()).await.unwrap()
    }

    /// A pass so many days after the start; what it did, by blob.
    async fn pass(&self, days: u64, mode: Mode) -> Vec<(Digest, Fate)> {
        let mut done = Vec::new();
        let stock = self.blobs.stock();
        let tell = |it: Collected| done.push((it.digest, it.fate));
        collect(&self.rows, &stock, BlobPolicy::default(), self.after(days), mode, tell).await.unwrap();
        done
    }

    fn after(&self, days: u64) -> Timestamp {
        self.start + SignedDuration::from_secs((days * DAY_S).cast_signed())
    }

    async fn is_readable(&self, digest: Digest) -> bool {
        match self.blobs.get(SCOPE, digest).await {
            Ok(_) => true,
            Err(BlobError::NotFound(_)) => false,
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn what_nothing_refers_to_goes_in_two_steps_and_a_dry_run_tells_them() {
    let world = World::new();
    let (orphan, kept) = (world.put("orphan").await, world.put("kept").await);
    world.rows.named.lock().unwrap().push(kept);
    assert_eq!(world.pass(1, Mode::Do).await, [], "it is young");
    for mode in [Mode::DryRun, Mode::DryRun, Mode::Do] {
        assert_eq!(world.pass(3, mode).await, [(orphan, Fate::LaidAside)], "{mode:?}");
    }
    assert!(world.is_readable(orphan).await);
    assert_eq!(world.pass(11, Mode::Do).await, [], "it must lie longer");
    for mode in [Mode::DryRun, Mode::Do] {
        assert_eq!(world.pass(13, mode).await, [(orphan, Fate::Deleted)], "{mode:?}");
    }
    assert!(!world.is_readable(orphan).await && world.is_readable(kept).await);
    assert_eq!(world.pass(100, Mode::Do).await, []);
}

#[tokio::test]
async fn what_is_referred_to_after_it_was_laid_aside_is_taken_back() {
    let world = World::new();
    let late = world.put("late").await;
    assert_eq!(world.pass(3, Mode::Do).await, [(late, Fate::LaidAside)]);
    world.rows.named.lock().unwrap().push(late);
    assert!(world.is_readable(late).await, "whoever reads it meanwhile finds it");
    assert_eq!(world.pass(100, Mode::Do).await, [(late, Fate::TakenBack)]);
    assert!(world.blobs.exists(SCOPE, late).await.unwrap());
}

#[tokio::test]
async fn what_is_sent_again_is_young_again() {
    let world = World::new();
    let again = world.put("again").await;
    assert_eq!(world.pass(3, Mode::Do).await, [(again, Fate::LaidAside)]);
    world.put("again").await;
    assert_eq!(world.pass(13, Mode::Do).await[0], (again, Fate::Deleted), "the one that lay there");
    let fresh = World::new();
    let digest = fresh.put("again").await;
    assert_eq!(fresh.pass(1, Mode::Do).await, []);
    assert!(fresh.is_readable(digest).await);
}

#[tokio::test]
async fn a_large_value_keeps_what_it_names() {
    let world = World::new();
    let named = world.put("named in a value").await;
    let marker = model::json::BlobRef { digest: named, size: 16, media_type: String::new() }.to_value();
    let value = world.put(serde_json::json!({ "file": [marker] }).to_string()).await;
    world.rows.values.lock().unwrap().push(value);
    assert_eq!(world.pass(100, Mode::Do).await, []);
    world.rows.values.lock().unwrap().clear();
    assert_eq!(world.pass(100, Mode::Do).await.len(), 2);
}

#[tokio::test]
async fn whoever_is_killed_at_any_point_has_deleted_nothing_that_is_referred_to() {
    for polls in 1..60 {
        let world = World::new();
        let mut all = Vec::new();
        for number in 0..4 {
            all.push(world.put(format!("blob {number}")).await);
        }
        world.rows.named.lock().unwrap().extend(&all[..2]);
        // Referred to when it lies there already.
        let late = all[2];
        for (round, days) in [3, 13, 13].into_iter().enumerate() {
            let stock = world.blobs.stock();
            let policy = BlobPolicy { batch: 2, ..BlobPolicy::default() };
            let mut left = polls;
            {
                let mut pass = pin!(collect(&world.rows, &stock, policy, world.after(days), Mode::Do, |_| {}));
                std::future::poll_fn(|context| {
                    left -= 1;
                    if left == 0 { Poll::Ready(()) } else { pass.as_mut().poll(context).map(drop) }
                })
                .await;
            }
            if round == 0 {
                world.rows.named.lock().unwrap().push(late);
            }
            for digest in &all[..3] {
                assert!(world.is_readable(*digest).await, "killed after {polls} steps in round {round}");
            }
        }
        world.pass(40, Mode::Do).await;
        world.pass(80, Mode::Do).await;
        assert!(!world.is_readable(all[3]).await, "it goes in the end");
        for digest in &all[..3] {
            assert!(world.blobs.exists(SCOPE, *digest).await.unwrap());
        }
    }
}
