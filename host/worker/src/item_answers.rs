//! What bodies made of the items of one attempt. They are called before the attempt's own body, as a part of it.

use std::collections::HashMap;

use sandbox::{ItemAnswer, ItemCall};

/// Answers by call.
#[derive(Debug, Clone, Default)]
pub(crate) struct ItemAnswers {
    answers: HashMap<ItemCall, ItemAnswer>,
    rounds: usize,
}

impl ItemAnswers {
    pub(crate) fn get(&self, call: &ItemCall) -> Option<&ItemAnswer> {
        self.answers.get(call)
    }

    /// With the answers of another round of calls.
    pub(crate) fn with(&self, calls: Vec<ItemCall>, answers: Vec<ItemAnswer>) -> Self {
        let mut more = self.clone();
        more.answers.extend(calls.into_iter().zip(answers));
        more.rounds += 1;
        more
    }

    /// How often bodies were called; bodies whose items pass through others are called in a later round.
    pub(crate) fn rounds(&self) -> usize {
        self.rounds
    }
}
