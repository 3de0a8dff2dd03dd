//! Commits: everything that a scheduler writes, and what is read back.

use futures::future::join_all;
use model::outcome::ResourcesUsed;
use model::{EndKind, MapIndex, NodeIdx, RunState, RunType, TaskState, TryNumber};

use super::Database;
use super::fixture::*;
use crate::{
    DuplicateKind, EventLogFilter, EventLogStore, Expansion, InstanceFilter, InstanceSnapshot, NewEventLog, NewNode,
    NewRun, NodeRow, PageRequest, RETURN_VALUE, RunCommit, RunReader, RunStateChange, RunStore, ValueStore,
};

const ALL: PageRequest = PageRequest { limit: 1000, offset: 0 };

pub(super) async fn the_life_of_an_instance(database: &impl Database) {
    let store = database.open().await;
    let version = one_run(&store, 2).await;
    let scheduled = instance_of(&store, 1, 0, -1).await;
    let expect = InstanceSnapshot {
        node: NodeIdx(0),
        map_index: NONE,
        state: TaskState::Scheduled,
        try_number: TryNumber(1),
        max_tries: 3,
        fence: model::Fence::NONE,
        retry_at: None,
        since: None,
        times_out: false,
        lost_executions: 0,
        suspect: false,
        has_value: false,
        started_at: None,
    };
    assert_eq!(scheduled, expect);

    commit(&store, claims(1, vec![claim(1, 0, -1), claim(1, 1, -1)])).await;
    let running = instance_of(&store, 1, 0, -1).await;
    let expect = InstanceSnapshot { state: TaskState::Running, fence: fence(1), started_at: Some(at(2)), ..expect };
    assert_eq!(running, expect);

    let first = success(token(1, 0, -1, 1, 1), &[(RETURN_VALUE, "[1,2]"), ("other", "\"é\"")]);
    let first = crate::Ended { list_length: Some(2), ..first };
    let second = ended(token(1, 1, -1, 1, 1), TaskState::Failed);
    let over = RunStateChange {
        scope: OWN,
        run: run_key(1),
        to: RunState::Failed,
        reason: Some("a leaf failed".into()),
        at: at(5),
    };
    commit(&store, RunCommit { ended: vec![first, second], run_states: vec![over], ..RunCommit::default() }).await;

    let after = snapshot(&store, 1).await;
    assert_eq!((after.run.state, after.run.reason.as_deref()), (RunState::Failed, Some("a leaf failed")));
    assert_eq!((after.run.started_at, after.run.ended_at), (Some(at(0)), Some(at(5))));
    assert_eq!(after.instances[0], InstanceSnapshot { state: TaskState::Success, has_value: true, ..expect });
    assert_eq!(after.instances[1].state, TaskState::Failed);
    let node = NodeRow { node: NodeIdx(0), task_id: task_id(0), map_length: None, list_length: Some(2) };
    assert_eq!(after.nodes[0], node);
    assert_eq!(store.node_list(OWN, run_key(1)).await.expect("read"), after.nodes);

    let rows = store.instance_list(OWN, &InstanceFilter::default(), ALL).await.expect("read").rows;
    assert_eq!((rows[0].dag_id.as_str(), rows[0].run_id.as_str(), &rows[0].task_id), ("dag", "run-1", &task_id(0)));
    assert_eq!((rows[0].version, rows[0].version_number, rows[0].worker), (version, 1, Some(WORKER)));
    assert_eq!((rows[0].scheduled_at, rows[0].started_at, rows[0].ended_at), (Some(at(1)), Some(at(2)), Some(at(4))));
    assert_eq!((rows[0].try_number, rows[0].max_tries, rows[0].reason.as_deref()), (TryNumber(1), 3, None));
    assert_eq!(rows[1].reason.as_deref(), Some("as told"));

    let attempts = store.attempt_list(OWN, instance(1, 1, -1)).await.expect("read");
    assert_eq!(attempts.len(), 1);
    assert_eq!((attempts[0].try_number, attempts[0].fence, attempts[0].version), (TryNumber(1), fence(1), version));
    assert_eq!((attempts[0].end, attempts[0].message.as_deref()), (EndKind::Failed, Some("as told")));
    assert_eq!((attempts[0].started_at, attempts[0].ended_at), (at(2), at(4)));
    assert_eq!(attempts[0].used, ResourcesUsed { wall_us: 17, cpu_us: 11, memory_bytes: 65_536 });
    let values = store.xcom_list(OWN, run_key(1), NodeIdx(0), NONE).await.expect("read");
    assert_eq!(values.len(), 2);

    let counts = store.instance_counts(OWN, run_key(1)).await.expect("read");
    assert_eq!(counts, [(NodeIdx(0), TaskState::Success, 1), (NodeIdx(1), TaskState::Failed, 1)]);
}

pub(super) async fn a_range_of_instances(database: &impl Database) {
    let store = database.open().await;
    let version = version(&store, OWN, "dag").await;
    let inserts = vec![
        instances(1, 0, 0, 3000, TaskState::Scheduled),
        instances(1, 1, -1, 1, TaskState::None),
        instances(1, 2, 10, 5, TaskState::UpstreamFailed),
        instances(1, 3, 0, 0, TaskState::None),
    ];
    let runs = vec![new_run(OWN, "dag", version, 1, 4)];
    commit(&store, RunCommit { runs, instances: inserts, ..RunCommit::default() }).await;
    let expect: Vec<_> = (0..3000)
        .map(|index| (0, index, TaskState::Scheduled))
        .chain([(1, -1, TaskState::None)])
        .chain((10..15).map(|index| (2, index, TaskState::UpstreamFailed)))
        .collect();
    assert_eq!(states(&store, 1).await, expect);

    let all = (0..3000).map(|index| claim(1, 0, index)).collect();
    commit(&store, claims(1, all)).await;
    let all = (0..3000).map(|index| {
        let value = format!("\"{index}\"");
        success(token(1, 0, index, 1, 1), &[(RETURN_VALUE, &value)])
    });
    commit(&store, RunCommit { ended: all.collect(), ..RunCommit::default() }).await;
    let counts = store.instance_counts(OWN, run_key(1)).await.expect("read");
    assert_eq!(counts[0], (NodeIdx(0), TaskState::Success, 3000));
    let count = store.xcom_count(OWN, run_key(1), NodeIdx(0), &key(RETURN_VALUE)).await.expect("read");
    assert_eq!(count, 3000);
}

pub(super) async fn a_mapped_task_is_expanded(database: &impl Database) {
    let store = database.open().await;
    let version = version(&store, OWN, "dag").await;
    let waiting = (0..3).map(|node| instances(1, node, -1, 1, TaskState::None)).collect();
    let runs = vec![new_run(OWN, "dag", version, 1, 3)];
    commit(&store, RunCommit { runs, instances: waiting, ..RunCommit::default() }).await;
    let expansion = |node, length| Expansion { scope: OWN, run: run_key(1), node: NodeIdx(node), length };
    let both = RunCommit {
        expansions: vec![expansion(0, 3), expansion(1, 0)],
        instances: vec![instances(1, 0, 0, 2, TaskState::Scheduled)],
        transitions: vec![transition(1, 1, (-1, -1), TaskState::Skipped, None)],
        ..RunCommit::default()
    };
    commit(&store, both).await;
    commit(&store, RunCommit { instances: vec![instances(1, 0, 2, 1, TaskState::Scheduled)], ..RunCommit::default() })
        .await;
    let scheduled = |index| (0, index, TaskState::Scheduled);
    let expect = [scheduled(0), scheduled(1), scheduled(2), (1, -1, TaskState::Skipped), (2, -1, TaskState::None)];
    assert_eq!(states(&store, 1).await, expect);
    let lengths: Vec<_> = snapshot(&store, 1).await.nodes.iter().map(|it| it.map_length).collect();
    assert_eq!(lengths, [Some(3), Some(0), None]);
    assert_eq!(store.map_length(OWN, run_key(1), NodeIdx(0)).await.expect("read"), Some(3));
    assert_eq!(store.map_length(OWN, run_key(1), NodeIdx(2)).await.expect("read"), None);
    assert_eq!(store.map_length(OWN, run_key(1), NodeIdx(9)).await.expect("read"), None);
}

pub(super) async fn transitions_cover_ranges_and_keep_their_order(database: &impl Database) {
    let store = database.open().await;
    let version = version(&store, OWN, "dag").await;
    let rows = vec![instances(1, 0, 0, 10, TaskState::None), instances(1, 1, -1, 1, TaskState::None)];
    let runs = vec![new_run(OWN, "dag", version, 1, 2)];
    let transitions = vec![
        transition(1, 0, (0, 9), TaskState::Scheduled, Some(1)),
        transition(1, 1, (-1, -1), TaskState::Scheduled, Some(1)),
        crate::Transition { reason: Some("why".into()), ..transition(1, 0, (4, 6), TaskState::Skipped, None) },
        transition(1, 0, (5, 5), TaskState::Removed, None),
    ];
    commit(&store, RunCommit { runs, instances: rows, transitions, ..RunCommit::default() }).await;
    let state = |index| match index {
        5 => TaskState::Removed,
        4 | 6 => TaskState::Skipped,
        _ => TaskState::Scheduled,
    };
    let mut expect: Vec<_> = (0..10).map(|index| (0, index, state(index))).collect();
    expect.push((1, -1, TaskState::Scheduled));
    assert_eq!(states(&store, 1).await, expect);
    let filter = InstanceFilter { map_indexes: vec![index(4), index(5), index(7)], ..InstanceFilter::default() };
    let found = store.instance_list(OWN, &filter, ALL).await.expect("read");
    let rows: Vec<_> = found.rows.iter().map(|it| (it.reason.as_deref(), it.try_number.0, it.ended_at)).collect();
    assert_eq!(rows, [(Some("why"), 1, Some(at(3))), (None, 1, Some(at(3))), (None, 1, None)]);
}

pub(super) async fn a_lost_host_and_a_retry(database: &impl Database) {
    let store = database.open().await;
    one_run(&store, 1).await;
    commit(&store, claims(1, vec![claim(1, 0, -1)])).await;
    let lost = ended(token(1, 0, -1, 1, 1), TaskState::Scheduled);
    commit(&store, RunCommit { ended: vec![lost], ..RunCommit::default() }).await;
    let again = instance_of(&store, 1, 0, -1).await;
    assert_eq!((again.state, again.try_number), (TaskState::Scheduled, TryNumber(1)));
    assert_eq!((again.lost_executions, again.suspect), (1, true));

    commit(&store, claims(2, vec![claim(1, 0, -1)])).await;
    let failed = crate::Ended { lost_executions: 1, ..ended(token(1, 0, -1, 1, 2), TaskState::UpForRetry) };
    commit(&store, RunCommit { ended: vec![failed], ..RunCommit::default() }).await;
    let waiting = instance_of(&store, 1, 0, -1).await;
    assert_eq!((waiting.state, waiting.retry_at), (TaskState::UpForRetry, Some(at(9))));

    let again = transition(1, 0, (-1, -1), TaskState::Scheduled, Some(2));
    commit(&store, RunCommit { transitions: vec![again], ..claims(3, vec![claim(1, 0, -1)]) }).await;
    let running = instance_of(&store, 1, 0, -1).await;
    assert_eq!((running.state, running.try_number), (TaskState::Running, TryNumber(2)));
    assert_eq!((running.retry_at, running.fence), (None, fence(3)));
    let attempts = store.attempt_list(OWN, instance(1, 0, -1)).await.expect("read");
    let ends: Vec<_> = attempts.iter().map(|it| (it.try_number.0, it.fence, it.end)).collect();
    assert_eq!(ends, [(1, fence(1), EndKind::HostLost), (1, fence(2), EndKind::Failed)]);
}

fn noted(owner: &str) -> NewEventLog {
    NewEventLog {
        scope: OWN,
        at: at(20),
        event: "trigger".into(),
        owner: owner.into(),
        dag_id: Some(dag_id("dag")),
        run_id: None,
        task_id: None,
        map_index: None,
        try_number: None,
        extra: "{}".into(),
    }
}

pub(super) async fn a_duplicate_run_leaves_the_rest_alone(database: &impl Database) {
    let store = database.open().await;
    let version = version(&store, OWN, "dag").await;
    commit(&store, started(new_run(OWN, "dag", version, 1, 1))).await;
    let mut both = started(new_run(OWN, "dag", version, 2, 1));
    let log = |owner: &str| Some(noted(owner));
    both.runs[0].log = log("ada");
    let twin = NewRun { run_id: run_id("run-1"), log: log("bob"), ..new_run(OWN, "dag", version, 3, 1) };
    let twin = started(twin);
    both.runs.extend(twin.runs);
    both.instances.extend(twin.instances);
    both.claims = vec![claim(3, 0, -1), claim(2, 0, -1)];
    both.fence = Some(fence(1));
    both.run_states =
        vec![RunStateChange { scope: OWN, run: run_key(3), to: RunState::Failed, reason: None, at: at(3) }];
    let committed = store.commit(both).await.expect("committed");
    assert_eq!(committed.duplicate_runs, [duplicate(3, DuplicateKind::RunId, 1)]);
    assert!(store.run_snapshot(OWN, run_key(3)).await.expect("read").is_none());
    assert_eq!(states(&store, 2).await, [(0, -1, TaskState::Running)]);
    assert_eq!(states(&store, 1).await, [(0, -1, TaskState::Scheduled)]);
    let found = store.run_fetch(OWN, &dag_id("dag"), &run_id("run-1")).await.expect("read").expect("found");
    assert_eq!(found.key, run_key(1));

    // Who made a run is noted with it, and not where it was not made.
    let page = PageRequest { limit: 10, offset: 0 };
    let entries = store.event_log_list(OWN, &EventLogFilter::default(), page).await.expect("read").rows;
    assert_eq!(entries.into_iter().map(|row| row.entry).collect::<Vec<_>>(), [noted("ada")]);

    // The same commit once more, as after an answer that was lost.
    let again = store.commit(started(new_run(OWN, "dag", version, 1, 1))).await.expect("committed");
    assert_eq!(again.duplicate_runs, [duplicate(1, DuplicateKind::RunId, 1)]);
}

pub(super) async fn every_field_of_a_run_comes_back(database: &impl Database) {
    let store = database.open().await;
    let version = version(&store, OWN, "dag").await;
    let run = NewRun {
        run_type: RunType::Backfill,
        state: RunState::Queued,
        conf: r#"{"b":1,"a":"quote \" slash \\ line \n nul \u0000 é 🦀"}"#.into(),
        params: r#"{"x":[1.0,1e3,null]}"#.into(),
        note: Some("it's a \"note\"\n'; DROP TABLE dag_run; --".to_owned()),
        triggered_by: "somebody".to_owned(),
        logical_date: Some(at(-5)),
        data_interval: Some((at(-9), at(-5))),
        run_after: at(7),
        queued_at: at(8),
        started_at: None,
        nodes: vec![NewNode { node: NodeIdx(0), task_id: task_id(0), map_length: Some(4) }],
        ..new_run(OWN, "dag", version, 1, 0)
    };
    commit(&store, RunCommit { runs: vec![run.clone()], ..RunCommit::default() }).await;
    let found = store.run_fetch(OWN, &dag_id("dag"), &run_id("run-1")).await.expect("read").expect("found");
    assert_eq!((found.scope, found.key, found.dag_id.as_str(), found.run_id.as_str()), (OWN, run.key, "dag", "run-1"));
    assert_eq!((found.version, found.version_number, found.bundle.as_str()), (version, 1, "bundle_dag"));
    assert_eq!((found.run_type, found.state, found.reason.clone()), (RunType::Backfill, RunState::Queued, None));
    assert_eq!((found.conf.clone(), found.params.clone(), found.note.clone()), (run.conf, run.params, run.note));
    assert_eq!((found.triggered_by.as_str(), found.logical_date), ("somebody", Some(at(-5))));
    assert_eq!((found.data_interval, found.run_after, found.queued_at), (Some((at(-9), at(-5))), at(7), at(8)));
    assert_eq!((found.started_at, found.ended_at, found.clears), (None, None, 0));
    assert_eq!(snapshot(&store, 1).await.run, found);
    assert_eq!(snapshot(&store, 1).await.nodes[0].map_length, Some(4));

    let running = RunStateChange { scope: OWN, run: run.key, to: RunState::Running, reason: None, at: at(20) };
    let ended = RunStateChange { to: RunState::Success, at: at(30), ..running.clone() };
    commit(&store, RunCommit { run_states: vec![running, ended], ..RunCommit::default() }).await;
    let found = snapshot(&store, 1).await.run;
    assert_eq!((found.state, found.started_at, found.ended_at), (RunState::Success, Some(at(20)), Some(at(30))));
}

pub(super) async fn two_hundred_commits_at_once(database: &impl Database) {
    let store = database.open().await;
    let version = version(&store, OWN, "dag").await;
    let lives = (1..=200).map(|number| {
        let store = &store;
        async move {
            let counter = number as u64;
            commit(
                store,
                RunCommit {
                    claims: vec![claim(number, 0, -1)],
                    fence: Some(fence(counter)),
                    ..started(new_run(OWN, "dag", version, number, 1))
                },
            )
            .await;
            // Every other one fails, and takes nobody with it.
            if number % 2 == 0 {
                let stale = ended(token(number, 0, -1, 1, counter + 1), TaskState::Success);
                let refused = store.commit(RunCommit { ended: vec![stale], ..RunCommit::default() }).await;
                assert!(refused.is_err(), "{number}");
            } else {
                let end = success(token(number, 0, -1, 1, counter), &[(RETURN_VALUE, "1")]);
                commit(store, RunCommit { ended: vec![end], ..RunCommit::default() }).await;
            }
        }
    });
    join_all(lives).await;
    for number in 1..=200 {
        let expect = if number % 2 == 0 { TaskState::Running } else { TaskState::Success };
        assert_eq!(states(&store, number).await, [(0, MapIndex::NONE.number(), expect)]);
    }
}

pub(super) async fn counts_are_cut_to_the_largest_that_fits(database: &impl Database) {
    let store = database.open().await;
    one_run(&store, 1).await;
    commit(&store, claims(1, vec![claim(1, 0, -1)])).await;
    let mut end = success(token(1, 0, -1, 1, 1), &[]);
    end.execution.used = ResourcesUsed { wall_us: u64::MAX, cpu_us: 1 << 63, memory_bytes: 5 };
    commit(&store, RunCommit { ended: vec![end], ..RunCommit::default() }).await;
    let attempts = store.attempt_list(OWN, instance(1, 0, -1)).await.expect("read");
    let largest = i64::MAX as u64;
    let expect = ResourcesUsed { wall_us: largest, cpu_us: largest, memory_bytes: 5 };
    assert_eq!(attempts[0].used, expect);
}
