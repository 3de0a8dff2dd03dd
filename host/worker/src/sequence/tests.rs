use std::sync::Arc;
use std::sync::atomic::Ordering;

use store::StoredValue;

use super::*;
use crate::doubles::{Values, result_key, run_of};

const NODE: NodeIdx = NodeIdx(1);
const INSTANCES: u32 = 25_000;

/// A sequence over the instances that `has_value`, and those instances.
fn sequence(has_value: impl Fn(u32) -> bool) -> (Sequence, Arc<Values>, Vec<u32>) {
    let values = Arc::new(Values::default());
    let left: Vec<u32> = (0..INSTANCES).filter(|index| has_value(*index)).collect();
    left.iter().for_each(|index| values.put(NODE.0, *index as i32, &index.to_string()));
    (Sequence::new(NODE, result_key(), left.len() as u64, u64::from(INSTANCES)), values, left)
}

async fn texts(sequence: &Sequence, values: &Values, offset: u64, max: u32) -> Vec<String> {
    let run = run_of(testkit::dag::dag("a"), model::Digest::of(b""));
    let rows = sequence.page(values, &run, offset, max).await.expect("the values can be read");
    let text = |row: &XcomRow| match &row.value {
        StoredValue::Inline(text) => text.to_string(),
        StoredValue::Blob { .. } => panic!("no value is a blob"),
    };
    rows.iter().map(text).collect()
}

#[tokio::test]
async fn a_read_anywhere_in_a_sequence_with_holes_reads_one_row() {
    let (sequence, values, left) = sequence(|index| index % 3 != 1 && !(9_000..9_500).contains(&index));
    let mut position = 1;
    for _ in 0..200 {
        position = (position * 7_919 + 13) % left.len();
        assert_eq!(texts(&sequence, &values, position as u64, 1).await, [left[position].to_string()]);
    }
    assert_eq!(values.rows_read.load(Ordering::SeqCst), 200);
    assert_eq!(values.index_pages_read.load(Ordering::SeqCst), left.len() / SEQUENCE_INDEX_PAGE as usize + 1);
}

#[tokio::test]
async fn pages_follow_each_other_over_holes() {
    let (sequence, values, left) = sequence(|index| index % 100 != 0);
    let mut read = Vec::new();
    loop {
        let page = texts(&sequence, &values, read.len() as u64, u32::MAX).await;
        if page.is_empty() {
            break;
        }
        read.extend(page);
    }
    assert_eq!(read, left.iter().map(u32::to_string).collect::<Vec<_>>());
    assert_eq!(texts(&sequence, &values, left.len() as u64, 5).await, [] as [String; 0]);
}

#[tokio::test]
async fn without_holes_no_index_is_read() {
    let (sequence, values, _) = sequence(|_| true);
    assert_eq!(texts(&sequence, &values, 20_000, 2).await, ["20000", "20001"]);
    assert_eq!(values.index_pages_read.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_value_that_is_gone_is_not_there() {
    let (sequence, values, left) = sequence(|index| index < 10);
    values.rows.lock().expect("no panic").clear();
    assert_eq!(texts(&sequence, &values, left.len() as u64 - 1, 5).await, [] as [String; 0]);
}
