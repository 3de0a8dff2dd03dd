//! What a source file must begin with, how long it may be, and what must not stand in it.

use crate::tidy::Finding;
use crate::workspace::SourceFile;

const LINES_AIM: usize = 400;
const LINES_MAX: usize = 800;

/// Text that stands nowhere in the code, with what to do instead.
const BANNED: &[(&str, &str)] = &[
    ("todo!(", "build it or leave it out"),
    ("unimplemented!(", "build it or leave it out"),
    ("dbg!(", "use tracing"),
    ("#[ignore", "a test runs or does not exist"),
    ("#[allow(", "use #[expect(…, reason = …)]"),
    ("#![allow(", "use #![expect(…, reason = …)]"),
];

/// Words that stand in no comment.
const UNFINISHED: &[&str] = &["TODO", "FIXME", "XXX"];

/// Text that stands in no test, with what to do instead. Where the clock of the test is [`PAUSED`], sleeping takes no time and is right.
const BANNED_IN_TESTS: &[(&str, &str)] = &[
    ("thread::sleep", "wait for a signal or a state, with a bound"),
    ("time::sleep(", "wait for a signal or a state, with a bound"),
];

const PAUSED: &str = "start_paused = true";

/// Parts of names that say nothing.
const EMPTY_WORDS: &[&str] = &["Manager", "Util", "Common"];

/// Every file of the host and of the SDK says first what it is for.
pub(crate) fn module_docs(sources: &[SourceFile]) -> Vec<Finding> {
    let must = |file: &&SourceFile| {
        let is_module = file.path.starts_with("host/") || file.path.starts_with("guest-sdk/");
        file.is_rust() && is_module && !is_tests_alone(file)
    };
    let has_doc = |file: &&SourceFile| {
        let first = file.text.lines().map(str::trim_start).find(|line| !line.is_empty() && !line.starts_with("#!["));
        first.is_some_and(|line| line.starts_with("//! ") && line.len() > "//! ".len())
    };
    let without = sources.iter().filter(must).filter(|file| !has_doc(file));
    without
        .map(|file| Finding::error(&file.path, "begin the file with a module doc (`//! what it is for`)").at(1))
        .collect()
}

/// Aim at 400 lines, argue at 800.
pub(crate) fn lengths(sources: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in sources.iter().filter(|file| file.is_rust()) {
        let lines = file.text.lines().count();
        if lines > LINES_MAX {
            findings.push(Finding::error(&file.path, format!("{lines} lines; {LINES_MAX} is the most: split it")));
        } else if lines > LINES_AIM {
            findings.push(Finding::error(&file.path, format!("{lines} lines; aim at {LINES_AIM}")).warning());
        }
    }
    findings
}

/// Nothing of [`BANNED`] anywhere, nothing of [`BANNED_IN_TESTS`] in a test.
pub(crate) fn banned_text(sources: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in sources.iter().filter(|file| file.is_rust() && !is_rule(file)) {
        // What a macro writes into an author's crate cannot expect a lint that may not fire there.
        let is_macro = file.path.starts_with("guest-sdk/rust/macros/");
        // Guests misbehave on purpose.
        let is_guest = file.path.starts_with("tests/guests/");
        let is_paused = file.text.contains(PAUSED);
        let mut is_test = (file.path.starts_with("tests/") || is_tests_alone(file)) && !is_guest;
        for (number, line) in file.text.lines().enumerate() {
            is_test |= line.trim_start().starts_with("#[cfg(test)]");
            let in_tests = BANNED_IN_TESTS.iter().filter(|_| is_test && !is_paused);
            let banned = BANNED.iter().filter(|(text, _)| !(is_macro && *text == "#[allow("));
            for (text, instead) in banned.chain(in_tests).filter(|(text, _)| line.contains(text)) {
                findings.push(Finding::error(&file.path, format!("`{text}`: {instead}")).at(number + 1));
            }
            let comment = line.split_once("//").map_or("", |(_, comment)| comment);
            let mut words = comment.split(|c: char| !c.is_alphanumeric());
            if let Some(word) = words.find(|word| UNFINISHED.contains(word)) {
                findings.push(Finding::error(&file.path, format!("`{word}`: do it, or open an issue")).at(number + 1));
            }
        }
    }
    findings
}

/// Names of files and items say what the thing is.
pub(crate) fn banned_names(sources: &[SourceFile]) -> Vec<Finding> {
    const ITEMS: &[&str] = &["struct ", "enum ", "trait ", "mod ", "type "];
    let mut findings = Vec::new();
    for file in sources.iter().filter(|file| file.is_rust() && !is_rule(file)) {
        let stem = file.name().trim_end_matches(".rs");
        if EMPTY_WORDS
            .iter()
            .any(|word| stem.split('_').any(|part| part.trim_end_matches('s').eq_ignore_ascii_case(word)))
        {
            findings.push(Finding::error(&file.path, "this name says nothing: name the noun that it holds"));
        }
        for (number, line) in file.text.lines().enumerate() {
            let code = line.trim_start().trim_start_matches("pub(crate) ").trim_start_matches("pub ");
            let Some(rest) = ITEMS.iter().find_map(|item| code.strip_prefix(item)) else { continue };
            let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let is_empty = |word: &&&str| name.contains(**word) || name.eq_ignore_ascii_case(word);
            if let Some(word) = EMPTY_WORDS.iter().find(is_empty) {
                let message = format!("`{word}` in `{name}` says nothing: name the noun that it is");
                findings.push(Finding::error(&file.path, message).at(number + 1));
            }
        }
    }
    findings
}

/// `unsafe` is for the sandbox alone.
pub(crate) fn unsafe_code(sources: &[SourceFile]) -> Vec<Finding> {
    let outside = sources.iter().filter(|file| {
        file.is_rust() && file.path.starts_with("host/") && !file.path.starts_with("host/sandbox/") && !is_rule(file)
    });
    let mut findings = Vec::new();
    for file in outside {
        for (number, line) in file.text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or(line);
            if code.contains("unsafe {") || code.contains("unsafe fn") || code.contains("unsafe impl") {
                findings.push(Finding::error(&file.path, "`unsafe` is for the sandbox alone").at(number + 1));
            }
        }
    }
    findings
}

/// Holds nothing but tests.
fn is_tests_alone(file: &SourceFile) -> bool {
    file.name() == "tests.rs" || file.path.contains("/tests/")
}

/// The rules and their examples name what they ban.
fn is_rule(file: &SourceFile) -> bool {
    file.path.starts_with("host/xtask/src/tidy/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::{fixture, render};

    #[test]
    fn a_file_without_module_doc_is_found() {
        let sources = fixture(
            "//- host/api/src/a.rs\nuse x;\n//- host/api/src/b.rs\n#![x]\n\n//! Doc.\n//- host/api/src/tests.rs\nuse x;\n//- tests/e2e/a.rs\nuse x;",
        );
        assert_eq!(
            render(module_docs(&sources)),
            "error: host/api/src/a.rs:1: begin the file with a module doc (`//! what it is for`)"
        );
    }

    #[test]
    fn a_long_file_is_told_and_a_longer_one_refused() {
        let file = |lines: usize| format!("//- host/a/src/l{lines}.rs\n{}", "\n".repeat(lines));
        let sources = fixture(&[file(400), file(401), file(801)].concat());
        let expected = "warning: host/a/src/l401.rs: 401 lines; aim at 400\n\
                        error: host/a/src/l801.rs: 801 lines; 800 is the most: split it";
        assert_eq!(render(lengths(&sources)), expected);
    }

    #[test]
    fn banned_text_is_found_and_sleeping_only_in_tests() {
        let sources = fixture(
            "//- host/a/src/a.rs\ntokio::time::sleep(d); // not TODOS\ntodo!();// XXX: later\n#[cfg(test)]\nthread::sleep(d);\n//- tests/guests/g/src/lib.rs\nthread::sleep(d);\n//- host/a/src/tests.rs\n#[tokio::test(start_paused = true)]\ntokio::time::sleep(d);",
        );
        let expected = "error: host/a/src/a.rs:2: `todo!(`: build it or leave it out\n\
                        error: host/a/src/a.rs:2: `XXX`: do it, or open an issue\n\
                        error: host/a/src/a.rs:4: `thread::sleep`: wait for a signal or a state, with a bound";
        assert_eq!(render(banned_text(&sources)), expected);
    }

    #[test]
    fn names_that_say_nothing_are_found() {
        let sources = fixture(
            "//- host/a/src/json_utils.rs\npub(crate) struct RunManager;\nstruct Utility;\nfn x(m: Manager) {}",
        );
        let expected = "error: host/a/src/json_utils.rs: this name says nothing: name the noun that it holds\n\
                        error: host/a/src/json_utils.rs:1: `Manager` in `RunManager` says nothing: name the noun that it is\n\
                        error: host/a/src/json_utils.rs:2: `Util` in `Utility` says nothing: name the noun that it is";
        assert_eq!(render(banned_names(&sources)), expected);
    }

    #[test]
    fn unsafe_outside_the_sandbox_is_found() {
        let sources = fixture(
            "//- host/cli/src/a.rs\n// unsafe { no }\nlet x = unsafe { y() };\n//- host/sandbox/src/a.rs\nunsafe { y() }",
        );
        assert_eq!(render(unsafe_code(&sources)), "error: host/cli/src/a.rs:2: `unsafe` is for the sandbox alone");
    }
}
