use serde_json::{Value, json};

use super::*;

fn component() -> Digest {
    Digest::of(b"component")
}

fn document(dag_id: &str) -> Value {
    json!({"schema": "waft.dag/v1", "dag_id": dag_id, "tasks": [{"task_id": "t", "retries": 3}]})
}

fn texts(documents: &[Value]) -> Vec<String> {
    documents.iter().map(Value::to_string).collect()
}

#[track_caller]
fn check_problems(documents: Vec<String>, expect: &[(&str, &str)]) {
    let problems = dags(component(), documents).expect_err("the documents should be refused");
    let told: Vec<_> = problems.iter().map(|problem| (problem.code.as_str(), problem.path.as_str())).collect();
    assert_eq!(told, expect, "{problems:#?}");
}

/// The digest of the only version of `document`.
fn version(component: Digest, document: &Value) -> Digest {
    dags(component, texts(std::slice::from_ref(document))).unwrap()[0].digest
}

#[test]
fn checked_dags_keep_their_order() {
    let checked = dags(component(), texts(&[document("b"), document("a")])).unwrap();
    assert_eq!(checked.iter().map(|dag| dag.dag.document().dag_id.as_str()).collect::<Vec<_>>(), ["b", "a"]);
    assert_eq!(checked[1].canonical, r#"{"dag_id":"a","schema":"waft.dag/v1","tasks":[{"retries":3,"task_id":"t"}]}"#);
    assert_ne!(checked[0].digest, checked[1].digest);
}

#[test]
fn what_makes_another_version() {
    let of = |document: &Value| version(component(), document);
    let document = document("a");
    let changed = |key: &str, value: Value| {
        let mut changed = document.clone();
        changed[key] = value;
        changed
    };
    let spelled_otherwise =
        r#"{ "tasks": [{"task_id":"\u0074","retries":3.0e0}], "dag_id":"a", "schema":"waft.dag/v1" }"#;
    let read: Value = serde_json::from_str(&spelled_otherwise.replace("3.0e0", "3")).unwrap();
    assert_eq!(of(&document), of(&read));
    assert_eq!(of(&document), of(&changed("tags", json!([]))));
    assert_ne!(of(&document), of(&changed("label", json!("2"))));
    assert_ne!(of(&document), of(&changed("description", json!("other"))));
    assert_ne!(of(&document), version(Digest::of(b"another"), &document));
}

#[test]
fn a_stored_dag_is_the_same_version_when_it_is_read_again() {
    let mut document = document("a");
    document["tasks"][0]["expand"] =
        json!({"product": [{"arg": "x", "source": {"literal": {"b": 1.0, "a": [0.1, 1e300]}}}]});
    let first = dags(component(), texts(&[document])).unwrap();
    let again = dags(component(), vec![first[0].canonical.clone()]).unwrap();
    assert_eq!(again[0].canonical, first[0].canonical);
    assert_eq!(again[0].digest, first[0].digest);
}

#[test]
fn problems_say_which_dag() {
    let mut unknown = document("b");
    unknown["result"] = json!(["nobody"]);
    let mut large_number = document("c");
    large_number["tasks"][0]["args"] = json!({"x": {"literal": [1, 9_007_199_254_740_993_u64]}});
    check_problems(
        [texts(&[document("a"), unknown, document("a"), large_number]), vec!["{".to_owned()]].concat(),
        &[
            ("unknown-task", "/dags/1/result/0"),
            ("duplicate-dag", "/dags/2/dag_id"),
            ("no-canonical-form", "/dags/3/tasks/0/args/x/literal/1"),
            ("json-syntax", "/dags/4"),
        ],
    );
}

#[test]
fn how_many_and_how_much() {
    let many = |n: usize| (0..n).map(|i| document(&format!("d{i}")).to_string()).collect::<Vec<_>>();
    check_problems(vec![], &[("no-dags", "/dags")]);
    assert_eq!(dags(component(), many(DAGS_PER_BUNDLE_MAX)).unwrap().len(), DAGS_PER_BUNDLE_MAX);
    check_problems(many(DAGS_PER_BUNDLE_MAX + 1), &[("too-many-dags", "/dags")]);

    let padded = |bytes: usize| {
        let text = document("a").to_string();
        text.clone() + &" ".repeat(bytes - text.len())
    };
    assert!(dags(component(), vec![padded(DOCUMENT_MAX_BYTES)]).is_ok());
    check_problems(vec![padded(DOCUMENT_MAX_BYTES + 1)], &[("dags-too-large", "/dags")]);
}

/// The form that keeps the order of a mapped object is longer than the object.
#[test]
fn the_canonical_form_is_bounded_too() {
    let members: Vec<_> = (0..199_000).map(|i| format!("\"{i:06}\":0")).collect();
    let text = format!(
        r#"{{"schema":"waft.dag/v1","dag_id":"a","tasks":[{{"task_id":"t","max_map_length":200000,
            "expand":{{"product":[{{"arg":"x","source":{{"literal":{{{}}}}}}}]}}}}]}}"#,
        members.join(",")
    );
    check_problems(vec![text], &[("dags-too-large", "/dags/0")]);
}
