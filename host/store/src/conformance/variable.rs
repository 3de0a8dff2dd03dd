//! Variables, connections and pools: written, replaced, listed, gone; each tenant has its own.

use model::{ConnectionId, PoolName};

use super::fixture::*;
use super::{Database, Stores};
use crate::{
    ConnectionRow, ConnectionStore, Hidden, PageRequest, PoolRow, PoolStore, StoreError, VariableRow, VariableStore,
};

const ALL: PageRequest = PageRequest { limit: 100, offset: 0 };

fn variable(name: &str, value: &str, seconds: i64) -> VariableRow {
    let description = (seconds > 0).then(|| format!("of {seconds}"));
    VariableRow { key: key(name), value: Hidden::new(value), description, updated_at: at(seconds) }
}

pub(super) async fn a_variable_is_written_replaced_and_gone(database: &impl Database) {
    let store = database.open().await;
    let (first, second) = (variable("region", "eu", 0), variable("region", "us\0", 5));
    assert!(store.variable_put(OWN, &first, true).await.expect("written"));
    assert!(!store.variable_put(OWN, &second, true).await.expect("not new"));
    assert_eq!(store.variable_fetch(OWN, &key("region")).await.expect("read"), Some(first));
    assert!(store.variable_put(OWN, &second, false).await.expect("written"));
    let found = store.variable_fetch(OWN, &key("region")).await.expect("read").expect("found");
    assert_eq!((found.value.reveal(), found.description.as_deref()), ("us\u{fffd}", Some("of 5")));
    assert!(!format!("{found:?}").contains("us"), "{found:?}");
    assert_eq!(store.variable_fetch(OTHER, &key("region")).await.expect("read"), None);
    assert!(!store.variable_delete(OTHER, &key("region")).await.expect("nothing"));
    assert!(store.variable_delete(OWN, &key("region")).await.expect("gone"));
    assert!(!store.variable_delete(OWN, &key("region")).await.expect("gone before"));
    assert_eq!(store.variable_fetch(OWN, &key("region")).await.expect("read"), None);
}

async fn keys(store: &impl Stores, pattern: Option<&str>, page: PageRequest) -> Result<(Vec<String>, u64), StoreError> {
    let page = store.variable_list(OWN, pattern, page).await?;
    Ok((page.rows.into_iter().map(|row| row.key.to_string()).collect(), page.total))
}

pub(super) async fn variables_are_listed(database: &impl Database) {
    let store = database.open().await;
    for name in ["b_2", "a", "b1", "B_3", "b"] {
        store.variable_put(OWN, &variable(name, "x", 0), true).await.expect("written");
    }
    store.variable_put(OTHER, &variable("b_4", "x", 0), true).await.expect("written");
    let listed =
        async |pattern, limit, offset| keys(&store, pattern, PageRequest { limit, offset }).await.expect("read");
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(listed(None, 100, 0).await, (names(&["B_3", "a", "b", "b1", "b_2"]), 5));
    assert_eq!(listed(None, 2, 1).await, (names(&["a", "b"]), 5));
    assert_eq!(listed(Some(r"b\_%"), 100, 0).await, (names(&["B_3", "b_2"]), 2));
    assert_eq!(listed(Some("half\\"), 100, 0).await, (names(&[]), 0));
}

pub(super) async fn connections_keep_every_field(database: &impl Database) {
    let store = database.open().await;
    let id = |name: &str| ConnectionId::new(name).expect("a legal name");
    let bare = ConnectionRow {
        connection_id: id("bare"),
        conn_type: "http".to_owned(),
        description: None,
        host: None,
        login: None,
        password: None,
        schema: None,
        port: None,
        extra: None,
        updated_at: at(0),
    };
    let full = ConnectionRow {
        connection_id: id("full"),
        description: Some("all of it".to_owned()),
        host: Some("db.example".to_owned()),
        login: Some("anna".to_owned()),
        password: Some(Hidden::new("geheim")),
        schema: Some("public".to_owned()),
        port: Some(u16::MAX),
        extra: Some(Hidden::new(r#"{"token":"geheim"}"#)),
        updated_at: at(1),
        ..bare.clone()
    };
    for row in [&bare, &full] {
        assert!(store.connection_put(OWN, row, true).await.expect("written"));
        assert!(!store.connection_put(OWN, row, true).await.expect("not new"));
        let found = store.connection_fetch(OWN, &row.connection_id).await.expect("read").expect("found");
        assert_eq!(found, *row);
        assert!(!format!("{found:?}").contains("geheim"), "{found:?}");
    }
    let changed = ConnectionRow { connection_id: id("full"), ..bare.clone() };
    assert!(store.connection_put(OWN, &changed, false).await.expect("written"));
    assert_eq!(store.connection_list(OWN, None, ALL).await.expect("read").rows, [bare, changed]);
    assert_eq!(store.connection_list(OWN, Some("f%"), ALL).await.expect("read").total, 1);
    assert_eq!(store.connection_list(OTHER, None, ALL).await.expect("read").rows, []);
    assert!(!store.connection_delete(OTHER, &id("full")).await.expect("nothing"));
    assert!(store.connection_delete(OWN, &id("full")).await.expect("gone"));
    assert!(store.connection_fetch(OWN, &id("full")).await.expect("read").is_none());
}

pub(super) async fn pools_have_slots_or_no_limit(database: &impl Database) {
    let store = database.open().await;
    let pool = |name: &str, slots, include_deferred| PoolRow {
        name: PoolName::new(name).expect("a legal name"),
        slots,
        description: slots.map(|slots| format!("{slots} slots")),
        include_deferred,
        updated_at: at(0),
    };
    let (none, all, some) = (pool("none", Some(0), false), pool("all", None, true), pool("some", Some(7), false));
    for row in [&none, &all, &some] {
        assert!(store.pool_put(OWN, row, true).await.expect("written"));
        assert!(!store.pool_put(OWN, row, true).await.expect("not new"));
        assert_eq!(store.pool_fetch(OWN, &row.name).await.expect("read"), Some(row.clone()));
    }
    let more = pool("some", Some(8), true);
    assert!(store.pool_put(OWN, &more, false).await.expect("written"));
    assert_eq!(store.pool_list(OWN, None, ALL).await.expect("read").rows, [all.clone(), none, more]);
    assert_eq!(store.pool_list(OTHER, None, ALL).await.expect("read").total, 0);
    assert!(!store.pool_delete(OTHER, &all.name).await.expect("nothing"));
    assert!(store.pool_delete(OWN, &all.name).await.expect("gone"));
    assert_eq!(store.pool_fetch(OWN, &all.name).await.expect("read"), None);
}
