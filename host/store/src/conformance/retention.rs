//! What is kept and what goes. Beside [`super::conformance`], for the databases that a server may keep.

use std::collections::BTreeSet;

use model::json::BlobRef;
use model::outcome::Answer;
use model::{Digest, NodeIdx, RunKey, RunState, TaskState, VersionKey};

use super::fixture::*;
use super::{Database, Stores};
use crate::{
    AnswerRow, BundleRegistered, CallbackStore, Catalog, EndedRun, InstanceFilter, NamedValue, NewAnswer, NewRun,
    NewSignal, NewWait, PageRequest, RETURN_VALUE, RefCursor, RetentionStore, RunCommit, RunFilter, RunReader,
    RunStateChange, RunStore, StateStore, StoredValue, ValueStore, WaitKind, WaitStore, run_key_at,
};

/// A store that a server may keep.
pub trait KeptStores: Stores + RetentionStore {}
impl<T: Stores + RetentionStore> KeptStores for T {}

/// Runs every case on a database of its own and panics at the first that fails, whose name is printed last.
pub async fn conformance_of_retention<D: Database<Store: KeptStores>>(fresh: impl Fn() -> D) {
    macro_rules! cases {
        ($($case:ident),* $(,)?) => {$(
            println!(concat!("retention::", stringify!($case)));
            $case(&fresh()).await;
        )*};
    }
    cases! {
        every_place_that_names_a_blob_is_read_whatever_the_pages_are,
        runs_that_ended_before_a_time_are_found,
        runs_beyond_the_newest_are_found,
        what_is_discarded_is_gone_and_goes_in_pieces,
        what_has_changed_meanwhile_stays,
        versions_that_something_refers_to_stay,
        no_number_of_a_version_is_given_twice,
        nothing_of_another_tenant_goes,
    }
}

fn marker(name: &str) -> (Digest, String) {
    let digest = Digest::of(name.as_bytes());
    let blob = BlobRef { digest, size: 4, media_type: String::new() };
    (digest, format!(r#"{{"deep":[1,{{"in":{}}}]}}"#, blob.to_value()))
}

async fn every_place_that_names_a_blob_is_read_whatever_the_pages_are(database: &impl Database<Store: KeptStores>) {
    let store = database.open().await;
    let new = bundle("bundle_dag", &[("dag", "v1")], 0);
    let mut expect = BTreeSet::from([new.component]);
    let version = store.bundle_register(OWN, new).await.expect("registered").dags[0].version;
    for run in 1..=3 {
        let (conf_digest, conf) = marker(&format!("conf {run}"));
        let (params_digest, params) = marker(&format!("params {run}"));
        let (value_digest, value) = marker(&format!("value {run}"));
        let (state_digest, state) = marker(&format!("state {run}"));
        let large = Digest::of(format!("large {run}").as_bytes());
        expect.extend([conf_digest, params_digest, value_digest, state_digest, large]);
        let new = NewRun { conf: conf.into(), params: params.into(), ..new_run(OWN, "dag", version, run, 2) };
        commit(&store, started(new)).await;
        commit(&store, claims(1, vec![claim(run, 0, -1), claim(run, 1, -1)])).await;
        store.state_put(OWN, token(run, 1, -1, 1, 1), &key("k"), &state, None, at(5)).await.expect("put");
        let mut end = success(token(run, 0, -1, 1, 1), &[(RETURN_VALUE, &value), ("word", "\"$waft is only a word\"")]);
        let blob = StoredValue::Blob { digest: large, size_bytes: 4 };
        end.xcoms.push(NamedValue { key: key("large"), value: blob });
        commit(&store, RunCommit { ended: vec![end], ..RunCommit::default() }).await;
    }
    for limit in [1, 2, 3, 5, 100] {
        let (mut found, mut values, mut next) = (BTreeSet::new(), 0, Some(RefCursor::START));
        while let Some(from) = next {
            let page = store.blob_refs(OWN, from, limit).await.expect("read");
            assert!(page.named.len() <= 2 * limit as usize, "pages are bounded");
            found.extend(page.named);
            values += page.values.len();
            next = page.next;
        }
        assert_eq!((&found, values), (&expect, 3), "pages of {limit}");
    }
    assert_eq!(store.tenant_list().await.expect("read"), [OWN]);
    assert_eq!(store.run_keys(OWN, None, 2).await.expect("read"), [run_key(1), run_key(2)]);
    assert_eq!(store.run_keys(OWN, Some(run_key(2)), 2).await.expect("read"), [run_key(3)]);
    assert_eq!(store.run_keys(OTHER, None, 9).await.expect("read"), []);
}

/// A run of the DAG that ends so many seconds after the fixed time.
async fn ended_run(store: &impl Stores, dag: &str, version: VersionKey, number: u128, seconds: i64) {
    commit(store, started(new_run(OWN, dag, version, number, 1))).await;
    end(store, number, seconds).await;
}

async fn end(store: &impl Stores, number: u128, seconds: i64) {
    let change =
        RunStateChange { scope: OWN, run: run_key(number), to: RunState::Success, reason: None, at: at(seconds) };
    commit(store, RunCommit { run_states: vec![change], ..RunCommit::default() }).await;
}

fn keys(runs: &[EndedRun]) -> Vec<RunKey> {
    runs.iter().map(|run| run.key).collect()
}

async fn runs_that_ended_before_a_time_are_found(database: &impl Database<Store: KeptStores>) {
    let store = database.open().await;
    let version = version(&store, OWN, "dag").await;
    for (number, seconds) in [(1, 10), (2, 30), (4, 20), (5, 15)] {
        ended_run(&store, "dag", version, number, seconds).await;
    }
    commit(&store, started(new_run(OWN, "dag", version, 3, 1))).await;
    let queued = NewRun { state: RunState::Queued, started_at: None, ..new_run(OWN, "dag", version, 6, 1) };
    commit(&store, RunCommit { runs: vec![queued], ..RunCommit::default() }).await;

    let found = store.runs_ended_before(OWN, at(20), None, 9).await.expect("read");
    assert_eq!(keys(&found), [run_key(1), run_key(5)]);
    let expect = EndedRun { key: run_key(1), dag_id: dag_id("dag"), run_id: run_id("run-1"), ended_at: at(10) };
    assert_eq!(found[0], expect);
    let all = [1, 2, 4, 5].map(run_key);
    let (first, rest) = (store.runs_ended_before(OWN, at(99), None, 3).await, Some(all[2]));
    assert_eq!(keys(&first.expect("read")), all[..3]);
    assert_eq!(keys(&store.runs_ended_before(OWN, at(99), rest, 3).await.expect("read")), all[3..]);
    // Whatever its row says: who was made after a time has not ended before it.
    assert!(run_key_at(at(0)) > run_key(99));
}

async fn runs_beyond_the_newest_are_found(database: &impl Database<Store: KeptStores>) {
    let store = database.open().await;
    let (of_a, of_b) = (version(&store, OWN, "a").await, version(&store, OWN, "b").await);
    for number in [1, 2, 3, 5, 6] {
        ended_run(&store, "a", of_a, number, 10).await;
    }
    commit(&store, started(new_run(OWN, "a", of_a, 4, 1))).await;
    ended_run(&store, "b", of_b, 7, 10).await;
    assert_eq!(store.dag_ids(OWN, None, 9).await.expect("read"), [dag_id("a"), dag_id("b")]);
    assert_eq!(store.dag_ids(OWN, Some(&dag_id("a")), 9).await.expect("read"), [dag_id("b")]);
    assert_eq!(store.dag_ids(OTHER, None, 9).await.expect("read"), []);
    let beyond = async |dag: &str, keep, after: Option<u128>, limit| {
        let found = store.runs_beyond(OWN, &dag_id(dag), keep, after.map(run_key), limit).await.expect("read");
        keys(&found)
    };
    let numbers = |numbers: &[u128]| numbers.iter().copied().map(run_key).collect::<Vec<_>>();
    assert_eq!(beyond("a", 1, None, 9).await, numbers(&[1, 2, 3, 5]), "what runs never goes");
    assert_eq!(beyond("a", 3, None, 9).await, numbers(&[1, 2, 3]));
    assert_eq!(beyond("a", 3, None, 2).await, numbers(&[1, 2]));
    assert_eq!(beyond("a", 3, Some(2), 2).await, numbers(&[3]));
    assert_eq!(beyond("a", 5, None, 9).await, numbers(&[1]));
    assert_eq!(beyond("a", 6, None, 9).await, []);
    assert_eq!(beyond("b", 1, None, 9).await, []);
}

/// Whether anybody finds something of run 1.
async fn is_found(store: &impl KeptStores) -> bool {
    let page = PageRequest { limit: 9, offset: 0 };
    let rows = [
        store.run_fetch(OWN, &dag_id("dag"), &run_id("run-1")).await.expect("read").is_some(),
        store.run_snapshot(OWN, run_key(1)).await.expect("read").is_some(),
        !store.run_list(OWN, &RunFilter::default(), page).await.expect("read").rows.is_empty(),
        !store.instance_list(OWN, &InstanceFilter::default(), page).await.expect("read").rows.is_empty(),
        !store.run_keys(OWN, None, 9).await.expect("read").is_empty(),
        !store.runs_ended_before(OWN, at(999), None, 9).await.expect("read").is_empty(),
    ];
    assert!(rows.iter().all(|it| *it == rows[0]), "{rows:?}");
    rows[0]
}

async fn what_is_discarded_is_gone_and_goes_in_pieces(database: &impl Database<Store: KeptStores>) {
    const ITEMS: u32 = 10;
    let store = database.open().await;
    let version = version(&store, OWN, "dag").await;
    let mut new = new_run(OWN, "dag", version, 1, 1);
    new.conf = marker("conf").1.into();
    new.nodes[0].map_length = Some(ITEMS);
    let rows = vec![instances(1, 0, 0, ITEMS, TaskState::Scheduled)];
    commit(&store, RunCommit { runs: vec![new], instances: rows, ..RunCommit::default() }).await;
    let indexes = 0..ITEMS.cast_signed();
    commit(&store, claims(1, indexes.clone().map(|index| claim(1, 0, index)).collect())).await;
    for index in indexes.clone() {
        let token = token(1, 0, index, 1, 1);
        store.state_put(OWN, token, &key("k"), "1", None, at(5)).await.expect("put");
        let end = success(token, &[(RETURN_VALUE, &marker("value").1), ("other", "2")]);
        commit(&store, RunCommit { ended: vec![end], ..RunCommit::default() }).await;
    }
    let signal = NewSignal {
        scope: OWN,
        id: model::SignalId::from_uuid(uuid::Uuid::from_u128(1)),
        run: run_key(1),
        name: "go".into(),
        payload: "null".into(),
        by: "somebody".into(),
        at: at(5),
    };
    assert!(store.signal_insert(&signal).await.expect("sent"));
    let answer = AnswerRow { node: NodeIdx(0), map_index: index(0), answer: Answer::default() };
    let answers = vec![NewAnswer { scope: OWN, run: run_key(1), answer }];
    let wait = NewWait {
        scope: OWN,
        instance: instance(1, 0, 0),
        fence: fence(1),
        kind: WaitKind::Signal,
        key: "go".into(),
        form: None,
        since: at(1),
    };
    let callback = crate::NewCallback {
        scope: OWN,
        run: run_key(1),
        subject: None,
        event: model::callback::CallbackEvent::Success,
        callback: model::Entrypoint::new("tell").expect("a legal name"),
        message: None,
        at: at(5),
        due_at: at(5),
    };
    let owed = RunCommit { callbacks: vec![callback], ..RunCommit::default() };
    commit(&store, RunCommit { answers, waits: vec![wait], ..owed }).await;
    end(&store, 1, 10).await;
    let ended = store.runs_ended_before(OWN, at(11), None, 9).await.expect("read");
    assert!(is_found(&store).await);
    assert_eq!(store.runs_discard(OWN, &ended).await.expect("discarded"), [run_key(1)]);
    assert!(!is_found(&store).await);
    assert_eq!(store.runs_discard(OWN, &ended).await.expect("nothing to discard"), []);
    assert!(store.commit(reopened(1)).await.is_err(), "there is nothing to clear");

    // Whoever does it is killed after each piece.
    let mut pieces = 0;
    loop {
        let store = database.open().await;
        assert_eq!(store.runs_discarded(OWN, None, 9).await.expect("read"), [run_key(1)]);
        assert_eq!(store.runs_discarded(OWN, Some(run_key(1)), 9).await.expect("read"), []);
        assert_eq!(store.runs_discarded(OTHER, None, 9).await.expect("read"), []);
        pieces += 1;
        if store.run_rows_delete(OWN, run_key(1), 4).await.expect("deleted") {
            break;
        }
    }
    assert!((3..20).contains(&pieces), "{pieces}");
    for index in indexes {
        let found = store.xcom_list(OWN, run_key(1), NodeIdx(0), super::fixture::index(index)).await.expect("read");
        assert_eq!(found, []);
        assert_eq!(store.attempt_list(OWN, instance(1, 0, index)).await.expect("read"), []);
    }
    let mut from = Some(RefCursor::Inputs(None));
    while let Some(next) = from {
        let page = store.blob_refs(OWN, next, 9).await.expect("read");
        assert_eq!(page.named, []);
        from = page.next;
    }
    assert_eq!(store.node_list(OWN, run_key(1)).await.expect("read"), []);
    assert_eq!(store.signal_list(OWN, run_key(1)).await.expect("read"), []);
    assert_eq!(store.callback_fetch(OWN, run_key(1), 0).await.expect("read"), None);
    assert_eq!(store.callbacks_due().await.expect("read"), []);
    store.run_forget(OWN, run_key(1)).await.expect("forgotten");
    assert_eq!(store.runs_discarded(OWN, None, 9).await.expect("read"), []);
    // Its id is free again.
    commit(&store, started(NewRun { run_id: run_id("run-1"), ..new_run(OWN, "dag", version, 2, 1) })).await;
}

async fn what_has_changed_meanwhile_stays(database: &impl Database<Store: KeptStores>) {
    let store = database.open().await;
    let version = version(&store, OWN, "dag").await;
    for number in 1..=3 {
        ended_run(&store, "dag", version, number, 10).await;
    }
    let ended = store.runs_ended_before(OWN, at(11), None, 9).await.expect("read");
    // One runs again, another one has done so and has ended again.
    for number in [1, 2] {
        commit(&store, reopened(number)).await;
    }
    end(&store, 2, 20).await;
    assert_eq!(store.runs_discard(OWN, &ended).await.expect("discarded"), [run_key(3)]);
    assert_eq!(snapshot(&store, 1).await.run.state, RunState::Running);
    assert_eq!(snapshot(&store, 2).await.instances.len(), 1);
}

async fn registered(store: &impl Stores, dags: &[(&str, &str)], seconds: i64) -> BundleRegistered {
    store.bundle_register(OWN, bundle("b", dags, seconds)).await.expect("registered")
}

async fn versions_that_something_refers_to_stay(database: &impl Database<Store: KeptStores>) {
    let store = database.open().await;
    let first = registered(&store, &[("dag", "v1")], 1).await;
    let second = registered(&store, &[("dag", "v2")], 2).await;
    let third = registered(&store, &[("dag", "v3")], 3).await;
    let fourth = registered(&store, &[("dag", "v4")], 4).await;
    // The second is current again, the first has a run.
    registered(&store, &[("dag", "v2")], 5).await;
    ended_run(&store, "dag", first.dags[0].version, 1, 10).await;

    let idle = async |seconds| {
        let found = store.versions_idle(OWN, at(seconds), None, 9).await.expect("read");
        found.into_iter().map(|it| (it.key, it.dag_id, it.version_number)).collect::<Vec<_>>()
    };
    let of_third = (third.dags[0].version, dag_id("dag"), 3);
    assert_eq!(idle(99).await, std::slice::from_ref(&of_third), "the newest stays");
    assert_eq!(idle(4).await, [of_third]);
    assert_eq!(idle(3).await, [], "it is young");
    let bundles = async |seconds| {
        let found = store.bundle_versions_idle(OWN, at(seconds), None, 9).await.expect("read");
        found.into_iter().map(|it| it.key).collect::<Vec<_>>()
    };
    assert_eq!(bundles(99).await, [], "versions of DAGs refer to all of them");

    let all = [&first, &second, &third, &fourth];
    let versions = all.map(|it| it.dags[0].version);
    assert_eq!(store.versions_delete(OWN, &versions).await.expect("deleted"), 1);
    assert_eq!(store.versions_delete(OWN, &versions).await.expect("nothing to delete"), 0);
    assert_eq!(idle(99).await, []);
    for (version, is_there) in versions.into_iter().zip([true, true, false, true]) {
        assert_eq!(store.dag_version_fetch(OWN, version).await.expect("read").is_some(), is_there);
    }
    assert_eq!(bundles(99).await, [third.key]);
    assert_eq!(bundles(3).await, []);
    let found = store.bundle_versions_idle(OWN, at(99), None, 9).await.expect("read").remove(0);
    let expect = bundle("b", &[("dag", "v3")], 3);
    assert_eq!((found.name, found.component, found.size_bytes), (expect.name, expect.component, expect.size_bytes));
    assert_eq!(store.bundle_versions_delete(OWN, &all.map(|it| it.key)).await.expect("deleted"), 1);
    assert_eq!(bundles(99).await, []);
    assert_eq!(snapshot(&store, 1).await.run.version_number, 1);

    // Once the run is gone, its version is like others.
    let ended = store.runs_ended_before(OWN, at(99), None, 9).await.expect("read");
    store.runs_discard(OWN, &ended).await.expect("discarded");
    assert_eq!(idle(99).await, [(first.dags[0].version, dag_id("dag"), 1)]);
    assert_eq!(store.versions_delete(OWN, &versions).await.expect("deleted"), 1);
    assert_eq!(bundles(99).await, [first.key]);
}

async fn no_number_of_a_version_is_given_twice(database: &impl Database<Store: KeptStores>) {
    let store = database.open().await;
    let first = registered(&store, &[("dag", "v1")], 1).await;
    let second = registered(&store, &[("dag", "v2")], 2).await;
    registered(&store, &[("dag", "v1")], 3).await;
    let versions = [&first, &second].map(|it| it.dags[0].version);
    assert_eq!(store.versions_delete(OWN, &versions).await.expect("nothing to delete"), 0);
    assert_eq!(registered(&store, &[("dag", "v3")], 4).await.dags[0].version_number, 3);
    assert_eq!(store.versions_delete(OWN, &versions).await.expect("deleted"), 2);
    // What was deleted comes as something new.
    let again = registered(&store, &[("dag", "v1")], 5).await;
    assert_eq!((again.dags[0].version_number, again.dags[0].created), (4, true));
}

async fn nothing_of_another_tenant_goes(database: &impl Database<Store: KeptStores>) {
    let store = database.open().await;
    let first = registered(&store, &[("dag", "v1")], 1).await;
    registered(&store, &[("dag", "v2")], 2).await;
    ended_run(&store, "dag", first.dags[0].version, 1, 10).await;
    let ended = store.runs_ended_before(OWN, at(99), None, 9).await.expect("read");
    assert_eq!(store.runs_ended_before(OTHER, at(99), None, 9).await.expect("read"), []);
    assert_eq!(store.runs_beyond(OTHER, &dag_id("dag"), 1, None, 9).await.expect("read"), []);
    assert_eq!(store.runs_discard(OTHER, &ended).await.expect("nothing to discard"), []);
    assert!(store.run_rows_delete(OTHER, run_key(1), 9).await.expect("nothing to delete"));
    assert_eq!(store.versions_idle(OTHER, at(99), None, 9).await.expect("read"), []);
    assert_eq!(store.versions_delete(OTHER, &[first.dags[0].version]).await.expect("nothing to delete"), 0);
    assert_eq!(store.bundle_versions_idle(OTHER, at(99), None, 9).await.expect("read"), []);
    assert_eq!(store.bundle_versions_delete(OTHER, &[first.key]).await.expect("nothing to delete"), 0);
    assert_eq!(snapshot(&store, 1).await.instances.len(), 1);
}
