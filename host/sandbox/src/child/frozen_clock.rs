//! `monotonic-clock` while parsing: time stands still, so a timer would never end and is refused with a message.

use wasmtime::component::{HasData, Linker, Resource};
use wasmtime_wasi::clocks::{WasiClocksCtxView, WasiClocksView};
use wasmtime_wasi::p2::DynPollable;
use wasmtime_wasi::p2::bindings::clocks::monotonic_clock::{self, Host};

use super::guest::Guest;

/// The guest wants to wait.
#[derive(Debug, thiserror::Error)]
#[error("`dags` waits for a timer, but time stands still while a bundle is parsed; wait in a task instead")]
struct TimerRefused;

/// Replaces the interface in `linker`.
pub(super) fn refuse_timers(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    monotonic_clock::add_to_linker::<Guest, FrozenClock>(linker, |guest| View(guest.clocks()))?;
    linker.allow_shadowing(false);
    Ok(())
}

struct FrozenClock;

impl HasData for FrozenClock {
    type Data<'a> = View<'a>;
}

struct View<'a>(WasiClocksCtxView<'a>);

impl Host for View<'_> {
    fn now(&mut self) -> wasmtime::Result<u64> {
        self.0.now()
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        self.0.resolution()
    }

    fn subscribe_instant(&mut self, _when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        Err(TimerRefused.into())
    }

    fn subscribe_duration(&mut self, _duration: u64) -> wasmtime::Result<Resource<DynPollable>> {
        Err(TimerRefused.into())
    }
}
