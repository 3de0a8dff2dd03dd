//! Signals.

use control::WaitRow;

use crate::wire::signal::AwaitedSignalResponse;

pub(crate) fn awaited_signal(row: &WaitRow) -> AwaitedSignalResponse {
    AwaitedSignalResponse {
        name: row.wait.key.to_string(),
        dag_id: row.dag_id.to_string(),
        dag_run_id: row.run_id.to_string(),
        task_id: row.task_id.to_string(),
        map_index: row.wait.instance.map_index.number(),
        state: row.state.as_str(),
        since: row.wait.since,
        times_out_at: row.times_out_at,
    }
}
