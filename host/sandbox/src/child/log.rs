//! The log of one attempt while it runs: takes text from a hostile guest and keeps lines within the limits.
//!
//! Writing never fails and never waits. What does not fit is counted; one marker at the end says how much that was.

use std::mem;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use clock::{Clock, Real};
use model::limits::log::{
    ATTEMPT_MAX_BYTES, BYTES_PER_SECOND_MAX, LINE_MAX_BYTES, LINE_OVERHEAD_BYTES, PIECE_BYTES, UNSENT_MAX_BYTES,
};

use crate::completion::{LogLine, LogSource};

/// Collects lines. Shared by the guest's calls, its output streams and whoever sends the lines on.
#[derive(Debug)]
pub(crate) struct Log(Mutex<State>);

#[derive(Debug)]
struct State {
    budget: u64,
    allowance: Allowance,
    unsent: Vec<LogLine>,
    unsent_bytes: usize,
    dropped_bytes: u64,
    stdout: Partial,
    stderr: Partial,
    /// The newest lines of stderr, for the message of a trap.
    last_words: Vec<String>,
    finished: bool,
}

/// A line that has not ended yet.
#[derive(Debug, Default)]
struct Partial {
    bytes: Vec<u8>,
    /// Bytes past the longest line, until the line ends.
    cut: u64,
}

/// What may still be written in this second.
#[derive(Debug)]
struct Allowance {
    bytes: u64,
    refilled: Duration,
}

const LAST_WORDS_LINES: usize = 3;
/// A line that Rust writes after the message of a panic and that helps nobody here.
const PANIC_NOTE: &str = "note: run with `RUST_BACKTRACE";

impl Log {
    /// A log that takes at most `budget` bytes in all.
    pub(crate) fn new(budget: u64) -> Self {
        let allowance = Allowance { bytes: BYTES_PER_SECOND_MAX, refilled: Real.monotonic() };
        Self(Mutex::new(State {
            budget: budget.min(ATTEMPT_MAX_BYTES),
            allowance,
            unsent: Vec::new(),
            unsent_bytes: 0,
            dropped_bytes: 0,
            stdout: Partial::default(),
            stderr: Partial::default(),
            last_words: Vec::new(),
            finished: false,
        }))
    }

    /// Takes a whole message; each of its lines becomes a line. True when enough waits to be sent on.
    pub(crate) fn write(&self, source: LogSource, message: &str) -> bool {
        let mut state = self.state();
        for line in message.split('\n') {
            let cut = line.floor_char_boundary(LINE_MAX_BYTES);
            state.dropped_bytes += (line.len() - cut) as u64;
            state.push(source, line[..cut].to_owned());
        }
        state.unsent_bytes >= PIECE_BYTES
    }

    /// Takes a piece of stdout or stderr; lines may span pieces. True when enough waits to be sent on.
    pub(crate) fn write_stream(&self, source: LogSource, bytes: &[u8]) -> bool {
        let mut state = self.state();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ended) = match piece {
                [text @ .., b'\n'] => (text, true),
                text => (text, false),
            };
            let partial = state.partial(source);
            let taken = text.len().min(LINE_MAX_BYTES - partial.bytes.len());
            partial.bytes.extend_from_slice(&text[..taken]);
            partial.cut += (text.len() - taken) as u64;
            if ended {
                state.end_line(source);
            }
        }
        state.unsent_bytes >= PIECE_BYTES
    }

    /// Hands the lines that wait to `send`, unless there are none or the log is finished. No line can be finished meanwhile, so
    /// that what is sent on never follows the end of the attempt.
    pub(crate) fn send_on(&self, send: impl FnOnce(Vec<LogLine>)) {
        let mut state = self.state();
        if !state.finished && !state.unsent.is_empty() {
            state.unsent_bytes = 0;
            send(mem::take(&mut state.unsent));
        }
    }

    /// Ends open lines, adds the marker if something was dropped, and gives what waits to be sent on.
    pub(crate) fn finish(&self) -> Vec<LogLine> {
        let mut state = self.state();
        state.finished = true;
        for source in [LogSource::Stdout, LogSource::Stderr] {
            if !state.partial(source).bytes.is_empty() {
                state.end_line(source);
            }
        }
        let mut lines = mem::take(&mut state.unsent);
        if state.dropped_bytes > 0 {
            let text = format!(
                "{} bytes of this log were dropped: the limits are {LINE_MAX_BYTES} bytes a line, {BYTES_PER_SECOND_MAX} bytes a \
                 second and {ATTEMPT_MAX_BYTES} bytes an attempt",
                state.dropped_bytes
            );
            lines.push(LogLine { at_us: now_us(), source: LogSource::Waft, text });
        }
        lines
    }

    /// The newest lines of stderr.
    pub(crate) fn last_words(&self) -> Vec<String> {
        self.state().last_words.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no panic while the lock is held")
    }
}

impl State {
    fn partial(&mut self, source: LogSource) -> &mut Partial {
        if source == LogSource::Stderr { &mut self.stderr } else { &mut self.stdout }
    }

    fn end_line(&mut self, source: LogSource) {
        let Partial { bytes, cut } = mem::take(self.partial(source));
        self.dropped_bytes += cut;
        let text =
            String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        if source == LogSource::Stderr && !text.starts_with(PANIC_NOTE) {
            if self.last_words.len() == LAST_WORDS_LINES {
                self.last_words.remove(0);
            }
            self.last_words.push(text[..text.floor_char_boundary(1_000)].to_owned());
        }
        self.push(source, text);
    }

    fn push(&mut self, source: LogSource, text: String) {
        let cost = text.len() as u64 + LINE_OVERHEAD_BYTES;
        let fits = cost <= self.budget && self.unsent_bytes < UNSENT_MAX_BYTES && self.allowance.take(cost);
        if fits {
            self.budget -= cost;
            self.unsent_bytes += cost as usize;
            self.unsent.push(LogLine { at_us: now_us(), source, text });
        } else {
            self.dropped_bytes += text.len() as u64;
        }
    }
}

impl Allowance {
    fn take(&mut self, cost: u64) -> bool {
        if self.bytes < cost {
            let now = Real.monotonic();
            let elapsed_us = (now - self.refilled).as_micros().min(1_000_000) as u64;
            self.bytes = (self.bytes + elapsed_us * BYTES_PER_SECOND_MAX / 1_000_000).min(BYTES_PER_SECOND_MAX);
            self.refilled = now;
        }
        if self.bytes < cost {
            return false;
        }
        self.bytes -= cost;
        true
    }
}

fn now_us() -> i64 {
    Real.now().as_microsecond()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::completion::LogLevel;

    const INFO: LogSource = LogSource::Log(LogLevel::Info);

    fn texts(lines: Vec<LogLine>) -> Vec<String> {
        lines.into_iter().map(|line| line.text).collect()
    }

    fn bytes(lines: &[LogLine]) -> usize {
        lines.iter().map(|line| line.text.len()).sum()
    }

    #[test]
    fn lines_of_a_stream_may_come_in_pieces() {
        let log = Log::new(u64::MAX);
        log.write_stream(LogSource::Stdout, b"one\ntw");
        log.write_stream(LogSource::Stderr, b"other");
        log.write_stream(LogSource::Stdout, b"o\n\nthree");
        assert_eq!(texts(log.finish()), ["one", "two", "", "three", "other"]);
    }

    #[test]
    fn a_line_that_is_too_long_is_cut_and_the_rest_is_counted() {
        let log = Log::new(u64::MAX);
        log.write_stream(LogSource::Stdout, &[b'x'; LINE_MAX_BYTES + 10]);
        log.write_stream(LogSource::Stdout, b"yy\nnext\n");
        log.write(INFO, &"é".repeat(LINE_MAX_BYTES));
        let lines = texts(log.finish());
        assert_eq!(lines[0].len(), LINE_MAX_BYTES);
        assert_eq!(lines[1], "next");
        assert_eq!(lines[2].len(), LINE_MAX_BYTES);
        assert!(lines[3].starts_with(&format!("{} bytes", 12 + LINE_MAX_BYTES)), "{}", lines[3]);
    }

    #[test]
    fn a_flood_is_bounded_and_ends_with_one_marker() {
        let log = Log::new(u64::MAX);
        for _ in 0..100_000 {
            log.write(INFO, &"x".repeat(100));
        }
        let lines = log.finish();
        assert!(bytes(&lines) <= UNSENT_MAX_BYTES);
        assert_eq!(lines.iter().filter(|line| line.source == LogSource::Waft).count(), 1);
    }

    #[test]
    fn empty_lines_are_bounded_too() {
        let log = Log::new(u64::MAX);
        log.write(INFO, &"\n".repeat(1_000_000));
        assert!(log.finish().len() as u64 <= BYTES_PER_SECOND_MAX / LINE_OVERHEAD_BYTES + 2);
    }

    #[test]
    fn the_budget_of_the_attempt_bounds_what_was_sent_on_before() {
        let log = Log::new(1_000);
        let mut kept = 0;
        for _ in 0..100 {
            log.write(INFO, &"x".repeat(100));
            log.send_on(|lines| kept += bytes(&lines));
        }
        assert!(kept <= 1_000);
        assert_eq!(texts(log.finish()).len(), 1, "only the marker is left");
    }

    #[test]
    fn bytes_that_are_not_utf_8_do_no_harm() {
        let log = Log::new(u64::MAX);
        log.write_stream(LogSource::Stderr, b"\xff\xfe\n");
        assert_eq!(texts(log.finish()), ["\u{fffd}\u{fffd}"]);
        assert_eq!(log.last_words(), ["\u{fffd}\u{fffd}"]);
    }
}
