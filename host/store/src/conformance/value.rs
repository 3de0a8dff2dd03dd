//! Values: single, in pages, counted.

use model::{Digest, MapIndex, NodeIdx, TaskState};

use super::Database;
use super::fixture::*;
use crate::{Ended, NamedValue, PageSize, RETURN_VALUE, RunCommit, StoredValue, ValueStore};

pub(super) async fn values_come_with_success_alone(database: &impl Database) {
    let store = database.open().await;
    one_run(&store, 3).await;
    commit(&store, claims(1, (0..3).map(|node| claim(1, node, -1)).collect())).await;
    let value = || vec![inline(RETURN_VALUE, "1")];
    let ended = vec![
        Ended { xcoms: value(), has_value: true, ..ended(token(1, 0, -1, 1, 1), TaskState::UpForRetry) },
        Ended { xcoms: value(), has_value: true, ..ended(token(1, 1, -1, 1, 1), TaskState::Failed) },
        success(token(1, 2, -1, 1, 1), &[("b", "2"), (RETURN_VALUE, "null"), ("a", r#"{"k":"\u0000'"}"#)]),
    ];
    commit(&store, RunCommit { ended, ..RunCommit::default() }).await;
    for node in 0..2 {
        assert_eq!(store.xcom_list(OWN, run_key(1), NodeIdx(node), NONE).await.expect("read"), []);
        assert!(!instance_of(&store, 1, node, -1).await.has_value);
    }
    assert!(instance_of(&store, 1, 2, -1).await.has_value);
    let values = store.xcom_list(OWN, run_key(1), NodeIdx(2), NONE).await.expect("read");
    let expect = [("a", r#"{"k":"\u0000'"}"#), ("b", "2"), (RETURN_VALUE, "null")];
    assert_eq!(values.len(), 3);
    for (found, (name, value)) in values.iter().zip(expect) {
        assert_eq!((found.key.as_str(), &found.value), (name, &StoredValue::Inline(value.into())));
        assert_eq!((found.node, found.map_index, found.created_at), (NodeIdx(2), NONE, at(4)));
        let one = store.xcom_fetch(OWN, run_key(1), NodeIdx(2), NONE, &found.key).await.expect("read");
        assert_eq!(one.as_ref(), Some(found));
    }
    assert!(store.xcom_fetch(OWN, run_key(1), NodeIdx(2), NONE, &key("c")).await.expect("read").is_none());
}

pub(super) async fn pages_end_at_rows_and_at_bytes(database: &impl Database) {
    let store = database.open().await;
    let version = version(&store, OWN, "dag").await;
    let rows = vec![
        instances(1, 0, 0, 10, TaskState::Scheduled),
        instances(1, 1, 0, 1, TaskState::Scheduled),
        instances(1, 2, -1, 1, TaskState::Scheduled),
    ];
    let all: Vec<_> = (0..10).map(|index| claim(1, 0, index)).chain([claim(1, 1, 0), claim(1, 2, -1)]).collect();
    let runs = vec![new_run(OWN, "dag", version, 1, 3)];
    commit(&store, RunCommit { runs, instances: rows, claims: all, fence: Some(fence(1)), ..RunCommit::default() })
        .await;
    // Index 3 left no value, index 5 a blob; the others ten bytes each, and all of them another key besides.
    let of_index = |index: i32| {
        let value = match index {
            3 => None,
            5 => Some(StoredValue::Blob { digest: Digest::of(b"5"), size_bytes: 1 << 40 }),
            _ => Some(StoredValue::Inline(format!("{index:010}").into())),
        };
        let values = value.map(|value| NamedValue { key: key(RETURN_VALUE), value });
        let xcoms = values.into_iter().chain([inline("zzz", "0"), inline("aaa", "0")]).collect();
        Ended { xcoms, has_value: index != 3, ..ended(token(1, 0, index, 1, 1), TaskState::Success) }
    };
    let mut ended: Vec<_> = (0..10).map(of_index).collect();
    ended.push(success(token(1, 1, 0, 1, 1), &[(RETURN_VALUE, "1")]));
    ended.push(success(token(1, 2, -1, 1, 1), &[(RETURN_VALUE, "1")]));
    commit(&store, RunCommit { ended, ..RunCommit::default() }).await;

    let check = async |after: i32, values: u32, bytes: usize, expect: &[i32]| {
        let (run, node, result) = (run_key(1), NodeIdx(0), key(RETURN_VALUE));
        let size = PageSize { values, bytes };
        let page = store.xcom_page(OWN, run, node, &result, index(after), size).await.expect("read");
        let found: Vec<_> = page.iter().map(|it| it.map_index.number()).collect();
        assert_eq!(found, expect, "after {after}, {size:?}");
        assert!(page.iter().all(|it| it.key == result && it.node == node));
    };
    check(-1, 100, 1000, &[0, 1, 2, 4, 5, 6, 7, 8, 9]).await;
    check(-1, 4, 1000, &[0, 1, 2, 4]).await;
    check(4, 2, 1000, &[5, 6]).await;
    check(9, 2, 1000, &[]).await;
    check(-1, 100, 1, &[0]).await;
    check(-1, 100, 10, &[0]).await;
    check(-1, 100, 11, &[0, 1]).await;
    check(2, 100, 20, &[4, 5, 6]).await;
    check(4, 100, 1, &[5, 6]).await;

    let indexes = async |node, name: &str, after: i32, limit| {
        let found = store.xcom_indexes(OWN, run_key(1), NodeIdx(node), &key(name), index(after), limit).await;
        found.expect("read").iter().map(|it| it.number()).collect::<Vec<_>>()
    };
    assert_eq!(indexes(0, RETURN_VALUE, -1, 100).await, [0, 1, 2, 4, 5, 6, 7, 8, 9]);
    assert_eq!(indexes(0, RETURN_VALUE, 1, 3).await, [2, 4, 5]);
    assert_eq!(indexes(0, RETURN_VALUE, 9, 3).await, [0; 0]);
    assert_eq!(indexes(0, "zzz", 2, 2).await, [3, 4]);
    assert_eq!((indexes(1, RETURN_VALUE, -1, 9).await, indexes(2, RETURN_VALUE, -1, 9).await), (vec![0], vec![]));

    let count =
        async |node, name: &str| store.xcom_count(OWN, run_key(1), NodeIdx(node), &key(name)).await.expect("read");
    assert_eq!((count(0, RETURN_VALUE).await, count(0, "zzz").await), (9, 10));
    assert_eq!((count(1, RETURN_VALUE).await, count(2, RETURN_VALUE).await), (1, 0));
    let one = store.xcom_fetch(OWN, run_key(1), NodeIdx(0), MapIndex::at(7), &key(RETURN_VALUE)).await.expect("read");
    assert_eq!(one.expect("found").value, StoredValue::Inline("0000000007".into()));
}

pub(super) async fn blobs_are_named(database: &impl Database) {
    let store = database.open().await;
    one_run(&store, 1).await;
    commit(&store, claims(1, vec![claim(1, 0, -1)])).await;
    let value = StoredValue::Blob { digest: Digest::of(b"large"), size_bytes: u64::from(u32::MAX) + 1 };
    let xcoms = vec![NamedValue { key: key(RETURN_VALUE), value: value.clone() }];
    let end = Ended { xcoms, has_value: true, ..ended(token(1, 0, -1, 1, 1), TaskState::Success) };
    commit(&store, RunCommit { ended: vec![end], ..RunCommit::default() }).await;
    let found = store.xcom_fetch(OWN, run_key(1), NodeIdx(0), NONE, &key(RETURN_VALUE)).await.expect("read");
    assert_eq!(found.expect("found").value, value);
}

pub(super) async fn people_change_values(database: &impl Database) {
    let store = database.open().await;
    one_run(&store, 1).await;
    let (instance, absent) = (instance(1, 0, -1), instance(1, 0, 7));
    let named = |name: &str, text: &str| NamedValue { key: key(name), value: StoredValue::Inline(text.into()) };
    assert!(!store.xcom_put(OWN, absent, &named("a", "1"), at(5)).await.expect("done"));
    assert!(!store.xcom_put(OTHER, instance, &named("a", "1"), at(5)).await.expect("done"));
    assert!(store.xcom_put(OWN, instance, &named("a", "1"), at(5)).await.expect("done"));
    let blob = StoredValue::Blob { digest: Digest::of(b"2"), size_bytes: 1 << 20 };
    let large = NamedValue { key: key("a"), value: blob.clone() };
    assert!(store.xcom_put(OWN, instance, &large, at(6)).await.expect("done"));
    let found = store.xcom_fetch(OWN, run_key(1), NodeIdx(0), NONE, &key("a")).await.expect("read").expect("found");
    assert_eq!((found.value, found.created_at), (blob, at(6)));
    assert!(!instance_of(&store, 1, 0, -1).await.has_value);
    assert!(store.xcom_put(OWN, instance, &named(RETURN_VALUE, "null"), at(7)).await.expect("done"));
    assert!(instance_of(&store, 1, 0, -1).await.has_value);
    assert!(!store.xcom_delete(OTHER, instance, &key("a")).await.expect("done"));
    assert!(store.xcom_delete(OWN, instance, &key("a")).await.expect("done"));
    assert!(!store.xcom_delete(OWN, instance, &key("a")).await.expect("done"));
    assert!(instance_of(&store, 1, 0, -1).await.has_value);
    assert!(store.xcom_delete(OWN, instance, &key(RETURN_VALUE)).await.expect("done"));
    assert!(!instance_of(&store, 1, 0, -1).await.has_value);
    assert_eq!(store.xcom_list(OWN, run_key(1), NodeIdx(0), NONE).await.expect("read"), []);
}
