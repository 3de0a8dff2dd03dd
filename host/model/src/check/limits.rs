//! Sizes, ranges and texts.

use super::taker::{Taker, takers};
use super::text::{Text, check as check_text};
use super::{group_pointer, source, task_pointer};
use crate::document::{DagDocument, Source, TaskDocument};
use crate::json::Limits;
use crate::limits::{dag, run, task as limit};
use crate::pointer::Pointer;
use crate::problem::Problems;
use crate::template::Template;

/// Deepest nesting of sources in one argument.
pub(super) const fn depth() -> usize {
    dag::SOURCE_DEPTH_MAX
}

pub(super) fn check(document: &DagDocument, problems: &mut Problems) {
    check_dag(document, problems);
    let mut edges = document.edges.len();
    for (i, task) in document.tasks.iter().enumerate() {
        check_task(task, &task_pointer(i), problems);
    }
    for taker in takers(document) {
        if check_depth(&taker, problems) {
            taker.each_source(&mut |source, _| edges += usize::from(matches!(source, Source::Output(_))));
        }
    }
    for (i, task) in document.tasks.iter().enumerate() {
        check_types(task, &task_pointer(i), problems);
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
    if document.groups.len() > dag::GROUPS_MAX {
        let message = format!("the DAG has {} groups; at most {} are allowed", document.groups.len(), dag::GROUPS_MAX);
        problems.error("too-many-groups", "/groups", message);
    }
    for (i, group) in document.groups.iter().enumerate() {
        let at = group_pointer(i);
        let texts = [("display_name", &group.display_name, Text::Short), ("doc_md", &group.doc_md, Text::Long)];
        for (key, text, kind) in texts {
            if let Some(text) = text {
                check_text(text, kind, &at.to(key), problems);
            }
        }
        check_range(
            group.max_map_length.map(u64::from),
            1,
            run::MAP_LENGTH_MAX.into(),
            &at.to("max_map_length"),
            problems,
        );
    }
    for (i, edge) in document.edges.iter().enumerate() {
        if let Some(label) = &edge.label {
            check_text(label, Text::Short, &root.to("edges").to(&i.to_string()).to("label"), problems);
        }
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
    if let Some(text) = &task.map_index_template
        && text.len() > limit::TEMPLATE_MAX_BYTES
    {
        let message =
            format!("the template has {} bytes; at most {} are allowed", text.len(), limit::TEMPLATE_MAX_BYTES);
        problems.error("text-too-long", at.to("map_index_template"), message);
    } else if let Some(text) = &task.map_index_template
        && let Err(why) = Template::parse(text)
    {
        problems.error("invalid-template", at.to("map_index_template"), format!("the template cannot be read: {why}"));
    }
    if let Some(priority) = task.priority
        && priority.unsigned_abs() > limit::PRIORITY_MAX
    {
        let message = format!("{priority} is not within -{0} to {0}", limit::PRIORITY_MAX);
        problems.error("out-of-range", at.to("priority"), message);
    }
    let multiplier = (limit::RETRY_MULTIPLIER_MIN_MILLI.into(), limit::RETRY_MULTIPLIER_MAX_MILLI.into());
    let ranges = [
        ("retries", Some(task.retries.into()), 0, limit::RETRIES_MAX.into()),
        ("retry_delay_ms", task.retry_delay_ms, 0, limit::RETRY_DELAY_MAX_MS),
        ("retry_multiplier_milli", task.retry_multiplier_milli.map(u64::from), multiplier.0, multiplier.1),
        ("retry_delay_max_ms", task.retry_delay_max_ms, 0, limit::RETRY_DELAY_MAX_MS),
        ("retry_jitter_milli", task.retry_jitter_milli.map(u64::from), 0, limit::RETRY_JITTER_MAX_MILLI.into()),
        ("timeout_ms", task.timeout_ms, 1, limit::TIMEOUT_MAX_MS),
        ("queued_timeout_ms", task.queued_timeout_ms, 1, limit::QUEUED_TIMEOUT_MAX_MS),
        ("poke_interval_ms", task.poke_interval_ms, limit::POKE_INTERVAL_MIN_MS, limit::POKE_INTERVAL_MAX_MS),
        ("pool_slots", task.pool_slots.map(u64::from), 1, limit::POOL_SLOTS_MAX.into()),
        ("max_active_per_dag", task.max_active_per_dag.map(u64::from), 1, run::INSTANCES_MAX),
        ("max_active_per_run", task.max_active_per_run.map(u64::from), 1, run::INSTANCES_MAX),
        ("max_map_length", task.max_map_length.map(u64::from), 1, run::MAP_LENGTH_MAX.into()),
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

/// True where no source nests too deep to be walked.
fn check_depth(taker: &Taker<'_>, problems: &mut Problems) -> bool {
    let named = taker.fixed().map(|(_, source, at)| (at, source));
    let mapped = taker.expanded().map(|(_, source, at)| (at.to("source"), source));
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
    shallow
}

fn check_types(task: &TaskDocument, at: &Pointer, problems: &mut Problems) {
    let Some(signature) = &task.signature else { return };
    let at = at.to("signature");
    let types = signature.args.iter().map(|(name, arg)| (at.to("args").to(name.as_str()), &arg.ty));
    for (at, ty) in types.chain([(at.to("result"), &signature.result)]) {
        if !ty.is_within(dag::TYPE_DEPTH_MAX) {
            let message = format!("the type nests deeper than {} levels; use `any` inside it", dag::TYPE_DEPTH_MAX);
            problems.error("type-too-deep", at, message);
        }
    }
}
