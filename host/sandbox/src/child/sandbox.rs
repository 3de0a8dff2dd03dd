//! One sandbox: a fresh store and instance for each call of a guest, within bounds that hold from instantiation to clean-up.
//!
//! A store is used once. One that trapped, timed out or was cancelled is dropped like any other; nothing of it is used again.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use clock::{Clock, Real};
use futures::FutureExt;
use futures::future::BoxFuture;
use model::limits::hostcall::HANDLES_MAX;
use model::outcome::ResourcesUsed;
use wasmtime::component::{Component, HasSelf, Instance, InstancePre, Linker};
use wasmtime::{Engine, Store, UpdateDeadline};

use super::attempt::Attempt;
use super::fault::{CpuLimit, Fault, WallLimit};
use super::frozen_clock;
use super::guest::Guest;
use super::host_calls::HostAccess;
use super::limiter::Limiter;
use super::meter::{Meter, Metered};
use super::ticker::Ticker;
use super::world::World;
use crate::bindings::BundleWithCallbacks;
use crate::bindings::exports::waft::task::{callbacks, definition, task_bodies};
use crate::engine;

/// Whether guests run bodies or tell their DAGs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Tasks,
    Parse,
}

/// The engine of this process with all that guests may import.
pub(super) struct Sandbox {
    engine: Engine,
    linker: Linker<Guest>,
    ticker: Ticker,
}

/// A component that is ready to be instantiated.
pub(super) struct Loaded {
    instance: InstancePre<Guest>,
    pub(super) bodies: Option<task_bodies::GuestIndices>,
    pub(super) definition: Option<definition::GuestIndices>,
    pub(super) callbacks: Option<callbacks::GuestIndices>,
}

/// What one call may use.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) wall: Duration,
    pub(super) cpu: Option<Duration>,
    pub(super) memory_bytes: u64,
    pub(super) hostcall_bytes: usize,
}

/// How one call ended.
pub(super) struct Ended<T> {
    /// The answer and what the guest left in its store.
    pub(super) outcome: Result<(T, Guest), Fault>,
    pub(super) used: ResourcesUsed,
}

impl Sandbox {
    pub(super) fn new(phase: Phase) -> wasmtime::Result<Self> {
        let engine = engine::runner()?;
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        BundleWithCallbacks::add_to_linker::<Guest, HasSelf<Guest>>(&mut linker, |guest| guest)?;
        if phase == Phase::Parse {
            frozen_clock::refuse_timers(&mut linker)?;
        }
        let ticker = Ticker::start(engine.clone())?;
        Ok(Self { engine, linker, ticker })
    }

    /// Takes native code that the server trusts, and links it.
    pub(super) fn load(&self, artefact: &[u8]) -> wasmtime::Result<Loaded> {
        // SAFETY: the bytes come from the parent over the inherited socket, which vouches that a compiler of this build made them
        // (see `Artefact::trust`); the engine checks version, settings and CPU before it uses them.
        let component = unsafe { Component::deserialize(&self.engine, artefact)? };
        let instance = self.linker.instantiate_pre(&component)?;
        let bodies = task_bodies::GuestIndices::new(&instance).ok();
        let definition = definition::GuestIndices::new(&instance).ok();
        let callbacks = callbacks::GuestIndices::new(&instance).ok();
        Ok(Loaded { instance, bodies, definition, callbacks })
    }

    /// Runs `call` on a fresh instance.
    pub(super) async fn run<T: Send>(
        &self,
        loaded: &Loaded,
        attempt: &Arc<Attempt>,
        (host, world): (HostAccess, &World),
        bounds: Bounds,
        call: impl for<'a> FnOnce(&'a mut Store<Guest>, &'a Instance) -> BoxFuture<'a, wasmtime::Result<T>> + Send,
    ) -> Ended<T> {
        let running = self.ticker.run();
        let began = Real.monotonic();
        let meter = Arc::new(Meter::default());
        let limiter = Limiter::new(bounds.memory_bytes);
        let memory = limiter.used();
        let work = async {
            let guest = Guest::new(Arc::clone(attempt), host, world, limiter);
            let mut store = self.store(guest, bounds, began, Arc::clone(&meter));
            let instance = loaded.instance.instantiate_async(&mut store).await?;
            let answer = call(&mut store, &instance).await?;
            Ok((answer, store.into_data()))
        };
        let metered = Metered { future: Box::pin(work), meter: Arc::clone(&meter) };
        // The epoch ends a guest that computes; the timeout one that waits.
        let bounded = tokio::time::timeout(bounds.wall, AssertUnwindSafe(metered).catch_unwind());
        let outcome = tokio::select! {
            biased;
            outcome = bounded => match outcome {
                Ok(Ok(Ok(answer))) => Ok(answer),
                Ok(Ok(Err(error))) => Err(Fault::of(&error, attempt)),
                Ok(Err(panic)) => Err(Fault::panicked(&*panic)),
                Err(_) => Err(Fault::wall(bounds.wall)),
            },
            () = attempt.cancelled.notified() => Err(Fault::Cancelled),
        };
        drop(running);
        let used = ResourcesUsed {
            wall_us: (Real.monotonic() - began).as_micros() as u64,
            cpu_us: meter.used().as_micros() as u64,
            memory_bytes: memory.bytes(),
        };
        Ended { outcome, used }
    }

    fn store(&self, guest: Guest, bounds: Bounds, began: Duration, meter: Arc<Meter>) -> Store<Guest> {
        let mut store = Store::new(&self.engine, guest);
        store.limiter(|guest| &mut guest.limiter);
        store.set_hostcall_fuel(bounds.hostcall_bytes);
        store.set_max_component_handles(HANDLES_MAX);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| {
            if Real.monotonic() - began >= bounds.wall {
                return Err(WallLimit(bounds.wall).into());
            }
            if let Some(cpu) = bounds.cpu
                && meter.used() >= cpu
            {
                return Err(CpuLimit(cpu).into());
            }
            // The engine's own yield would not give way to the sockets and timers of this process.
            Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
        });
        store
    }
}

#[cfg(test)]
mod tests;
