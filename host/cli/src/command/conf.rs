//! The conf of a run, as it is given on the command line.

use std::io::Read;

use anyhow::Context;
use model::limits::run::CONF_MAX_BYTES;
use serde_json::value::RawValue;

use crate::arguments::ConfArgument;
use crate::exit::Exit;
use crate::failure::Failure;

/// Reads `--conf`; what it holds is passed on as it is written.
pub(super) fn read(argument: &ConfArgument) -> Result<Option<Box<RawValue>>, Failure> {
    let Some(given) = &argument.conf else { return Ok(None) };
    let (text, source) = match given.strip_prefix('@') {
        Some("-") => (read_bounded(std::io::stdin().lock()).context("cannot read standard input"), "standard input"),
        Some(path) => {
            let open = || read_bounded(std::fs::File::open(path)?);
            (open().with_context(|| format!("cannot read the conf file {path:?}")), path)
        }
        None => (Ok(given.clone()), "--conf"),
    };
    let text = text.map_err(|error| Failure::new(Exit::Usage, error))?;
    let is_object = text.trim_start().starts_with('{');
    let conf = serde_json::from_str::<Box<RawValue>>(&text)
        .map_err(|error| Failure::usage(format!("the conf in {source} is not JSON: {error}")).hint(HINT))?;
    if !is_object {
        return Err(Failure::usage(format!("the conf in {source} is not a JSON object")).hint(HINT));
    }
    Ok(Some(conf))
}

const HINT: &str = "write --conf '{\"name\": \"value\"}', or --conf @FILE";

fn read_bounded(reader: impl Read) -> std::io::Result<String> {
    let mut text = String::new();
    reader.take(CONF_MAX_BYTES as u64 + 1).read_to_string(&mut text)?;
    if text.len() > CONF_MAX_BYTES {
        return Err(std::io::Error::other(format!("a conf has at most {CONF_MAX_BYTES} bytes")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::Format;

    fn check(conf: &str, expect: Result<&str, &str>) {
        let read = read(&ConfArgument { conf: Some(conf.to_owned()) });
        match (read, expect) {
            (Ok(conf), Ok(expect)) => assert_eq!(conf.unwrap().get(), expect),
            (Err(failure), Err(expect)) => {
                assert_eq!(failure.exit(), Exit::Usage);
                assert!(failure.render(Format::Table).contains(expect), "{}", failure.render(Format::Table));
            }
            (read, _) => panic!("{conf}: {read:?}"),
        }
    }

    #[test]
    fn a_conf_is_an_object_and_stays_as_it_is_written() {
        check(r#"{"b":1.0,"a":10000000000000000000000}"#, Ok(r#"{"b":1.0,"a":10000000000000000000000}"#));
        check("[1]", Err("is not a JSON object"));
        check("{", Err("is not JSON"));
        check("@/no/such/file", Err("cannot read the conf file \"/no/such/file\""));
    }

    #[test]
    fn a_conf_may_stand_in_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "{\"x\": 1}\n").unwrap();
        check(&format!("@{}", file.path().display()), Ok("{\"x\": 1}"));
    }
}
