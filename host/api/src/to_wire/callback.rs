//! Callbacks of runs.

use control::CallbackView;
use model::callback::CallbackState;
use model::limits::callback::TRIES_MAX;

use crate::wire::callback::CallbackResponse;

pub(crate) fn callback(CallbackView { row, task_id }: &CallbackView) -> CallbackResponse {
    CallbackResponse {
        callback_number: row.number,
        callback: row.callback.to_string(),
        event: row.event.to_string(),
        task_id: task_id.as_ref().map(ToString::to_string),
        map_index: row.subject.map(|it| it.map_index.number()),
        task_try_number: row.subject.map(|it| it.try_number.0),
        message: row.message.as_deref().map(str::to_owned),
        state: row.state.to_string(),
        try_number: row.try_number.0,
        max_tries: TRIES_MAX,
        created_at: row.created_at,
        // While it runs, that is when its lease ends.
        due_at: row.due_at.filter(|_| row.state == CallbackState::Waiting),
        start_date: row.started_at,
        end_date: row.ended_at,
        error: row.error.clone(),
    }
}
