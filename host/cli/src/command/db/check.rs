//! `waft db check`.

use std::sync::Arc;

use anyhow::Context;
use clock::Real;
use store_postgres::PostgresStore;
use store_sqlite::SqliteStore;
use upkeep::Finding;

use super::super::dispatch::Session;
use super::super::retention;
use super::{Place, existing, place};
use crate::arguments::DbCheckArguments;
use crate::config::{Data, Objects};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::serve::DataFolder;

pub(super) async fn run(arguments: DbCheckArguments, session: &Session) -> Outcome {
    let known = &session.settings;
    let data = known.get::<Data>(arguments.data.data.clone())?.value;
    let objects = known.get::<Objects>(arguments.objects.objects)?.value;
    let mut findings = 0;
    let mut printed = Ok(());
    let mut tell = |finding: Finding| {
        findings += 1;
        let Finding { invariant, place, detail, advice } = &finding;
        if printed.is_ok() {
            printed = session.screen.line(&finding, &format!("{invariant}: {place}: {detail}; {advice}"));
        }
    };
    let checked = match place(&arguments.data, session)? {
        Place::Folder(folder) => {
            let (folder, database) = existing(folder)?;
            // Nobody else writes while this is held.
            let _data = DataFolder::open(&folder)?;
            let cannot = || format!("cannot check the database {database:?}");
            for detail in SqliteStore::damages(&database).await.with_context(cannot)? {
                let place = database.display().to_string();
                tell(Finding {
                    invariant: "file",
                    place,
                    detail,
                    advice: "restore a backup in which nothing is found",
                });
            }
            let store = SqliteStore::open_existing(&database, Arc::new(Real)).await.with_context(cannot)?;
            upkeep::check(&store, &retention::blobs(&objects, &folder)?, &mut tell).await.with_context(cannot)?
        }
        Place::Postgres { url, shown } => {
            let cannot = || format!("cannot check the database {shown}");
            assert_unused(&url, &shown).await?;
            let store = PostgresStore::open_existing(&url, Arc::new(Real)).await.with_context(cannot)?;
            upkeep::check(&store, &retention::blobs(&objects, &data)?, &mut tell).await.with_context(cannot)?
        }
    };
    printed?;
    session.screen.note(&format!("{} runs and {} blobs looked at", checked.runs, checked.blobs))?;
    if findings == 0 {
        return Ok(Exit::Done);
    }
    let message = format!("{findings} things do not hold that must hold");
    Err(Failure::new(Exit::Broken, anyhow::Error::msg(message)).hint("make a backup before anything is repaired"))
}

/// What is written meanwhile would look broken.
async fn assert_unused(url: &str, shown: &str) -> Result<(), Failure> {
    let status = PostgresStore::status(url).await;
    let status = status.with_context(|| format!("cannot look at the database {shown}"))?;
    let users = status.servers.into_iter().flatten().filter(|row| !row.lease.is_zero());
    let names: Vec<_> = users.map(|row| row.server.name).collect();
    if names.is_empty() {
        return Ok(());
    }
    let message = format!("servers use the database {shown}: {}", names.join(", "));
    Err(Failure::new(Exit::Broken, anyhow::Error::msg(message))
        .hint("stop them, or check what a backup of the database restores to; PostgreSQL checks pages with pg_amcheck"))
}
