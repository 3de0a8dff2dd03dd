//! What is kept, and where it is: for commands that look after a server's data.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use blobs::{BlobStore, Stock};
use clock::Real;
use store::RetentionStore;
use store_postgres::PostgresStore;
use store_sqlite::SqliteStore;
use upkeep::RetentionPolicy;

use super::db::{Place, existing};
use crate::arguments::RetentionArguments;
use crate::config::{ObjectsUrl, RunsMaxAge, RunsMaxPerDag, Settings, VersionsMaxAge};
use crate::failure::Failure;
use crate::serve::DataFolder;

/// The policy that flags, environment or `waft.toml` give.
pub(super) fn policy(flags: &RetentionArguments, known: &Settings) -> Result<RetentionPolicy, Failure> {
    Ok(RetentionPolicy {
        runs_max_age: known.get::<RunsMaxAge>(flags.runs_max_age)?.value.limit(),
        runs_max_per_dag: known.get::<RunsMaxPerDag>(flags.runs_max_per_dag)?.value.limit(),
        versions_max_age: known.get::<VersionsMaxAge>(flags.versions_max_age)?.value.limit(),
    })
}

/// Rows that a server may use meanwhile.
pub(super) async fn rows(place: Place) -> Result<Arc<dyn RetentionStore>, Failure> {
    Ok(match place {
        Place::Folder(folder) => {
            let (_, database) = existing(folder)?;
            let store = SqliteStore::open_existing(&database, Arc::new(Real)).await;
            Arc::new(store.with_context(|| format!("cannot open the database {database:?}"))?)
        }
        Place::Postgres { url, shown } => {
            let store = PostgresStore::open_existing(&url, Arc::new(Real)).await;
            Arc::new(store.with_context(|| format!("cannot open the database {shown}"))?)
        }
    })
}

/// Objects that a server may use meanwhile.
pub(super) fn stock(url: &ObjectsUrl, data: &Path) -> Result<Stock, Failure> {
    let stock = match url {
        ObjectsUrl::InDataFolder => Stock::in_folder(&existing_objects(data)?),
        ObjectsUrl::Folder(path) => Stock::in_folder(path),
        ObjectsUrl::S3 { bucket, prefix } => BlobStore::in_bucket(bucket, prefix).map(|blobs| blobs.stock()),
    };
    Ok(stock.context("cannot open the objects")?)
}

/// Blobs that a server may use meanwhile.
pub(super) fn blobs(url: &ObjectsUrl, data: &Path) -> Result<BlobStore, Failure> {
    let blobs = match url {
        ObjectsUrl::InDataFolder => BlobStore::in_shared_folder(&existing_objects(data)?),
        ObjectsUrl::Folder(path) => BlobStore::in_shared_folder(path),
        ObjectsUrl::S3 { bucket, prefix } => BlobStore::in_bucket(bucket, prefix),
    };
    Ok(blobs.context("cannot open the blobs")?)
}

/// Where the objects of a data folder are. Whoever looks for them elsewhere would find that all are missing.
fn existing_objects(data: &Path) -> Result<std::path::PathBuf, Failure> {
    let objects = DataFolder::objects_in(data);
    if objects.is_dir() {
        return Ok(objects);
    }
    Err(Failure::new(crate::exit::Exit::NotFound, anyhow::anyhow!("there are no objects in {data:?}"))
        .hint("say where blobs and logs are with --objects, or give the data folder of the server with --data"))
}
