//! What people do to runs, and what machines decide beside states: resets, marks, ends of executions, blocks, answers, values.

use model::outcome::{Answer, Choice};
use model::{EndKind, NodeIdx, RunState, ScopeIdx, TaskState, TryNumber};

use super::fixture::*;
use super::{Database, Stores};
use crate::{
    AnswerRow, BlockRow, Cancelled, CommitError, EventLogFilter, EventLogStore, Expansion, InstanceSnapshot, NewAnswer,
    NewBlock, NewEventLog, NewNode, NewValues, PageRequest, RETURN_VALUE, Reopened, Reset, RunCommit, RunReader,
    RunStateChange, StateStore, Transition, ValueStore,
};

fn reset(node: u32, (first, last): (i32, i32), keeps_state: bool) -> Reset {
    Reset { scope: OWN, run: run_key(1), node: NodeIdx(node), first: index(first), last: index(last), keeps_state }
}

fn again() -> Reopened {
    Reopened { scope: OWN, run: run_key(1), version: None, tasks: None, at: at(20) }
}

fn cancelled(node: u32, map_index: i32, counter: u64) -> Cancelled {
    let message = "somebody cleared it".into();
    Cancelled { scope: OWN, instance: instance(1, node, map_index), fence: fence(counter), message, at: at(20) }
}

fn over(to: RunState) -> RunStateChange {
    RunStateChange { scope: OWN, run: run_key(1), to, reason: Some("over".into()), at: at(10) }
}

/// Run 1: task 0 with five instances that have succeeded with values and state, task 1 that has succeeded with a list of two, task 2
/// that runs.
async fn mostly_done(store: &impl Stores) {
    let version = version(store, OWN, "dag").await;
    let made = vec![
        instances(1, 0, 0, 5, TaskState::Scheduled),
        instances(1, 1, -1, 1, TaskState::Scheduled),
        instances(1, 2, -1, 1, TaskState::Scheduled),
    ];
    let runs = vec![new_run(OWN, "dag", version, 1, 3)];
    commit(store, RunCommit { runs, instances: made, ..RunCommit::default() }).await;
    let all = (0..5).map(|index| claim(1, 0, index)).chain([claim(1, 1, -1), claim(1, 2, -1)]);
    commit(store, claims(1, all.collect())).await;
    for index in 0..5 {
        let token = token(1, 0, index, 1, 1);
        store.state_put(OWN, token, &key("kept"), "1", None, at(3)).await.expect("put");
    }
    let ends = (0..5).map(|index| success(token(1, 0, index, 1, 1), &[(RETURN_VALUE, "7"), ("other", "8")]));
    let list = crate::Ended { list_length: Some(2), ..success(token(1, 1, -1, 1, 1), &[(RETURN_VALUE, "[1,2]")]) };
    let answers = vec![
        answer(0, 3, Answer { list_length: Some(4), ..Answer::default() }),
        answer(1, -1, Answer { choice: Some(Choice::Only(Vec::new())), ..Answer::default() }),
    ];
    commit(store, RunCommit { ended: ends.chain([list]).collect(), answers, ..RunCommit::default() }).await;
}

fn answer(node: u32, map_index: i32, answer: Answer) -> NewAnswer {
    let answer = AnswerRow { node: NodeIdx(node), map_index: index(map_index), answer };
    NewAnswer { scope: OWN, run: run_key(1), answer }
}

async fn values(store: &impl Stores, node: u32) -> Vec<i32> {
    let name = key(RETURN_VALUE);
    let page = store.xcom_indexes(OWN, run_key(1), NodeIdx(node), &name, NONE, 100);
    page.await.expect("read").into_iter().map(|it| it.number()).collect()
}

async fn check_overtaken(store: &impl Stores, commit: RunCommit) {
    match store.commit(commit).await {
        Err(CommitError::Overtaken(runs)) => assert_eq!(runs, [run_key(1)]),
        other => panic!("{other:?}"),
    }
}

pub(super) async fn a_reset_forgets_what_an_instance_left(database: &impl Database) {
    let store = database.open().await;
    mostly_done(&store).await;
    commit(&store, RunCommit { run_states: vec![over(RunState::Failed)], ..RunCommit::default() }).await;
    let resets = vec![reset(0, (1, 2), false), reset(0, (3, 3), true), reset(1, (-1, -1), false)];
    commit(&store, RunCommit { reopened: vec![again()], resets, ..RunCommit::default() }).await;

    let after = snapshot(&store, 1).await;
    let run = &after.run;
    assert_eq!((run.state, run.reason.as_deref(), run.clears), (RunState::Running, None, 1));
    assert_eq!((run.started_at, run.ended_at), (Some(at(20)), None));
    let is_reset = |it: &InstanceSnapshot| it.state == TaskState::None;
    let reset: Vec<_> = after.instances.iter().filter(|it| is_reset(it)).collect();
    let places: Vec<_> = reset.iter().map(|it| (it.node.0, it.map_index.number())).collect();
    assert_eq!(places, [(0, 1), (0, 2), (0, 3), (1, -1)]);
    for it in reset {
        assert_eq!((it.try_number, it.max_tries, it.has_value), (TryNumber(1), 4, false));
        assert_eq!((it.started_at, it.retry_at, it.fence), (None, None, fence(1)));
    }
    assert_eq!((values(&store, 0).await, values(&store, 1).await), (vec![0, 4], Vec::new()));
    assert_eq!(after.answers, []);
    assert_eq!(after.nodes[1].list_length, None);
    assert_eq!(store.attempt_list(OWN, instance(1, 0, 1)).await.expect("read").len(), 1);

    // What was to keep its state has it when it runs again.
    let transitions = vec![transition(1, 0, (1, 3), TaskState::Scheduled, Some(2))];
    let claims = claims(2, (1..4).map(|index| claim(1, 0, index)).collect());
    commit(&store, RunCommit { transitions, ..claims }).await;
    for (index, kept) in [(1, None), (3, Some("1".to_owned()))] {
        let found = store.state_fetch(OWN, token(1, 0, index, 2, 2), &key("kept"), at(30)).await.expect("read");
        assert_eq!(found, kept, "{index}");
    }
}

pub(super) async fn what_is_cancelled_leaves_an_attempt_and_a_stale_fence(database: &impl Database) {
    let store = database.open().await;
    mostly_done(&store).await;
    let halt = RunCommit {
        cancelled: vec![cancelled(2, -1, 1)],
        transitions: vec![transition(1, 2, (-1, -1), TaskState::Skipped, None)],
        ..RunCommit::default()
    };
    commit(&store, halt.clone()).await;
    assert_eq!(instance_of(&store, 1, 2, -1).await.state, TaskState::Skipped);
    let attempts = store.attempt_list(OWN, instance(1, 2, -1)).await.expect("read");
    let attempt = &attempts[0];
    assert_eq!((attempt.end, attempt.message.as_deref()), (EndKind::Cancelled, Some("somebody cleared it")));
    assert_eq!((attempt.started_at, attempt.ended_at, attempt.fence), (at(2), at(20), fence(1)));
    // Its report is stale, and it is not cancelled twice.
    let late = RunCommit { ended: vec![success(token(1, 2, -1, 1, 1), &[])], ..RunCommit::default() };
    check_overtaken(&store, late).await;
    check_overtaken(&store, halt).await;

    // What is reset is cancelled and waits again, in one commit.
    let again = RunCommit {
        transitions: vec![transition(1, 2, (-1, -1), TaskState::Scheduled, Some(2))],
        reopened: vec![again()],
        resets: vec![reset(2, (-1, -1), false)],
        ..RunCommit::default()
    };
    commit(&store, again.clone()).await;
    commit(&store, claims(3, vec![claim(1, 2, -1)])).await;
    check_overtaken(&store, RunCommit { cancelled: vec![cancelled(2, -1, 1)], ..RunCommit::default() }).await;
    let transitions = vec![transition(1, 2, (-1, -1), TaskState::Scheduled, Some(3))];
    commit(&store, RunCommit { cancelled: vec![cancelled(2, -1, 3)], transitions, ..again }).await;
    let found = instance_of(&store, 1, 2, -1).await;
    assert_eq!((found.state, found.try_number, found.max_tries), (TaskState::Scheduled, TryNumber(3), 5));
    assert_eq!(store.attempt_list(OWN, instance(1, 2, -1)).await.expect("read").len(), 2);
}

pub(super) async fn a_mark_takes_any_state(database: &impl Database) {
    let store = database.open().await;
    mostly_done(&store).await;
    commit(&store, RunCommit { run_states: vec![over(RunState::Success)], ..RunCommit::default() }).await;
    let mark = |node, range, to| Transition { reason: Some("by hand".into()), ..transition(1, node, range, to, None) };
    let marks = vec![
        mark(0, (0, 1), TaskState::Failed),
        mark(0, (4, 4), TaskState::Success),
        mark(2, (-1, -1), TaskState::Success),
    ];
    let commits = RunCommit {
        reopened: vec![again()],
        cancelled: vec![cancelled(2, -1, 1)],
        marks,
        run_states: vec![over(RunState::Failed)],
        ..RunCommit::default()
    };
    commit(&store, commits).await;
    let failed = |index| (0, index, TaskState::Failed);
    let well = |index| (0, index, TaskState::Success);
    let expect = [failed(0), failed(1), well(2), well(3), well(4), (1, -1, TaskState::Success)];
    assert_eq!(states(&store, 1).await[..6], expect);
    assert_eq!(instance_of(&store, 1, 2, -1).await.state, TaskState::Success);
    let run = snapshot(&store, 1).await.run;
    assert_eq!((run.state, run.clears, run.ended_at), (RunState::Failed, 1, Some(at(10))));
    let rows = crate::InstanceFilter { run: Some(run_key(1)), ..crate::InstanceFilter::default() };
    let page = PageRequest { limit: 9, offset: 0 };
    let rows = store.instance_list(OWN, &rows, page).await.expect("read").rows;
    assert_eq!(rows[0].reason.as_deref(), Some("by hand"));
    // What is no success any more has left and said nothing.
    assert_eq!(values(&store, 0).await, [2, 3, 4]);
    let has_value = |index| instance_of(&store, 1, 0, index);
    assert!(!has_value(0).await.has_value && has_value(4).await.has_value);
    let marks = vec![mark(1, (-1, -1), TaskState::Skipped)];
    commit(&store, RunCommit { marks, ..RunCommit::default() }).await;
    let after = snapshot(&store, 1).await;
    assert_eq!((after.answers.len(), after.nodes[1].list_length), (1, None));
    let missing = vec![mark(0, (5, 5), TaskState::Failed)];
    check_overtaken(&store, RunCommit { marks: missing, ..RunCommit::default() }).await;
}

pub(super) async fn what_is_removed_loses_its_values(database: &impl Database) {
    let store = database.open().await;
    mostly_done(&store).await;
    let transitions = vec![transition(1, 0, (3, 4), TaskState::Removed, None)];
    commit(&store, RunCommit { transitions, ..RunCommit::default() }).await;
    assert_eq!(values(&store, 0).await, [0, 1, 2]);
    assert_eq!(store.xcom_list(OWN, run_key(1), NodeIdx(0), index(4)).await.expect("read"), []);
    assert_eq!(store.xcom_count(OWN, run_key(1), NodeIdx(0), &key("other")).await.expect("read"), 3);
}

pub(super) async fn states_follow_each_other_as_they_may(database: &impl Database) {
    let store = database.open().await;
    mostly_done(&store).await;
    for to in [TaskState::Scheduled, TaskState::Skipped, TaskState::Failed, TaskState::UpForRetry] {
        // Somebody who acts on old rows does not move what has ended.
        let transitions = vec![transition(1, 0, (0, 0), to, None)];
        check_overtaken(&store, RunCommit { transitions, ..RunCommit::default() }).await;
    }
    assert_eq!(instance_of(&store, 1, 0, 0).await.state, TaskState::Success);
}

pub(super) async fn contexts_and_answers_come_back(database: &impl Database) {
    let store = database.open().await;
    mostly_done(&store).await;
    let block = |level, first, live| BlockRow { level: ScopeIdx(level), parent: 1, first, length: 3, offset: 2, live };
    let new = |block| NewBlock { scope: OWN, run: run_key(1), block };
    let full = Answer {
        choice: Some(Choice::All),
        list_length: Some(3),
        item_lengths: Some(vec![Some(1), None, Some(1_000_000)]),
    };
    let first = RunCommit {
        blocks: vec![new(block(2, 3, 3)), new(block(1, 0, 3)), new(block(2, 0, 0))],
        answers: vec![answer(0, 4, full.clone())],
        ..RunCommit::default()
    };
    commit(&store, first).await;
    let found = snapshot(&store, 1).await;
    assert_eq!(found.blocks, [block(1, 0, 3), block(2, 0, 0), block(2, 3, 3)]);
    let places: Vec<_> = found.answers.iter().map(|it| (it.node.0, it.map_index.number())).collect();
    assert_eq!(places, [(0, 3), (0, 4), (1, -1)]);
    assert_eq!(found.answers[1].answer, full);

    let shorter = Answer { list_length: Some(1), ..Answer::default() };
    // Of two for one the last one stays.
    let second = RunCommit {
        blocks: vec![new(block(2, 3, 2)), new(block(2, 3, 1)), new(block(2, 6, 3))],
        answers: vec![answer(0, 4, full), answer(0, 4, shorter.clone())],
        ..RunCommit::default()
    };
    commit(&store, second).await;
    let found = snapshot(&store, 1).await;
    assert_eq!(found.blocks, [block(1, 0, 3), block(2, 0, 0), block(2, 3, 1), block(2, 6, 3)]);
    assert_eq!(found.answers[1].answer, shorter);

    // A run that gets other levels of mapping, and a task more, has the blocks of the same commit alone.
    let task = NewNode { node: NodeIdx(3), task_id: "more".parse().expect("a name"), map_length: None };
    let reopened = vec![Reopened { tasks: Some(vec![task]), ..again() }];
    let made = vec![instances(1, 3, -1, 1, TaskState::None)];
    let third = RunCommit { reopened, blocks: vec![new(block(1, 0, 2))], instances: made, ..RunCommit::default() };
    commit(&store, third).await;
    let found = snapshot(&store, 1).await;
    assert_eq!(found.blocks, [block(1, 0, 2)]);
    let tasks: Vec<_> = found.nodes.iter().map(|node| (node.node.0, node.task_id.as_str())).collect();
    assert_eq!((tasks.len(), tasks[3]), (4, (3, "more")));
    assert_eq!(found.instances.iter().filter(|row| row.node == NodeIdx(3)).count(), 1);
    assert_eq!(found.run.clears, 1);
}

pub(super) async fn a_list_that_has_grown_adds_rows(database: &impl Database) {
    let store = database.open().await;
    let version = version(&store, OWN, "dag").await;
    let waiting = vec![instances(1, 0, -1, 1, TaskState::None)];
    let runs = vec![new_run(OWN, "dag", version, 1, 1)];
    commit(&store, RunCommit { runs, instances: waiting, ..RunCommit::default() }).await;
    let grow = |from: u32, length| RunCommit {
        expansions: vec![Expansion { scope: OWN, run: run_key(1), node: NodeIdx(0), length }],
        instances: vec![instances(1, 0, from as i32, length - from, TaskState::None)],
        ..RunCommit::default()
    };
    commit(&store, grow(0, 2)).await;
    commit(&store, grow(2, 5)).await;
    assert_eq!(states(&store, 1).await.len(), 5);
    check_overtaken(&store, grow(2, 5)).await;
    assert_eq!(store.map_length(OWN, run_key(1), NodeIdx(0)).await.expect("read"), Some(5));
}

pub(super) async fn an_approval_waits_and_leaves_its_answers(database: &impl Database) {
    let store = database.open().await;
    let version = version(&store, OWN, "dag").await;
    let ask = crate::NewInstances {
        retry_at: Some(at(90)),
        try_number: TryNumber(1),
        ..instances(1, 0, -1, 1, TaskState::AwaitingInput)
    };
    let later = instances(1, 1, -1, 1, TaskState::None);
    let runs = vec![new_run(OWN, "dag", version, 1, 2)];
    commit(&store, RunCommit { runs, instances: vec![ask, later], ..RunCommit::default() }).await;
    let waits = instance_of(&store, 1, 0, -1).await;
    assert_eq!((waits.retry_at, waits.times_out, waits.since), (Some(at(90)), true, None));
    let ask = Transition { retry_at: Some(at(91)), ..transition(1, 1, (-1, -1), TaskState::AwaitingInput, Some(1)) };
    commit(&store, RunCommit { transitions: vec![ask], ..RunCommit::default() }).await;
    let waits = instance_of(&store, 1, 1, -1).await;
    assert_eq!((waits.retry_at, waits.times_out), (Some(at(91)), true));

    let given = vec![inline(RETURN_VALUE, r#"{"ok":true}"#)];
    let answered = RunCommit {
        transitions: vec![transition(1, 0, (-1, -1), TaskState::Success, None)],
        values: vec![NewValues { scope: OWN, instance: instance(1, 0, -1), values: given, at: at(30) }],
        ..RunCommit::default()
    };
    commit(&store, answered).await;
    let done = instance_of(&store, 1, 0, -1).await;
    assert_eq!((done.state, done.has_value, done.times_out, done.retry_at), (TaskState::Success, true, false, None));
    let found = store.xcom_list(OWN, run_key(1), NodeIdx(0), NONE).await.expect("read");
    assert_eq!((found.len(), found[0].created_at), (1, at(30)));
}

pub(super) async fn what_is_done_is_logged_with_it(database: &impl Database) {
    let store = database.open().await;
    mostly_done(&store).await;
    let entry = NewEventLog {
        scope: OWN,
        at: at(20),
        event: "clear".into(),
        owner: "somebody".into(),
        dag_id: Some(dag_id("dag")),
        run_id: Some(run_id("run-1")),
        task_id: Some(task_id(0)),
        map_index: Some(index(3)),
        try_number: Some(TryNumber(1)),
        extra: r#"{"why":"it was wrong"}"#.into(),
    };
    let clear = RunCommit { resets: vec![reset(0, (3, 3), false)], logs: vec![entry.clone()], ..RunCommit::default() };
    commit(&store, clear).await;
    // What was not done is not logged.
    let refused =
        RunCommit { resets: vec![reset(0, (9, 9), false)], logs: vec![entry.clone()], ..RunCommit::default() };
    check_overtaken(&store, refused).await;
    let short = NewEventLog {
        event: "pause".into(),
        dag_id: Some(dag_id("other")),
        run_id: None,
        task_id: None,
        map_index: None,
        try_number: None,
        at: at(30),
        ..entry.clone()
    };
    let id = store.event_log_insert(&short).await.expect("written");
    assert_eq!(store.event_log_fetch(OWN, id).await.expect("read").expect("found").entry, short);
    assert_eq!(store.event_log_fetch(OTHER, id).await.expect("read"), None);
    let all = EventLogFilter { descending: true, ..EventLogFilter::default() };
    let page = PageRequest { limit: 10, offset: 0 };
    let found = store.event_log_list(OWN, &all, page).await.expect("read");
    let entries: Vec<_> = found.rows.iter().map(|row| row.entry.clone()).collect();
    assert_eq!((entries, found.total), (vec![short, entry], 2));
    let none = EventLogFilter::default;
    for (filter, count) in [
        (EventLogFilter { dag_id: Some(dag_id("dag")), ..none() }, 1),
        (EventLogFilter { run_id: Some(run_id("run-1")), task_id: Some(task_id(0)), ..none() }, 1),
        (EventLogFilter { map_index: Some(index(2)), ..none() }, 0),
        (EventLogFilter { try_number: Some(TryNumber(1)), ..none() }, 1),
        (EventLogFilter { owner: Some("nobody".to_owned()), ..none() }, 0),
        (EventLogFilter { events: vec!["pause".to_owned(), "clear".to_owned()], ..none() }, 2),
        (EventLogFilter { excluded_events: vec!["pause".to_owned()], ..none() }, 1),
        (EventLogFilter { after: Some(at(20)), ..none() }, 1),
        (EventLogFilter { before: Some(at(20)), ..none() }, 0),
    ] {
        let found = store.event_log_list(OWN, &filter, page).await.expect("read");
        assert_eq!(found.rows.len(), count, "{filter:?}");
    }
    assert_eq!(store.event_log_list(OTHER, &none(), page).await.expect("read").total, 0);
}

pub(super) async fn one_of_many_is_cleared_alone(database: &impl Database) {
    let store = database.open().await;
    let version = version(&store, OWN, "dag").await;
    let runs = vec![new_run(OWN, "dag", version, 1, 1)];
    let made = vec![instances(1, 0, 0, 2_000, TaskState::Scheduled)];
    commit(&store, RunCommit { runs, instances: made, ..RunCommit::default() }).await;
    let transitions = vec![transition(1, 0, (0, 1_999), TaskState::Skipped, None)];
    commit(&store, RunCommit { transitions, ..RunCommit::default() }).await;
    let resets = vec![reset(0, (1_500, 1_500), false)];
    commit(&store, RunCommit { reopened: vec![again()], resets, ..RunCommit::default() }).await;
    let counts = store.instance_counts(OWN, run_key(1)).await.expect("read");
    assert_eq!(counts, [(NodeIdx(0), TaskState::None, 1), (NodeIdx(0), TaskState::Skipped, 1_999)]);
}
