//! Callbacks that runs owe, and deadlines.

use jiff::Timestamp;
use model::callback::{CallbackEvent, CallbackState};
use model::limits::callback::PER_RUN_MAX;
use model::{Entrypoint, NodeIdx, RunState, TenantScope, TryNumber};

use super::fixture::*;
use super::{Database, Stores};
use crate::{
    CallbackEnd, CallbackRow, CallbackStore, CallbackSubject, CallbackToken, DeadlineMet, NewCallback, PageRequest,
    RunCommit, RunStateChange, RunStore, TakenCallback,
};

const PAGE: PageRequest = PageRequest { limit: 10, offset: 0 };

fn owed(run: u128, event: CallbackEvent, name: &str, due: i64) -> NewCallback {
    NewCallback {
        scope: OWN,
        run: run_key(run),
        subject: None,
        event,
        callback: Entrypoint::new(name).expect("a legal name"),
        message: None,
        at: at(1),
        due_at: at(due),
    }
}

fn of_instance(run: u128, index: i32, name: &str, due: i64) -> NewCallback {
    let subject =
        CallbackSubject { node: NodeIdx(0), map_index: super::fixture::index(index), try_number: TryNumber(2) };
    NewCallback {
        subject: Some(subject),
        message: Some("as\0told".into()),
        ..owed(run, CallbackEvent::Failure, name, due)
    }
}

fn owes(callbacks: Vec<NewCallback>) -> RunCommit {
    RunCommit { callbacks, ..RunCommit::default() }
}

async fn all(store: &impl Stores, run: u128) -> Vec<CallbackRow> {
    store.callback_list(OWN, run_key(run), PAGE).await.expect("read").rows
}

async fn take(store: &impl Stores, seconds: i64, limit: u32) -> Vec<TakenCallback> {
    store.callbacks_take(OWN, at(seconds), at(seconds + 30), limit).await.expect("taken")
}

fn names(taken: &[TakenCallback]) -> Vec<&str> {
    let mut names: Vec<_> = taken.iter().map(|it| it.row.callback.as_str()).collect();
    names.sort_unstable();
    names
}

fn token(row: &CallbackRow) -> CallbackToken {
    CallbackToken { scope: row.scope, run: row.run, number: row.number, fence: row.fence }
}

fn over(row: &CallbackRow, to: CallbackState, error: Option<&str>) -> CallbackEnd {
    CallbackEnd {
        token: token(row),
        to,
        try_number: row.try_number,
        lost_executions: row.lost_executions,
        due_at: None,
        ended_at: Some(at(50)),
        error: error.map(str::to_owned),
    }
}

fn again(row: &CallbackRow, seconds: i64) -> CallbackEnd {
    CallbackEnd {
        try_number: TryNumber(row.try_number.0 + 1),
        due_at: Some(at(seconds)),
        ended_at: None,
        ..over(row, CallbackState::Waiting, Some("boom"))
    }
}

async fn due(store: &impl Stores) -> Vec<(TenantScope, Timestamp)> {
    store.callbacks_due().await.expect("read")
}

pub(super) async fn what_is_owed_comes_with_its_cause(database: &impl Database) {
    let store = database.open().await;
    one_run(&store, 1).await;
    let callbacks = vec![of_instance(1, -1, "tell", 5), owed(1, CallbackEvent::Success, "page", 3)];
    // What is overtaken owes nothing.
    let stale = vec![ended(super::fixture::token(1, 0, -1, 1, 7), model::TaskState::Success)];
    let refused = store.commit(RunCommit { ended: stale, ..owes(callbacks.clone()) }).await;
    assert!(refused.is_err());
    assert_eq!(all(&store, 1).await, []);
    commit(&store, owes(callbacks)).await;
    commit(&store, owes(vec![owed(1, CallbackEvent::DeadlineMissed, "late", 9)])).await;
    let store = database.open().await;
    let rows = all(&store, 1).await;
    let first = CallbackRow {
        scope: OWN,
        run: run_key(1),
        number: 0,
        subject: Some(CallbackSubject { node: NodeIdx(0), map_index: NONE, try_number: TryNumber(2) }),
        event: CallbackEvent::Failure,
        callback: Entrypoint::new("tell").expect("a legal name"),
        message: Some("as\u{fffd}told".into()),
        created_at: at(1),
        state: CallbackState::Waiting,
        try_number: TryNumber(1),
        lost_executions: 0,
        fence: model::Fence::NONE,
        due_at: Some(at(5)),
        started_at: None,
        ended_at: None,
        error: None,
    };
    assert_eq!(rows[0], first);
    assert_eq!(
        rows.iter().map(|row| (row.number, row.callback.as_str())).collect::<Vec<_>>(),
        [(0, "tell"), (1, "page"), (2, "late")]
    );
    assert_eq!(store.callback_fetch(OWN, run_key(1), 0).await.expect("read"), Some(first));
    assert_eq!(store.callback_fetch(OWN, run_key(1), 9).await.expect("read"), None);
    assert_eq!(store.callback_fetch(OTHER, run_key(1), 0).await.expect("read"), None);
    assert_eq!(store.callback_list(OTHER, run_key(1), PAGE).await.expect("read").rows, []);
    assert_eq!(due(&store).await, [(OWN, at(3))]);
    let page = store.callback_list(OWN, run_key(1), PageRequest { limit: 1, offset: 1 }).await.expect("read");
    assert_eq!((page.total, page.rows[0].number), (3, 1));
}

pub(super) async fn who_begins_a_callback_has_it_alone(database: &impl Database) {
    let store = database.open().await;
    one_run(&store, 1).await;
    let callbacks =
        (0..4).map(|index| of_instance(1, index, ["a", "b", "c", "d"][index as usize], 5 + i64::from(index)));
    commit(&store, owes(callbacks.collect())).await;
    assert!(take(&store, 4, 9).await.is_empty());
    let first = take(&store, 7, 2).await;
    assert_eq!(names(&first), ["a", "b"], "the longest due first");
    assert_eq!(first[0].run.key, run_key(1));
    let second = take(&store, 7, 9).await;
    assert_eq!(names(&second), ["c"]);
    assert!(store.callbacks_take(OTHER, at(99), at(99), 9).await.expect("taken").is_empty());
    assert_eq!(due(&store).await, [(OWN, at(8))], "one has not begun; the others have leases");

    // One ends, one is called again later.
    let ends = [over(&second[0].row, CallbackState::Success, None), again(&first[0].row, 60)];
    store.callbacks_end(&ends).await.expect("ended");
    let row = store.callback_fetch(OWN, run_key(1), second[0].row.number).await.expect("read").expect("there");
    assert_eq!((row.state, row.due_at, row.ended_at), (CallbackState::Success, None, Some(at(50))));
    let row = store.callback_fetch(OWN, run_key(1), first[0].row.number).await.expect("read").expect("there");
    assert_eq!((row.state, row.try_number, row.due_at), (CallbackState::Waiting, TryNumber(2), Some(at(60))));
    assert_eq!(row.error.as_deref(), Some("boom"));

    // A lease is renewed; the one of who is gone ends, and whoever begins the callback again has another fence.
    store.callbacks_renew(&[token(&first[1].row)], at(90)).await.expect("renewed");
    assert_eq!(names(&take(&store, 60, 9).await), [first[0].row.callback.as_str(), "d"]);
    let taken = take(&store, 95, 9).await;
    let lost = taken.iter().find(|it| it.row.number == first[1].row.number).expect("its lease has ended");
    assert_eq!((lost.row.lost_executions, lost.row.try_number), (1, TryNumber(1)));
    assert!(lost.row.fence > first[1].row.fence);
    store.callbacks_end(&[over(&first[1].row, CallbackState::Failed, Some("stale"))]).await.expect("no error");
    store.callbacks_renew(&[token(&first[1].row)], at(900)).await.expect("no error");
    let row = store.callback_fetch(OWN, run_key(1), lost.row.number).await.expect("read").expect("there");
    assert_eq!((row.state, row.due_at, row.error), (CallbackState::Running, Some(at(125)), None));

    // After a start, whatever had begun has not.
    let store = database.open().await;
    store.callbacks_let_go(at(96)).await.expect("let go");
    assert_eq!(take(&store, 96, 9).await.len(), taken.len());
}

pub(super) async fn a_deadline_goes_with_a_run_that_ends_before(database: &impl Database) {
    let store = database.open().await;
    let version = one_run(&store, 1).await;
    commit(&store, started(new_run(OWN, "dag", version, 2, 1))).await;
    let deadline = |run, seconds| owed(run, CallbackEvent::DeadlineMissed, "late", seconds);
    commit(&store, owes(vec![deadline(1, 10), deadline(1, 20), owed(1, CallbackEvent::Failure, "tell", 30)])).await;
    commit(&store, owes(vec![deadline(2, 10)])).await;
    let end = |run: u128, seconds| RunCommit {
        run_states: vec![RunStateChange {
            scope: OWN,
            run: run_key(run),
            to: RunState::Success,
            reason: None,
            at: at(seconds),
        }],
        deadlines_met: vec![DeadlineMet { scope: OWN, run: run_key(run), at: at(seconds) }],
        ..RunCommit::default()
    };
    // The first one is missed though nobody has told of it yet.
    commit(&store, RunCommit { callbacks: vec![owed(1, CallbackEvent::Success, "done", 15)], ..end(1, 15) }).await;
    let rows = all(&store, 1).await;
    let left: Vec<_> = rows.iter().map(|row| (row.callback.as_str(), row.due_at)).collect();
    assert_eq!(left, [("late", Some(at(10))), ("tell", Some(at(30))), ("done", Some(at(15)))]);
    // One that somebody has begun to tell of stays, however that goes.
    let taken = take(&store, 10, 9).await;
    assert_eq!(names(&taken), ["late", "late"]);
    let other = taken.iter().find(|it| it.row.run == run_key(2)).expect("of the other run");
    store.callbacks_end(&[again(&other.row, 70)]).await.expect("ended");
    commit(&store, end(2, 16)).await;
    assert_eq!(all(&store, 2).await.len(), 1);
}

pub(super) async fn what_is_too_much_is_left_out_and_counted(database: &impl Database) {
    let store = database.open().await;
    one_run(&store, 1).await;
    let most = PER_RUN_MAX.cast_signed();
    commit(&store, owes((0..most - 1).map(|index| of_instance(1, index, "tell", 5)).collect())).await;
    assert_eq!(store.callbacks_left_out(OWN, run_key(1)).await.expect("read"), 0);
    let mut callbacks: Vec<_> = (0..3).map(|index| of_instance(1, most + index, "tell", 5)).collect();
    callbacks.push(owed(1, CallbackEvent::Failure, "page", 5));
    commit(&store, owes(callbacks)).await;
    commit(&store, owes(vec![of_instance(1, 2 * most, "tell", 5)])).await;
    assert_eq!(store.callbacks_left_out(OWN, run_key(1)).await.expect("read"), 3);
    let page = PageRequest { limit: 10, offset: PER_RUN_MAX - 1 };
    let page = store.callback_list(OWN, run_key(1), page).await.expect("read");
    assert_eq!(page.total, u64::from(PER_RUN_MAX) + 1, "the run's own end is always told");
    assert_eq!(page.rows.iter().map(|row| row.callback.as_str()).collect::<Vec<_>>(), ["tell", "page"]);
}
