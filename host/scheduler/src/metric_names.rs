//! Names of this crate's metrics.

/// Gauge: runs held in memory.
pub(crate) const RUNS_ACTIVE: &str = "waft_scheduler_runs_active";
/// Gauge: instances that wait for a slot.
pub(crate) const INSTANCES_READY: &str = "waft_scheduler_instances_ready";
/// Gauge: slots that hold an instance.
pub(crate) const SLOTS_TAKEN: &str = "waft_scheduler_slots_taken";
/// Gauge: slots of all workers.
pub(crate) const SLOTS: &str = "waft_scheduler_slots";
/// Counter by `kind`: executions that ended.
pub(crate) const ATTEMPTS_ENDED: &str = "waft_attempts_ended_total";
/// Counter: reports that came under a stale fence.
pub(crate) const REPORTS_STALE: &str = "waft_reports_stale_total";
/// Counter by `state`: runs that ended.
pub(crate) const RUNS_ENDED: &str = "waft_runs_ended_total";
/// Counter: runs triggered.
pub(crate) const RUNS_TRIGGERED: &str = "waft_runs_triggered_total";
/// Counter: commits that failed.
pub(crate) const COMMITS_FAILED: &str = "waft_scheduler_commits_failed_total";
/// Gauge: schedulers of the cluster that have a lease.
pub(crate) const CLUSTER_SCHEDULERS: &str = "waft_scheduler_cluster_schedulers";
/// Gauge: slots of all workers of the cluster.
pub(crate) const CLUSTER_SLOTS: &str = "waft_scheduler_cluster_slots";
/// Gauge: shards that this process owns.
pub(crate) const SHARDS_OWNED: &str = "waft_scheduler_shards_owned";
/// Counter: unfinished runs that this process cannot go on with; the log says why.
pub(crate) const RUNS_UNREADABLE: &str = "waft_scheduler_runs_unreadable_total";
/// Counter by `state`: executions of callbacks that ended, by what becomes of the callback.
pub(crate) const CALLBACKS_ENDED: &str = "waft_callbacks_ended_total";
/// Gauge: callbacks that the worker of this process runs.
pub(crate) const CALLBACKS_RUNNING: &str = "waft_callbacks_running";
