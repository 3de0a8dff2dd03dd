//! The instances of one task: a compact array of states and what few of them have besides.
//!
//! A *slot* is an instance's place here: the ordinal of its context, 0 for the only row of a task that is not mapped. A slot is *made*
//! when its row is decided; rows are made from the lowest slot up.
//!
//! Bytes for each instance: 1 for its state; 1 bit more where a task is mapped over these instances, 4 bytes more where one is mapped
//! over the list that each returned. About 100 for one that is not at its first try, or waits for a time.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use model::TaskState;

use crate::retry::Attempt;

/// No list.
const NONE: u32 = u32::MAX;

#[derive(Debug, Default)]
pub(crate) struct Instances {
    /// Of the slots that are made.
    states: Vec<TaskState>,
    /// Slots that there will be.
    length: u32,
    /// Of instances that are not at their first try, lost an execution of it, or wait.
    attempts: BTreeMap<u32, Attempt>,
    /// Which slots have left a value; kept only where other tasks are mapped over these instances.
    values: Option<Vec<u64>>,
    /// Lengths of the lists that they returned; kept only where something is mapped over those.
    lists: Option<Vec<u32>>,
    /// Lengths of the items of those lists.
    items: BTreeMap<u32, Arc<[Option<u32>]>>,
    /// Last tries of ended instances, where they are not what their state makes one think.
    tried: BTreeMap<u32, u32>,
}

impl Instances {
    pub(crate) fn new(keeps_values: bool, keeps_lists: bool) -> Self {
        Self { values: keeps_values.then(Vec::new), lists: keeps_lists.then(Vec::new), ..Self::default() }
    }

    /// There will be so many more.
    pub(crate) fn grow(&mut self, count: u32) {
        self.length += count;
        self.states.reserve_exact((self.length as usize).saturating_sub(self.states.len()).min(1 << 24));
    }

    /// Forgets all slots. Attempts stay: they are known of slots that are not made yet.
    pub(crate) fn clear(&mut self) {
        self.states.clear();
        self.length = 0;
    }

    pub(crate) fn length(&self) -> u32 {
        self.length
    }

    pub(crate) fn made(&self) -> u32 {
        self.states.len() as u32
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

    /// Moves slots that are made to `state`.
    pub(crate) fn set(&mut self, slots: Range<u32>, state: TaskState) {
        self.states[slots.start as usize..slots.end as usize].fill(state);
        if state.is_ended() && !self.attempts.is_empty() {
            for slot in slots {
                self.attempts.remove(&slot);
            }
        }
    }

    pub(crate) fn attempt(&self, slot: u32) -> Option<Attempt> {
        if self.attempts.is_empty() { None } else { self.attempts.get(&slot).copied() }
    }

    pub(crate) fn forget_attempt(&mut self, slot: u32) {
        if !self.attempts.is_empty() {
            self.attempts.remove(&slot);
        }
    }

    pub(crate) fn set_attempt(&mut self, slot: u32, attempt: Attempt) {
        self.attempts.insert(slot, attempt);
    }

    /// The last try of an instance that has ended; see [`Self::tried`].
    pub(crate) fn set_tried(&mut self, slot: u32, try_number: u32, usual: u32) {
        if try_number != usual {
            self.tried.insert(slot, try_number);
        } else if !self.tried.is_empty() {
            self.tried.remove(&slot);
        }
    }

    pub(crate) fn tried(&self, slot: u32) -> Option<u32> {
        self.tried.get(&slot).copied()
    }

    pub(crate) fn has_attempts(&self) -> bool {
        !self.attempts.is_empty() || !self.tried.is_empty()
    }

    /// It waits, and has left nothing.
    pub(crate) fn reset(&mut self, slot: u32) {
        self.states[slot as usize] = TaskState::None;
        self.tried.remove(&slot);
        self.forget(slot);
    }

    /// It has left nothing.
    pub(crate) fn forget(&mut self, slot: u32) {
        self.items.remove(&slot);
        if let Some(word) = self.values.as_mut().and_then(|values| values.get_mut(slot as usize / 64)) {
            *word &= !(1 << (slot % 64));
        }
        if let Some(list) = self.lists.as_mut().and_then(|lists| lists.get_mut(slot as usize)) {
            *list = NONE;
        }
    }

    pub(crate) fn set_value(&mut self, slot: u32) {
        if let Some(values) = &mut self.values {
            let word = slot as usize / 64;
            if values.len() <= word {
                values.resize(word + 1, 0);
            }
            values[word] |= 1 << (slot % 64);
        }
    }

    /// Whether it has left a value that stands.
    pub(crate) fn has_value(&self, slot: u32) -> bool {
        let word = self.values.as_ref().and_then(|values| values.get(slot as usize / 64)).copied().unwrap_or(0);
        self.state(slot) == TaskState::Success && word & (1 << (slot % 64)) != 0
    }

    pub(crate) fn set_list(&mut self, slot: u32, length: Option<u32>, items: Option<Arc<[Option<u32>]>>) {
        if let Some(lists) = &mut self.lists {
            if lists.len() <= slot as usize {
                lists.resize(slot as usize + 1, NONE);
            }
            lists[slot as usize] = length.map_or(NONE, |length| length.min(NONE - 1));
        }
        match items {
            Some(items) => _ = self.items.insert(slot, items),
            None => _ = self.items.remove(&slot),
        }
    }

    /// How long the list is that it returned.
    pub(crate) fn list_length(&self, slot: u32) -> Option<u32> {
        self.lists.as_ref()?.get(slot as usize).copied().filter(|length| *length != NONE)
    }

    /// How long an item of that list is.
    pub(crate) fn item_length(&self, slot: u32, item: u32) -> Option<u32> {
        self.items.get(&slot)?.get(item as usize).copied().flatten()
    }
}
