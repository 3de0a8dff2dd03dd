use serde_json::{Value, json};

use super::*;

#[test]
fn near_names_are_suggested() {
    let task = json!({"task_id": "t", "args": {"fiel": output("upp")}, "signature": {"args": {"file": {"type": "any"}}, "result": "any"}});
    check_task(
        task,
        &[
            ("missing-argument", "/tasks/1/args", "needs argument `file` of type any"),
            ("unknown-argument", "/tasks/1/args/fiel", "did you mean `file`?"),
            ("unknown-task", "/tasks/1/args/fiel/output/task", "did you mean `up`?"),
        ],
    );
}

#[test]
fn arguments() {
    let signature = json!({"args": {"a": {"type": "any"}, "b": {"type": "any"}, "c": {"type": "any", "optional": true}}, "result": "any"});
    let one = json!({"literal": 1});
    check_task(
        json!({"args": {"a": one, "d": one}, "expand": {"product": [{"arg": "a", "source": {"literal": []}}]}, "signature": signature}),
        &[
            ("duplicate-argument", "/tasks/1/expand/product/0/arg", "`a` of task `t` is given twice"),
            ("missing-argument", "/tasks/1/args", "needs argument `b`"),
            ("unknown-argument", "/tasks/1/args/d", "it takes `a`, `b`, `c`"),
        ],
    );
    check_task(
        json!({"args": {"d": one}, "signature": {"args": {}, "result": "null"}}),
        &[("unknown-argument", "/tasks/1/args/d", "it takes no arguments")],
    );
    check_task(
        json!({"args": {"a": {"list": [{"object": [["k", {"conf": "a/b"}]]}]}, "b": {"conf": "/~2"}}}),
        &[
            ("invalid-pointer", "/tasks/1/args/a/list/0/object/0/1/conf", "RFC 6901"),
            ("invalid-pointer", "/tasks/1/args/b/conf", "RFC 6901"),
        ],
    );
    check_task(
        json!({"args": {"a": {"literal": [{"$waft": "sequence"}]}}}),
        &[("reserved-key", "/tasks/1/args/a/literal/0", "rename it")],
    );
    let blob = json!({"$waft": "blob", "digest": crate::Digest::of(b"").to_string(), "size": 0});
    check_task(
        json!({"args": {"a": {"literal": blob}}}),
        &[("reserved-key", "/tasks/1/args/a/literal", "give a blob as a parameter")],
    );
}

/// An object source is not a way round the rules for objects.
#[test]
fn keys_of_object_sources() {
    let forged =
        json!({"object": [["$waft", {"literal": "sequence"}], ["id", {"literal": 1}], ["id", {"literal": 2}]]});
    check_task(
        json!({"args": {"a": {"list": [forged]}}}),
        &[
            ("reserved-key", "/tasks/1/args/a/list/0/object/0/0", "rename it"),
            ("duplicate-key", "/tasks/1/args/a/list/0/object/2/0", "\"id\" stands twice"),
        ],
    );
}

#[test]
fn empty_tasks_run_nothing() {
    check_task(
        json!({"kind": "empty", "entrypoint": "f", "args": {"a": {"literal": 1}}, "expand": {"product": []}}),
        &[
            ("empty-task", "/tasks/1/entrypoint", "remove `entrypoint`"),
            ("empty-task", "/tasks/1/args", "remove `args`"),
            ("empty-task", "/tasks/1/expand", "remove `expand`"),
        ],
    );
    let tasks = json!([{"task_id": "e", "kind": "empty"}, {"task_id": "t", "args": {"a": output("e")}}]);
    check_problems(
        &document(tasks, json!({"result": ["e", "t", "t"]})),
        &[
            ("no-value", "/result/0", "leaves no value"),
            ("duplicate-result", "/result/2", "already stands"),
            ("no-value", "/tasks/1/args/a/output/task", "make it an edge"),
        ],
    );
}

fn mapped(lengths: &[usize], max: Option<u32>) -> Value {
    let args: Vec<_> = lengths
        .iter()
        .enumerate()
        .map(|(i, &length)| json!({"arg": format!("a{i}"), "source": {"literal": vec![0; length]}}))
        .collect();
    let mut task = json!({"task_id": "t", "expand": {"product": args}});
    if let Some(max) = max {
        task["max_map_length"] = json!(max);
    }
    task
}

#[test]
fn map_bomb() {
    for (lengths, max) in
        [(vec![10_000], None), (vec![100, 100], None), (vec![5, 0, 60_000], None), (vec![3, 4], Some(12))]
    {
        dag(&document(json!([mapped(&lengths, max)]), json!({})));
    }
    for (lengths, max, part) in [
        (vec![10_001], None, "10001 instances; at most 10000 are"),
        (vec![1_000; 3], None, "1000000000 instances; at most 10000 are"),
        (vec![10_000; 5], None, "more than 2^64 instances"),
        (vec![13], Some(12), "13 instances; at most 12 are"),
    ] {
        check_problems(
            &document(json!([mapped(&lengths, max)]), json!({})),
            &[("map-too-large", "/tasks/0/expand", part)],
        );
    }
    let many = |n: u32| json!([{"task_id": "more"}, mapped(&[n as usize], Some(n))]);
    dag(&document(many(199_999), json!({})));
    check_problems(
        &document(many(200_000), json!({})),
        &[("run-too-large", "/tasks", "200001 instances or more; at most 200000")],
    );
}

#[test]
fn what_cannot_be_mapped_over() {
    let source = |value: Value| json!({"expand": {"product": [{"arg": "a", "source": value}]}});
    for (value, part) in
        [(json!(null), "null"), (json!("x"), "a string"), (json!(3), "a number"), (json!(true), "a boolean")]
    {
        check_task(
            source(json!({"literal": value})),
            &[(
                "not-mappable",
                "/tasks/1/expand/product/0/source/literal",
                &format!("expands over {part}; a list or an object"),
            )],
        );
    }
}

/// Canonical JSON sorts members, so an object that is mapped over becomes a list of pairs first.
#[test]
fn the_order_of_a_mapped_object_is_kept() {
    let over = |members: &str| {
        let text = format!(
            r#"{{"schema":"waft.dag/v1","dag_id":"d","tasks":[
                {{"task_id":"t","expand":{{"product":[{{"arg":"a","source":{{"literal":{members}}}}}]}}}}]}}"#
        );
        let (dag, _) = Dag::check(parse_document(&text).unwrap()).unwrap();
        String::from_utf8(crate::canonical(dag.document()).unwrap()).unwrap()
    };
    assert_ne!(over(r#"{"b":1,"a":2}"#), over(r#"{"a":2,"b":1}"#));
    assert!(over(r#"{"b":1,"a":2}"#).contains(r#"{"object":[["b",{"literal":1}],["a",{"literal":2}]]}"#));
}

#[test]
fn params() {
    let with = |param: Value| document(json!([{"task_id": "t"}]), json!({"params": {"p": param}}));
    for legal in [
        json!({}),
        json!({"schema": false}),
        json!({"schema": {"type": ["integer", "null"]}, "default": null}),
        json!({"schema": {"type": "integer"}, "default": 3.0}),
        json!({"schema": {"$ref": "#/$defs/a", "$defs": {"a": {}}}, "default": "x"}),
    ] {
        dag(&with(legal));
    }
    let remote = json!({"schema": {"items": [{"$ref": "https://example.com/a"}]}});
    for (illegal, code, path) in [
        (json!({"schema": 3}), "invalid-schema", "/params/p/schema"),
        (remote, "outside-reference", "/params/p/schema"),
        (json!({"schema": {"type": "integer"}, "default": "x"}), "invalid-default", "/params/p/default"),
        (json!({"default": [{"$waft": 1}]}), "reserved-key", "/params/p/default/0"),
        (json!({"default": "x".repeat(70_000)}), "params-too-large", "/params"),
    ] {
        check_problems(&with(illegal), &[(code, path, "")]);
    }
}
