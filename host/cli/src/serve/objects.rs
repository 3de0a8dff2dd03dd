//! The blobs and logs of a house, wherever they are.

use anyhow::Context;
use blobs::{BlobStore, LogStore};

use super::DataFolder;
use crate::config::ObjectsUrl;
use crate::failure::Failure;

/// Opens blobs and logs.
pub(crate) fn open(url: &ObjectsUrl, data: &DataFolder) -> Result<(BlobStore, LogStore), Failure> {
    let (blobs, logs) = match url {
        ObjectsUrl::InDataFolder => (BlobStore::in_folder(&data.objects()), LogStore::in_folder(&data.objects())),
        ObjectsUrl::Folder(path) => (BlobStore::in_shared_folder(path), LogStore::in_shared_folder(path)),
        ObjectsUrl::S3 { bucket, prefix } => {
            (BlobStore::in_bucket(bucket, prefix), LogStore::in_bucket(bucket, prefix))
        }
    };
    Ok((blobs.context("cannot open the blobs")?, logs.context("cannot open the logs")?))
}
