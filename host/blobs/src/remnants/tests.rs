use std::fs::File;

use bytes::Bytes;
use model::{TenantId, TenantScope};

use super::*;
use crate::bucket::double::Double;
use crate::writer::PART_BYTES;
use crate::{BlobStore, bucket};

const OWN: TenantScope = TenantScope::assume(TenantId::DEFAULT);

#[tokio::test]
async fn files_that_nobody_will_finish_go_after_a_day() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = BlobStore::in_shared_folder(folder.path()).unwrap();
    assert_eq!(blobs.remove_remnants().await.unwrap(), 0);
    let kept = blobs.put(OWN, Bytes::from_static(b"kept")).await.unwrap();
    let mut writer = blobs.writer(OWN);
    writer.write(vec![1; PART_BYTES + 1].into()).await.unwrap();
    // A process that is killed drops nothing.
    std::mem::forget(writer);
    let [file] = files(folder.path()).try_into().unwrap();

    for (age, removed) in [(AGE / 2, 0), (AGE * 2, 1), (AGE * 2, 0)] {
        if let Ok(file) = File::options().write(true).open(&file) {
            let written = file.metadata().unwrap().modified().unwrap();
            file.set_modified(written - age).unwrap();
        }
        assert_eq!(blobs.remove_remnants().await.unwrap(), removed, "{age:?}");
        assert_eq!(files(folder.path()).len(), usize::from(age < AGE));
    }
    assert_eq!(blobs.get(OWN, kept).await.unwrap(), "kept");
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    std::fs::read_dir(folder.join(UPLOADS)).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[tokio::test]
async fn objects_that_nobody_will_finish_go_after_a_day() {
    let server = Double::start().await;
    let objects = server.open("waft");
    let blobs = BlobStore::over(objects.clone(), bucket::PART_BYTES);
    let kept = blobs.put(OWN, Bytes::from_static(b"kept")).await.unwrap();
    for number in 0..5 {
        objects.put(&ObjectPath::from(format!("uploads/{number}")), PutPayload::new()).await.unwrap();
    }
    server.shared.age("waft/uploads/1", AGE / 2);
    server.shared.age("waft/uploads/2", AGE * 2);
    server.shared.age("waft/uploads/4", AGE * 2);
    server.shared.age(&format!("waft/{}", crate::blob::path(OWN, kept)), AGE * 2);
    assert_eq!(blobs.remove_remnants().await.unwrap(), 2);
    let left = server.shared.names();
    assert_eq!(left[1..], ["waft/uploads/0", "waft/uploads/1", "waft/uploads/3"]);
    assert_eq!(blobs.get(OWN, kept).await.unwrap(), "kept");
}
