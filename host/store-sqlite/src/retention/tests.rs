use std::collections::BTreeSet;
use std::sync::Arc;

use model::Digest;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor};

use super::*;
use crate::store::write_options;

const OWN: TenantScope = TenantScope::assume(TenantId::DEFAULT);

fn marker(number: u32) -> (Digest, String) {
    let digest = Digest::of(&number.to_le_bytes());
    let marker = model::json::BlobRef { digest, size: 4, media_type: String::new() }.to_value();
    (digest, serde_json::json!({ "deep": [1, { "in": marker }] }).to_string())
}

#[tokio::test]
async fn every_place_that_names_a_blob_is_read_whatever_the_pages_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("waft.db");
    let store = SqliteStore::open(&path, Arc::new(clock::Real)).await.unwrap();
    let mut conn = write_options(&path).foreign_keys(false).connect().await.unwrap();
    let mut expect = BTreeSet::new();
    let mut number = 0;
    let mut next = || {
        number += 1;
        let (digest, text) = marker(number);
        expect.insert(digest);
        (digest.to_hex(), text)
    };
    let mut sql = String::new();
    for row in 1..=5 {
        let key = format!("unhex('{row:032x}')");
        let (component, _) = next();
        sql += &format!("INSERT INTO bundle_version VALUES (1, {key}, 'b{row}', unhex('{component}'), 1, 0);");
        let ((_, conf), (_, params)) = (next(), next());
        let foreign = marker(999).1;
        sql += &format!(
            "INSERT INTO dag_run_input (tenant_id, run_key, conf, params, triggered_by)
            VALUES (1, {key}, '{conf}', '{params}', 'test'), (2, {key}, '{foreign}', '{{}}', 'test');"
        );
        let ((_, conf), (_, params)) = (next(), next());
        sql += &format!(
            "INSERT INTO backfill VALUES ({row}, 1, 'd{row}', 'running', 0, 0, 0, 'none', 1, NULL, '{conf}', '{params}', 'test', 0, 0, NULL);"
        );
        for map_index in [-1, 0, 1] {
            let ((large, _), (_, value), (_, state)) = (next(), next(), next());
            let place = format!("1, {key}, 0, {map_index}");
            sql += &format!("INSERT INTO xcom VALUES ({place}, 'a', 0, 1, unhex('{large}'), NULL);");
            sql += &format!("INSERT INTO xcom VALUES ({place}, 'b', 0, 1, NULL, '{value}');");
            sql += &format!("INSERT INTO xcom VALUES ({place}, 'c', 0, 1, NULL, '\"$waft is only a word\"');");
            sql += &format!("INSERT INTO task_state VALUES ({place}, 'k', 0, NULL, '{state}');");
        }
    }
    conn.execute(AssertSqlSafe(sql)).await.unwrap();

    for limit in [1, 2, 3, 5, 100] {
        let (mut found, mut values, mut next) = (BTreeSet::new(), 0, Some(RefCursor::START));
        while let Some(from) = next {
            let page = store.blob_refs(OWN, from, limit).await.unwrap();
            assert!(page.named.len() <= 2 * limit as usize, "pages are bounded");
            found.extend(page.named);
            values += page.values.len();
            next = page.next;
        }
        assert_eq!((&found, values), (&expect, 15), "pages of {limit}");
    }
    assert_eq!(store.tenant_list().await.unwrap(), [OWN]);
}
