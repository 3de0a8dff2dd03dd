//! The instances of one task: a compact array of states and what few of them have besides.
//!
//! A *slot* is an instance's place here: its position where the task is expanded, else 0 for the only row. A slot is *made*
//! when its row is decided; rows are made from the lowest slot up.

use std::collections::BTreeMap;
use std::ops::Range;

use model::TaskState;

use crate::retry::Attempt;
use crate::rule::Seen;

#[derive(Debug)]
pub(crate) struct Instances {
    /// Of the slots that are made.
    states: Vec<TaskState>,
    /// Slots that there will be.
    length: u32,
    /// Slots that have not ended, made or not.
    unended: u32,
    seen: Seen,
    /// Of instances that are not at their first try, or lost an execution of it.
    attempts: BTreeMap<u32, Attempt>,
    /// Which slots have left a value; kept only where other tasks are mapped over these instances.
    values: Option<Vec<u64>>,
}

impl Instances {
    pub(crate) fn new(length: u32) -> Self {
        Self {
            states: Vec::new(),
            length,
            unended: length,
            seen: Seen::default(),
            attempts: BTreeMap::new(),
            values: None,
        }
    }

    /// Begins again with `length` slots, none of them made. Attempts stay: they are known of slots that are not made yet.
    pub(crate) fn expand(&mut self, length: u32, keep_values: bool) {
        self.states.clear();
        self.states.reserve_exact(length as usize);
        self.length = length;
        self.unended = length;
        self.values = keep_values.then(|| vec![0; (length as usize).div_ceil(64)]);
    }

    pub(crate) fn length(&self) -> u32 {
        self.length
    }

    pub(crate) fn made(&self) -> u32 {
        self.states.len() as u32
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.unended == 0
    }

    pub(crate) fn seen(&self) -> Seen {
        self.seen
    }

    pub(crate) fn state(&self, slot: u32) -> TaskState {
        self.states.get(slot as usize).copied().unwrap_or(TaskState::None)
    }

    pub(crate) fn first_in(&self, state: TaskState) -> Option<u32> {
        self.states.iter().position(|s| *s == state).map(|slot| slot as u32)
    }

    /// Makes the slots up to `end`.
    pub(crate) fn make(&mut self, end: u32) {
        self.states.resize(end as usize, TaskState::None);
    }

    /// Moves slots that are made to `state`. True when this is the first end of its kind.
    pub(crate) fn set(&mut self, slots: Range<u32>, state: TaskState) -> bool {
        let count = slots.end - slots.start;
        self.states[slots.start as usize..slots.end as usize].fill(state);
        if !state.is_ended() {
            return false;
        }
        self.unended -= count;
        if !self.attempts.is_empty() {
            for slot in slots {
                self.attempts.remove(&slot);
            }
        }
        self.seen.insert(state)
    }

    pub(crate) fn attempt(&self, slot: u32) -> Option<Attempt> {
        if self.attempts.is_empty() { None } else { self.attempts.get(&slot).copied() }
    }

    pub(crate) fn set_attempt(&mut self, slot: u32, attempt: Attempt) {
        self.attempts.insert(slot, attempt);
    }

    pub(crate) fn set_value(&mut self, slot: u32) {
        if let Some(values) = &mut self.values {
            values[slot as usize / 64] |= 1 << (slot % 64);
        }
    }

    /// Whether a task mapped over these instances has something to run with at `slot`.
    pub(crate) fn has_item(&self, slot: u32) -> bool {
        self.state(slot) == TaskState::Success
            && self.values.as_ref().is_some_and(|values| values[slot as usize / 64] & (1 << (slot % 64)) != 0)
    }
}
