//! CPU time of one guest: the thread's CPU clock around each poll.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// What a guest has used. Written by the thread that polls it, and read there by the epoch callback.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    before_poll_ns: AtomicU64,
    poll_began_ns: AtomicU64,
}

impl Meter {
    /// CPU time up to now; call it from within a poll or after the end.
    pub(crate) fn used(&self) -> Duration {
        let began = self.poll_began_ns.load(Ordering::Relaxed);
        let now = if began == 0 { 0 } else { thread_cpu_ns() };
        Duration::from_nanos(self.before_poll_ns.load(Ordering::Relaxed) + now.saturating_sub(began))
    }
}

/// A future whose polls are metered.
pub(crate) struct Metered<F> {
    pub(crate) future: F,
    pub(crate) meter: Arc<Meter>,
}

impl<F: Future + Unpin> Future for Metered<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let began = thread_cpu_ns();
        self.meter.poll_began_ns.store(began, Ordering::Relaxed);
        let polled = Pin::new(&mut self.future).poll(context);
        let spent = thread_cpu_ns().saturating_sub(began);
        self.meter.before_poll_ns.fetch_add(spent, Ordering::Relaxed);
        self.meter.poll_began_ns.store(0, Ordering::Relaxed);
        polled
    }
}

fn thread_cpu_ns() -> u64 {
    // The clock of the own thread exists on each Linux; a zero would only leave CPU time uncounted.
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(0, |time| Duration::from(time).as_nanos() as u64)
}
