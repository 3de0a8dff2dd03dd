//! RFC 6901 pointers, grown and cut while a document is walked.

/// A pointer to a place in a JSON document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pointer(String);

impl Pointer {
    /// The pointer as text: empty for the whole document, else `/tasks/3/args`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Goes down to a member.
    pub fn push(&mut self, key: &str) {
        self.0.push('/');
        for c in key.chars() {
            match c {
                '~' => self.0.push_str("~0"),
                '/' => self.0.push_str("~1"),
                c => self.0.push(c),
            }
        }
    }

    /// Goes down to an item.
    pub fn push_index(&mut self, index: usize) {
        self.0.push('/');
        self.0.push_str(&index.to_string());
    }

    /// Does something one member further down.
    pub fn within<T>(&mut self, key: &str, action: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.0.len();
        self.push(key);
        let answer = action(self);
        self.0.truncate(length);
        answer
    }

    /// Does something one item further down.
    pub fn within_index<T>(&mut self, index: usize, action: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.0.len();
        self.push_index(index);
        let answer = action(self);
        self.0.truncate(length);
        answer
    }

    /// The pointer to a member of what this points to.
    pub fn to(&self, key: &str) -> Pointer {
        let mut pointer = self.clone();
        pointer.push(key);
        pointer
    }
}

impl From<Pointer> for String {
    fn from(pointer: Pointer) -> String {
        pointer.0
    }
}

impl From<&Pointer> for String {
    fn from(pointer: &Pointer) -> String {
        pointer.0.clone()
    }
}
