//! A small language for DAGs, so that a test reads like the picture of its DAG.
//!
//! One statement a line; `#` begins a comment. Tasks exist from their first mention, and are numbered in that order.
//!
//! ```text
//! list -> count -> sum             # `count` after `list`, `sum` after `count`; `a, b -> c, d` draws all four edges
//! count: expand(list) retries=2    # one instance for each item of what `list` returned
//! sum: args(count)                 # takes the values of `count`
//! grid: expand(3, param.n, conf./files)   # a literal list of three, a parameter, a place in the conf
//! meet: empty
//! group g: expand(list) in(h)      # a mapped group inside the group `h`; edges may name groups that a line before has made
//! one: in(g) args(@g) rule=all_done       # a task of it, which takes what the group is mapped over
//! pick: kind=branch
//! dag: result=sum run_timeout=60000
//! ```
//!
//! Sources: a number (a literal list of that length), a task, `param.NAME`, `conf.POINTER`, `@GROUP` (the first argument of a group),
//! `a+b` (their items one after the other). Ways of mapping: `expand`, `zip`, `longest` (with a fill), `each`.
//!
//! Settings of a task: `rule`, `kind`, `retries`, `retry_delay`, `retry_multiplier`, `retry_delay_max`, `timeout`, `queued_timeout`,
//! `poke`, `priority`, `max_active`, `max_map`, and the words `past`, `soft_fail`, `fail_run`, `direct`; of the DAG: `result` (tasks
//! with commas), `run_timeout`, `max_active_tasks`, `fail_fast`. Times are in milliseconds, the multiplier in thousandths.

use model::document::{
    DagDocument, EachExpand, EdgeDocument, Expand, ExpandArg, GroupArgSource, GroupDocument, OutputSource,
    ParamDocument, SCHEMA, Source, TaskDocument, TaskKind, ZipExpand,
};
use model::{Dag, GroupId, Key, MemberId, TaskId};
use serde_json::{Value, json};

/// The DAG that a text describes.
///
/// # Panics
/// When the text is none, or the DAG is not legal.
pub fn dag(text: &str) -> Dag {
    match Dag::check(document(text)) {
        Ok((dag, _warnings)) => dag,
        Err(problems) => panic!("not a legal DAG: {problems:#?}\n{text}"),
    }
}

/// The document that a text describes; it may break rules of DAGs, but not those of the language.
///
/// # Panics
/// When the text is none.
pub fn document(text: &str) -> DagDocument {
    let mut document: DagDocument = serde_json::from_value(json!({"schema": SCHEMA, "dag_id": "fixture", "tasks": []}))
        .expect("the least document");
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let read = match line.split_once(':') {
            Some(("dag", settings)) => dag_line(&mut document, settings),
            Some((group, settings)) if group.starts_with("group ") => {
                group_line(&mut document, group.trim_start_matches("group ").trim(), settings)
            }
            Some((task, settings)) => task_line(&mut document, task.trim(), settings),
            None => edge_line(&mut document, line),
        };
        if let Err(problem) = read {
            panic!("fixture line {line:?}: {problem}");
        }
    }
    document
}

fn edge_line(document: &mut DagDocument, line: &str) -> Result<(), String> {
    let sides: Vec<Vec<MemberId>> =
        line.split("->").map(|side| member_list(document, side)).collect::<Result<_, String>>()?;
    for pair in sides.windows(2) {
        for from in &pair[0] {
            for to in &pair[1] {
                document.edges.push(EdgeDocument { from: from.clone(), to: to.clone(), label: None });
            }
        }
    }
    Ok(())
}

/// Reads names with commas between them: of groups that are there, else of tasks, which are added where they are new.
fn member_list(document: &mut DagDocument, names: &str) -> Result<Vec<MemberId>, String> {
    let member = |name: &str| {
        let is_group = document.groups.iter().any(|group| group.group_id.as_str() == name.trim());
        match is_group {
            true => MemberId::new(name.trim()).map_err(|error| error.to_string()),
            false => Ok(task_list(document, name)?.remove(0).into()),
        }
    };
    names.split(',').map(member).collect()
}

fn group_line(document: &mut DagDocument, name: &str, settings: &str) -> Result<(), String> {
    let mut group: GroupDocument = serde_json::from_value(json!({"group_id": name})).map_err(|it| it.to_string())?;
    for setting in split_settings(settings)? {
        match setting.split_once('(') {
            Some(("in", parent)) => {
                let parent = parent.trim_end_matches(')');
                group.parent = Some(GroupId::new(parent).map_err(|error| error.to_string())?);
            }
            Some((how, sources)) => group.expand = Some(expand(document, how, sources)?),
            None => match setting.split_once('=') {
                Some(("max_map", count)) => group.max_map_length = Some(number(count)?),
                _ => return Err(format!("{setting:?} is no setting of a group")),
            },
        }
    }
    document.groups.push(group);
    Ok(())
}

fn dag_line(document: &mut DagDocument, settings: &str) -> Result<(), String> {
    for setting in settings.split_whitespace() {
        match setting.split_once('=') {
            Some(("result", tasks)) => document.result = task_list(document, tasks)?,
            Some(("run_timeout", ms)) => document.run_timeout_ms = Some(number(ms)?),
            Some(("max_active_tasks", count)) => document.max_active_tasks = Some(number(count)?),
            None if setting == "fail_fast" => document.fail_fast = true,
            _ => return Err(format!("{setting:?} is no setting of a DAG")),
        }
    }
    Ok(())
}

fn task_line(document: &mut DagDocument, task: &str, settings: &str) -> Result<(), String> {
    task_list(document, task)?;
    split_settings(settings)?.into_iter().try_for_each(|setting| task_setting(document, task, setting))
}

fn split_settings(settings: &str) -> Result<Vec<&str>, String> {
    let mut found = Vec::new();
    let mut rest = settings.trim();
    while !rest.is_empty() {
        // Spaces separate settings, but not the sources between brackets.
        let end = match (rest.find('('), rest.find(' ')) {
            (Some(open), space) if space.is_none_or(|space| open < space) => {
                rest.find(')').ok_or("a bracket is not closed")? + 1
            }
            (_, space) => space.unwrap_or(rest.len()),
        };
        let (setting, after) = rest.split_at(end);
        rest = after.trim_start();
        found.push(setting);
    }
    Ok(found)
}

fn task_setting(document: &mut DagDocument, task: &str, setting: &str) -> Result<(), String> {
    match setting.split_once('(') {
        Some(("args", sources)) => {
            let sources = source_list(document, sources)?;
            let named = sources.into_iter().enumerate().map(|(i, source)| (key(&format!("args{i}")), source));
            task_mut(document, task).args.extend(named);
            return Ok(());
        }
        Some(("in", group)) => {
            let group = GroupId::new(group.trim_end_matches(')')).map_err(|error| error.to_string())?;
            task_mut(document, task).group = Some(group);
            return Ok(());
        }
        Some((how, sources)) => {
            task_mut(document, task).expand = Some(expand(document, how, sources)?);
            return Ok(());
        }
        None => {}
    }
    let task = task_mut(document, task);
    match setting.split_once('=') {
        None if setting == "empty" => task.kind = TaskKind::Empty,
        None if setting == "past" => task.depends_on_past = true,
        None if setting == "soft_fail" => task.soft_fail = true,
        None if setting == "fail_run" => task.on_failure_fail_run = true,
        None if setting == "direct" => task.ignore_downstream_trigger_rules = Some(false),
        Some(("rule", rule)) => task.trigger_rule = word(rule)?,
        Some(("kind", kind)) => task.kind = word(kind)?,
        Some(("priority", priority)) => task.priority = Some(number(priority)?),
        Some(("queued_timeout", ms)) => task.queued_timeout_ms = Some(number(ms)?),
        Some(("poke", ms)) => task.poke_interval_ms = Some(number(ms)?),
        Some(("retries", count)) => task.retries = number(count)?,
        Some(("retry_delay", ms)) => task.retry_delay_ms = Some(number(ms)?),
        Some(("retry_multiplier", milli)) => task.retry_multiplier_milli = Some(number(milli)?),
        Some(("retry_delay_max", ms)) => task.retry_delay_max_ms = Some(number(ms)?),
        Some(("timeout", ms)) => task.timeout_ms = Some(number(ms)?),
        Some(("max_active", count)) => task.max_active_per_run = Some(number(count)?),
        Some(("max_map", count)) => task.max_map_length = Some(number(count)?),
        _ => return Err(format!("{setting:?} is no setting of a task")),
    }
    Ok(())
}

fn source_list(document: &mut DagDocument, sources: &str) -> Result<Vec<Source>, String> {
    sources.trim_end_matches(')').split(',').map(|text| source(document, text.trim())).collect()
}

fn expand(document: &mut DagDocument, how: &str, sources: &str) -> Result<Expand, String> {
    let sources = source_list(document, sources)?;
    let named = sources.into_iter().enumerate().map(|(i, source)| (key(&format!("expand{i}")), source));
    let mut args: Vec<_> = named.map(|(arg, source)| ExpandArg { arg, source }).collect();
    match how {
        "expand" => Ok(Expand::Product(args)),
        "zip" => Ok(Expand::Zip(ZipExpand { args, fill: None })),
        "longest" => Ok(Expand::Zip(ZipExpand { args, fill: Some(Value::Null) })),
        "each" => Ok(Expand::Each(EachExpand { source: args.remove(0).source, overriding: false })),
        _ => Err(format!("{how:?} is no way of mapping")),
    }
}

fn word<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(json!(text)).map_err(|error| error.to_string())
}

fn source(document: &mut DagDocument, text: &str) -> Result<Source, String> {
    if text.contains('+') {
        let parts = text.split('+').map(|text| source(document, text.trim())).collect::<Result<_, _>>()?;
        return Ok(Source::Concat(parts));
    }
    if let Some(group) = text.strip_prefix('@') {
        let group = GroupId::new(group).map_err(|error| error.to_string())?;
        return Ok(Source::GroupArg(GroupArgSource { group, arg: key("expand0") }));
    }
    if let Some(pointer) = text.strip_prefix("conf.") {
        return Ok(Source::Conf(pointer.to_owned()));
    }
    if let Some(name) = text.strip_prefix("param.") {
        let param = ParamDocument { schema: Value::Bool(true), default: None, description: None };
        document.params.insert(key(name), param);
        return Ok(Source::Param(key(name)));
    }
    if let Ok(length) = text.parse::<u32>() {
        return Ok(Source::Literal((0..length).collect()));
    }
    let task = task_list(document, text)?.remove(0);
    Ok(Source::Output(OutputSource { task, key: None }))
}

/// Reads names with commas between them; tasks that are new are added.
fn task_list(document: &mut DagDocument, names: &str) -> Result<Vec<TaskId>, String> {
    let names = names.split(',').map(|name| TaskId::new(name.trim()).map_err(|error| error.to_string()));
    let names: Vec<TaskId> = names.collect::<Result<_, _>>()?;
    for name in &names {
        if !document.tasks.iter().any(|task| task.task_id == *name) {
            document.tasks.push(serde_json::from_value(json!({"task_id": name})).expect("the least task"));
        }
    }
    Ok(names)
}

fn task_mut<'a>(document: &'a mut DagDocument, name: &str) -> &'a mut TaskDocument {
    document.tasks.iter_mut().find(|task| task.task_id.as_str() == name).expect("the line's task was added first")
}

fn key(name: &str) -> Key {
    Key::new(name).expect("names in fixtures are keys")
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text:?} is no number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_becomes_a_dag() {
        let dag = dag("
            list -> count -> sum
            count: expand(list, 3) retries=2   # two sources
            sum: args(count)
            dag: result=sum
        ");
        let ids: Vec<_> = dag.indices().map(|node| dag.task(node).task_id.as_str().to_owned()).collect();
        assert_eq!(ids, ["list", "count", "sum"]);
        let count = dag.find("count").unwrap();
        assert_eq!(dag.node(count).upstream, [dag.find("list").unwrap()]);
        assert_eq!(dag.node(count).expands_over.len(), 1);
        assert_eq!(dag.task(count).retries, 2);
        assert_eq!(dag.result(), [dag.find("sum").unwrap()]);
    }

    #[test]
    #[should_panic(expected = "no setting of a task")]
    fn a_slip_in_a_fixture_is_told() {
        document("a: retrys=2");
    }
}
