//! Arguments of the commands for variables, connections and pools.

use clap::{Args, Subcommand};

use super::{LimitArgument, ServerArguments};

/// List, read, set and delete variables
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  waft variables set region eu-west-1 --description 'where the data lies'
  waft variables set limits @limits.json
  waft variables get region
")]
pub(crate) struct VariablesArguments {
    #[command(subcommand)]
    pub(crate) command: VariablesCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum VariablesCommand {
    /// List the variables
    List(ListArguments),
    /// Print the value of a variable; what is secret by its name is shown as ***
    Get(NameArguments),
    /// Make a variable, or change it
    Set(VariableSetArguments),
    /// Delete a variable
    Delete(NameArguments),
}

/// List, read, set and delete connections
///
/// Passwords, and what else is secret by its name, are never shown.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  waft connections set warehouse --type postgres --host db.internal --port 5432 --login etl --password @/run/secrets/etl
  waft connections set lake --type aws --extra '{\"region\": \"eu-west-1\"}'
")]
pub(crate) struct ConnectionsArguments {
    #[command(subcommand)]
    pub(crate) command: ConnectionsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConnectionsCommand {
    /// List the connections
    List(ListArguments),
    /// Show a connection without its secrets
    Get(NameArguments),
    /// Make a connection, or change what is said of it
    Set(Box<ConnectionSetArguments>),
    /// Delete a connection
    Delete(NameArguments),
}

/// List, read, set and delete pools
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  waft pools set downloads 4 --description 'what the partner allows'
  waft pools set default_pool -1
  waft pools list
")]
pub(crate) struct PoolsArguments {
    #[command(subcommand)]
    pub(crate) command: PoolsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PoolsCommand {
    /// List the pools and how full they are
    List(ListArguments),
    /// Show a pool
    Get(NameArguments),
    /// Make a pool, or change it
    Set(PoolSetArguments),
    /// Delete a pool
    Delete(NameArguments),
}

#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    #[command(flatten)]
    pub(crate) limit: LimitArgument,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

#[derive(Debug, Args)]
pub(crate) struct NameArguments {
    /// Its name
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

#[derive(Debug, Args)]
pub(crate) struct VariableSetArguments {
    /// Name of the variable
    pub(crate) name: String,
    /// Value: text, @FILE, or @- for standard input
    pub(crate) value: String,
    /// What it is for
    #[arg(long)]
    pub(crate) description: Option<String>,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

#[derive(Debug, Args)]
pub(crate) struct ConnectionSetArguments {
    /// Name of the connection
    pub(crate) name: String,
    /// Kind of the service, such as http, postgres or aws
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) conn_type: String,
    /// What it is for
    #[arg(long)]
    pub(crate) description: Option<String>,
    /// Host of the service
    #[arg(long)]
    pub(crate) host: Option<String>,
    /// Port of the service
    #[arg(long)]
    pub(crate) port: Option<u16>,
    /// Name to log in with
    #[arg(long)]
    pub(crate) login: Option<String>,
    /// Password: @FILE, or @- for standard input; other users of this machine may see what stands here itself
    #[arg(long)]
    pub(crate) password: Option<String>,
    /// Schema or database
    #[arg(long)]
    pub(crate) schema: Option<String>,
    /// What else the service needs: JSON, @FILE, or @- for standard input
    #[arg(long, value_name = "JSON")]
    pub(crate) extra: Option<String>,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

#[derive(Debug, Args)]
pub(crate) struct PoolSetArguments {
    /// Name of the pool
    pub(crate) name: String,
    /// Slots; -1 for as many as there are
    #[arg(allow_negative_numbers = true, value_parser = clap::value_parser!(i64).range(-1..))]
    pub(crate) slots: i64,
    /// What it is for
    #[arg(long)]
    pub(crate) description: Option<String>,
    /// Whether deferred instances hold their slots
    #[arg(long, value_name = "BOOL")]
    pub(crate) include_deferred: Option<bool>,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}
