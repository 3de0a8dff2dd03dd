//! Health and version.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// Health of the server's parts, under Airflow's names.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HealthResponse {
    pub(crate) metadatabase: PartStatus,
    pub(crate) scheduler: SchedulerStatus,
    pub(crate) triggerer: TriggererStatus,
    pub(crate) dag_processor: DagProcessorStatus,
    pub(crate) worker: PartStatus,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PartStatus {
    /// `healthy` or `unhealthy`.
    pub(crate) status: Option<&'static str>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SchedulerStatus {
    pub(crate) status: Option<&'static str>,
    pub(crate) latest_scheduler_heartbeat: Option<Timestamp>,
}

/// There is no such part: deferred work needs no process of its own.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TriggererStatus {
    pub(crate) status: Option<&'static str>,
    pub(crate) latest_triggerer_heartbeat: Option<Timestamp>,
}

/// There is no such part: bundles are parsed when they are deployed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DagProcessorStatus {
    pub(crate) status: Option<&'static str>,
    pub(crate) latest_dag_processor_heartbeat: Option<Timestamp>,
}

/// What runs here.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VersionResponse {
    pub(crate) version: &'static str,
    pub(crate) git_version: Option<&'static str>,
}
