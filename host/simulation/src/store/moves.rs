//! What one row of a commit does to its run; false where the run is not as the commit expects.

use jiff::Timestamp;
use model::outcome::ResourcesUsed;
use model::{InstanceKey, MapIndex, RunState, TaskState};
use store::{
    AttemptRow, Ended, Expansion, InstanceClaim, InstanceSnapshot, NamedValue, NewInstances, Offer, RunCommit,
    RunStateChange, StoredValue, Transition, XcomRow,
};

use super::rows::{Instance, Run, kept, kept_count, micros};

impl Run {
    pub(super) fn end(&mut self, it: &Ended) -> bool {
        let key = (it.instance.node, it.instance.map_index);
        let Some(row) = self.instances.get_mut(&key) else { return false };
        let is_held = matches!(row.short.state, TaskState::Running | TaskState::Queued);
        if !is_held || (row.short.try_number, row.short.fence) != (it.try_number, it.fence) {
            return false;
        }
        let ended_at = micros(it.execution.ended_at);
        let is_again = it.to == TaskState::Scheduled;
        row.short.state = it.to;
        row.short.retry_at = it.retry_at.map(micros);
        row.short.since = it.since.map(micros);
        row.short.times_out = it.times_out;
        row.short.lost_executions = it.lost_executions;
        row.short.suspect = it.suspect;
        row.short.has_value = it.has_value && it.to == TaskState::Success;
        row.reason = it.reason.as_deref().or_else(|| it.execution.end.message()).map(kept);
        row.ended_at = (!is_again).then_some(ended_at);
        if is_again {
            row.scheduled_at = Some(ended_at);
        }
        let used = it.execution.used;
        let attempt = AttemptRow {
            instance: it.instance,
            try_number: it.try_number,
            fence: it.fence,
            version: self.row.version,
            started_at: micros(it.execution.started_at),
            ended_at,
            end: it.execution.end.kind(),
            message: it.execution.end.message().map(kept),
            used: ResourcesUsed {
                wall_us: kept_count(used.wall_us),
                cpu_us: kept_count(used.cpu_us),
                memory_bytes: kept_count(used.memory_bytes),
            },
        };
        if self.attempts.insert((key.0, key.1, it.try_number, it.fence), attempt).is_some() {
            return false;
        }
        if it.to != TaskState::Success {
            return true;
        }
        self.leave(it.instance, &it.xcoms, ended_at);
        if it.list_length.is_some() && key.1 == MapIndex::NONE {
            let Some(node) = self.nodes.get_mut(&key.0) else { return false };
            node.list_length = it.list_length;
        }
        true
    }

    pub(super) fn leave(&mut self, of: InstanceKey, values: &[NamedValue], at: Timestamp) {
        for xcom in values {
            let row = XcomRow {
                node: of.node,
                map_index: of.map_index,
                key: xcom.key.clone(),
                value: value(&xcom.value),
                created_at: at,
            };
            self.xcoms.insert((of.node, of.map_index, xcom.key.as_str().to_owned()), row);
        }
    }

    pub(super) fn expand(&mut self, it: &Expansion) -> bool {
        let Some(node) = self.nodes.get_mut(&it.node) else { return false };
        if node.map_length.unwrap_or(0) >= it.length.max(1) {
            return false;
        }
        node.map_length = Some(it.length);
        let summary = (it.node, MapIndex::NONE);
        if it.length > 0 && self.instances.get(&summary).is_some_and(|row| row.short.state != TaskState::Running) {
            self.instances.remove(&summary);
        }
        true
    }

    pub(super) fn make(&mut self, it: &NewInstances) -> bool {
        let mut is_new = true;
        let first = it.first.number();
        for offset in 0..it.count {
            let number = first.saturating_add_unsigned(offset);
            let map_index = MapIndex::from_number(number).unwrap_or(MapIndex::NONE);
            let short = InstanceSnapshot {
                node: it.node,
                map_index,
                state: it.state,
                try_number: it.try_number,
                max_tries: it.max_tries,
                fence: model::Fence::NONE,
                retry_at: it.retry_at.map(micros),
                since: None,
                times_out: it.retry_at.is_some(),
                lost_executions: 0,
                suspect: false,
                has_value: false,
                started_at: None,
            };
            let is_first_try = matches!(it.state, TaskState::Scheduled | TaskState::AwaitingInput);
            let row = Instance {
                short,
                tries_before: it.try_number.0.saturating_sub(u32::from(is_first_try)),
                reason: it.reason.as_deref().map(kept),
                worker: None,
                scheduled_at: (it.state == TaskState::Scheduled).then_some(micros(it.at)),
                ended_at: it.state.is_ended().then_some(micros(it.at)),
            };
            let is_free = !self.instances.contains_key(&(it.node, map_index));
            self.instances.entry((it.node, map_index)).or_insert(row);
            is_new &= is_free;
        }
        is_new
    }

    pub(super) fn move_on(&mut self, it: &Transition) -> bool {
        let mut moved = 0;
        for row in self.instances.range_mut((it.node, it.first)..=(it.node, it.last)).map(|(_, row)| row) {
            let from = row.short.state;
            if from == TaskState::Running || !from.may_become(it.to) {
                continue;
            }
            moved += 1;
            row.short.state = it.to;
            row.short.try_number = it.try_number.unwrap_or(row.short.try_number);
            row.short.retry_at = it.retry_at.map(micros);
            row.short.times_out = it.to == TaskState::AwaitingInput && it.retry_at.is_some();
            row.short.has_value = from == TaskState::AwaitingInput && it.to == TaskState::Success;
            row.reason = it.reason.as_deref().map(kept);
            row.ended_at = it.to.is_ended().then_some(micros(it.at));
            if it.to == TaskState::Scheduled {
                row.scheduled_at = Some(micros(it.at));
            }
        }
        if it.to == TaskState::Removed {
            self.forget_values(it.node, it.first, it.last);
        }
        moved == i64::from(it.last.number()) - i64::from(it.first.number()) + 1
    }

    pub(super) fn claim(&mut self, it: &InstanceClaim, commit: &RunCommit) -> bool {
        let Some(fence) = commit.fence else { return false };
        let Some(row) = self.instances.get_mut(&(it.instance.node, it.instance.map_index)) else { return false };
        if row.short.state != TaskState::Scheduled || row.short.fence >= fence {
            return false;
        }
        row.short.state = TaskState::Running;
        row.short.fence = fence;
        row.short.started_at = Some(micros(it.at));
        row.short.retry_at = None;
        row.worker = Some(it.worker);
        row.ended_at = None;
        row.reason = None;
        true
    }

    pub(super) fn offer(&mut self, it: &Offer, commit: &RunCommit) -> bool {
        let Some(fence) = commit.fence else { return false };
        let Some(row) = self.instances.get_mut(&(it.instance.node, it.instance.map_index)) else { return false };
        if row.short.state != TaskState::Scheduled || row.short.fence >= fence {
            return false;
        }
        row.short.state = TaskState::Queued;
        row.short.fence = fence;
        row.short.started_at = None;
        row.short.retry_at = None;
        row.worker = None;
        row.ended_at = None;
        row.reason = None;
        true
    }

    pub(super) fn move_run_on(&mut self, it: &RunStateChange) -> bool {
        let row = &mut self.row;
        if row.state.is_ended() {
            return false;
        }
        row.state = it.to;
        row.reason = it.reason.as_deref().map(kept);
        if it.to == RunState::Running {
            row.started_at = row.started_at.or(Some(micros(it.at)));
        }
        row.ended_at = it.to.is_ended().then_some(micros(it.at));
        true
    }
}

fn value(value: &StoredValue) -> StoredValue {
    match value {
        StoredValue::Inline(text) => StoredValue::Inline(kept(text).into()),
        blob @ StoredValue::Blob { .. } => blob.clone(),
    }
}
