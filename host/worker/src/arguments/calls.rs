//! Bodies through which the items of one instance pass: what they answered, and which are still to be called.

use std::collections::HashSet;
use std::sync::Arc;

use model::Entrypoint;
use model::limits::json::TEXT_MAX_BYTES;
use model::limits::worker::ITEM_CALLS_MAX;
use sandbox::{ItemAnswer, ItemCall};

use super::known::Stop;
use super::source::invalid;
use crate::item_answers::ItemAnswers;

/// The calls of one instance.
#[derive(Default)]
pub(super) struct ItemCalls {
    answers: Arc<ItemAnswers>,
    wanted: Vec<ItemCall>,
    is_wanted: HashSet<ItemCall>,
    bytes: usize,
}

impl ItemCalls {
    /// Turns to an instance for which these answers are there.
    pub(super) fn begin(&mut self, answers: Arc<ItemAnswers>) {
        *self = Self { answers, ..Self::default() };
    }

    /// What a body made of an item.
    pub(super) fn answer(&mut self, entrypoint: &Entrypoint, item: &Arc<str>) -> Result<ItemAnswer, Stop> {
        let call = ItemCall { entrypoint: entrypoint.clone(), item: item.clone() };
        if let Some(answer) = self.answers.get(&call) {
            return Ok(answer.clone());
        }
        if item.len() > TEXT_MAX_BYTES {
            let bytes = item.len();
            return Err(invalid(format!(
                "an item for body {entrypoint} has {bytes} bytes, at most {TEXT_MAX_BYTES} are possible; pass large values as blobs"
            )));
        }
        // What finds no room is wanted again, after these have been called.
        let has_room =
            self.wanted.is_empty() || (self.wanted.len() < ITEM_CALLS_MAX && self.bytes + item.len() <= TEXT_MAX_BYTES);
        if has_room && self.is_wanted.insert(call.clone()) {
            self.bytes += item.len();
            self.wanted.push(call);
        }
        Err(Stop::Wanted)
    }

    /// The calls that are wanted, each once, in the order of their items; as many as one message takes.
    pub(super) fn take(&mut self) -> Vec<ItemCall> {
        self.is_wanted.clear();
        std::mem::take(&mut self.wanted)
    }
}
