//! What the release before this one needs of the schema, since both work on one database while they are exchanged: every statement
//! that it asks can still be asked, no column that it knows has become another, and it need not fill in those that it does not know.

use std::collections::BTreeMap;

use sqlx::{ConnectOptions, Row, SqliteConnection};
use store::recorded::{assert_recorded, recorded};
use store::{Migrations, Upgrade};

use crate::migrate::{FILES, migrate};
use crate::plans;

const DATABASE: &str = "sqlite";

/// Type of each column by table and name, and whether rows can be made without it.
type Columns = BTreeMap<(String, String), (String, bool)>;

async fn columns(conn: &mut SqliteConnection) -> Columns {
    const ALL: &str = "
SELECT t.name AS of_table, c.name AS name, c.type AS kind, c.\"notnull\" = 0 OR c.dflt_value IS NOT NULL OR c.hidden > 0 AS is_free
FROM pragma_table_list AS t JOIN pragma_table_xinfo(t.name) AS c
WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT LIKE 'sqlite_%'";
    let rows = sqlx::query(ALL).fetch_all(conn).await.unwrap();
    rows.iter().map(|row| ((row.get("of_table"), row.get("name")), (row.get("kind"), row.get("is_free")))).collect()
}

/// An empty database with the schemas up to a number.
async fn upgraded(folder: &tempfile::TempDir, count: usize) -> SqliteConnection {
    let path = folder.path().join("some.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut conn = options.connect().await.unwrap();
    migrate(&mut conn, &Migrations::of_files(&FILES[..count]), Upgrade::Whole).await.unwrap();
    conn
}

#[test]
fn the_statements_of_this_release_are_kept() {
    let all: Vec<_> = plans::fixed().into_iter().chain(plans::built()).collect();
    assert_recorded(DATABASE, FILES[FILES.len() - 1].0, &all);
}

#[tokio::test]
async fn the_release_before_goes_on_beside_this_schema() {
    let folder = tempfile::tempdir().unwrap();
    let before = (FILES.len() - 1).max(1);
    let known = columns(&mut upgraded(&folder, before).await).await;
    let mut conn = upgraded(&folder, FILES.len()).await;
    let now = columns(&mut conn).await;
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
        assert!(!plans::plan(&mut conn, &sql).await.is_empty() || sql.starts_with("INSERT"), "{name}");
    }
}
