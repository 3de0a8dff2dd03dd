//! Patterns over names: `%` is any text, `_` any character, `\` takes the next one as it is; letters match in either case.

/// Whether the pattern covers the whole text.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let Some(pattern) = store::name_pattern(pattern) else { return false };
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    covers(&pattern, &text)
}

fn covers(pattern: &[char], text: &[char]) -> bool {
    match (pattern, text) {
        ([], _) => text.is_empty(),
        (['%', rest @ ..], _) => (0..=text.len()).any(|at| covers(rest, &text[at..])),
        (['_', rest @ ..], [_, after @ ..]) => covers(rest, after),
        (['\\', literal, rest @ ..] | [literal, rest @ ..], [first, after @ ..]) => {
            literal.eq_ignore_ascii_case(first) && covers(rest, after)
        }
        (_, []) => false,
    }
}
