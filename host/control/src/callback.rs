//! Callbacks of runs, for people: what was to be told, how that went, and what was said meanwhile.

use blobs::LogKey;
use model::callback::CallbackState;
use model::{DagId, MapIndex, NodeIdx, RunId, TaskId, TryNumber};
use store::{CallbackRow, Page, PageRequest};

use crate::task_instance::try_not_found;
use crate::{Code, Control, DagRunView, Error, LogRead, Session};

/// A callback, with the task that it is about where it is about one.
#[derive(Debug, Clone, PartialEq)]
pub struct CallbackView {
    pub row: CallbackRow,
    pub task_id: Option<TaskId>,
}

/// Callbacks of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Callbacks {
    pub page: Page<CallbackView>,
    /// Callbacks of instances that were left out because the run has so many.
    pub left_out: u64,
}

impl Control {
    /// Callbacks of a run, in the order in which they came to be owed.
    pub async fn callback_list(
        &self,
        session: &Session,
        dag_id: &DagId,
        run_id: &RunId,
        page: PageRequest,
    ) -> Result<Callbacks, Error> {
        let scope = session.scope();
        let run = self.dag_run_find(scope, dag_id, run_id).await?;
        let Page { rows, total } = self.callbacks.callback_list(scope, run.row.key, page).await?;
        let left_out = self.callbacks.callbacks_left_out(scope, run.row.key).await?;
        let rows = rows.into_iter().map(|row| view(&run, row)).collect();
        Ok(Callbacks { page: Page { rows, total }, left_out })
    }

    /// One callback.
    pub async fn callback_fetch(
        &self,
        session: &Session,
        dag_id: &DagId,
        run_id: &RunId,
        number: u32,
    ) -> Result<CallbackView, Error> {
        let run = self.dag_run_find(session.scope(), dag_id, run_id).await?;
        Ok(view(&run, self.callback_row(&run, number).await?))
    }

    /// Part of the log of one of its tries, from line `skip` on; all of it where `whole` is said.
    pub async fn callback_log_read(
        &self,
        session: &Session,
        (dag_id, run_id): (&DagId, &RunId),
        number: u32,
        try_number: TryNumber,
        skip: usize,
        whole: bool,
    ) -> Result<LogRead, Error> {
        let run = self.dag_run_find(session.scope(), dag_id, run_id).await?;
        let row = self.callback_row(&run, number).await?;
        if try_number.0 == 0 || try_number > row.try_number {
            return Err(try_not_found(try_number));
        }
        let may_grow = try_number == row.try_number && row.state == CallbackState::Running;
        let map_index = MapIndex::at(row.number);
        let key = LogKey { scope: row.scope, run: row.run, node: NodeIdx::CALLBACK, map_index, try_number };
        self.log_part(key, skip, whole, may_grow).await
    }

    async fn callback_row(&self, run: &DagRunView, number: u32) -> Result<CallbackRow, Error> {
        let row = self.callbacks.callback_fetch(run.row.scope, run.row.key, number).await?;
        row.ok_or_else(|| {
            let message = format!("the run {:?} has no callback {number}", run.row.run_id.as_str());
            Error::new(Code::CallbackNotFound, message)
                .hint("list its callbacks with GET /api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/callbacks")
        })
    }
}

fn view(run: &DagRunView, row: CallbackRow) -> CallbackView {
    let tasks = &run.version.dag().document().tasks;
    let task = row.subject.and_then(|subject| tasks.get(subject.node.0 as usize));
    CallbackView { task_id: task.map(|task| task.task_id.clone()), row }
}
