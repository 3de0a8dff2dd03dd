//! What writers leave when their process dies: temporary objects that nobody will finish.
//!
//! Other processes may be writing beside them, so they are told by their age. What time it is says the store itself, by the time
//! of an object that was written just now: clocks of two machines are never compared.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures::TryStreamExt;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};

use crate::BlobError;
use crate::blob::unavailable;
use crate::writer::UPLOADS;

/// No writer lives so long.
pub(crate) const AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// Removes objects that are older than `mark` by [`AGE`].
pub(crate) async fn remove_objects(objects: &dyn ObjectStore, mark: ObjectPath) -> Result<usize, BlobError> {
    objects.put(&mark, PutPayload::new()).await?;
    let found: Result<Vec<_>, _> = objects.list(Some(&ObjectPath::from(UPLOADS))).try_collect().await;
    objects.delete(&mark).await?;
    let found = found?;
    let now = found.iter().find(|object| object.location == mark).map(|object| object.last_modified);
    let mut removed = 0;
    for object in &found {
        let age = now.and_then(|now| (now - object.last_modified).to_std().ok());
        if age.is_some_and(|age| age > AGE) {
            objects.delete(&object.location).await?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// Removes files that are older than `mark` by [`AGE`]. Those that are not whole stand in no listing.
pub(crate) async fn remove_files(
    objects: &dyn ObjectStore,
    folder: Arc<Path>,
    mark: ObjectPath,
) -> Result<usize, BlobError> {
    objects.put(&mark, PutPayload::new()).await?;
    let name = mark.filename().unwrap_or_default().to_owned();
    let uploads = folder.join(UPLOADS);
    let removed = tokio::task::spawn_blocking(move || {
        remove_files_before(&uploads, &uploads.join(name)).map_err(|error| unavailable(&uploads, &error))
    });
    let removed = removed.await.map_err(|error| BlobError::Unavailable { detail: error.to_string() })?;
    objects.delete(&mark).await?;
    removed
}

fn remove_files_before(folder: &Path, mark: &Path) -> std::io::Result<usize> {
    let time = |path: &Path| -> std::io::Result<SystemTime> { path.metadata()?.modified() };
    let now = time(mark)?;
    let mut removed = 0;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        // Another process may have removed it, or may be done with it.
        let Ok(then) = time(&path) else { continue };
        if now.duration_since(then).is_ok_and(|age| age > AGE) {
            match std::fs::remove_file(&path) {
                Ok(()) => removed += 1,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests;
