//! What one kind of rows of a commit does.

/// Rows of one kind, and the statements that write them.
#[derive(Debug)]
pub(crate) struct Step {
    /// Names and types of what a row holds, in the order in which they are bound. One is `run_key`.
    pub(crate) columns: &'static [(&'static str, &'static str)],
    pub(crate) statements: &'static [Statement],
    pub(crate) blame: Blame,
}

/// A statement over rows.
#[derive(Debug)]
pub(crate) struct Statement {
    /// For the test that looks at its plan.
    pub(crate) name: &'static str,
    /// Reads the rows, called `e`, where `{rows}` stands.
    pub(crate) sql: &'static str,
    pub(crate) changes: Changes,
}

/// How many rows a statement must change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Changes {
    /// One for each row.
    One,
    /// For each row as many as this expression says.
    Sum(&'static str),
    /// Any number will do.
    Any,
}

/// What it means when a row changed another number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blame {
    /// The run exists.
    Duplicate,
    /// Somebody else changed the run.
    Overtaken,
}

impl Step {
    /// The rows as arrays: parameters from `first` on, one for each column. Its limit leaves nothing out, but makes the planner
    /// expect one row, and so look up each by its key however few rows the table has when the plan is made.
    pub(crate) fn rows_of_arrays(&self, first: usize) -> String {
        let arrays = (first..).zip(self.columns).map(|(number, (_, kind))| format!("${number}::{kind}[]"));
        let (arrays, names) = (joined(arrays), self.names());
        format!("(SELECT * FROM unnest({arrays}) AS u ({names}) LIMIT cardinality(${first})) AS e")
    }

    /// One row, which a variable holds.
    pub(crate) fn rows_of_variable(&self, variable: &str) -> String {
        let cells = self.columns.iter().map(|(name, _)| format!("{variable}.{name}"));
        format!("(SELECT {}) AS e ({})", joined(cells), self.names())
    }

    fn names(&self) -> String {
        joined(self.columns.iter().map(|(name, _)| (*name).to_owned()))
    }
}

impl Statement {
    /// The statement over the rows that `rows` reads.
    pub(crate) fn over(&self, rows: &str) -> String {
        self.sql.replace("{rows}", rows)
    }
}

pub(crate) fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}
