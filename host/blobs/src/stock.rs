//! All that is stored, object by object, whoever it belongs to: for checks, backups and retention.
//!
//! A blob that nothing refers to is first laid aside: under `discarded/{day}/…` it is still found by whoever reads it, and taken back
//! when it turns out that something refers to it. Only when it has lain there long enough is it deleted.

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use jiff::civil::Date;
use model::{Digest, MapIndex, NodeIdx, RunKey, TenantId, TenantScope, TryNumber};
use object_store::path::Path as ObjectPath;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};

use crate::{BlobError, LogKey, blob, log};

/// Where blobs are laid aside.
pub(crate) const DISCARDED: &str = "discarded";

/// Names one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ObjectName {
    Blob(TenantScope, Digest),
    /// Part of a log, with the number of records before it.
    Chunk(LogKey, usize),
    /// A blob that was laid aside on that day.
    Discarded(Date, TenantScope, Digest),
}

/// Which objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    Blobs,
    Logs,
    Discarded,
}

/// An object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stocked {
    pub name: ObjectName,
    pub size_bytes: u64,
    pub modified: Timestamp,
}

/// A text that names no object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no object")]
pub struct InvalidObjectName(String);

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blob(scope, digest) => write!(f, "{}", blob::path(*scope, *digest)),
            Self::Chunk(log, first) => write!(f, "{}/{first:010}", log.path()),
            Self::Discarded(day, scope, digest) => write!(f, "{DISCARDED}/{day}/{}", blob::path(*scope, *digest)),
        }
    }
}

impl FromStr for ObjectName {
    type Err = InvalidObjectName;

    fn from_str(text: &str) -> Result<Self, InvalidObjectName> {
        // Only what is written like this again is a name: no second form, and nothing that leads elsewhere.
        let name = read(text).filter(|name| name.to_string() == text);
        name.ok_or_else(|| InvalidObjectName(text.chars().take(200).collect()))
    }
}

fn read(text: &str) -> Option<ObjectName> {
    let parts: Vec<&str> = text.split('/').collect();
    let tenant = |text: &str| Some(TenantScope::assume(TenantId::from_row(text.parse().ok()?)));
    let digest = |text: &str| format!("sha256:{text}").parse::<Digest>().ok();
    match parts[..] {
        ["blobs", of, _, digits] => Some(ObjectName::Blob(tenant(of)?, digest(digits)?)),
        [DISCARDED, day, "blobs", of, _, digits] => {
            Some(ObjectName::Discarded(day.parse().ok()?, tenant(of)?, digest(digits)?))
        }
        ["logs", of, run, node, index, try_number, first] => {
            let log = LogKey {
                scope: tenant(of)?,
                run: RunKey::from_uuid(run.parse().ok()?),
                node: NodeIdx(node.parse().ok()?),
                map_index: MapIndex::from_number(index.parse().ok()?)?,
                try_number: TryNumber(try_number.parse().ok()?),
            };
            Some(ObjectName::Chunk(log, first.parse().ok()?))
        }
        _ => None,
    }
}

/// All objects. Clones share them.
#[derive(Debug, Clone)]
pub struct Stock {
    objects: Arc<dyn ObjectStore>,
    /// Where objects are files.
    folder: Option<Arc<Path>>,
}

impl Stock {
    /// Objects below a folder that somebody else may use; it is made when it is missing.
    pub fn in_folder(folder: &Path) -> Result<Self, BlobError> {
        Ok(Self { objects: Arc::new(blob::open(folder)?.with_fsync(true)), folder: Some(folder.into()) })
    }

    pub(crate) fn over(objects: Arc<dyn ObjectStore>, folder: Option<Arc<Path>>) -> Self {
        Self { objects, folder }
    }

    /// Objects of a kind, in no order. What bears no name of ours is passed over.
    pub fn list(&self, kind: ObjectKind) -> BoxStream<'static, Result<Stocked, BlobError>> {
        let prefix = match kind {
            ObjectKind::Blobs => "blobs",
            ObjectKind::Logs => "logs",
            ObjectKind::Discarded => DISCARDED,
        };
        let all = self.objects.list(Some(&ObjectPath::from(prefix))).map_err(BlobError::from);
        all.try_filter_map(|meta| std::future::ready(Ok(stocked(&meta)))).boxed()
    }

    /// The logs of a run, object by object, in no order.
    pub fn list_logs(&self, scope: TenantScope, run: RunKey) -> BoxStream<'static, Result<Stocked, BlobError>> {
        let all = self.objects.list(Some(&log::folder(scope, run))).map_err(BlobError::from);
        all.try_filter_map(|meta| std::future::ready(Ok(stocked(&meta)))).boxed()
    }

    /// Deletes a part of a log of a run that is gone.
    pub async fn delete_chunk(&self, log: LogKey, first: usize) -> Result<(), BlobError> {
        self.delete(&path(ObjectName::Chunk(log, first))).await
    }

    /// Deletes what the logs of a run leave when they are deleted: where objects are files, folders.
    pub async fn delete_log_folders(&self, scope: TenantScope, run: RunKey) -> Result<(), BlobError> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let folder = folder.join(log::folder(scope, run).as_ref());
        let removed = tokio::task::spawn_blocking(move || match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(blob::unavailable(&folder, &error)),
            _ => Ok(()),
        });
        removed.await.map_err(|error| BlobError::Unavailable { detail: error.to_string() })?
    }

    /// The bytes of an object; none when there is no such object.
    pub async fn read(&self, name: ObjectName) -> Result<Option<Bytes>, BlobError> {
        match self.objects.get(&path(name)).await {
            Ok(found) => Ok(Some(found.bytes().await?)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Where a blob is: in its place, laid aside, or nowhere.
    pub async fn find(&self, scope: TenantScope, digest: Digest) -> Result<Option<Stocked>, BlobError> {
        let mut places = vec![ObjectName::Blob(scope, digest)];
        for round in 0..2 {
            for name in std::mem::take(&mut places) {
                match self.objects.head(&path(name)).await {
                    Ok(meta) => {
                        let modified =
                            Timestamp::from_microsecond(meta.last_modified.timestamp_micros()).unwrap_or_default();
                        return Ok(Some(Stocked { name, size_bytes: meta.size, modified }));
                    }
                    Err(object_store::Error::NotFound { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            if round == 0 {
                let days = discarded_days(&*self.objects).await?;
                places = days.into_iter().map(|day| ObjectName::Discarded(day, scope, digest)).collect();
                // It may have been taken back meanwhile.
                places.push(ObjectName::Blob(scope, digest));
            }
        }
        Ok(None)
    }

    /// Lays a blob aside.
    pub async fn discard(&self, scope: TenantScope, digest: Digest, day: Date) -> Result<(), BlobError> {
        self.rename(ObjectName::Blob(scope, digest), ObjectName::Discarded(day, scope, digest)).await
    }

    /// Takes a blob back that was laid aside.
    pub async fn take_back(&self, scope: TenantScope, digest: Digest, day: Date) -> Result<(), BlobError> {
        self.rename(ObjectName::Discarded(day, scope, digest), ObjectName::Blob(scope, digest)).await
    }

    /// Deletes a blob that was laid aside.
    pub async fn delete_discarded(&self, scope: TenantScope, digest: Digest, day: Date) -> Result<(), BlobError> {
        self.delete(&path(ObjectName::Discarded(day, scope, digest))).await
    }

    async fn rename(&self, from: ObjectName, to: ObjectName) -> Result<(), BlobError> {
        match self.objects.rename(&path(from), &path(to)).await {
            // Somebody was quicker.
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn delete(&self, path: &ObjectPath) -> Result<(), BlobError> {
        match self.objects.delete(path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// An object, where it bears a name of ours.
fn stocked(meta: &ObjectMeta) -> Option<Stocked> {
    let name = meta.location.as_ref().parse().ok()?;
    let modified = Timestamp::from_microsecond(meta.last_modified.timestamp_micros()).unwrap_or_default();
    Some(Stocked { name, size_bytes: meta.size, modified })
}

fn path(name: ObjectName) -> ObjectPath {
    ObjectPath::from(name.to_string())
}

/// On which days blobs were laid aside that are still there. There are as many as they lie there.
pub(crate) async fn discarded_days(objects: &dyn ObjectStore) -> Result<Vec<Date>, BlobError> {
    let found = objects.list_with_delimiter(Some(&ObjectPath::from(DISCARDED))).await?;
    Ok(found.common_prefixes.iter().filter_map(|prefix| prefix.filename()?.parse().ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCOPE: TenantScope = TenantScope::assume(TenantId::DEFAULT);

    #[test]
    fn names_are_read_as_they_are_written_and_no_other_way() {
        let digest = Digest::of(b"bytes");
        let run = RunKey::from_uuid(uuid::Uuid::from_u128(7));
        let log = LogKey { scope: SCOPE, run, node: NodeIdx(3), map_index: MapIndex::NONE, try_number: TryNumber(1) };
        let day = jiff::civil::date(2026, 3, 1);
        for name in [
            ObjectName::Blob(SCOPE, digest),
            ObjectName::Chunk(log, 12),
            ObjectName::Chunk(LogKey { map_index: MapIndex::at(9), ..log }, 0),
            ObjectName::Discarded(day, SCOPE, digest),
        ] {
            assert_eq!(name.to_string().parse(), Ok(name));
        }
        let digits = digest.to_hex();
        for wrong in [
            format!("blobs/1/zz/{digits}"),
            format!("blobs/1/../{digits}"),
            format!("blobs/01/{}/{digits}", &digits[..2]),
            format!("/blobs/1/{}/{digits}", &digits[..2]),
            format!("blobs/1/{}/{}", &digits[..2], digits.to_uppercase()),
            "uploads/3".to_owned(),
            "../waft.db".to_owned(),
            String::new(),
        ] {
            assert!(wrong.parse::<ObjectName>().is_err(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn what_is_laid_aside_is_found_until_it_is_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = crate::BlobStore::in_folder(folder.path()).unwrap();
        let stock = Stock::in_folder(folder.path()).unwrap();
        let digest = blobs.put(SCOPE, Bytes::from_static(b"kept")).await.unwrap();
        let day = jiff::civil::date(2026, 3, 1);
        stock.discard(SCOPE, digest, day).await.unwrap();
        assert!(!blobs.exists(SCOPE, digest).await.unwrap(), "whoever asks must send it again");
        assert_eq!(blobs.get(SCOPE, digest).await.unwrap(), "kept");
        assert_eq!(blobs.get_range(SCOPE, digest, 1, 2).await.unwrap(), "ep");
        let mut reader = blobs.reader(SCOPE, digest, 100).await.unwrap();
        assert_eq!(reader.next().await.unwrap().unwrap(), "kept");
        let found = stock.find(SCOPE, digest).await.unwrap().unwrap();
        assert_eq!(found.name, ObjectName::Discarded(day, SCOPE, digest));

        stock.take_back(SCOPE, digest, day).await.unwrap();
        assert!(blobs.exists(SCOPE, digest).await.unwrap());
        stock.discard(SCOPE, digest, day).await.unwrap();
        stock.delete_discarded(SCOPE, digest, day).await.unwrap();
        assert!(matches!(blobs.get(SCOPE, digest).await, Err(BlobError::NotFound(_))));
        assert_eq!(stock.find(SCOPE, digest).await.unwrap(), None);
    }
}
