//! What goes with a task's kind and what does not.

use super::ids::{Ids, unknown};
use super::task_pointer;
use crate::document::{DagDocument, TaskDocument, TaskKind, TriggerRule};
use crate::pointer::Pointer;
use crate::problem::Problems;

pub(super) fn check(document: &DagDocument, ids: &Ids, problems: &mut Problems) {
    for (i, task) in document.tasks.iter().enumerate() {
        let at = task_pointer(i);
        if !task.kind.has_body() {
            check_bodiless(task, &at, problems);
        }
        check_fields(task, &at, problems);
        check_teardown(document, ids, task, &at, problems);
        if task.wait_for_downstream && !task.depends_on_past {
            let message = format!("task `{}` waits for its past only with `depends_on_past`; add it", task.task_id);
            problems.error("no-past", at.to("wait_for_downstream"), message);
        }
    }
}

/// A task that runs no body has nothing that a body needs.
fn check_bodiless(task: &TaskDocument, at: &Pointer, problems: &mut Problems) {
    let present = [
        ("entrypoint", task.entrypoint.is_some()),
        ("args", !task.args.is_empty()),
        ("expand", task.expand.is_some()),
        ("signature", task.signature.is_some()),
        ("max_map_length", task.max_map_length.is_some()),
        ("queued_timeout_ms", task.queued_timeout_ms.is_some()),
    ];
    let code = if task.kind == TaskKind::Empty { "empty-task" } else { "no-body" };
    for (key, _) in present.into_iter().filter(|(_, present)| *present) {
        let message = format!(
            "task `{}` is {} and runs no body; remove `{key}`, or leave `kind` out",
            task.task_id,
            task.kind.as_str()
        );
        problems.error(code, at.to(key), message);
    }
}

/// Fields that one kind alone has.
fn check_fields(task: &TaskDocument, at: &Pointer, problems: &mut Problems) {
    let fields = [
        ("poke_interval_ms", task.poke_interval_ms.is_some(), TaskKind::Sensor),
        ("soft_fail", task.soft_fail, TaskKind::Sensor),
        ("form", !task.form.is_empty(), TaskKind::Approval),
        ("setups", !task.setups.is_empty(), TaskKind::Teardown),
        ("on_failure_fail_run", task.on_failure_fail_run, TaskKind::Teardown),
        ("ignore_downstream_trigger_rules", task.ignore_downstream_trigger_rules.is_some(), TaskKind::ShortCircuit),
    ];
    for (key, _, kind) in fields.into_iter().filter(|(_, present, kind)| *present && task.kind != *kind) {
        let (id, wanted, kind) = (&task.task_id, kind.as_str(), task.kind.as_str());
        let message =
            format!("`{key}` is for tasks of kind {wanted}, and `{id}` is {kind}; remove it, or change `kind`");
        problems.error("wrong-kind", at.to(key), message);
    }
}

fn check_teardown(document: &DagDocument, ids: &Ids, task: &TaskDocument, at: &Pointer, problems: &mut Problems) {
    let rule = task.trigger_rule;
    if task.kind == TaskKind::Teardown && !matches!(rule, TriggerRule::AllSuccess | TriggerRule::AllDoneSetupSuccess) {
        let message =
            format!("task `{}` is a teardown and has a rule of its own; leave `trigger_rule` out", task.task_id);
        problems.error("teardown-rule", at.to("trigger_rule"), message);
    }
    for (i, setup) in task.setups.iter().enumerate() {
        let at = at.to("setups").to(&i.to_string());
        match ids.tasks.get(setup) {
            None => problems.error("unknown-task", at, unknown(setup, &ids.tasks, problems)),
            Some(node) if document.tasks[node.0 as usize].kind != TaskKind::Setup => {
                let message = format!("task `{setup}` is no setup; give it \"kind\": \"setup\", or make this an edge");
                problems.error("no-setup", at, message);
            }
            Some(_) => {}
        }
    }
}
