//! New instances, lengths of mapped tasks, and changes of state without an execution.

use std::ops::RangeInclusive;

use model::{MapIndex, RunKey, TaskState};
use store::{Expansion, NewInstances, RunCommit, StoreError, Transition, states_before};

use super::batch::Batch;
use super::json::{hex, micros, tenant, text};
use super::kind::Kind;
use super::{reset, xcom};

/// Rows of ranges of instances.
/// Called by `RunStore::commit`. Adds to the table's key.
pub(crate) const INSERT_INSTANCES: &str = "
WITH RECURSIVE item (tenant_id, run_key, node, map_index, last, state, try_number, max_tries, tries_before, scheduled_at,
        ended_at, retry_at, reason) AS (
    SELECT value ->> 0, unhex(value ->> 1), value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
        value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12
    FROM jsonb_each(?)
    UNION ALL
    SELECT tenant_id, run_key, node, map_index + 1, last, state, try_number, max_tries, tries_before, scheduled_at, ended_at,
        retry_at, reason
    FROM item
    WHERE map_index < last)
INSERT INTO task_instance (tenant_id, run_key, node, map_index, state, try_number, max_tries, tries_before, scheduled_at, ended_at,
    retry_at, times_out, reason)
SELECT tenant_id, run_key, node, map_index, state, try_number, max_tries, tries_before, scheduled_at, ended_at, retry_at,
    retry_at IS NOT NULL, reason
FROM item
WHERE true
ON CONFLICT DO NOTHING";

/// Lengths of mapped tasks that become known, or grow.
/// Called by `RunStore::commit`. Finds rows by the key of `task_node`.
pub(crate) const UPDATE_MAP_LENGTHS: &str = "
UPDATE task_node AS n
SET map_length = e.map_length
FROM (SELECT value ->> 0 AS tenant_id, unhex(value ->> 1) AS run_key, value ->> 2 AS node, value ->> 3 AS map_length
    FROM jsonb_each(?)) AS e
WHERE n.tenant_id = e.tenant_id AND n.run_key = e.run_key AND n.node = e.node
    AND coalesce(n.map_length, 0) < max(e.map_length, 1)";

/// Rows that stood for tasks which were not expanded.
/// Called by `RunStore::commit`. Finds rows by the key of `task_instance`.
pub(crate) const DELETE_SUMMARIES: &str = "
DELETE FROM task_instance
WHERE (tenant_id, run_key, node, map_index) IN
        (SELECT value ->> 0, unhex(value ->> 1), value ->> 2, -1 FROM jsonb_each(?))
    AND state <> 'running'";

/// New states of ranges of instances whose own states may become those. What was awaited from a person has its value then.
/// Called by `RunStore::commit`. Finds rows by the key of `task_instance`.
pub(crate) const UPDATE_INSTANCES: &str = "
UPDATE task_instance AS t
SET state = e.state, try_number = coalesce(e.try_number, t.try_number), reason = e.reason,
    scheduled_at = coalesce(e.scheduled_at, t.scheduled_at), ended_at = e.ended_at, retry_at = e.retry_at,
    times_out = e.state = 'awaiting_input' AND e.retry_at IS NOT NULL,
    has_value = t.state = 'awaiting_input' AND e.state = 'success'
FROM (SELECT value ->> 0 AS tenant_id, unhex(value ->> 1) AS run_key, value ->> 2 AS node, value ->> 3 AS first,
        value ->> 4 AS last, value ->> 5 AS state, value ->> 6 AS try_number, value ->> 7 AS reason,
        value ->> 8 AS scheduled_at, value ->> 9 AS ended_at, value ->> 10 AS retry_at, value ->> 11 AS before
    FROM jsonb_each(?)) AS e
WHERE t.tenant_id = e.tenant_id AND t.run_key = e.run_key AND t.node = e.node AND t.map_index BETWEEN e.first AND e.last
    AND instr(e.before, ' ' || t.state || ' ') > 0";

/// States that somebody gives by hand, whatever they were. What is no success any more has left and said nothing.
/// Called by `RunStore::commit`. Finds rows by the key of `task_instance`.
pub(crate) const MARK_INSTANCES: &str = "
UPDATE task_instance AS t
SET state = e.state, reason = e.reason, ended_at = e.ended_at, retry_at = NULL, has_value = t.has_value AND e.state = 'success'
FROM (SELECT value ->> 0 AS tenant_id, unhex(value ->> 1) AS run_key, value ->> 2 AS node, value ->> 3 AS first,
        value ->> 4 AS last, value ->> 5 AS state, value ->> 6 AS reason, value ->> 7 AS ended_at
    FROM jsonb_each(?)) AS e
WHERE t.tenant_id = e.tenant_id AND t.run_key = e.run_key AND t.node = e.node AND t.map_index BETWEEN e.first AND e.last";

impl Kind for NewInstances {
    fn run(&self) -> RunKey {
        self.run
    }

    fn push(rows: &[Self], batch: &mut Batch) -> Result<(), StoreError> {
        let ranges = rows.iter().filter(|it| it.count > 0).map(|it| {
            let first = i64::from(it.first.number());
            let head = (tenant(it.scope), hex(it.run.uuid()), it.node, first, first + i64::from(it.count) - 1);
            let (scheduled, ended) = times(it.state, micros(it.at));
            let reason = it.reason.as_deref().map(text);
            // An instance that begins to be tried has this try beside those of before.
            let is_first_try = matches!(it.state, TaskState::Scheduled | TaskState::AwaitingInput);
            let before = it.try_number.0.saturating_sub(u32::from(is_first_try));
            let tries = (it.try_number, it.max_tries, before);
            let times = (scheduled, ended, it.retry_at.map(micros));
            let state = it.state.as_str();
            (
                head.0, head.1, head.2, head.3, head.4, state, tries.0, tries.1, tries.2, times.0, times.1, times.2,
                reason,
            )
        });
        let count = rows.iter().map(|it| u64::from(it.count)).sum();
        batch.push(INSERT_INSTANCES, ranges, Some(count))
    }
}

impl Kind for Expansion {
    fn run(&self) -> RunKey {
        self.run
    }

    fn touches(&self) -> Option<(u32, RangeInclusive<i32>)> {
        Some((self.node.0, 0..=0))
    }

    fn push(rows: &[Self], batch: &mut Batch) -> Result<(), StoreError> {
        let lengths = rows.iter().map(|it| (tenant(it.scope), hex(it.run.uuid()), it.node, it.length));
        batch.push(UPDATE_MAP_LENGTHS, lengths, Some(rows.len() as u64))?;
        // Those that grow have none any more.
        let full = rows.iter().filter(|it| it.length > 0);
        batch.push(DELETE_SUMMARIES, full.map(|it| (tenant(it.scope), hex(it.run.uuid()), it.node)), None)
    }
}

impl Kind for Transition {
    fn run(&self) -> RunKey {
        self.run
    }

    fn touches(&self) -> Option<(u32, RangeInclusive<i32>)> {
        Some((self.node.0, self.first.number()..=self.last.number()))
    }

    fn push(rows: &[Self], batch: &mut Batch) -> Result<(), StoreError> {
        let ranges = rows.iter().map(|it| {
            let head = (tenant(it.scope), hex(it.run.uuid()), it.node, it.first, it.last);
            let (scheduled, ended) = times(it.to, micros(it.at));
            let reason = it.reason.as_deref().map(text);
            let times = (scheduled, ended, it.retry_at.map(micros));
            let before = states_before(it.to);
            let to = (it.to.as_str(), it.try_number, reason);
            (head.0, head.1, head.2, head.3, head.4, to.0, to.1, to.2, times.0, times.1, times.2, before)
        });
        batch.push(UPDATE_INSTANCES, ranges, Some(count(rows.iter())))?;
        xcom::push_removed(rows, batch)
    }
}

/// A state that somebody gives by hand.
pub(crate) struct Marked<'a>(&'a Transition);

impl<'a> Marked<'a> {
    /// The marks of a commit.
    pub(crate) fn of(commit: &'a RunCommit) -> Vec<Self> {
        commit.marks.iter().map(Self).collect()
    }
}

impl Kind for Marked<'_> {
    fn run(&self) -> RunKey {
        self.0.run
    }

    fn touches(&self) -> Option<(u32, RangeInclusive<i32>)> {
        self.0.touches()
    }

    fn push(rows: &[Self], batch: &mut Batch) -> Result<(), StoreError> {
        let ranges = rows.iter().map(|Marked(it)| {
            let head = (tenant(it.scope), hex(it.run.uuid()), it.node, it.first, it.last);
            let (_, ended) = times(it.to, micros(it.at));
            (head.0, head.1, head.2, head.3, head.4, it.to.as_str(), it.reason.as_deref().map(text), ended)
        });
        batch.push(MARK_INSTANCES, ranges, Some(count(rows.iter().map(|Marked(it)| *it))))?;
        let failed = || rows.iter().filter(|Marked(it)| it.to != TaskState::Success);
        if failed().next().is_none() {
            return Ok(());
        }
        let ranges = || failed().map(|Marked(it)| (tenant(it.scope), hex(it.run.uuid()), it.node, it.first, it.last));
        for sql in [xcom::DELETE, reset::DELETE_ANSWERS, reset::FORGET_LISTS] {
            batch.push(sql, ranges(), None)?;
        }
        Ok(())
    }
}

/// Instances of ranges.
fn count<'a>(rows: impl Iterator<Item = &'a Transition>) -> u64 {
    rows.map(|it| length(it.first, it.last)).sum()
}

/// Instances of a range.
pub(crate) fn length(first: MapIndex, last: MapIndex) -> u64 {
    u64::try_from(i64::from(last.number()) - i64::from(first.number()) + 1).unwrap_or(0)
}

/// When a row that comes into `state` at `at` was scheduled and ended.
fn times(state: TaskState, at: i64) -> (Option<i64>, Option<i64>) {
    ((state == TaskState::Scheduled).then_some(at), state.is_ended().then_some(at))
}
