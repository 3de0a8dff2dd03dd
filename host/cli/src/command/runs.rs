//! `waft runs`.

use client::RunQuery;
use jiff::Timestamp;

use super::connection::{client, gather, rest};
use super::dispatch::Session;
use crate::arguments::RunsArguments;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::screen::Listing;

pub(super) async fn run(arguments: RunsArguments, session: &Session) -> Outcome {
    let client = client(&arguments.server, session)?;
    let query = RunQuery { dag_id: arguments.dag, states: arguments.state };
    let page = gather(arguments.limit.limit, async |page| client.dag_runs(&query, page).await).await?;
    let row = |run: &client::DagRun| {
        vec![
            run.dag_id.clone(),
            run.dag_run_id.clone(),
            run.state.to_string(),
            run.version_number().map(|number| number.to_string()).unwrap_or_default(),
            time(run.start_date),
            seconds(run.start_date, run.end_date),
            run.reason.clone().or(run.note.clone()).unwrap_or_default(),
        ]
    };
    let listing = Listing {
        headings: &["DAG", "RUN", "STATE", "VERSION", "STARTED", "SECONDS", "REMARK"],
        rows: page.items.iter().map(row).collect(),
        empty: "no runs; start one with \"waft trigger DAG\"",
    };
    session.screen.list(&page, &listing)?;
    if let Some(rest) = rest(&page) {
        session.screen.note(&rest)?;
    }
    Ok(Exit::Done)
}

/// A time for people.
pub(super) fn time(at: Option<Timestamp>) -> String {
    at.map(|at| at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()).unwrap_or_default()
}

/// The time between, for people.
pub(super) fn seconds(start: Option<Timestamp>, end: Option<Timestamp>) -> String {
    match (start, end) {
        (Some(start), Some(end)) => format!("{:.3}", end.duration_since(start).as_secs_f64()),
        _ => String::new(),
    }
}
