//! `waft db`.

mod check;
mod migrate;
mod status;

use std::path::PathBuf;

use super::dispatch::Session;
use crate::arguments::{DataArguments, DbCommand};
use crate::config::{Data, Database, DatabaseUrl};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::serve::DataFolder;

pub(super) async fn run(command: DbCommand, session: &Session) -> Outcome {
    match command {
        DbCommand::Status(arguments) => status::run(arguments, session).await,
        DbCommand::Migrate(arguments) => migrate::run(arguments, session).await,
        DbCommand::Check(arguments) => check::run(arguments, session).await,
    }
}

/// Where the rows are.
pub(super) enum Place {
    /// In a data folder.
    Folder(PathBuf),
    Postgres {
        url: String,
        /// Without its password.
        shown: String,
    },
}

/// The place that flags, environment or `waft.toml` name.
pub(super) fn place(arguments: &DataArguments, session: &Session) -> Result<Place, Failure> {
    let known = &session.settings;
    let database = known.get::<Database>(arguments.database.clone())?.value;
    let shown = database.shown();
    Ok(match database {
        DatabaseUrl::InDataFolder => Place::Folder(known.get::<Data>(arguments.data.clone())?.value),
        DatabaseUrl::Postgres(url) => Place::Postgres { url, shown },
    })
}

/// A data folder and its database, which must be there.
pub(super) fn existing(folder: PathBuf) -> Result<(PathBuf, PathBuf), Failure> {
    let database = DataFolder::database_in(&folder);
    if database.is_file() {
        return Ok((folder, database));
    }
    Err(Failure::new(Exit::NotFound, anyhow::anyhow!("there is no database {database:?}"))
        .hint("give the data folder of a server with --data; \"waft serve\" and \"waft db migrate\" make one"))
}

/// The same of a command that knows SQLite alone.
pub(super) fn existing_sqlite(
    arguments: &DataArguments,
    session: &Session,
    instead: &str,
) -> Result<(PathBuf, PathBuf), Failure> {
    match place(arguments, session)? {
        Place::Folder(folder) => existing(folder),
        Place::Postgres { shown, .. } => {
            Err(Failure::usage(format!("the database is {shown}; this command is for SQLite")).hint(instead))
        }
    }
}
