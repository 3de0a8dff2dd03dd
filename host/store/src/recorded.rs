//! The statements of a release, as the file `tests/contract/DATABASE/SCHEMA.sql` keeps them: what a program of that release asks of a
//! database. The release after it must leave all of them possible, because the two work side by side for a while.
//!
//! Callers: the tests of the databases.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

/// Between two statements; no statement holds it.
const END: &str = "\n;\n";

/// Where the statements of a schema are kept.
fn place(database: &str, schema: &str) -> PathBuf {
    let contract = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/contract");
    PathBuf::from(contract).join(database).join(format!("{schema}.sql"))
}

/// The statements that the release of a schema asks, by name.
pub fn recorded(database: &str, schema: &str) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(place(database, schema)).unwrap_or_default();
    let statements = text.split(END).filter_map(|entry| entry.trim_start().strip_prefix("-- ")?.split_once('\n'));
    statements.map(|(name, sql)| (name.to_owned(), sql.to_owned())).collect()
}

/// Compares the statements of this program with those that are kept for its schema. With `UPDATE_CONTRACT=1` it keeps them instead.
pub fn assert_recorded(database: &str, schema: &str, statements: &[(&str, String)]) {
    if std::env::var_os("UPDATE_CONTRACT").is_some() {
        let mut text = String::new();
        for (name, sql) in statements {
            let _ = write!(text, "-- {name}\n{}{END}\n", sql.trim());
        }
        let place = place(database, schema);
        let written =
            std::fs::create_dir_all(place.parent().unwrap_or(&place)).and_then(|()| std::fs::write(&place, text));
        written.unwrap_or_else(|error| panic!("{}: {error}", place.display()));
    }
    let kept = recorded(database, schema);
    let differ: Vec<_> =
        statements.iter().filter(|(name, sql)| kept.get(*name).is_none_or(|it| it != sql.trim())).collect();
    assert!(
        differ.is_empty() && kept.len() == statements.len(),
        "the statements of this program are not those of tests/contract/{database}/{schema}.sql; run the test with \
         UPDATE_CONTRACT=1 if no release has this schema yet, else the schema needs a new number: {differ:#?}"
    );
}
