//! What a success says besides its value: what a branch has chosen, whether a sensor is done, how long lists are that something is
//! mapped over.

use model::document::TaskKind;
use model::json::{Kind, kind};
use model::outcome::{Answer, Choice, End};
use model::{Dag, Key, MemberId, NodeIdx};
use serde_json::Value;
use store::RETURN_VALUE;

/// Reads a result by the kind of its task; an error is how the attempt ended instead. `xcoms` are the other values.
pub(crate) fn of_success(
    dag: &Dag,
    node: NodeIdx,
    result: Option<&str>,
    xcoms: &[(Key, String)],
) -> Result<Answer, End> {
    let task_kind = dag.task(node).kind;
    let choice = match task_kind {
        TaskKind::Branch => Some(chosen(dag, node, result)?),
        TaskKind::ShortCircuit if is_true(result) => Some(Choice::All),
        TaskKind::ShortCircuit => Some(Choice::Only(Vec::new())),
        TaskKind::Sensor if !is_true(result) => return Err(End::Rescheduled),
        TaskKind::Sensor
        | TaskKind::Task
        | TaskKind::Setup
        | TaskKind::Teardown
        | TaskKind::Empty
        | TaskKind::Approval
        | TaskKind::LatestOnly => None,
    };
    let graph = dag.node(node);
    let list = if graph.gives_list || graph.gives_list_of_lists { list_of(dag, node, result, xcoms) } else { None };
    let list_length = match list {
        Some(text) if graph.gives_list => Some(length(dag, node, text)?),
        None if graph.gives_list => return Err(no_list(dag, node, "there is none")),
        _ => None,
    };
    let item_lengths = match list {
        Some(text) if graph.gives_list_of_lists => {
            length(dag, node, text)?;
            let items = model::json::items(text).unwrap_or_default();
            Some(items.iter().map(|item| kind(item).length()).collect())
        }
        _ => None,
    };
    Ok(Answer { choice, list_length, item_lengths })
}

/// A failure that the answer is to blame for.
pub(crate) fn failed(message: String, retry: bool) -> End {
    End::Failed { message, retry, delay_ms: None }
}

/// The value that something is mapped over: the result, or the one that the first consumer names.
fn list_of<'a>(dag: &Dag, node: NodeIdx, result: Option<&'a str>, xcoms: &'a [(Key, String)]) -> Option<&'a str> {
    let task_id = &dag.task(node).task_id;
    let mut first = None;
    for consumer in &dag.node(node).downstream {
        let groups = dag.groups_around(*consumer).flat_map(|group| &group.expand);
        for source in dag.task(*consumer).expand.iter().chain(groups).flat_map(|expand| expand.sources()) {
            source.1.outputs_mapped_over(&mut |output| {
                if output.task == *task_id {
                    first = first.or(Some(output.key.as_ref()));
                }
            });
        }
    }
    match first.flatten() {
        Some(key) if key.as_str() != RETURN_VALUE => {
            xcoms.iter().find(|(name, _)| name == key).map(|(_, text)| text.as_str())
        }
        _ => result,
    }
}

fn length(dag: &Dag, node: NodeIdx, text: &str) -> Result<u32, End> {
    kind(text).length().ok_or_else(|| no_list(dag, node, &format!("it is {}", kind(text))))
}

/// What is mapped over a task's value cannot be.
fn no_list(dag: &Dag, node: NodeIdx, found: &str) -> End {
    let is_mapped_over = |to: &&NodeIdx| dag.node(**to).expands_over.iter().any(|(_, source)| *source == node);
    let who = match dag.node(node).downstream.iter().find(is_mapped_over) {
        Some(consumer) => format!("task {} is", dag.task(*consumer).task_id),
        None => "a group is".to_owned(),
    };
    failed(format!("{who} mapped over the result, so it must be a list or an object; {found}"), true)
}

/// Null or no value chooses nothing, an id or a list of ids chooses those.
fn chosen(dag: &Dag, node: NodeIdx, result: Option<&str>) -> Result<Choice, End> {
    let text = result.unwrap_or("null");
    let wrong = |found: &dyn std::fmt::Display| {
        let message =
            format!("a branch answers null, an id or a list of ids of what is directly downstream; this is {found}");
        failed(message, false)
    };
    let ids: Vec<String> = match serde_json::from_str(text) {
        Ok(Value::Null) => Vec::new(),
        Ok(Value::String(id)) => vec![id],
        Ok(Value::Array(items)) => {
            let id = |item: Value| match item {
                Value::String(id) => Ok(id),
                other => Err(wrong(&format_args!("a list that holds {}", kind(&other.to_string())))),
            };
            items.into_iter().map(id).collect::<Result<_, _>>()?
        }
        _ => return Err(wrong(&kind(text))),
    };
    let unknown = |id: &str| {
        let (task, id) = (&dag.task(node).task_id, id.chars().take(ID_SHOWN_MAX).collect::<String>());
        failed(format!("unknown-choice: {id:?} is no task or group directly downstream of task {task}"), false)
    };
    let ids: Vec<MemberId> = {
        let member = |id: &String| MemberId::new(id).map_err(|_| unknown(id));
        ids.iter().map(member).collect::<Result<_, _>>()?
    };
    match dag.skipped_by(node, &ids) {
        Ok(_) => Ok(Choice::Only(ids)),
        Err(id) => Err(unknown(id.as_str())),
    }
}

/// Characters of an unknown id that a message shows.
const ID_SHOWN_MAX: usize = 100;

/// What counts as false: no value, null, false, zero, and what is empty.
pub(crate) fn is_true(result: Option<&str>) -> bool {
    let Some(text) = result else { return false };
    match kind(text) {
        Kind::Null | Kind::List(0) | Kind::Object(0) => false,
        Kind::Boolean => text.trim_ascii() == "true",
        Kind::Number => text.trim_ascii().parse::<f64>().is_ok_and(|number| number != 0.0),
        Kind::String => text.trim_ascii().len() > 2,
        Kind::List(_) | Kind::Object(_) | Kind::Blob => true,
    }
}

#[cfg(test)]
mod tests {
    use model::document::{Expand, Source};

    use super::*;

    const DAG: &str = "
        group g: expand(3)
        pick -> a, b, g
        one: in(g)
        many: expand(list)
        group h: expand(nested)
        inner: in(h) expand(@h)
        pick: kind=branch
        gate: kind=short_circuit
        wait: kind=sensor
    ";

    fn check(task: &str, result: Option<&str>) -> Result<Answer, End> {
        let dag = testkit::dag::dag(DAG);
        of_success(&dag, dag.find(task).expect("a task"), result, &[])
    }

    fn refused(task: &str, result: &str, why: &str, may_retry: bool) {
        let end = check(task, Some(result)).expect_err("it is refused");
        let End::Failed { message, retry, .. } = end else { panic!("{end:?} is no failure") };
        assert!(message.contains(why), "{message:?} does not contain {why:?}");
        assert_eq!(retry, may_retry, "{message}");
    }

    #[test]
    fn a_branch_answers_null_an_id_or_ids() {
        let only = |ids: &[&str]| {
            let ids = ids.iter().map(|id| MemberId::new(id).expect("an id")).collect();
            Ok(Answer { choice: Some(Choice::Only(ids)), ..Answer::default() })
        };
        assert_eq!(check("pick", None), only(&[]));
        assert_eq!(check("pick", Some("null")), only(&[]));
        assert_eq!(check("pick", Some("[]")), only(&[]));
        assert_eq!(check("pick", Some(" \"a\" ")), only(&["a"]));
        assert_eq!(check("pick", Some("[\"b\", \"g\"]")), only(&["b", "g"]));
        refused("pick", "\"one_more\"", "unknown-choice: \"one_more\"", false);
        refused("pick", "[\"a\", \"many\"]", "unknown-choice: \"many\"", false);
        refused("pick", "\"no id\"", "unknown-choice: \"no id\"", false);
        refused("pick", "true", "this is a boolean", false);
        refused("pick", "[\"a\", 1]", "a list that holds a number", false);
    }

    #[test]
    fn truth_of_short_circuits_and_sensors() {
        for (text, is_true) in [
            ("true", true),
            ("false", false),
            ("null", false),
            ("0", false),
            ("-0.0", false),
            ("0.5", true),
            ("\"\"", false),
            ("\"0\"", true),
            ("[]", false),
            ("[0]", true),
            ("{}", false),
            ("{\"a\":null}", true),
        ] {
            let choice = if is_true { Choice::All } else { Choice::Only(Vec::new()) };
            assert_eq!(check("gate", Some(text)), Ok(Answer { choice: Some(choice), ..Answer::default() }), "{text}");
            let done = if is_true { Ok(Answer::default()) } else { Err(End::Rescheduled) };
            assert_eq!(check("wait", Some(text)), done, "{text}");
        }
        assert_eq!(check("wait", None), Err(End::Rescheduled));
    }

    #[test]
    fn lengths_of_what_is_mapped_over() {
        let lengths = |list_length, item_lengths| Ok(Answer { choice: None, list_length, item_lengths });
        assert_eq!(check("list", Some("[1, 2]")), lengths(Some(2), None));
        assert_eq!(check("list", Some("{\"a\": 1}")), lengths(Some(1), None));
        let none = check("list", None).unwrap_err();
        assert!(
            matches!(&none, End::Failed { message, retry: true, .. } if message.ends_with("; there is none")),
            "{none:?}"
        );
        refused(
            "list",
            "7",
            "task many is mapped over the result, so it must be a list or an object; it is a number",
            true,
        );
        let nested = Some("[[1, 2], 3, {\"a\": 1}, []]");
        assert_eq!(check("nested", nested), lengths(Some(4), Some(vec![Some(2), None, Some(1), Some(0)])));
        assert_eq!(check("nested", Some("{\"a\": 1}")), lengths(Some(1), Some(vec![Some(2)])));
        refused("nested", "\"x\"", "a list or an object; it is a string", true);
        assert_eq!(check("one", Some("7")), lengths(None, None));
    }

    #[test]
    fn the_length_is_that_of_the_value_that_is_named() {
        let mut document = testkit::dag::document("list -> many\nmany: expand(list)");
        let key = Key::new("files").expect("a name");
        let Some(Expand::Product(args)) = &mut document.tasks[1].expand else { panic!("it is mapped") };
        let Source::Output(output) = &mut args[0].source else { panic!("over an output") };
        output.key = Some(key.clone());
        let (dag, _) = Dag::check(document).expect("a legal DAG");
        let xcoms = [(key, "[1, 2, 3]".to_owned())];
        let answer = of_success(&dag, NodeIdx(0), Some("\"ok\""), &xcoms).expect("a list is there");
        assert_eq!(answer.list_length, Some(3));
    }
}
