//! `waft runs`.

use client::{Client, DagRunEvent, RunQuery};
use jiff::Timestamp;
use model::RunState;

use super::connection::{client, gather, rest};
use super::dispatch::Session;
use crate::arguments::RunsArguments;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::screen::Listing;

pub(super) async fn run(arguments: RunsArguments, session: &Session) -> Outcome {
    let client = client(&arguments.server, session)?;
    if let (Some(dag), Some(run)) = (&arguments.dag, &arguments.follow) {
        return follow(&client, dag, run, session).await;
    }
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

async fn follow(client: &Client, dag: &str, run: &str, session: &Session) -> Outcome {
    let mut events = client.dag_run_events(dag, run).await?;
    let mut exit = Exit::Done;
    while let Some(event) = events.next().await? {
        if let DagRunEvent::End(run) = &event
            && run.state != RunState::Success
        {
            exit = Exit::RunFailed;
        }
        session.screen.line(&event, &text(&event))?;
    }
    Ok(exit)
}

fn text(event: &DagRunEvent) -> String {
    match event {
        DagRunEvent::DagRun(run) | DagRunEvent::End(run) => {
            let reason = run.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
            format!("run {} is {}{reason}", run.dag_run_id, run.state)
        }
        DagRunEvent::Task(task) => {
            let states: Vec<_> = task.states.iter().map(|(state, count)| format!("{count} {state}")).collect();
            match (task.map_length, task.state) {
                (Some(_), _) => format!("task {}: {}", task.task_id, states.join(", ")),
                (None, Some(state)) => format!("task {} is {state}", task.task_id),
                (None, None) => format!("task {} waits", task.task_id),
            }
        }
    }
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
