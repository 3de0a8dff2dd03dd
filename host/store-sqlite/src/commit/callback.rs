//! Callbacks that runs owe from now on, and deadlines that they have met.

use model::RunKey;
use model::limits::callback::PER_RUN_MAX;
use serde::Serialize;
use store::{DeadlineMet, NewCallback, StoreError};

use super::batch::Batch;
use super::json::{hex, micros, tenant, text};
use super::kind::Kind;

/// The rows with their numbers, which go on from the last one of the run: found by the table's key.
macro_rules! numbered {
    () => {
        "
    SELECT e.*, e.turn + coalesce((SELECT max(c.number) + 1 FROM callback AS c
            WHERE c.tenant_id = e.tenant_id AND c.run_key = e.run_key), 0) AS number
    FROM (SELECT value ->> 0 AS tenant_id, unhex(value ->> 1) AS run_key, value ->> 2 AS event, value ->> 3 AS callback,
            value ->> 4 AS node, value ->> 5 AS map_index, value ->> 6 AS instance_try, value ->> 7 AS message,
            value ->> 8 AS created_at, value ->> 9 AS due_at, value ->> 10 AS most,
            row_number() OVER (PARTITION BY value ->> 1 ORDER BY key) - 1 AS turn
        FROM jsonb_each(?)) AS e"
    };
}

/// Counts what is left out, before the rest is written.
/// Called by `RunStore::commit`. Finds rows by the tables' keys.
pub(crate) const COUNT_LEFT_OUT: &str = concat!(
    "
INSERT INTO callback_left_out (tenant_id, run_key, count)
SELECT tenant_id, run_key, count(*)
FROM (",
    numbered!(),
    ") AS n
WHERE node IS NOT NULL AND number >= most
GROUP BY tenant_id, run_key
ON CONFLICT DO UPDATE SET count = count + excluded.count"
);

/// Called by `RunStore::commit`. Adds to the table's indexes.
pub(crate) const INSERT: &str = concat!(
    "
INSERT INTO callback (tenant_id, run_key, number, event, callback, node, map_index, instance_try, message, created_at, due_at)
SELECT tenant_id, run_key, number, event, callback, node, map_index, instance_try, message, created_at, due_at
FROM (",
    numbered!(),
    ") AS n
WHERE node IS NULL OR number < most"
);

/// Deadlines that nobody has begun to tell of, and that are later than the end.
/// Called by `RunStore::commit`. Walks the table's key over the run, and not the index of what is due.
pub(crate) const DELETE_DEADLINES: &str = "
DELETE FROM callback
WHERE (tenant_id, run_key, number) IN (SELECT c.tenant_id, c.run_key, c.number
    FROM (SELECT value ->> 0 AS tenant_id, unhex(value ->> 1) AS run_key, value ->> 2 AS at FROM jsonb_each(?)) AS e
    CROSS JOIN callback AS c ON c.tenant_id = e.tenant_id AND c.run_key = e.run_key
    WHERE c.event = 'deadline_missed' AND c.state = 'waiting' AND c.fence = 0 AND +c.due_at > e.at)";

impl Kind for NewCallback {
    fn run(&self) -> RunKey {
        self.run
    }

    fn push(rows: &[Self], batch: &mut Batch) -> Result<(), StoreError> {
        batch.push(COUNT_LEFT_OUT, rows.iter().map(row), None)?;
        batch.push(INSERT, rows.iter().map(row), None)
    }
}

fn row(it: &NewCallback) -> impl Serialize {
    let subject = it.subject;
    let of = (subject.map(|it| it.node), subject.map(|it| it.map_index), subject.map(|it| it.try_number));
    let what = (it.event.as_str(), it.callback.as_str(), it.message.as_deref().map(text));
    let keys = (tenant(it.scope), hex(it.run.uuid()));
    let times = (micros(it.at), micros(it.due_at));
    (keys.0, keys.1, what.0, what.1, of.0, of.1, of.2, what.2, times.0, times.1, PER_RUN_MAX)
}

impl Kind for DeadlineMet {
    fn run(&self) -> RunKey {
        self.run
    }

    fn push(rows: &[Self], batch: &mut Batch) -> Result<(), StoreError> {
        let met = rows.iter().map(|it| (tenant(it.scope), hex(it.run.uuid()), micros(it.at)));
        batch.push(DELETE_DEADLINES, met, None)
    }
}
