//! What must hold of a database at any time, by the numbers of the contract. Checks over rows are those of `upkeep`; checks over a
//! history take the writes that a database accepted, in order.

mod history;
mod owners;

pub use history::of_history;
pub use upkeep::invariant::{
    AcceptedTrigger, Broken, i1_trigger_has_one_run, i2_no_instance_is_lost, i3_one_success, i4_attempts_rise,
    i7_values_are_of_successes, i9_counts_are_recounts, i10_run_ends_with_its_instances, i11_run_ids_are_unique,
    of_rows,
};
