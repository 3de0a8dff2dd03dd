//! Blobs that nothing refers to: laid aside, and deleted when they have lain there long enough.
//!
//! A blob may be referred to soon though nothing refers to it now: it was uploaded for a run that is about to be triggered, or an attempt
//! has written it whose success is not committed. So a young one is left alone. One that is laid aside too early is still found by
//! whoever reads it, and taken back as soon as something refers to it; whoever asks whether it is there is told no and sends it
//! again. It lies there longer than any run may take.
//!
//! What must hold: no blob that something refers to is ever deleted, whenever this is killed, and however many processes do it.
//! Candidates come in batches, and for each batch all references are read once.

use std::collections::HashMap;
use std::time::Duration;

use blobs::{ObjectKind, ObjectName, Stock, Stocked};
use futures::TryStreamExt;
use futures::stream::BoxStream;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use model::limits::retention::{BLOB_LIES_S, BLOB_YOUNG_S, BLOBS_PER_BATCH};
use model::{Digest, TenantScope};
use serde::Serialize;
use store::RetentionStore;

use crate::BackupError;
use crate::references::References;

/// How long blobs are kept that nothing refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobPolicy {
    /// Since it was written last.
    pub young: Duration,
    /// Laid aside.
    pub lies: Duration,
    pub batch: usize,
}

impl Default for BlobPolicy {
    fn default() -> Self {
        let (young, lies) = (Duration::from_secs(BLOB_YOUNG_S), Duration::from_secs(BLOB_LIES_S));
        Self { young, lies, batch: BLOBS_PER_BATCH }
    }
}

/// What becomes of a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// Nothing refers to it.
    LaidAside,
    /// It lay long enough.
    Deleted,
    /// Something refers to it again.
    TakenBack,
}

/// A blob and its fate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Collected {
    pub scope: TenantScope,
    pub digest: Digest,
    pub size_bytes: u64,
    pub fate: Fate,
}

/// Whether anything is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    DryRun,
    Do,
}

/// Goes over all blobs once, and tells each that is not left as it is before it does so.
pub async fn collect(
    rows: &dyn RetentionStore,
    stock: &Stock,
    policy: BlobPolicy,
    now: Timestamp,
    mode: Mode,
    mut tell: impl FnMut(Collected),
) -> Result<(), BackupError> {
    for kind in [ObjectKind::Discarded, ObjectKind::Blobs] {
        let mut objects = stock.list(kind);
        loop {
            let mut batch = candidates(&mut objects, policy, now).await?;
            if batch.is_empty() {
                break;
            }
            let mut referenced = Vec::new();
            let mut references = References::begin(rows, stock).await?;
            while let Some((scope, named)) = references.next().await? {
                for digest in named {
                    referenced.extend(batch.remove(&(scope, digest)).map(|object| (scope, digest, object)));
                }
            }
            for (scope, digest, object) in referenced {
                if let ObjectName::Discarded(day, ..) = object.name {
                    tell(Collected { scope, digest, size_bytes: object.size_bytes, fate: Fate::TakenBack });
                    if mode == Mode::Do {
                        stock.take_back(scope, digest, day).await?;
                    }
                }
            }
            for ((scope, digest), object) in batch {
                let collected = |fate| Collected { scope, digest, size_bytes: object.size_bytes, fate };
                match object.name {
                    ObjectName::Discarded(day, ..) if has_lain(day, policy, now) => {
                        tell(collected(Fate::Deleted));
                        if mode == Mode::Do {
                            failpoint::begins("gc::delete");
                            stock.delete_discarded(scope, digest, day).await?;
                            failpoint::ends("gc::delete");
                        }
                    }
                    ObjectName::Blob(..) => {
                        tell(collected(Fate::LaidAside));
                        if mode == Mode::Do {
                            failpoint::begins("gc::discard");
                            stock.discard(scope, digest, now.to_zoned(TimeZone::UTC).date()).await?;
                            failpoint::ends("gc::discard");
                        }
                    }
                    _ => {}
                }
            }
        }
    }
    Ok(())
}

/// The next blobs that may be without a reference.
async fn candidates(
    objects: &mut BoxStream<'static, Result<Stocked, blobs::BlobError>>,
    policy: BlobPolicy,
    now: Timestamp,
) -> Result<HashMap<(TenantScope, Digest), Stocked>, BackupError> {
    let mut batch = HashMap::new();
    while batch.len() < policy.batch {
        let Some(object) = objects.try_next().await? else { break };
        match object.name {
            ObjectName::Discarded(_, scope, digest) => batch.insert((scope, digest), object),
            ObjectName::Blob(scope, digest) if is_older(object.modified, policy.young, now) => {
                batch.insert((scope, digest), object)
            }
            _ => None,
        };
    }
    Ok(batch)
}

fn is_older(at: Timestamp, age: Duration, now: Timestamp) -> bool {
    SignedDuration::try_from(age).is_ok_and(|age| now.duration_since(at) > age)
}

/// A blob may have been laid aside at the end of its day.
fn has_lain(day: Date, policy: BlobPolicy, now: Timestamp) -> bool {
    let end = day.tomorrow().and_then(|day| day.to_zoned(TimeZone::UTC)).map(|end| end.timestamp());
    end.is_ok_and(|end| is_older(end, policy.lies, now))
}

#[cfg(test)]
mod tests;
