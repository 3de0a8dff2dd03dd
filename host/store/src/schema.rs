//! Which schema a database has, which this program knows, and whether the two go together.
//!
//! Words: a *migration* makes one schema of the one before; its file says in its first line of which *kind* it is. One that
//! *expands* only adds, one that *migrates* only moves rows: a program that does not know it goes on beside it. One that
//! *contracts* takes away what the program before it no longer uses, so it is left alone while other programs may run: the
//! operator applies it, or a later migration that needs it does.
//!
//! What must hold: a program works on every schema from its own down to before the contracting migrations at its end, and on the next
//! one after its own when that only expands or migrates; every other one is refused.
//! Callers: the databases (to plan what they apply), `cli` (to show it).

use crate::{ServerRow, StoreError};

/// What a migration does to programs that do not know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MigrationKind {
    Expand,
    Migrate,
    Contract,
}

impl MigrationKind {
    /// The word of the file's first line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Expand => "expand",
            Self::Migrate => "migrate",
            Self::Contract => "contract",
        }
    }

    /// What the first line of a file says, which begins with `-- expand:`, `-- migrate:` or `-- contract:`.
    pub fn of_file(text: &str) -> Option<Self> {
        let head = text.strip_prefix("-- ")?;
        let says = |kind: &Self| head.strip_prefix(kind.word()).is_some_and(|rest| rest.starts_with(':'));
        [Self::Expand, Self::Migrate, Self::Contract].into_iter().find(says)
    }
}

/// A migration that this program knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migration {
    /// The schema that it makes.
    pub number: i64,
    /// The name of its file, without the ending.
    pub name: &'static str,
    pub kind: MigrationKind,
    pub sql: &'static str,
}

impl Migration {
    /// The smallest schema that a program must know to work after this migration.
    pub const fn compatible_from(&self) -> i64 {
        match self.kind {
            MigrationKind::Expand | MigrationKind::Migrate => self.number - 1,
            MigrationKind::Contract => self.number,
        }
    }
}

/// The schema that a database has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schema {
    /// Of the last migration that was applied; 0 for an empty database.
    pub number: i64,
    /// The smallest schema that a program must know to work on it.
    pub compatible_from: i64,
}

/// All migrations that a program knows, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migrations(Vec<Migration>);

/// Which migrations are applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upgrade {
    /// All but the contracting ones at the end: what a server does when it starts, since others of before may run.
    WhileOthersRun,
    /// All of them.
    Whole,
}

impl Migrations {
    /// From names and texts of files. A file that does not say its kind counts as contracting.
    pub fn of_files(files: &[(&'static str, &'static str)]) -> Self {
        let migration = |(number, (name, sql)): (i64, &(&'static str, &'static str))| {
            let kind = MigrationKind::of_file(sql).unwrap_or(MigrationKind::Contract);
            Migration { number, name, kind, sql }
        };
        Self((1..).zip(files).map(migration).collect())
    }

    /// The newest schema.
    pub fn known(&self) -> i64 {
        self.0.last().map_or(0, |last| last.number)
    }

    /// The migrations of a schema and of those before it.
    pub fn until(&self, number: i64) -> &[Migration] {
        &self.0[..self.0.partition_point(|it| it.number <= number)]
    }

    /// The migrations that a database does not have, or why this program must leave it alone.
    pub fn missing(&self, found: Schema) -> Result<&[Migration], StoreError> {
        let known = self.known();
        if found.number > known && known < found.compatible_from {
            return Err(StoreError::NewerSchema { found: found.number, known });
        }
        Ok(&self.0[self.0.partition_point(|it| it.number <= found.number)..])
    }

    /// The migrations that are to be applied.
    pub fn due(&self, found: Schema, upgrade: Upgrade) -> Result<&[Migration], StoreError> {
        let missing = self.missing(found)?;
        let is_kept =
            |it: &Migration| upgrade == Upgrade::Whole || it.kind != MigrationKind::Contract || found.number == 0;
        Ok(&missing[..missing.iter().rposition(is_kept).map_or(0, |last| last + 1)])
    }

    /// Fails when the database lacks something that this program needs.
    pub fn assert_usable(&self, found: Schema) -> Result<(), StoreError> {
        match self.due(found, Upgrade::WhileOthersRun)? {
            [] => Ok(()),
            _ => Err(StoreError::OlderSchema { found: found.number, known: self.known() }),
        }
    }
}

/// How a database stands, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseStatus {
    /// Kind and version of the database.
    pub engine: String,
    pub schema: Schema,
    /// The name of its last migration; none for one that this program does not know.
    pub schema_name: Option<String>,
    /// The newest schema that this program knows.
    pub known: i64,
    /// What is not applied yet; nothing where the database is newer.
    pub missing: Vec<Migration>,
    pub size_bytes: u64,
    /// None while there is no schema.
    pub epoch: Option<u32>,
    /// Processes that share it; none where one process has it to itself.
    pub servers: Option<Vec<ServerRow>>,
}

impl DatabaseStatus {
    /// Fails when the database is too new for this program.
    pub fn assert_known(&self) -> Result<(), StoreError> {
        let (Schema { number, compatible_from }, known) = (self.schema, self.known);
        if number > known && known < compatible_from {
            return Err(StoreError::NewerSchema { found: number, known });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: [(&str, &str); 5] = [
        ("0001_a", "-- expand: a\n"),
        ("0002_b", "-- expand: b\n"),
        ("0003_c", "-- contract: c\n"),
        ("0004_d", "-- migrate: d\n"),
        ("0005_e", "-- contract: e\n"),
    ];

    /// What a program that knows `known` of the files does with a database that has `found` of them.
    fn check(known: usize, found: i64, expect: &str) {
        let all = Migrations::of_files(&FILES);
        let compatible_from = all.until(found).last().map_or(0, Migration::compatible_from);
        let schema = Schema { number: found, compatible_from };
        let program = Migrations::of_files(&FILES[..known]);
        let names = |due: &[Migration]| due.iter().map(|it| it.number.to_string()).collect::<Vec<_>>().join(",");
        let told = match program.due(schema, Upgrade::WhileOthersRun) {
            Err(error) => format!("{error:?}"),
            Ok(due) => {
                let whole = program.due(schema, Upgrade::Whole).unwrap();
                format!("start {} whole {}", names(due), names(whole))
            }
        };
        assert_eq!(told, expect, "knows {known}, found {found}");
    }

    #[test]
    fn contracting_ones_wait_for_the_operator_or_for_what_comes_after() {
        check(2, 1, "start 2 whole 2");
        check(2, 2, "start  whole ");
        check(3, 2, "start  whole 3");
        check(3, 1, "start 2 whole 2,3");
        check(4, 2, "start 3,4 whole 3,4");
        check(5, 4, "start  whole 5");
        check(5, 0, "start 1,2,3,4,5 whole 1,2,3,4,5");
    }

    #[test]
    fn the_program_before_works_beside_what_expands_and_not_beside_what_contracts() {
        check(1, 2, "start  whole ");
        check(3, 4, "start  whole ");
        check(2, 3, "NewerSchema { found: 3, known: 2 }");
        check(2, 4, "NewerSchema { found: 4, known: 2 }");
        check(4, 5, "NewerSchema { found: 5, known: 4 }");
    }

    #[test]
    fn the_first_line_says_the_kind() {
        assert_eq!(MigrationKind::of_file("-- expand: more\n…"), Some(MigrationKind::Expand));
        assert_eq!(MigrationKind::of_file("-- contract: less\n"), Some(MigrationKind::Contract));
        for text in ["-- expands: more", "-- The first schema", "--expand:"] {
            assert_eq!(MigrationKind::of_file(text), None, "{text}");
        }
        assert_eq!(Migrations::of_files(&[("0001_a", "no kind")]).until(1)[0].kind, MigrationKind::Contract);
    }
}
