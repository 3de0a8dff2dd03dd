//! What is kept and never shown: values whose names say that they are secrets, and the passwords of connections.
//!
//! Where something is hidden stands [`MASK`]. Whoever sends it back means "as it is", so that what was read can be changed in part and
//! written again.

use model::text::is_sensitive;
use serde_json::Value;

/// Stands where something is hidden.
pub const MASK: &str = "***";

/// A text as it is shown; JSON loses what the names of its members hide.
pub(crate) fn shown(name: &str, text: &str) -> String {
    if is_sensitive(name) {
        return MASK.to_owned();
    }
    let Ok(mut value) = serde_json::from_str::<Value>(text) else { return text.to_owned() };
    if mask(&mut value) { value.to_string() } else { text.to_owned() }
}

/// As [`shown`]; a text that is no JSON object may be anything, and is hidden.
pub(crate) fn shown_object(text: &str) -> String {
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(_)) => shown("", text),
        _ => MASK.to_owned(),
    }
}

/// The text to keep when `sent` is to take the place of `kept`.
pub(crate) fn unmasked(sent: &str, kept: &str) -> String {
    if sent == MASK {
        return kept.to_owned();
    }
    let read = (serde_json::from_str::<Value>(sent), serde_json::from_str::<Value>(kept));
    let (Ok(mut value), Ok(kept)) = read else { return sent.to_owned() };
    if unmask(&mut value, &kept) { value.to_string() } else { sent.to_owned() }
}

/// True when something was hidden.
fn mask(value: &mut Value) -> bool {
    match value {
        Value::Object(members) => members.iter_mut().fold(false, |is_masked, (name, value)| {
            let is_hidden = is_sensitive(name) && !value.is_null();
            if is_hidden {
                *value = MASK.into();
            }
            is_hidden || mask(value) || is_masked
        }),
        Value::Array(values) => values.iter_mut().map(mask).fold(false, std::ops::BitOr::bitor),
        _ => false,
    }
}

/// True when something that is kept took the place of a mask.
fn unmask(sent: &mut Value, kept: &Value) -> bool {
    match (sent, kept) {
        (Value::Object(sent), Value::Object(kept)) => sent.iter_mut().fold(false, |is_changed, (name, value)| {
            let Some(kept) = kept.get(name) else { return is_changed };
            let is_kept = value == MASK && is_sensitive(name);
            if is_kept {
                *value = kept.clone();
            }
            is_kept || unmask(value, kept) || is_changed
        }),
        (Value::Array(sent), Value::Array(kept)) => {
            sent.iter_mut().zip(kept).fold(false, |is_changed, (sent, kept)| unmask(sent, kept) || is_changed)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_hide_values_at_every_depth() {
        let check = |name: &str, text: &str, expect: &str| assert_eq!(shown(name, text), expect, "{name} {text}");
        check("greeting", "hello", "hello");
        check("API_KEY", "hello", "***");
        check("config", r#"{ "b": 1.50, "a": "x" }"#, r#"{ "b": 1.50, "a": "x" }"#);
        check("config", r#"[{"db_password":"x","n":null}]"#, r#"[{"db_password":"***","n":null}]"#);
        check("config", r#"{"token":{"deep":"x"}}"#, r#"{"token":"***"}"#);
        assert_eq!(shown_object("user=x password=y"), "***");
        assert_eq!(shown_object(r#"{"region":"eu"}"#), r#"{"region":"eu"}"#);
    }

    #[test]
    fn what_is_read_can_be_written_again() {
        let kept = r#"{"region":"eu","secret_key":"s","list":[{"token":"t"}]}"#;
        assert_eq!(
            serde_json::from_str::<Value>(&unmasked(&shown("", kept), kept)).unwrap(),
            serde_json::from_str::<Value>(kept).unwrap()
        );
        assert_eq!(unmasked("***", "old"), "old");
        assert_eq!(unmasked("new", "old"), "new");
        assert_eq!(unmasked(r#"{"secret_key":"new"}"#, kept), r#"{"secret_key":"new"}"#);
    }
}
