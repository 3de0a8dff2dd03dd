use serde_json::{Value, json};

use super::*;
use crate::id::MemberId;

#[test]
fn what_goes_with_a_kind() {
    check_task(
        json!({"kind": "approval", "entrypoint": "f", "poke_interval_ms": 1000, "form": {"why": {}}, "wait_for_downstream": true}),
        &[
            ("no-body", "/tasks/1/entrypoint", "is approval and runs no body"),
            ("wrong-kind", "/tasks/1/poke_interval_ms", "is for tasks of kind sensor, and `t` is approval"),
            ("no-past", "/tasks/1/wait_for_downstream", "depends_on_past"),
        ],
    );
    check_task(
        json!({"kind": "teardown", "trigger_rule": "one_failed", "setups": ["up", "nobody"], "soft_fail": true}),
        &[
            ("wrong-kind", "/tasks/1/soft_fail", "for tasks of kind sensor"),
            ("teardown-rule", "/tasks/1/trigger_rule", "leave `trigger_rule` out"),
            ("no-setup", "/tasks/1/setups/0", "`up` is no setup"),
            ("unknown-task", "/tasks/1/setups/1", "no task `nobody`"),
        ],
    );
    let tasks = json!([{"task_id": "l", "kind": "latest_only"}, {"task_id": "t", "args": {"x": output("l")}}]);
    check_problems(
        &document(tasks, json!({"result": ["l"]})),
        &[("no-value", "/result/0", "is latest_only"), ("no-value", "/tasks/1/args/x/output/task", "make it an edge")],
    );
}

fn chain(tasks: &[(&str, &str)], edges: &[(&str, &str)]) -> Dag {
    let tasks: Vec<_> = tasks.iter().map(|(id, kind)| json!({"task_id": id, "kind": kind})).collect();
    let edges: Vec<_> = edges.iter().map(|(from, to)| json!({"from": from, "to": to})).collect();
    dag(&document(json!(tasks), json!({"edges": edges})))
}

fn ids(dag: &Dag, nodes: &[NodeIdx]) -> Value {
    nodes.iter().map(|node| dag.task(*node).task_id.as_str()).collect()
}

#[test]
fn setups_and_teardowns() {
    let dag = chain(
        &[
            ("s", "setup"),
            ("a", "task"),
            ("b", "task"),
            ("after", "task"),
            ("t", "teardown"),
            ("open", "setup"),
            ("x", "task"),
        ],
        &[("s", "a"), ("a", "b"), ("b", "t"), ("s", "t"), ("b", "after"), ("open", "x"), ("x", "after")],
    );
    let of = |task: &str| dag.node(dag.find(task).unwrap());
    assert_eq!(ids(&dag, &of("b").setups), json!(["s"]), "an indirect setup is needed");
    assert_eq!(ids(&dag, &of("after").setups), json!(["open"]), "what is past the teardown does not need its setup");
    assert_eq!(ids(&dag, &of("t").setups), json!(["s"]));
    assert_eq!(ids(&dag, &of("t").upstream), json!(["s", "a", "b"]), "a teardown waits for everything between");
    let leaves: Vec<_> = dag.indices().filter(|node| dag.node(*node).is_leaf).collect();
    assert_eq!(ids(&dag, &leaves), json!(["after"]));
}

#[test]
fn who_may_skip_whom() {
    let dag = chain(
        &[
            ("b", "branch"),
            ("x", "task"),
            ("y", "task"),
            ("z", "task"),
            ("c", "short_circuit"),
            ("w", "task"),
            ("t", "teardown"),
        ],
        &[("b", "x"), ("b", "y"), ("x", "z"), ("b", "z"), ("c", "w"), ("w", "z"), ("c", "t")],
    );
    let of = |task: &str| dag.node(dag.find(task).unwrap());
    assert_eq!(ids(&dag, &of("z").gates), json!(["b", "c"]));
    assert_eq!(ids(&dag, &of("y").gates), json!(["b"]));
    assert_eq!(ids(&dag, &of("t").gates), json!([]));
    let skipped = |chosen: &[&str]| {
        let chosen: Vec<_> = chosen.iter().map(|id| MemberId::new(id).unwrap()).collect();
        let skipped = dag.skipped_by(dag.find("b").unwrap(), &chosen);
        skipped.map(|nodes| ids(&dag, &nodes)).map_err(ToString::to_string)
    };
    assert_eq!(skipped(&["x"]), Ok(json!(["y"])), "what stands downstream of a chosen one runs");
    assert_eq!(skipped(&["z"]), Ok(json!(["x", "y"])));
    assert_eq!(skipped(&[]), Ok(json!(["x", "y", "z"])));
    assert_eq!(skipped(&["x", "w"]), Err("w".to_owned()));
}

#[test]
fn weights() {
    let tasks = json!([
        {"task_id": "a"},
        {"task_id": "b", "priority": 10},
        {"task_id": "c", "priority": -2, "weight_rule": "upstream"},
        {"task_id": "d", "priority": 5, "weight_rule": "absolute"},
    ]);
    let edge = |from: &str, to: &str| json!({"from": from, "to": to});
    let dag = dag(&document(tasks, json!({"edges": [edge("a", "b"), edge("b", "c"), edge("a", "c"), edge("a", "d")]})));
    let weights: Vec<_> = dag.indices().map(|node| dag.node(node).priority_weight).collect();
    assert_eq!(weights, [14, 8, 9, 5]);
    assert_eq!(dag.reached_from([NodeIdx(1)]), [false, true, true, false]);
    assert_eq!(dag.leading_to([NodeIdx(1)]), [true, true, false, false]);
}
