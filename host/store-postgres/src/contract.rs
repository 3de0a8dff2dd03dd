//! What the release before this one needs of the schema, since both work on one database while they are exchanged: every statement
//! that it asks can still be asked, no column that it knows has become another, and it need not fill in those that it does not know.

use std::collections::BTreeMap;
use std::sync::Arc;

use sqlx::Row;
use store::recorded::{assert_recorded, recorded};
use store::{Migrations, Upgrade};

use crate::migrate::{FILES, migrate};
use crate::session::Session;
use crate::{PostgresStore, connect, plans};

const DATABASE: &str = "postgres";

/// Type of each column by table and name, and whether rows can be made without it.
type Columns = BTreeMap<(String, String), (String, bool)>;

async fn columns(session: &mut Session) -> Columns {
    const ALL: &str = "
SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull OR a.atthasdef
FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped";
    let rows = session.all(sqlx::query(ALL)).await.unwrap();
    rows.iter().map(|row| ((row.get(0), row.get(1)), (row.get(2), row.get(3)))).collect()
}

#[test]
fn the_statements_of_this_release_are_kept() {
    let all: Vec<_> = plans::fixed().into_iter().chain(plans::built()).collect();
    assert_recorded(DATABASE, FILES[FILES.len() - 1].0, &all);
}

#[tokio::test]
async fn the_release_before_goes_on_beside_this_schema() {
    let database = testkit_postgres::database();
    let before = (FILES.len() - 1).max(1);
    let mut session = connect::connect(&connect::options(&database.url()).unwrap()).await.unwrap();
    migrate(&mut session, &Migrations::of_files(&FILES[..before]), Upgrade::Whole).await.unwrap();
    let known = columns(&mut session).await;
    drop(session);
    let store = PostgresStore::open(&database.url(), Arc::new(clock::Real)).await.unwrap();
    let mut session = store.session().await.unwrap();
    let now = columns(&mut session).await;
    for (column, kind) in &known {
        assert_eq!(now.get(column), Some(kind), "{column:?}");
    }
    for (column @ (of_table, _), (_, is_free)) in &now {
        let is_new = !known.contains_key(column) && known.keys().any(|(table, _)| table == of_table);
        assert!(!is_new || *is_free, "a program that does not know {column:?} makes rows without it");
    }
    let statements = recorded(DATABASE, FILES[before - 1].0);
    assert!(statements.len() > 50, "{}", statements.len());
    for (name, sql) in statements {
        assert!(!plans::plan(&mut session, &sql).await.is_empty(), "{name}");
    }
}
