//! `waft events`.

use client::{EventLog, EventLogQuery};

use super::connection::{client, gather, rest};
use super::dispatch::Session;
use super::runs::time;
use crate::arguments::EventsArguments;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::screen::Listing;

pub(super) async fn run(arguments: EventsArguments, session: &Session) -> Outcome {
    let client = client(&arguments.server, session)?;
    let query = EventLogQuery { dag_id: arguments.dag, run_id: arguments.run, event: arguments.event };
    let page = gather(arguments.limit.limit, async |page| client.event_logs(&query, page).await).await?;
    let row = |it: &EventLog| {
        vec![
            time(Some(it.when)),
            it.owner.clone().unwrap_or_default(),
            it.event.clone(),
            it.dag_id.clone().unwrap_or_default(),
            it.run_id.clone().unwrap_or_default(),
            it.task_id.clone().unwrap_or_default(),
            it.extra.clone().filter(|extra| extra != "{}").unwrap_or_default(),
        ]
    };
    let listing = Listing {
        headings: &["WHEN", "WHO", "EVENT", "DAG", "RUN", "TASK", "MORE"],
        rows: page.items.iter().map(row).collect(),
        empty: "nobody did anything yet",
    };
    session.screen.list(&page, &listing)?;
    if let Some(rest) = rest(&page) {
        session.screen.note(&rest)?;
    }
    Ok(Exit::Done)
}
