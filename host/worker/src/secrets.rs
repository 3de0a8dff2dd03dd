//! Texts that a guest may read and people who read its log may not.
//!
//! They are known before the guest gets them, so that no line is older than what hides it. Very short ones are left: they would hide
//! everything else too.

use serde_json::Value;

/// Stands where something is hidden.
const MASK: &str = "***";
/// Shorter texts are no secrets.
const SECRET_MIN_BYTES: usize = 3;

/// What one attempt has read.
#[derive(Debug, Default)]
pub(crate) struct Secrets(Vec<Box<str>>);

impl Secrets {
    /// Hides a text from now on; of JSON every string in it, and of many lines each.
    pub(crate) fn add(&mut self, secret: &str) {
        match serde_json::from_str::<Value>(secret) {
            Ok(Value::Object(_) | Value::Array(_) | Value::String(_)) => self.add_json(secret),
            Ok(Value::Null | Value::Bool(_)) => {}
            Ok(Value::Number(_)) | Err(_) => self.add_lines(secret),
        }
    }

    fn add_json(&mut self, text: &str) {
        let mut open: Vec<Value> = serde_json::from_str(text).into_iter().collect();
        while let Some(value) = open.pop() {
            match value {
                Value::String(text) => self.add_lines(&text),
                Value::Array(items) => open.extend(items),
                Value::Object(members) => open.extend(members.into_values()),
                Value::Null | Value::Bool(_) | Value::Number(_) => {}
            }
        }
    }

    fn add_lines(&mut self, text: &str) {
        for line in text.lines().map(str::trim).filter(|line| line.len() >= SECRET_MIN_BYTES) {
            if !self.0.iter().any(|known| **known == *line) {
                self.0.push(line.into());
            }
        }
        // One that stands in another must not break that one up.
        self.0.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    }

    /// The text without them.
    pub(crate) fn masked(&self, mut text: String) -> String {
        for secret in &self.0 {
            if text.contains(&**secret) {
                text = text.replace(&**secret, MASK);
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(secrets: &[&str], text: &str, expect: &str) {
        let mut all = Secrets::default();
        secrets.iter().for_each(|secret| all.add(secret));
        assert_eq!(all.masked(text.to_owned()), expect, "{secrets:?}");
    }

    #[test]
    fn what_is_hidden_does_not_show() {
        check(&[], "a text", "a text");
        check(&["hunter2"], "hunter2 and hunter2!", "*** and ***!");
        check(&["hunter", "hunter2"], "hunter2, hunter", "***, ***");
        check(&["ab"], "ab abc", "ab abc");
        check(&[r#"{"token": ["t-123", 7], "deep": {"key": "k-456"}}"#], "t-123 k-456 7 token", "*** *** 7 token");
        check(&["\"quoted\""], "quoted", "***");
        check(&["-----BEGIN-----\nline-1\n"], "line-1 of -----BEGIN-----", "*** of ***");
        check(&["1234"], "pin 1234", "pin ***");
    }
}
