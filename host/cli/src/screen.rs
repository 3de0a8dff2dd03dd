//! What goes to standard output, in the form that was asked for. Results go there and nothing else; progress and errors go to
//! standard error.

use std::io::{self, Write};

use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use crate::clean::{clean, clean_line, is_hostile};

/// The form of what is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Table,
    /// For scripts that read JSON; errors too
    Json,
    /// For scripts that read lines: fields between tabs, no headings
    Plain,
}

/// Standard output.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Screen {
    pub(crate) format: Format,
}

/// A list for people: headings and cells.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(crate) headings: &'static [&'static str],
    pub(crate) rows: Vec<Vec<String>>,
    /// Said where there are no rows.
    pub(crate) empty: &'static str,
}

impl Screen {
    /// Prints a list: `items` for programs, `listing` for people.
    pub(crate) fn list<T: Serialize>(self, items: &T, listing: &Listing) -> io::Result<()> {
        self.print(&match self.format {
            Format::Json => json_text(items) + "\n",
            Format::Table => table(listing),
            Format::Plain => plain(&listing.rows),
        })
    }

    /// Prints one thing: `item` for programs, named values for people.
    pub(crate) fn one<T: Serialize>(self, item: &T, fields: &[(&str, String)]) -> io::Result<()> {
        self.print(&match self.format {
            Format::Json => json_text(item) + "\n",
            Format::Table => labelled(fields),
            Format::Plain => {
                plain(&fields.iter().map(|(name, value)| vec![(*name).to_owned(), value.clone()]).collect::<Vec<_>>())
            }
        })
    }

    /// Prints a JSON value in every form.
    pub(crate) fn value<T: Serialize>(self, value: &T) -> io::Result<()> {
        self.print(&(json_text(value) + "\n"))
    }

    /// Prints one line of something that goes on: `item` for programs as one line of JSON, `text` for people.
    pub(crate) fn line<T: Serialize>(self, item: &T, text: &str) -> io::Result<()> {
        self.print(&match self.format {
            Format::Json => escape(serde_json::to_string(item).expect(PRINTABLE)) + "\n",
            Format::Table | Format::Plain => format!("{}\n", clean_line(text)),
        })
    }

    /// Says something beside the result, on standard error; nothing where programs read JSON.
    pub(crate) fn note(self, text: &str) -> io::Result<()> {
        match self.format {
            Format::Json => Ok(()),
            Format::Table | Format::Plain => writeln!(io::stderr().lock(), "{}", clean(text)),
        }
    }

    fn print(self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }
}

const PRINTABLE: &str = "what is printed has text as its keys";

/// JSON in which no character can do harm on a terminal: what JSON itself lets through is escaped.
pub(crate) fn json_text<T: Serialize>(value: &T) -> String {
    escape(serde_json::to_string_pretty(value).expect(PRINTABLE))
}

fn escape(json: String) -> String {
    let is_escaped = |c: char| c != '\n' && is_hostile(c);
    if !json.chars().any(is_escaped) {
        return json;
    }
    json.chars().fold(String::with_capacity(json.len()), |mut text, c| {
        if is_escaped(c) {
            text += &format!("\\u{:04x}", u32::from(c));
        } else {
            text.push(c);
        }
        text
    })
}

fn table(listing: &Listing) -> String {
    if listing.rows.is_empty() {
        return format!("{}\n", listing.empty);
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(listing.headings.to_vec());
    for row in &listing.rows {
        table.add_row(row.iter().map(|cell| clean_line(cell).into_owned()));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt() + "\n"
}

fn plain(rows: &[Vec<String>]) -> String {
    rows.iter().fold(String::new(), |mut text, row| {
        let cells: Vec<_> = row.iter().map(|cell| clean_line(cell)).collect();
        text += &cells.join("\t");
        text.push('\n');
        text
    })
}

fn labelled(fields: &[(&str, String)]) -> String {
    let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    fields.iter().fold(String::new(), |mut text, (name, value)| {
        text += &format!("{name:<width$}  {}\n", clean(value).replace('\n', &format!("\n{:width$}  ", "")));
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing() -> Listing {
        let row = |id: &str, state: &str| vec![id.to_owned(), state.to_owned()];
        let rows = vec![row("daily", "success"), row("ev\u{1b}[31mil\tid\n", "failed")];
        Listing { headings: &["DAG", "STATE"], rows, empty: "no runs" }
    }

    #[test]
    fn people_see_columns() {
        insta::assert_snapshot!(table(&listing()), @r"
        DAG       STATE
        daily     success
        evil id   failed
        ");
        assert_eq!(table(&Listing { rows: Vec::new(), ..listing() }), "no runs\n");
    }

    #[test]
    fn scripts_see_fields_between_tabs() {
        assert_eq!(plain(&listing().rows), "daily\tsuccess\nevil id \tfailed\n");
    }

    #[test]
    fn one_thing_has_labels() {
        let fields = [("run", "r1".to_owned()), ("message", "two\nlines".to_owned())];
        assert_eq!(labelled(&fields), "run      r1\nmessage  two\n         lines\n");
    }

    #[test]
    fn json_is_safe_on_a_terminal_and_means_the_same() {
        let value = serde_json::json!({ "a": "\u{9b}31m\u{7f}\u{202e}\u{1b}[0m ü" });
        let text = json_text(&value);
        assert_eq!(text, "{\n  \"a\": \"\\u009b31m\\u007f\\u202e\\u001b[0m ü\"\n}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
