use serde_json::{Value, json};

use super::*;

#[test]
fn types_along_edges() {
    let graph = |result: Value, arg: Value, mapped: bool, expands: bool, key: Option<&str>| {
        let mut up =
            json!({"task_id": "up", "signature": {"args": {"x": {"type": "any", "optional": true}}, "result": result}});
        if mapped {
            up["expand"] = json!({"product": [{"arg": "x", "source": {"conf": ""}}]});
        }
        let mut source = output("up");
        if let Some(key) = key {
            source["output"]["key"] = json!(key);
        }
        let mut down = json!({"task_id": "down", "signature": {"args": {"a": {"type": arg}}, "result": "any"}});
        if expands {
            down["expand"] = json!({"product": [{"arg": "a", "source": source}]});
        } else {
            down["args"] = json!({"a": source});
        }
        document(json!([up, down]), json!({}))
    };
    let list = |ty: &str| json!({"list": ty});
    for legal in [
        graph(json!("integer"), json!("number"), false, false, None),
        graph(list("string"), json!("string"), false, true, None),
        graph(json!("string"), list("string"), true, false, None),
        graph(json!("string"), json!({"sequence": "string"}), true, false, None),
        graph(json!("string"), json!("string"), true, true, None),
        graph(json!({"map": "integer"}), list("any"), false, true, None),
        graph(json!("string"), json!("integer"), false, false, Some("other")),
        graph(json!("any"), json!("integer"), false, true, None),
        graph(json!("string"), json!("string"), false, false, Some("return_value")),
    ] {
        dag(&legal);
    }
    let whole = "/tasks/1/args/a/output";
    let items = "/tasks/1/expand/product/0/source/output";
    for (illegal, code, path, part) in [
        (
            graph(json!("string"), json!("integer"), false, false, None),
            "type-mismatch",
            whole,
            "task `up` gives string, but argument `a` takes integer",
        ),
        (
            graph(list("string"), json!("string"), false, false, None),
            "type-mismatch",
            whole,
            "gives list<string>, but argument `a` takes string; `expand` over it",
        ),
        (
            graph(json!("string"), list("integer"), true, false, None),
            "type-mismatch",
            whole,
            "gives sequence<string>, but argument `a` takes list<integer>",
        ),
        (
            graph(list("string"), json!("integer"), false, true, None),
            "type-mismatch",
            items,
            "items of task `up` are string, but argument `a` takes integer",
        ),
        (
            graph(json!("string"), json!("string"), false, true, None),
            "not-mappable",
            items,
            "gives string; `expand` needs a list",
        ),
        (
            graph(json!("string"), json!("string"), true, false, Some("other")),
            "type-mismatch",
            whole,
            "gives sequence<any>",
        ),
    ] {
        check_problems(&illegal, &[(code, path, part)]);
    }
}

#[test]
fn types_of_literals() {
    let task = |ty: Value, source: Value| json!({"args": {"a": source}, "signature": {"args": {"a": {"type": ty}}, "result": "any"}});
    let mapped = |ty: Value, source: Value| json!({"expand": {"product": [{"arg": "a", "source": source}]}, "signature": {"args": {"a": {"type": ty}}, "result": "any"}});
    let literal = |value: Value| json!({"literal": value});
    for (task, path, part) in [
        (task(json!("integer"), literal(json!("x"))), "/tasks/1/args/a", "`a` takes integer"),
        (
            task(json!({"list": "integer"}), json!({"list": [literal(json!(1)), literal(json!("x"))]})),
            "/tasks/1/args/a/list/1",
            "takes integer",
        ),
        (
            task(json!({"map": "integer"}), json!({"object": [["k", literal(json!(null))]]})),
            "/tasks/1/args/a/object/0/1",
            "takes integer",
        ),
        (task(json!("integer"), json!({"list": []})), "/tasks/1/args/a", "takes integer"),
        (
            mapped(json!("integer"), literal(json!([1, "x"]))),
            "/tasks/1/expand/product/0/source/literal/1",
            "takes integer",
        ),
        (
            mapped(json!("integer"), literal(json!({"k": 1}))),
            "/tasks/1/expand/product/0/source/object/0",
            "[key, value] pair",
        ),
        (
            mapped(json!("integer"), json!({"list": [{"conf": ""}, literal(json!("x"))]})),
            "/tasks/1/expand/product/0/source/list/1",
            "takes integer",
        ),
    ] {
        check_task(task, &[("type-mismatch", path, part)]);
    }
}

/// Many large values into one large type: told, not computed.
#[test]
fn comparing_types_ends() {
    let many = |ty: &str, last: &str| {
        let types = [vec![ty; 3_000], vec![last]].concat();
        json!({"union": types})
    };
    let up = json!({"task_id": "up", "signature": {"args": {}, "result": many("string", "integer")}});
    let down = json!({"task_id": "down", "args": {"a": output("up")},
        "signature": {"args": {"a": {"type": many("null", "string")}}, "result": "any"}});
    check_problems(&document(json!([up, down]), json!({})), &[("types-too-large", "/tasks", "too large to compare")]);
}

#[test]
fn an_approval_gives_the_fields_of_its_form() {
    let takes = |ty: Value| {
        let signature = json!({"args": {"answer": {"type": ty}}, "result": "null"});
        let tasks = json!([
            {"task_id": "ask", "kind": "approval", "form": {"publish": {"schema": {"type": "boolean"}}, "note": {"default": null}}},
            {"task_id": "t", "entrypoint": "f", "args": {"answer": output("ask")}, "signature": signature},
        ]);
        document(tasks, json!({}))
    };
    let form =
        json!({"publish": {"type": "boolean"}, "note": {"type": {"union": ["string", "null"]}, "optional": true}});
    dag(&takes(json!({"object": form})));
    dag(&takes(json!({"map": "any"})));
    let mismatch = [("type-mismatch", "/tasks/1/args/answer/output", "task `ask` gives {publish: any, note: any}")];
    check_problems(&takes(json!({"object": {"why": {"type": "string"}}})), &mismatch);
    check_problems(&takes(json!("integer")), &mismatch);
}
