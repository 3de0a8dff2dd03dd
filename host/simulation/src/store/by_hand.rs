//! What people do to runs: runs that run again, executions that end, instances that wait again or are marked.

use model::outcome::ResourcesUsed;
use model::{EndKind, MapIndex, NodeIdx, RunState, TaskState};
use store::{AttemptRow, Cancelled, NodeRow, Reopened, Reset, Transition};

use super::rows::{Instance, Run, kept, micros};

impl Run {
    pub(super) fn cancel(&mut self, it: &Cancelled) -> bool {
        let key = (it.instance.node, it.instance.map_index);
        let Some(row) = self.instances.get_mut(&key) else { return false };
        let was = row.short.state;
        if !matches!(was, TaskState::Running | TaskState::Queued) || row.short.fence != it.fence {
            return false;
        }
        row.short.state = TaskState::None;
        if was == TaskState::Queued {
            return true;
        }
        let attempt = AttemptRow {
            instance: it.instance,
            try_number: row.short.try_number,
            fence: it.fence,
            version: self.row.version,
            started_at: row.short.started_at.unwrap_or(micros(it.at)),
            ended_at: micros(it.at),
            end: EndKind::Cancelled,
            message: Some(kept(&it.message)),
            used: ResourcesUsed::default(),
        };
        self.attempts.insert((key.0, key.1, attempt.try_number, it.fence), attempt).is_none()
    }

    pub(super) fn reopen(&mut self, it: &Reopened) -> bool {
        let row = &mut self.row;
        if row.state.is_ended() {
            row.started_at = Some(micros(it.at));
            row.state = RunState::Running;
        }
        row.reason = None;
        row.ended_at = None;
        row.clears += 1;
        row.version = it.version.unwrap_or(row.version);
        self.result = None;
        if let Some(tasks) = &it.tasks {
            self.blocks.clear();
            self.nodes.extend(tasks.iter().map(|it| {
                let row = NodeRow {
                    node: it.node,
                    task_id: it.task_id.clone(),
                    map_length: it.map_length,
                    list_length: None,
                };
                (it.node, row)
            }));
        }
        true
    }

    pub(super) fn reset(&mut self, it: &Reset) -> bool {
        let mut count = 0;
        for row in self.instances.range_mut((it.node, it.first)..=(it.node, it.last)).map(|(_, row)| row) {
            reset(row);
            count += 1;
        }
        self.unsay(it.node, it.first, it.last);
        let is_reset = |node: NodeIdx, index: MapIndex| node == it.node && (it.first..=it.last).contains(&index);
        self.waits.retain(|(node, index), _| !is_reset(*node, *index));
        if !it.keeps_state {
            self.states.retain(|(node, index, _), _| !is_reset(*node, *index));
        }
        count == i64::from(it.last.number()) - i64::from(it.first.number()) + 1
    }

    pub(super) fn mark(&mut self, it: &Transition) -> bool {
        let mut count = 0;
        for row in self.instances.range_mut((it.node, it.first)..=(it.node, it.last)).map(|(_, row)| row) {
            row.short.state = it.to;
            row.short.retry_at = None;
            row.short.has_value &= it.to == TaskState::Success;
            row.reason = it.reason.as_deref().map(kept);
            row.ended_at = it.to.is_ended().then_some(micros(it.at));
            count += 1;
        }
        if it.to != TaskState::Success {
            self.unsay(it.node, it.first, it.last);
        }
        count == i64::from(it.last.number()) - i64::from(it.first.number()) + 1
    }

    /// What is no success any more has left and said nothing.
    fn unsay(&mut self, of: NodeIdx, first: MapIndex, last: MapIndex) {
        self.forget_values(of, first, last);
        self.answers.retain(|(node, index), _| *node != of || !(first..=last).contains(index));
        if first == MapIndex::NONE
            && let Some(node) = self.nodes.get_mut(&of)
        {
            node.list_length = None;
        }
    }

    pub(super) fn forget_values(&mut self, node: NodeIdx, first: MapIndex, last: MapIndex) {
        self.xcoms.retain(|(of, index, _), _| *of != node || !(first..=last).contains(index));
    }
}

fn reset(row: &mut Instance) {
    let short = &mut row.short;
    short.state = TaskState::None;
    short.max_tries = short.max_tries - row.tries_before + short.try_number.0;
    row.tries_before = short.try_number.0;
    short.lost_executions = 0;
    short.suspect = false;
    short.has_value = false;
    short.started_at = None;
    short.retry_at = None;
    short.since = None;
    short.times_out = false;
    row.reason = None;
    row.worker = None;
    row.scheduled_at = None;
    row.ended_at = None;
}
