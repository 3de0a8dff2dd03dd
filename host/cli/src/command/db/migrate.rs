//! `waft db migrate`.

use anyhow::Context;
use serde_json::json;
use store::Migration;
use store_postgres::PostgresStore;
use store_sqlite::SqliteStore;

use super::super::dispatch::Session;
use super::{Place, place};
use crate::arguments::DbMigrateArguments;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::screen::Listing;
use crate::serve::DataFolder;

pub(super) async fn run(arguments: DbMigrateArguments, session: &Session) -> Outcome {
    let applied = match place(&arguments.data, session)? {
        Place::Folder(folder) => {
            let data = DataFolder::open(&folder)?;
            let file = data.database();
            SqliteStore::migrate(&file).await.with_context(|| format!("cannot migrate the database {file:?}"))?
        }
        Place::Postgres { url, shown } => {
            PostgresStore::migrate(&url).await.with_context(|| format!("cannot migrate the database {shown}"))?
        }
    };
    let item = |it: &Migration| json!({ "number": it.number, "name": it.name, "kind": it.kind.word() });
    let items: Vec<_> = applied.iter().map(item).collect();
    let listing = Listing {
        headings: &["APPLIED", "KIND"],
        rows: applied.iter().map(|it| vec![it.name.to_owned(), it.kind.word().to_owned()]).collect(),
        empty: "nothing was missing",
    };
    session.screen.list(&items, &listing)?;
    Ok(Exit::Done)
}
