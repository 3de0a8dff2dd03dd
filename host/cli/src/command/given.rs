//! Texts that are given on the command line: as they are, or as the content of a file.

use std::io::Read;

use anyhow::Context;

use crate::exit::Exit;
use crate::failure::Failure;

/// The text itself, of a file for `@FILE`, of standard input for `@-`; `what` names it in errors. A line's end at the end of a file is
/// left out.
pub(super) fn text(given: &str, what: &str, max_bytes: usize) -> Result<String, Failure> {
    let read = |reader: &mut dyn Read| -> std::io::Result<String> {
        let mut text = String::new();
        reader.take(max_bytes as u64 + 2).read_to_string(&mut text)?;
        Ok(text)
    };
    let text = match given.strip_prefix('@') {
        None => return Ok(given.to_owned()),
        Some("-") => read(&mut std::io::stdin().lock()).context("cannot read standard input"),
        Some(path) => std::fs::File::open(path)
            .and_then(|mut file| read(&mut file))
            .with_context(|| format!("cannot read the file {path:?}")),
    };
    let mut text = text.map_err(|error| Failure::new(Exit::Usage, error))?;
    if text.ends_with('\n') {
        text.pop();
    }
    if text.len() > max_bytes {
        return Err(Failure::usage(format!("{what} has at most {max_bytes} bytes")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_may_stand_in_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "hunter2\n").unwrap();
        let given = format!("@{}", file.path().display());
        assert_eq!(text(&given, "the password", 10).unwrap(), "hunter2");
        assert_eq!(text("plain", "the password", 10).unwrap(), "plain");
        assert_eq!(text(&given, "the password", 3).unwrap_err().exit(), Exit::Usage);
        assert_eq!(text("@/no/such/file", "the password", 3).unwrap_err().exit(), Exit::Usage);
    }
}
