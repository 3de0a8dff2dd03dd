//! The server goes away and comes back: callers are told, nothing is half done, and the store goes on by itself.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::join_all;
use sqlx::Executor;
use store::{CommitError, RunReader, RunStore, StoreError};
use testkit_postgres::{Durability, Server, database};
use tokio::time::timeout;

use crate::filled::{OWN, fill, new_run, open, raw, register, run_key};

/// Longer than any pause of the store.
const BOUND: Duration = Duration::from_secs(30);

/// Tries until it succeeds.
async fn until_ok<T, E>(work: impl AsyncFn() -> Result<T, E>) -> T {
    let tries = async {
        loop {
            match work().await {
                Ok(done) => return done,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    };
    timeout(BOUND, tries).await.expect("it recovers")
}

/// Must end, whatever the end.
async fn in_time<T>(work: impl Future<Output = T>) -> T {
    timeout(BOUND, work).await.expect("nobody waits for ever")
}

fn is_unavailable<T>(answer: &Result<T, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Unavailable { .. }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_was_restarted_is_used_again() {
    let mut server = Server::start(Durability::Full);
    let database = server.database();
    let store = open(&database.url()).await.unwrap();
    fill(&store).await;
    for (round, kill) in [(0, false), (1, true)] {
        if kill {
            server.kill()
        } else {
            server.stop()
        }
        let refused = in_time(store.commit(new_run(10 + round, 2))).await;
        assert!(matches!(refused, Err(CommitError::Store(StoreError::Unavailable { .. }))), "{refused:?}");
        // While the server is away, nobody tries to connect for every caller.
        let refused = in_time(store.commit(new_run(10 + round, 2))).await;
        assert!(matches!(refused, Err(CommitError::Store(StoreError::Unavailable { .. }))), "{refused:?}");
        assert!(is_unavailable(&in_time(store.run_snapshot(OWN, run_key(1))).await));
        assert!(is_unavailable(&in_time(store.epoch_advance()).await));

        server.start_again();
        let committed = until_ok(|| store.commit(new_run(20 + round, 2))).await;
        assert_eq!(committed.duplicate_runs, []);
        for number in [1, 20 + round] {
            let snapshot = until_ok(|| store.run_snapshot(OWN, run_key(number))).await.expect("what was acknowledged");
            assert_eq!(snapshot.instances.len(), 2);
        }
        assert!(store.run_snapshot(OWN, run_key(10 + round)).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn an_idle_session_that_was_ended_fails_nobody() {
    let database = database();
    let store = open(&database.url()).await.unwrap();
    fill(&store).await;
    store.run_snapshot(OWN, run_key(1)).await.unwrap();
    end_sessions(&mut raw(&database.url()).await).await;
    assert!(store.run_snapshot(OWN, run_key(1)).await.unwrap().is_some());
    // The writer's session is looked at only after a rest.
    until_ok(|| store.commit(new_run(2, 2))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_that_end_in_the_middle_leave_nothing_half_done() {
    const CALLERS: u64 = 4;
    const ROUNDS: u64 = 12;
    const INSTANCES: u32 = 300;
    let database = database();
    let store = open(&database.url()).await.unwrap();
    register(&store).await;
    let mut conn = raw(&database.url()).await;
    let committed = AtomicU64::new(0);
    let callers = async {
        let lives = (0..CALLERS).map(async |caller| {
            let mut told = Vec::new();
            for round in 0..ROUNDS {
                let number = u128::from(1 + caller * ROUNDS + round);
                let answer = in_time(store.commit(new_run(number, INSTANCES))).await;
                committed.fetch_add(1, Ordering::Relaxed);
                told.push((number, answer));
            }
            told
        });
        join_all(lives).await.concat()
    };
    let killer = async {
        while committed.load(Ordering::Relaxed) < CALLERS * ROUNDS {
            end_sessions(&mut conn).await;
            tokio::task::yield_now().await;
        }
    };
    let (told, ()) = tokio::join!(callers, killer);
    let mut failed = 0;
    for (number, answer) in &told {
        let snapshot = until_ok(|| store.run_snapshot(OWN, run_key(*number))).await;
        let instances = snapshot.map(|it| it.instances.len());
        match answer {
            Ok(_) => assert_eq!(instances, Some(INSTANCES as usize), "{number}"),
            Err(error) => {
                assert!(matches!(error, CommitError::Store(StoreError::Unavailable { .. })), "{error:?}");
                assert!(matches!(instances, None | Some(300)), "{number}: {instances:?}");
                failed += 1;
            }
        }
    }
    assert!(failed > 0, "no session ended in the middle");
    until_ok(|| store.commit(new_run(1_000, 2))).await;
    assert_eq!(store.node_list(OWN, run_key(1_000)).await.unwrap().len(), 1);
}

async fn end_sessions(conn: &mut sqlx::PgConnection) {
    const END: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'waft'";
    conn.execute(END).await.unwrap();
}
