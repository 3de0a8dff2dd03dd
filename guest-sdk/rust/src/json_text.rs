//! JSON as text, written piece by piece.
//!
//! Every component carries the code that writes its documents, and this is a fifth of what derived serializers would be; the
//! values of authors' types go through serde.

use serde_json::value::RawValue;

/// What can be written as JSON.
pub(crate) trait ToJson {
    fn write(&self, out: &mut String);
}

impl ToJson for str {
    fn write(&self, out: &mut String) {
        out.push('"');
        for letter in self.chars() {
            match letter {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\u{0}'..='\u{1f}' => {
                    const DIGITS: &[u8; 16] = b"0123456789abcdef";
                    let code = letter as usize;
                    out.push_str("\\u00");
                    out.push(char::from(DIGITS[code >> 4]));
                    out.push(char::from(DIGITS[code & 15]));
                }
                _ => out.push(letter),
            }
        }
        out.push('"');
    }
}

impl ToJson for &str {
    fn write(&self, out: &mut String) {
        (**self).write(out);
    }
}

impl ToJson for String {
    fn write(&self, out: &mut String) {
        self.as_str().write(out);
    }
}

impl ToJson for u64 {
    fn write(&self, out: &mut String) {
        out.push_str(&self.to_string());
    }
}

impl ToJson for u32 {
    fn write(&self, out: &mut String) {
        u64::from(*self).write(out);
    }
}

impl ToJson for i32 {
    fn write(&self, out: &mut String) {
        out.push_str(&self.to_string());
    }
}

impl ToJson for bool {
    fn write(&self, out: &mut String) {
        out.push_str(if *self { "true" } else { "false" });
    }
}

impl ToJson for Box<RawValue> {
    fn write(&self, out: &mut String) {
        out.push_str(self.get());
    }
}

impl<T: ToJson> ToJson for [T] {
    fn write(&self, out: &mut String) {
        out.push('[');
        for (position, item) in self.iter().enumerate() {
            if position > 0 {
                out.push(',');
            }
            item.write(out);
        }
        out.push(']');
    }
}

impl<T: ToJson> ToJson for Vec<T> {
    fn write(&self, out: &mut String) {
        self.as_slice().write(out);
    }
}

/// A list of two.
impl<A: ToJson, B: ToJson> ToJson for (A, B) {
    fn write(&self, out: &mut String) {
        out.push('[');
        self.0.write(out);
        out.push(',');
        self.1.write(out);
        out.push(']');
    }
}

/// An object, in the order of its members. What is not set is left out.
pub(crate) struct Object<'a> {
    out: &'a mut String,
    is_empty: bool,
}

impl<'a> Object<'a> {
    pub(crate) fn begin(out: &'a mut String) -> Self {
        out.push('{');
        Self { out, is_empty: true }
    }

    pub(crate) fn end(self) {
        self.out.push('}');
    }

    pub(crate) fn member(&mut self, name: &str, value: &dyn ToJson) {
        self.member_with(name, |out| value.write(out));
    }

    pub(crate) fn member_with(&mut self, name: &str, value: impl FnOnce(&mut String)) {
        if !self.is_empty {
            self.out.push(',');
        }
        self.is_empty = false;
        name.write(self.out);
        self.out.push(':');
        value(self.out);
    }

    pub(crate) fn text(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.member(name, &text);
        }
    }

    pub(crate) fn list<T: ToJson>(&mut self, name: &str, items: &[T]) {
        if !items.is_empty() {
            self.member_with(name, |out| items.write(out));
        }
    }

    pub(crate) fn option<T: ToJson>(&mut self, name: &str, value: &Option<T>) {
        if let Some(value) = value {
            self.member(name, value);
        }
    }

    pub(crate) fn flag(&mut self, name: &str, flag: bool) {
        if flag {
            self.member(name, &true);
        }
    }

    /// A member that is an object itself.
    pub(crate) fn entries<T: ToJson>(&mut self, name: &str, entries: &[(impl AsRef<str>, T)]) {
        self.member_with(name, |out| {
            let mut object = Object::begin(out);
            for (name, value) in entries {
                object.member(name.as_ref(), value);
            }
            object.end();
        });
    }
}

/// An object with one member, as the document writes its variants.
pub(crate) fn variant(name: &str, value: &dyn ToJson, out: &mut String) {
    let mut object = Object::begin(out);
    object.member(name, value);
    object.end();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) {
        let mut json = String::new();
        text.write(&mut json);
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text, "{json}");
    }

    #[test]
    fn every_text_comes_back() {
        check("a \"quoted\" \\ path\nand\tmore");
        check("\u{0}\u{1f}\u{7f}\u{2028}Grüße 🌍");
    }
}
