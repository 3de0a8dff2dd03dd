//! What each trigger rule makes of how its upstream tasks ended.

use std::collections::BTreeMap;

use futures::future::join_all;
use serde_json::{Value, json};

use crate::harness::{Server, act, check_states, dag, edges, with};

const RULES: [&str; 12] = [
    "all_success",
    "all_failed",
    "all_done",
    "all_done_min_one_success",
    "one_success",
    "one_failed",
    "one_done",
    "none_failed",
    "none_failed_min_one_success",
    "none_skipped",
    "all_skipped",
    "always",
];

/// How an upstream task ends.
const ENDS: [char; 4] = ['s', 'k', 'f', 'x'];

/// The table of the rules, read when all upstream tasks have ended: so many in success, skipped, failed, upstream_failed.
fn expected(rule: &str, [s, k, f, x]: [usize; 4]) -> &'static str {
    let (all, bad) = (s + k + f + x, f + x);
    let runs = |does: bool, otherwise: &'static str| if does { "success" } else { otherwise };
    match rule {
        "all_success" if bad > 0 => "upstream_failed",
        "all_success" => runs(s == all, "skipped"),
        "all_failed" => runs(bad == all, "skipped"),
        "all_done" | "always" => "success",
        "all_done_min_one_success" if k > 0 => "skipped",
        "all_done_min_one_success" => runs(s > 0, "upstream_failed"),
        "one_success" if k == all => "skipped",
        "one_success" => runs(s > 0, "upstream_failed"),
        "one_failed" => runs(bad > 0, "skipped"),
        "one_done" => runs(s + f > 0, "skipped"),
        "none_failed" => runs(bad == 0, "upstream_failed"),
        "none_failed_min_one_success" if bad > 0 => "upstream_failed",
        "none_failed_min_one_success" => runs(s > 0, "skipped"),
        "none_skipped" => runs(k == 0, "skipped"),
        "all_skipped" => runs(k == all, "skipped"),
        _ => unreachable!("{rule} is a rule"),
    }
}

/// A DAG whose upstream tasks end like this, with a task for each rule downstream of all of them.
fn document(ends: &[char]) -> Value {
    let (mut tasks, mut chains) = (Vec::new(), Vec::new());
    for (i, end) in ends.iter().enumerate() {
        if *end == 'x' {
            tasks.push(act(&format!("before{i}"), json!({ "fail": "told so", "retry": false })));
            chains.push(format!("before{i} > u{i}"));
        }
        let told = match end {
            'k' => json!({ "skip": "told so" }),
            'f' => json!({ "fail": "told so", "retry": false }),
            _ => json!({}),
        };
        tasks.push(act(&format!("u{i}"), told));
        chains.extend(RULES.map(|rule| format!("u{i} > {rule}")));
    }
    tasks.extend(RULES.map(|rule| with(act(rule, json!({})), json!({ "trigger_rule": rule }))));
    let chains: Vec<&str> = chains.iter().map(String::as_str).collect();
    let dag_id = format!("ends_{}", ends.iter().collect::<String>());
    with(dag(&dag_id, json!(tasks)), json!({ "edges": edges(&chains) }))
}

/// All ways in which one to three tasks can end, whatever their order.
fn cases() -> Vec<Vec<char>> {
    let mut cases = Vec::new();
    for (i, a) in ENDS.into_iter().enumerate() {
        cases.push(vec![a]);
        for (j, b) in ENDS.into_iter().enumerate().skip(i) {
            cases.push(vec![a, b]);
            cases.extend(ENDS.into_iter().skip(j).map(|c| vec![a, b, c]));
        }
    }
    cases
}

#[tokio::test]
async fn each_rule_decides_as_the_table_says() {
    let cases = cases();
    let documents: Vec<Value> = cases.iter().map(|ends| document(ends)).collect();
    let server = Server::with_dags(&documents).await;
    let check = async |ends: &Vec<char>| {
        let dag_id = format!("ends_{}", ends.iter().collect::<String>());
        let (run, _) = server.run_to_end(&dag_id, json!({})).await;
        let states = server.states(&dag_id, &run).await;
        let count = ENDS.map(|end| ends.iter().filter(|found| **found == end).count());
        let found: BTreeMap<&str, &str> = RULES.iter().map(|rule| (*rule, states[*rule].as_str())).collect();
        let wanted: BTreeMap<&str, &str> = RULES.iter().map(|rule| (*rule, expected(rule, count))).collect();
        assert_eq!(found, wanted, "upstream {ends:?}");
    };
    join_all(cases.iter().map(check)).await;
}

#[tokio::test]
async fn verdicts_are_given_as_soon_as_nothing_can_change_them() {
    let tasks = json!([
        act("failed", json!({ "fail": "told so", "retry": false })),
        act("well", json!({})),
        act("slow", json!({ "hold": "go" })),
        act("all_success", json!({})),
        with(act("one_success", json!({})), json!({ "trigger_rule": "one_success" })),
        with(act("one_failed", json!({})), json!({ "trigger_rule": "one_failed" })),
        with(act("all_done", json!({})), json!({ "trigger_rule": "all_done" })),
        with(act("always", json!({})), json!({ "trigger_rule": "always" })),
    ]);
    let rules = ["all_success", "one_success", "one_failed", "all_done", "always"];
    let chains: Vec<String> =
        ["failed", "well", "slow"].iter().flat_map(|from| rules.map(|to| format!("{from} > {to}"))).collect();
    let chains: Vec<&str> = chains.iter().map(String::as_str).collect();
    let server = Server::with_dags(&[with(dag("early", tasks), json!({ "edges": edges(&chains) }))]).await;
    let run = server.trigger_id("early", json!({})).await;
    for (task, state) in [
        ("all_success", "upstream_failed"),
        ("one_success", "success"),
        ("one_failed", "success"),
        ("always", "success"),
        ("slow", "running"),
    ] {
        server.until_state("early", &run, task, state).await;
    }
    assert_eq!(server.states("early", &run).await["all_done"], "none");
    server.release("go").await;
    server.finished("early", &run).await;
    assert_eq!(server.states("early", &run).await["all_done"], "success");
}

/// Tasks in words: what decides, and what stands around it.
#[tokio::test]
async fn branches_and_short_circuits_skip_what_they_do_not_choose() {
    let decider = |kind: &str, answer: Value| with(act("decide", json!({ "give": answer })), json!({ "kind": kind }));
    let plain = |names: &[&str]| names.iter().map(|name| act(name, json!({}))).collect::<Vec<_>>();
    let document = |dag_id: &str, decide: Value, rest: Vec<Value>, chains: &[&str]| {
        let tasks: Vec<Value> = [decide].into_iter().chain(rest).collect();
        with(dag(dag_id, json!(tasks)), json!({ "edges": edges(chains) }))
    };
    let fork: &[&str] = &["decide > a > join", "decide > b > join", "b > after_b"];
    let joined = || {
        let rule = json!({ "trigger_rule": "none_failed_min_one_success" });
        let mut rest = plain(&["a", "b", "after_b"]);
        rest.push(with(act("join", json!({})), rule));
        rest
    };
    let line: &[&str] = &["decide > a > b > c", "b > clean"];
    let lined = || {
        let mut rest = plain(&["a", "b"]);
        rest.push(with(act("c", json!({})), json!({ "trigger_rule": "all_done" })));
        rest.push(with(act("clean", json!({})), json!({ "kind": "teardown", "setups": [] })));
        rest
    };
    let direct = with(decider("short_circuit", json!(false)), json!({ "ignore_downstream_trigger_rules": false }));
    let server = Server::with_dags(&[
        document("branch_one", decider("branch", json!("a")), joined(), fork),
        document("branch_both", decider("branch", json!(["a", "b"])), joined(), fork),
        document("branch_none", decider("branch", Value::Null), joined(), fork),
        // What is not chosen runs all the same when it stands behind what is chosen.
        document("branch_behind", decider("branch", json!("a")), plain(&["a", "b"]), &["decide > a > b", "decide > b"]),
        document("branch_unknown", decider("branch", json!("nowhere")), joined(), fork),
        document("short", decider("short_circuit", json!(false)), lined(), line),
        document("short_direct", direct, lined(), line),
        document("long", decider("short_circuit", json!(true)), lined(), line),
    ])
    .await;
    let check = async |dag_id: &str, state: &str, expected: &str| {
        let (run, ended) = server.run_to_end(dag_id, json!({})).await;
        check_states(&server.states(dag_id, &run).await, expected);
        assert_eq!(ended, state, "{dag_id}");
    };
    check("branch_one", "success", "decide success, a success, b skipped, after_b skipped, join success").await;
    check("branch_both", "success", "decide success, a success, b success, after_b success, join success").await;
    check("branch_none", "success", "decide success, a skipped, b skipped, after_b skipped, join skipped").await;
    check("branch_behind", "success", "decide success, a success, b success").await;
    let lost = "decide failed, a upstream_failed, b upstream_failed, after_b upstream_failed, join upstream_failed";
    check("branch_unknown", "failed", lost).await;
    check("short", "success", "decide success, a skipped, b skipped, c skipped, clean success").await;
    check("short_direct", "success", "decide success, a skipped, b skipped, c success, clean success").await;
    check("long", "success", "decide success, a success, b success, c success, clean success").await;
}

#[tokio::test]
async fn a_run_fails_by_its_leaves() {
    let failing = || act("work", json!({ "fail": "told so", "retry": false }));
    let mend = with(act("mend", json!({})), json!({ "trigger_rule": "all_done" }));
    let server = Server::with_dags(&[
        with(dag("mended", json!([failing(), mend])), json!({ "edges": edges(&["work > mend"]) })),
        with(dag("broken", json!([failing(), act("after", json!({}))])), json!({ "edges": edges(&["work > after"]) })),
        dag("skipped", json!([act("work", json!({ "skip": "told so" }))])),
    ])
    .await;
    for (dag_id, state) in [("mended", "success"), ("broken", "failed"), ("skipped", "success")] {
        assert_eq!(server.run_to_end(dag_id, json!({})).await.1, state, "{dag_id}");
    }
}
