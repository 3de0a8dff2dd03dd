//! Arguments of the commands around a database's life.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::config::{
    Age, Database, DatabaseUrl, Element, Newest, Objects, ObjectsUrl, RunsMaxAge, RunsMaxPerDag, VersionsMaxAge,
};

const KEPT: &str = "What is kept";

// Where the rows are.
#[derive(Debug, Clone, Args)]
pub(crate) struct DataArguments {
    /// Data folder of the server [env: WAFT_DATA] [default: waft-data]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Database of the server: sqlite (in DIR) or postgres://USER:PASSWORD@HOST:PORT/NAME [env: WAFT_DATABASE] [default: sqlite]
    #[arg(long, value_name = "URL", value_parser = Database::parse)]
    pub(crate) database: Option<DatabaseUrl>,
}

// Where the blobs and logs are.
#[derive(Debug, Clone, Args)]
pub(crate) struct ObjectsArguments {
    /// Blobs and logs of the server: data (in DIR), file:///FOLDER or s3://BUCKET/PREFIX [env: WAFT_OBJECTS] [default: data]
    #[arg(long, value_name = "URL", value_parser = Objects::parse)]
    pub(crate) objects: Option<ObjectsUrl>,
}

// How long what is kept.
#[derive(Debug, Clone, Args)]
pub(crate) struct RetentionArguments {
    /// How long a run is kept after its end, with its values and logs: forever, or such as 30d or 12h [env: WAFT_RUNS_MAX_AGE]
    /// [default: forever]
    #[arg(long, value_name = "AGE", value_parser = RunsMaxAge::parse, help_heading = KEPT)]
    pub(crate) runs_max_age: Option<Age>,
    /// How many runs of each DAG are kept, the newest: all or a number [env: WAFT_RUNS_MAX_PER_DAG] [default: all]
    #[arg(long, value_name = "N", value_parser = RunsMaxPerDag::parse, help_heading = KEPT)]
    pub(crate) runs_max_per_dag: Option<Newest>,
    /// How long a version of a DAG or a bundle is kept that is not current and that no run refers to [env: WAFT_VERSIONS_MAX_AGE]
    /// [default: forever]
    #[arg(long, value_name = "AGE", value_parser = VersionsMaxAge::parse, help_heading = KEPT)]
    pub(crate) versions_max_age: Option<Age>,
}

/// Look at the database, bring its schema up to date, or check its rows
#[derive(Debug, Args)]
pub(crate) struct DbArguments {
    #[command(subcommand)]
    pub(crate) command: DbCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DbCommand {
    Status(DbStatusArguments),
    Migrate(DbMigrateArguments),
    Check(DbCheckArguments),
}

/// Tell the schema, what is missing of it, the size and who uses it
///
/// Changes nothing, and works beside a running server.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  waft db status --data /var/lib/waft
  waft db status --output json | jq .missing
")]
pub(crate) struct DbStatusArguments {
    #[command(flatten)]
    pub(crate) data: DataArguments,
}

/// Apply all migrations that the database lacks
///
/// A server does this when it starts, apart from migrations at the end that take something away: those wait for this command, because
/// programs of the version before may still run then. Wants a data folder for itself; with PostgreSQL, end those programs first. Killed in the middle, it goes on with the next
/// migration when it is run again.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  waft db migrate --data /var/lib/waft
")]
pub(crate) struct DbMigrateArguments {
    #[command(flatten)]
    pub(crate) data: DataArguments,
}

/// Write a backup of a data folder to one file
///
/// The database is copied as it is at one moment, then blobs and logs; a server may run meanwhile. Blobs are compared with their digests.
/// The file appears when it is whole and on disk. Tokens of the file admin.token are not in it, those that the database knows are.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  waft backup --data /var/lib/waft waft-2026-11-21.backup
")]
pub(crate) struct BackupArguments {
    /// File to write; must not be there
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) data: DataArguments,
}

/// Put a backup into a new data folder
///
/// Everything is compared with what was written, and the folder appears when it is whole and on disk. The cluster epoch is raised, so that
/// whatever still runs from before the backup is refused. What was running at the time of the backup runs again.
///
/// With PostgreSQL there is no file: restore the database with its own tools while no server runs, then run this once before you start one.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  waft restore --data /var/lib/waft-new waft-2026-11-21.backup
  waft restore --database postgres://waft@db.internal/waft
")]
pub(crate) struct RestoreArguments {
    /// File that "waft backup" wrote; none with PostgreSQL
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataArguments,
}

/// Check whether what must hold of the database does
///
/// Reads all rows and all blobs that they refer to, says what does not hold, where and what to do, and changes nothing. Wants the data
/// folder, or the database on PostgreSQL, for itself: stop the servers, or check what a backup restores to.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  waft db check --data /var/lib/waft
  waft db check --database postgres://waft@db.internal/waft --objects s3://waft-objects/production

Exit code 0 when everything holds, 7 when something does not.
")]
pub(crate) struct DbCheckArguments {
    #[command(flatten)]
    pub(crate) data: DataArguments,
    #[command(flatten)]
    pub(crate) objects: ObjectsArguments,
}

/// Remove blobs that nothing refers to, and runs and versions that are kept no longer
///
/// A server does this by itself, every six hours. A blob that nothing refers to is laid aside when it was written more than two days ago,
/// and deleted eight days later; until then it is still found, and taken back when something refers to it. Runs and versions are kept for
/// ever unless an option, the environment or waft.toml (table "retention") says otherwise; runs that have not ended never go, nor do
/// versions that are current, that a run refers to, or that are the newest of their DAG. What this frees goes with the next pass. May run
/// beside a server.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  waft gc --dry-run --data /var/lib/waft
  waft gc --data /var/lib/waft --runs-max-age 90d --versions-max-age 90d
  waft gc --database postgres://waft@db.internal/waft --objects s3://waft-objects/production --dry-run
")]
pub(crate) struct GcArguments {
    /// Only tell what would happen
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) data: DataArguments,
    #[command(flatten)]
    pub(crate) objects: ObjectsArguments,
    #[command(flatten)]
    pub(crate) retention: RetentionArguments,
}
