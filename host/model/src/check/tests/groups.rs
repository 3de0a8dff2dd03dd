use serde_json::{Value, json};

use super::*;
use crate::dag::ScopeOf;
use crate::id::ScopeIdx;

fn names(dag: &Dag, nodes: &[NodeIdx]) -> String {
    nodes.iter().map(|node| dag.task(*node).task_id.to_string()).collect::<Vec<_>>().join(" ")
}

fn upstream(dag: &Dag, task: &str) -> String {
    names(dag, &dag.node(dag.find(task).unwrap()).upstream)
}

/// `a → g(b → c, d) → e`, and `g` in `h`.
fn grouped(edges: Value) -> Value {
    document(
        json!([
            {"task_id": "a"}, {"task_id": "b", "group": "g"}, {"task_id": "c", "group": "g"},
            {"task_id": "d", "group": "g"}, {"task_id": "e"},
        ]),
        json!({"groups": [{"group_id": "h"}, {"group_id": "g", "parent": "h"}], "edges": edges}),
    )
}

#[test]
fn an_edge_to_a_group_leads_to_its_first_tasks_and_from_its_last() {
    let edge = |from: &str, to: &str| json!({"from": from, "to": to, "label": "then"});
    let dag = dag(&grouped(json!([edge("h", "e"), edge("a", "g"), edge("b", "c")])));
    assert_eq!(upstream(&dag, "b"), "a");
    assert_eq!(upstream(&dag, "c"), "b");
    assert_eq!(upstream(&dag, "d"), "a");
    assert_eq!(upstream(&dag, "e"), "c d");
}

#[test]
fn groups_that_are_none() {
    let group = |id: &str, parent: Option<&str>| json!({"group_id": id, "parent": parent});
    let groups = json!([group("a", None), group("x", Some("y")), group("y", Some("x")), group("z", Some("zz")),]);
    let wrong =
        document(json!([{"task_id": "a", "group": "yy"}, {"task_id": "t", "group": "x"}]), json!({"groups": groups}));
    check_problems(
        &wrong,
        &[
            ("duplicate-group", "/groups/0/group_id", "already at /tasks/0"),
            ("unknown-group", "/groups/3/parent", "no group `zz`"),
            ("unknown-group", "/tasks/0/group", "no group `yy`"),
            ("group-nesting", "/groups/1/parent", "inside itself"),
            ("empty-group", "/groups/0", "has no tasks"),
            ("empty-group", "/groups/2", "has no tasks"),
            ("empty-group", "/groups/3", "has no tasks"),
        ],
    );
    let edge = |from: &str, to: &str| json!({"from": from, "to": to});
    check_problems(
        &grouped(json!([
            edge("g", "b"),
            edge("h", "g"),
            edge("nobody", "e"),
            edge("g", "e"),
            edge("e", "a"),
            edge("a", "h")
        ])),
        &[
            ("unknown-task", "/edges/2/from", "no task `nobody`"),
            ("self-loop", "/edges/0", "a group and something inside it"),
            ("self-loop", "/edges/1", "a group and something inside it"),
            ("cycle", "/tasks/0", "`a` → `b` → `e` → `a`"),
        ],
    );
}

/// Group `g` over `list`, in it `one` and the mapped `many`; group `inner` in it over an argument of `g`.
fn nested() -> Value {
    document(
        json!([
            {"task_id": "list"},
            {"task_id": "one", "group": "g", "args": {"x": {"group_arg": {"group": "g", "arg": "x"}}}},
            {"task_id": "many", "group": "g", "expand": {"product": [{"arg": "y", "source": output("one")}]}},
            {"task_id": "deep", "group": "inner", "args": {"i": {"map_item": "index"}}},
            {"task_id": "sum", "args": {"all": output("many")}},
        ]),
        json!({"groups": [
            {"group_id": "inner", "parent": "g", "expand": {"zip": {"args": [
                {"arg": "z", "source": {"group_arg": {"group": "g", "arg": "x"}}}], "fill": null}}},
            {"group_id": "g", "expand": {"product": [{"arg": "x", "source": output("list")}]}},
        ]}),
    )
}

#[test]
fn levels_of_mapping() {
    let dag = dag(&nested());
    let [list, one, many, deep, sum] = ["list", "one", "many", "deep", "sum"].map(|task| dag.find(task).unwrap());
    let depth = |scope: ScopeIdx| dag.scope(scope).depth;
    let levels = |node| (depth(dag.node(node).within), depth(dag.node(node).scope));
    assert_eq!([list, one, many, deep, sum].map(levels), [(0, 0), (1, 1), (1, 2), (2, 2), (0, 0)]);
    assert_eq!(dag.node(one).scope, dag.node(many).within);
    assert_eq!(dag.scope(dag.node(deep).scope).of, ScopeOf::Group(0));
    assert_eq!(dag.common_scope(dag.node(deep).scope, dag.node(many).scope), dag.node(one).scope);
    assert_eq!(upstream(&dag, "one"), "list");
    assert_eq!(upstream(&dag, "deep"), "list");
    let gives = |node| (dag.node(node).gives_list, dag.node(node).gives_list_of_lists, dag.node(node).gives_items);
    assert_eq!(gives(list), (true, true, false));
    assert_eq!(gives(one), (true, false, false));
    assert_eq!(gives(many), (false, false, false));
}

#[test]
fn arguments_of_groups() {
    let mut wrong = nested();
    wrong["tasks"][1]["args"]["x"] = json!({"group_arg": {"group": "g", "arg": "w"}});
    wrong["tasks"][0]["args"] = json!({"x": {"group_arg": {"group": "g", "arg": "x"}}, "y": {"group_arg": {"group": "no", "arg": "x"}}, "z": {"map_item": "key"}});
    check_problems(
        &wrong,
        &[
            ("outside-group", "/tasks/0/args/x/group_arg/group", "is not inside group `g`"),
            ("unknown-group", "/tasks/0/args/y/group_arg/group", "no group `no`"),
            ("not-mapped", "/tasks/0/args/z/map_item", "so it has no item"),
            ("unknown-argument", "/tasks/1/args/x/group_arg/arg", "has no argument `w`"),
        ],
    );
}

#[test]
fn mappings_nest_only_so_deep() {
    let group = |i: usize| {
        let mut group =
            json!({"group_id": format!("g{i}"), "expand": {"product": [{"arg": "x", "source": {"literal": [1]}}]}});
        if i > 0 {
            group["parent"] = json!(format!("g{}", i - 1));
        }
        group
    };
    let groups: Vec<_> = (0..5).map(group).collect();
    check_problems(
        &document(json!([{"task_id": "t", "group": "g4"}]), json!({"groups": groups})),
        &[("map-too-deep", "/groups/4/expand", "nest 5 levels deep here; at most 4")],
    );
}

#[test]
fn types_through_groups() {
    let mut typed = nested();
    typed["tasks"][0]["signature"] = json!({"args": {}, "result": {"list": {"list": "string"}}});
    typed["tasks"][1]["signature"] =
        json!({"args": {"x": {"type": {"list": "string"}}}, "result": {"list": "integer"}});
    typed["tasks"][2]["signature"] = json!({"args": {"y": {"type": "number"}}, "result": "string"});
    typed["tasks"][3]["signature"] = json!({"args": {"i": {"type": "integer"}}, "result": "any"});
    typed["tasks"][4]["signature"] = json!({"args": {"all": {"type": {"list": "string"}}}, "result": "any"});
    dag(&typed);
    typed["tasks"][1]["signature"]["args"]["x"]["type"] = json!("string");
    typed["tasks"][2]["signature"]["args"]["y"]["type"] = json!("boolean");
    typed["tasks"][3]["signature"]["args"]["i"]["type"] = json!("string");
    typed["tasks"][4]["signature"]["args"]["all"]["type"] = json!("string");
    check_problems(
        &typed,
        &[
            ("type-mismatch", "/tasks/1/args/x", "takes string"),
            ("type-mismatch", "/tasks/2/expand/product/0/source/output", "items of task `one` are integer"),
            ("type-mismatch", "/tasks/3/args/i", "takes string"),
            ("type-mismatch", "/tasks/4/args/all/output", "gives sequence<string>"),
        ],
    );
}
