//! `waft backup`.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use anyhow::Context;
use blobs::Stock;
use clock::Real;
use serde_json::json;
use store_sqlite::SqliteStore;

use super::db::existing_sqlite;
use super::dispatch::Session;
use crate::arguments::BackupArguments;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::serve::DataFolder;

const INSTEAD: &str = "use pg_dump, or archiving of its log, and versioning of the bucket";

pub(super) async fn run(arguments: BackupArguments, session: &Session) -> Outcome {
    let (folder, database) = existing_sqlite(&arguments.data, session, INSTEAD)?;
    let file = arguments.file;
    // Beside the backup, where its bytes find room too.
    let beside = file.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(".".as_ref());
    let scratch = tempfile::Builder::new()
        .prefix(".waft-backup-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(beside)
        .with_context(|| format!("cannot write to the folder {beside:?}"))?;
    let copy = scratch.path().join("waft.db");
    SqliteStore::copy(&database, &copy).await.with_context(|| format!("cannot copy the database {database:?}"))?;
    let stock = Stock::in_folder(&DataFolder::objects_in(&folder)).context("cannot open the objects")?;
    let open = async || SqliteStore::open_existing(&copy, Arc::new(Real)).await;
    let size = upkeep::backup(&copy, open, &stock, &file, env!("CARGO_PKG_VERSION"), &Real)
        .await
        .with_context(|| format!("cannot make the backup {file:?}"))?;
    let told = json!({ "file": file, "objects": size.objects, "bytes": size.bytes });
    let fields = [
        ("backup", file.display().to_string()),
        ("objects", size.objects.to_string()),
        ("bytes", size.bytes.to_string()),
    ];
    session.screen.one(&told, &fields)?;
    Ok(Exit::Done)
}
