//! `waft restore`.

use std::path::Path;

use anyhow::Context;
use serde_json::json;
use store_postgres::PostgresStore;
use store_sqlite::SqliteStore;
use upkeep::Restoration;

use super::db::{Place, place};
use super::dispatch::Session;
use crate::arguments::RestoreArguments;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::serve::DataFolder;

pub(super) async fn run(arguments: RestoreArguments, session: &Session) -> Outcome {
    match (place(&arguments.data, session)?, arguments.file) {
        (Place::Folder(folder), Some(file)) => into_folder(&folder, &file, session).await,
        (Place::Postgres { url, shown }, None) => {
            let epoch = PostgresStore::epoch_leap(&url).await;
            let epoch = epoch.with_context(|| format!("cannot take over the database {shown}"))?;
            let fields = [("restored", shown.clone()), ("epoch", epoch.to_string())];
            session.screen.one(&json!({ "database": shown, "epoch": epoch }), &fields)?;
            Ok(Exit::Done)
        }
        (Place::Folder(_), None) => Err(Failure::usage("say which backup to restore")
            .hint("waft restore --data NEWDIR FILE; a database on PostgreSQL is named with --database")),
        (Place::Postgres { .. }, Some(_)) => Err(Failure::usage("a backup file is restored into a data folder")
            .hint("restore PostgreSQL with its own tools, then leave the file out")),
    }
}

async fn into_folder(folder: &Path, file: &Path, session: &Session) -> Outcome {
    let cannot = || format!("cannot restore {file:?}");
    let restoration = Restoration::begin(folder).with_context(cannot)?;
    let size = restoration.extract(file).with_context(cannot)?;
    let database = DataFolder::database_in(restoration.folder());
    let damages = SqliteStore::damages(&database).await.with_context(cannot)?;
    if let Some(first) = damages.first() {
        let message = format!("the database in {file:?} is damaged ({} findings): {first}", damages.len());
        return Err(Failure::new(Exit::Broken, anyhow::Error::msg(message)).hint("restore an older backup"));
    }
    let schema = SqliteStore::status(&database).await.with_context(cannot)?;
    schema.assert_known().with_context(cannot)?;
    let epoch = SqliteStore::epoch_leap(&database).await.with_context(cannot)?;
    restoration.finish().with_context(cannot)?;
    let told = json!({
        "data": folder, "objects": size.objects, "bytes": size.bytes, "schema": schema.schema.number, "epoch": epoch,
    });
    let fields = [
        ("restored", folder.display().to_string()),
        ("objects", size.objects.to_string()),
        ("bytes", size.bytes.to_string()),
        ("schema", schema.schema.number.to_string()),
        ("epoch", epoch.to_string()),
    ];
    session.screen.one(&told, &fields)?;
    Ok(Exit::Done)
}
