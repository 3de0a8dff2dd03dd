//! What an operator does to a database as a whole: look at it, migrate it, take it over after it was restored.
//!
//! Callers: `cli`. Looking works beside servers; the rest says what it needs.

use store::{DatabaseStatus, Migration, StoreError, Upgrade};

use crate::migrate::{self, migrate};
use crate::rows::Cells;
use crate::{PostgresStore, cluster, connect};

/// What is shown of the database.
const ABOUT: &str = "
SELECT current_setting('server_version') AS version, pg_database_size(current_database()) AS size_bytes";

/// The cluster epoch. The table has one row.
const EPOCH: &str = "SELECT epoch FROM cluster WHERE id = 1";

/// Far more epochs than any cluster takes between two backups: whatever ran before a restore has a lower one.
const RESTORE_EPOCHS: i64 = 1 << 16;

/// Ends all leases. Called by `PostgresStore::epoch_leap`, as are the next two. Walks the table, which has a row for each process.
const END_LEASES: &str = "UPDATE server SET is_gone = true, lease_until = now() WHERE NOT is_gone";

/// Walks the table, which has a row for each shard.
const FREE_SHARDS: &str = "UPDATE shard SET owner = NULL WHERE owner IS NOT NULL";

/// The table has one row.
const LEAP: &str = "UPDATE cluster SET epoch = epoch + $1 WHERE id = 1 RETURNING epoch";

impl PostgresStore {
    /// How the database at `url` stands. Changes nothing.
    pub async fn status(url: &str) -> Result<DatabaseStatus, StoreError> {
        let mut session = connect::connect(&connect::options(url)?).await?;
        let (schema, name) = migrate::schema(&mut session).await?;
        let migrations = migrate::known();
        let row = session.one(sqlx::query(ABOUT)).await?;
        let about = Cells::of(&row, "settings");
        let epoch = match schema.number {
            0 => None,
            _ => Some(Cells::of(&session.one(sqlx::query(EPOCH)).await?, "cluster").number("epoch")?),
        };
        let servers = match schema.number {
            0 => Vec::new(),
            _ => {
                let rows = session.all(sqlx::query(cluster::LIST)).await?;
                rows.iter().map(cluster::server).collect::<Result<_, _>>()?
            }
        };
        Ok(DatabaseStatus {
            engine: format!("PostgreSQL {}", about.text("version")?),
            schema,
            schema_name: name,
            known: migrations.known(),
            missing: migrations.missing(schema).map(<[Migration]>::to_vec).unwrap_or_default(),
            size_bytes: about.number("size_bytes")?,
            epoch,
            servers: Some(servers),
        })
    }

    /// Applies everything that the database at `url` lacks. Programs that do not know a contracting migration must have ended.
    pub async fn migrate(url: &str) -> Result<Vec<Migration>, StoreError> {
        let mut session = connect::connect(&connect::options(url)?).await?;
        connect::check(&mut session).await?;
        migrate(&mut session, &migrate::known(), Upgrade::Whole).await
    }

    /// Makes a restored database one that nobody of before can write to: ends all leases, frees all shards, and raises the epoch above all
    /// that were given since the backup. Gives the new one.
    pub async fn epoch_leap(url: &str) -> Result<u32, StoreError> {
        let mut session = connect::connect(&connect::options(url)?).await?;
        connect::check(&mut session).await?;
        let (found, _) = migrate::schema(&mut session).await?;
        migrate::known().assert_usable(found)?;
        session.begin("BEGIN").await?;
        session.execute(sqlx::query(END_LEASES)).await?;
        session.execute(sqlx::query(FREE_SHARDS)).await?;
        let row = session.one(sqlx::query(LEAP).bind(RESTORE_EPOCHS)).await?;
        let epoch = Cells::of(&row, "cluster").number("epoch")?;
        session.commit().await?;
        Ok(epoch)
    }
}
