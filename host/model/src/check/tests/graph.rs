use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::limits;

#[test]
fn dag_shapes_cycles() {
    let edge = |from: &str, to: &str| json!({"from": from, "to": to});
    let tasks = json!([{"task_id": "a"}, {"task_id": "b"}, {"task_id": "c"}, {"task_id": "d"}, {"task_id": "e"}, {"task_id": "f"}]);
    let edges = json!([
        edge("a", "b"),
        edge("b", "c"),
        edge("c", "b"),
        edge("c", "d"),
        edge("e", "f"),
        edge("f", "e"),
        edge("f", "d"),
    ]);
    check_problems(
        &document(tasks, json!({"edges": edges})),
        &[("cycle", "/tasks/1", "`b` → `c` → `b`"), ("cycle", "/tasks/4", "`e` → `f` → `e`")],
    );
}

#[test]
fn dag_shapes_deep() {
    let n = limits::dag::TASKS_MAX;
    let tasks: Vec<_> = (0..n).map(|i| json!({"task_id": format!("t{i}")})).collect();
    let chain = |last: usize| -> Vec<_> {
        (0..last).map(|i| json!({"from": format!("t{i}"), "to": format!("t{}", (i + 1) % n)})).collect()
    };
    let deep = dag(&document(json!(tasks), json!({"edges": chain(n - 1)})));
    assert_eq!(deep.topological_order().last(), Some(&NodeIdx(n as u32 - 1)));
    check_problems(
        &document(json!(tasks), json!({"edges": chain(n)})),
        &[(
            "cycle",
            "/tasks/0",
            "`t0` → `t1` → `t2` → `t3` → `t4` → `t5` → `t6` → `t7` → `t8` → `t9` → `t10` → `t11` → … 9988 more … → `t0`",
        )],
    );
    let one_more = [tasks, vec![json!({"task_id": "more"})]].concat();
    check_problems(
        &document(json!(one_more), json!({})),
        &[("too-many-tasks", "/tasks", "10001 tasks; at most 10000")],
    );
}

/// A document of `n` tasks with these dependencies, by position.
fn graph_of(n: usize, edges: &[(usize, usize)]) -> Value {
    let tasks: Vec<_> = (0..n).map(|i| json!({"task_id": format!("t{i}")})).collect();
    let edges: Vec<_> = edges
        .iter()
        .map(|(from, to)| json!({"from": format!("t{}", from % n), "to": format!("t{}", to % n)}))
        .collect();
    document(json!(tasks), json!({"edges": edges}))
}

proptest! {
    /// Every graph is either ordered, upstream first, or has a cycle or loop that is named.
    #[test]
    fn dag_shapes(n in 1_usize..12, edges in prop::collection::vec((0_usize..12, 0_usize..12), 0..20)) {
        match check_document(&graph_of(n, &edges)) {
            Ok((dag, _)) => {
                let place = |node: NodeIdx| dag.topological_order().iter().position(|other| *other == node).unwrap();
                prop_assert_eq!(dag.topological_order().len(), n);
                for (from, to) in edges {
                    let (from, to) = (NodeIdx((from % n) as u32), NodeIdx((to % n) as u32));
                    prop_assert!(place(from) < place(to));
                    prop_assert!(dag.node(to).upstream.contains(&from));
                    prop_assert!(dag.node(from).downstream.contains(&to));
                }
            }
            Err(problems) => {
                for problem in &problems {
                    prop_assert!(["self-loop", "cycle"].contains(&problem.code.as_str()), "{}", problem);
                }
            }
        }
    }

    /// What is stored is the canonical form: reading it again gives the same bytes and the same graph.
    #[test]
    fn a_stored_dag_reads_back(edges in prop::collection::vec((0_usize..6, 6_usize..12), 0..20)) {
        let (dag, _) = check_document(&graph_of(12, &edges)).unwrap();
        let stored = String::from_utf8(crate::canonical(dag.document()).unwrap()).unwrap();
        let (again, _) = Dag::check(parse_document(&stored).unwrap()).unwrap();
        prop_assert_eq!(again.document(), dag.document());
        prop_assert_eq!(again.topological_order(), dag.topological_order());
    }
}
