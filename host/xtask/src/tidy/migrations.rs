//! Migrations: numbered without gaps, the same for both databases, and a tenant in every table.

use crate::tidy::Finding;
use crate::workspace::SourceFile;

/// Tables that hold something about the whole installation and nothing of a tenant.
const WITHOUT_TENANT: &[&str] = &["tenant", "cluster", "server", "shard"];

const SQLITE: &str = "migrations/sqlite/";
const POSTGRES: &str = "migrations/postgres/";

/// `NNNN_name.sql` from 0001 without gaps; where both databases have migrations, the same names.
pub(crate) fn numbers(sources: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let of = |folder: &str| sources.iter().filter(move |file| file.path.starts_with(folder)).collect::<Vec<_>>();
    let (sqlite, postgres) = (of(SQLITE), of(POSTGRES));
    for files in [&sqlite, &postgres] {
        for (position, file) in files.iter().enumerate() {
            let expected = format!("{:04}_", position + 1);
            let is_named =
                file.name().strip_prefix(&expected).and_then(|rest| rest.strip_suffix(".sql")).is_some_and(is_snake);
            if !is_named {
                findings.push(Finding::error(&file.path, format!("expected the name {expected}some_words.sql")));
            }
        }
    }
    if !postgres.is_empty() {
        for (one, folder, other) in [(&sqlite, POSTGRES, &postgres), (&postgres, SQLITE, &sqlite)] {
            for file in one.iter().filter(|file| !other.iter().any(|twin| twin.name() == file.name())) {
                findings.push(Finding::error(&file.path, format!("has no twin in {folder}")));
            }
        }
    }
    findings
}

/// Every table has `tenant_id`.
pub(crate) fn tenant_in_every_table(sources: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in sources.iter().filter(|file| file.path.starts_with("migrations/") && file.path.ends_with(".sql")) {
        let text = without_comments(&file.text);
        for (line, name, body) in tables(&text) {
            let has_tenant = body.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "tenant_id");
            if !has_tenant && !WITHOUT_TENANT.contains(&name) {
                findings.push(Finding::error(&file.path, format!("table `{name}` has no column tenant_id")).at(line));
            }
        }
    }
    findings
}

fn is_snake(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// Each `CREATE TABLE` with its line, name and what stands between its parentheses.
fn tables(text: &str) -> Vec<(usize, &str, &str)> {
    const CREATE: &str = "CREATE TABLE ";
    let starts = text.match_indices(CREATE);
    starts
        .filter_map(|(at, _)| {
            let rest = text[at + CREATE.len()..].trim_start().trim_start_matches("IF NOT EXISTS ").trim_start();
            let open = rest.find('(')?;
            let mut depth = 0usize;
            let close = rest[open..].char_indices().find_map(|(offset, c)| {
                match c {
                    '(' => depth += 1,
                    ')' => depth -= 1,
                    _ => {}
                }
                (depth == 0).then_some(open + offset)
            })?;
            let line = text[..at].matches('\n').count() + 1;
            Some((line, rest[..open].trim().trim_matches('"'), &rest[open..close]))
        })
        .collect()
}

fn without_comments(text: &str) -> String {
    text.lines().map(|line| line.split("--").next().unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::{fixture, render};

    #[test]
    fn gaps_and_missing_twins_are_found() {
        let sources = fixture(
            "//- migrations/postgres/0001_start.sql\n//- migrations/sqlite/0001_start.sql\n//- migrations/sqlite/0003_More.sql",
        );
        let expected = "error: migrations/sqlite/0003_More.sql: expected the name 0002_some_words.sql\n\
                        error: migrations/sqlite/0003_More.sql: has no twin in migrations/postgres/";
        assert_eq!(render(numbers(&sources)), expected);
    }

    #[test]
    fn a_table_without_tenant_is_found() {
        let sources = fixture(
            "//- migrations/sqlite/0001_start.sql
             CREATE TABLE dag (tenant_id BLOB NOT NULL, PRIMARY KEY (tenant_id));
             CREATE TABLE IF NOT EXISTS run (
                id BLOB, -- tenant_id comes later
                other_tenant_id BLOB CHECK (length(other_tenant_id) = 16)
             ) STRICT;
             CREATE TABLE tenant (id BLOB);",
        );
        let expected = "error: migrations/sqlite/0001_start.sql:2: table `run` has no column tenant_id";
        assert_eq!(render(tenant_in_every_table(&sources)), expected);
    }
}
