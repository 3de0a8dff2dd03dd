//! One pass over the bytes of a JSON text, without a tree and without recursion.
//!
//! A scalar costs no allocation; a container costs one frame, a member one [`Key`]. Keys of an object are compared when it closes.

use std::borrow::Cow;

use super::{Fault, JsonError, Kind, Limits, marker};
use crate::pointer::Pointer;

/// Objects of up to so many members compare each key with each other; larger ones sort.
const FEW_KEYS: usize = 16;
/// Numbers shorter than this and without an exponent always fit a double.
const SHORT_NUMBER_BYTES: usize = 300;

pub(super) fn scan(text: &str, limits: Limits) -> Result<Kind, JsonError> {
    if text.len() > limits.bytes {
        let fault = Fault::TooLarge { bytes: text.len(), limit: limits.bytes };
        return Err(JsonError::at(fault, text, limits.bytes, String::new()));
    }
    let mut scanner = Scanner {
        text,
        bytes: text.as_bytes(),
        at: 0,
        limits,
        frames: Vec::new(),
        keys: Vec::new(),
        members: 0,
        values: 0,
    };
    scanner.value().map_err(|fault| JsonError::at(fault, text, scanner.at, scanner.pointer()))
}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    limits: Limits,
    /// Containers that are open.
    frames: Vec<Frame>,
    /// Keys of the open objects, outermost first.
    keys: Vec<Key>,
    /// Members of all objects so far.
    members: usize,
    /// Values so far.
    values: usize,
}

struct Frame {
    object: bool,
    /// Position of the current item.
    index: u32,
    /// Where its keys begin.
    first_key: usize,
}

#[derive(Clone, Copy)]
struct Key {
    start: usize,
    end: usize,
    escaped: bool,
}

impl Scanner<'_> {
    fn value(&mut self) -> Result<Kind, Fault> {
        self.space();
        loop {
            if self.values == self.limits.values {
                return Err(Fault::TooManyValues { limit: self.limits.values });
            }
            self.values += 1;
            let mut kind = match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    self.string()?;
                    Kind::String
                }
                Some(b'{') => {
                    self.open(true)?;
                    if self.peek() != Some(b'}') {
                        self.key()?;
                        continue;
                    }
                    self.close_empty(Kind::Object(0))
                }
                Some(b'[') => {
                    self.open(false)?;
                    if self.peek() != Some(b']') {
                        continue;
                    }
                    self.close_empty(Kind::List(0))
                }
                Some(b'-' | b'0'..=b'9') => {
                    self.number()?;
                    Kind::Number
                }
                Some(b't') => self.word("true", Kind::Boolean)?,
                Some(b'f') => self.word("false", Kind::Boolean)?,
                Some(b'n') => self.word("null", Kind::Null)?,
                Some(_) => return Err(Fault::Syntax("a value is expected here")),
                None => return Err(Fault::Syntax("it ends where a value is expected")),
            };
            loop {
                self.space();
                let Some(frame) = self.frames.last_mut() else {
                    return if self.at == self.bytes.len() {
                        Ok(kind)
                    } else {
                        Err(Fault::Syntax("something follows the value"))
                    };
                };
                match (self.bytes.get(self.at), frame.object) {
                    (Some(b','), object) => {
                        frame.index += 1;
                        self.at += 1;
                        self.space();
                        if object {
                            self.key()?;
                        }
                        break;
                    }
                    (Some(b']'), false) => kind = self.close(Kind::List),
                    (Some(b'}'), true) => {
                        self.no_duplicates()?;
                        let is_marker =
                            self.frames.len() == 1 && self.keys.iter().any(|key| self.decoded(key) == marker::KEY);
                        kind = self.close(Kind::Object);
                        if is_marker {
                            kind = Kind::Blob;
                        }
                    }
                    (Some(_), true) => return Err(Fault::Syntax("',' or '}' is expected here")),
                    (Some(_), false) => return Err(Fault::Syntax("',' or ']' is expected here")),
                    (None, _) => return Err(Fault::Syntax("it ends inside a list or object")),
                }
            }
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn open(&mut self, object: bool) -> Result<(), Fault> {
        if self.frames.len() == self.limits.depth {
            return Err(Fault::TooDeep { limit: self.limits.depth });
        }
        self.frames.push(Frame { object, index: 0, first_key: self.keys.len() });
        self.at += 1;
        self.space();
        Ok(())
    }

    fn close(&mut self, kind: fn(u32) -> Kind) -> Kind {
        let length = self.frames.pop().map_or(0, |frame| {
            self.keys.truncate(frame.first_key);
            frame.index + 1
        });
        self.at += 1;
        kind(length)
    }

    fn close_empty(&mut self, kind: Kind) -> Kind {
        self.frames.pop();
        self.at += 1;
        kind
    }

    fn key(&mut self) -> Result<(), Fault> {
        if self.peek() != Some(b'"') {
            return Err(Fault::Syntax("a key in double quotes is expected here"));
        }
        if self.members == self.limits.keys {
            return Err(Fault::TooManyKeys { limit: self.limits.keys });
        }
        self.members += 1;
        self.at += 1;
        let start = self.at;
        let escaped = self.string()?;
        self.keys.push(Key { start, end: self.at - 1, escaped });
        self.space();
        if self.peek() != Some(b':') {
            return Err(Fault::Syntax("':' is expected after a key"));
        }
        self.at += 1;
        self.space();
        Ok(())
    }

    /// From behind the opening quote to behind the closing one; tells whether there is an escape.
    fn string(&mut self) -> Result<bool, Fault> {
        let mut escaped = false;
        loop {
            self.at += plain_length(&self.bytes[self.at..]);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(0) => return Err(Fault::Nul),
                Some(_) => return Err(Fault::Syntax("a control character must be escaped in a string")),
                None => return Err(Fault::Syntax("it ends inside a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Fault> {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => match self.unit(self.at)? {
                0 => return Err(Fault::Nul),
                0xd800..=0xdbff => {
                    let low =
                        self.bytes[self.at + 6..].starts_with(b"\\u").then(|| self.unit(self.at + 6)).transpose()?;
                    if !matches!(low, Some(0xdc00..=0xdfff)) {
                        return Err(Fault::LoneSurrogate);
                    }
                    self.at += 12;
                }
                0xdc00..=0xdfff => return Err(Fault::LoneSurrogate),
                _ => self.at += 6,
            },
            _ => return Err(Fault::Syntax("no such escape; \\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\uXXXX exist")),
        }
        Ok(())
    }

    /// The code unit of the `\uXXXX` at `at`.
    fn unit(&self, at: usize) -> Result<u32, Fault> {
        let digits = self.bytes.get(at + 2..at + 6).unwrap_or_default();
        if digits.len() != 4 {
            return Err(Fault::Syntax("\\u needs four hex digits"));
        }
        digits.iter().try_fold(0, |unit, &digit| {
            let digit = char::from(digit).to_digit(16).ok_or(Fault::Syntax("\\u needs four hex digits"))?;
            Ok(unit << 4 | digit)
        })
    }

    fn number(&mut self) -> Result<(), Fault> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if matches!(self.peek(), Some(b'0'..=b'9')) {
            return Err(Fault::Syntax("a number does not begin with 0"));
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        let exponent = matches!(self.peek(), Some(b'e' | b'E'));
        if exponent {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        let may_overflow = exponent || self.at - start > SHORT_NUMBER_BYTES;
        if may_overflow && !self.text[start..self.at].parse::<f64>().is_ok_and(f64::is_finite) {
            self.at = start;
            return Err(Fault::NumberRange);
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start { Err(Fault::Syntax("a digit is expected here")) } else { Ok(()) }
    }

    fn word(&mut self, word: &'static str, kind: Kind) -> Result<Kind, Fault> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err(Fault::Syntax("a value is expected here; the words are true, false and null"));
        }
        self.at += word.len();
        Ok(kind)
    }

    /// Compares the keys of the innermost object.
    fn no_duplicates(&mut self) -> Result<(), Fault> {
        let first = self.frames.last().map_or(0, |frame| frame.first_key);
        let keys = &self.keys[first..];
        let twice = if keys.len() <= FEW_KEYS && !keys.iter().any(|key| key.escaped) {
            let raw = |key: &Key| &self.bytes[key.start..key.end];
            (1..keys.len()).find(|&i| keys[..i].iter().any(|earlier| raw(earlier) == raw(&keys[i])))
        } else {
            let mut sorted: Vec<_> = keys.iter().enumerate().map(|(i, key)| (self.decoded(key), i)).collect();
            sorted.sort_unstable();
            sorted.windows(2).find(|pair| pair[0].0 == pair[1].0).map(|pair| pair[1].1)
        };
        let Some(twice) = twice else { return Ok(()) };
        let key = self.decoded(&keys[twice]).chars().take(80).collect();
        self.at = keys[twice].start - 1;
        self.keys.truncate(first + twice + 1);
        Err(Fault::DuplicateKey { key })
    }

    /// The key as it is meant. Its escapes were checked.
    fn decoded(&self, key: &Key) -> Cow<'_, str> {
        let raw = &self.text[key.start..key.end];
        if key.escaped {
            let quoted = &self.text[key.start - 1..=key.end];
            serde_json::from_str(quoted).map_or(Cow::Borrowed(raw), Cow::Owned)
        } else {
            Cow::Borrowed(raw)
        }
    }

    fn pointer(&self) -> String {
        let mut pointer = Pointer::default();
        for (i, frame) in self.frames.iter().enumerate() {
            if frame.object {
                let end = self.frames.get(i + 1).map_or(self.keys.len(), |inner| inner.first_key);
                if end > frame.first_key {
                    pointer.push(&self.decoded(&self.keys[end - 1]));
                }
            } else {
                pointer.push_index(frame.index as usize);
            }
        }
        pointer.into()
    }
}

/// How many bytes stand before the first one that ends a string or needs a look: a quote, a backslash or a control character.
fn plain_length(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH_BITS: u64 = ONES << 7;
    // The highest bit of each byte that is below `limit`. A borrow can mark a byte too many, but only behind one that is rightly marked.
    let below = |word: u64, limit: u8| word.wrapping_sub(ONES * u64::from(limit)) & !word & HIGH_BITS;
    let equal = |word: u64, byte: u8| below(word ^ (ONES * u64::from(byte)), 1);

    let (words, rest) = bytes.as_chunks();
    for (i, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let special = below(word, 0x20) | equal(word, b'"') | equal(word, b'\\');
        if special != 0 {
            return i * 8 + special.trailing_zeros() as usize / 8;
        }
    }
    let is_special = |&b: &u8| b == b'"' || b == b'\\' || b < 0x20;
    bytes.len() - rest.len() + rest.iter().position(is_special).unwrap_or(rest.len())
}
