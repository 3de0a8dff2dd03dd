//! The database of a house, whichever it is.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clock::Clock;
use futures::future::{BoxFuture, FutureExt, Shared};
use scheduler::{SharedStore, TimeStore};
use store::{
    AuthStore, CallbackStore, Catalog, ConnectionStore, EventLogStore, NoteStore, PoolStore, RetentionStore, RunReader,
    RunStore, StateStore, ValueStore, VariableStore, WaitStore,
};
use store_postgres::PostgresStore;
use store_sqlite::SqliteStore;

use super::DataFolder;
use crate::config::DatabaseUrl;
use crate::failure::Failure;

/// A database, by what its callers need of it.
#[derive(Clone)]
pub(crate) struct Stores {
    pub(crate) runs: Arc<dyn RunStore>,
    pub(crate) reader: Arc<dyn RunReader>,
    pub(crate) catalog: Arc<dyn Catalog>,
    pub(crate) waits: Arc<dyn WaitStore>,
    pub(crate) values: Arc<dyn ValueStore>,
    pub(crate) states: Arc<dyn StateStore>,
    pub(crate) auth: Arc<dyn AuthStore>,
    /// Schedules, backfills and assets.
    pub(crate) times: Arc<dyn TimeStore>,
    pub(crate) variables: Arc<dyn VariableStore>,
    pub(crate) connections: Arc<dyn ConnectionStore>,
    pub(crate) pools: Arc<dyn PoolStore>,
    pub(crate) notes: Arc<dyn NoteStore>,
    pub(crate) event_logs: Arc<dyn EventLogStore>,
    pub(crate) callbacks: Arc<dyn CallbackStore>,
    pub(crate) retention: Arc<dyn RetentionStore>,
    /// The file of SQLite.
    pub(crate) file: Option<PathBuf>,
    /// Where other processes may use it too.
    pub(crate) shared: Option<Arc<dyn SharedStore>>,
    /// Why nothing can be written any more, once nothing can.
    pub(crate) failed: Shared<BoxFuture<'static, String>>,
}

impl Stores {
    /// Opens the database and brings it to this program's schema.
    pub(crate) async fn open(url: &DatabaseUrl, data: &DataFolder, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        match url {
            DatabaseUrl::InDataFolder => {
                let file = data.database();
                let store = SqliteStore::open(&file, clock).await;
                let store = Arc::new(store.with_context(|| format!("cannot open the database {file:?}"))?);
                let writer = store.clone();
                let failed = async move { writer.failed().await }.boxed().shared();
                Ok(Self { file: Some(file), ..Self::of(store, None, failed) })
            }
            DatabaseUrl::Postgres(address) => {
                let store = PostgresStore::open(address, clock).await;
                let store = Arc::new(store.with_context(|| format!("cannot open the database {}", url.shown()))?);
                // Its sessions come back by themselves when the server does.
                Ok(Self::of(store.clone(), Some(store), std::future::pending().boxed().shared()))
            }
        }
    }

    fn of<S>(store: Arc<S>, shared: Option<Arc<dyn SharedStore>>, failed: Shared<BoxFuture<'static, String>>) -> Self
    where
        S: RunStore
            + RunReader
            + Catalog
            + ValueStore
            + StateStore
            + AuthStore
            + RetentionStore
            + TimeStore
            + VariableStore
            + ConnectionStore
            + PoolStore
            + WaitStore
            + NoteStore
            + EventLogStore
            + CallbackStore
            + 'static,
    {
        Self {
            runs: store.clone(),
            reader: store.clone(),
            catalog: store.clone(),
            values: store.clone(),
            states: store.clone(),
            auth: store.clone(),
            times: store.clone(),
            variables: store.clone(),
            connections: store.clone(),
            pools: store.clone(),
            waits: store.clone(),
            notes: store.clone(),
            event_logs: store.clone(),
            callbacks: store.clone(),
            retention: store,
            file: None,
            shared,
            failed,
        }
    }
}
