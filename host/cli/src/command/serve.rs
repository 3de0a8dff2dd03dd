//! `waft serve`.

use std::io::Write;

use anyhow::Context;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use sandbox::RunnerCommand;

use super::dispatch::Session;
use crate::arguments::ServeArguments;
use crate::config::{Data, Database, Grace, Listen, LogFilter, LogFormatElement, Objects, Roles, Slots};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::logging;
use crate::serve::{HouseOptions, ServerOptions, StopSignal, start};

/// A connection is a file, and the usual limit is lower than that of connections.
fn open_many_files() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE).and_then(|(_, max)| setrlimit(Resource::RLIMIT_NOFILE, max, max));
    if let Err(error) = raised {
        tracing::warn!(%error, "the limit of open files stays as it is; raise it with ulimit -n");
    }
}

pub(super) async fn run(arguments: ServeArguments, session: &Session) -> Outcome {
    let (flags, known) = (arguments.settings, &session.settings);
    let format = known.get::<LogFormatElement>(flags.log_format)?.value;
    logging::start(&known.get::<LogFilter>(flags.log)?.value, format)?;
    let grace = known.get::<Grace>(flags.grace_s)?.value;
    open_many_files();
    let options = ServerOptions {
        data: known.get::<Data>(flags.data)?.value,
        listen: known.get::<Listen>(flags.listen)?.value,
        house: HouseOptions {
            database: known.get::<Database>(flags.database)?.value,
            objects: known.get::<Objects>(flags.objects)?.value,
            roles: known.get::<Roles>(flags.role)?.value,
            slots: known.get::<Slots>(flags.slots)?.value,
            retention: super::retention::policy(&flags.retention, known)?,
            command: RunnerCommand::this_program().context("cannot find this program's file")?,
        },
    };
    let mut signal = StopSignal::listen()?;
    let server = start(options).await?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "listening on {}", server.url())?;
    writeln!(out, "token in {}", server.token_file.display())?;
    out.flush()?;
    drop(out);

    let failed = tokio::select! {
        () = signal.next() => None,
        failed = server.failed() => Some(failed),
    };
    tracing::info!(grace_s = grace.as_secs(), "stopping; another signal ends the server at once");
    let stop = async {
        match &failed {
            None => server.stop(grace).await,
            Some(_) => server.give_up(grace).await,
        }
    };
    tokio::select! {
        () = stop => {}
        // What was acknowledged is durable, and what was running is found at the next start.
        () = signal.next() => tracing::warn!("ended at once; what was running runs again after the next start"),
    }
    match failed {
        None => Ok(Exit::Done),
        Some(failed) => Err(Failure::new(Exit::Broken, failed)
            .hint("start the server again: what was acknowledged is kept; its log tells why this happened")),
    }
}
