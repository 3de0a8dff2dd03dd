//! `waft signal`.

use client::AwaitedSignal;
use model::limits::run::SIGNAL_MAX_BYTES;
use serde_json::value::RawValue;

use super::connection::{client, gather, rest};
use super::dispatch::Session;
use super::runs::time;
use super::{given, tasks};
use crate::arguments::SignalArguments;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::screen::Listing;

pub(super) async fn run(arguments: SignalArguments, session: &Session) -> Outcome {
    let client = client(&arguments.server, session)?;
    if let (Some(run), Some(name)) = (&arguments.run, &arguments.name) {
        let (dag_id, run_id) = tasks::named_run(run)?;
        let payload = arguments.payload.as_deref().map(|given| json(given, "the payload")).transpose()?;
        client.dag_run_signal(dag_id, run_id, name, payload.as_deref()).await?;
        session.screen.note(&format!("signal {name:?} is kept for run {run_id:?}"))?;
        return Ok(Exit::Done);
    }
    let page = gather(arguments.limit.limit, async |page| client.signals(None, page).await).await?;
    let row = |it: &AwaitedSignal| {
        vec![
            it.name.clone(),
            format!("{}/{}", it.dag_id, it.dag_run_id),
            it.task_id.clone(),
            if it.map_index < 0 { String::new() } else { it.map_index.to_string() },
            time(it.since),
            time(it.times_out_at),
        ]
    };
    let listing = Listing {
        headings: &["SIGNAL", "RUN", "TASK", "INDEX", "SINCE", "UNTIL"],
        rows: page.items.iter().map(row).collect(),
        empty: "nobody waits for a signal",
    };
    session.screen.list(&page, &listing)?;
    if let Some(rest) = rest(&page) {
        session.screen.note(&rest)?;
    }
    Ok(Exit::Done)
}

/// JSON that is given on the command line; `what` names it in errors.
pub(super) fn json(given: &str, what: &str) -> Result<Box<RawValue>, Failure> {
    let text = given::text(given, what, SIGNAL_MAX_BYTES)?;
    serde_json::from_str(&text)
        .map_err(|error| Failure::usage(format!("{what} is not JSON: {error}")).hint("texts stand in quotation marks"))
}
