//! `waft trigger`.

use std::time::Duration;

use client::{Client, DagRun, FailedInstance, Followed, ResultState, Trigger, Waited};
use serde_json::json;

use super::conf;
use super::connection::client;
use super::dispatch::Session;
use crate::arguments::TriggerArguments;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::progress::{Progress, of_counts};
use crate::screen::{Screen, json_text};

pub(super) async fn run(arguments: TriggerArguments, session: &Session) -> Outcome {
    let client = client(&arguments.server, session)?;
    let trigger = Trigger {
        logical_date: arguments.logical_date,
        dag_run_id: arguments.run_id,
        conf: conf::read(&arguments.conf)?,
        note: arguments.note,
        idempotency_key: arguments.idempotency_key,
    };
    let Some(seconds) = arguments.wait else {
        let run = client.dag_run_trigger(&arguments.dag, &trigger).await?;
        print_run(session.screen, &run)?;
        return Ok(Exit::Done);
    };
    let timeout = Duration::from_secs(seconds);
    let progress = Progress::new(session.screen.format);
    let waited = if progress == Progress::Terminal {
        let run = client.dag_run_trigger(&arguments.dag, &trigger).await?;
        follow(&client, &run, timeout, progress).await?
    } else {
        client.dag_run_trigger_and_wait(&arguments.dag, &trigger, timeout).await?
    };
    if waited.timed_out {
        return Err(out_of_time(&waited.dag_run, timeout));
    }
    print_waited(session.screen, &waited)
}

/// Waits for a run and shows how it goes on.
pub(crate) async fn follow(
    client: &Client,
    run: &DagRun,
    timeout: Duration,
    progress: Progress,
) -> Result<Waited, Failure> {
    let mut follow = client.dag_run_follow(&run.dag_id, &run.dag_run_id, timeout).await?;
    let mut stage = progress.stage("run");
    loop {
        match follow.next().await? {
            Followed::Progress { state, tasks } => {
                let (done, total, message) = of_counts(state, &tasks);
                stage.set(done, total, &message);
            }
            Followed::Ended(waited) => {
                stage.done(waited.state.as_str());
                return Ok(*waited);
            }
        }
    }
}

fn out_of_time(run: &DagRun, timeout: Duration) -> Failure {
    let name = format!("{}/{}", run.dag_id, run.dag_run_id);
    let message = format!("run {name} has no result after {} s; it goes on", timeout.as_secs());
    Failure::new(Exit::TimedOut, anyhow::Error::msg(message)).hint(format!("look at it with: waft tasks {name}"))
}

fn print_run(screen: Screen, run: &DagRun) -> Result<(), Failure> {
    let version = run.version_number().map(|number| number.to_string()).unwrap_or_default();
    let (dag, id) = (run.dag_id.clone(), run.dag_run_id.clone());
    Ok(screen.one(run, &[("dag", dag), ("run", id), ("version", version), ("state", run.state.to_string())])?)
}

/// Prints how a wait ended; its exit code says whether the result is there.
fn print_waited(screen: Screen, waited: &Waited) -> Outcome {
    let run = &waited.dag_run;
    let mut fields =
        vec![("dag", run.dag_id.clone()), ("run", run.dag_run_id.clone()), ("state", waited.state.to_string())];
    if let Some(failed) = &waited.failed {
        fields.push(("because", because(failed)));
    }
    for (task_id, value) in &waited.results {
        fields.push(("result", json_text(&json!({ (task_id.as_str()): value }))));
    }
    for (task_id, reference) in &waited.result_refs {
        fields.push(("result", json_text(&json!({ (task_id.as_str()): reference }))));
    }
    screen.one(waited, &fields)?;
    Ok(if waited.result == ResultState::Available { Exit::Done } else { Exit::RunFailed })
}

/// The instance that keeps a result from coming, in words.
pub(crate) fn because(failed: &FailedInstance) -> String {
    let mut text = format!("task {}", failed.task_id);
    if failed.map_index >= 0 {
        text += &format!("[{}]", failed.map_index);
    }
    if let Some(state) = failed.state {
        text += &format!(" is {state}");
    }
    if let Some(message) = &failed.message {
        text += &format!(": {message}");
    }
    text
}
