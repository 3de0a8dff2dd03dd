//! `waft tasks`.

use client::{InstanceQuery, Page, TaskInstance};

use super::connection::{client, gather, rest};
use super::dispatch::Session;
use super::runs::{seconds, time};
use crate::arguments::{RunNameArguments, TasksArguments};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::screen::Listing;

pub(super) async fn run(arguments: TasksArguments, session: &Session) -> Outcome {
    let (dag_id, run_id) = run_of(&arguments.run)?;
    let client = client(&arguments.server, session)?;
    let query = InstanceQuery { task_id: arguments.task.clone(), states: arguments.state.clone() };
    let fetch = async |page| client.task_instances(dag_id, run_id, &query, page).await;
    let page = gather(arguments.limit.limit, fetch).await?;
    show(&page, "no task instances", session)
}

/// DAG and run out of `DAG/RUN`, or of a run and `--dag`. No id holds a slash.
pub(super) fn run_of(arguments: &RunNameArguments) -> Result<(&str, &str), Failure> {
    match (&arguments.dag, arguments.run.split_once('/')) {
        (None, Some((dag_id, run_id))) => Ok((dag_id, run_id)),
        (Some(dag_id), None) => Ok((dag_id, &arguments.run)),
        (Some(dag_id), Some((same, run_id))) if dag_id == same => Ok((dag_id, run_id)),
        (Some(dag_id), Some((other, _))) => {
            Err(Failure::usage(format!("{:?} is a run of {other:?}, --dag says {dag_id:?}", arguments.run)))
        }
        (None, None) => Err(no_dag(&arguments.run)),
    }
}

/// DAG and run out of `DAG/RUN`.
pub(super) fn named_run(run: &str) -> Result<(&str, &str), Failure> {
    run.split_once('/').ok_or_else(|| no_dag(run))
}

fn no_dag(run: &str) -> Failure {
    Failure::usage(format!("{run:?} does not say of which DAG the run is"))
        .hint("write DAG/RUN, or add --dag; \"waft runs\" lists both")
}

/// Task instances for people.
pub(super) fn show(page: &Page<TaskInstance>, empty: &'static str, session: &Session) -> Outcome {
    let row = |instance: &TaskInstance| {
        vec![
            instance.task_id.clone(),
            if instance.map_index < 0 { String::new() } else { instance.map_index.to_string() },
            instance.state.map_or_else(|| "none".to_owned(), |state| state.to_string()),
            instance.try_number.to_string(),
            time(instance.start_date),
            seconds(instance.start_date, instance.end_date),
            instance.reason.clone().or(instance.note.clone()).unwrap_or_default(),
        ]
    };
    let listing = Listing {
        headings: &["TASK", "INDEX", "STATE", "TRY", "STARTED", "SECONDS", "REMARK"],
        rows: page.items.iter().map(row).collect(),
        empty,
    };
    session.screen.list(page, &listing)?;
    if let Some(rest) = rest(page) {
        session.screen.note(&rest)?;
    }
    Ok(Exit::Done)
}
