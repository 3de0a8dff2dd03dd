//! `progress`: the newest report is kept and sent on with the log.

use model::limits::log::LINE_MAX_BYTES;

use crate::bindings::waft::task::progress::Host;
use crate::child::Guest;

impl Host for Guest {
    fn report(&mut self, done: u64, total: Option<u64>, mut message: String) -> wasmtime::Result<()> {
        message.truncate(message.floor_char_boundary(LINE_MAX_BYTES));
        self.attempt().report(done, total, message);
        Ok(())
    }
}
