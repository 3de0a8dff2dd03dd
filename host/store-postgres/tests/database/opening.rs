//! Who may open a database, and what the others are told.

use futures::future::join_all;
use sqlx::{AssertSqlSafe, Executor};
use store::{RunStore, StoreError};
use testkit_postgres::{Durability, Server, database};

use crate::filled::{open, raw};

/// Opening must fail with an error of this kind that has all these words in it, and no password.
async fn check(url: &str, is_kind: fn(&StoreError) -> bool, words: &[&str]) {
    let error = open(url).await.expect_err(url);
    assert!(is_kind(&error), "{error:?}");
    let text = error.to_string();
    assert!(words.iter().all(|word| text.contains(word)), "{text}");
    assert!(!text.contains("very-secret"), "{text}");
}

fn is_unusable(error: &StoreError) -> bool {
    matches!(error, StoreError::Unusable { .. })
}

fn is_not_writable(error: &StoreError) -> bool {
    matches!(error, StoreError::NotWritable { .. })
}

fn is_unavailable(error: &StoreError) -> bool {
    matches!(error, StoreError::Unavailable { .. })
}

#[tokio::test]
async fn who_is_refused_is_told_what_to_do() {
    let mut server = Server::start(Durability::None);
    let (user, password) = server.credentials();
    let own = server.database();
    open(&server.tcp_url(user, password, own.name())).await.expect("the right credentials");

    let wrong = server.tcp_url(user, "very-secret", own.name());
    check(&wrong, is_unusable, &["127.0.0.1", user, "check name and password"]).await;
    let nobody = server.tcp_url("nobody-knows", "very-secret", own.name());
    check(&nobody, is_unusable, &["nobody-knows", "check name and password"]).await;
    let nowhere = server.tcp_url(user, password, "nowhere");
    check(&nowhere, is_unusable, &["nowhere", "createdb nowhere"]).await;

    let mut conn = raw(&own.url()).await;
    let setting = format!("ALTER DATABASE {} SET default_transaction_read_only = on", own.name());
    conn.execute(AssertSqlSafe(setting)).await.unwrap();
    check(&own.url(), is_not_writable, &["read-only", "switch it off"]).await;

    let careless = server.database();
    let setting = format!("ALTER DATABASE {} SET synchronous_commit = off", careless.name());
    conn.execute(AssertSqlSafe(setting)).await.unwrap();
    check(&careless.url(), is_unusable, &["synchronous_commit", "switch it on"]).await;

    server.stop();
    check(&wrong, is_unavailable, &["127.0.0.1", "is it running?"]).await;
    check(&own.url(), is_unavailable, &["socket", "is it running?"]).await;
    server.become_standby();
    server.start_again();
    check(&careless.url(), is_not_writable, &["standby", "connect to the primary"]).await;
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_left_alone() {
    let database = database();
    drop(open(&database.url()).await.unwrap());
    let mut conn = raw(&database.url()).await;
    conn.execute("INSERT INTO schema_migration (number, name, compatible_from) VALUES (99, 'of_tomorrow', 99)")
        .await
        .unwrap();
    match open(&database.url()).await {
        Err(StoreError::NewerSchema { found: 99, known }) => assert!(known < 99),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn programs_that_start_at_once_migrate_once() {
    const PROGRAMS: u32 = 8;
    let database = database();
    let url = database.url();
    let stores = join_all((0..PROGRAMS).map(|_| open(&url))).await;
    let mut epochs = Vec::new();
    for store in stores {
        epochs.push(store.unwrap().epoch_advance().await.unwrap());
    }
    assert_eq!(epochs, (1..=PROGRAMS).collect::<Vec<_>>());
    let mut conn = raw(&database.url()).await;
    let names: Vec<String> =
        sqlx::query_scalar("SELECT name FROM schema_migration ORDER BY number").fetch_all(&mut conn).await.unwrap();
    assert_eq!(names[0], "0001_spine");
}

#[tokio::test]
async fn a_user_without_rights_is_told_so() {
    let database = database();
    let mut conn = raw(&database.url()).await;
    let name = format!("guest_{}", database.name());
    conn.execute(AssertSqlSafe(format!("CREATE ROLE {name} LOGIN"))).await.unwrap();
    let url = database.url().replace("waft@", &format!("{name}@"));
    check(&url, is_unusable, &["permission denied", "must own the database"]).await;
}
