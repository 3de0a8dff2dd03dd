//! `waft db status`.

use anyhow::Context;
use serde::Serialize;
use store::{DatabaseStatus, Migration, ServerRow, StoreError};
use store_postgres::PostgresStore;
use store_sqlite::SqliteStore;

use super::super::dispatch::Session;
use super::{Place, existing, place};
use crate::arguments::DbStatusArguments;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::serve::DataFolder;

/// For programs.
#[derive(Debug, Serialize)]
struct Told {
    database: String,
    place: String,
    schema: i64,
    schema_name: Option<String>,
    known: i64,
    is_usable: bool,
    missing: Vec<Missing>,
    size_bytes: u64,
    epoch: Option<u32>,
    is_in_use: bool,
    /// Processes that share the database.
    servers: Vec<Server>,
}

#[derive(Debug, Serialize)]
struct Missing {
    number: i64,
    name: &'static str,
    kind: &'static str,
}

#[derive(Debug, Serialize)]
struct Server {
    name: String,
    version: String,
    is_scheduler: bool,
    slots: u32,
    shards: usize,
    lease_ms: u64,
}

pub(super) async fn run(arguments: DbStatusArguments, session: &Session) -> Outcome {
    let told = match place(&arguments.data, session)? {
        Place::Folder(folder) => {
            let (folder, file) = existing(folder)?;
            let status = SqliteStore::status(&file).await;
            let status = status.with_context(|| format!("cannot look at the database {file:?}"))?;
            let is_in_use = DataFolder::is_in_use(&folder).with_context(|| format!("cannot look at {folder:?}"))?;
            told(status, file.display().to_string(), is_in_use)
        }
        Place::Postgres { url, shown } => {
            let status = PostgresStore::status(&url).await;
            let status = status.with_context(|| format!("cannot look at the database {shown}"))?;
            let is_in_use = status.servers.iter().flatten().any(|it| !it.lease.is_zero());
            told(status, shown, is_in_use)
        }
    };
    session.screen.one(&told, &fields(&told))?;
    if told.is_usable {
        return Ok(Exit::Done);
    }
    let error = StoreError::NewerSchema { found: told.schema, known: told.known };
    Err(Failure::new(Exit::Broken, error).hint("use the program that made it, or a newer one"))
}

fn told(status: DatabaseStatus, place: String, is_in_use: bool) -> Told {
    let is_usable = status.assert_known().is_ok();
    let DatabaseStatus { engine, schema, schema_name, known, missing, size_bytes, epoch, servers } = status;
    let of_missing = |it: &Migration| Missing { number: it.number, name: it.name, kind: it.kind.word() };
    Told {
        database: engine,
        place,
        schema: schema.number,
        schema_name,
        known,
        is_usable,
        missing: missing.iter().map(of_missing).collect(),
        size_bytes,
        epoch,
        is_in_use,
        servers: servers.into_iter().flatten().map(server).collect(),
    }
}

fn server(row: ServerRow) -> Server {
    let ServerRow { server, lease, shards } = row;
    Server {
        name: server.name,
        version: server.version,
        is_scheduler: server.is_scheduler,
        slots: server.slots,
        shards: shards.len(),
        lease_ms: u64::try_from(lease.as_millis()).unwrap_or(u64::MAX),
    }
}

fn fields(told: &Told) -> Vec<(&'static str, String)> {
    let name = told.schema_name.as_deref().unwrap_or(if told.schema == 0 { "empty" } else { "unknown" });
    let of_missing = |it: &Missing| match it.kind {
        "contract" => format!("{} (contract; \"waft db migrate\" applies it)", it.name),
        kind => format!("{} ({kind}; the next start applies it)", it.name),
    };
    let missing: Vec<_> = told.missing.iter().map(of_missing).collect();
    let epoch = told.epoch.map_or_else(|| "none".to_owned(), |epoch| epoch.to_string());
    let of_server = |it: &Server| {
        let lease = if it.lease_ms == 0 { "gone".to_owned() } else { format!("lease for {} ms", it.lease_ms) };
        format!("{} (waft {}, {} shards, {} slots, {lease})", it.name, it.version, it.shards, it.slots)
    };
    let users: Vec<_> = match (&told.servers[..], told.is_in_use) {
        ([], true) => vec!["a running server".to_owned()],
        ([], false) => vec!["nobody".to_owned()],
        (servers, _) => servers.iter().map(of_server).collect(),
    };
    vec![
        ("database", told.database.clone()),
        ("place", told.place.clone()),
        ("schema", format!("{} ({name})", told.schema)),
        ("program knows", told.known.to_string()),
        ("missing", if missing.is_empty() { "nothing".to_owned() } else { missing.join("\n") }),
        ("size", format!("{} bytes", told.size_bytes)),
        ("epoch", epoch),
        ("used by", users.join("\n")),
    ]
}
