//! What an act comes to in a run: the same for a dry run as for what is then done.

use model::{Dag, NodeIdx, RunState, TaskState, VersionKey};
use plan::{Decisions, Ending, Marking, RunMachine, Selected, Selection, SelectionError};

use super::{Act, Change, Changes, ControlError, Instances};

/// What is to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Planned {
    Clear {
        selected: Vec<Selected>,
        state: RunState,
    },
    Mark {
        marking: Marking,
        to: TaskState,
        state: RunState,
    },
    /// `is_failing` of a run that fails already.
    Run {
        instances: Vec<(Selected, TaskState)>,
        ending: Ending,
        is_failing: bool,
        state: RunState,
    },
}

impl Planned {
    /// Of a run in this state.
    pub(crate) fn of(machine: &RunMachine, state: RunState, act: &Act) -> Result<Self, ControlError> {
        let is_failing = machine.is_failing();
        let run = |ending: Ending| Self::Run { instances: machine.select_for_run(ending), ending, is_failing, state };
        Ok(match act {
            Act::Clear(clear) => {
                let selection = selection(machine.dag(), &clear.instances)?;
                let selected = machine.select_for_clear(&selection).map_err(|error| refused(machine.dag(), error))?;
                Self::Clear { selected, state }
            }
            Act::Mark(mark) => {
                if !matches!(mark.to, TaskState::Success | TaskState::Failed | TaskState::Skipped) {
                    return Err(ControlError::NotMarkable(mark.to));
                }
                let selection = selection(machine.dag(), &mark.instances)?;
                let marking = machine.select_for_mark(&selection, mark.to);
                let marking = marking.map_err(|error| refused(machine.dag(), error))?;
                Self::Mark { marking, to: mark.to, state }
            }
            Act::MarkRun(RunState::Success) => run(Ending::Success),
            Act::MarkRun(RunState::Failed) => run(Ending::Failed),
            Act::MarkRun(to) => return Err(ControlError::RunNotMarkable(*to)),
            Act::Cancel if state.is_ended() => return Err(ControlError::Ended(state)),
            Act::Cancel if is_failing => run(Ending::Stopped),
            Act::Cancel => run(Ending::Failed),
        })
    }

    /// The end of a run that has nothing to undo.
    pub(crate) fn stop(machine: &RunMachine, state: RunState) -> Self {
        let ending = Ending::Stopped;
        Self::Run { instances: machine.select_for_run(ending), ending, is_failing: false, state }
    }

    /// True when nothing changes.
    pub(crate) fn is_nothing(&self) -> bool {
        match self {
            Self::Clear { selected, .. } => selected.is_empty(),
            Self::Mark { marking, .. } => marking.marked.is_empty() && marking.cleared.is_empty(),
            Self::Run { instances, ending: Ending::Success, state, .. } => {
                instances.is_empty() && *state == RunState::Success
            }
            Self::Run { instances, ending: Ending::Failed, is_failing, state } => {
                instances.is_empty() && (*is_failing || *state == RunState::Failed)
            }
            Self::Run { ending: Ending::Stopped, .. } => false,
        }
    }

    pub(crate) fn changes(&self, dag: &Dag, version: VersionKey) -> Changes {
        let change = |selected: &Selected, to: TaskState| change(dag, selected, to);
        let (state, instances) = match self {
            Self::Clear { selected, .. } => {
                (RunState::Running, selected.iter().map(|it| change(it, TaskState::None)).collect())
            }
            Self::Mark { marking, to, .. } => {
                let marked = marking.marked.iter().map(|it| change(it, *to));
                let cleared = marking.cleared.iter().map(|it| change(it, TaskState::None));
                (RunState::Running, marked.chain(cleared).collect())
            }
            Self::Run { instances, ending, .. } => {
                let state = if *ending == Ending::Success { RunState::Success } else { RunState::Failed };
                (state, instances.iter().map(|(it, to)| change(it, *to)).collect())
            }
        };
        let before = match self {
            Self::Clear { state, .. } | Self::Mark { state, .. } | Self::Run { state, .. } => *state,
        };
        Changes { version, state: if self.is_nothing() { before } else { state }, instances }
    }

    /// Does it.
    pub(crate) fn carry_out(&self, machine: &mut RunMachine, reason: &str, now: jiff::Timestamp) -> Decisions {
        match self {
            Self::Clear { selected, .. } => machine.clear(selected, now),
            Self::Mark { marking, to, .. } => machine.mark(marking, *to, reason, now),
            Self::Run { ending, .. } => machine.end_run(*ending, reason, now),
        }
    }
}

pub(super) fn change(dag: &Dag, selected: &Selected, to: TaskState) -> Change {
    let task_id = dag.task(selected.node).task_id.clone();
    Change { node: selected.node, task_id, first: selected.first, last: selected.last, to }
}

pub(super) fn selection(dag: &Dag, instances: &Instances) -> Result<Selection, ControlError> {
    let find = |task_id: &model::TaskId| -> Result<NodeIdx, ControlError> {
        dag.find(task_id.as_str()).ok_or_else(|| ControlError::UnknownTask(task_id.clone()))
    };
    Ok(Selection {
        tasks: instances.tasks.iter().map(find).collect::<Result<_, _>>()?,
        map_indexes: instances.map_indexes.clone(),
        upstream: instances.upstream,
        downstream: instances.downstream,
        only_failed: instances.only_failed,
        only_running: instances.only_running,
    })
}

pub(super) fn refused(dag: &Dag, error: SelectionError) -> ControlError {
    match error {
        SelectionError::UnknownInstance { task_id, map_index } => ControlError::UnknownInstance { task_id, map_index },
        SelectionError::UnknownTask(node) => ControlError::UnknownInstance {
            task_id: format!("number {} of {}", node.0, dag.len()),
            map_index: model::MapIndex::NONE,
        },
    }
}
