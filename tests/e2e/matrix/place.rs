//! Where a story's server keeps its rows.

use std::path::Path;
use std::sync::Arc;

use clock::Real;
use simulation::{SCOPE, Snapshot};
use store_postgres::PostgresStore;
use store_sqlite::SqliteStore;
use testkit_postgres::Database;

/// A database that is empty at first.
pub(super) enum Place {
    /// In the server's data folder.
    Sqlite,
    Postgres(Database),
}

impl Place {
    pub(super) fn sqlite() -> Self {
        Self::Sqlite
    }

    pub(super) fn postgres() -> Self {
        Self::Postgres(testkit_postgres::database())
    }

    /// What tells the server.
    pub(super) fn arguments(&self) -> Vec<String> {
        let mut arguments = vec!["--slots".to_owned(), "8".to_owned()];
        if let Self::Postgres(database) = self {
            arguments.extend(["--database".to_owned(), database.url()]);
        }
        arguments
    }

    /// Everything in it, when no server writes any more.
    pub(super) async fn snapshot(&self, data: &Path) -> Snapshot {
        let read = match self {
            Self::Sqlite => {
                let path = data.join("waft.db");
                let store = SqliteStore::open(&path, Arc::new(Real)).await.expect("the database can be opened");
                Snapshot::read(&store, SCOPE).await
            }
            Self::Postgres(database) => {
                let store = PostgresStore::open(&database.url(), Arc::new(Real)).await;
                Snapshot::read(&store.expect("the database can be opened"), SCOPE).await
            }
        };
        read.expect("the rows can be read")
    }
}
