//! Opens the database.

use std::sync::Arc;

use clock::Clock;
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use store::{StoreError, Upgrade};

use crate::connect;
use crate::error::Failure;
use crate::migrate::{self, migrate};
use crate::session::Session;
use crate::writer::Writer;

/// The store on PostgreSQL. Clones share it. Must be opened within a tokio runtime.
#[derive(Debug, Clone)]
pub struct PostgresStore {
    pool: PgPool,
    /// For connections beside the pool.
    pub(crate) options: PgConnectOptions,
    pub(crate) writer: Arc<Writer>,
}

impl PostgresStore {
    /// Connects to the database at `url`, `postgres://user:password@host:port/database`, refuses a server that cannot keep
    /// what this store promises, and brings the database to this program's schema. `clock` measures commits and waits.
    pub async fn open(url: &str, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let options = connect::options(url)?;
        let mut session = connect::connect(&options).await?;
        connect::check(&mut session).await?;
        migrate(&mut session, &migrate::known(), Upgrade::WhileOthersRun).await?;
        drop(session);
        Ok(Self::start(options, clock))
    }

    /// Connects to the database at `url` as it is; fails when it lacks migrations that this program needs.
    pub async fn open_existing(url: &str, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let options = connect::options(url)?;
        let mut session = connect::connect(&options).await?;
        connect::check(&mut session).await?;
        let (found, _) = migrate::schema(&mut session).await?;
        migrate::known().assert_usable(found)?;
        drop(session);
        Ok(Self::start(options, clock))
    }

    fn start(options: PgConnectOptions, clock: Arc<dyn Clock>) -> Self {
        let writer = Arc::new(Writer::new(options.clone(), clock));
        Self { pool: connect::pool(options.clone()), options, writer }
    }

    /// A session of the pool.
    pub(crate) async fn session(&self) -> Result<Session, StoreError> {
        match self.pool.acquire().await {
            Ok(conn) => Ok(Session::pooled(conn)),
            Err(sqlx::Error::PoolTimedOut) => Err(connect::none_free()),
            Err(error) => Err(Failure::from(error).into()),
        }
    }
}
