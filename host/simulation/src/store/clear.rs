//! Clears a run: what is cleared waits again, and what it left is gone; its attempts stay, and what ran has ended.

use std::collections::BTreeSet;

use jiff::Timestamp;
use model::outcome::ResourcesUsed;
use model::{EndKind, InstanceKey, MapIndex, NodeIdx, RunKey, RunState, TaskState, TenantScope, TryNumber};
use store::{AttemptRow, Cleared, InstanceSnapshot};

use super::rows::{Accepted, Instance, Run, Tables, micros};

impl Tables {
    pub(crate) fn clear(&mut self, scope: TenantScope, run: RunKey, only_failed: bool, now: Timestamp) -> Cleared {
        let Some(found) = self.runs.get_mut(&(scope, run)) else { return Cleared { instances: 0 } };
        let instances = found.clear(only_failed, micros(now));
        if instances > 0 {
            if !only_failed {
                self.cluster.work.retain(|(of, instance), _| (*of, instance.run) != (scope, run));
            }
            self.history.push(Accepted::Clear { scope, run, only_failed });
        }
        Cleared { instances }
    }
}

impl Run {
    fn clear(&mut self, only_failed: bool, now: Timestamp) -> u64 {
        let of_run = self.row.reason.take();
        let is_cleared = |row: &Instance| {
            let is_of_end = row.short.state == TaskState::Skipped && row.reason.is_some() && row.reason == of_run;
            !only_failed || is_of_end || matches!(row.short.state, TaskState::Failed | TaskState::UpstreamFailed)
        };
        let cleared: BTreeSet<_> =
            self.instances.iter().filter(|(_, row)| is_cleared(row)).map(|(key, _)| *key).collect();
        if cleared.is_empty() {
            self.row.reason = of_run;
            return 0;
        }
        self.end_running(&cleared, now);
        self.xcoms.retain(|(node, map_index, _), _| only_failed && !cleared.contains(&(*node, *map_index)));
        self.states.retain(|(node, map_index, _), _| only_failed && !cleared.contains(&(*node, *map_index)));
        self.answers.retain(|key, _| !cleared.contains(key));
        if !only_failed {
            self.blocks.clear();
            self.waits.clear();
        }
        let nodes: Vec<NodeIdx> = self.nodes.keys().copied().collect();
        for node in nodes {
            self.clear_node(node, &cleared);
        }
        for key in &cleared {
            if let Some(row) = self.instances.get_mut(key) {
                reset(row);
            }
        }
        self.row.state = RunState::Running;
        self.row.started_at = Some(now);
        self.row.ended_at = None;
        self.row.clears += 1;
        self.result = None;
        cleared.len() as u64
    }

    /// What ran has ended; what its execution still reports is stale.
    fn end_running(&mut self, cleared: &BTreeSet<(NodeIdx, MapIndex)>, now: Timestamp) {
        let rows = self.instances.iter().filter(|(key, _)| cleared.contains(key)).map(|(_, row)| row.short);
        for row in rows.filter(|row| row.state == TaskState::Running) {
            let ended = AttemptRow {
                instance: InstanceKey { run: self.row.key, node: row.node, map_index: row.map_index },
                try_number: row.try_number,
                fence: row.fence,
                version: self.row.version,
                started_at: row.started_at.unwrap_or(now),
                ended_at: now,
                end: EndKind::Cancelled,
                message: Some("the run was cleared".to_owned()),
                used: ResourcesUsed::default(),
            };
            self.attempts.insert((row.node, row.map_index, row.try_number, row.fence), ended);
        }
    }

    /// Forgets lengths; a mapped task of which everything is cleared has one row again.
    fn clear_node(&mut self, idx: NodeIdx, cleared: &BTreeSet<(NodeIdx, MapIndex)>) {
        let Some(node) = self.nodes.get_mut(&idx) else { return };
        let rows: Vec<_> = Self::of_node(&self.instances, idx).cloned().collect();
        let is_whole = rows.iter().all(|row| cleared.contains(&(idx, row.short.map_index)));
        if node.map_length.is_some_and(|length| length > 0) && is_whole {
            node.map_length = None;
            node.list_length = None;
            let max_tries = rows.iter().map(|row| row.short.max_tries - row.tries_before).max().unwrap_or(1);
            self.instances.retain(|(of, _), _| *of != idx);
            self.instances.insert((idx, MapIndex::NONE), summary(idx, max_tries));
        } else if cleared.contains(&(idx, MapIndex::NONE)) {
            node.map_length = None;
            node.list_length = None;
        }
    }
}

fn summary(node: NodeIdx, max_tries: u32) -> Instance {
    let short = InstanceSnapshot {
        node,
        map_index: MapIndex::NONE,
        state: TaskState::None,
        try_number: TryNumber(0),
        max_tries,
        fence: model::Fence::NONE,
        retry_at: None,
        since: None,
        times_out: false,
        lost_executions: 0,
        suspect: false,
        has_value: false,
        started_at: None,
    };
    Instance { short, tries_before: 0, reason: None, worker: None, scheduled_at: None, ended_at: None }
}

pub(super) fn reset(row: &mut Instance) {
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
