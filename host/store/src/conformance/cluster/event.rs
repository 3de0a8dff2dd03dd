//! What waits for owners, and what wakes whoever waits.

use futures::StreamExt;
use futures::stream::BoxStream;
use model::outcome::{Answer, End, ResourcesUsed};
use model::{Digest, RunState};

use super::super::fixture::*;
use super::SharedDatabase;
use super::fixture::*;
use crate::{
    AssetSource, AssetStore, EventKind, NamedValue, NewAssetEvent, NewRun, NewSignal, NewWait, RETURN_VALUE, Report,
    RunCommit, RunStore, SharedRunStore, StoreError, StoredValue, WaitKind, WaitStore, Wake, WorkStore,
};

pub(super) async fn every_field_of_a_report_comes_back(database: &impl SharedDatabase) {
    let store = database.open().await;
    let all = owner(&store, 1).await;
    let ends = [
        End::Success,
        End::Skipped { reason: "no \"need\"".to_owned() },
        End::Failed { message: "é\n".to_owned(), retry: true, delay_ms: Some(7) },
        End::HostLost { message: "gone".to_owned(), suspect: true },
    ];
    offered_run(&store, all, ends.len() as u32).await;
    let taken = take(&store, all.server, 9).await;
    let blob = StoredValue::Blob { digest: Digest::of(b"large"), size_bytes: 5 << 20 };
    let xcoms = vec![inline(RETURN_VALUE, "{\"a\":[1,null]}"), NamedValue { key: key("large"), value: blob }];
    let answer = Answer { list_length: Some(3), item_lengths: Some(vec![Some(1), None]), ..Answer::default() };
    let mut sent = Vec::new();
    for (end, (_, token)) in ends.into_iter().zip(taken) {
        let mut full = report(token);
        full.execution.end = end;
        full.execution.used = ResourcesUsed { wall_us: 1, cpu_us: 2, memory_bytes: 1 << 40 };
        sent.push(Report { xcoms: xcoms.clone(), has_value: true, answer: answer.clone(), ..full });
    }
    store.work_report(all.server, &sent).await.expect("reported");
    let mut found = Vec::new();
    for event in events(&store).await {
        assert_eq!(event.scope, OWN);
        match event.kind {
            EventKind::Reported(report) => found.push(*report),
            other => panic!("{other:?}"),
        }
    }
    found.sort_by_key(|report| report.token.instance);
    sent.sort_by_key(|report| report.token.instance);
    assert_eq!(format!("{found:?}"), format!("{sent:?}"));
}

pub(super) async fn events_are_read_in_order_and_by_shard(database: &impl SharedDatabase) {
    let store = database.open().await;
    let (own, other) = (version(&store, OWN, "dag").await, version(&store, OTHER, "dag").await);
    for number in 1..=5 {
        let (scope, version) = if number == 3 { (OTHER, other) } else { (OWN, own) };
        store.run_insert(new_run(scope, "dag", version, number, 1)).await.expect("inserted");
    }
    let look = |number| Told::Look(run_key(number));
    assert_eq!(event_kinds(&store).await, [look(1), look(2), look(4), look(5)]);
    let both = store.event_list(&[shard(OTHER), shard(OWN)], 3).await.expect("read");
    let found: Vec<_> = both.iter().map(|event| (event.scope, format!("{:?}", event.kind))).collect();
    let expect =
        [(OWN, 1), (OWN, 2), (OTHER, 3)].map(|(scope, it)| (scope, format!("{:?}", EventKind::Look(run_key(it)))));
    assert_eq!(found, expect);
    assert!(both.is_sorted_by_key(|event| event.id));
    assert!(store.event_list(&[], 9).await.expect("read").is_empty());

    let all = owner(&store, 1).await;
    let first_two = both[..2].iter().map(|event| (event.scope, event.id)).collect();
    commit_shared(&store, dealing_with(all, first_two)).await;
    assert_eq!(event_kinds(&store).await, [look(4), look(5)]);
    assert_eq!(database.open().await.event_list(&[shard(OTHER)], 9).await.expect("read").len(), 1);
}

pub(super) async fn a_run_of_somebody_else_is_told_to_its_owner(database: &impl SharedDatabase) {
    let store = database.open().await;
    let version = version(&store, OWN, "dag").await;
    let run = NewRun { state: RunState::Queued, started_at: None, ..new_run(OWN, "dag", version, 1, 2) };
    store.run_insert(run.clone()).await.expect("inserted");
    let made = snapshot(&store, 1).await;
    assert_eq!((made.run.state, made.nodes.len(), made.instances.len()), (RunState::Queued, 2, 0));
    assert_eq!(event_kinds(&store).await, [Told::Look(run_key(1))]);

    let twin = NewRun { key: run_key(2), ..run };
    let refused = store.run_insert(twin).await;
    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    assert!(store.run_snapshot(OWN, run_key(2)).await.expect("read").is_none());
    assert_eq!(event_kinds(&store).await, [Told::Look(run_key(1))], "of what was not made nobody is told");
}

/// Waits for a wake; others may come before it.
async fn heard(wakes: &mut BoxStream<'static, Wake>, expect: Wake) {
    loop {
        if wakes.next().await.expect("wakes never end") == expect {
            return;
        }
    }
}

pub(super) async fn wakes_follow_commits(database: &impl SharedDatabase) {
    let store = database.open().await;
    let all = owner(&store, 1).await;
    let version = version(&store, OWN, "dag").await;
    let mut wakes = store.wakes();
    store.run_insert(new_run(OWN, "dag", version, 8, 1)).await.expect("inserted");
    // It listens from now on: it says that something may have been missed, or has heard this.
    wakes.next().await.expect("wakes never end");

    let (own, other) = (shard(OWN), shard(OTHER));
    run_of(&store, all, OTHER, 9, 1).await;
    heard(&mut wakes, Wake::Committed { shard: other, has_offers: false }).await;
    offered_run(&store, all, 2).await;
    heard(&mut wakes, Wake::Committed { shard: own, has_offers: true }).await;
    let taken = take(&store, all.server, 1).await;
    store.work_report(all.server, &[report(taken[0].1)]).await.expect("reported");
    heard(&mut wakes, Wake::Event(own)).await;
    let end = RunCommit { ended: vec![success(taken[0].1, &[])], ..RunCommit::default() };
    commit_shared(&store, by(all, end)).await;
    heard(&mut wakes, Wake::Committed { shard: own, has_offers: false }).await;
    store.run_ask(OWN, run_key(1), "clear").await.expect("asked");
    heard(&mut wakes, Wake::Event(own)).await;
}

pub(super) async fn what_a_run_waits_for_is_told_to_its_owner(database: &impl SharedDatabase) {
    let store = database.open().await;
    let first = owner(&store, 1).await;
    run_of(&store, first, OWN, 1, 1).await;
    run_of(&store, first, OWN, 2, 1).await;
    let wait = NewWait {
        scope: OWN,
        instance: instance(1, 0, -1),
        fence: fence(1),
        kind: WaitKind::Asset,
        key: "words".into(),
        form: None,
        since: at(1),
    };
    store.commit_shared(by(first, RunCommit { waits: vec![wait], ..RunCommit::default() })).await.expect("committed");
    let event = |name| NewAssetEvent {
        scope: OWN,
        asset: model::AssetName::new(name).expect("a legal name"),
        extra: "{}".into(),
        source: AssetSource::Api { by: "somebody".to_owned() },
        at: at(2),
    };
    store.asset_event_insert(&event("other")).await.expect("written");
    assert_eq!(event_kinds(&store).await, []);
    store.asset_event_insert(&event("words")).await.expect("written");
    let mut told = event_kinds(&store).await;
    told.dedup();
    assert_eq!(told, [Told::Met(run_key(1))]);

    let signal = NewSignal {
        scope: OWN,
        id: model::SignalId::from_uuid(uuid::Uuid::from_u128(1)),
        run: run_key(2),
        name: "go".into(),
        payload: "null".into(),
        by: "somebody".into(),
        at: at(3),
    };
    assert!(store.signal_insert(&signal).await.expect("sent"));
    assert!(!store.signal_insert(&signal).await.expect("sent before"));
    store.run_ask(OWN, run_key(1), r#"{"clear":"é"}"#).await.expect("asked");
    assert!(matches!(store.run_ask(OWN, run_key(3), "x").await, Err(StoreError::Conflict { .. })));
    let mut told = event_kinds(&store).await;
    told.dedup();
    let asked = Told::Asked(run_key(1), r#"{"clear":"é"}"#.to_owned());
    assert_eq!(told, [Told::Met(run_key(1)), Told::Met(run_key(2)), asked]);
}
