//! Task instances and their tries.

use std::sync::Arc;

use model::{DagId, EndKind, MapIndex, RunId, TaskId, TaskState, TenantScope, TryNumber};
use store::{AttemptRow, InstanceFilter, InstanceRow, Page, PageRequest};

use crate::{Code, Control, DagRunView, DagVersion, Error, Session};

/// An instance with the version that it executes.
#[derive(Debug, Clone)]
pub struct InstanceView {
    pub row: InstanceRow,
    pub version: Arc<DagVersion>,
}

/// Names an instance by what stands on API paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceName {
    pub dag_id: DagId,
    pub run_id: RunId,
    pub task_id: TaskId,
    /// None: the task is not mapped.
    pub map_index: Option<MapIndex>,
}

/// One attempt: all executions with the same try number.
#[derive(Debug, Clone)]
pub struct TryView {
    pub instance: InstanceView,
    pub try_number: TryNumber,
    /// The newest execution that has ended; none while the first one runs or waits.
    pub last: Option<AttemptRow>,
    /// The attempt with which the instance is busy, or ended.
    pub is_current: bool,
}

impl TryView {
    /// The instance's state during or after the try.
    pub fn state(&self) -> TaskState {
        match &self.last {
            Some(last) if !self.is_current => match last.end {
                EndKind::Success => TaskState::Success,
                EndKind::Skipped => TaskState::Skipped,
                _ => TaskState::Failed,
            },
            _ => self.instance.row.state,
        }
    }
}

impl Control {
    /// Instances of the runs of a DAG, of one run, or of all.
    pub async fn task_instance_list(
        &self,
        session: &Session,
        run: Option<(&DagId, &RunId)>,
        filter: InstanceFilter,
        page: PageRequest,
    ) -> Result<Page<InstanceView>, Error> {
        let scope = session.scope();
        let run = match run {
            Some((dag_id, run_id)) => Some(self.dag_run_find(scope, dag_id, run_id).await?.row.key),
            None => None,
        };
        if let (None, Some(dag_id)) = (run, &filter.dag_id) {
            self.dag_row(scope, dag_id).await?;
        }
        self.instance_views(scope, &InstanceFilter { run, ..filter }, page).await
    }

    /// One instance. A mapped task needs a map index.
    pub async fn task_instance_fetch(&self, session: &Session, name: &InstanceName) -> Result<InstanceView, Error> {
        let run = self.dag_run_find(session.scope(), &name.dag_id, &name.run_id).await?;
        self.instance_of(&run, name).await
    }

    /// All instances of a mapped task; none before it is expanded.
    pub async fn task_instance_list_mapped(
        &self,
        session: &Session,
        dag_id: &DagId,
        run_id: &RunId,
        task_id: &TaskId,
        filter: InstanceFilter,
        page: PageRequest,
    ) -> Result<Page<InstanceView>, Error> {
        let scope = session.scope();
        let run = self.dag_run_find(scope, dag_id, run_id).await?;
        if !is_mapped(&run, task_id)? {
            let message = format!("task {:?} is not mapped", task_id.as_str());
            return Err(Error::new(Code::TaskNotFound, message).hint("leave out /listMapped"));
        }
        let task_ids = vec![task_id.clone()];
        let filter = InstanceFilter { run: Some(run.row.key), task_ids, mapped: Some(true), ..filter };
        self.instance_views(scope, &filter, page).await
    }

    /// Tries of an instance, oldest first.
    pub async fn task_instance_tries(&self, session: &Session, name: &InstanceName) -> Result<Vec<TryView>, Error> {
        let instance = self.task_instance_fetch(session, name).await?;
        let current = instance.row.try_number;
        let attempts = self.runs.attempt_list(session.scope(), instance.row.key).await?;
        let mut tries: Vec<TryView> = Vec::new();
        let mut view = |try_number, last| {
            let is_current = try_number == current;
            match tries.last_mut() {
                Some(newest) if newest.try_number == try_number => newest.last = last,
                _ => tries.push(TryView { instance: instance.clone(), try_number, last, is_current }),
            }
        };
        let mut newest = TryNumber(0);
        for attempt in attempts {
            newest = attempt.try_number;
            view(attempt.try_number, Some(attempt));
        }
        if newest < current {
            view(current, None);
        }
        Ok(tries)
    }

    /// One try of an instance.
    pub async fn task_instance_try(
        &self,
        session: &Session,
        name: &InstanceName,
        try_number: TryNumber,
    ) -> Result<TryView, Error> {
        let tries = self.task_instance_tries(session, name).await?;
        tries.into_iter().find(|it| it.try_number == try_number).ok_or_else(|| try_not_found(try_number))
    }

    pub(crate) async fn instance_of(&self, run: &DagRunView, name: &InstanceName) -> Result<InstanceView, Error> {
        let is_mapped = is_mapped(run, &name.task_id)?;
        if is_mapped && name.map_index.is_none() {
            let message = format!("task {:?} is mapped; name one of its instances", name.task_id.as_str());
            return Err(Error::new(Code::TaskIsMapped, message).hint("add a map index, or list them with /listMapped"));
        }
        let map_index = name.map_index.unwrap_or(MapIndex::NONE);
        let filter = InstanceFilter {
            run: Some(run.row.key),
            task_ids: vec![name.task_id.clone()],
            map_indexes: vec![map_index],
            ..InstanceFilter::default()
        };
        let found = self.instance_views(run.row.scope, &filter, PageRequest { limit: 1, offset: 0 }).await?;
        found.rows.into_iter().next().ok_or_else(|| {
            let message = format!("task {:?} has no instance with map index {map_index}", name.task_id.as_str());
            Error::new(Code::InstanceNotFound, message)
        })
    }

    pub(crate) async fn instance_views(
        &self,
        scope: TenantScope,
        filter: &InstanceFilter,
        page: PageRequest,
    ) -> Result<Page<InstanceView>, Error> {
        let Page { rows, total } = self.runs.instance_list(scope, filter, page).await?;
        let mut views = Vec::with_capacity(rows.len());
        for row in rows {
            let version = self.dag_versions.fetch(scope, row.version).await?;
            views.push(InstanceView { row, version });
        }
        Ok(Page { rows: views, total })
    }
}

/// Whether a task of a run is mapped; an error when the run has no such task.
pub(crate) fn is_mapped(run: &DagRunView, task_id: &TaskId) -> Result<bool, Error> {
    let dag = run.version.dag();
    match dag.find(task_id.as_str()) {
        Some(node) => Ok(dag.task(node).expand.is_some()),
        None => Err(Error::new(Code::TaskNotFound, format!("the run has no task {:?}", task_id.as_str()))),
    }
}

pub(crate) fn try_not_found(try_number: TryNumber) -> Error {
    Error::new(Code::TryNotFound, format!("the instance has no try {}", try_number.0))
}
