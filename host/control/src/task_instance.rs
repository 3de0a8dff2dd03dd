//! Task instances and their tries.

use std::collections::HashMap;
use std::sync::Arc;

use model::limits::http::PAGE_MAX;
use model::{
    DEFAULT_POOL, Dag, DagId, EndKind, MapIndex, NodeIdx, RunId, ScopeIdx, TaskId, TaskState, TenantScope, TryNumber,
};
use serde_json::json;
use store::{AttemptRow, ClaimedRun, InstanceFilter, InstanceRow, NodeRow, Page, PageRequest};

use crate::by_hand::check_note;
use crate::event_log::About;
use crate::{Code, Control, DagRunView, DagVersion, Error, Session};

/// An instance with the version that it executes.
#[derive(Debug, Clone)]
pub struct InstanceView {
    pub row: InstanceRow,
    pub version: Arc<DagVersion>,
    pub note: Option<String>,
    /// What its task's template makes of its item.
    pub name: Option<String>,
}

/// Which tasks of a run. What is empty or `None` does not filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskQuery {
    pub pools: Vec<String>,
    pub queues: Vec<String>,
    /// Kinds of tasks.
    pub operators: Vec<String>,
    pub group: Option<String>,
    /// Stands in its name for people, in whatever case.
    pub display_name: Option<String>,
}

impl TaskQuery {
    fn tasks_of(&self, dag: &Dag) -> Vec<TaskId> {
        let one_of = |wanted: &[String], found: &str| wanted.is_empty() || wanted.iter().any(|it| it == found);
        let fits = |node: &NodeIdx| {
            let task = dag.task(*node);
            let (name, part) = (task.task_id.as_str().to_lowercase(), self.display_name.as_deref());
            one_of(&self.pools, task.pool.as_ref().map_or(DEFAULT_POOL, |pool| pool.as_str()))
                && one_of(&self.queues, DEFAULT_QUEUE)
                && one_of(&self.operators, task.kind.as_str())
                && part.is_none_or(|part| name.contains(&part.to_lowercase()))
                && self.group.as_ref().is_none_or(|it| dag.groups_around(*node).any(|at| at.group_id.as_str() == it))
        };
        dag.indices().filter(fits).map(|node| dag.task(node).task_id.clone()).collect()
    }
}

/// The queue of all work, for clients that show one.
pub const DEFAULT_QUEUE: &str = "default";

/// How the instances of a task of a run stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskSummary {
    pub node: NodeIdx,
    /// Instances, once a mapped task is expanded.
    pub length: Option<u32>,
    pub counts: Vec<(TaskState, u64)>,
}

/// Which state stands for instances of several, the first that one of them has.
const TELLING: [TaskState; 13] = [
    TaskState::Failed,
    TaskState::UpstreamFailed,
    TaskState::UpForRetry,
    TaskState::UpForReschedule,
    TaskState::Queued,
    TaskState::Scheduled,
    TaskState::Deferred,
    TaskState::AwaitingInput,
    TaskState::Running,
    TaskState::None,
    TaskState::Success,
    TaskState::Skipped,
    TaskState::Removed,
];

impl TaskSummary {
    /// The state that stands for all instances: one failure of a hundred shows as failure.
    pub fn state(&self) -> TaskState {
        let has = |state: &TaskState| self.counts.iter().any(|(found, count)| found == state && *count > 0);
        TELLING.into_iter().find(has).unwrap_or(TaskState::None)
    }
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
    /// Instances of the runs of a DAG, of one run, or of all. What their tasks are like can be asked of one run alone.
    pub async fn task_instance_list(
        &self,
        session: &Session,
        run: Option<(&DagId, &RunId)>,
        mut filter: InstanceFilter,
        tasks: &TaskQuery,
        page: PageRequest,
    ) -> Result<Page<InstanceView>, Error> {
        let scope = session.scope();
        let run = match run {
            Some((dag_id, run_id)) => {
                let run = self.dag_run_find(scope, dag_id, run_id).await?;
                if *tasks != TaskQuery::default() {
                    let mut fitting = tasks.tasks_of(run.version.dag());
                    fitting.retain(|task_id| filter.task_ids.is_empty() || filter.task_ids.contains(task_id));
                    if fitting.is_empty() {
                        return Ok(Page { rows: Vec::new(), total: 0 });
                    }
                    filter.task_ids = fitting;
                }
                Some(run.row.key)
            }
            None if *tasks != TaskQuery::default() => {
                let message = "pool, queue, operator, group and name of tasks are filters of one run";
                return Err(Error::new(Code::InvalidRequest, message).hint("name the DAG and the run"));
            }
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

    /// How the tasks of a run stand, in the order of its DAG.
    pub async fn task_summaries(
        &self,
        session: &Session,
        dag_id: &DagId,
        run_id: &RunId,
    ) -> Result<(DagRunView, Vec<TaskSummary>), Error> {
        let scope = session.scope();
        let run = self.dag_run_find(scope, dag_id, run_id).await?;
        let summary = |row: NodeRow| TaskSummary { node: row.node, length: row.map_length, counts: Vec::new() };
        let nodes = self.runs.node_list(scope, run.row.key).await?;
        let mut summaries: Vec<_> = nodes.into_iter().map(summary).collect();
        summaries.sort_by_key(|summary| summary.node);
        for (node, state, count) in self.runs.instance_counts(scope, run.row.key).await? {
            if let Ok(at) = summaries.binary_search_by_key(&node, |summary| summary.node) {
                summaries[at].counts.push((state, count));
            }
        }
        Ok((run, summaries))
    }

    /// Puts a note beside instances, or takes it away; a dry run tells beside which.
    #[expect(clippy::too_many_arguments, reason = "each says something else about the same request")]
    pub async fn task_instances_note(
        &self,
        session: &Session,
        dag_id: &DagId,
        run_id: &RunId,
        tasks: &[(TaskId, Option<MapIndex>)],
        note: Option<String>,
        dry_run: bool,
        page: PageRequest,
    ) -> Result<Page<InstanceView>, Error> {
        check_note(note.as_deref())?;
        let scope = session.scope();
        let run = self.dag_run_find(scope, dag_id, run_id).await?;
        let mut found = Page { rows: Vec::new(), total: 0 };
        for (task_id, map_index) in tasks {
            let node = node_of(&run, task_id)?;
            let filter = InstanceFilter {
                run: Some(run.row.key),
                task_ids: vec![task_id.clone()],
                map_indexes: map_index.iter().copied().collect(),
                ..InstanceFilter::default()
            };
            if !dry_run {
                let between = map_index.map_or((MapIndex::NONE, MapIndex::at(u32::MAX)), |index| (index, index));
                self.notes.instance_note_put(scope, run.row.key, node, between, note.as_deref()).await?;
                let about = About { dag_id: Some(dag_id), run_id: Some(run_id), task_id: Some(task_id) };
                self.record(session, "note", about, json!({"note": note})).await;
            }
            let rest = PageRequest { limit: (page.limit - found.rows.len() as u32).min(PAGE_MAX), offset: 0 };
            let of_task = self.instance_views(scope, &filter, rest).await?;
            if let (0, Some(map_index)) = (of_task.total, map_index) {
                let message = format!("task {:?} has no instance with map index {map_index}", task_id.as_str());
                return Err(Error::new(Code::InstanceNotFound, message));
            }
            found.total += of_task.total;
            found.rows.extend(of_task.rows);
        }
        Ok(found)
    }

    /// Tries of an instance, oldest first.
    pub async fn task_instance_tries(&self, session: &Session, name: &InstanceName) -> Result<Vec<TryView>, Error> {
        let instance = self.task_instance_fetch(session, name).await?;
        let current = instance.row.try_number;
        let attempts = self.runs.attempt_list(session.scope(), instance.row.key).await?;
        let mut tries: Vec<TryView> = Vec::new();
        for attempt in attempts {
            // Each with the version that it executed.
            let version = self.dag_versions.fetch(session.scope(), attempt.version).await?;
            let try_number = attempt.try_number;
            if tries.last().is_some_and(|newest| newest.try_number == try_number) {
                tries.pop();
            }
            let instance = InstanceView { version, ..instance.clone() };
            tries.push(TryView { instance, try_number, last: Some(attempt), is_current: try_number == current });
        }
        if tries.last().map_or(TryNumber(0), |newest| newest.try_number) < current {
            tries.push(TryView { instance, try_number: current, last: None, is_current: true });
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
        // A run that had the task in another way has rows of that too.
        let page = PageRequest { limit: if run.tasks.is_empty() { 1 } else { PAGE_MAX }, offset: 0 };
        let node = node_of(run, &name.task_id)?;
        let found = self.instance_views(run.row.scope, &filter, page).await?;
        found.rows.into_iter().find(|view| view.row.key.node == node).ok_or_else(|| {
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
            views.push(InstanceView { row, version, note: None, name: None });
        }
        self.add_versions(scope, &mut views).await?;
        self.add_notes(scope, &mut views).await?;
        self.add_names(scope, &mut views).await?;
        Ok(Page { rows: views, total })
    }

    /// What has ended shows the version with which it did, whatever version its run was cleared onto since.
    async fn add_versions(&self, scope: TenantScope, views: &mut [InstanceView]) -> Result<(), Error> {
        for of_run in views.chunk_by_mut(|a, b| a.row.key.run == b.row.key.run) {
            let InstanceRow { dag_id, run_id, .. } = &of_run[0].row;
            if self.runs.run_fetch(scope, dag_id, run_id).await?.is_none_or(|run| run.clears == 0) {
                continue;
            }
            for view in of_run.iter_mut().filter(|view| view.row.state.is_ended() && view.row.try_number.0 > 0) {
                let last = self.runs.attempt_list(scope, view.row.key).await?.pop();
                if let Some(last) = last.filter(|last| last.version != view.row.version) {
                    view.version = self.dag_versions.fetch(scope, last.version).await?;
                }
            }
        }
        Ok(())
    }

    /// Names instances whose tasks have a template, task by task.
    async fn add_names(&self, scope: TenantScope, views: &mut [InstanceView]) -> Result<(), Error> {
        let of_task = |view: &InstanceView| (view.row.key.run, view.row.key.node);
        for of_task in views.chunk_by_mut(|a, b| of_task(a) == of_task(b)) {
            let InstanceView { row: InstanceRow { key, dag_id, run_id, .. }, version, .. } = &of_task[0];
            let task = version.dag().find(of_task[0].row.task_id.as_str()).map(|node| version.dag().task(node));
            let has_template = task.is_some_and(|task| task.map_index_template.is_some());
            if !has_template || key.map_index.position().is_none() {
                continue;
            }
            let Some(run) = self.runs.run_fetch(scope, dag_id, run_id).await? else { continue };
            let DagRunView { row: run, version, .. } = self.dag_run_view(scope, run).await?;
            if version.version.gone.contains(&key.node) {
                continue;
            }
            let run = ClaimedRun {
                scope,
                key: run.key,
                dag_id: run.dag_id,
                run_id: run.run_id,
                version: version.version.key,
                component: version.version.component,
                dag: version.version.dag.clone(),
                conf: run.conf,
                params: run.params,
                logical_date: run.logical_date,
                data_interval: run.data_interval,
                clears: run.clears,
            };
            let indexes: Vec<_> = of_task.iter().map(|view| view.row.key.map_index).collect();
            let names = self.naming.names(&run, key.node, &indexes).await;
            for (view, name) in of_task.iter_mut().zip(names) {
                view.name = name;
            }
        }
        Ok(())
    }

    /// Reads the notes beside instances, run by run.
    pub(crate) async fn add_notes(&self, scope: TenantScope, views: &mut [InstanceView]) -> Result<(), Error> {
        for of_run in views.chunk_by_mut(|a, b| a.row.key.run == b.row.key.run) {
            let places = of_run.iter().map(|view| (view.row.key.node, view.row.key.map_index));
            let (Some(first), Some(last)) = (places.clone().min(), places.max()) else { continue };
            let notes = self.notes.instance_notes(scope, of_run[0].row.key.run, (first, last)).await?;
            let notes: HashMap<_, _> = notes.into_iter().map(|it| ((it.node, it.map_index), it.note)).collect();
            for view in of_run.iter_mut().filter(|_| !notes.is_empty()) {
                view.note = notes.get(&(view.row.key.node, view.row.key.map_index)).cloned();
            }
        }
        Ok(())
    }
}

/// Whether the instances of a task of a run have map indexes; an error when the run has no such task.
pub(crate) fn is_mapped(run: &DagRunView, task_id: &TaskId) -> Result<bool, Error> {
    let node = node_of(run, task_id)?;
    let is_former = run.version.version.gone.contains(&node);
    Ok(if is_former { run.tasks[node.0 as usize].map_length.is_some() } else { has_indexes(run.version.dag(), node) })
}

/// Whether the instances of a task have map indexes: it is mapped, or stands in a mapped group.
pub(crate) fn has_indexes(dag: &Dag, node: NodeIdx) -> bool {
    dag.node(node).scope != ScopeIdx::RUN
}

pub(crate) fn node_of(run: &DagRunView, task_id: &TaskId) -> Result<NodeIdx, Error> {
    let former = || run.former_task(task_id).map(|row| row.node);
    let found = run.version.dag().find(task_id.as_str()).or_else(former);
    found.ok_or_else(|| Error::new(Code::TaskNotFound, format!("the run has no task {:?}", task_id.as_str())))
}

pub(crate) fn try_not_found(try_number: TryNumber) -> Error {
    Error::new(Code::TryNotFound, format!("the instance has no try {}", try_number.0))
}
