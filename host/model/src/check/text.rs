//! Texts that people read: of bounded length, in NFC, without characters that make them look like something else.

use unicode_normalization::{IsNormalized, is_nfc_quick};

use crate::limits::dag::{LONG_TEXT_MAX_BYTES, SHORT_TEXT_MAX_BYTES};
use crate::pointer::Pointer;
use crate::problem::Problems;
use crate::text::is_control_or_format;

/// What a text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Text {
    /// A line: a name, tag or label.
    Short,
    /// Lines: a description, documentation.
    Long,
}

pub(super) fn check(text: &str, kind: Text, at: &Pointer, problems: &mut Problems) {
    let limit = match kind {
        Text::Short => SHORT_TEXT_MAX_BYTES,
        Text::Long => LONG_TEXT_MAX_BYTES,
    };
    if text.len() > limit {
        problems.error("text-too-long", at, format!("the text has {} bytes; at most {limit} are allowed", text.len()));
        return;
    }
    if kind == Text::Short && text.trim().is_empty() {
        problems.error("empty-text", at, "the text is blank; leave it out or write something");
    }
    let may_stand = |c: char| kind == Text::Long && matches!(c, '\n' | '\r' | '\t');
    if let Some((i, c)) = text.char_indices().find(|&(_, c)| is_control_or_format(c) && !may_stand(c)) {
        let message =
            format!("the character U+{:04X} at byte {i} cannot be seen and may mislead; remove it", u32::from(c));
        problems.error("invisible-character", at, message);
    }
    let nfc = match is_nfc_quick(text.chars()) {
        IsNormalized::Yes => true,
        IsNormalized::No => false,
        IsNormalized::Maybe => unicode_normalization::is_nfc(text),
    };
    if kind == Text::Short && !nfc {
        problems.error("not-nfc", at, "the text is not in Unicode normalization form C; normalize it");
    }
}
