//! What must hold of a database at any time, by the numbers of the contract. Checks over rows take what any database gives
//! ([`crate::Snapshot`]); checks over a history take the writes that a database accepted, in order.

mod history;
mod rows;

pub use history::of_history;
pub use rows::{
    i1_trigger_has_one_run, i2_no_instance_is_lost, i3_one_success, i4_attempts_rise, i7_values_are_of_successes,
    i9_counts_are_recounts, i10_run_ends_with_its_instances, i11_run_ids_are_unique, of_rows,
};

/// What was broken, for people.
pub type Broken = String;
