//! The command line. Only its shape stands here: what a command does is in `command`, what a setting means in `config`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::config::{
    Database, DatabaseUrl, Element, Grace, Listen, LogFilter, LogFormat, Objects, ObjectsUrl, RoleSet, Roles, Server,
    Slots,
};
use crate::exit;
use crate::screen::Format;

mod acts;
mod schedules;
mod settings;
mod upkeep;

pub(crate) use acts::{
    ApprovalsArguments, ApproveArguments, CancelArguments, ClearArguments, EventsArguments, ExplainArguments,
    MarkArguments, SignalArguments,
};
pub(crate) use schedules::{
    AssetEventsArguments, AssetTellArguments, AssetsArguments, AssetsCommand, BackfillArguments, BackfillCommand,
    BackfillCreateArguments, BackfillIdArguments, BackfillListArguments, PauseArguments, UnpauseArguments,
};
pub(crate) use settings::{
    ConnectionSetArguments, ConnectionsArguments, ConnectionsCommand, ListArguments, NameArguments, PoolsArguments,
    PoolsCommand, VariablesArguments, VariablesCommand,
};
pub(crate) use upkeep::{
    BackupArguments, DataArguments, DbArguments, DbCheckArguments, DbCommand, DbMigrateArguments, DbStatusArguments,
    GcArguments, RestoreArguments, RetentionArguments,
};

// What is flattened into commands has no doc comments: they would take the place of the commands' own.

const EVERYWHERE: &str = "Options of every command";
const SERVER: &str = "The server";

const EXAMPLES: &str = "\
Examples:
  waft demo                              see the whole at work, on the files of this folder
  waft serve --data ./data               start a server
  export WAFT_TOKEN=$(cat data/admin.token)
  waft deploy my_dags.wasm               upload a component
  waft trigger my_dag --wait 60          start a run and print its result

Configuration: flags win over the environment, that over waft.toml, that over defaults; \"waft config show\" tells all of it.
";

/// Runs DAGs whose definitions and task bodies are WebAssembly components.
#[derive(Debug, Parser)]
#[command(name = "waft", version, about, after_long_help = format!("{EXAMPLES}\n{}", exit::HELP), after_help = exit::HELP)]
#[command(disable_help_subcommand = true, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: GlobalArguments,
    #[command(subcommand)]
    pub(crate) command: Command,
}

// What every command takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct GlobalArguments {
    /// Configuration file [env: WAFT_CONFIG] [default: waft.toml in this folder, if there is one]
    #[arg(long, global = true, value_name = "FILE", help_heading = EVERYWHERE, display_order = 1_000)]
    pub(crate) config: Option<PathBuf>,
    /// Form of what is printed: table, json (errors too) or plain (fields between tabs) [env: WAFT_OUTPUT] [default: table]
    #[arg(long, short, global = true, value_name = "FORM", hide_possible_values = true)]
    #[arg(help_heading = EVERYWHERE, display_order = 1_000)]
    pub(crate) output: Option<Format>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Serve(ServeArguments),
    Demo(DemoArguments),
    Run(RunArguments),
    Deploy(DeployArguments),
    Trigger(TriggerArguments),
    Runs(RunsArguments),
    Tasks(TasksArguments),
    Xcom(XcomArguments),
    Logs(LogsArguments),
    Explain(ExplainArguments),
    Clear(ClearArguments),
    Mark(MarkArguments),
    Cancel(CancelArguments),
    Signal(SignalArguments),
    Approvals(ApprovalsArguments),
    Approve(ApproveArguments),
    Events(EventsArguments),
    Dags(DagsArguments),
    Versions(VersionsArguments),
    Delete(DeleteArguments),
    Pause(PauseArguments),
    Unpause(UnpauseArguments),
    Backfill(BackfillArguments),
    Assets(AssetsArguments),
    Variables(VariablesArguments),
    Connections(ConnectionsArguments),
    Pools(PoolsArguments),
    Db(DbArguments),
    Backup(BackupArguments),
    Restore(RestoreArguments),
    Gc(GcArguments),
    Config(ConfigArguments),
    Completions(CompletionsArguments),
    Man(ManArguments),
}

// How to reach the server.
#[derive(Debug, Clone, Args)]
pub(crate) struct ServerArguments {
    /// Address of the server [env: WAFT_SERVER] [default: http://127.0.0.1:8793]
    #[arg(long, value_name = "URL", value_parser = Server::parse, help_heading = SERVER)]
    pub(crate) server: Option<String>,
    /// File with the token; the token itself may stand in WAFT_TOKEN [env: WAFT_TOKEN_FILE]
    #[arg(long, value_name = "FILE", help_heading = SERVER)]
    pub(crate) token_file: Option<PathBuf>,
}

// What a server takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct ServeSettings {
    /// Folder for all data; made when it is missing [env: WAFT_DATA] [default: waft-data]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Database: sqlite (in DIR, for one process) or postgres://USER:PASSWORD@HOST:PORT/NAME, which processes share
    /// [env: WAFT_DATABASE] [default: sqlite]
    #[arg(long, value_name = "URL", value_parser = Database::parse)]
    pub(crate) database: Option<DatabaseUrl>,
    /// Blobs and logs: data (in DIR), file:///FOLDER or s3://BUCKET/PREFIX [env: WAFT_OBJECTS] [default: data]
    #[arg(long, value_name = "URL", value_parser = Objects::parse)]
    pub(crate) objects: Option<ObjectsUrl>,
    /// What this process does, of api, scheduler and worker; fewer than all need a shared database [env: WAFT_ROLE]
    /// [default: api,scheduler,worker]
    #[arg(long, value_name = "ROLES", value_parser = Roles::parse)]
    pub(crate) role: Option<RoleSet>,
    /// Address and port; port 0 takes a free one [env: WAFT_LISTEN] [default: 127.0.0.1:8793]
    #[arg(long, value_name = "ADDRESS", value_parser = Listen::parse)]
    pub(crate) listen: Option<SocketAddr>,
    /// Task instances that run at a time [env: WAFT_SLOTS] [default: 256]
    #[arg(long, value_name = "N", value_parser = Slots::parse)]
    pub(crate) slots: Option<u32>,
    /// Seconds that running attempts have to finish when the server stops [env: WAFT_GRACE_S] [default: 30]
    #[arg(long, value_name = "SECONDS", value_parser = Grace::parse)]
    pub(crate) grace_s: Option<Duration>,
    /// Level of the log, or levels by module [env: WAFT_LOG] [default: info]
    #[arg(long, value_name = "FILTER", value_parser = LogFilter::parse)]
    pub(crate) log: Option<String>,
    /// Form of the log: text, or json (one object a line) [env: WAFT_LOG_FORMAT] [default: text]
    #[arg(long, value_name = "FORM", hide_possible_values = true)]
    pub(crate) log_format: Option<LogFormat>,
    #[command(flatten)]
    pub(crate) retention: RetentionArguments,
}

/// Start a server
///
/// The first start makes a token for the administrator in DIR/admin.token. The line "listening on http://…" on standard output says
/// that the server is ready. SIGTERM or SIGINT stops it: running attempts may finish, what is left is handed back and runs after the
/// next start; a second signal ends it at once, which loses nothing either.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  waft serve --data ./data
  waft serve --data /var/lib/waft --listen 0.0.0.0:8793 --slots 256 --log-format json
  waft serve --database postgres://waft@db/waft --objects s3://waft-objects --role scheduler,worker
")]
pub(crate) struct ServeArguments {
    #[command(flatten)]
    pub(crate) settings: ServeSettings,
}

/// Count the words of all files below a folder, as a run with one task for each file
///
/// Builds the example "word-count" for wasm32-wasip2, starts a server on a free port of this machine with its data in a temporary
/// folder, deploys the component, uploads the files, triggers a run and prints its result. Text files in UTF-8 are taken, those that
/// .gitignore names are not.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  waft demo
  waft demo ~/notes --keep
  waft demo --output json | jq .result
")]
pub(crate) struct DemoArguments {
    /// Folder with files [default: the repository]
    pub(crate) dir: Option<PathBuf>,
    /// Leave the server up and print its address
    #[arg(long)]
    pub(crate) keep: bool,
    /// Show the server's log
    #[arg(long, short)]
    pub(crate) verbose: bool,
}

/// Run a DAG of a component once, without a server
///
/// For development: the same engine, the same processes and the same rules as a server, with its data in a temporary folder. Prints the
/// result as JSON.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  waft run target/wasm32-wasip2/guest/hello.wasm --dag hello
  waft run my_dags.wasm --dag daily --conf '{\"day\": \"2026-01-31\"}' --verbose
")]
pub(crate) struct RunArguments {
    /// Component, or folder of the Cargo package that makes it
    pub(crate) file: PathBuf,
    /// DAG to run; may be left out where the component has one
    #[arg(long, value_name = "ID")]
    pub(crate) dag: Option<String>,
    #[command(flatten)]
    pub(crate) conf: ConfArgument,
    /// Print the logs of the tasks and of the engine on standard error
    #[arg(long, short)]
    pub(crate) verbose: bool,
}

// The conf of a run.
#[derive(Debug, Clone, Args)]
pub(crate) struct ConfArgument {
    /// Conf of the run: a JSON object, @FILE, or @- for standard input
    #[arg(long, value_name = "JSON")]
    pub(crate) conf: Option<String>,
}

/// Upload a component, or build a Cargo package and upload what it makes
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  waft deploy my_dags.wasm
  waft deploy examples/word-count --name words
  waft deploy my_dags.wasm --dry-run --output json
")]
pub(crate) struct DeployArguments {
    /// Component, or folder of the Cargo package that makes it
    pub(crate) path: PathBuf,
    /// Name of the bundle [default: the file's name without its ending]
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Only tell what would happen
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

/// Start a run
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  waft trigger word_count --conf @files.json
  waft trigger hello --conf '{\"name\": \"you\"}' --wait 10
  waft trigger daily --run-id backfill-7 --output json

With --wait: exit code 0 when the result is there, 1 when it cannot come, 6 when the time was over first.
")]
pub(crate) struct TriggerArguments {
    /// DAG to run
    pub(crate) dag: String,
    #[command(flatten)]
    pub(crate) conf: ConfArgument,
    /// Id of the run [default: made up by the server]
    #[arg(long, value_name = "ID")]
    pub(crate) run_id: Option<String>,
    /// Remark that is kept with the run
    #[arg(long)]
    pub(crate) note: Option<String>,
    /// Logical date of the run, of which a DAG has one: 2026-01-31 or 2026-01-31T08:00:00Z
    #[arg(long, value_name = "DATE", value_parser = schedules::instant)]
    pub(crate) logical_date: Option<jiff::Timestamp>,
    /// Word by which the server knows this request when it comes again
    #[arg(long, value_name = "WORD")]
    pub(crate) idempotency_key: Option<String>,
    /// Wait for the result, at most so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=WAIT_MAX_S))]
    pub(crate) wait: Option<u64>,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

const WAIT_MAX_S: u64 = model::limits::http::WAIT_MAX_MS / 1000;

// How much of a list.
#[derive(Debug, Clone, Args)]
pub(crate) struct LimitArgument {
    /// Most entries
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) limit: u32,
}

/// List runs, newest first; or follow one
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  waft runs daily --state failed
  waft runs daily --follow backfill-7

With --follow: exit code 0 when the run ends in success, 1 when it fails.
")]
pub(crate) struct RunsArguments {
    /// Runs of this DAG alone
    pub(crate) dag: Option<String>,
    /// Tell what happens to this run of the DAG until it ends
    #[arg(long, short, value_name = "RUN", requires = "dag", conflicts_with = "state")]
    pub(crate) follow: Option<String>,
    /// Runs in this state alone: queued, running, success or failed
    #[arg(long)]
    pub(crate) state: Vec<model::RunState>,
    #[command(flatten)]
    pub(crate) limit: LimitArgument,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

// Names a run.
#[derive(Debug, Clone, Args)]
pub(crate) struct RunNameArguments {
    /// Run: DAG/RUN, or its id and --dag
    pub(crate) run: String,
    /// DAG of the run
    #[arg(long)]
    pub(crate) dag: Option<String>,
}

/// List the task instances of a run
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  waft tasks word_count/manual__2026-01-31T12:00:00.000000+00:00_k3v9x2ab
  waft tasks backfill-7 --dag daily --state failed
")]
pub(crate) struct TasksArguments {
    #[command(flatten)]
    pub(crate) run: RunNameArguments,
    /// Instances of this task alone
    #[arg(long)]
    pub(crate) task: Option<String>,
    /// Instances in this state alone, such as running or failed
    #[arg(long)]
    pub(crate) state: Vec<model::TaskState>,
    #[command(flatten)]
    pub(crate) limit: LimitArgument,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

// Names a task instance.
#[derive(Debug, Clone, Args)]
pub(crate) struct InstanceArguments {
    /// DAG of the run
    pub(crate) dag: String,
    /// Run
    pub(crate) run: String,
    /// Task
    pub(crate) task: String,
    /// Position of a mapped instance, from 0
    #[arg(long, value_name = "N")]
    pub(crate) map_index: Option<u32>,
}

/// Print a value that a task left, as JSON
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  waft xcom word_count backfill-7 summarize
  waft xcom word_count backfill-7 count --map-index 3 --key words
")]
pub(crate) struct XcomArguments {
    #[command(flatten)]
    pub(crate) instance: InstanceArguments,
    /// Name of the value
    #[arg(long, default_value = "return_value")]
    pub(crate) key: String,
    /// Leave this value in its place: JSON, @FILE, or @- for standard input
    #[arg(long, value_name = "JSON")]
    pub(crate) set: Option<String>,
    /// Take the value away
    #[arg(long, conflicts_with = "set")]
    pub(crate) delete: bool,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

/// Print the log of a task
///
/// What a terminal would obey is left out of the text; --output json has it escaped.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  waft logs word_count backfill-7 summarize
  waft logs word_count backfill-7 count --map-index 3 --try 1
  waft logs word_count backfill-7 summarize --follow
")]
pub(crate) struct LogsArguments {
    #[command(flatten)]
    pub(crate) instance: InstanceArguments,
    /// Try, from 1 [default: the last one]
    #[arg(long = "try", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) try_number: Option<u32>,
    /// Go on until the try ends
    #[arg(long, short)]
    pub(crate) follow: bool,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

/// List the DAGs
#[derive(Debug, Args)]
pub(crate) struct DagsArguments {
    #[command(flatten)]
    pub(crate) limit: LimitArgument,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

/// Delete a DAG with its runs, or one run
///
/// What is deleted has ended: cancel runs that have not. A DAG that its bundle defines comes back when that is deployed again.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  waft delete daily --run backfill-7
  waft delete daily
")]
pub(crate) struct DeleteArguments {
    /// DAG
    pub(crate) dag: String,
    /// This run alone
    #[arg(long, value_name = "ID")]
    pub(crate) run: Option<String>,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

/// Print what completes this command line in a shell
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  waft completions bash > /etc/bash_completion.d/waft
  waft completions zsh > ~/.zfunc/_waft
  waft completions fish > ~/.config/fish/completions/waft.fish
")]
pub(crate) struct CompletionsArguments {
    /// bash, elvish, fish, powershell or zsh
    #[arg(value_enum, hide_possible_values = true)]
    pub(crate) shell: clap_complete::Shell,
}

/// Write a manual page for each command
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  waft man /usr/local/share/man/man1
")]
pub(crate) struct ManArguments {
    /// Folder; made when it is missing
    pub(crate) dir: PathBuf,
}

/// List the versions of a DAG, newest first; compare two of them, or make an older one current
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  waft versions daily
  waft versions daily --diff 3 4
  waft versions daily --activate 3
")]
pub(crate) struct VersionsArguments {
    /// DAG
    pub(crate) dag: String,
    /// Tell what differs between two versions
    #[arg(long, num_args = 2, value_names = ["FROM", "TO"], conflicts_with = "activate")]
    pub(crate) diff: Vec<u32>,
    /// Make this version current: new runs are of it, until a deploy says otherwise
    #[arg(long, value_name = "N")]
    pub(crate) activate: Option<u32>,
    #[command(flatten)]
    pub(crate) limit: LimitArgument,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

/// Look at the configuration
#[derive(Debug, Args)]
pub(crate) struct ConfigArguments {
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print each value and where it came from
    Show(Box<ConfigShowArguments>),
}

#[derive(Debug, Args)]
pub(crate) struct ConfigShowArguments {
    #[command(flatten)]
    pub(crate) server: ServerArguments,
    #[command(flatten)]
    pub(crate) settings: ServeSettings,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_shape_holds_together() {
        Arguments::command().debug_assert();
    }
}
