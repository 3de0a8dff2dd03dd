//! Panics that end nothing but the work that they happened in.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;

/// Runs to the end, or to a panic, whose message is the error. What the work shared must hold at every point where it can panic.
pub(crate) async fn caught<T>(work: impl Future<Output = T>) -> Result<T, String> {
    AssertUnwindSafe(work).catch_unwind().await.map_err(|panic| {
        let message = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let message = message.or_else(|| panic.downcast_ref::<String>().cloned());
        format!("it panicked: {}", message.as_deref().unwrap_or("it does not say why"))
    })
}
