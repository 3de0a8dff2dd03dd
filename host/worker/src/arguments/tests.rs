use std::sync::atomic::Ordering;

use super::*;
use crate::doubles::{Values, run_of};

fn shared(lists: &[(&str, &str)]) -> Shared {
    let expanded = lists.iter().map(|(name, text)| {
        let items = split(text).expect("a list");
        Expanded { name: (*name).to_owned(), length: items.len() as u32, lists: List::Items(items) }
    });
    Shared { fixed: r#""x":5"#.to_owned(), expanded: expanded.collect(), sequences: Vec::new() }
}

#[test]
fn a_product_is_row_major_with_the_last_argument_fastest() {
    let shared = shared(&[("a", "[1,2]"), ("b", r#"["p","q","r"]"#)]);
    let all: Vec<_> = (0..6).map(|i| shared.arguments(MapIndex::at(i)).expect("in range")).collect();
    assert_eq!(
        all,
        [
            r#"{"x":5,"a":1,"b":"p"}"#,
            r#"{"x":5,"a":1,"b":"q"}"#,
            r#"{"x":5,"a":1,"b":"r"}"#,
            r#"{"x":5,"a":2,"b":"p"}"#,
            r#"{"x":5,"a":2,"b":"q"}"#,
            r#"{"x":5,"a":2,"b":"r"}"#,
        ]
    );
}

#[test]
fn a_position_past_the_lists_says_how_long_they_are() {
    let error = shared(&[("a", "[1,2]")]).arguments(MapIndex::at(2)).expect_err("out of range");
    assert_eq!(error.to_string(), r#"argument "a" has no item 2; its list has 2"#);
}

#[test]
fn members_of_an_object_come_as_pairs() {
    let shared = shared(&[("pair", r#"{"k": 1, "j": [2]}"#)]);
    assert_eq!(shared.arguments(MapIndex::at(1)).expect("in range"), r#"{"x":5,"pair":["j",[2]]}"#);
}

/// The texts of `n` outputs of one task with a result of so many bytes, and how many values were read.
async fn outputs(n: usize, bytes: usize) -> (Result<usize, String>, usize) {
    let mut document = testkit::dag::document("big -> eat");
    let output = || Source::Output(OutputSource { task: model::TaskId::new("big").expect("a name"), key: None });
    let list = Source::List((0..n).map(|_| output()).collect());
    document.tasks[1].args.insert(Key::new("all").expect("a name"), list);
    let (dag, _) = Dag::check(document).expect("a legal DAG");
    let values = Arc::new(Values::default());
    values.put(0, -1, &format!("\"{}\"", "x".repeat(bytes - 2)));
    let blobs = BlobStore::in_memory();
    let reader = ArgumentReader { values: values.clone(), blobs, items: ItemCache::new() };
    let run = run_of(dag, model::Digest::of(b""));
    let made = match reader.shared(&run, NodeIdx(1), &[]).await {
        Ok(shared) => shared.arguments(MapIndex::NONE).map(|text| text.len()),
        Err(error) => Err(error),
    };
    let refused = |error: ArgumentError| match error {
        ArgumentError::Invalid(why) => why,
        ArgumentError::Unavailable(why) => panic!("the values are there: {why}"),
    };
    (made.map_err(refused), values.rows_read.load(Ordering::SeqCst))
}

#[tokio::test]
async fn many_outputs_of_a_big_value_are_refused_before_they_are_put_together() {
    const BIG: usize = 64 << 10;
    let (made, reads) = outputs(10, BIG).await;
    assert_eq!((made.map(|length| length > 10 * BIG), reads), (Ok(true), 10));
    let (made, reads) = outputs(10_000, BIG).await;
    assert!(made.expect_err("more than arguments may have").contains(&TEXT_MAX_BYTES.to_string()));
    assert_eq!(reads, TEXT_MAX_BYTES / BIG + 1);
}

#[tokio::test]
async fn sources_that_name_the_same_values_share_a_sequence() {
    let dag = testkit::dag::dag(
        "
        list -> many -> few, sum
        many: expand(list)
        few: expand(list)
        sum: args(many, few, many)
        few -> sum
    ",
    );
    let values = Arc::new(Values::default());
    let reader = ArgumentReader { values, blobs: BlobStore::in_memory(), items: ItemCache::new() };
    let sum = dag.find("sum").expect("a task");
    let shared = reader.shared(&run_of(dag, model::Digest::of(b"")), sum, &[]).await.expect("arguments");
    assert_eq!(shared.sequences.len(), 2);
    let text = shared.arguments(MapIndex::NONE).expect("arguments");
    assert_eq!((text.matches(r#""id":0"#).count(), text.matches(r#""id":1"#).count()), (2, 1), "{text}");
}
