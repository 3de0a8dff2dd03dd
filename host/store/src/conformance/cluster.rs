//! What every database must do that processes share: leases, shards, commits of owners, offers and events.
//!
//! Whoever is to be there has a lease that outlasts every test; whoever is not has one that is over at once, and the case goes on
//! when the database says so.

mod event;
mod fixture;
mod lease;
mod owner;
mod shard;
mod work;

use async_trait::async_trait;

use super::{Database, Stores};
use crate::{ClusterStore, SharedRunStore, WorkStore};

/// A store that does everything, for any number of processes.
pub trait SharedStores: Stores + ClusterStore + SharedRunStore + WorkStore {}
impl<T: Stores + ClusterStore + SharedRunStore + WorkStore> SharedStores for T {}

/// A database of a test's own that processes share.
#[async_trait]
pub trait SharedDatabase: Database<Store: SharedStores> {
    /// Lets some time go by, where the database's clock does not go by itself.
    async fn pass(&self) {}
}

/// Runs every case on a database of its own and panics at the first that fails, whose name is printed last.
pub async fn conformance_shared<D: SharedDatabase>(fresh: impl Fn() -> D) {
    macro_rules! cases {
        ($($module:ident :: { $($case:ident),* $(,)? })*) => {$($(
            println!(concat!(stringify!($module), "::", stringify!($case)));
            $module::$case(&fresh()).await;
        )*)*};
    }
    cases! {
        lease::{
            a_server_is_there_while_its_lease_lasts,
            a_server_that_is_late_is_evicted,
            after_an_outage_everybody_goes_on,
            a_node_has_one_life,
            who_leaves_does_not_come_back,
        }
        shard::{
            each_shard_has_one_owner,
            many_at_once_take_each_shard_once,
            without_a_lease_nothing_is_taken,
            a_shard_is_given_up_by_its_owner_alone,
            tenants_with_work_are_found_by_shard,
        }
        owner::{
            only_the_owner_commits,
            a_lease_that_is_over_commits_nothing_until_it_is_renewed,
            what_was_decided_before_a_shard_was_lost_is_refused,
            an_evicted_owner_commits_nothing,
            shards_that_are_not_owned_are_named,
            what_was_sent_before_shards_were_kept_is_refused,
            who_does_not_know_of_a_clear_is_refused,
            events_are_for_owners_alone,
            what_is_offered_is_queued_under_its_fence,
            an_offer_of_what_is_not_scheduled,
            runs_that_exist_leave_the_rest_alone,
            results_are_told,
        }
        work::{
            offers_are_taken_by_tenants_in_turn,
            each_offer_is_taken_once,
            what_is_taken_runs,
            without_a_lease_no_work_is_taken,
            a_report_becomes_one_event,
            a_report_waits_for_the_lease,
            an_evicted_worker_reports_nothing,
            what_a_server_held_is_lost_with_it,
            what_a_released_shard_left_running_is_held,
            an_end_by_the_owner_takes_work_away,
            a_clear_takes_work_away,
        }
        event::{
            every_field_of_a_report_comes_back,
            events_are_read_in_order_and_by_shard,
            a_run_of_somebody_else_is_told_to_its_owner,
            what_a_run_waits_for_is_told_to_its_owner,
            wakes_follow_commits,
        }
    }
}
