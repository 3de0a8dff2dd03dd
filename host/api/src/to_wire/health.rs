//! Health of the server's parts.

use control::Health;

use crate::wire::health::{DagProcessorStatus, HealthResponse, PartStatus, SchedulerStatus, TriggererStatus};

pub(crate) fn health(health: Health) -> HealthResponse {
    let Health { is_database_healthy, is_scheduler_healthy, is_worker_healthy, checked_at } = health;
    let status = |is_healthy: bool| Some(if is_healthy { "healthy" } else { "unhealthy" });
    HealthResponse {
        metadatabase: PartStatus { status: status(is_database_healthy) },
        scheduler: SchedulerStatus {
            status: status(is_scheduler_healthy),
            latest_scheduler_heartbeat: is_scheduler_healthy.then_some(checked_at),
        },
        triggerer: TriggererStatus { status: None, latest_triggerer_heartbeat: None },
        dag_processor: DagProcessorStatus { status: None, latest_dag_processor_heartbeat: None },
        worker: PartStatus { status: status(is_worker_healthy) },
    }
}
