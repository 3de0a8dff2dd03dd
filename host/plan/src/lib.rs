//! What must happen next in a run. Pure: events and the time come in, decisions go out; no IO, no clock, no randomness.
//!
//! The scheduler owns one [`RunMachine`] for each unfinished run. It feeds [`Event`]s, writes the [`Decisions`] of all runs in
//! one commit, and asks for ready instances with [`RunMachine::take_ready`]. Work is proportional to what an event changes: a
//! node keeps counters, and a mapped node of n instances is a range and a compact array, never n objects.
//!
//! Beside it, and apart from it: when runs begin by themselves ([`timetable`], [`asset_trigger`], [`backfill`]).
//!
//! Not here: rows and SQL (`store`), who waits for whom (`scheduler`), what a body does (`sandbox`).

pub mod asset_trigger;
pub mod backfill;
mod context;
mod contexts;
mod decision;
mod event;
mod expand;
mod instances;
mod machine;
mod node;
mod ready;
mod retry;
mod rule;
mod saved;
mod selection;
#[cfg(test)]
mod tests;
pub mod timetable;

pub use context::{Past, RunContext};
pub use contexts::Block;
pub use decision::{
    AnswerDecision, BlockDecision, Cancelled, Decisions, EndDecision, ExpansionDecision, InsertDecision, Ready,
    ResetDecision, RunEnd, TransitionDecision,
};
pub use event::Event;
pub use expand::{Given, LengthError, Lengths, lengths_at_start};
pub use machine::{Explanation, Limit, MachineLimits, ResultStatus, RunMachine};
pub use rule::{Counts, Verdict, verdict};
pub use saved::{SavedInstance, SavedNode, SavedRun};
pub use selection::{Ending, Marking, Selected, Selection, SelectionError};
