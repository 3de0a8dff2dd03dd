//! Memory of one guest: linear memories and tables, summed over all of its modules.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use model::limits::hostcall::HANDLES_MAX;
use wasmtime::{Error, ResourceLimiter, Result};

/// What one element of a table counts.
const TABLE_ELEMENT_BYTES: usize = size_of::<usize>();

/// Counts what a guest holds and traps it at the limit.
#[derive(Debug)]
pub(crate) struct Limiter {
    limit_bytes: u64,
    used: Used,
}

/// What a guest holds. Memory never shrinks, so it is also the highest sum. Outlives the guest.
#[derive(Debug, Clone, Default)]
pub(crate) struct Used(Arc<AtomicU64>);

impl Used {
    pub(crate) fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The guest went over a limit; the text names it and both numbers.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub(crate) struct LimitReached(pub(crate) String);

impl Limiter {
    pub(crate) fn new(limit_bytes: u64) -> Self {
        Self { limit_bytes, used: Used::default() }
    }

    pub(crate) fn used(&self) -> Used {
        self.used.clone()
    }

    fn grow(&mut self, current_bytes: usize, desired_bytes: usize) -> Result<bool> {
        let wanted = self.used.bytes().saturating_add(desired_bytes.saturating_sub(current_bytes) as u64);
        if wanted > self.limit_bytes {
            return Err(self.refusal(wanted));
        }
        self.used.0.store(wanted, Ordering::Relaxed);
        Ok(true)
    }

    fn refusal(&self, wanted: u64) -> Error {
        LimitReached(format!("memory limit of {} bytes reached: {wanted} bytes wanted", self.limit_bytes)).into()
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> Result<bool> {
        self.grow(current, desired)
    }

    fn memory_grow_failed(&mut self, error: Error) -> Result<()> {
        Err(LimitReached(format!("a memory cannot grow: {error}")).into())
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> Result<bool> {
        self.grow(current.saturating_mul(TABLE_ELEMENT_BYTES), desired.saturating_mul(TABLE_ELEMENT_BYTES))
    }

    fn table_grow_failed(&mut self, error: Error) -> Result<()> {
        Err(LimitReached(format!("a table cannot grow: {error}")).into())
    }

    fn instances(&self) -> usize {
        HANDLES_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_and_tables_are_summed() {
        let mut limiter = Limiter::new(1_000);
        assert!(limiter.memory_growing(0, 500, None).expect("within the limit"));
        assert!(limiter.memory_growing(0, 420, None).expect("within the limit"));
        assert!(limiter.table_growing(0, 10, None).expect("exactly at the limit"));
        assert_eq!(limiter.used().bytes(), 1_000);
        let error = limiter.memory_growing(420, 421, None).expect_err("one byte over");
        assert_eq!(error.to_string(), "memory limit of 1000 bytes reached: 1001 bytes wanted");
    }

    #[test]
    fn what_does_not_fit_a_number_is_over_the_limit() {
        let mut limiter = Limiter::new(1_000);
        assert!(limiter.table_growing(0, usize::MAX, None).is_err());
        assert!(limiter.memory_growing(0, usize::MAX, None).is_err());
        assert_eq!(limiter.used().bytes(), 0);
    }
}
