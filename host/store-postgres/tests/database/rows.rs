//! Rows that nobody may change, and rows that something else wrote.

use sqlx::{AssertSqlSafe, Executor};
use store::{RunReader, RunStore, StoreError};
use testkit_postgres::database;

use crate::filled::{OWN, fill, open, raw, run_key};

#[tokio::test]
async fn versions_and_attempts_do_not_change() {
    let database = database();
    let store = open(&database.url()).await.unwrap();
    fill(&store).await;
    let mut conn = raw(&database.url()).await;
    for (sql, why) in [
        ("UPDATE dag_version SET label = 'other'", "never change"),
        ("UPDATE bundle_version SET name = 'other'", "never change"),
        // The run and the DAG refer to the one, and it refers to the other.
        ("DELETE FROM dag_version", "foreign key"),
        ("DELETE FROM bundle_version", "foreign key"),
    ] {
        let error = conn.execute(sql).await.unwrap_err().to_string().to_lowercase();
        assert!(error.contains(why), "{sql}: {error}");
    }
    let refused = "INSERT INTO attempt SELECT 1, run_key, node, map_index, 1, 1, run_key, 1, 1, 1, 1, 1, 'success' FROM task_instance";
    assert_eq!(conn.execute(refused).await.unwrap().rows_affected(), 2);
    let error = conn.execute("UPDATE attempt SET message = 'other'").await.unwrap_err().to_string();
    assert!(error.contains("never change"), "{error}");
}

#[tokio::test]
async fn rows_that_fit_no_type_are_errors() {
    let database = database();
    let store = open(&database.url()).await.unwrap();
    fill(&store).await;
    let mut conn = raw(&database.url()).await;
    for (of, table, column, wrong) in [
        ("task_instance", "task_instance", "state", "'dancing'"),
        ("task_instance", "task_instance", "try_number", "-1"),
        ("task_instance", "task_instance", "started_at", "9223372036854775807"),
        ("task_node", "task_node", "task_id", "'no task!'"),
        ("task_node", "task_node", "map_length", "4294967296"),
        ("dag_run", "dag_run", "run_type", "''"),
        ("dag_run", "dag_run", "interval_to", "1"),
        ("dag_run", "dag_run_state", "state", "'dancing'"),
    ] {
        conn.execute(AssertSqlSafe(format!("CREATE TABLE kept AS SELECT {column} FROM {table} LIMIT 1")))
            .await
            .unwrap();
        conn.execute(AssertSqlSafe(format!("UPDATE {table} SET {column} = {wrong}"))).await.unwrap();
        match store.run_snapshot(OWN, run_key(1)).await {
            Err(StoreError::CorruptRow { table: found, detail }) => {
                assert_eq!(found, of);
                assert!(detail.contains(column), "{detail}");
            }
            other => panic!("{table}.{column}: {other:?}"),
        }
        conn.execute(AssertSqlSafe(format!("UPDATE {table} SET {column} = (SELECT {column} FROM kept)")))
            .await
            .unwrap();
        conn.execute("DROP TABLE kept").await.unwrap();
        assert!(store.run_snapshot(OWN, run_key(1)).await.unwrap().is_some());
    }
    assert_eq!(store.node_list(OWN, run_key(1)).await.unwrap().len(), 1);
}
