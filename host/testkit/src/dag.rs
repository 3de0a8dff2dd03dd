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
//! dag: result=sum run_timeout=60000
//! ```
//!
//! Settings of a task: `retries`, `retry_delay`, `retry_multiplier`, `retry_delay_max`, `timeout`, `max_active`, `max_map`; of
//! the DAG: `result` (tasks with commas), `run_timeout`, `max_active_tasks`. Times are in milliseconds, the multiplier in thousandths.

use model::document::{
    DagDocument, EdgeDocument, Expand, ExpandArg, OutputSource, ParamDocument, SCHEMA, Source, TaskDocument, TaskKind,
};
use model::{Dag, Key, TaskId};
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
    let groups: Vec<Vec<TaskId>> =
        line.split("->").map(|group| task_list(document, group)).collect::<Result<_, String>>()?;
    for pair in groups.windows(2) {
        for from in &pair[0] {
            for to in &pair[1] {
                document.edges.push(EdgeDocument { from: from.clone(), to: to.clone() });
            }
        }
    }
    Ok(())
}

fn dag_line(document: &mut DagDocument, settings: &str) -> Result<(), String> {
    for setting in settings.split_whitespace() {
        match setting.split_once('=') {
            Some(("result", tasks)) => document.result = task_list(document, tasks)?,
            Some(("run_timeout", ms)) => document.run_timeout_ms = Some(number(ms)?),
            Some(("max_active_tasks", count)) => document.max_active_tasks = Some(number(count)?),
            _ => return Err(format!("{setting:?} is no setting of a DAG")),
        }
    }
    Ok(())
}

fn task_line(document: &mut DagDocument, task: &str, settings: &str) -> Result<(), String> {
    task_list(document, task)?;
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
        task_setting(document, task, setting)?;
    }
    Ok(())
}

fn task_setting(document: &mut DagDocument, task: &str, setting: &str) -> Result<(), String> {
    if let Some((name @ ("expand" | "args"), sources)) = setting.split_once('(') {
        let sources: Vec<Source> = sources
            .trim_end_matches(')')
            .split(',')
            .map(|text| source(document, text.trim()))
            .collect::<Result<_, _>>()?;
        let named = sources.into_iter().enumerate().map(|(i, source)| (key(&format!("{name}{i}")), source));
        let task = task_mut(document, task);
        match name {
            "args" => task.args.extend(named),
            _ => {
                let arguments = named.map(|(arg, source)| ExpandArg { arg, source });
                task.expand = Some(Expand::Product(arguments.collect()));
            }
        }
        return Ok(());
    }
    let task = task_mut(document, task);
    match setting.split_once('=') {
        None if setting == "empty" => task.kind = TaskKind::Empty,
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

fn source(document: &mut DagDocument, text: &str) -> Result<Source, String> {
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
