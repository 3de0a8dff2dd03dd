//! Exit codes. Scripts rely on them; `waft --help` lists them.

use std::process::ExitCode;

macro_rules! exits {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $meaning:literal;)*) => {
        /// How the program ends.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum Exit { $($(#[$doc])* $variant = $code,)* }

        /// The lines of `--help`.
        pub(crate) const HELP: &str = concat!("Exit codes:\n", $("  ", $code, "  ", $meaning, "\n",)*);
    };
}

exits! {
    Done = 0, "done; where a run was waited for: it succeeded";
    RunFailed = 1, "the run that was waited for failed, or its result cannot come";
    Usage = 2, "the arguments, the configuration or the input file are wrong";
    NotFound = 3, "what was asked for is not there";
    Refused = 4, "the server refuses what was sent, or the token";
    Unreachable = 5, "the server cannot be reached, or what answers is no Waft server";
    TimedOut = 6, "the time to wait was over first; the run goes on";
    Broken = 7, "something else went wrong: a file, a process, the server itself";
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
