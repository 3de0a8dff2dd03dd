//! Arguments of the commands for what makes runs: schedules, backfills, assets.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::{ConfArgument, LimitArgument, ListArguments, NameArguments, ServerArguments};

/// Pause a DAG: its schedule makes no runs
#[derive(Debug, Args)]
pub(crate) struct PauseArguments {
    /// DAG
    pub(crate) dag: String,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

/// Set a paused DAG going again
#[derive(Debug, Args)]
pub(crate) struct UnpauseArguments {
    /// DAG
    pub(crate) dag: String,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

/// Run a DAG for a stretch of the past, and look after such backfills
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  waft backfill create daily --from 2026-01-01 --to 2026-01-31 --dry-run
  waft backfill create daily --from 2026-01-01 --to 2026-01-31 --max-active-runs 2 --reprocess failed
  waft backfill list daily
  waft backfill pause 7
")]
pub(crate) struct BackfillArguments {
    #[command(subcommand)]
    pub(crate) command: BackfillCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BackfillCommand {
    /// Make a backfill, or tell what it would do
    Create(BackfillCreateArguments),
    /// List the backfills, newest first
    List(BackfillListArguments),
    /// Show a backfill
    Get(BackfillIdArguments),
    /// Make no more runs of a backfill; what runs goes on
    Pause(BackfillIdArguments),
    /// Set a paused backfill going again
    Unpause(BackfillIdArguments),
    /// End a backfill; what runs goes on
    Cancel(BackfillIdArguments),
}

#[derive(Debug, Args)]
pub(crate) struct BackfillCreateArguments {
    /// DAG
    pub(crate) dag: String,
    /// First logical date: 2026-01-31 or 2026-01-31T08:00:00Z
    #[arg(long, value_name = "DATE", value_parser = instant)]
    pub(crate) from: Timestamp,
    /// Last logical date
    #[arg(long, value_name = "DATE", value_parser = instant)]
    pub(crate) to: Timestamp,
    /// Begin with the last date
    #[arg(long)]
    pub(crate) backwards: bool,
    /// What to do about dates that have a run: none, failed or completed
    #[arg(long, value_name = "WHICH", default_value = "none")]
    pub(crate) reprocess: model::Reprocess,
    /// Runs that may be unfinished at a time [default: 10]
    #[arg(long, value_name = "N")]
    pub(crate) max_active_runs: Option<u32>,
    /// Version of all runs [default: the current one]
    #[arg(long, value_name = "N", conflicts_with = "latest")]
    pub(crate) version: Option<u32>,
    /// Give each run the version that is current when it is made
    #[arg(long)]
    pub(crate) latest: bool,
    /// Only tell the dates
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) conf: ConfArgument,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

#[derive(Debug, Args)]
pub(crate) struct BackfillListArguments {
    /// Backfills of this DAG alone
    pub(crate) dag: Option<String>,
    #[command(flatten)]
    pub(crate) limit: LimitArgument,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

#[derive(Debug, Args)]
pub(crate) struct BackfillIdArguments {
    /// Number of the backfill
    pub(crate) id: i64,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

/// List assets and their events, and tell of a change
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  waft assets list
  waft assets tell s3://bucket/orders --extra '{\"rows\": 12}'
  waft assets events s3://bucket/orders
")]
pub(crate) struct AssetsArguments {
    #[command(subcommand)]
    pub(crate) command: AssetsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AssetsCommand {
    /// List the assets
    List(ListArguments),
    /// Show an asset and who has to do with it
    Get(NameArguments),
    /// List events, newest first
    Events(AssetEventsArguments),
    /// Tell that an asset was changed; runs that wait for it follow
    Tell(AssetTellArguments),
}

#[derive(Debug, Args)]
pub(crate) struct AssetEventsArguments {
    /// Events of this asset alone
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) limit: LimitArgument,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

#[derive(Debug, Args)]
pub(crate) struct AssetTellArguments {
    /// Name of the asset
    pub(crate) name: String,
    /// What there is to say about the change: a JSON object, @FILE, or @- for standard input
    #[arg(long, value_name = "JSON")]
    pub(crate) extra: Option<String>,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

/// A time with a zone, or a date, which is its midnight in UTC.
pub(super) fn instant(text: &str) -> Result<Timestamp, String> {
    let of_date = |date: Date| date.to_zoned(TimeZone::UTC).map(|midnight| midnight.timestamp());
    let hint = || format!("{text:?} is no date; write 2026-01-31 or 2026-01-31T08:00:00Z");
    match (text.parse::<Timestamp>(), text.len()) {
        (Ok(at), _) => Ok(at),
        (Err(_), 10) => text.parse().and_then(of_date).map_err(|_| hint()),
        _ => Err(hint()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_its_midnight() {
        let check = |text: &str, expect: Option<&str>| {
            assert_eq!(instant(text).ok().map(|at| at.to_string()).as_deref(), expect, "{text}");
        };
        check("2026-01-31", Some("2026-01-31T00:00:00Z"));
        check("2026-01-31T08:00:00+01:00", Some("2026-01-31T07:00:00Z"));
        check("2026-02-31", None);
        check("2026-01-31T08:00:00", None);
        check("yesterday", None);
    }
}
