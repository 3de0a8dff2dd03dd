//! Sizes, ranges and texts.

use super::text::{Text, check as check_text};
use super::{arg_pointer, expand_pointer, expanded, source, task_pointer};
use crate::document::{DagDocument, Source, TaskDocument};
use crate::json::Limits;
use crate::limits::{dag, run, task as limit};
use crate::pointer::Pointer;
use crate::problem::Problems;

pub(super) fn check(document: &DagDocument, problems: &mut Problems) {
    check_dag(document, problems);
    let mut edges = document.edges.len();
    for (i, task) in document.tasks.iter().enumerate() {
        let at = task_pointer(i);
        check_task(task, &at, problems);
        if check_depth(task, &at, problems) {
            source::each(task, &at, &mut |source, _| edges += usize::from(matches!(source, Source::Output(_))));
        }
    }
    if edges > dag::EDGES_MAX {
        let message = format!("the DAG has {edges} dependencies; at most {} are allowed", dag::EDGES_MAX);
        problems.error("too-many-edges", "/edges", message);
    }
}

fn check_dag(document: &DagDocument, problems: &mut Problems) {
    let root = Pointer::default();
    let tasks = document.tasks.len();
    if tasks == 0 {
        problems.error("no-tasks", "/tasks", "a DAG has at least one task");
    } else if tasks > dag::TASKS_MAX {
        problems.error(
            "too-many-tasks",
            "/tasks",
            format!("the DAG has {tasks} tasks; at most {} are allowed", dag::TASKS_MAX),
        );
    }
    let texts = [
        ("display_name", &document.display_name, Text::Short),
        ("label", &document.label, Text::Short),
        ("description", &document.description, Text::Long),
        ("doc_md", &document.doc_md, Text::Long),
    ];
    for (key, text, kind) in texts {
        if let Some(text) = text {
            check_text(text, kind, &root.to(key), problems);
        }
    }
    for (key, list) in [("tags", &document.tags), ("owners", &document.owners)] {
        let at = root.to(key);
        if list.len() > dag::TAGS_MAX {
            problems.error(
                "too-many-texts",
                &at,
                format!("{} are given; at most {} are allowed", list.len(), dag::TAGS_MAX),
            );
        }
        for (i, text) in list.iter().enumerate() {
            check_text(text, Text::Short, &at.to(&i.to_string()), problems);
        }
    }
    for (name, param) in &document.params {
        if let Some(description) = &param.description {
            check_text(description, Text::Long, &root.to("params").to(name.as_str()).to("description"), problems);
        }
    }
    check_range(document.run_timeout_ms, 1, run::TIMEOUT_MAX_MS, &root.to("run_timeout_ms"), problems);
    check_range(
        document.max_active_tasks.map(u64::from),
        1,
        run::INSTANCES_MAX,
        &root.to("max_active_tasks"),
        problems,
    );
}

fn check_task(task: &TaskDocument, at: &Pointer, problems: &mut Problems) {
    if let Some(text) = &task.doc_md {
        check_text(text, Text::Long, &at.to("doc_md"), problems);
    }
    let multiplier = (limit::RETRY_MULTIPLIER_MIN_MILLI.into(), limit::RETRY_MULTIPLIER_MAX_MILLI.into());
    let ranges = [
        ("retries", Some(task.retries.into()), 0, limit::RETRIES_MAX.into()),
        ("retry_delay_ms", task.retry_delay_ms, 0, limit::RETRY_DELAY_MAX_MS),
        ("retry_multiplier_milli", task.retry_multiplier_milli.map(u64::from), multiplier.0, multiplier.1),
        ("retry_delay_max_ms", task.retry_delay_max_ms, 0, limit::RETRY_DELAY_MAX_MS),
        ("timeout_ms", task.timeout_ms, 1, limit::TIMEOUT_MAX_MS),
        ("max_active_per_run", task.max_active_per_run.map(u64::from), 1, run::INSTANCES_MAX),
        ("max_map_length", task.max_map_length.map(u64::from), 1, run::INSTANCES_MAX),
    ];
    for (key, value, min, max) in ranges {
        check_range(value, min, max, &at.to(key), problems);
    }
    let memory = at.to("resources").to("memory_bytes");
    check_range(task.resources.memory_bytes, limit::MEMORY_MIN_BYTES, limit::MEMORY_MAX_BYTES, &memory, problems);
    if let (Some(delay), Some(longest)) = (task.retry_delay_ms, task.retry_delay_max_ms)
        && delay > longest
    {
        let message =
            format!("the first delay, {delay} ms, is longer than the longest, {longest} ms; raise this or lower that");
        problems.error("out-of-range", at.to("retry_delay_max_ms"), message);
    }
}

fn check_range(value: Option<u64>, min: u64, max: u64, at: &Pointer, problems: &mut Problems) {
    if let Some(value) = value
        && !(min..=max).contains(&value)
    {
        problems.error("out-of-range", at, format!("{value} is not within {min} to {max}"));
    }
}

/// True where nothing of the task nests too deep to be walked.
fn check_depth(task: &TaskDocument, at: &Pointer, problems: &mut Problems) -> bool {
    let named = task.args.iter().map(|(name, source)| (arg_pointer(at, name.as_str()), source));
    let mapped = expanded(task).iter().enumerate().map(|(i, arg)| (expand_pointer(at, i).to("source"), &arg.source));
    let mut shallow = true;
    for (at, source) in named.chain(mapped) {
        if !source::is_within(source, dag::SOURCE_DEPTH_MAX) {
            let message = format!("sources nest deeper than {} levels; flatten them", dag::SOURCE_DEPTH_MAX);
            problems.error("source-too-deep", at, message);
            shallow = false;
        } else if !source::value_is_within(source, Limits::VALUE.depth - 1) {
            let message = format!("the value nests deeper than {} levels; flatten it", Limits::VALUE.depth - 1);
            problems.error("value-too-deep", at, message);
        }
    }
    let Some(signature) = &task.signature else { return shallow };
    let at = at.to("signature");
    let types = signature.args.iter().map(|(name, arg)| (at.to("args").to(name.as_str()), &arg.ty));
    for (at, ty) in types.chain([(at.to("result"), &signature.result)]) {
        if !ty.is_within(dag::TYPE_DEPTH_MAX) {
            let message = format!("the type nests deeper than {} levels; use `any` inside it", dag::TYPE_DEPTH_MAX);
            problems.error("type-too-deep", at, message);
            shallow = false;
        }
    }
    shallow
}
