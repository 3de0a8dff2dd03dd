//! Bundles and versions: registered once, never rewritten, current moves.

use futures::future::join_all;
use model::{AssetName, BundleVersionKey};
use uuid::Uuid;

use super::Database;
use super::fixture::{OTHER, OWN, at, bundle, bundle_name, commit, dag_id, new_run};
use crate::{
    AssetDeclaration, AssetSource, AssetStore, Catalog, DagDeletion, DagFilter, NewAssetEvent, PageRequest, RunCommit,
    ScheduleStore, StoreError,
};

const ALL: PageRequest = PageRequest { limit: 100, offset: 0 };

pub(super) async fn a_bundle_is_registered_with_its_dags(database: &impl Database) {
    let store = database.open().await;
    let new = bundle("words", &[("a", "one"), ("b", "two")], 5);
    let registered = store.bundle_register(OWN, new.clone()).await.expect("registered");
    assert!(registered.created);
    assert_eq!(registered.key, new.key);
    let numbers: Vec<_> =
        registered.dags.iter().map(|it| (it.dag_id.as_str(), it.version_number, it.created)).collect();
    assert_eq!(numbers, [("a", 1, true), ("b", 1, true)]);

    let dag = store.dag_fetch(OWN, &dag_id("b")).await.expect("read").expect("found");
    assert_eq!((dag.bundle, dag.is_stale, dag.is_paused), (bundle_name("words"), false, false));
    assert_eq!((dag.created_at, dag.updated_at), (at(5), at(5)));
    let version = dag.current;
    assert_eq!(version.key, new.dags[1].key);
    assert_eq!((version.version_number, version.digest), (1, new.dags[1].digest));
    assert_eq!((version.component, version.document), (new.component, new.dags[1].document.clone()));
    assert_eq!((version.label.as_deref(), version.bundle_version), (Some("label two"), new.key));
    assert_eq!((version.bundle.as_str(), version.created_at), ("words", at(5)));

    let by_key = store.dag_version_fetch(OWN, version.key).await.expect("read").expect("found");
    let by_number = store.dag_version_find(OWN, &dag_id("b"), 1).await.expect("read").expect("found");
    assert_eq!(by_key, by_number);
    assert!(store.dag_version_find(OWN, &dag_id("b"), 2).await.expect("read").is_none());
    assert!(store.dag_fetch(OWN, &dag_id("c")).await.expect("read").is_none());

    let bundles = store.bundle_list(OWN, ALL).await.expect("read");
    assert_eq!(bundles.total, 1);
    let row = &bundles.rows[0];
    assert_eq!((row.name.as_str(), row.current, row.component), ("words", new.key, new.component));
    assert_eq!(row.updated_at, at(5));
}

pub(super) async fn the_same_bytes_make_nothing_new(database: &impl Database) {
    let store = database.open().await;
    let first = store.bundle_register(OWN, bundle("words", &[("a", "one")], 5)).await.expect("registered");
    // The caller does not know yet that the bytes are known, so it sends new keys.
    let again = store.bundle_register(OWN, bundle("words", &[("a", "one")], 6)).await.expect("registered");
    assert!(!again.created && !again.dags[0].created);
    assert_eq!((again.key, again.dags[0].version), (first.key, first.dags[0].version));
    assert_eq!(again.dags[0].version_number, 1);
    let dag = store.dag_fetch(OWN, &dag_id("a")).await.expect("read").expect("found");
    assert_eq!((dag.updated_at, dag.current.created_at), (at(5), at(5)));
    assert_eq!(store.dag_version_list(OWN, &dag_id("a"), ALL).await.expect("read").total, 1);
    assert_eq!(store.bundle_list(OWN, ALL).await.expect("read").rows[0].updated_at, at(5));
}

pub(super) async fn a_new_version_becomes_current(database: &impl Database) {
    let store = database.open().await;
    store.bundle_register(OWN, bundle("words", &[("a", "one"), ("b", "same")], 1)).await.expect("registered");
    let second =
        store.bundle_register(OWN, bundle("words", &[("a", "two"), ("b", "same")], 2)).await.expect("registered");
    let made: Vec<_> = second.dags.iter().map(|it| (it.version_number, it.created)).collect();
    assert_eq!((second.created, made), (true, vec![(2, true), (1, false)]));
    let dag = store.dag_fetch(OWN, &dag_id("a")).await.expect("read").expect("found");
    assert_eq!((dag.current.key, dag.created_at, dag.updated_at), (second.dags[0].version, at(1), at(2)));
    let untouched = store.dag_fetch(OWN, &dag_id("b")).await.expect("read").expect("found");
    assert_eq!(untouched.updated_at, at(1));
    let versions = store.dag_version_list(OWN, &dag_id("a"), ALL).await.expect("read");
    let numbers: Vec<_> = versions.rows.iter().map(|it| it.version_number).collect();
    assert_eq!((versions.total, numbers), (2, vec![2, 1]));
}

pub(super) async fn an_old_version_becomes_current_again(database: &impl Database) {
    let store = database.open().await;
    let first = store.bundle_register(OWN, bundle("words", &[("a", "one")], 1)).await.expect("registered");
    store.bundle_register(OWN, bundle("words", &[("a", "two")], 2)).await.expect("registered");
    let back = store.bundle_register(OWN, bundle("words", &[("a", "one")], 3)).await.expect("registered");
    assert_eq!((back.created, back.key, back.dags[0].version_number), (false, first.key, 1));
    let dag = store.dag_fetch(OWN, &dag_id("a")).await.expect("read").expect("found");
    assert_eq!((dag.current.version_number, dag.updated_at), (1, at(3)));
    let third = store.bundle_register(OWN, bundle("words", &[("a", "three")], 4)).await.expect("registered");
    assert_eq!(third.dags[0].version_number, 3);
}

pub(super) async fn dags_that_are_gone_are_stale(database: &impl Database) {
    let store = database.open().await;
    store.bundle_register(OWN, bundle("words", &[("a", "one"), ("b", "one")], 1)).await.expect("registered");
    store.bundle_register(OWN, bundle("words", &[("a", "one")], 2)).await.expect("registered");
    assert!(store.dag_fetch(OWN, &dag_id("b")).await.expect("read").expect("found").is_stale);
    let filter = DagFilter::default();
    assert_eq!(store.dag_list(OWN, &filter, ALL).await.expect("read").total, 1);
    let filter = DagFilter { include_stale: true, ..filter };
    assert_eq!(store.dag_list(OWN, &filter, ALL).await.expect("read").total, 2);

    // What nobody defines any more another bundle may define.
    let taken = store.bundle_register(OWN, bundle("other", &[("b", "one")], 3)).await.expect("registered");
    assert_eq!((taken.dags[0].version_number, taken.dags[0].created), (1, false));
    let dag = store.dag_fetch(OWN, &dag_id("b")).await.expect("read").expect("found");
    assert_eq!((dag.is_stale, dag.bundle.as_str()), (false, "other"));
}

pub(super) async fn a_dag_belongs_to_one_bundle(database: &impl Database) {
    let store = database.open().await;
    store.bundle_register(OWN, bundle("words", &[("a", "one")], 1)).await.expect("registered");
    let refused = store.bundle_register(OWN, bundle("other", &[("b", "one"), ("a", "two")], 2)).await;
    match refused {
        Err(StoreError::Conflict { name, .. }) => assert_eq!(name, "a"),
        other => panic!("{other:?}"),
    }
    assert_eq!(store.bundle_list(OWN, ALL).await.expect("read").total, 1);
    assert!(store.dag_fetch(OWN, &dag_id("b")).await.expect("read").is_none());
    assert_eq!(store.dag_version_list(OWN, &dag_id("a"), ALL).await.expect("read").total, 1);
}

pub(super) async fn fifty_registrations_at_once_make_one_version(database: &impl Database) {
    let store = database.open().await;
    let registrations = (0..50).map(|number| {
        let mut new = bundle("words", &[("a", "one")], number);
        new.key = BundleVersionKey::from_uuid(Uuid::from_u128(number as u128 + 1));
        store.bundle_register(OWN, new)
    });
    let registered: Vec<_> = join_all(registrations).await.into_iter().map(|it| it.expect("registered")).collect();
    assert_eq!(registered.iter().filter(|it| it.created).count(), 1);
    assert_eq!(registered.iter().filter(|it| it.dags[0].created).count(), 1);
    assert!(
        registered.iter().all(|it| it.key == registered[0].key && it.dags[0].version == registered[0].dags[0].version)
    );
    assert_eq!(store.dag_version_list(OWN, &dag_id("a"), ALL).await.expect("read").total, 1);
}

pub(super) async fn dags_are_filtered(database: &impl Database) {
    let store = database.open().await;
    let dags = [("etl_a", "red"), ("etl_b", "blue"), ("etlxc", "red"), ("Report", "green")];
    store.bundle_register(OWN, bundle("words", &dags, 1)).await.expect("registered");
    store.bundle_register(OWN, bundle("more", &[("zz", "red")], 1)).await.expect("registered");
    let check = async |filter: DagFilter, expect: &[&str]| {
        let found = store.dag_list(OWN, &filter, ALL).await.expect("read");
        let ids: Vec<_> = found.rows.iter().map(|it| it.dag_id.as_str()).collect();
        assert_eq!(ids, expect, "{filter:?}");
        let first = store.dag_list(OWN, &filter, PageRequest { limit: 1, offset: 0 }).await.expect("read");
        assert_eq!(first.total, expect.len() as u64, "{filter:?}");
    };
    let all = DagFilter::default;
    check(all(), &["Report", "etl_a", "etl_b", "etlxc", "zz"]).await;
    check(DagFilter { descending: true, ..all() }, &["zz", "etlxc", "etl_b", "etl_a", "Report"]).await;
    check(DagFilter { dag_id_pattern: Some("etl%".into()), ..all() }, &["etl_a", "etl_b", "etlxc"]).await;
    check(DagFilter { dag_id_pattern: Some(r"etl\_%".into()), ..all() }, &["etl_a", "etl_b"]).await;
    check(DagFilter { dag_id_pattern: Some("REP%".into()), ..all() }, &["Report"]).await;
    check(DagFilter { bundle: Some(bundle_name("more")), ..all() }, &["zz"]).await;
    let tags = |tags: &[&str], tags_match_all| DagFilter {
        tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
        tags_match_all,
        ..DagFilter::default()
    };
    check(tags(&["red"], false), &["etl_a", "etlxc", "zz"]).await;
    check(tags(&["red", "green"], false), &["Report", "etl_a", "etlxc", "zz"]).await;
    check(tags(&["red", "all", "red"], true), &["etl_a", "etlxc", "zz"]).await;
    check(tags(&["red", "green"], true), &[]).await;
    let all_tags = store.tag_list(OWN, None, ALL).await.expect("read");
    assert!(all_tags.rows.is_sorted() && all_tags.total == all_tags.rows.len() as u64, "{all_tags:?}");
    let named = store.tag_list(OWN, Some("r%"), ALL).await.expect("read");
    assert_eq!((named.rows, named.total), (vec!["red".to_owned()], 1), "each once");
    let second = store.tag_list(OWN, None, PageRequest { limit: 1, offset: 1 }).await.expect("read");
    assert_eq!((&second.rows[..], second.total), (&all_tags.rows[1..2], all_tags.total));
    check(DagFilter { paused: Some(true), ..all() }, &[]).await;
    check(DagFilter { paused: Some(false), bundle: Some(bundle_name("more")), ..all() }, &["zz"]).await;
}

pub(super) async fn lists_are_paged(database: &impl Database) {
    let store = database.open().await;
    for number in 0..7 {
        let text = format!("v{number}");
        store.bundle_register(OWN, bundle("words", &[("a", &text)], number)).await.expect("registered");
        let (name, dag) = (format!("b{number}"), format!("d{number}"));
        store.bundle_register(OWN, bundle(&name, &[(&dag, "x")], number)).await.expect("registered");
    }
    for (limit, offset, expect) in [(3, 0, 3), (3, 3, 3), (3, 6, 1), (7, 0, 7), (3, 7, 0), (3, 99, 0), (0, 0, 0)] {
        let page = PageRequest { limit, offset };
        let versions = store.dag_version_list(OWN, &dag_id("a"), page).await.expect("read");
        assert_eq!((versions.rows.len(), versions.total), (expect, 7), "{page:?}");
        if let Some(first) = versions.rows.first() {
            assert_eq!(first.version_number, 7 - offset);
        }
    }
    let bundles = store.bundle_list(OWN, PageRequest { limit: 2, offset: 6 }).await.expect("read");
    let names: Vec<_> = bundles.rows.iter().map(|it| it.name.as_str()).collect();
    assert_eq!((names, bundles.total), (vec!["b6", "words"], 8));
    let dags = store.dag_list(OWN, &DagFilter::default(), PageRequest { limit: 2, offset: 2 }).await.expect("read");
    let ids: Vec<_> = dags.rows.iter().map(|it| it.dag_id.as_str()).collect();
    assert_eq!((ids, dags.total), (vec!["d1", "d2"], 8));
}

pub(super) async fn a_dag_without_runs_is_deleted(database: &impl Database) {
    let store = database.open().await;
    let first = bundle("words", &[("a", "one"), ("b", "two")], 5);
    store.bundle_register(OWN, first.clone()).await.expect("registered");
    let version = first.dags[0].key;
    commit(&store, RunCommit { runs: vec![new_run(OWN, "a", version, 1, 3)], ..RunCommit::default() }).await;
    let orders = AssetName::new("orders").expect("a legal name");
    let declaration =
        AssetDeclaration { dag_id: dag_id("b"), produced: Vec::new(), read: Vec::new(), awaited: vec![orders.clone()] };
    store.asset_declare(OWN, &declaration, at(6)).await.expect("declared");
    let event = NewAssetEvent {
        scope: OWN,
        asset: orders,
        extra: "{}".into(),
        source: AssetSource::Api { by: "me".to_owned() },
        at: at(7),
    };
    store.asset_event_insert(&event).await.expect("told");
    assert_eq!(store.asset_events_waiting(OWN, &dag_id("b"), 10).await.expect("read").len(), 1);

    assert_eq!(store.dag_delete(OWN, &dag_id("a")).await.expect("done"), DagDeletion::HasRuns);
    assert_eq!(store.dag_delete(OTHER, &dag_id("b")).await.expect("done"), DagDeletion::Unknown);
    assert_eq!(store.dag_delete(OWN, &dag_id("b")).await.expect("done"), DagDeletion::Deleted);
    assert_eq!(store.dag_delete(OWN, &dag_id("b")).await.expect("done"), DagDeletion::Unknown);
    assert!(store.dag_fetch(OWN, &dag_id("a")).await.expect("read").is_some());
    assert!(store.dag_fetch(OWN, &dag_id("b")).await.expect("read").is_none());
    assert!(store.schedule_fetch(OWN, &dag_id("b")).await.expect("read").is_none());
    assert_eq!(store.asset_events_waiting(OWN, &dag_id("b"), 10).await.expect("read"), []);

    assert!(store.bundle_lacks_dags(OWN, first.key).await.expect("read"));
    // The same bytes define it again, and its numbers go on.
    let again =
        store.bundle_register(OWN, bundle("words", &[("a", "one"), ("b", "two")], 8)).await.expect("registered");
    assert_eq!(again.dags[1].version_number, 1);
    assert!(!store.bundle_lacks_dags(OWN, first.key).await.expect("read"));
    assert_eq!(store.dag_fetch(OWN, &dag_id("b")).await.expect("read").expect("found").created_at, at(8));
    let third = store.bundle_register(OWN, bundle("words", &[("b", "three")], 9)).await.expect("registered");
    assert_eq!(third.dags[0].version_number, 2);
    assert_eq!(store.asset_events_waiting(OWN, &dag_id("b"), 10).await.expect("read"), []);
}

pub(super) async fn an_older_version_is_activated(database: &impl Database) {
    let store = database.open().await;
    store.bundle_register(OWN, bundle("words", &[("a", "one")], 5)).await.expect("registered");
    store.bundle_register(OWN, bundle("words", &[("a", "two")], 6)).await.expect("registered");
    let first = store.dag_version_find(OWN, &dag_id("a"), 1).await.expect("read").expect("found");
    assert!(!store.dag_version_activate(OTHER, &first, at(7)).await.expect("done"));
    assert!(store.dag_version_activate(OWN, &first, at(7)).await.expect("done"));
    assert!(!store.dag_version_activate(OWN, &first, at(8)).await.expect("done"));
    let dag = store.dag_fetch(OWN, &dag_id("a")).await.expect("read").expect("found");
    assert_eq!((dag.current, dag.updated_at, dag.is_stale), (first, at(7), false));
    // The bytes that were deployed last say which is current when they come again.
    store.bundle_register(OWN, bundle("words", &[("a", "two")], 9)).await.expect("registered");
    let dag = store.dag_fetch(OWN, &dag_id("a")).await.expect("read").expect("found");
    assert_eq!((dag.current.version_number, dag.updated_at), (2, at(9)));
}
