//! Texts as every database takes them. NUL stands in none: PostgreSQL refuses it, and SQLite would end there when it compares.

use std::borrow::Cow;

/// A text that can be stored: with a replacement character for each NUL.
pub fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

/// A pattern for `LIKE` with `\` before what stands for itself; `None` when it fits no name: with NUL in it, or when it ends
/// with half of an escape.
pub fn name_pattern(pattern: &str) -> Option<&str> {
    let escapes = pattern.bytes().rev().take_while(|byte| *byte == b'\\').count();
    (!pattern.contains('\0') && escapes % 2 == 0).then_some(pattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_an_escape_fits_nothing() {
        for (pattern, fits) in
            [("", true), ("a%", true), (r"a\%", true), (r"\\", true), (r"a\", false), (r"\\\", false)]
        {
            assert_eq!(name_pattern(pattern).is_some(), fits, "{pattern}");
        }
        assert_eq!(name_pattern("a\0"), None);
    }
}
