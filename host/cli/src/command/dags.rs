//! `waft dags`.

use super::connection::{client, gather, rest};
use super::dispatch::Session;
use super::runs::time;
use crate::arguments::DagsArguments;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::screen::Listing;

pub(super) async fn run(arguments: DagsArguments, session: &Session) -> Outcome {
    let client = client(&arguments.server, session)?;
    let page = gather(arguments.limit.limit, async |page| client.dags(page).await).await?;
    let row = |dag: &client::Dag| {
        let tags: Vec<_> = dag.tags.iter().map(|tag| tag.name.as_str()).collect();
        let state = match (dag.is_stale, dag.is_paused) {
            (true, _) => "no longer defined",
            (false, true) => "paused",
            (false, false) => "active",
        };
        vec![
            dag.dag_id.clone(),
            dag.bundle_name.clone().unwrap_or_default(),
            state.to_owned(),
            dag.timetable_summary.clone().unwrap_or_default(),
            time(dag.next_dagrun_run_after.filter(|_| !dag.is_paused)),
            tags.join(", "),
            dag.description.clone().unwrap_or_default(),
        ]
    };
    let listing = Listing {
        headings: &["DAG", "BUNDLE", "STATE", "SCHEDULE", "NEXT RUN", "TAGS", "DESCRIPTION"],
        rows: page.items.iter().map(row).collect(),
        empty: "no DAGs; deploy a component with \"waft deploy FILE\"",
    };
    session.screen.list(&page, &listing)?;
    if let Some(rest) = rest(&page) {
        session.screen.note(&rest)?;
    }
    Ok(Exit::Done)
}
