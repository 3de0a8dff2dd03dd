//! What people ask of runs that are there: to clear or mark instances of them, to end them. Each act on a run is one transaction of
//! the scheduler, recorded with who asked and why; a dry run tells what it would change and changes nothing.
//!
//! Words: an *act* is what is asked of one run, a *change* what becomes of an instance. Which runs are meant, past and future ones
//! too, is found out here; which instances, in the scheduler.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use model::limits::http::PAGE_MAX;
use model::limits::run::{BY_HAND_RUNS_MAX, NOTE_MAX_CHARS};
use model::{
    DagId, GroupId, InstanceKey, MapIndex, Problem, RunId, RunState, TaskId, TaskState, TryNumber, VersionKey,
};
use scheduler::{Act, Asker, Change, Changes, Clear, ControlError, Instances, Mark};
use store::{InstanceFilter, InstanceRow, Page, PageRequest, RunFilter, RunOrder, RunRow};

use crate::dag_version::version_error;
use crate::{Code, Control, DagRunView, DagVersion, Error, InstanceView, Session};

/// Which runs of a DAG.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunSelection {
    /// One, and those with earlier or later logical dates too.
    One { run_id: RunId, past: bool, future: bool },
    /// Those with logical dates between these, inclusive; all runs where there is neither.
    Dated(Option<Timestamp>, Option<Timestamp>),
}

/// Which instances of each run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InstanceSelection {
    /// Tasks, or single instances of them; all tasks where there is none.
    pub tasks: Vec<(TaskId, Option<MapIndex>)>,
    /// And everything upstream.
    pub upstream: bool,
    /// And everything downstream.
    pub downstream: bool,
}

/// The version of cleared runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ClearVersion {
    /// The one that each run has.
    #[default]
    Own,
    /// The one that is current now.
    Latest,
    Number(u32),
}

/// Instances that somebody wants to run again.
#[derive(Debug, Clone)]
pub struct ClearRequest {
    pub dag_id: DagId,
    pub runs: RunSelection,
    pub instances: InstanceSelection,
    pub only_failed: bool,
    pub only_running: bool,
    /// Runs that have ended run again; else they are passed over.
    pub resets_ended: bool,
    /// Nothing is done where one of the instances runs.
    pub refuses_running: bool,
    pub version: ClearVersion,
    /// Why.
    pub note: Option<String>,
    pub dry_run: bool,
}

/// Instances to which somebody wants to give a state.
#[derive(Debug, Clone)]
pub struct MarkRequest {
    pub dag_id: DagId,
    pub runs: RunSelection,
    pub instances: InstanceSelection,
    /// Success, failed or skipped.
    pub to: TaskState,
    /// Why.
    pub note: Option<String>,
    pub dry_run: bool,
}

/// Instances that change, or would: the first of them, and how many there are.
pub type Changed = Page<InstanceView>;

impl Control {
    /// Clears instances of one or several runs, or tells which it would.
    pub async fn task_instances_clear(
        &self,
        session: &Session,
        request: &ClearRequest,
        page: PageRequest,
    ) -> Result<Changed, Error> {
        check_note(request.note.as_deref())?;
        let mut runs = self.selected_runs(session, &request.dag_id, &request.runs).await?;
        if !request.resets_ended {
            runs.retain(|run| !run.row.state.is_ended());
        }
        let version = self.clear_version(session, &request.dag_id, request.version).await?;
        let acts: Vec<_> = instances_of(&request.instances, request.only_failed, request.only_running)
            .into_iter()
            .map(|instances| Act::Clear(Clear { instances, version, keeps_state: false }))
            .collect();
        if request.refuses_running {
            self.refuse_running(session, &runs, &acts).await?;
        }
        self.act_on_all(session, &runs, &acts, request.note.as_deref(), request.dry_run, page).await
    }

    /// Gives instances of one or several runs a state, or tells which would get it.
    pub async fn task_instances_mark(
        &self,
        session: &Session,
        request: &MarkRequest,
        page: PageRequest,
    ) -> Result<Changed, Error> {
        check_note(request.note.as_deref())?;
        let runs = self.selected_runs(session, &request.dag_id, &request.runs).await?;
        let acts: Vec<_> = instances_of(&request.instances, false, false)
            .into_iter()
            .map(|instances| Act::Mark(Mark { instances, to: request.to }))
            .collect();
        let changed = self.act_on_all(session, &runs, &acts, request.note.as_deref(), request.dry_run, page).await?;
        if changed.total == 0 && !request.dry_run {
            let message = format!("everything that is named here is {} already", request.to);
            return Err(Error::new(Code::AlreadySo, message).hint("look at it with GET …/taskInstances"));
        }
        Ok(changed)
    }

    /// Gives a run a state: it ends as success or failed; queued makes what failed in it run again.
    pub async fn dag_run_mark(
        &self,
        session: &Session,
        dag_id: &DagId,
        run_id: &RunId,
        to: RunState,
        why: Option<&str>,
    ) -> Result<DagRunView, Error> {
        check_note(why)?;
        let run = self.dag_run_find(session.scope(), dag_id, run_id).await?;
        let act = match to {
            RunState::Queued if !run.row.state.is_ended() => return Ok(run),
            RunState::Queued => {
                let failed = Instances { only_failed: true, ..Instances::default() };
                Act::Clear(Clear { instances: failed, ..Clear::default() })
            }
            to => Act::MarkRun(to),
        };
        self.act_on(session, &run, act, why, false).await?;
        self.dag_run_find(session.scope(), dag_id, run_id).await
    }

    /// Ends a run: what runs in it is cancelled, what waits is skipped, and then its teardowns have their turn. Once more, and those end too.
    pub async fn dag_run_cancel(
        &self,
        session: &Session,
        dag_id: &DagId,
        run_id: &RunId,
        why: Option<&str>,
    ) -> Result<DagRunView, Error> {
        check_note(why)?;
        let run = self.dag_run_find(session.scope(), dag_id, run_id).await?;
        self.act_on(session, &run, Act::Cancel, why, false).await?;
        self.dag_run_find(session.scope(), dag_id, run_id).await
    }

    /// The tasks of a group of a run, of the groups in it too.
    pub async fn task_group_tasks(
        &self,
        session: &Session,
        dag_id: &DagId,
        run_id: &RunId,
        group_id: &GroupId,
    ) -> Result<Vec<TaskId>, Error> {
        let run = self.dag_run_find(session.scope(), dag_id, run_id).await?;
        let dag = run.version.dag();
        if !dag.document().groups.iter().any(|group| group.group_id == *group_id) {
            let message = format!("the run has no group {:?}", group_id.as_str());
            return Err(Error::new(Code::GroupNotFound, message));
        }
        let is_inside = |node: &model::NodeIdx| dag.groups_around(*node).any(|group| group.group_id == *group_id);
        Ok(dag.indices().filter(is_inside).map(|node| dag.task(node).task_id.clone()).collect())
    }

    pub(crate) async fn clear_version(
        &self,
        session: &Session,
        dag_id: &DagId,
        version: ClearVersion,
    ) -> Result<Option<VersionKey>, Error> {
        Ok(match version {
            ClearVersion::Own => None,
            ClearVersion::Latest => Some(self.dag_row(session.scope(), dag_id).await?.current.key),
            ClearVersion::Number(number) => Some(self.dag_version_fetch(session, dag_id, number).await?.row.key),
        })
    }

    /// Asks the scheduler; what it changed is in the log of events by then.
    pub(crate) async fn act_on(
        &self,
        session: &Session,
        run: &DagRunView,
        act: Act,
        why: Option<&str>,
        dry_run: bool,
    ) -> Result<Changes, Error> {
        let word = match &act {
            Act::Clear(_) => "cleared",
            Act::Mark(_) => "marked",
            Act::MarkRun(_) => "run marked",
            Act::Cancel => "run cancelled",
        };
        let asked = self.scheduling.act(run.row.scope, run.row.key, act, asker(session, why), dry_run).await;
        let changes = asked.map_err(|error| control_error(run, error))?;
        if !dry_run {
            tracing::info!(
                tenant = %run.row.scope.tenant(), dag = %run.row.dag_id, run = %run.row.key, by = session.name(),
                instances = changes.count(), "{word}"
            );
        }
        Ok(changes)
    }

    async fn act_on_all(
        &self,
        session: &Session,
        runs: &[DagRunView],
        acts: &[Act],
        why: Option<&str>,
        dry_run: bool,
        page: PageRequest,
    ) -> Result<Changed, Error> {
        let mut gathered = Gathered { page, passed: 0, views: Vec::new(), total: 0 };
        for run in runs {
            let mut seen: Vec<Change> = Vec::new();
            for act in acts {
                let mut changes = self.act_on(session, run, act.clone(), why, dry_run).await?;
                // Two acts may name the same instance, which a dry run tells twice.
                changes.instances = changes.instances.into_iter().flat_map(|change| without(change, &seen)).collect();
                seen.extend_from_slice(&changes.instances);
                self.gather(run, &changes, &mut gathered).await?;
            }
        }
        Ok(Page { rows: gathered.views, total: gathered.total })
    }

    /// Adds the rows of changed instances, as far as the page has room for them.
    async fn gather(&self, run: &DagRunView, changes: &Changes, gathered: &mut Gathered) -> Result<(), Error> {
        gathered.total += changes.count();
        let wanted = gathered.take(&changes.instances);
        if wanted.is_empty() {
            return Ok(());
        }
        let scope = run.row.scope;
        // What a dry run tells is how it would be: with the version that the run has then.
        let version: Arc<DagVersion> = self.dag_versions.fetch(scope, changes.version).await?;
        let before = gathered.views.len();
        for (map_indexes, task_ids) in wanted {
            for pieces in pieces(&task_ids, &map_indexes) {
                let filter = InstanceFilter {
                    run: Some(run.row.key),
                    task_ids: pieces.0,
                    map_indexes: pieces.1,
                    ..InstanceFilter::default()
                };
                let all = PageRequest { limit: PAGE_MAX, offset: 0 };
                let mut found = self.runs.instance_list(scope, &filter, all).await?.rows;
                found.retain(|row| changes.instances.iter().any(|change| is_of(change, &row.key)));
                let new: Vec<_> = { filter.task_ids.iter() }
                    .flat_map(|task_id| filter.map_indexes.iter().map(move |index| (task_id, *index)))
                    .filter(|(task_id, index)| {
                        !found.iter().any(|row| (&row.task_id, row.key.map_index) == (task_id, *index))
                    })
                    .filter_map(|(task_id, index)| {
                        let is_named = |it: &&Change| it.task_id == *task_id && (it.first..=it.last).contains(&index);
                        let change = changes.instances.iter().filter(|it| it.to == TaskState::None).find(is_named)?;
                        Some(new_row(&run.row, change, index, &version))
                    })
                    .collect();
                let rows = found.into_iter().chain(new);
                let view = |row| InstanceView { row, version: version.clone(), note: None, name: None };
                gathered.views.extend(rows.map(view));
            }
        }
        gathered.views[before..].sort_by_key(|view| view.row.key);
        self.add_notes(scope, &mut gathered.views[before..]).await
    }

    async fn refuse_running(&self, session: &Session, runs: &[DagRunView], acts: &[Act]) -> Result<(), Error> {
        for run in runs {
            let filter = InstanceFilter {
                run: Some(run.row.key),
                states: vec![TaskState::Running],
                ..InstanceFilter::default()
            };
            let all = PageRequest { limit: PAGE_MAX, offset: 0 };
            let running = self.runs.instance_list(session.scope(), &filter, all).await?.rows;
            for act in acts.iter().filter(|_| !running.is_empty()) {
                let changes = self.act_on(session, run, act.clone(), None, true).await?;
                let is_changed = |key: &InstanceKey| changes.instances.iter().any(|it| is_of(it, key));
                if let Some(row) = running.iter().find(|row| is_changed(&row.key)) {
                    let message = format!("task {:?} runs in run {:?}", row.task_id.as_str(), row.run_id.as_str());
                    return Err(Error::new(Code::TaskRuns, message)
                        .hint("wait for its end, or leave out prevent_running_task to cancel it"));
                }
            }
        }
        Ok(())
    }

    /// The runs that are meant, by logical date.
    async fn selected_runs(
        &self,
        session: &Session,
        dag_id: &DagId,
        runs: &RunSelection,
    ) -> Result<Vec<DagRunView>, Error> {
        let scope = session.scope();
        self.dag_row(scope, dag_id).await?;
        let (dates, mut found) = match runs {
            RunSelection::One { run_id, past, future } => {
                let run = self.dag_run_find(scope, dag_id, run_id).await?;
                if !past && !future {
                    return Ok(vec![run]);
                }
                let Some(date) = run.row.logical_date else {
                    let message =
                        format!("run {:?} has no logical date, so none is before or after it", run_id.as_str());
                    return Err(
                        Error::new(Code::InvalidRequest, message).hint("leave out include_past and include_future")
                    );
                };
                (((!past).then_some(date), (!future).then_some(date)), vec![run])
            }
            RunSelection::Dated(from, to) => ((*from, *to), Vec::new()),
        };
        let filter = RunFilter {
            dag_id: Some(dag_id.clone()),
            logical_date: dates,
            order: RunOrder::LogicalDate,
            ..RunFilter::default()
        };
        let first = found.first().map(|run| run.row.key);
        let mut page = PageRequest { limit: PAGE_MAX, offset: 0 };
        loop {
            let listed = self.dag_run_list(session, &filter, page).await?;
            if listed.total > u64::from(BY_HAND_RUNS_MAX) {
                let message = format!("{} runs are meant, and {BY_HAND_RUNS_MAX} are the most", listed.total);
                return Err(Error::new(Code::LimitReached, message).hint("name a shorter time"));
            }
            let count = listed.rows.len() as u32;
            // Runs without a date have no place before or after another.
            let is_dated =
                |run: &DagRunView| dates == (None, None) && first.is_none() || run.row.logical_date.is_some();
            found.extend(listed.rows.into_iter().filter(|run| is_dated(run) && Some(run.row.key) != first));
            page.offset += count;
            if count < page.limit {
                return Ok(found);
            }
        }
    }
}

/// Rows of changed instances, as far as somebody wants to see them.
struct Gathered {
    page: PageRequest,
    passed: u32,
    views: Vec<InstanceView>,
    total: u64,
}

/// Tasks by the instances of them.
type Wanted = BTreeMap<Vec<MapIndex>, Vec<TaskId>>;

impl Gathered {
    fn take(&mut self, changes: &[Change]) -> Wanted {
        let mut wanted = Wanted::new();
        let mut room = self.page.limit.saturating_sub(self.views.len() as u32);
        for change in changes {
            let skipped = change.count().min(self.page.offset - self.passed);
            self.passed += skipped;
            let count = (change.count() - skipped).min(room);
            room -= count;
            if count == 0 {
                continue;
            }
            let indexes = match change.first.position() {
                Some(first) => (first + skipped..first + skipped + count).map(MapIndex::at).collect(),
                None => vec![MapIndex::NONE],
            };
            wanted.entry(indexes).or_default().push(change.task_id.clone());
        }
        wanted
    }
}

fn is_of(change: &Change, key: &InstanceKey) -> bool {
    change.node == key.node && (change.first..=change.last).contains(&key.map_index)
}

/// An instance that a run will have.
fn new_row(run: &RunRow, change: &Change, map_index: MapIndex, version: &DagVersion) -> InstanceRow {
    let task = version.dag().find(change.task_id.as_str()).map(|node| version.dag().task(node));
    InstanceRow {
        key: InstanceKey { run: run.key, node: change.node, map_index },
        dag_id: run.dag_id.clone(),
        run_id: run.run_id.clone(),
        task_id: change.task_id.clone(),
        state: TaskState::None,
        reason: None,
        try_number: TryNumber(0),
        max_tries: task.map_or(1, |task| task.retries.saturating_add(1)),
        map_length: None,
        version: version.row.key,
        version_number: version.row.version_number,
        worker: None,
        run_after: run.run_after,
        logical_date: run.logical_date,
        scheduled_at: None,
        started_at: None,
        ended_at: None,
        retry_at: None,
    }
}

/// What of a change is not among those that were seen.
fn without(change: Change, seen: &[Change]) -> Vec<Change> {
    let mut rest = vec![change];
    for seen in seen {
        let cut = |change: Change| {
            let is_apart = change.node != seen.node || change.last < seen.first || seen.last < change.first;
            if is_apart {
                return vec![change];
            }
            let part = |first: i32, last: i32| {
                let (first, last) = (MapIndex::from_number(first)?, MapIndex::from_number(last)?);
                (first <= last).then(|| Change { first, last, ..change.clone() })
            };
            let before = part(change.first.number(), seen.first.number() - 1);
            let after = part(seen.last.number() + 1, change.last.number());
            before.into_iter().chain(after).collect()
        };
        rest = rest.into_iter().flat_map(cut).collect();
    }
    rest
}

/// Tasks and indexes such that their product fits one page.
fn pieces(tasks: &[TaskId], indexes: &[MapIndex]) -> Vec<(Vec<TaskId>, Vec<MapIndex>)> {
    let most = PAGE_MAX as usize;
    let by_indexes = indexes.chunks(most);
    by_indexes
        .flat_map(|indexes| {
            let tasks = tasks.chunks((most / indexes.len()).max(1));
            tasks.map(move |tasks| (tasks.to_vec(), indexes.to_vec()))
        })
        .collect()
}

/// One selection for all tasks of which the same instances are meant.
fn instances_of(selection: &InstanceSelection, only_failed: bool, only_running: bool) -> Vec<Instances> {
    let InstanceSelection { tasks, upstream, downstream } = selection;
    let instances = |tasks, map_indexes| Instances {
        tasks,
        map_indexes,
        upstream: *upstream,
        downstream: *downstream,
        only_failed,
        only_running,
    };
    if tasks.is_empty() {
        return vec![instances(Vec::new(), Vec::new())];
    }
    let mut by_task = BTreeMap::<&TaskId, Option<BTreeSet<MapIndex>>>::new();
    for (task_id, map_index) in tasks {
        let indexes = by_task.entry(task_id).or_insert_with(|| Some(BTreeSet::new()));
        match (indexes.as_mut(), map_index) {
            (Some(indexes), Some(map_index)) => drop(indexes.insert(*map_index)),
            _ => *indexes = None,
        }
    }
    let mut by_indexes = BTreeMap::<Vec<MapIndex>, Vec<TaskId>>::new();
    for (task_id, indexes) in by_task {
        let indexes = indexes.into_iter().flatten().collect();
        by_indexes.entry(indexes).or_default().push(task_id.clone());
    }
    by_indexes.into_iter().map(|(indexes, tasks)| instances(tasks, indexes)).collect()
}

pub(crate) fn asker(session: &Session, why: Option<&str>) -> Asker {
    Asker { name: session.name().to_owned(), why: why.map(str::to_owned) }
}

pub(crate) fn check_note(note: Option<&str>) -> Result<(), Error> {
    if note.is_none_or(|note| note.chars().count() <= NOTE_MAX_CHARS) {
        return Ok(());
    }
    let problem = Problem::error("too-long", "/note", format!("a note has at most {NOTE_MAX_CHARS} characters"));
    Err(Error::new(Code::InvalidRequest, "the note is too long").problems(vec![problem]))
}

/// What the scheduler did not do.
pub(crate) fn control_error(run: &DagRunView, error: ControlError) -> Error {
    let message = error.to_string();
    match error {
        ControlError::UnknownRun => crate::dag_run::run_not_found(&run.row.dag_id, &run.row.run_id),
        ControlError::UnknownTask(task_id) if run.former_task(&task_id).is_some() => {
            let (task_id, number) = (task_id.as_str(), run.row.version_number);
            let message = format!("the run had a task {task_id:?}, which its version {number} does not have any more");
            Error::new(Code::OtherTasks, message).hint("clear the whole run onto a version that has the task")
        }
        ControlError::UnknownTask(task_id) => {
            Error::new(Code::TaskNotFound, format!("the run has no task {:?}", task_id.as_str()))
        }
        ControlError::UnknownInstance { .. } => Error::new(Code::InstanceNotFound, message),
        ControlError::OtherTasks { .. } => {
            Error::new(Code::OtherTasks, message).hint("clear the whole run, or with its own version")
        }
        ControlError::NotMarkable(_) | ControlError::RunNotMarkable(_) => Error::new(Code::InvalidRequest, message),
        ControlError::NotBegun { .. } => {
            Error::new(Code::RunNotBegun, message).hint("wait until then, or end it with POST …/cancel")
        }
        ControlError::Ended(_) => Error::new(Code::RunEnded, message).hint("clear it to let it run again"),
        ControlError::Overloaded { .. } => Error::new(Code::Overloaded, message),
        ControlError::NotOwner | ControlError::Overtaken => {
            Error::new(Code::Unavailable, message).hint("try again in a moment")
        }
        ControlError::Stopping => Error::new(Code::Stopping, message),
        ControlError::Length(_) => Error::new(Code::NotMappable, message),
        ControlError::Version(error) => version_error(error),
        ControlError::Store(error) => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(name: &str) -> TaskId {
        TaskId::new(name).expect("a name")
    }

    #[test]
    fn tasks_of_which_the_same_instances_are_meant_stand_together() {
        let at = MapIndex::at;
        let tasks = vec![
            (task("a"), None),
            (task("b"), Some(at(3))),
            (task("c"), Some(at(1))),
            (task("b"), Some(at(1))),
            (task("c"), Some(at(3))),
            (task("d"), Some(at(1))),
            (task("d"), None),
        ];
        let selection = InstanceSelection { tasks, downstream: true, ..InstanceSelection::default() };
        let found: Vec<_> =
            instances_of(&selection, true, false).into_iter().map(|it| (it.tasks, it.map_indexes)).collect();
        assert_eq!(found, [(vec![task("a"), task("d")], vec![]), (vec![task("b"), task("c")], vec![at(1), at(3)])],);
    }

    fn change(name: &str, first: MapIndex, last: MapIndex) -> Change {
        Change { node: model::NodeIdx(0), task_id: task(name), first, last, to: TaskState::None }
    }

    #[test]
    fn what_was_seen_is_not_told_again() {
        let range = |first, last| change("m", MapIndex::at(first), MapIndex::at(last));
        let left = |seen: &[Change]| without(range(2, 6), seen);
        assert_eq!(left(&[range(0, 1), range(7, 9)]), [range(2, 6)]);
        assert_eq!(left(&[range(4, 4)]), [range(2, 3), range(5, 6)]);
        assert_eq!(left(&[range(0, 3), range(6, 8)]), [range(4, 5)]);
        assert_eq!(left(&[range(0, 9)]), []);
        let whole = change("t", MapIndex::NONE, MapIndex::NONE);
        assert_eq!(without(whole.clone(), std::slice::from_ref(&whole)), []);
    }

    #[test]
    fn a_page_takes_its_part_of_the_ranges() {
        let changes = [change("a", MapIndex::NONE, MapIndex::NONE), change("m", MapIndex::at(0), MapIndex::at(9))];
        let page = PageRequest { limit: 3, offset: 2 };
        let mut gathered = Gathered { page, passed: 0, views: Vec::new(), total: 0 };
        let wanted = gathered.take(&changes);
        let expected = [(vec![MapIndex::at(1), MapIndex::at(2), MapIndex::at(3)], vec![task("m")])];
        assert_eq!(wanted.into_iter().collect::<Vec<_>>(), expected);
    }
}
