//! Arguments of the commands for what people do to runs that are there, and for what runs wait for.

use clap::Args;

use super::{InstanceArguments, LimitArgument, RunNameArguments, ServerArguments};

// Which instances of a run.
#[derive(Debug, Clone, Args)]
pub(crate) struct SelectionArguments {
    /// And everything upstream
    #[arg(long)]
    pub(crate) upstream: bool,
    /// And everything downstream
    #[arg(long)]
    pub(crate) downstream: bool,
    /// And the same in the runs with earlier logical dates
    #[arg(long)]
    pub(crate) past: bool,
    /// And the same in the runs with later logical dates
    #[arg(long)]
    pub(crate) future: bool,
    /// Why; it is kept in the log of events
    #[arg(long, value_name = "TEXT")]
    pub(crate) note: Option<String>,
    /// Only tell what would change
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Let instances of a run run again
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  waft clear daily/backfill-7 --only-failed
  waft clear daily/backfill-7 --task load --downstream --dry-run
  waft clear daily/backfill-7 --task check:3 --task check:4 --latest
")]
pub(crate) struct ClearArguments {
    #[command(flatten)]
    pub(crate) run: RunNameArguments,
    /// Task, or TASK:N for its instance with this map index; may be said more than once [default: all]
    #[arg(long, value_name = "TASK")]
    pub(crate) task: Vec<String>,
    /// Those that failed, or could not run for a failure
    #[arg(long, conflicts_with = "only_running")]
    pub(crate) only_failed: bool,
    /// Those that run
    #[arg(long)]
    pub(crate) only_running: bool,
    /// Version of the run from now on [default: its own]
    #[arg(long, value_name = "N", conflicts_with = "latest")]
    pub(crate) version: Option<u32>,
    /// The version that is current now
    #[arg(long)]
    pub(crate) latest: bool,
    #[command(flatten)]
    pub(crate) selection: SelectionArguments,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

/// Give a run, or instances of it, a state
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  waft mark daily/backfill-7 failed
  waft mark daily/backfill-7 success --task load --note 'loaded by hand'
  waft mark daily/backfill-7 skipped --task check:3 --downstream --dry-run
")]
pub(crate) struct MarkArguments {
    #[command(flatten)]
    pub(crate) run: RunNameArguments,
    /// success, failed or skipped; for a whole run success, failed or queued
    pub(crate) state: String,
    /// Task, or TASK:N for its instance with this map index [default: the run itself]
    #[arg(long, value_name = "TASK")]
    pub(crate) task: Option<String>,
    #[command(flatten)]
    pub(crate) selection: SelectionArguments,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

/// End a run: what runs is cancelled, what waits is skipped, teardowns have their turn; once more ends those too
#[derive(Debug, Args)]
pub(crate) struct CancelArguments {
    #[command(flatten)]
    pub(crate) run: RunNameArguments,
    /// Why; it is kept in the log of events
    #[arg(long, value_name = "TEXT")]
    pub(crate) note: Option<String>,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

/// Say why a task instance does not run now
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  waft explain word_count backfill-7 summarize
  waft explain word_count backfill-7 count --map-index 3 --output json
")]
pub(crate) struct ExplainArguments {
    #[command(flatten)]
    pub(crate) instance: InstanceArguments,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

/// Send a run a signal, or list who waits for one
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  waft signal
  waft signal daily/backfill-7 files_are_there --payload '[\"a.csv\"]'
")]
pub(crate) struct SignalArguments {
    /// Run: DAG/RUN; without one, those who wait are listed
    #[arg(requires = "name")]
    pub(crate) run: Option<String>,
    /// Name of the signal
    pub(crate) name: Option<String>,
    /// What comes with it: JSON, @FILE, or @- for standard input [default: null]
    #[arg(long, value_name = "JSON")]
    pub(crate) payload: Option<String>,
    #[command(flatten)]
    pub(crate) limit: LimitArgument,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

/// List the approvals that wait for an answer, or those of a run
#[derive(Debug, Args)]
pub(crate) struct ApprovalsArguments {
    /// Run: DAG/RUN
    pub(crate) run: Option<String>,
    #[command(flatten)]
    pub(crate) limit: LimitArgument,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

/// Answer an approval
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  waft approve release backfill-7 sign_off --values '{\"budget\": 100}'
  waft approve release backfill-7 sign_off --reject
")]
pub(crate) struct ApproveArguments {
    #[command(flatten)]
    pub(crate) instance: InstanceArguments,
    /// Fields of its form: a JSON object, @FILE, or @- for standard input
    #[arg(long, value_name = "JSON", conflicts_with = "reject")]
    pub(crate) values: Option<String>,
    /// Say no: the instance is skipped
    #[arg(long)]
    pub(crate) reject: bool,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

/// List what people did, the newest first
#[derive(Debug, Args)]
pub(crate) struct EventsArguments {
    /// What concerns this DAG alone
    #[arg(long, value_name = "ID")]
    pub(crate) dag: Option<String>,
    /// What concerns runs of this id alone
    #[arg(long, value_name = "ID")]
    pub(crate) run: Option<String>,
    /// Events of this kind alone, such as clear or trigger
    #[arg(long, value_name = "KIND")]
    pub(crate) event: Option<String>,
    #[command(flatten)]
    pub(crate) limit: LimitArgument,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}
