//! From arguments to a command to an exit code.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use tokio::runtime::{Builder, Runtime};

use crate::arguments::{Arguments, Command, ConfigCommand};
use crate::config::{Output, Settings};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::screen::{Format, Screen};

/// What every command works with.
pub(super) struct Session {
    pub(super) settings: Settings,
    pub(super) screen: Screen,
    /// `--output` was said.
    pub(super) has_output_flag: bool,
}

/// Everything but the processes of guests.
pub(crate) fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (settings, format) = match settings(&arguments) {
        Ok(found) => found,
        Err(failure) => return end(Err(failure), arguments.global.output.unwrap_or_default()),
    };
    for unknown in settings.unknown_keys() {
        tell(&format!("warning: {unknown}\n"));
    }
    let has_output_flag = arguments.global.output.is_some();
    let session = Session { settings, screen: Screen { format }, has_output_flag };
    end(run(arguments.command, &session), format)
}

fn settings(arguments: &Arguments) -> Result<(Settings, Format), Failure> {
    let settings = Settings::read(arguments.global.config.as_deref())?;
    let format = settings.get::<Output>(arguments.global.output)?.value;
    Ok((settings, format))
}

fn run(command: Command, session: &Session) -> Outcome {
    match command {
        Command::Serve(arguments) => on(server_runtime()?, super::serve::run(arguments, session)),
        Command::Demo(arguments) => on(server_runtime()?, super::demo::run(arguments, session)),
        Command::Run(arguments) => on(server_runtime()?, super::run::run(arguments, session)),
        Command::Deploy(arguments) => on(client_runtime()?, super::deploy::run(arguments, session)),
        Command::Trigger(arguments) => on(client_runtime()?, super::trigger::run(arguments, session)),
        Command::Runs(arguments) => on(client_runtime()?, super::runs::run(arguments, session)),
        Command::Tasks(arguments) => on(client_runtime()?, super::tasks::run(arguments, session)),
        Command::Xcom(arguments) => on(client_runtime()?, super::xcom::run(arguments, session)),
        Command::Logs(arguments) => on(client_runtime()?, super::logs::run(arguments, session)),
        Command::Explain(arguments) => on(client_runtime()?, super::explain::run(arguments, session)),
        Command::Clear(arguments) => on(client_runtime()?, super::by_hand::clear(arguments, session)),
        Command::Mark(arguments) => on(client_runtime()?, super::by_hand::mark(arguments, session)),
        Command::Cancel(arguments) => on(client_runtime()?, super::by_hand::cancel(arguments, session)),
        Command::Signal(arguments) => on(client_runtime()?, super::signal::run(arguments, session)),
        Command::Approvals(arguments) => on(client_runtime()?, super::approvals::list(arguments, session)),
        Command::Approve(arguments) => on(client_runtime()?, super::approvals::answer(arguments, session)),
        Command::Events(arguments) => on(client_runtime()?, super::events::run(arguments, session)),
        Command::Dags(arguments) => on(client_runtime()?, super::dags::run(arguments, session)),
        Command::Versions(arguments) => on(client_runtime()?, super::versions::run(arguments, session)),
        Command::Delete(arguments) => on(client_runtime()?, super::delete::run(arguments, session)),
        Command::Pause(it) => on(client_runtime()?, super::pause::run(&it.dag, true, &it.server, session)),
        Command::Unpause(it) => on(client_runtime()?, super::pause::run(&it.dag, false, &it.server, session)),
        Command::Backfill(arguments) => on(client_runtime()?, super::backfill::run(arguments.command, session)),
        Command::Assets(arguments) => on(client_runtime()?, super::assets::run(arguments.command, session)),
        Command::Variables(arguments) => on(client_runtime()?, super::variables::run(arguments.command, session)),
        Command::Connections(arguments) => on(client_runtime()?, super::connections::run(arguments.command, session)),
        Command::Pools(arguments) => on(client_runtime()?, super::pools::run(arguments.command, session)),
        Command::Db(arguments) => on(client_runtime()?, super::db::run(arguments.command, session)),
        Command::Backup(arguments) => on(client_runtime()?, super::backup::run(arguments, session)),
        Command::Restore(arguments) => on(client_runtime()?, super::restore::run(arguments, session)),
        Command::Gc(arguments) => on(client_runtime()?, super::gc::run(arguments, session)),
        Command::Config(arguments) => match arguments.command {
            ConfigCommand::Show(arguments) => super::config::show(*arguments, session),
        },
        Command::Completions(arguments) => super::completions::run(&arguments),
        Command::Man(arguments) => super::man::run(&arguments),
    }
}

/// Runs a command; what it leaves going in the background does not hold up the end.
fn on(runtime: Runtime, command: impl Future<Output = Outcome>) -> Outcome {
    let outcome = runtime.block_on(command);
    runtime.shutdown_background();
    outcome
}

fn server_runtime() -> Result<Runtime, Failure> {
    Ok(Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")?)
}

/// Calls of one client need one thread.
fn client_runtime() -> Result<Runtime, Failure> {
    Ok(Builder::new_current_thread().enable_all().build().context("cannot start the runtime")?)
}

fn end(outcome: Outcome, format: Format) -> ExitCode {
    let exit = match outcome {
        Ok(exit) => exit,
        Err(failure) if failure.is_closed_pipe() => Exit::Done,
        Err(failure) => {
            tell(&failure.render(format));
            failure.exit()
        }
    };
    exit.into()
}

fn tell(text: &str) {
    // There is nobody left to tell that standard error is gone.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}
