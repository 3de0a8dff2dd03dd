//! What every database must do, as one function that each driver's tests call.
//!
//! A case gets a fresh database and sees it through the traits alone, so a case that one database cannot pass is a fault of
//! the seam. Behind the feature `conformance`.

mod asset;
mod auth;
mod backfill;
mod before;
mod by_hand;
mod callback;
mod catalog;
mod cluster;
mod commit;
mod fixture;
mod list;
mod overtaken;
mod random;
mod retention;
mod run;
mod schedule;
mod state;
mod tenant;
mod text;
mod twins;
mod value;
mod variable;
mod wait;

use async_trait::async_trait;

pub use cluster::{SharedDatabase, SharedStores, conformance_shared};
pub use retention::{KeptStores, conformance_of_retention};
pub use twins::agree;

use crate::{
    AssetStore, AuthStore, BackfillStore, CallbackStore, Catalog, ConnectionStore, EventLogStore, PoolStore, RunReader,
    RunStore, ScheduleStore, StateStore, ValueStore, VariableStore, WaitStore,
};

/// A store that does everything.
pub trait Stores:
    RunStore
    + RunReader
    + Catalog
    + ValueStore
    + StateStore
    + AuthStore
    + ScheduleStore
    + BackfillStore
    + AssetStore
    + WaitStore
    + EventLogStore
    + CallbackStore
    + VariableStore
    + ConnectionStore
    + PoolStore
{
}
impl<T> Stores for T where
    T: RunStore
        + RunReader
        + Catalog
        + ValueStore
        + StateStore
        + AuthStore
        + ScheduleStore
        + BackfillStore
        + AssetStore
        + WaitStore
        + EventLogStore
        + CallbackStore
        + VariableStore
        + ConnectionStore
        + PoolStore
{
}

/// A database of a test's own, empty at first.
#[async_trait]
pub trait Database: Send + Sync {
    /// What opening gives.
    type Store: Stores;

    /// Opens it; a second time it holds what the first one left.
    async fn open(&self) -> Self::Store;
}

/// Runs every case on a database of its own and panics at the first that fails, whose name is printed last.
pub async fn conformance<D: Database>(fresh: impl Fn() -> D) {
    macro_rules! cases {
        ($($module:ident :: { $($case:ident),* $(,)? })*) => {$($(
            println!(concat!(stringify!($module), "::", stringify!($case)));
            $module::$case(&fresh()).await;
        )*)*};
    }
    cases! {
        auth::{a_token_is_found_by_its_digest}
        catalog::{
            a_bundle_is_registered_with_its_dags,
            the_same_bytes_make_nothing_new,
            a_new_version_becomes_current,
            an_old_version_becomes_current_again,
            dags_that_are_gone_are_stale,
            a_dag_belongs_to_one_bundle,
            fifty_registrations_at_once_make_one_version,
            dags_are_filtered,
            lists_are_paged,
            a_dag_without_runs_is_deleted,
            an_older_version_is_activated,
        }
        commit::{
            the_life_of_an_instance,
            a_range_of_instances,
            a_mapped_task_is_expanded,
            transitions_cover_ranges_and_keep_their_order,
            a_lost_host_and_a_retry,
            a_duplicate_run_leaves_the_rest_alone,
            every_field_of_a_run_comes_back,
            two_hundred_commits_at_once,
            counts_are_cut_to_the_largest_that_fits,
        }
        overtaken::{
            an_end_under_an_old_fence,
            a_second_end,
            a_claim_of_what_is_not_scheduled,
            a_claim_under_a_fence_of_before,
            a_transition_of_what_runs,
            an_expansion_of_what_is_expanded,
            instances_that_exist,
            a_run_that_has_ended,
            only_the_runs_at_fault_are_named,
        }
        run::{
            unfinished_runs_are_found_by_tenant,
            epochs_rise,
            what_was_committed_is_there_after_a_restart,
        }
        list::{
            runs_are_filtered_and_ordered,
            instances_are_filtered_and_paged,
            patterns_match_names,
            totals_are_counted_up_to_a_limit,
        }
        by_hand::{
            a_reset_forgets_what_an_instance_left,
            what_is_cancelled_leaves_an_attempt_and_a_stale_fence,
            a_mark_takes_any_state,
            what_is_removed_loses_its_values,
            states_follow_each_other_as_they_may,
            contexts_and_answers_come_back,
            a_list_that_has_grown_adds_rows,
            an_approval_waits_and_leaves_its_answers,
            what_is_done_is_logged_with_it,
            one_of_many_is_cleared_alone,
        }
        wait::{
            who_waits_is_found_by_what_for,
            who_waits_no_more_is_not_found,
            a_signal_may_come_before_the_wait,
            signals_have_a_limit_and_end_with_the_run,
            a_wait_for_an_asset_is_met_by_a_later_event,
            a_wait_for_a_run_is_met_by_its_end,
            an_approval_has_a_form,
        }
        before::{
            runs_come_after_each_other,
            tasks_of_the_run_before_are_met_when_all_has_gone_well,
            what_is_in_the_way_of_a_run_is_named,
            what_a_run_was_given_stays,
        }
        callback::{
            what_is_owed_comes_with_its_cause,
            who_begins_a_callback_has_it_alone,
            a_deadline_goes_with_a_run_that_ends_before,
            what_is_too_much_is_left_out_and_counted,
        }
        value::{
            values_come_with_success_alone,
            pages_end_at_rows_and_at_bytes,
            blobs_are_named,
            people_change_values,
        }
        state::{
            state_survives_a_retry,
            a_stale_fence_writes_nothing,
            state_expires,
            there_is_a_limit_of_keys,
            keys_start_with_a_prefix,
        }
        schedule::{
            a_dag_is_looked_at_once_for_each_version,
            a_cursor_only_moves_forwards,
            what_is_due_comes_in_order_and_not_while_it_is_paused,
            a_date_has_one_run,
            how_the_last_runs_ended,
        }
        backfill::{
            every_field_of_a_backfill_comes_back,
            a_dag_has_one_backfill_that_has_not_ended,
            a_date_is_begun_once_and_ends_once,
        }
        asset::{
            a_dag_declares_its_assets,
            an_event_waits_for_those_who_await_its_asset,
            events_are_consumed_once,
            a_success_and_its_events_are_one,
        }
        variable::{
            a_variable_is_written_replaced_and_gone,
            variables_are_listed,
            connections_keep_every_field,
            pools_have_slots_or_no_limit,
        }
        tenant::{nothing_of_another_tenant_is_read, nothing_of_another_tenant_is_written}
        text::{nul_is_replaced, a_pattern_that_is_none_finds_nothing}
        random::{random_commits_do_what_a_model_does}
    }
}
