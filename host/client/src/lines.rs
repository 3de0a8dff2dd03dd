//! Lines out of a stream of pieces whose borders mean nothing.

use bytes::{Buf, Bytes, BytesMut};

/// Longest line that is taken; the rest of a longer one is left out.
const LINE_MAX_BYTES: usize = 1 << 20;

/// Gathers pieces and gives whole lines.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    kept: BytesMut,
    /// How far `kept` was searched in vain.
    searched: usize,
    /// The line at hand was too long; what is left of it is dropped.
    is_skipping: bool,
}

impl Lines {
    pub(crate) fn push(&mut self, piece: &[u8]) {
        self.kept.extend_from_slice(piece);
    }

    /// The next whole line, without its end.
    pub(crate) fn next(&mut self) -> Option<Bytes> {
        loop {
            let Some(at) = self.kept[self.searched..].iter().position(|byte| *byte == b'\n') else {
                self.searched = self.kept.len();
                if self.is_skipping {
                    self.kept.clear();
                    self.searched = 0;
                } else if self.kept.len() > LINE_MAX_BYTES {
                    self.is_skipping = true;
                    return Some(self.take(LINE_MAX_BYTES));
                }
                return None;
            };
            let line = self.take(self.searched + at);
            self.kept.advance(1);
            if !std::mem::take(&mut self.is_skipping) {
                return Some(line);
            }
        }
    }

    /// What came after the last line's end.
    pub(crate) fn rest(&mut self) -> Option<Bytes> {
        let length = self.kept.len();
        (length > 0 && !self.is_skipping).then(|| self.take(length))
    }

    fn take(&mut self, length: usize) -> Bytes {
        self.searched = 0;
        self.kept.split_to(length).freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pieces: &[&[u8]], expect: &[&str]) {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        for piece in pieces {
            lines.push(piece);
            while let Some(line) = lines.next() {
                found.push(String::from_utf8_lossy(&line).into_owned());
            }
        }
        found.extend(lines.rest().map(|line| String::from_utf8_lossy(&line).into_owned()));
        assert_eq!(found, expect);
    }

    #[test]
    fn borders_of_pieces_mean_nothing() {
        check(&[b"a\nb", b"c\n\nd", b""], &["a", "bc", "", "d"]);
        check(&[b"", b"\n"], &[""]);
    }

    #[test]
    fn what_is_too_long_is_cut_once() {
        let long = vec![b'x'; LINE_MAX_BYTES + 10];
        let cut = "x".repeat(LINE_MAX_BYTES);
        check(&[&long, b"yyy", b"y\nafter\n"], &[&cut, "after"]);
    }
}
