//! Makes hostile text safe for a terminal.
//!
//! Ids, messages and logs come from guests and servers. A terminal obeys control characters: it would move the cursor, forge lines,
//! change the title or the clipboard. Escape sequences are left out whole; other control characters, and those that turn the
//! direction of text around, become U+FFFD.

use std::borrow::Cow;

const REPLACEMENT: char = '\u{fffd}';

/// Text of several lines: line ends and tabs stay.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    filter(text, |c| matches!(c, '\n' | '\t').then_some(c))
}

/// Text that must stay on its line: line ends and tabs become spaces.
pub(crate) fn clean_line(text: &str) -> Cow<'_, str> {
    filter(text, |c| matches!(c, '\n' | '\t' | '\r').then_some(' '))
}

/// Characters that a terminal, or whoever reads it, takes for more than a picture.
pub(crate) fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(c, '\u{2028}' | '\u{2029}')
}

fn filter(text: &str, kept: impl Fn(char) -> Option<char>) -> Cow<'_, str> {
    if !text.chars().any(|c| is_hostile(c) && kept(c) != Some(c)) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_escape(&mut chars),
            '\u{9b}' => skip_control_sequence(&mut chars),
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => skip_string(&mut chars),
            c => match kept(c) {
                Some(kept) => clean.push(kept),
                None if is_hostile(c) => clean.push(REPLACEMENT),
                None => clean.push(c),
            },
        }
    }
    Cow::Owned(clean)
}

type Chars<'a> = std::str::Chars<'a>;

/// What follows ESC.
fn skip_escape(chars: &mut Chars<'_>) {
    match peek(chars) {
        Some('[') => {
            chars.next();
            skip_control_sequence(chars);
        }
        Some('P' | 'X' | ']' | '^' | '_') => {
            chars.next();
            skip_string(chars);
        }
        Some(' '..='/') => {
            skip_while(chars, |c| matches!(c, ' '..='/'));
            skip_if(chars, |c| matches!(c, '0'..='~'));
        }
        _ => skip_if(chars, |c| matches!(c, '0'..='~')),
    }
}

/// Parameters, intermediates and the final character of a control sequence.
fn skip_control_sequence(chars: &mut Chars<'_>) {
    skip_while(chars, |c| matches!(c, '0'..='?'));
    skip_while(chars, |c| matches!(c, ' '..='/'));
    skip_if(chars, |c| matches!(c, '@'..='~'));
}

/// An operating system command or another string, up to BEL, ST or the end of the line.
fn skip_string(chars: &mut Chars<'_>) {
    while let Some(c) = peek(chars) {
        if c == '\n' {
            return;
        }
        chars.next();
        match c {
            '\u{7}' | '\u{9c}' => return,
            '\u{1b}' => return skip_if(chars, |c| c == '\\'),
            _ => {}
        }
    }
}

fn peek(chars: &Chars<'_>) -> Option<char> {
    chars.clone().next()
}

fn skip_while(chars: &mut Chars<'_>, is_skipped: impl Fn(char) -> bool) {
    while peek(chars).is_some_and(&is_skipped) {
        chars.next();
    }
}

fn skip_if(chars: &mut Chars<'_>, is_skipped: impl Fn(char) -> bool) {
    if peek(chars).is_some_and(is_skipped) {
        chars.next();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expect: &str) {
        assert_eq!(clean(text), expect, "{text:?}");
    }

    #[test]
    fn plain_text_stays() {
        check("", "");
        check("grün\tüber\n日本 👍", "grün\tüber\n日本 👍");
        assert!(matches!(clean("unchanged"), Cow::Borrowed(_)));
    }

    #[test]
    fn colours_and_cursor_moves_go() {
        check("\u{1b}[31mred\u{1b}[0m", "red");
        check("a\u{1b}[2J\u{1b}[1;1Hb", "ab");
        check("a\u{1b}[?25lb\u{1b}[!pc", "abc");
        check("a\u{9b}31mb", "ab");
        check("a\u{1b}cb\u{1b}(Bc\u{1b}7d", "abcd");
    }

    #[test]
    fn titles_clipboards_and_links_go() {
        check("a\u{1b}]0;evil\u{7}b", "ab");
        check("a\u{1b}]52;c;ZXZpbA==\u{1b}\\b", "ab");
        check("\u{1b}]8;;http://evil\u{1b}\\text\u{1b}]8;;\u{1b}\\", "text");
        check("a\u{9d}0;evil\u{9c}b", "ab");
        check("a\u{1b}P1;2|payload\u{1b}\\b\u{1b}_apc\u{7}c", "abc");
    }

    #[test]
    fn a_sequence_that_does_not_end_takes_its_line_alone() {
        check("a\u{1b}]0;never ends\nnext", "a\nnext");
        check("a\u{1b}", "a");
        check("a\u{1b}[", "a");
        check("a\u{1b}[31", "a");
    }

    #[test]
    fn other_controls_are_shown_as_such() {
        check("over\rwritten\u{8}", "over\u{fffd}written\u{fffd}");
        check("nul\0 del\u{7f}", "nul\u{fffd} del\u{fffd}");
        check("user\u{202e}txt.exe", "user\u{fffd}txt.exe");
    }

    #[test]
    fn what_stands_on_one_line_stays_there() {
        assert_eq!(clean_line("a\nb\tc\r\n"), "a b c  ");
    }

    proptest! {
        #[test]
        fn nothing_hostile_is_left(text in "(\\PC|\\p{Cc}|[\\x1b\\x07\\[\\]P0-9;m\\\\\\u{9b}\\u{9d}]){0,60}") {
            prop_assert!(clean(&text).chars().all(|c| matches!(c, '\n' | '\t') || !is_hostile(c)));
            prop_assert!(!clean_line(&text).chars().any(is_hostile));
        }
    }
}
