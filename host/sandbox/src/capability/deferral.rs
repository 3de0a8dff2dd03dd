//! `deferral`: what has woken the attempt. It stands in the assignment.

use model::outcome::WakeOn;

use crate::bindings::waft::task::deferral::{Host, Woken};
use crate::bindings::waft::task::types::WakeEvent;
use crate::child::Guest;

impl Host for Guest {
    fn woken_by(&mut self) -> wasmtime::Result<Option<Woken>> {
        Ok(self.woken.as_deref().map(|woken| Woken {
            on: match woken.on.clone() {
                WakeOn::Until { at_us } => WakeEvent::Until(at_us),
                WakeOn::Asset(name) => WakeEvent::Asset(name),
                WakeOn::Signal(name) => WakeEvent::Signal(name),
                WakeOn::DagRun(run) => WakeEvent::DagRun(run),
            },
            payload: woken.payload.as_deref().map(str::to_owned),
        }))
    }
}
