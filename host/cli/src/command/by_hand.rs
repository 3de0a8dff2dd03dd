//! `waft clear`, `waft mark` and `waft cancel`.

use client::{Clear, Client, DagRun, Mark};
use model::{RunState, TaskState};
use serde_json::{Value, json};

use super::connection::client;
use super::dispatch::Session;
use super::tasks::{run_of, show};
use crate::arguments::{CancelArguments, ClearArguments, MarkArguments};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};

pub(super) async fn clear(arguments: ClearArguments, session: &Session) -> Outcome {
    let client = client(&arguments.server, session)?;
    let (dag_id, run_id) = run_of(&arguments.run)?;
    let selection = arguments.selection;
    let named = |task: &String| {
        let (task_id, map_index) = instance(task)?;
        Ok(map_index.map_or_else(|| Value::from(task_id), |map_index| json!([task_id, map_index])))
    };
    let clear = Clear {
        dry_run: selection.dry_run,
        dag_run_id: run_id.to_owned(),
        task_ids: arguments.task.iter().map(named).collect::<Result<_, Failure>>()?,
        include_upstream: selection.upstream,
        include_downstream: selection.downstream,
        include_past: selection.past,
        include_future: selection.future,
        only_failed: arguments.only_failed,
        only_running: arguments.only_running,
        version: if arguments.latest { Some("latest".into()) } else { arguments.version.map(Into::into) },
        note: selection.note,
    };
    show(&client.task_instances_clear(dag_id, &clear).await?, "nothing to clear", session)
}

pub(super) async fn mark(arguments: MarkArguments, session: &Session) -> Outcome {
    let client = client(&arguments.server, session)?;
    let (dag_id, run_id) = run_of(&arguments.run)?;
    let Some(task) = &arguments.task else { return mark_run(&client, (dag_id, run_id), &arguments, session).await };
    let Ok(new_state @ (TaskState::Success | TaskState::Failed | TaskState::Skipped)) = arguments.state.parse() else {
        return Err(Failure::usage(format!("an instance cannot be marked {:?}", arguments.state))
            .hint("say success, failed or skipped"));
    };
    let selection = &arguments.selection;
    let mark = Mark {
        new_state,
        include_upstream: selection.upstream,
        include_downstream: selection.downstream,
        include_past: selection.past,
        include_future: selection.future,
        note: selection.note.clone(),
    };
    let marked = client.task_instances_mark(dag_id, run_id, instance(task)?, &mark, selection.dry_run).await?;
    show(&marked, "nothing to mark", session)
}

async fn mark_run(
    client: &Client,
    (dag_id, run_id): (&str, &str),
    arguments: &MarkArguments,
    session: &Session,
) -> Outcome {
    let Ok(state @ (RunState::Success | RunState::Failed | RunState::Queued)) = arguments.state.parse() else {
        return Err(Failure::usage(format!("a run cannot be marked {:?}", arguments.state))
            .hint("say success, failed or queued, or name a task with --task"));
    };
    let selection = &arguments.selection;
    if selection.upstream || selection.downstream || selection.past || selection.future || selection.dry_run {
        return Err(Failure::usage("a run is marked as a whole, at once")
            .hint("name a task with --task, or leave out --upstream, --downstream, --past, --future and --dry-run"));
    }
    show_run(&client.dag_run_mark(dag_id, run_id, state, selection.note.as_deref()).await?, session)
}

pub(super) async fn cancel(arguments: CancelArguments, session: &Session) -> Outcome {
    let client = client(&arguments.server, session)?;
    let (dag_id, run_id) = run_of(&arguments.run)?;
    show_run(&client.dag_run_cancel(dag_id, run_id, arguments.note.as_deref()).await?, session)
}

fn show_run(run: &DagRun, session: &Session) -> Outcome {
    let fields = [
        ("dag", run.dag_id.clone()),
        ("run", run.dag_run_id.clone()),
        ("state", run.state.to_string()),
        ("remark", run.reason.clone().unwrap_or_default()),
    ];
    session.screen.one(run, &fields)?;
    Ok(Exit::Done)
}

/// Task and map index out of `TASK:N`, or a task alone. No id holds a colon.
fn instance(named: &str) -> Result<(&str, Option<u32>), Failure> {
    match named.split_once(':') {
        None => Ok((named, None)),
        Some((task_id, number)) => {
            let map_index = number.parse().map_err(|_| {
                Failure::usage(format!("{named:?} names no instance")).hint("write TASK, or TASK:N with N from 0")
            })?;
            Ok((task_id, Some(map_index)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_a_task_and_perhaps_an_index() {
        assert_eq!(instance("load").unwrap(), ("load", None));
        assert_eq!(instance("load:12").unwrap(), ("load", Some(12)));
        for wrong in ["load:", "load:-1", "load:x"] {
            assert_eq!(instance(wrong).unwrap_err().exit(), Exit::Usage, "{wrong}");
        }
    }
}
