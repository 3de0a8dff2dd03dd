//! What instances of mapped tasks and groups run with, and which of them run.

use serde_json::{Value, json};

use crate::harness::{Server, act, check_states, dag, edges, output, over, with};

/// A task that is mapped and answers with its arguments.
fn mapped(task_id: &str, expand: Value) -> Value {
    with(act(task_id, json!({})), json!({ "expand": expand }))
}

fn literal(value: Value) -> Value {
    json!({ "literal": value })
}

fn product(args: &[(&str, Value)]) -> Value {
    let args: Vec<Value> = args.iter().map(|(arg, source)| json!({ "arg": arg, "source": source })).collect();
    json!({ "product": args })
}

fn zip(args: &[(&str, Value)], fill: Option<Value>) -> Value {
    let args: Vec<Value> = args.iter().map(|(arg, source)| json!({ "arg": arg, "source": source })).collect();
    match fill {
        Some(fill) => json!({ "zip": { "args": args, "fill": fill } }),
        None => json!({ "zip": { "args": args } }),
    }
}

/// Each kind of mapping, over what it is mapped, and the arguments that its instances have.
fn table() -> Vec<(&'static str, Value, Value)> {
    let pairs = |source: &str| json!({ "zip": { "sources": [literal(json!([1, 2])), output(source)] } });
    let through =
        |kind: &str, body: &str, items: Value| json!({ kind: { "source": literal(items), "entrypoint": body } });
    vec![
        ("list", over("x", literal(json!([1, 2]))), json!([{"x": 1}, {"x": 2}])),
        ("object", over("x", literal(json!({"b": 1, "a": 2}))), json!([{"x": ["b", 1]}, {"x": ["a", 2]}])),
        (
            "grid",
            product(&[("x", literal(json!([1, 2]))), ("y", output("letters"))]),
            json!([{"x": 1, "y": "a"}, {"x": 1, "y": "b"}, {"x": 1, "y": "c"}, {"x": 2, "y": "a"}, {"x": 2, "y": "b"}, {"x": 2, "y": "c"}]),
        ),
        (
            "shortest",
            zip(&[("x", literal(json!([1, 2]))), ("y", output("letters"))], None),
            json!([{"x": 1, "y": "a"}, {"x": 2, "y": "b"}]),
        ),
        (
            "longest",
            zip(&[("x", literal(json!([1, 2]))), ("y", output("letters"))], Some(json!(0))),
            json!([{"x": 1, "y": "a"}, {"x": 2, "y": "b"}, {"x": 0, "y": "c"}]),
        ),
        (
            "each",
            json!({ "each": { "source": literal(json!([{"x": 1}, {"x": 2, "y": 3}])) } }),
            json!([{"x": 1}, {"x": 2, "y": 3}]),
        ),
        ("conf", over("x", json!({ "conf": "/files" })), json!([{"x": "f"}, {"x": "g"}])),
        ("variable", over("x", json!({ "variable": "regions" })), json!([{"x": "eu"}, {"x": "us"}])),
        (
            "concat",
            over("x", json!({ "concat": [literal(json!([1])), output("letters")] })),
            json!([{"x": 1}, {"x": "a"}, {"x": "b"}, {"x": "c"}]),
        ),
        ("zipped", over("x", pairs("letters")), json!([{"x": [1, "a"]}, {"x": [2, "b"]}])),
        ("times", over("x", through("map", "times_ten", json!([1, 2]))), json!([{"x": 10}, {"x": 20}])),
        ("even", over("x", through("filter", "is_even", json!([1, 2, 3, 4]))), json!([{"x": 2}, {"x": 4}])),
    ]
}

#[tokio::test]
async fn instances_have_their_items() {
    let letters = act("letters", json!({ "give": ["a", "b", "c"] }));
    let gather = |task_id: &str| {
        let reducer = act(&format!("all_{task_id}"), json!({}));
        // What a filter leaves out is skipped.
        with(reducer, json!({ "args": { "all": output(task_id) }, "trigger_rule": "none_failed" }))
    };
    let mut tasks = vec![letters];
    for (task_id, expand, _) in table() {
        tasks.push(mapped(task_id, expand));
        tasks.push(gather(task_id));
    }
    let server = Server::with_dags(&[dag("maps", json!(tasks))]).await;
    server.post("/variables", json!({ "key": "regions", "value": "[\"eu\", \"us\"]" })).await.expect(201);
    let (run, state) = server.run_to_end("maps", json!({ "files": ["f", "g"] })).await;
    assert_eq!(state, "success", "{:#?}", server.states("maps", &run).await);
    for (task_id, _, items) in table() {
        assert_eq!(server.value("maps", &run, &format!("all_{task_id}")).await, json!({ "all": items }), "{task_id}");
    }
}

#[tokio::test]
async fn positions_never_shift() {
    // Item 1 fails, 2 is skipped, 3 has no value: who is mapped over them runs with the others alone, at their own places.
    let cases =
        json!({ "at": {"1": {"fail": "told so", "retry": false}, "2": {"skip": "told so"}, "3": {"none": true}} });
    let first = with(act("first", cases), json!({ "expand": over("x", literal(json!([0, 10, 20, 30, 40]))) }));
    let any = json!({ "expand": over("y", output("first")), "trigger_rule": "all_done" });
    let tasks = json!([
        first,
        with(act("second", json!({})), any),
        with(act("strict", json!({})), json!({ "expand": over("y", output("first")) })),
        with(act("all", json!({})), json!({ "args": { "all": output("second") }, "trigger_rule": "all_done" })),
    ]);
    let server = Server::with_dags(&[dag("holes", tasks)]).await;
    let (run, state) = server.run_to_end("holes", json!({})).await;
    assert_eq!(state, "failed");
    let states = server.states("holes", &run).await;
    let of = |task: &str| (0..5).map(|i| states[&format!("{task}[{i}]")].as_str()).collect::<Vec<_>>();
    assert_eq!(of("first"), ["success", "failed", "skipped", "success", "success"]);
    assert_eq!(of("second"), ["success", "skipped", "skipped", "skipped", "success"]);
    assert_eq!(of("strict"), ["upstream_failed"; 5]);
    let holes = server.get(&format!("/dags/holes/dagRuns/{run}/taskInstances/second/2")).await.expect(200);
    assert!(holes["reason"].as_str().is_some_and(|reason| reason.contains("no-item")), "{holes:#}");
    assert_eq!(server.value("holes", &run, "all").await, json!({ "all": [{"y": {"x": 0}}, {"y": {"x": 40}}] }));
}

#[tokio::test]
async fn a_mapped_group_goes_depth_first_and_is_gathered_outside() {
    let group = json!([{
        "group_id": "g", "args": {}, "expand": over("x", output("list")),
    }]);
    let inside = |task_id: &str, args: Value| with(act(task_id, json!({})), json!({ "group": "g", "args": args }));
    let item = json!({ "group_arg": { "group": "g", "arg": "x" } });
    let slow_at_0 = json!({ "at": { "0": { "hold": "go" } } });
    let tasks = json!([
        act("list", json!({ "give": [1, 2, 3] })),
        with(act("a", slow_at_0), json!({ "group": "g", "args": { "x": item } })),
        inside("b", json!({ "of_a": output("a") })),
        with(act("all", json!({})), json!({ "args": { "all": output("b") } })),
    ]);
    let server = Server::with_dags(&[with(dag("groups", tasks), json!({ "groups": group }))]).await;
    let run = server.trigger_id("groups", json!({})).await;
    // The others of the group do not wait for the first item.
    for name in ["b[1]", "b[2]"] {
        server.until_state("groups", &run, name, "success").await;
    }
    assert_eq!(server.states("groups", &run).await["b[0]"], "none");
    server.release("go").await;
    assert_eq!(server.finished("groups", &run).await["state"], "success");
    let all = server.value("groups", &run, "all").await;
    assert_eq!(all, json!({ "all": [{"of_a": {"x": 1}}, {"of_a": {"x": 2}}, {"of_a": {"x": 3}}] }));
}

#[tokio::test]
async fn a_mapped_task_in_a_mapped_group_has_an_index_of_its_own() {
    let item = json!({ "group_arg": { "group": "g", "arg": "x" } });
    let tasks = json!([
        with(
            act("lists", json!({ "when": {"2": {"give": [1]}, "3": {"give": [1, 2]}} })),
            json!({ "group": "g", "args": { "x": item } })
        ),
        with(act("each", json!({ "show": "context" })), json!({ "group": "g", "expand": over("y", output("lists")) })),
        with(act("all", json!({})), json!({ "args": { "all": output("each") } })),
    ]);
    let groups = json!([{ "group_id": "g", "expand": over("x", literal(json!([2, 3]))) }]);
    let server = Server::with_dags(&[with(dag("nested", tasks), json!({ "groups": groups }))]).await;
    let (run, state) = server.run_to_end("nested", json!({})).await;
    assert_eq!(state, "success", "{:#?}", server.states("nested", &run).await);
    let all = server.value("nested", &run, "all").await;
    let paths: Vec<_> = all["all"].as_array().expect("values").iter().map(|it| it["map_path"].clone()).collect();
    assert_eq!(paths, [json!([0, 0]), json!([1, 0]), json!([1, 1])]);
}

#[tokio::test]
async fn nothing_to_map_over_is_skipped_and_the_rules_go_on() {
    let tasks = json!([
        act("none", json!({ "give": [] })),
        mapped("each", over("x", output("none"))),
        with(act("all", json!({})), json!({ "args": { "all": output("each") }, "trigger_rule": "none_failed" })),
        act("bad", json!({ "fail": "told so", "retry": false })),
        with(mapped("never", over("x", output("bad"))), json!({ "trigger_rule": "all_done" })),
        act("skipping", json!({ "skip": "told so" })),
        with(mapped("skipped", over("x", output("skipping"))), json!({ "trigger_rule": "all_done" })),
        act("text", json!({ "give": "no list" })),
        mapped("of_text", over("x", output("text"))),
    ]);
    let server = Server::with_dags(&[dag("empty", tasks)]).await;
    let (run, _) = server.run_to_end("empty", json!({})).await;
    let expected = "none success, each skipped, all success, bad failed, never upstream_failed, skipping skipped, \
                    skipped skipped, text failed, of_text upstream_failed";
    check_states(&server.states("empty", &run).await, expected);
    assert_eq!(server.value("empty", &run, "all").await, json!({ "all": [] }));
}

#[tokio::test]
async fn too_many_instances_are_refused_before_there_is_a_row() {
    let grid = product(&[("x", output("many")), ("y", output("many"))]);
    let tasks = json!([
        act("many", json!({ "give": vec![0; 200] })),
        with(mapped("each", grid), json!({ "max_map_length": 30_000 })),
        mapped("few", over("x", output("many"))),
    ]);
    let server = Server::with_dags(&[dag("large", tasks)]).await;
    let (run, state) = server.run_to_end("large", json!({})).await;
    assert_eq!(state, "failed");
    let found = server.get(&format!("/dags/large/dagRuns/{run}/taskInstances?task_id=each")).await.expect(200);
    assert_eq!(found["total_entries"], 1, "{found:#}");
    let reason = found["task_instances"][0]["reason"].as_str().expect("a reason");
    assert!(["map-too-large", "40000", "30000"].iter().all(|part| reason.contains(part)), "{reason}");
    assert_eq!(server.mapped("large", &run, "few").await.len(), 200);
}

#[tokio::test]
async fn instances_are_summed_up_by_state() {
    let cases = json!({ "at": { "1": { "fail": "told so", "retry": false } } });
    let each = with(act("each", cases), json!({ "expand": over("x", literal(json!([1, 2, 3]))) }));
    let tasks = json!([each, act("after", json!({}))]);
    let server = Server::with_dags(&[with(dag("sums", tasks), json!({ "edges": edges(&["each > after"]) }))]).await;
    let (run, _) = server.run_to_end("sums", json!({})).await;
    let found = server.get(&format!("/dags/sums/dagRuns/{run}/taskSummaries")).await.expect(200);
    let each = &found["tasks"][0];
    assert_eq!((&each["state"], &each["map_length"], &each["is_mapped"]), (&json!("failed"), &json!(3), &json!(true)));
    assert_eq!(each["counts"], json!({ "success": 2, "failed": 1 }), "{found:#}");
    assert_eq!(found["tasks"][1]["state"], "upstream_failed");
}
