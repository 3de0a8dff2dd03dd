//! Steps at which a test lets a process die, stand still or fail.
//!
//! A *point* is a step by its name, on the *side* before or after it. Without the feature `failpoints`, which no release has, every
//! point is nothing at all. With it, `WAFT_FAILPOINTS` says what happens where:
//!
//! ```text
//! WAFT_FAILPOINTS="claim::tx.after=kill@3;log::flush.before=error"
//! ```
//!
//! At the third time that claims have been committed the process dies as by `kill -9`; the first chunk of a log fails before it is
//! written. `stop` stands still until somebody sends `SIGCONT`. An error after a step says that it failed though it was done.
//! Callers: every crate with a step that must survive this. What must hold: a point stands beside one effect, not around two.

#[cfg(feature = "failpoints")]
mod armed;
#[cfg(feature = "failpoints")]
mod plan;

/// False where every point is nothing at all.
pub const IS_BUILT_IN: bool = cfg!(feature = "failpoints");

/// What a step fails with at a point.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a test lets {0} fail")]
pub struct Injected(pub String);

/// The point before a step.
#[cfg(feature = "failpoints")]
pub fn before(step: &str) -> Result<(), Injected> {
    armed::pass(step, plan::Side::Before)
}

/// The point after a step.
#[cfg(feature = "failpoints")]
pub fn after(step: &str) -> Result<(), Injected> {
    armed::pass(step, plan::Side::After)
}

/// The point before a step.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub fn before(_: &str) -> Result<(), Injected> {
    Ok(())
}

/// The point after a step.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub fn after(_: &str) -> Result<(), Injected> {
    Ok(())
}

/// The side before a step that cannot fail.
#[inline(always)]
pub fn begins(step: &str) {
    // Whoever arms it with an error learns nothing.
    let _ = before(step);
}

/// The side after a step that cannot fail.
#[inline(always)]
pub fn ends(step: &str) {
    // Whoever arms it with an error learns nothing.
    let _ = after(step);
}
