//! What one kind of rows of a commit does.

/// Rows of one kind, and the statements that write them.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) source: Source,
    /// Names and types of what a row holds, in the order in which they are bound. One is `run_key`.
    pub(crate) columns: &'static [(&'static str, &'static str)],
    pub(crate) statements: &'static [Statement],
    pub(crate) blame: Blame,
}

/// Where the rows of a step come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// Arrays, one for each column: for what almost every commit has.
    Arrays,
    /// The array of this name in the document of what is rare, of objects with a member for each column. A function has no more than a
    /// hundred arguments; so all rare steps share one.
    Document(&'static str),
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
    /// The rows of parameters: from `first` on, one for each column, or the document, which is `first`. The limit leaves nothing out, but
    /// makes the planner expect one row, and so look up each by its key however few rows the table has when the plan is made.
    pub(crate) fn rows_of_parameters(&self, first: usize) -> String {
        let (count, names) = (self.count(first), self.names());
        let rows = match self.source {
            Source::Arrays => {
                let arrays = (first..).zip(self.columns).map(|(number, (_, kind))| format!("${number}::{kind}[]"));
                format!("unnest({}) AS u ({names})", joined(arrays))
            }
            Source::Document(name) => {
                let columns = joined(self.columns.iter().map(|(name, kind)| format!("{name} {kind}")));
                format!("jsonb_to_recordset(${first}::jsonb -> '{name}') AS u ({columns})")
            }
        };
        format!("(SELECT * FROM {rows} LIMIT {count}) AS e")
    }

    /// How many rows there are.
    pub(crate) fn count(&self, first: usize) -> String {
        match self.source {
            Source::Arrays => format!("cardinality(${first})"),
            Source::Document(name) => format!("jsonb_array_length(${first}::jsonb -> '{name}')"),
        }
    }

    /// Whether there is any.
    pub(crate) fn has_rows(&self, first: usize) -> String {
        match self.source {
            Source::Arrays => format!("cardinality(${first}) > 0"),
            Source::Document(name) => format!("${first}::jsonb -> '{name}' IS NOT NULL"),
        }
    }

    /// Parameters of its own.
    pub(crate) fn width(&self) -> usize {
        match self.source {
            Source::Arrays => self.columns.len(),
            Source::Document(_) => 0,
        }
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
