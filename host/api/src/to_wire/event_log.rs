//! The log of what people did.

use control::{EventLogView, NewEventLog};

use crate::wire::event_log::EventLogResponse;

pub(crate) fn event_log(view: &EventLogView) -> EventLogResponse {
    let EventLogView { row, dag_display_name } = view;
    let NewEventLog { at, event, owner, dag_id, run_id, task_id, map_index, try_number, extra, .. } = &row.entry;
    EventLogResponse {
        event_log_id: row.id.number(),
        when: *at,
        event: event.to_string(),
        owner: Some(owner.to_string()),
        dag_id: dag_id.as_ref().map(ToString::to_string),
        dag_display_name: dag_display_name.clone(),
        run_id: run_id.as_ref().map(ToString::to_string),
        task_id: task_id.as_ref().map(ToString::to_string),
        task_display_name: task_id.as_ref().map(ToString::to_string),
        map_index: map_index.map(|map_index| map_index.number()),
        try_number: try_number.map(|try_number| try_number.0),
        logical_date: None,
        extra: Some(extra.to_string()),
    }
}
