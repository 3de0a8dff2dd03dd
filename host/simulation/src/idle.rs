//! Runs a simulation on one thread and tells when nothing can go on by itself.
//!
//! Tasks run in the order in which they were woken, which follows from what happened before; so equal worlds take equal courses.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

/// Knows when every task waits for something that only the simulation's driver can bring.
#[derive(Debug, Clone, Default)]
pub struct Idle(Arc<Mutex<State>>);

#[derive(Debug, Default)]
enum State {
    #[default]
    Unasked,
    Asked(Waker),
    Reached,
}

impl Idle {
    /// Runs `body` to its end, with all tasks that it spawns.
    pub fn run<T, F: Future<Output = T>>(body: impl FnOnce(Self) -> F) -> T {
        let idle = Self::default();
        let hook = idle.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().on_thread_park(move || hook.reached()).build();
        runtime.expect("a runtime without a driver of its own").block_on(body(idle))
    }

    /// Waits until every task waits. Only one caller may wait at a time.
    pub async fn rest(&self) {
        std::future::poll_fn(|context| {
            let mut state = self.0.lock().expect("no panic while the lock is held");
            if matches!(*state, State::Reached) {
                *state = State::Unasked;
                return Poll::Ready(());
            }
            *state = State::Asked(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn reached(&self) {
        let mut state = self.0.lock().expect("no panic while the lock is held");
        if let State::Asked(waker) = &*state {
            let waker = waker.clone();
            *state = State::Reached;
            drop(state);
            waker.wake();
        }
    }
}
