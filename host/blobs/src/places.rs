//! Everywhere that objects can be, for tests that hold for each.

use std::sync::Arc;

use object_store::ObjectStore;
use object_store::memory::InMemory;

use crate::bucket::double::Double;
use crate::log::Writers;
use crate::writer::PART_BYTES;
use crate::{BlobStore, LogStore, bucket};

/// Where objects are.
pub(crate) struct Place {
    pub(crate) name: &'static str,
    at: At,
}

enum At {
    Folder(tempfile::TempDir),
    SharedFolder(tempfile::TempDir),
    Memory(Arc<dyn ObjectStore>),
    Bucket(Double),
}

impl Place {
    pub(crate) async fn all() -> Vec<Self> {
        let folder = || tempfile::tempdir().unwrap();
        vec![
            Self { name: "folder", at: At::Folder(folder()) },
            Self { name: "shared folder", at: At::SharedFolder(folder()) },
            Self { name: "memory", at: At::Memory(Arc::new(InMemory::new())) },
            Self { name: "bucket", at: At::Bucket(Double::start().await) },
        ]
    }

    /// Opens the place; again, as another process would.
    pub(crate) fn blobs(&self) -> BlobStore {
        match &self.at {
            At::Folder(folder) => BlobStore::in_folder(&folder.path().join("new").join("objects")).unwrap(),
            At::SharedFolder(folder) => BlobStore::in_shared_folder(&folder.path().join("objects")).unwrap(),
            At::Memory(objects) => BlobStore::over(objects.clone(), PART_BYTES),
            At::Bucket(server) => BlobStore::over(server.open("waft"), bucket::PART_BYTES),
        }
    }

    /// Opens the place; again, as another process would.
    pub(crate) fn logs(&self) -> LogStore {
        match &self.at {
            At::Folder(folder) => LogStore::in_folder(folder.path()).unwrap(),
            At::SharedFolder(folder) => LogStore::in_shared_folder(folder.path()).unwrap(),
            At::Memory(objects) => LogStore::over(objects.clone(), Writers::Anywhere),
            At::Bucket(server) => LogStore::over(server.open("waft"), Writers::Anywhere),
        }
    }
}
