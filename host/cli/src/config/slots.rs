//! How much a server runs at a time.

use model::limits::worker::{SLOTS_DEFAULT, SLOTS_MAX};

use super::Element;

/// Task instances that run at a time.
pub(crate) struct Slots;

impl Element for Slots {
    const KEY: &'static str = "slots";
    const VARIABLE: &'static str = "WAFT_SLOTS";
    const FLAG: &'static str = "--slots";

    type Value = u32;

    fn parse(text: &str) -> Result<u32, String> {
        let slots = text.parse().ok().filter(|slots| (1..=SLOTS_MAX).contains(slots));
        slots.ok_or_else(|| format!("it is a number from 1 to {SLOTS_MAX}"))
    }

    fn show(value: &u32) -> String {
        value.to_string()
    }

    fn default() -> u32 {
        SLOTS_DEFAULT
    }
}
