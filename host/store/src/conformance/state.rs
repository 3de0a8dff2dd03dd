//! Task state: fenced, bounded, expiring.

use std::time::Duration;

use model::limits::value::STATE_KEYS_MAX;
use model::{AttemptToken, TaskState};

use super::fixture::*;
use super::{Database, Stores};
use crate::{RunCommit, StateStore, StoreError};

async fn put(store: &impl Stores, token: AttemptToken, name: &str, value: &str) -> Result<(), StoreError> {
    store.state_put(OWN, token, &key(name), value, None, at(10)).await
}

async fn fetch(store: &impl Stores, token: AttemptToken, name: &str) -> Option<String> {
    store.state_fetch(OWN, token, &key(name), at(10)).await.expect("read")
}

async fn one_running(store: &impl Stores) -> AttemptToken {
    one_run(store, 2).await;
    commit(store, claims(1, vec![claim(1, 0, -1), claim(1, 1, -1)])).await;
    token(1, 0, -1, 1, 1)
}

pub(super) async fn state_survives_a_retry(database: &impl Database) {
    let store = database.open().await;
    let first = one_running(&store).await;
    put(&store, first, "k", r#"{"é":"it's"}"#).await.expect("put");
    put(&store, first, "k", r#"{"é":"it's 2"}"#).await.expect("put");
    let failed = ended(first, TaskState::UpForRetry);
    commit(&store, RunCommit { ended: vec![failed], ..RunCommit::default() }).await;
    let again = transition(1, 0, (-1, -1), TaskState::Scheduled, Some(2));
    commit(&store, RunCommit { transitions: vec![again], ..claims(2, vec![claim(1, 0, -1)]) }).await;
    let second = token(1, 0, -1, 2, 2);
    assert_eq!(fetch(&store, second, "k").await.as_deref(), Some(r#"{"é":"it's 2"}"#));
    assert_eq!(fetch(&store, token(1, 1, -1, 1, 1), "k").await, None);
    assert!(store.state_delete(OWN, second, &key("k")).await.expect("deleted"));
    assert!(!store.state_delete(OWN, second, &key("k")).await.expect("deleted"));
    assert_eq!(fetch(&store, second, "k").await, None);
}

pub(super) async fn a_stale_fence_writes_nothing(database: &impl Database) {
    let store = database.open().await;
    let token_of_run = one_running(&store).await;
    put(&store, token_of_run, "k", "1").await.expect("put");
    let stale = [token(1, 0, -1, 1, 2), token(1, 0, -1, 2, 1), token(1, 0, 0, 1, 1), token(2, 0, -1, 1, 1)];
    for token in stale {
        let refused = put(&store, token, "k", "2").await;
        assert!(matches!(refused, Err(StoreError::StaleFence)), "{refused:?}");
        let refused = store.state_delete(OWN, token, &key("k")).await;
        assert!(matches!(refused, Err(StoreError::StaleFence)), "{refused:?}");
    }
    commit(&store, RunCommit { ended: vec![ended(token_of_run, TaskState::Success)], ..RunCommit::default() }).await;
    let refused = put(&store, token_of_run, "k", "2").await;
    assert!(matches!(refused, Err(StoreError::StaleFence)), "{refused:?}");
    assert_eq!(fetch(&store, token_of_run, "k").await.as_deref(), Some("1"));
}

pub(super) async fn state_expires(database: &impl Database) {
    let store = database.open().await;
    let token = one_running(&store).await;
    let (name, ttl) = (key("k"), Some(Duration::from_secs(5)));
    store.state_put(OWN, token, &name, "1", ttl, at(10)).await.expect("put");
    store.state_put(OWN, token, &key("forever"), "1", Some(Duration::MAX), at(10)).await.expect("put");
    let keys = async |seconds| store.state_keys(OWN, token, "", at(seconds)).await.expect("read");
    assert_eq!(store.state_fetch(OWN, token, &name, at(14)).await.expect("read").as_deref(), Some("1"));
    assert_eq!(keys(14).await, ["forever", "k"]);
    assert_eq!(store.state_fetch(OWN, token, &name, at(15)).await.expect("read"), None);
    assert_eq!(keys(15).await, ["forever"]);
    // Writing again without a time makes it stay.
    store.state_put(OWN, token, &name, "2", None, at(16)).await.expect("put");
    assert_eq!(store.state_fetch(OWN, token, &name, at(1000)).await.expect("read").as_deref(), Some("2"));
}

pub(super) async fn there_is_a_limit_of_keys(database: &impl Database) {
    let store = database.open().await;
    let token_of_run = one_running(&store).await;
    let names: Vec<_> = (0..STATE_KEYS_MAX).map(|number| format!("k{number:04}")).collect();
    for (number, name) in names.iter().enumerate() {
        let ttl = (number == 0).then_some(Duration::from_secs(5));
        store.state_put(OWN, token_of_run, &key(name), "1", ttl, at(10)).await.expect("put");
    }
    let refused = put(&store, token_of_run, "one-more", "1").await;
    match refused {
        Err(StoreError::LimitReached { used, max, .. }) => {
            assert_eq!((used, max), (STATE_KEYS_MAX as u64, STATE_KEYS_MAX as u64));
        }
        other => panic!("{other:?}"),
    }
    put(&store, token_of_run, &names[1], "2").await.expect("what is there may change");
    put(&store, token(1, 1, -1, 1, 1), "one-more", "1").await.expect("another instance has room");
    // What has expired makes room.
    store.state_put(OWN, token_of_run, &key("one-more"), "1", None, at(15)).await.expect("put");
    assert_eq!(fetch(&store, token_of_run, "k0000").await, None);
    assert_eq!(fetch(&store, token_of_run, &names[1]).await.as_deref(), Some("2"));
}

pub(super) async fn keys_start_with_a_prefix(database: &impl Database) {
    let store = database.open().await;
    let token_of_run = one_running(&store).await;
    for name in ["a", "ab", "a_b", "a.b", "axb", "B", "b"] {
        put(&store, token_of_run, name, "1").await.expect("put");
    }
    put(&store, token(1, 1, -1, 1, 1), "a_other", "1").await.expect("put");
    let check = async |prefix: &str, expect: &[&str]| {
        assert_eq!(store.state_keys(OWN, token_of_run, prefix, at(10)).await.expect("read"), expect, "{prefix:?}");
    };
    check("", &["B", "a", "a.b", "a_b", "ab", "axb", "b"]).await;
    check("a", &["a", "a.b", "a_b", "ab", "axb"]).await;
    check("a_", &["a_b"]).await;
    check("a%", &[]).await;
    check("b", &["b"]).await;
}
