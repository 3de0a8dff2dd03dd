//! `waft db check`.

use std::sync::Arc;

use anyhow::Context;
use blobs::BlobStore;
use clock::Real;
use store_sqlite::SqliteStore;
use upkeep::Finding;

use super::super::dispatch::Session;
use super::existing_sqlite;
use crate::arguments::DbCheckArguments;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::serve::DataFolder;

const INSTEAD: &str = "PostgreSQL checks pages with pg_amcheck; \"waft db status\" tells the schema and the servers";

pub(super) async fn run(arguments: DbCheckArguments, session: &Session) -> Outcome {
    let (folder, _) = existing_sqlite(&arguments.data, session, INSTEAD)?;
    let data = DataFolder::open(&folder)?;
    let database = data.database();
    let cannot = || format!("cannot check the database {database:?}");
    let mut findings = 0;
    let mut printed = Ok(());
    let mut tell = |finding: Finding| {
        findings += 1;
        let Finding { invariant, place, detail, advice } = &finding;
        if printed.is_ok() {
            printed = session.screen.line(&finding, &format!("{invariant}: {place}: {detail}; {advice}"));
        }
    };
    for detail in SqliteStore::damages(&database).await.with_context(cannot)? {
        let place = database.display().to_string();
        tell(Finding { invariant: "file", place, detail, advice: "restore a backup in which nothing is found" });
    }
    let store = SqliteStore::open_existing(&database, Arc::new(Real)).await.with_context(cannot)?;
    let blobs = BlobStore::in_folder(&data.objects()).context("cannot open the blobs")?;
    let checked = upkeep::check(&store, &blobs, &mut tell).await.with_context(cannot)?;
    printed?;
    session.screen.note(&format!("{} runs and {} blobs looked at", checked.runs, checked.blobs))?;
    if findings == 0 {
        return Ok(Exit::Done);
    }
    let message = format!("{findings} things do not hold that must hold");
    Err(Failure::new(Exit::Broken, anyhow::Error::msg(message)).hint("make a backup before anything is repaired"))
}
