use serde_json::{Value, json};

use crate::dag::Dag;
use crate::id::NodeIdx;
use crate::json::parse_document;
use crate::problem::Problem;

mod args;
mod graph;
mod groups;
mod kinds;
mod limits;
mod mapping;
mod schedule;
mod types;

fn check_document(document: &Value) -> Result<(Dag, Vec<Problem>), Vec<Problem>> {
    Dag::check(parse_document(&document.to_string())?)
}

fn dag(document: &Value) -> Dag {
    check_document(document).unwrap_or_else(|problems| panic!("{problems:#?}")).0
}

/// A document of these tasks, with `more` merged in.
fn document(tasks: Value, more: Value) -> Value {
    let mut document = json!({"schema": "waft.dag/v1", "dag_id": "d", "tasks": tasks});
    document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    document
}

/// The problems are exactly `expect`, each as `code path: part of the message`.
#[track_caller]
fn check_problems(document: &Value, expect: &[(&str, &str, &str)]) {
    let problems = check_document(document).expect_err("the document should be refused");
    let told: Vec<_> = problems.iter().map(|problem| (problem.code.as_str(), problem.path.as_str())).collect();
    let wanted: Vec<_> = expect.iter().map(|(code, path, _)| (*code, *path)).collect();
    assert_eq!(told, wanted, "{problems:#?}");
    for (problem, (_, _, part)) in problems.iter().zip(expect) {
        assert!(problem.message.contains(part), "{:?} does not contain {part:?}", problem.message);
    }
}

#[track_caller]
fn check_task(task: Value, expect: &[(&str, &str, &str)]) {
    let mut task = task;
    task.as_object_mut().unwrap().entry("task_id").or_insert(json!("t"));
    check_problems(&document(json!([{"task_id": "up"}, task]), json!({})), expect);
}

fn output(task: &str) -> Value {
    json!({"output": {"task": task}})
}

fn longest_file() -> Value {
    document(
        json!([
            {"task_id": "longest", "args": {"counts": output("count")},
             "signature": {"args": {"counts": {"type": {"list": "integer"}}}, "result": "string"}},
            {"task_id": "count", "expand": {"product": [{"arg": "file", "source": output("list_files")}]}, "retries": 3,
             "signature": {"args": {"file": {"type": "string"}, "deep": {"type": "boolean", "optional": true}}, "result": "integer"}},
            {"task_id": "list_files", "args": {"bucket": {"param": "bucket"}},
             "signature": {"args": {"bucket": {"type": "string"}}, "result": {"list": "string"}}},
            {"task_id": "begin", "kind": "empty"},
        ]),
        json!({
            "params": {"bucket": {"schema": {"type": "string"}, "default": "home"}},
            "edges": [{"from": "begin", "to": "list_files"}],
            "result": ["longest"],
        }),
    )
}

#[test]
fn a_legal_dag_is_resolved() {
    let dag = dag(&longest_file());
    let node = |task_id| dag.find(task_id).unwrap();
    let [longest, count, list_files, begin] = ["longest", "count", "list_files", "begin"].map(node);
    assert_eq!(dag.indices().collect::<Vec<_>>(), [longest, count, list_files, begin]);
    assert_eq!(dag.topological_order(), [begin, list_files, count, longest]);
    assert_eq!(dag.result(), [longest]);
    assert_eq!(dag.node(count).upstream, [list_files]);
    assert_eq!(dag.node(count).downstream, [longest]);
    assert_eq!(dag.node(count).expands_over.len(), 1);
    assert_eq!(dag.node(count).expands_over[0].1, list_files);
    assert!(dag.node(longest).expands_over.is_empty());
    assert_eq!(dag.find("nobody"), None);
}

/// Fields that are left out do not stand in the canonical form, so that documents of before keep their digests.
#[test]
fn the_canonical_form_of_a_document_never_changes() {
    let canonical = crate::canonical(dag(&longest_file()).document()).unwrap();
    let expect = "sha256:8227a7d2344fc96eb4f47841c5f69c3e2a1e54cec79a2e2fecb71b1808207940";
    assert_eq!(crate::Digest::of(&canonical).to_string(), expect);
}

#[test]
fn all_problems_are_told_at_once() {
    let document = document(
        json!([
            {"task_id": "a", "args": {"x": output("nobody")}, "retries": 1, "timeout_ms": 5},
            {"task_id": "a", "args": {"x": {"param": "nothing"}}},
            {"task_id": "b", "args": {"x": output("b")}},
            {"task_id": "c", "expand": {"product": []}},
        ]),
        json!({"result": ["d"], "edges": [{"from": "x", "to": "a"}]}),
    );
    check_problems(
        &document,
        &[
            ("duplicate-task", "/tasks/1/task_id", "already at /tasks/0"),
            ("unknown-task", "/result/0", "no task `d`"),
            ("unknown-param", "/tasks/1/args/x/param", "no parameter `nothing`; add it"),
            ("empty-expand", "/tasks/3/expand/product", "at least one argument"),
            ("unknown-task", "/tasks/0/args/x/output/task", "no task `nobody`"),
            ("unknown-task", "/edges/0/from", "no task `x`"),
            ("self-loop", "/tasks/2/args/x/output/task", "depends on itself"),
        ],
    );
}

#[test]
fn shapes_are_told_with_their_place() {
    let mut wrong = longest_file();
    wrong["tasks"][0]["retires"] = json!(3);
    wrong["tasks"][1]["retries"] = json!(-1);
    wrong["tasks"][2]["args"]["bucket"] = json!({"literl": 1});
    wrong["tasks"][3]["task_id"] = json!("no spaces");
    wrong["edges"][0]["too"] = json!(1);
    check_problems(
        &wrong,
        &[
            ("wrong-shape", "/tasks/0/retires", "unknown field `retires`"),
            ("wrong-shape", "/tasks/1/retries", "invalid value: integer `-1`"),
            ("wrong-shape", "/tasks/2/args/bucket", "unknown variant `literl`, expected one of `literal`"),
            ("wrong-shape", "/tasks/3/task_id", "only A-Z, a-z, 0-9"),
            ("wrong-shape", "/edges/0/too", "unknown field `too`"),
        ],
    );
    for (text, code) in [
        ("[]", "not-an-object"),
        ("{}", "unknown-schema"),
        (r#"{"schema":"waft.dag/v2"}"#, "unknown-schema"),
        (r#"{"schema":"waft.dag/v1","schema":"waft.dag/v1"}"#, "json-duplicate-key"),
        (r#"{"schema":"waft.dag/v1"}"#, "wrong-shape"),
        ("{", "json-syntax"),
    ] {
        assert_eq!(parse_document(text).expect_err(text)[0].code, code, "{text}");
    }
}

#[test]
fn keys_of_other_tools_are_taken_and_not_kept() {
    let mut extended = longest_file();
    extended["x-tool"] = json!({"any": "thing"});
    extended["tasks"][0]["x-tool"] = json!(1);
    assert_eq!(dag(&extended).document(), dag(&longest_file()).document());
}
