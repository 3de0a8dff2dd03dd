//! How the server is reached, and whether it can be used.

use std::str::FromStr;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use store::StoreError;
use tokio::time::timeout;

use crate::error::not_connected;
use crate::session::Session;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const VERSION_MIN: u32 = 150_000;
/// Sessions for everything but the scheduler's commits.
const POOL_MAX: u32 = 8;
const POOL_IDLE: Duration = Duration::from_secs(300);
const POOL_LIFETIME: Duration = Duration::from_secs(3600);
/// Prepared statements of one connection.
const STATEMENTS_KEPT: usize = 128;

/// Settings of every session.
const SETTINGS: &[(&str, &str)] = &[
    ("default_transaction_isolation", "read committed"),
    ("statement_timeout", "25s"),
    ("lock_timeout", "10s"),
    // What a process that was stopped holds is set free, so that others can go on.
    ("idle_in_transaction_session_timeout", "30s"),
    ("tcp_keepalives_idle", "10"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
    // Every statement finds its rows by an index, whatever the statistics say: a table that was empty when a plan was made may
    // be large when the plan is used.
    ("enable_seqscan", "off"),
    ("enable_bitmapscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("enable_material", "off"),
    ("enable_memoize", "off"),
    ("plan_cache_mode", "force_generic_plan"),
    ("jit", "off"),
];

/// Reads an address `postgres://user:password@host:port/database`.
pub(crate) fn options(url: &str) -> Result<PgConnectOptions, StoreError> {
    let unusable = |error: sqlx::Error| StoreError::Unusable {
        detail: format!("its URL is wrong: {error}; write postgres://user:password@host:5432/database"),
    };
    let options = PgConnectOptions::from_str(url).map_err(unusable)?;
    Ok(options
        .application_name("waft")
        .statement_cache_capacity(STATEMENTS_KEPT)
        .options(SETTINGS.iter().copied())
        .disable_statement_logging())
}

/// A session of its own.
pub(crate) async fn connect(options: &PgConnectOptions) -> Result<Session, StoreError> {
    let address = address(options);
    let user = options.get_username();
    let database = options.get_database().unwrap_or(user);
    match timeout(CONNECT_TIMEOUT, options.connect()).await {
        Ok(Ok(conn)) => Ok(Session::own(conn)),
        Ok(Err(error)) => Err(not_connected(&error, &address, user, database)),
        Err(_) => {
            let seconds = CONNECT_TIMEOUT.as_secs();
            Err(StoreError::Unavailable { detail: format!("{address} did not answer within {seconds} s") })
        }
    }
}

/// Sessions that are made when they are needed.
pub(crate) fn pool(options: PgConnectOptions) -> sqlx::PgPool {
    PgPoolOptions::new()
        .max_connections(POOL_MAX)
        .acquire_timeout(CONNECT_TIMEOUT)
        .idle_timeout(POOL_IDLE)
        .max_lifetime(POOL_LIFETIME)
        .connect_lazy_with(options)
}

/// The error of a caller that got no session of the pool.
pub(crate) fn none_free() -> StoreError {
    let seconds = CONNECT_TIMEOUT.as_secs();
    StoreError::Unavailable {
        detail: format!("no connection within {seconds} s: the server is away, or all {POOL_MAX} are in use"),
    }
}

fn address(options: &PgConnectOptions) -> String {
    match options.get_socket() {
        Some(folder) => format!("the server at {} (port {})", folder.display(), options.get_port()),
        None => format!("the server at {}:{}", options.get_host(), options.get_port()),
    }
}

/// What the server says of itself. Called when the store is opened; reads no table.
const ABOUT: &str = "
SELECT current_setting('server_version_num')::bigint AS number, current_setting('server_version') AS version,
    current_setting('server_encoding') AS encoding, pg_is_in_recovery() AS is_standby,
    current_setting('transaction_read_only') = 'on' AS is_read_only,
    current_setting('synchronous_commit') = 'off' AS is_asynchronous, current_setting('fsync') = 'off' AS is_careless";

/// Refuses a server that cannot keep what the store promises.
pub(crate) async fn check(session: &mut Session) -> Result<(), StoreError> {
    let row = session.one(sqlx::query(ABOUT)).await?;
    let cells = crate::rows::Cells::of(&row, "settings");
    let (number, version): (u32, _) = (cells.number("number")?, cells.text("version")?);
    if number < VERSION_MIN {
        let detail = format!("it is PostgreSQL {version}; 15 or newer is needed");
        return Err(StoreError::Unusable { detail });
    }
    let encoding = cells.text("encoding")?;
    if encoding != "UTF8" {
        let detail =
            format!("its encoding is {encoding}; make it with `createdb --encoding=UTF8 --template=template0`");
        return Err(StoreError::Unusable { detail });
    }
    if cells.flag("is_standby")? {
        let detail = "the server is a standby; connect to the primary".to_owned();
        return Err(StoreError::NotWritable { detail });
    }
    if cells.flag("is_read_only")? {
        let detail =
            "the server or the user is set to read-only (default_transaction_read_only); switch it off".to_owned();
        return Err(StoreError::NotWritable { detail });
    }
    if cells.flag("is_asynchronous")? {
        let detail = "synchronous_commit is off, so a crash would lose what was answered; switch it on".to_owned();
        return Err(StoreError::Unusable { detail });
    }
    if cells.flag("is_careless")? {
        tracing::warn!("the server runs with fsync = off; a power failure destroys the database");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_none_is_refused_without_its_password() {
        for url in ["", "secret", "postgres://user:secret@:x/y", "http//secret"] {
            let error = options(url).unwrap_err();
            assert!(matches!(error, StoreError::Unusable { .. }), "{error:?}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
