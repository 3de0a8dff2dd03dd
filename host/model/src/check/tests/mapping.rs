use serde_json::json;

use super::*;

#[test]
fn sources_with_transforms_are_walked_and_measured() {
    let literal = |length: usize| json!({"literal": vec![0; length]});
    let map = |source| json!({"map": {"source": source, "entrypoint": "f"}});
    let over = |source| json!({"expand": {"product": [{"arg": "a", "source": source}]}, "max_map_length": 3});
    let at = "/tasks/1/expand";
    check_task(over(json!({"concat": [literal(2), map(literal(2))]})), &[("map-too-large", at, "4 instances")]);
    check_task(
        over(json!({"zip": {"sources": [literal(2), literal(5)], "fill": null}})),
        &[("map-too-large", at, "5 instances")],
    );
    dag(&document(
        json!([{"task_id": "t", "max_map_length": 3, "expand": {"zip": {"args": [
            {"arg": "a", "source": literal(9)}, {"arg": "b", "source": {"filter": {"source": literal(2), "entrypoint": "f"}}}]}}}]),
        json!({}),
    ));
    check_task(
        over(
            json!({"concat": [{"literal": 1}, {"zip": {"sources": []}}, map(output("nobody")), map(json!({"map_item": "value"}))]}),
        ),
        &[
            ("empty-zip", "/tasks/1/expand/product/0/source/concat/1/zip/sources", "at least one"),
            ("not-mappable", "/tasks/1/expand/product/0/source/concat/0/literal", "a number"),
            ("not-mappable", "/tasks/1/expand/product/0/source/concat/3/map/source/map_item", "group_arg"),
            ("unknown-task", "/tasks/1/expand/product/0/source/concat/2/map/source/output/task", "no task `nobody`"),
        ],
    );
}

#[test]
fn objects_of_arguments() {
    let signature =
        json!({"args": {"a": {"type": "integer"}, "b": {"type": "string", "optional": true}}, "result": "any"});
    let task = |items: Value, overriding: bool| {
        json!({"args": {"b": {"literal": "x"}}, "signature": signature,
            "expand": {"each": {"source": {"literal": items}, "overriding": overriding}}})
    };
    let legal = task(json!([{"a": 1}, {"a": 2, "b": "y"}]), true);
    let mut with_id = legal.clone();
    with_id["task_id"] = json!("t");
    dag(&document(json!([with_id]), json!({})));
    let at = "/tasks/1/expand/each/source/literal";
    check_task(
        task(json!([{"a": "1"}, {"b": "y"}, 3, {"a": 1, "c": 1}]), false),
        &[
            ("no-arguments", &format!("{at}/2"), "object of arguments"),
            ("duplicate-argument", &format!("{at}/1/b"), "set `overriding`"),
            ("missing-argument", &format!("{at}/1"), "needs argument `a`"),
            ("unknown-argument", &format!("{at}/3/c"), "it takes `a`, `b`"),
            ("type-mismatch", &format!("{at}/0/a"), "takes integer"),
        ],
    );
}

#[test]
fn types_through_transforms() {
    let graph = |source: Value, ty: Value| {
        let up = json!({"task_id": "up", "signature": {"args": {}, "result": {"list": "string"}}});
        let down = json!({"task_id": "down", "expand": {"product": [{"arg": "a", "source": source}]},
            "signature": {"args": {"a": {"type": ty}}, "result": "any"}});
        document(json!([up, down]), json!({}))
    };
    let up = || output("up");
    let zip = || json!({"zip": {"sources": [up(), {"literal": [1]}]}});
    dag(&graph(json!({"map": {"source": up(), "entrypoint": "f"}}), json!("integer")));
    dag(&graph(json!({"filter": {"source": up(), "entrypoint": "f"}}), json!("string")));
    dag(&graph(zip(), json!({"list": {"union": ["string", "integer"]}})));
    let at = "/tasks/1/expand/product/0/source";
    check_problems(
        &graph(json!({"filter": {"source": up(), "entrypoint": "f"}}), json!("integer")),
        &[("type-mismatch", &format!("{at}/filter/source/output"), "items of task `up` are string")],
    );
    check_problems(
        &graph(json!({"concat": [up(), {"literal": [1]}]}), json!("string")),
        &[("type-mismatch", &format!("{at}/concat/1/literal/0"), "takes string")],
    );
    check_problems(&graph(zip(), json!("string")), &[("type-mismatch", at, "each item of a zip is a list")]);
}

/// A literal object that is mapped over keeps the order of its members, wherever it stands.
#[test]
fn the_order_of_objects_is_kept_inside_transforms() {
    let over = |members: &str| {
        let text = format!(
            r#"{{"schema":"waft.dag/v1","dag_id":"d","tasks":[{{"task_id":"t","args":{{
                "a":{{"map":{{"entrypoint":"f","source":{{"literal":{members}}}}}}}}}}}]}}"#
        );
        crate::canonical(Dag::check(parse_document(&text).unwrap()).unwrap().0.document()).unwrap()
    };
    assert_ne!(over(r#"{"b":1,"a":2}"#), over(r#"{"a":2,"b":1}"#));
}
