//! Reads the top of a text that [`super::check`] has passed, without building a tree. A text that it has not passed gives
//! meaningless pieces, but never a panic.

use std::borrow::Cow;

use super::marker::{KEY, may_hold_marker};
use super::{Fault, JsonError, Kind};

/// What stands at the top.
pub fn kind(text: &str) -> Kind {
    let length = || u32::try_from(Members::of(text).count()).unwrap_or(u32::MAX);
    match text.trim_ascii_start().as_bytes().first() {
        Some(b'[') => Kind::List(length()),
        Some(b'{') if is_marker(text) => Kind::Blob,
        Some(b'{') => Kind::Object(length()),
        Some(b'"') => Kind::String,
        Some(b't' | b'f') => Kind::Boolean,
        Some(b'n') | None => Kind::Null,
        Some(_) => Kind::Number,
    }
}

/// How many items a list has, or members an object: the number of instances of a task mapped over it.
pub fn list_length(text: &str) -> Option<u32> {
    kind(text).length()
}

/// The texts of a list's items; of an object, the text of a `[key, value]` pair for each member, in order. Nothing for a
/// scalar or blob.
pub fn items(text: &str) -> Option<Vec<Cow<'_, str>>> {
    match text.trim_ascii_start().as_bytes().first() {
        Some(b'[') => Some(Members::of(text).map(Cow::Borrowed).collect()),
        Some(b'{') if !is_marker(text) => Some(Members::of(text).map(pair).collect()),
        _ => None,
    }
}

/// The first integer that fits no 64 bits: a tree of the text would hold another number in its place.
pub fn find_wide_integer(text: &str) -> Option<JsonError> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => at = end_of_string(bytes, at + 1) + 1,
            b'-' | b'0'..=b'9' => {
                let is_of_number = |byte: &&u8| matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9');
                let end = at + bytes[at..].iter().take_while(is_of_number).count();
                let number = &text[at..end];
                let is_integer = !number.contains(['.', 'e', 'E']);
                if is_integer && number.parse::<i64>().is_err() && number.parse::<u64>().is_err() {
                    return Some(JsonError::at(Fault::IntegerRange, text, at, String::new()));
                }
                at = end;
            }
            _ => at += 1,
        }
    }
    None
}

/// True for an object with the marker's key.
fn is_marker(text: &str) -> bool {
    may_hold_marker(text)
        && Members::of(text).any(|member| {
            let key = &member[..(end_of_string(member.as_bytes(), 1) + 1).min(member.len())];
            serde_json::from_str::<String>(key).is_ok_and(|key| key == KEY)
        })
}

/// `"key": value` as `["key",value]`.
fn pair(member: &str) -> Cow<'_, str> {
    let colon = end_of_string(member.as_bytes(), 1) + 1;
    let (key, value) = member.split_at_checked(colon).unwrap_or((member, ""));
    let value = value.trim_ascii_start().strip_prefix(':').unwrap_or(value).trim_ascii();
    Cow::Owned(format!("[{},{value}]", key.trim_ascii()))
}

/// Index of the quote that closes the string whose first byte is at `at`.
fn end_of_string(bytes: &[u8], mut at: usize) -> usize {
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len().saturating_sub(1)
}

/// The texts between the commas of the outermost list or object.
struct Members<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Members<'a> {
    fn of(text: &'a str) -> Self {
        let inside = text.trim_ascii().strip_prefix(['[', '{']).and_then(|text| text.strip_suffix([']', '}']));
        Self { text: inside.unwrap_or_default().trim_ascii(), at: 0 }
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        if start >= bytes.len() {
            return None;
        }
        let mut depth = 0_usize;
        while let Some(&byte) = bytes.get(self.at) {
            match byte {
                b'"' => self.at = end_of_string(bytes, self.at + 1),
                b'[' | b'{' => depth += 1,
                b']' | b'}' => depth = depth.saturating_sub(1),
                b',' if depth == 0 => break,
                _ => {}
            }
            self.at += 1;
        }
        let end = self.at.min(bytes.len());
        self.at = end + 1;
        Some(self.text[start..end].trim_ascii())
    }
}
