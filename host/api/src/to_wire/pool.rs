//! Pools.

use control::PoolView;

use crate::wire::pool::PoolResponse;

/// Airflow's word for "as many as there are".
const ENDLESS: i64 = -1;

pub(crate) fn pool(view: &PoolView) -> PoolResponse {
    let PoolView { row, slots } = view;
    PoolResponse {
        name: row.name.to_string(),
        slots: row.slots.map_or(ENDLESS, i64::from),
        description: row.description.clone(),
        include_deferred: row.include_deferred,
        occupied_slots: view.occupied(),
        running_slots: slots.running,
        queued_slots: slots.queued,
        scheduled_slots: slots.scheduled,
        open_slots: view.open().map_or(ENDLESS, |open| i64::try_from(open).unwrap_or(i64::MAX)),
        deferred_slots: slots.deferred,
        team_name: None,
    }
}
