//! Runs: looking at them and clearing them whole. Starting one is in `trigger`, waiting for one in `wait`, what else people ask of one
//! in `by_hand`.

use std::sync::Arc;

use model::limits::http::PAGE_MAX_BYTES;
use model::{DagId, NodeIdx, RunId, RunState, TaskId, TaskState, TenantScope};
use scheduler::Act;
use serde_json::json;
use store::{EndedRun, NodeRow, Page, PageRequest, RunFilter, RunRow};

use crate::by_hand::check_note;
use crate::event_log::About;
use crate::{
    Changed, ClearRequest, ClearVersion, Code, Control, DagVersion, Error, InstanceSelection, RunSelection, Session,
};

/// A run with the version to which it is pinned.
#[derive(Debug, Clone)]
pub struct DagRunView {
    pub row: RunRow,
    /// With its tasks in the places of the run's.
    pub version: Arc<DagVersion>,
    /// All tasks that the run has or had, where it was cleared onto a version that has others.
    pub(crate) tasks: Vec<NodeRow>,
}

impl DagRunView {
    /// The task with this number; one that the version does not have too.
    pub fn task_id(&self, node: NodeIdx) -> &TaskId {
        let row = self.tasks.get(node.0 as usize);
        row.map_or_else(|| &self.version.dag().task(node).task_id, |row| &row.task_id)
    }

    /// A task that the run had before.
    pub(crate) fn former_task(&self, task_id: &TaskId) -> Option<&NodeRow> {
        self.tasks.iter().rfind(|row| row.task_id == *task_id)
    }
}

/// Why a run that has not begun ends.
const DELETED: &str = "it is deleted";

/// Rows that are read before it is known how large they are.
const FIRST_ROWS: u32 = 16;

/// How a run is to be cleared.
#[derive(Debug, Clone, Default)]
pub struct RunClear {
    pub only_failed: bool,
    pub version: ClearVersion,
    /// Why.
    pub note: Option<String>,
}

impl RunClear {
    fn of(self, dag_id: &DagId, run_id: &RunId, dry_run: bool) -> ClearRequest {
        ClearRequest {
            dag_id: dag_id.clone(),
            runs: RunSelection::One { run_id: run_id.clone(), past: false, future: false },
            instances: InstanceSelection::default(),
            only_failed: self.only_failed,
            only_running: false,
            resets_ended: true,
            refuses_running: false,
            version: self.version,
            note: self.note,
            dry_run,
        }
    }
}

impl Control {
    /// Runs. The DAG that the filter names, if any, must exist. A page ends early where its values would have more than
    /// [`PAGE_MAX_BYTES`], and is never empty for it.
    pub async fn dag_run_list(
        &self,
        session: &Session,
        filter: &RunFilter,
        page: PageRequest,
    ) -> Result<Page<DagRunView>, Error> {
        let scope = session.scope();
        if let Some(dag_id) = &filter.dag_id {
            self.dag_row(scope, dag_id).await?;
        }
        let (mut views, mut bytes, mut total): (Vec<DagRunView>, usize, Option<u64>) = (Vec::new(), 0, None);
        let mut asked = FIRST_ROWS.min(page.limit);
        loop {
            let read = PageRequest { limit: asked, offset: page.offset + views.len() as u32 };
            let found = self.runs.run_list(scope, filter, read).await?;
            let (count, total) = (found.rows.len() as u32, *total.get_or_insert(found.total));
            for row in found.rows {
                bytes += row.conf.len() + row.params.len();
                if bytes > PAGE_MAX_BYTES && !views.is_empty() {
                    return Ok(Page { rows: views, total });
                }
                views.push(self.dag_run_view(scope, row).await?);
            }
            let left = page.limit - views.len() as u32;
            if count < asked || left == 0 {
                return Ok(Page { rows: views, total });
            }
            let average = (bytes / views.len()).max(1);
            let fitting = PAGE_MAX_BYTES.saturating_sub(bytes) / average;
            asked = u32::try_from(fitting).unwrap_or(u32::MAX).clamp(1, left);
        }
    }

    /// One run.
    pub async fn dag_run_fetch(&self, session: &Session, dag_id: &DagId, run_id: &RunId) -> Result<DagRunView, Error> {
        self.dag_run_find(session.scope(), dag_id, run_id).await
    }

    /// Makes a run's instances wait again, all of them or those that failed; the answer is the run as it is then.
    pub async fn dag_run_clear(
        &self,
        session: &Session,
        dag_id: &DagId,
        run_id: &RunId,
        clear: RunClear,
    ) -> Result<DagRunView, Error> {
        let none = PageRequest { limit: 0, offset: 0 };
        self.task_instances_clear(session, &clear.of(dag_id, run_id, false), none).await?;
        self.dag_run_find(session.scope(), dag_id, run_id).await
    }

    /// The instances that [`Control::dag_run_clear`] would clear now.
    pub async fn dag_run_clear_preview(
        &self,
        session: &Session,
        dag_id: &DagId,
        run_id: &RunId,
        clear: RunClear,
        page: PageRequest,
    ) -> Result<Changed, Error> {
        self.task_instances_clear(session, &clear.of(dag_id, run_id, true), page).await
    }

    /// Deletes a run that has ended, or has not begun: nobody finds it any more, and what it leaves goes with the next pass over what is kept.
    pub async fn dag_run_delete(&self, session: &Session, dag_id: &DagId, run_id: &RunId) -> Result<(), Error> {
        let scope = session.scope();
        let mut run = self.dag_run_find(scope, dag_id, run_id).await?;
        if run.row.state == RunState::Queued {
            self.act_on(session, &run, Act::Cancel, Some(DELETED), false).await?;
            run = self.dag_run_find(scope, dag_id, run_id).await?;
        }
        let row = run.row;
        let unfinished = || {
            Error::new(
                Code::RunUnfinished,
                format!("run {:?} of DAG {:?} has not ended", run_id.as_str(), dag_id.as_str()),
            )
            .hint("end it with POST …/cancel first")
        };
        let ended_at = row.ended_at.filter(|_| row.state.is_ended()).ok_or_else(unfinished)?;
        let run = EndedRun { key: row.key, dag_id: dag_id.clone(), run_id: run_id.clone(), ended_at };
        if self.retention.runs_discard(scope, &[run]).await?.is_empty() {
            // It was cleared meanwhile, or somebody else has deleted it.
            self.dag_run_find(scope, dag_id, run_id).await?;
            return Err(unfinished());
        }
        // The next one may have waited for what it would say.
        self.scheduling.poke();
        tracing::info!(tenant = %scope.tenant(), dag = %dag_id, run = %run_id, by = session.name(), "run deleted");
        let about = About { dag_id: Some(dag_id), run_id: Some(run_id), task_id: None };
        self.record(session, "delete", about, json!({})).await;
        Ok(())
    }

    /// Puts a note beside a run, or takes it away.
    pub async fn dag_run_note(
        &self,
        session: &Session,
        dag_id: &DagId,
        run_id: &RunId,
        note: Option<String>,
    ) -> Result<(), Error> {
        check_note(note.as_deref())?;
        let run = self.dag_run_find(session.scope(), dag_id, run_id).await?;
        self.notes.run_note_put(session.scope(), run.row.key, note.as_deref()).await?;
        let about = About { dag_id: Some(dag_id), run_id: Some(run_id), task_id: None };
        self.record(session, "note", about, json!({"note": note})).await;
        Ok(())
    }

    /// Instances of a run by task and state.
    pub async fn dag_run_counts(&self, run: &DagRunView) -> Result<Vec<(NodeIdx, TaskState, u64)>, Error> {
        Ok(self.runs.instance_counts(run.row.scope, run.row.key).await?)
    }

    pub(crate) async fn dag_run_find(
        &self,
        scope: TenantScope,
        dag_id: &DagId,
        run_id: &RunId,
    ) -> Result<DagRunView, Error> {
        let row = self.runs.run_fetch(scope, dag_id, run_id).await?.ok_or_else(|| run_not_found(dag_id, run_id))?;
        self.dag_run_view(scope, row).await
    }

    pub(crate) async fn dag_run_view(&self, scope: TenantScope, row: RunRow) -> Result<DagRunView, Error> {
        let version = self.dag_versions.fetch(scope, row.version).await?;
        if row.clears == 0 {
            return Ok(DagRunView { row, version, tasks: Vec::new() });
        }
        let tasks = self.runs.node_list(scope, row.key).await?;
        let laid_out = self.dag_versions.laid_out(version.clone(), &tasks)?;
        let tasks = if Arc::ptr_eq(&laid_out, &version) { Vec::new() } else { tasks };
        Ok(DagRunView { row, version: laid_out, tasks })
    }
}

pub(crate) fn run_not_found(dag_id: &DagId, run_id: &RunId) -> Error {
    let message = format!("DAG {:?} has no run {:?}", dag_id.as_str(), run_id.as_str());
    Error::new(Code::RunNotFound, message).hint("list its runs with GET /api/v2/dags/{dag_id}/dagRuns")
}
