use serde_json::json;

use super::*;
use crate::limits;

#[test]
fn too_many_edges() {
    let edges = |n: usize| vec![json!({"from": "a", "to": "b"}); n];
    let tasks = json!([{"task_id": "a"}, {"task_id": "b"}]);
    let n = limits::dag::EDGES_MAX;
    assert_eq!(dag(&document(tasks.clone(), json!({"edges": edges(n)}))).node(NodeIdx(1)).upstream, [NodeIdx(0)]);
    check_problems(&document(tasks, json!({"edges": edges(n + 1)})), &[("too-many-edges", "/edges", "100001")]);
}

#[test]
fn dur_edges() {
    const DAY_MS: u64 = 24 * 3600 * 1000;
    for (key, min, max) in [
        ("retries", 0, 100),
        ("retry_delay_ms", 0, 30 * DAY_MS),
        ("retry_delay_max_ms", 0, 30 * DAY_MS),
        ("retry_multiplier_milli", 1_000, 10_000),
        ("timeout_ms", 1, DAY_MS),
        ("max_active_per_run", 1, 200_000),
    ] {
        let with = |value: u64| document(json!([{"task_id": "t", key: value}]), json!({}));
        for legal in [min, min + 1, max - 1, max] {
            dag(&with(legal));
        }
        let outside = [min.checked_sub(1), Some(max + 1)];
        for illegal in outside.into_iter().flatten() {
            check_problems(
                &with(illegal),
                &[("out-of-range", &format!("/tasks/0/{key}"), &format!("{illegal} is not within {min} to"))],
            );
        }
    }
    for (key, max) in [("run_timeout_ms", 7 * DAY_MS), ("max_active_tasks", 200_000)] {
        for illegal in [0, max + 1] {
            check_problems(
                &document(json!([{"task_id": "t"}]), json!({key: illegal})),
                &[("out-of-range", &format!("/{key}"), "not within 1 to")],
            );
        }
    }
    check_task(
        json!({"resources": {"memory_bytes": 1}}),
        &[("out-of-range", "/tasks/1/resources/memory_bytes", "65536 to 268435456")],
    );
    check_task(json!({"max_map_length": 0}), &[("out-of-range", "/tasks/1/max_map_length", "0 is not")]);
    check_task(
        json!({"retry_delay_ms": 2, "retry_delay_max_ms": 1}),
        &[("out-of-range", "/tasks/1/retry_delay_max_ms", "the first delay, 2 ms, is longer than the longest, 1 ms")],
    );
}

#[test]
fn texts() {
    let with = |key: &str, text: &str| document(json!([{"task_id": "t"}]), json!({key: text}));
    dag(&with("doc_md", "# Über\r\n\ttext 🦀"));
    dag(&with("label", &"x".repeat(250)));
    for (key, text, code, part) in [
        ("label", "x".repeat(251), "text-too-long", "251 bytes; at most 250"),
        ("doc_md", "x".repeat(65_537), "text-too-long", "at most 65536"),
        ("display_name", " ".to_owned(), "empty-text", "blank"),
        ("display_name", "a\nb".to_owned(), "invisible-character", "U+000A at byte 1"),
        ("display_name", "a\u{202e}b".to_owned(), "invisible-character", "U+202E"),
        ("description", "zero\u{200b}width".to_owned(), "invisible-character", "U+200B"),
        ("display_name", "u\u{308}ber".to_owned(), "not-nfc", "normalize"),
    ] {
        check_problems(&with(key, &text), &[(code, &format!("/{key}"), part)]);
    }
    let tags = |n: usize| document(json!([{"task_id": "t"}]), json!({"tags": vec!["a"; n]}));
    dag(&tags(100));
    check_problems(&tags(101), &[("too-many-texts", "/tags", "101 are given; at most 100")]);
}

#[test]
fn nesting_is_bounded() {
    let nested = |levels: usize, inner: Value| (1..levels).fold(inner, |source, _| json!({"list": [source]}));
    let any = json!("any");
    let with_type = |levels: usize| json!({"signature": {"args": {}, "result": nested_type(levels, &any)}});
    fn nested_type(levels: usize, inner: &Value) -> Value {
        (1..levels).fold(inner.clone(), |ty, _| json!({"list": ty}))
    }
    let array = |levels: usize| (0..levels).fold(json!(1), |value, _| json!([value]));
    for legal in [
        json!({"task_id": "t", "args": {"a": nested(16, json!({"conf": ""}))}}),
        json!({"task_id": "t", "args": {"a": {"literal": array(31)}}}),
        json!({"task_id": "t", "signature": with_type(16)["signature"]}),
    ] {
        dag(&document(json!([legal]), json!({})));
    }
    check_task(
        json!({"args": {"a": nested(17, json!({"conf": ""}))}}),
        &[("source-too-deep", "/tasks/1/args/a", "16 levels")],
    );
    check_task(json!({"args": {"a": {"literal": array(32)}}}), &[("value-too-deep", "/tasks/1/args/a", "31 levels")]);
    check_task(with_type(17), &[("type-too-deep", "/tasks/1/signature/result", "16 levels")]);
}

#[test]
fn many_problems_are_counted_not_listed() {
    let tasks = vec![json!({"task_id": "t", "retries": 1_000}); 300];
    let problems = check_document(&document(json!(tasks), json!({}))).unwrap_err();
    assert_eq!(problems.len(), limits::dag::PROBLEMS_MAX + 1);
    assert_eq!(problems.last().unwrap().message, "100 more problems are not listed; mend these first");
}

#[test]
fn warnings_do_not_refuse() {
    let (_, warnings) = check_document(&document(json!([{"task_id": "t", "max_map_length": 3}]), json!({}))).unwrap();
    assert_eq!(warnings.iter().map(|warning| warning.code.as_str()).collect::<Vec<_>>(), ["not-mapped"]);
}
