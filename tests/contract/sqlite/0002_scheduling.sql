-- asset::UPSERT
INSERT INTO asset (tenant_id, name, uri, in_group, extra, created_at, updated_at)
SELECT ?1, e.value ->> 0, e.value ->> 1, e.value ->> 2, e.value ->> 3, ?2, ?2
FROM json_each(?3) AS e
WHERE true
ON CONFLICT DO UPDATE SET uri = excluded.uri, in_group = excluded.in_group, extra = excluded.extra,
    updated_at = excluded.updated_at
WHERE (uri, in_group, extra) IS NOT (excluded.uri, excluded.in_group, excluded.extra)
;

-- asset::INSERT_NAMED
INSERT INTO asset (tenant_id, name, extra, created_at, updated_at)
SELECT ?1, e.value, '{}', ?2, ?2
FROM json_each(?3) AS e
WHERE true
ON CONFLICT DO NOTHING
;

-- asset::DELETE_USERS
DELETE FROM asset_user WHERE tenant_id = ?1 AND dag_id = ?2
;

-- asset::INSERT_USERS
INSERT INTO asset_user (tenant_id, asset_id, kind, dag_id, task_id)
SELECT ?1, a.id, e.value ->> 1, ?2, e.value ->> 2
FROM json_each(?3) AS e
CROSS JOIN asset AS a ON a.tenant_id = ?1 AND a.name = e.value ->> 0
WHERE true
ON CONFLICT DO NOTHING
;

-- asset::FORGET_WAITING
DELETE FROM asset_waiting
WHERE tenant_id = ?1 AND dag_id = ?2 AND NOT EXISTS (
    SELECT 1
    FROM asset_event AS v
    CROSS JOIN asset_user AS u ON u.tenant_id = ?1 AND u.asset_id = v.asset_id AND u.kind = 'awaited' AND u.dag_id = ?2
    WHERE v.id = asset_waiting.event_id)
;

-- asset::FETCH
SELECT * FROM asset WHERE id = ?2 AND tenant_id = ?1
;

-- asset::FIND
SELECT * FROM asset WHERE tenant_id = ?1 AND name = ?2
;

-- asset::USERS
SELECT asset_id, kind, dag_id, task_id FROM asset_user
WHERE tenant_id = ?1 AND asset_id = ?2
ORDER BY kind, dag_id, task_id
;

-- asset_event::OF_RUN
SELECT v.id, v.asset_id, a.name, v.extra, v.at, v.told_by, v.dag_id, v.run_key, v.run_id, v.task_id, v.map_index
FROM asset_consumed AS c
CROSS JOIN asset_event AS v ON v.id = c.event_id
CROSS JOIN asset AS a ON a.id = v.asset_id
WHERE c.tenant_id = ?1 AND c.run_key = ?2
ORDER BY c.event_id
;

-- asset_event::RUNS
SELECT run_key FROM asset_consumed WHERE tenant_id = ?1 AND event_id = ?2 ORDER BY run_key
;

-- asset_event::DAGS
SELECT d.dag_id
FROM dag AS d
WHERE d.tenant_id = ?1 AND d.is_stale = 0 AND d.is_paused = 0
    AND EXISTS (SELECT 1 FROM asset_waiting AS w WHERE w.tenant_id = d.tenant_id AND w.dag_id = d.dag_id)
ORDER BY d.dag_id
;

-- asset_event::WAITING
SELECT v.id, v.asset_id, a.name, v.at
FROM asset_waiting AS w
CROSS JOIN asset_event AS v ON v.id = w.event_id
CROSS JOIN asset AS a ON a.id = v.asset_id
WHERE w.tenant_id = ?1 AND w.dag_id = ?2
ORDER BY w.event_id
LIMIT ?3
;

-- asset_event::DROP
DELETE FROM asset_waiting
WHERE tenant_id = ?1 AND dag_id = ?2
    AND (?3 IS NULL OR ?3 = (SELECT v.asset_id FROM asset_event AS v WHERE v.id = asset_waiting.event_id))
;

-- asset_event::TAKE
DELETE FROM asset_waiting
WHERE tenant_id = ?1 AND dag_id = ?2 AND event_id IN (SELECT value FROM json_each(?3))
;

-- asset_event::CONSUME
INSERT INTO asset_consumed (tenant_id, run_key, event_id) SELECT ?1, ?2, value FROM json_each(?3)
;

-- asset_event::INSERT_START
INSERT INTO asset_start (tenant_id, run_key, dag_id, interval_from, interval_to, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
;

-- asset_event::STARTS
SELECT run_key, dag_id, interval_from, interval_to, at FROM asset_start
WHERE tenant_id = ?1
ORDER BY run_key
LIMIT ?2
;

-- asset_event::DELETE_START
DELETE FROM asset_start WHERE tenant_id = ?1 AND run_key = ?2
;

-- attempt::LIST
SELECT try_number, fence, version, started_at, ended_at, end_kind, message, wall_us, cpu_us, memory_bytes
FROM attempt
WHERE tenant_id = ?1 AND run_key = ?2 AND node = ?3 AND map_index = ?4
ORDER BY try_number, fence
;

-- before::BY_DATE
SELECT b.key, b.run_id, b.state
FROM dag_run AS r
CROSS JOIN dag_run AS b INDEXED BY dag_run_by_logical_date ON b.tenant_id = r.tenant_id AND b.dag_id = r.dag_id
    AND b.unique_date < r.logical_date
WHERE r.tenant_id = ?1 AND r.key = ?2 AND (b.run_type <> 'backfill' OR b.backfill_id = r.backfill_id)
ORDER BY b.unique_date DESC
LIMIT 1
;

-- before::BY_RUN_AFTER
SELECT b.key, b.run_id, b.state
FROM dag_run AS r
CROSS JOIN dag_run AS b INDEXED BY dag_run_by_dag_run_after ON b.tenant_id = r.tenant_id AND b.dag_id = r.dag_id
    AND (b.run_after, b.key) < (r.run_after, r.key)
WHERE r.tenant_id = ?1 AND r.key = ?2 AND r.logical_date IS NULL
    AND (b.run_type <> 'backfill' OR b.backfill_id = r.backfill_id)
ORDER BY b.run_after DESC, b.key DESC
LIMIT 1
;

-- before::TASKS
SELECT n.task_id,
    EXISTS (SELECT 1 FROM task_instance AS t
        WHERE t.tenant_id = n.tenant_id AND t.run_key = n.run_key AND t.node = n.node
            AND t.map_index = coalesce(nullif(n.map_length, 0) - 1, -1))
    AND NOT EXISTS (SELECT 1 FROM task_instance AS t
        WHERE t.tenant_id = n.tenant_id AND t.run_key = n.run_key AND t.node = n.node
            AND t.state NOT IN ('success', 'skipped', 'removed')) AS is_met
FROM task_node AS n
WHERE n.tenant_id = ?1 AND n.run_key = ?2
ORDER BY n.node
;

-- event_log::FETCH
SELECT id, at, event, owner, dag_id, run_id, task_id, map_index, try_number, extra
FROM event_log
WHERE tenant_id = ?1 AND id = ?2
;

-- dag_run::OF_REQUEST
SELECT key, run_id, idempotency_digest FROM dag_run WHERE tenant_id = ?1 AND dag_id = ?2 AND idempotency_key = ?3
;

-- wait::RECEIVER
SELECT r.state, (SELECT count(*) FROM signal AS s WHERE s.tenant_id = ?1 AND s.run_key = ?2 AND s.node IS NULL) AS waiting
FROM dag_run AS r
WHERE r.tenant_id = ?1 AND r.key = ?2
;

-- wait::INSERT_SIGNAL
INSERT INTO signal (tenant_id, id, run_key, name, payload, sent_by, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT DO NOTHING
;

-- wait::FIND_SIGNAL
SELECT 1 FROM signal WHERE tenant_id = ?1 AND id = ?2
;

-- wait::SIGNALS
SELECT id, run_key, name, payload, sent_by, at, node, map_index
FROM signal
WHERE tenant_id = ?1 AND run_key = ?2
ORDER BY number
;

-- wait::SIGNAL_OF_INSTANCE
SELECT id, run_key, name, payload, sent_by, at, node, map_index
FROM signal
WHERE tenant_id = ?1 AND run_key = ?2 AND node = ?3 AND map_index = ?4
ORDER BY number DESC
LIMIT 1
;

-- auth::INSERT_TOKEN
INSERT INTO token (digest, tenant_id, name, created_at, expires_at)
VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT DO NOTHING
;

-- auth::FIND_TOKEN
SELECT tenant_id, name, created_at, expires_at FROM token WHERE digest = ?1
;

-- backfill::INSERT
INSERT INTO backfill (tenant_id, dag_id, state, from_date, to_date, is_backwards, reprocess, max_active_runs, version, conf,
    params, created_by, created_at, updated_at)
VALUES (?1, ?2, 'running', ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12)
ON CONFLICT DO NOTHING
;

-- backfill::INSERT_SLICES
INSERT INTO backfill_slice (tenant_id, backfill_id, ordinal, logical_date, interval_from, interval_to, run_after, state)
SELECT ?1, last_insert_rowid(), e.key, e.value ->> 0, e.value ->> 1, e.value ->> 2, e.value ->> 3, 'waiting'
FROM json_each(?2) AS e
;

-- backfill::FETCH
SELECT * FROM backfill WHERE id = ?2 AND tenant_id = ?1
;

-- backfill::UNFINISHED
SELECT *
FROM backfill INDEXED BY backfill_unfinished
WHERE tenant_id = ?1 AND state IN ('running', 'paused') AND state = ?2
ORDER BY id
;

-- backfill::MOVE
UPDATE backfill SET state = ?3, updated_at = ?4, ended_at = ?5
WHERE id = ?2 AND tenant_id = ?1 AND state IN (SELECT value FROM json_each(?6))
;

-- backfill::SLICES
SELECT s.ordinal, s.logical_date, s.interval_from, s.interval_to, s.run_after, s.state, s.run_key, s.clears_before,
    r.state AS run_state, r.clears
FROM backfill_slice AS s
LEFT JOIN dag_run AS r ON r.tenant_id = s.tenant_id AND r.key = s.run_key
WHERE s.tenant_id = ?1 AND s.backfill_id = ?2
ORDER BY s.ordinal
LIMIT ?3 OFFSET ?4
;

-- backfill::COUNT_SLICES
SELECT count(*) FROM (SELECT 1 FROM backfill_slice WHERE tenant_id = ?1 AND backfill_id = ?2 LIMIT ?3)
;

-- backfill::SLICES_IN
SELECT s.ordinal, s.logical_date, s.interval_from, s.interval_to, s.run_after, s.state, s.run_key, s.clears_before,
    r.state AS run_state, r.clears
FROM backfill_slice AS s
LEFT JOIN dag_run AS r ON r.tenant_id = s.tenant_id AND r.key = s.run_key
WHERE s.tenant_id = ?1 AND s.backfill_id = ?2 AND s.state = ?3
ORDER BY s.ordinal
LIMIT ?4
;

-- backfill::SLICES_OPEN
SELECT s.ordinal, s.logical_date, s.interval_from, s.interval_to, s.run_after, s.state, s.run_key, s.clears_before,
    r.state AS run_state, r.clears
FROM backfill_slice AS s INDEXED BY backfill_slice_open
LEFT JOIN dag_run AS r ON r.tenant_id = s.tenant_id AND r.key = s.run_key
WHERE s.tenant_id = ?1 AND s.backfill_id = ?2 AND s.state = ?3 AND s.state IN ('waiting', 'begun')
ORDER BY s.ordinal
LIMIT ?4
;

-- backfill::BEGIN
UPDATE backfill_slice SET state = 'begun', run_key = ?4, clears_before = ?5
WHERE tenant_id = ?1 AND backfill_id = ?2 AND ordinal = ?3 AND state = 'waiting'
    AND EXISTS (SELECT 1 FROM backfill AS b WHERE b.id = ?2 AND b.tenant_id = ?1 AND b.state = 'running')
;

-- backfill::END
UPDATE backfill_slice SET state = ?4
WHERE tenant_id = ?1 AND backfill_id = ?2 AND ordinal = ?3 AND state IN ('waiting', 'begun')
;

-- catalog::FIND_FOREIGN
SELECT d.dag_id
FROM json_each(?3) AS e
CROSS JOIN dag AS d ON d.tenant_id = ?1 AND d.dag_id = e.value ->> 0
WHERE d.bundle <> ?2 AND d.is_stale = 0
LIMIT 1
;

-- catalog::INSERT_BUNDLE_VERSION
INSERT INTO bundle_version (tenant_id, name, component, key, size_bytes, created_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (tenant_id, name, component) DO NOTHING
;

-- catalog::FIND_BUNDLE_VERSION
SELECT key FROM bundle_version WHERE tenant_id = ?1 AND name = ?2 AND component = ?3
;

-- catalog::UPSERT_BUNDLE
INSERT INTO bundle (tenant_id, name, current, updated_at)
VALUES (?1, ?2, ?3, ?4)
ON CONFLICT DO UPDATE SET current = excluded.current, updated_at = excluded.updated_at
WHERE current <> excluded.current
;

-- catalog::INSERT_DAG_VERSIONS
INSERT INTO dag_version (tenant_id, key, dag_id, version_number, digest, bundle_version, label, created_at, document)
SELECT ?1, unhex(e.value ->> 1), e.value ->> 0,
    coalesce((SELECT max(v.version_number) FROM dag_version AS v WHERE v.tenant_id = ?1 AND v.dag_id = e.value ->> 0), 0) + 1,
    unhex(e.value ->> 2), ?2, e.value ->> 3, ?3, e.value ->> 4
FROM json_each(?4) AS e
WHERE true
ON CONFLICT (tenant_id, dag_id, digest) DO NOTHING
RETURNING key
;

-- catalog::FIND_DAG_VERSIONS
SELECT v.dag_id, v.key, v.version_number
FROM json_each(?2) AS e
CROSS JOIN dag_version AS v ON v.tenant_id = ?1 AND v.dag_id = e.value ->> 0 AND v.digest = unhex(e.value ->> 2)
;

-- catalog::UPSERT_DAGS
INSERT INTO dag (tenant_id, dag_id, bundle, is_stale, is_paused, current, created_at, updated_at)
SELECT ?1, v.dag_id, ?2, 0, 0, v.key, ?3, ?3
FROM json_each(?4) AS e
CROSS JOIN dag_version AS v ON v.tenant_id = ?1 AND v.dag_id = e.value ->> 0 AND v.digest = unhex(e.value ->> 2)
WHERE true
ON CONFLICT DO UPDATE SET bundle = excluded.bundle, is_stale = 0, current = excluded.current,
    updated_at = iif(current = excluded.current, updated_at, excluded.updated_at)
;

-- catalog::MARK_STALE
UPDATE dag INDEXED BY dag_by_bundle SET is_stale = 1
WHERE tenant_id = ?1 AND bundle = ?2 AND is_stale = 0 AND dag_id NOT IN (SELECT value ->> 0 FROM json_each(?3))
;

-- catalog::DELETE_TAGS
DELETE FROM dag_tag WHERE tenant_id = ?1 AND dag_id IN (SELECT value ->> 0 FROM json_each(?2))
;

-- catalog::INSERT_TAGS
INSERT INTO dag_tag (tenant_id, dag_id, tag)
SELECT ?1, e.value ->> 0, g.value
FROM json_each(?2) AS e, json_each(e.value ->> 4, '$.tags') AS g
WHERE true
ON CONFLICT DO NOTHING
;

-- catalog::LIST
SELECT b.name, b.current, v.component, b.updated_at
FROM bundle AS b
CROSS JOIN bundle_version AS v ON v.tenant_id = b.tenant_id AND v.key = b.current
WHERE b.tenant_id = ?1
ORDER BY b.name
LIMIT ?2 OFFSET ?3
;

-- catalog::COUNT
SELECT count(*) FROM (SELECT 1 FROM bundle WHERE tenant_id = ?1 LIMIT ?2)
;

-- connection::PUT
INSERT INTO connection (tenant_id, connection_id, conn_type, description, host, login, password, schema, port, extra, updated_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
ON CONFLICT DO UPDATE SET conn_type = excluded.conn_type, description = excluded.description, host = excluded.host,
    login = excluded.login, password = excluded.password, schema = excluded.schema, port = excluded.port,
    extra = excluded.extra, updated_at = excluded.updated_at
WHERE NOT ?12
;

-- connection::FETCH
SELECT connection_id, conn_type, description, host, login, password, schema, port, extra, updated_at
FROM connection
WHERE tenant_id = ?1 AND connection_id = ?2
;

-- connection::DELETE
DELETE FROM connection WHERE tenant_id = ?1 AND connection_id = ?2
;

-- dag_version::FETCH
SELECT v.key AS version, v.dag_id, v.version_number, v.digest, b.component, v.document, v.label, b.name AS bundle,
    v.bundle_version, v.created_at AS version_created_at
FROM dag_version AS v
CROSS JOIN bundle_version AS b ON b.tenant_id = v.tenant_id AND b.key = v.bundle_version
WHERE v.tenant_id = ?1 AND v.key = ?2
;

-- dag_version::FIND
SELECT v.key AS version, v.dag_id, v.version_number, v.digest, b.component, v.document, v.label, b.name AS bundle,
    v.bundle_version, v.created_at AS version_created_at
FROM dag_version AS v
CROSS JOIN bundle_version AS b ON b.tenant_id = v.tenant_id AND b.key = v.bundle_version
WHERE v.tenant_id = ?1 AND v.dag_id = ?2 AND v.version_number = ?3
;

-- dag_version::LIST
SELECT v.key AS version, v.dag_id, v.version_number, v.digest, b.component, v.document, v.label, b.name AS bundle,
    v.bundle_version, v.created_at AS version_created_at
FROM dag_version AS v
CROSS JOIN bundle_version AS b ON b.tenant_id = v.tenant_id AND b.key = v.bundle_version
WHERE v.tenant_id = ?1 AND v.dag_id = ?2
ORDER BY v.version_number DESC
LIMIT ?3 OFFSET ?4
;

-- dag_version::COUNT
SELECT count(*) FROM (SELECT 1 FROM dag_version WHERE tenant_id = ?1 AND dag_id = ?2 LIMIT ?3)
;

-- note::PUT_RUN
UPDATE dag_run_input SET note = ?3 WHERE tenant_id = ?1 AND run_key = ?2
;

-- note::PUT
INSERT INTO task_instance_note (tenant_id, run_key, node, map_index, note)
SELECT tenant_id, run_key, node, map_index, ?6
FROM task_instance
WHERE tenant_id = ?1 AND run_key = ?2 AND node = ?3 AND map_index >= ?4 AND map_index <= ?5
ON CONFLICT DO UPDATE SET note = excluded.note
;

-- note::DELETE
DELETE FROM task_instance_note
WHERE tenant_id = ?1 AND run_key = ?2 AND node = ?3 AND map_index >= ?4 AND map_index <= ?5
;

-- note::LIST
SELECT node, map_index, note
FROM task_instance_note
WHERE tenant_id = ?1 AND run_key = ?2 AND (node, map_index) >= (?3, ?4) AND (node, map_index) <= (?5, ?6)
ORDER BY node, map_index
;

-- pool::PUT
INSERT INTO pool (tenant_id, name, slots, description, include_deferred, updated_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT DO UPDATE SET slots = excluded.slots, description = excluded.description,
    include_deferred = excluded.include_deferred, updated_at = excluded.updated_at
WHERE NOT ?7
;

-- pool::FETCH
SELECT name, slots, description, include_deferred, updated_at FROM pool WHERE tenant_id = ?1 AND name = ?2
;

-- pool::DELETE
DELETE FROM pool WHERE tenant_id = ?1 AND name = ?2
;

-- retention::TENANTS
SELECT tenant_id FROM tenant ORDER BY tenant_id
;

-- retention::RUNS
SELECT key FROM dag_run WHERE tenant_id = ?1 AND key > ?2 ORDER BY key LIMIT ?3
;

-- retention::COMPONENTS
SELECT key, component FROM bundle_version WHERE tenant_id = ?1 AND key > ?2 ORDER BY key LIMIT ?3
;

-- retention::BACKFILLS
SELECT id,
    iif(instr(conf, '$waft') + instr(conf, '\u00') > 0, conf, '') AS conf,
    iif(instr(params, '$waft') + instr(params, '\u00') > 0, params, '') AS params
FROM backfill WHERE tenant_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3
;

-- retention::INPUTS
SELECT run_key,
    iif(instr(conf, '$waft') + instr(conf, '\u00') > 0, conf, '') AS conf,
    iif(instr(params, '$waft') + instr(params, '\u00') > 0, params, '') AS params
FROM dag_run_input WHERE tenant_id = ?1 AND run_key > ?2 ORDER BY run_key LIMIT ?3
;

-- retention::VALUES
SELECT run_key, node, map_index, key, digest,
    iif(instr(value, '$waft') + instr(value, '\u00') > 0, value, '') AS value
FROM xcom
WHERE tenant_id = ?1 AND (run_key, node, map_index, key) > (?2, ?3, ?4, ?5)
ORDER BY run_key, node, map_index, key
LIMIT ?6
;

-- retention::STATES
SELECT run_key, node, map_index, key, NULL AS digest,
    iif(instr(value, '$waft') + instr(value, '\u00') > 0, value, '') AS value
FROM task_state
WHERE tenant_id = ?1 AND (run_key, node, map_index, key) > (?2, ?3, ?4, ?5)
ORDER BY run_key, node, map_index, key
LIMIT ?6
;

-- discard::ENDED_BEFORE
SELECT key, dag_id, run_id, ended_at
FROM dag_run
WHERE tenant_id = ?1 AND key > ?2 AND key < ?3 AND state NOT IN ('queued', 'running') AND ended_at < ?4
ORDER BY key
LIMIT ?5
;

-- discard::DAGS
SELECT dag_id FROM dag WHERE tenant_id = ?1 AND dag_id > ?2 ORDER BY dag_id LIMIT ?3
;

-- discard::BEYOND
SELECT key, dag_id, run_id, ended_at
FROM dag_run
WHERE tenant_id = ?1 AND dag_id = ?2 AND key > ?3
    AND key < (SELECT n.key FROM dag_run AS n WHERE n.tenant_id = ?1 AND n.dag_id = ?2 ORDER BY n.key DESC LIMIT 1 OFFSET ?4 - 1)
    AND state NOT IN ('queued', 'running') AND ended_at IS NOT NULL
ORDER BY key
LIMIT ?5
;

-- discard::INSERT_DISCARDED
INSERT INTO discarded_run (tenant_id, run_key)
SELECT tenant_id, key
FROM dag_run
WHERE tenant_id = ?1 AND key = ?2 AND ended_at = ?3 AND state NOT IN ('queued', 'running')
;

-- discard::DELETE_RUN
DELETE FROM dag_run WHERE tenant_id = ?1 AND key = ?2
;

-- discard::DISCARDED
SELECT run_key FROM discarded_run WHERE tenant_id = ?1 AND run_key > ?2 ORDER BY run_key LIMIT ?3
;

-- discard::FORGET
DELETE FROM discarded_run WHERE tenant_id = ?1 AND run_key = ?2
;

-- discard::LAST_STATE
SELECT node, map_index FROM task_state WHERE tenant_id = ?1 AND run_key = ?2 ORDER BY node, map_index LIMIT 1 OFFSET ?3 - 1
;

-- discard::LAST_ANSWER
SELECT node, map_index FROM answer WHERE tenant_id = ?1 AND run_key = ?2 ORDER BY node, map_index LIMIT 1 OFFSET ?3 - 1
;

-- discard::LAST_WAIT
SELECT node, map_index FROM wait WHERE tenant_id = ?1 AND run_key = ?2 ORDER BY node, map_index LIMIT 1 OFFSET ?3 - 1
;

-- discard::LAST_NOTE
SELECT node, map_index FROM task_instance_note WHERE tenant_id = ?1 AND run_key = ?2 ORDER BY node, map_index LIMIT 1 OFFSET ?3 - 1
;

-- discard::DELETE_NOTES
DELETE FROM task_instance_note WHERE tenant_id = ?1 AND run_key = ?2 AND (node, map_index) <= (?3, ?4)
;

-- discard::LAST_XCOM
SELECT node, map_index FROM xcom WHERE tenant_id = ?1 AND run_key = ?2 ORDER BY node, map_index LIMIT 1 OFFSET ?3 - 1
;

-- discard::LAST_ATTEMPT
SELECT node, map_index FROM attempt WHERE tenant_id = ?1 AND run_key = ?2 ORDER BY node, map_index LIMIT 1 OFFSET ?3 - 1
;

-- discard::LAST_INSTANCE
SELECT node, map_index FROM task_instance WHERE tenant_id = ?1 AND run_key = ?2 ORDER BY node, map_index LIMIT 1 OFFSET ?3 - 1
;

-- discard::DELETE_ANSWERS
DELETE FROM answer WHERE tenant_id = ?1 AND run_key = ?2 AND (node, map_index) <= (?3, ?4)
;

-- discard::DELETE_WAITS
DELETE FROM wait WHERE tenant_id = ?1 AND run_key = ?2 AND (node, map_index) <= (?3, ?4)
;

-- discard::DELETE_BLOCKS
DELETE FROM map_block WHERE tenant_id = ?1 AND run_key = ?2
;

-- discard::DELETE_SIGNALS
DELETE FROM signal WHERE tenant_id = ?1 AND run_key = ?2
;

-- discard::DELETE_STATES
DELETE FROM task_state WHERE tenant_id = ?1 AND run_key = ?2 AND (node, map_index) <= (?3, ?4)
;

-- discard::DELETE_XCOMS
DELETE FROM xcom WHERE tenant_id = ?1 AND run_key = ?2 AND (node, map_index) <= (?3, ?4)
;

-- discard::DELETE_ATTEMPTS
DELETE FROM attempt WHERE tenant_id = ?1 AND run_key = ?2 AND (node, map_index) <= (?3, ?4)
;

-- discard::DELETE_INSTANCES
DELETE FROM task_instance WHERE tenant_id = ?1 AND run_key = ?2 AND (node, map_index) <= (?3, ?4)
;

-- discard::DELETE_NODES
DELETE FROM task_node WHERE tenant_id = ?1 AND run_key = ?2
;

-- discard::DELETE_INPUT
DELETE FROM dag_run_input WHERE tenant_id = ?1 AND run_key = ?2
;

-- discard::IDLE_VERSIONS
SELECT v.key, v.dag_id, v.version_number
FROM dag_version AS v
WHERE v.tenant_id = ?1 AND v.key > ?2 AND v.created_at < ?3
    AND NOT EXISTS (SELECT 1 FROM dag_run AS r WHERE r.tenant_id = ?1 AND r.version = v.key)
    AND NOT EXISTS (SELECT 1 FROM dag AS d WHERE d.tenant_id = ?1 AND d.dag_id = v.dag_id AND d.current = v.key)
    AND EXISTS (SELECT 1 FROM dag_version AS n
        WHERE n.tenant_id = ?1 AND n.dag_id = v.dag_id AND n.version_number > v.version_number)
ORDER BY v.key
LIMIT ?4
;

-- discard::DELETE_VERSION
DELETE FROM dag_version
WHERE tenant_id = ?1 AND key = ?2
    AND NOT EXISTS (SELECT 1 FROM dag_run AS r WHERE r.tenant_id = ?1 AND r.version = ?2)
    AND NOT EXISTS (SELECT 1 FROM dag AS d WHERE d.tenant_id = ?1 AND d.dag_id = dag_version.dag_id AND d.current = ?2)
    AND EXISTS (SELECT 1 FROM dag_version AS n
        WHERE n.tenant_id = ?1 AND n.dag_id = dag_version.dag_id AND n.version_number > dag_version.version_number)
;

-- discard::IDLE_BUNDLE_VERSIONS
SELECT v.key, v.name, v.component, v.size_bytes
FROM bundle_version AS v
WHERE v.tenant_id = ?1 AND v.key > ?2 AND v.created_at < ?3
    AND NOT EXISTS (SELECT 1 FROM dag_version AS d WHERE d.tenant_id = ?1 AND d.bundle_version = v.key)
    AND NOT EXISTS (SELECT 1 FROM bundle AS b WHERE b.tenant_id = ?1 AND b.name = v.name AND b.current = v.key)
ORDER BY v.key
LIMIT ?4
;

-- discard::DELETE_BUNDLE_VERSION
DELETE FROM bundle_version
WHERE tenant_id = ?1 AND key = ?2
    AND NOT EXISTS (SELECT 1 FROM dag_version AS d WHERE d.tenant_id = ?1 AND d.bundle_version = ?2)
    AND NOT EXISTS (SELECT 1 FROM bundle AS b WHERE b.tenant_id = ?1 AND b.name = bundle_version.name AND b.current = ?2)
;

-- run_store::ADVANCE_EPOCH
UPDATE cluster SET epoch = epoch + 1 WHERE id = 1 RETURNING epoch
;

-- run_store::TENANTS
SELECT DISTINCT tenant_id FROM dag_run INDEXED BY dag_run_unfinished WHERE state IN ('queued', 'running') ORDER BY tenant_id
;

-- run_store::UNFINISHED
SELECT key FROM dag_run INDEXED BY dag_run_unfinished
WHERE tenant_id = ?1 AND state IN ('queued', 'running') AND key > ?2
ORDER BY key
LIMIT ?3
;

-- run_store::INSTANCES
SELECT node, map_index, state, try_number, max_tries, fence, retry_at, since, times_out, lost_executions, suspect, has_value,
    started_at
FROM task_instance
WHERE tenant_id = ?1 AND run_key = ?2
ORDER BY node, map_index
;

-- run_store::BLOCKS
SELECT level, first, parent, length, first_position, live FROM map_block WHERE tenant_id = ?1 AND run_key = ?2
ORDER BY level, first
;

-- run_store::ANSWERS
SELECT node, map_index, answer FROM answer WHERE tenant_id = ?1 AND run_key = ?2 ORDER BY node, map_index
;

-- run_store::PRIOR_TRIES
SELECT a.node, a.map_index, max(a.try_number) AS try_number
FROM attempt AS a
WHERE a.tenant_id = ?1 AND a.run_key = ?2
    AND NOT EXISTS (SELECT 1 FROM task_instance AS t
        WHERE t.tenant_id = ?1 AND t.run_key = ?2 AND t.node = a.node AND t.map_index = a.map_index)
GROUP BY a.node, a.map_index
ORDER BY a.node, a.map_index
;

-- schedule::TENANTS
SELECT tenant_id FROM tenant ORDER BY tenant_id
;

-- schedule::UNREAD
SELECT d.dag_id, d.current, s.version, s.digest, s.since, s.cursor, s.next_fire_at, s.last_fire_at, s.skipped
FROM dag AS d
LEFT JOIN dag_schedule AS s ON s.tenant_id = d.tenant_id AND s.dag_id = d.dag_id
WHERE d.tenant_id = ?1 AND d.is_stale = 0 AND s.version IS NOT d.current
ORDER BY d.dag_id
LIMIT ?2
;

-- schedule::PUT
INSERT INTO dag_schedule (tenant_id, dag_id, version, digest, since, cursor, next_fire_at, last_fire_at, skipped, is_paused)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, d.is_paused
FROM dag AS d
WHERE d.tenant_id = ?1 AND d.dag_id = ?2
ON CONFLICT DO UPDATE SET version = excluded.version, digest = excluded.digest, since = excluded.since,
    cursor = excluded.cursor, next_fire_at = excluded.next_fire_at, last_fire_at = excluded.last_fire_at,
    skipped = excluded.skipped
WHERE cursor <= excluded.cursor
;

-- schedule::FETCH
SELECT s.dag_id, s.version, s.digest, s.since, s.cursor, s.next_fire_at, s.last_fire_at, s.skipped, d.is_paused,
    d.pause_reason, d.unpaused_at
FROM dag_schedule AS s
CROSS JOIN dag AS d ON d.tenant_id = s.tenant_id AND d.dag_id = s.dag_id
WHERE s.tenant_id = ?1 AND s.dag_id = ?2
;

-- schedule::DUE
SELECT s.dag_id, s.version, s.digest, s.since, s.cursor, s.next_fire_at, s.last_fire_at, s.skipped, d.is_paused,
    d.pause_reason, d.unpaused_at
FROM dag_schedule AS s INDEXED BY dag_schedule_by_next_fire
CROSS JOIN dag AS d ON d.tenant_id = s.tenant_id AND d.dag_id = s.dag_id
WHERE s.tenant_id = ?1 AND s.next_fire_at <= ?2 AND s.next_fire_at IS NOT NULL AND s.is_paused = 0 AND d.is_stale = 0
    AND d.is_paused = 0
ORDER BY s.next_fire_at
LIMIT ?3
;

-- schedule::NEXT
SELECT next_fire_at
FROM dag_schedule INDEXED BY dag_schedule_by_next_fire
WHERE tenant_id = ?1 AND next_fire_at > ?2 AND next_fire_at IS NOT NULL AND is_paused = 0
ORDER BY next_fire_at
LIMIT 1
;

-- schedule::PAUSE
UPDATE dag
SET pause_reason = iif(is_paused = ?3, pause_reason, iif(?3, ?4, NULL)),
    unpaused_at = iif(is_paused = ?3, unpaused_at, iif(?3, unpaused_at, ?5)),
    is_paused = ?3
WHERE tenant_id = ?1 AND dag_id = ?2
;

-- schedule::PAUSE_SCHEDULE
UPDATE dag_schedule SET is_paused = ?3 WHERE tenant_id = ?1 AND dag_id = ?2 AND is_paused <> ?3
;

-- schedule::RUN_OF_DATE
SELECT key, run_id, run_type, state, clears
FROM dag_run INDEXED BY dag_run_by_logical_date
WHERE tenant_id = ?1 AND dag_id = ?2 AND unique_date = ?3
;

-- schedule::UNFINISHED
SELECT dag_id, run_type, count(*) AS runs
FROM dag_run INDEXED BY dag_run_unfinished
WHERE tenant_id = ?1 AND state IN ('queued', 'running')
GROUP BY dag_id, run_type
;

-- schedule::ENDED_LAST
SELECT state
FROM dag_run INDEXED BY dag_run_by_dag
WHERE tenant_id = ?1 AND dag_id = ?2 AND key > ?3 AND state IN ('success', 'failed')
ORDER BY key DESC
LIMIT ?4
;

-- state::FETCH
SELECT value FROM task_state
WHERE tenant_id = ?1 AND run_key = ?2 AND node = ?3 AND map_index = ?4 AND key = ?5
    AND (expires_at IS NULL OR expires_at > ?6)
;

-- state::KEYS
SELECT key FROM task_state
WHERE tenant_id = ?1 AND run_key = ?2 AND node = ?3 AND map_index = ?4 AND key >= ?5 AND key < ?6
    AND (expires_at IS NULL OR expires_at > ?7)
ORDER BY key
;

-- state::IS_RUNNING
SELECT count(*) FROM task_instance
WHERE tenant_id = ?1 AND run_key = ?2 AND node = ?3 AND map_index = ?4 AND state = 'running' AND fence = ?5
    AND try_number = ?6
;

-- state::PUT
INSERT INTO task_state (tenant_id, run_key, node, map_index, key, value, updated_at, expires_at)
SELECT ?1, ?2, ?3, ?4, ?7, ?8, ?9, ?10
WHERE EXISTS (SELECT 1 FROM task_instance
        WHERE tenant_id = ?1 AND run_key = ?2 AND node = ?3 AND map_index = ?4 AND state = 'running' AND fence = ?5
            AND try_number = ?6)
    AND (EXISTS (SELECT 1 FROM task_state
            WHERE tenant_id = ?1 AND run_key = ?2 AND node = ?3 AND map_index = ?4 AND key = ?7)
        OR (SELECT count(*) FROM task_state
            WHERE tenant_id = ?1 AND run_key = ?2 AND node = ?3 AND map_index = ?4) < ?11)
ON CONFLICT DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at, expires_at = excluded.expires_at
;

-- state::DELETE_EXPIRED
DELETE FROM task_state
WHERE tenant_id = ?1 AND run_key = ?2 AND node = ?3 AND map_index = ?4 AND expires_at <= ?5
;

-- state::DELETE
DELETE FROM task_state
WHERE tenant_id = ?1 AND run_key = ?2 AND node = ?3 AND map_index = ?4 AND key = ?7
    AND EXISTS (SELECT 1 FROM task_instance AS t
        WHERE t.tenant_id = ?1 AND t.run_key = ?2 AND t.node = ?3 AND t.map_index = ?4 AND t.state = 'running'
            AND t.fence = ?5 AND t.try_number = ?6)
RETURNING expires_at
;

-- task_instance::COUNTS
SELECT node, state, count(*) AS instances
FROM task_instance
WHERE tenant_id = ?1 AND run_key = ?2
GROUP BY node, state
ORDER BY node, state
;

-- task_node::LIST
SELECT node, task_id, map_length, list_length
FROM task_node
WHERE tenant_id = ?1 AND run_key = ?2
ORDER BY node
;

-- task_node::MAP_LENGTH
SELECT map_length FROM task_node WHERE tenant_id = ?1 AND run_key = ?2 AND node = ?3
;

-- value::FETCH
SELECT node, map_index, key, created_at, size_bytes, digest, value
FROM xcom
WHERE tenant_id = ?1 AND run_key = ?2 AND node = ?3 AND map_index = ?4 AND key = ?5
;

-- value::PAGE
WITH size (map_index, bytes) AS (
    SELECT map_index, iif(digest IS NULL, size_bytes, 0)
    FROM xcom
    WHERE tenant_id = ?1 AND run_key = ?2 AND node = ?3 AND map_index > ?4 AND key = ?5
    ORDER BY map_index
    LIMIT ?6),
fit (map_index, bytes_before) AS (
    SELECT map_index, sum(bytes) OVER (ORDER BY map_index) - bytes FROM size)
SELECT x.node, x.map_index, x.key, x.created_at, x.size_bytes, x.digest, x.value
FROM fit
CROSS JOIN xcom AS x
    ON x.tenant_id = ?1 AND x.run_key = ?2 AND x.node = ?3 AND x.map_index = fit.map_index AND x.key = ?5
WHERE fit.bytes_before < ?7 OR fit.bytes_before = 0
ORDER BY fit.map_index
;

-- value::INDEXES
SELECT map_index FROM xcom
WHERE tenant_id = ?1 AND run_key = ?2 AND node = ?3 AND map_index > ?4 AND key = ?5
ORDER BY map_index
LIMIT ?6
;

-- value::COUNT
SELECT count(*) FROM xcom
WHERE tenant_id = ?1 AND run_key = ?2 AND node = ?3 AND map_index >= 0 AND key = ?4
;

-- value::LIST
SELECT node, map_index, key, created_at, size_bytes, digest, value
FROM xcom
WHERE tenant_id = ?1 AND run_key = ?2 AND node = ?3 AND map_index = ?4
ORDER BY key
;

-- variable::PUT
INSERT INTO variable (tenant_id, key, value, description, updated_at)
VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT DO UPDATE SET value = excluded.value, description = excluded.description, updated_at = excluded.updated_at
WHERE NOT ?6
;

-- variable::FETCH
SELECT key, value, description, updated_at FROM variable WHERE tenant_id = ?1 AND key = ?2
;

-- variable::DELETE
DELETE FROM variable WHERE tenant_id = ?1 AND key = ?2
;

-- commit::dag_run::FIND_DUPLICATE
SELECT 'idempotency_key' AS kind, run_id FROM dag_run WHERE tenant_id = ?1 AND dag_id = ?2 AND idempotency_key = ?5
UNION ALL SELECT 'run_id', run_id FROM dag_run WHERE tenant_id = ?1 AND dag_id = ?2 AND run_id = ?3
UNION ALL SELECT 'run_id', run_id FROM dag_run WHERE tenant_id = ?1 AND key = ?4
UNION ALL SELECT 'logical_date', run_id FROM dag_run WHERE tenant_id = ?1 AND dag_id = ?2 AND unique_date = ?6
LIMIT 1
;

-- commit::dag_run::INSERT_RUNS
INSERT INTO dag_run (tenant_id, key, dag_id, run_id, version, run_type, state, run_after, queued_at, logical_date,
    unique_date, interval_from, interval_to, started_at, ended_at, backfill_id, idempotency_key, idempotency_digest)
SELECT value ->> 0, unhex(value ->> 1), value ->> 2, value ->> 3, unhex(value ->> 4), value ->> 5, value ->> 6, value ->> 7,
    value ->> 8, value ->> 9, value ->> 9, value ->> 10, value ->> 11, value ->> 12, value ->> 13, value -> 14 ->> 0,
    value -> 14 ->> 1, unhex(value -> 14 ->> 2)
FROM jsonb_each(?)
WHERE true
ON CONFLICT DO NOTHING
;

-- commit::dag_run::INSERT_INPUTS
INSERT INTO dag_run_input (tenant_id, run_key, conf, params, triggered_by, note, is_latest, variables, parent_run, parent_node,
    parent_map_index, parent_depth)
SELECT value ->> 0, unhex(value ->> 1), value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
    unhex(value ->> 8), value ->> 9, value ->> 10, value ->> 11
FROM jsonb_each(?)
WHERE true
ON CONFLICT DO NOTHING
;

-- commit::dag_run::INSERT_NODES
INSERT INTO task_node (tenant_id, run_key, node, task_id, map_length)
SELECT value ->> 0, unhex(value ->> 1), value ->> 2, value ->> 3, value ->> 4
FROM jsonb_each(?)
WHERE true
ON CONFLICT DO NOTHING
;

-- commit::dag_run::UPDATE_STATES
UPDATE dag_run AS r
SET state = e.state, reason = e.reason, started_at = coalesce(r.started_at, e.started_at), ended_at = e.ended_at
FROM (SELECT value ->> 0 AS tenant_id, unhex(value ->> 1) AS key, value ->> 2 AS state, value ->> 3 AS reason,
        value ->> 4 AS started_at, value ->> 5 AS ended_at
    FROM jsonb_each(?)) AS e
WHERE r.tenant_id = e.tenant_id AND r.key = e.key AND r.state IN ('queued', 'running')
;

-- commit::ended::UPDATE_INSTANCES
UPDATE task_instance AS t
SET state = e.state, reason = e.reason, ended_at = e.ended_at, scheduled_at = coalesce(e.scheduled_at, t.scheduled_at),
    retry_at = e.retry_at, lost_executions = e.lost_executions, suspect = e.suspect, has_value = e.has_value, since = e.since,
    times_out = e.times_out
FROM (SELECT value ->> 0 AS tenant_id, unhex(value ->> 1) AS run_key, value ->> 2 AS node, value ->> 3 AS map_index,
        value ->> 4 AS try_number, value ->> 5 AS fence, value ->> 6 AS state, value ->> 7 AS reason,
        value ->> 8 AS ended_at, value ->> 9 AS scheduled_at, value ->> 10 AS retry_at, value ->> 11 AS lost_executions,
        value ->> 12 AS suspect, value ->> 13 AS has_value, value ->> 14 AS since, value ->> 15 AS times_out
    FROM jsonb_each(?)) AS e
WHERE t.tenant_id = e.tenant_id AND t.run_key = e.run_key AND t.node = e.node AND t.map_index = e.map_index
    AND t.state = 'running' AND t.fence = e.fence AND t.try_number = e.try_number
;

-- commit::ended::INSERT_ATTEMPTS
INSERT INTO attempt (tenant_id, run_key, node, map_index, try_number, fence, version, started_at, ended_at, end_kind, wall_us,
    cpu_us, memory_bytes, message)
SELECT e.tenant_id, e.run_key, e.node, e.map_index, e.try_number, e.fence, r.version, e.started_at, e.ended_at, e.end_kind,
    e.wall_us, e.cpu_us, e.memory_bytes, e.message
FROM (SELECT value ->> 0 AS tenant_id, unhex(value ->> 1) AS run_key, value ->> 2 AS node, value ->> 3 AS map_index,
        value ->> 4 AS try_number, value ->> 5 AS fence, value ->> 6 AS started_at, value ->> 7 AS ended_at,
        value ->> 8 AS end_kind, value ->> 9 AS wall_us, value ->> 10 AS cpu_us, value ->> 11 AS memory_bytes,
        value ->> 12 AS message
    FROM jsonb_each(?)) AS e
CROSS JOIN dag_run AS r ON r.tenant_id = e.tenant_id AND r.key = e.run_key
WHERE true
ON CONFLICT DO NOTHING
;

-- commit::ended::UPDATE_LIST_LENGTHS
UPDATE task_node AS n
SET list_length = e.list_length
FROM (SELECT value ->> 0 AS tenant_id, unhex(value ->> 1) AS run_key, value ->> 2 AS node, value ->> 3 AS list_length
    FROM jsonb_each(?)) AS e
WHERE n.tenant_id = e.tenant_id AND n.run_key = e.run_key AND n.node = e.node
;

-- commit::task_instance::INSERT_INSTANCES
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
ON CONFLICT DO NOTHING
;

-- commit::task_instance::UPDATE_MAP_LENGTHS
UPDATE task_node AS n
SET map_length = e.map_length
FROM (SELECT value ->> 0 AS tenant_id, unhex(value ->> 1) AS run_key, value ->> 2 AS node, value ->> 3 AS map_length
    FROM jsonb_each(?)) AS e
WHERE n.tenant_id = e.tenant_id AND n.run_key = e.run_key AND n.node = e.node
    AND coalesce(n.map_length, 0) < max(e.map_length, 1)
;

-- commit::task_instance::DELETE_SUMMARIES
DELETE FROM task_instance
WHERE (tenant_id, run_key, node, map_index) IN
        (SELECT value ->> 0, unhex(value ->> 1), value ->> 2, -1 FROM jsonb_each(?))
    AND state <> 'running'
;

-- commit::task_instance::UPDATE_INSTANCES
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
    AND instr(e.before, ' ' || t.state || ' ') > 0
;

-- commit::task_instance::MARK_INSTANCES
UPDATE task_instance AS t
SET state = e.state, reason = e.reason, ended_at = e.ended_at, retry_at = NULL, has_value = t.has_value AND e.state = 'success'
FROM (SELECT value ->> 0 AS tenant_id, unhex(value ->> 1) AS run_key, value ->> 2 AS node, value ->> 3 AS first,
        value ->> 4 AS last, value ->> 5 AS state, value ->> 6 AS reason, value ->> 7 AS ended_at
    FROM jsonb_each(?)) AS e
WHERE t.tenant_id = e.tenant_id AND t.run_key = e.run_key AND t.node = e.node AND t.map_index BETWEEN e.first AND e.last
;

-- commit::reset::INSERT_ATTEMPTS
INSERT INTO attempt (tenant_id, run_key, node, map_index, try_number, fence, version, started_at, ended_at, end_kind, wall_us,
    cpu_us, memory_bytes, message)
SELECT t.tenant_id, t.run_key, t.node, t.map_index, t.try_number, t.fence, r.version, coalesce(t.started_at, e.at), e.at,
    'cancelled', 0, 0, 0, e.message
FROM (SELECT value ->> 0 AS tenant_id, unhex(value ->> 1) AS run_key, value ->> 2 AS node, value ->> 3 AS map_index,
        value ->> 4 AS fence, value ->> 5 AS at, value ->> 6 AS message
    FROM jsonb_each(?)) AS e
CROSS JOIN task_instance AS t ON t.tenant_id = e.tenant_id AND t.run_key = e.run_key AND t.node = e.node
    AND t.map_index = e.map_index
CROSS JOIN dag_run AS r ON r.tenant_id = t.tenant_id AND r.key = t.run_key
WHERE t.state = 'running' AND t.fence = e.fence
ON CONFLICT DO NOTHING
;

-- commit::reset::END_EXECUTIONS
UPDATE task_instance AS t
SET state = 'none'
FROM (SELECT value ->> 0 AS tenant_id, unhex(value ->> 1) AS run_key, value ->> 2 AS node, value ->> 3 AS map_index,
        value ->> 4 AS fence
    FROM jsonb_each(?)) AS e
WHERE t.tenant_id = e.tenant_id AND t.run_key = e.run_key AND t.node = e.node AND t.map_index = e.map_index
    AND t.state = 'running' AND t.fence = e.fence
;

-- commit::reset::REOPEN_RUNS
UPDATE dag_run AS r
SET state = CASE r.state WHEN 'queued' THEN 'queued' ELSE 'running' END, reason = NULL, ended_at = NULL, clears = r.clears + 1,
    started_at = CASE WHEN r.state IN ('queued', 'running') THEN r.started_at ELSE e.at END,
    version = coalesce(e.version, r.version)
FROM (SELECT value ->> 0 AS tenant_id, unhex(value ->> 1) AS key, value ->> 2 AS at, unhex(value ->> 3) AS version
    FROM jsonb_each(?)) AS e
WHERE r.tenant_id = e.tenant_id AND r.key = e.key
;

-- commit::reset::RESET_INSTANCES
UPDATE task_instance AS t
SET state = 'none', reason = NULL, max_tries = t.max_tries - t.tries_before + t.try_number, tries_before = t.try_number,
    lost_executions = 0, suspect = 0, has_value = 0, since = NULL, times_out = 0, scheduled_at = NULL, started_at = NULL,
    ended_at = NULL, retry_at = NULL, worker = NULL
FROM (SELECT value ->> 0 AS tenant_id, unhex(value ->> 1) AS run_key, value ->> 2 AS node, value ->> 3 AS first,
        value ->> 4 AS last
    FROM jsonb_each(?)) AS e
WHERE t.tenant_id = e.tenant_id AND t.run_key = e.run_key AND t.node = e.node AND t.map_index BETWEEN e.first AND e.last
;

-- commit::reset::DELETE_ANSWERS
DELETE FROM answer
WHERE (tenant_id, run_key, node, map_index) IN (
    SELECT a.tenant_id, a.run_key, a.node, a.map_index
    FROM (SELECT value ->> 0 AS tenant_id, unhex(value ->> 1) AS run_key, value ->> 2 AS node, value ->> 3 AS first,
            value ->> 4 AS last
        FROM jsonb_each(?)) AS e
    CROSS JOIN answer AS a ON a.tenant_id = e.tenant_id AND a.run_key = e.run_key AND a.node = e.node
        AND a.map_index BETWEEN e.first AND e.last)
;

-- commit::reset::DELETE_WAITS
DELETE FROM wait
WHERE (tenant_id, run_key, node, map_index) IN (
    SELECT w.tenant_id, w.run_key, w.node, w.map_index
    FROM (SELECT value ->> 0 AS tenant_id, unhex(value ->> 1) AS run_key, value ->> 2 AS node, value ->> 3 AS first,
            value ->> 4 AS last
        FROM jsonb_each(?)) AS e
    CROSS JOIN wait AS w ON w.tenant_id = e.tenant_id AND w.run_key = e.run_key AND w.node = e.node
        AND w.map_index BETWEEN e.first AND e.last)
;

-- commit::reset::DELETE_STATE
DELETE FROM task_state
WHERE (tenant_id, run_key, node, map_index, key) IN (
    SELECT s.tenant_id, s.run_key, s.node, s.map_index, s.key
    FROM (SELECT value ->> 0 AS tenant_id, unhex(value ->> 1) AS run_key, value ->> 2 AS node, value ->> 3 AS first,
            value ->> 4 AS last
        FROM jsonb_each(?)) AS e
    CROSS JOIN task_state AS s ON s.tenant_id = e.tenant_id AND s.run_key = e.run_key AND s.node = e.node
        AND s.map_index BETWEEN e.first AND e.last)
;

-- commit::reset::FORGET_LISTS
UPDATE task_node AS n
SET list_length = NULL
FROM (SELECT value ->> 0 AS tenant_id, unhex(value ->> 1) AS run_key, value ->> 2 AS node, value ->> 3 AS first
    FROM jsonb_each(?)) AS e
WHERE n.tenant_id = e.tenant_id AND n.run_key = e.run_key AND n.node = e.node AND e.first = -1
;

-- commit::map_block::UPSERT_BLOCKS
INSERT INTO map_block (tenant_id, run_key, level, first, parent, length, first_position, live)
SELECT value ->> 0, unhex(value ->> 1), value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7
FROM jsonb_each(?)
WHERE true
ON CONFLICT DO UPDATE SET parent = excluded.parent, length = excluded.length, first_position = excluded.first_position,
    live = excluded.live
;

-- commit::map_block::UPSERT_ANSWERS
INSERT INTO answer (tenant_id, run_key, node, map_index, answer)
SELECT value ->> 0, unhex(value ->> 1), value ->> 2, value ->> 3, value ->> 4
FROM jsonb_each(?)
WHERE true
ON CONFLICT DO UPDATE SET answer = excluded.answer
;

-- commit::xcom::INSERT
INSERT INTO xcom (tenant_id, run_key, node, map_index, key, created_at, size_bytes, digest, value)
SELECT value ->> 0, unhex(value ->> 1), value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
    unhex(value ->> 7), value ->> 8
FROM jsonb_each(?)
WHERE true
ON CONFLICT DO UPDATE SET created_at = excluded.created_at, size_bytes = excluded.size_bytes, digest = excluded.digest,
    value = excluded.value
;

-- commit::xcom::DELETE
DELETE FROM xcom
WHERE (tenant_id, run_key, node, map_index, key) IN (
    SELECT x.tenant_id, x.run_key, x.node, x.map_index, x.key
    FROM (SELECT value ->> 0 AS tenant_id, unhex(value ->> 1) AS run_key, value ->> 2 AS node, value ->> 3 AS first,
            value ->> 4 AS last
        FROM jsonb_each(?)) AS e
    CROSS JOIN xcom AS x ON x.tenant_id = e.tenant_id AND x.run_key = e.run_key AND x.node = e.node
        AND x.map_index BETWEEN e.first AND e.last)
;

-- commit::wait::UPSERT
INSERT INTO wait (tenant_id, run_key, node, map_index, fence, since, kind, key, form)
SELECT value ->> 0, unhex(value ->> 1), value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8
FROM jsonb_each(?)
WHERE true
ON CONFLICT DO UPDATE SET fence = excluded.fence, since = excluded.since, kind = excluded.kind, key = excluded.key,
    form = excluded.form
;

-- commit::wait::DELETE
DELETE FROM wait
WHERE (tenant_id, run_key, node, map_index) IN
    (SELECT value ->> 0, unhex(value ->> 1), value ->> 2, value ->> 3 FROM jsonb_each(?))
;

-- commit::wait::TAKE_SIGNALS
UPDATE signal AS s
SET node = e.node, map_index = e.map_index
FROM (SELECT value ->> 0 AS tenant_id, unhex(value ->> 1) AS id, unhex(value ->> 2) AS run_key, value ->> 3 AS node,
        value ->> 4 AS map_index
    FROM jsonb_each(?)) AS e
WHERE s.tenant_id = e.tenant_id AND s.id = e.id AND s.run_key = e.run_key AND s.node IS NULL
;

-- commit::event_log::INSERT
INSERT INTO event_log (tenant_id, at, event, owner, dag_id, run_id, task_id, map_index, try_number, extra)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8,
    value ->> 9
FROM jsonb_each(?)
;

-- commit::claim::UPDATE_INSTANCES
UPDATE task_instance AS t
SET state = 'running', fence = e.fence, worker = e.worker, started_at = e.started_at, ended_at = NULL, retry_at = NULL,
    reason = NULL
FROM (SELECT value ->> 0 AS tenant_id, unhex(value ->> 1) AS run_key, value ->> 2 AS node, value ->> 3 AS map_index,
        value ->> 4 AS fence, unhex(value ->> 5) AS worker, value ->> 6 AS started_at
    FROM jsonb_each(?)) AS e
WHERE t.tenant_id = e.tenant_id AND t.run_key = e.run_key AND t.node = e.node AND t.map_index = e.map_index
    AND t.state = 'scheduled' AND t.fence < e.fence
;

-- commit::asset_event::INSERT_ASSETS
INSERT INTO asset (tenant_id, name, extra, created_at, updated_at)
SELECT value ->> 0, value ->> 1, '{}', value ->> 3, value ->> 3
FROM jsonb_each(?)
WHERE true
ON CONFLICT DO NOTHING
;

-- commit::asset_event::INSERT_EVENTS
INSERT INTO asset_event (tenant_id, asset_id, extra, at, told_by, dag_id, run_key, run_id, task_id, map_index)
SELECT e.value ->> 0, a.id, e.value ->> 2, e.value ->> 3, e.value ->> 4, e.value ->> 5, unhex(e.value ->> 6), e.value ->> 7,
    e.value ->> 8, e.value ->> 9
FROM jsonb_each(?) AS e
CROSS JOIN asset AS a ON a.tenant_id = e.value ->> 0 AND a.name = e.value ->> 1
;

-- asset::list_query
SELECT * FROM asset WHERE tenant_id = ? ORDER BY name LIMIT ? OFFSET ?
;

-- asset::count_query
SELECT count(*) FROM (SELECT 1 FROM asset WHERE tenant_id = ? AND name LIKE ? ESCAPE '\' LIMIT ?)
;

-- asset_event::list_query
SELECT v.id, v.asset_id, a.name, v.extra, v.at, v.told_by, v.dag_id, v.run_key, v.run_id, v.task_id, v.map_index FROM asset_event AS v CROSS JOIN asset AS a ON a.id = v.asset_id WHERE v.tenant_id = ? ORDER BY v.id LIMIT ? OFFSET ?
;

-- asset_event::list_query of an asset
SELECT v.id, v.asset_id, a.name, v.extra, v.at, v.told_by, v.dag_id, v.run_key, v.run_id, v.task_id, v.map_index FROM asset_event AS v CROSS JOIN asset AS a ON a.id = v.asset_id WHERE v.tenant_id = ? AND v.asset_id = ? ORDER BY v.id LIMIT ? OFFSET ?
;

-- asset_event::list_query of a source
SELECT v.id, v.asset_id, a.name, v.extra, v.at, v.told_by, v.dag_id, v.run_key, v.run_id, v.task_id, v.map_index FROM asset_event AS v CROSS JOIN asset AS a ON a.id = v.asset_id WHERE v.tenant_id = ? AND v.dag_id = ? ORDER BY v.id DESC LIMIT ? OFFSET ?
;

-- asset_event::count_query of an asset
SELECT count(*) FROM (SELECT 1 FROM asset_event AS v WHERE v.tenant_id = ? AND v.asset_id = ? LIMIT ?)
;

-- backfill::list_query
SELECT * FROM backfill WHERE tenant_id = ? ORDER BY id DESC LIMIT ? OFFSET ?
;

-- backfill::list_query of a DAG
SELECT * FROM backfill WHERE tenant_id = ? AND dag_id = ? ORDER BY id DESC LIMIT ? OFFSET ?
;

-- backfill::count_query of a DAG
SELECT count(*) FROM (SELECT 1 FROM backfill WHERE tenant_id = ? AND dag_id = ? LIMIT ?)
;

-- event_log::list_query
SELECT id, at, event, owner, dag_id, run_id, task_id, map_index, try_number, extra FROM event_log WHERE tenant_id = ? ORDER BY id LIMIT ? OFFSET ?
;

-- event_log::list_query of a DAG
SELECT id, at, event, owner, dag_id, run_id, task_id, map_index, try_number, extra FROM event_log WHERE tenant_id = ? AND dag_id = ? ORDER BY id DESC LIMIT ? OFFSET ?
;

-- event_log::count_query of a DAG
SELECT count(*) FROM (SELECT 1 FROM event_log WHERE tenant_id = ? AND dag_id = ? LIMIT ?)
;

-- wait::of_run_query
SELECT w.run_key, w.node, w.map_index, w.fence, w.since, w.kind, w.key, w.form, r.dag_id, r.run_id, n.task_id, t.state,
    CASE WHEN t.times_out THEN t.retry_at END AS times_out_at,
    CASE w.kind
        WHEN 'signal' THEN EXISTS (SELECT 1 FROM signal AS s
            WHERE s.tenant_id = w.tenant_id AND s.run_key = w.run_key AND s.name = w.key AND s.node IS NULL)
        WHEN 'asset' THEN coalesce((SELECT v.at FROM asset_event AS v INDEXED BY asset_event_by_asset
            WHERE v.tenant_id = w.tenant_id
                AND v.asset_id = (SELECT a.id FROM asset AS a WHERE a.tenant_id = w.tenant_id AND a.name = w.key)
            ORDER BY v.id DESC LIMIT 1) >= w.since, 0)
        WHEN 'dag_run' THEN NOT EXISTS (SELECT 1 FROM dag_run AS c
            WHERE c.tenant_id = w.tenant_id AND c.key = unhex(w.key, '-') AND c.state IN ('queued', 'running'))
        ELSE 0
    END AS is_met FROM wait AS w
CROSS JOIN task_instance AS t ON t.tenant_id = w.tenant_id AND t.run_key = w.run_key AND t.node = w.node
    AND t.map_index = w.map_index
    AND (t.state = 'awaiting_input' OR t.state = 'deferred' AND t.fence = w.fence)
CROSS JOIN dag_run AS r ON r.tenant_id = w.tenant_id AND r.key = w.run_key
CROSS JOIN task_node AS n ON n.tenant_id = w.tenant_id AND n.run_key = w.run_key AND n.node = w.node WHERE w.tenant_id = ? AND w.run_key = ? ORDER BY w.run_key, w.node, w.map_index
;

-- wait::on_query
SELECT w.run_key, w.node, w.map_index, w.fence, w.since, w.kind, w.key, w.form, r.dag_id, r.run_id, n.task_id, t.state,
    CASE WHEN t.times_out THEN t.retry_at END AS times_out_at,
    CASE w.kind
        WHEN 'signal' THEN EXISTS (SELECT 1 FROM signal AS s
            WHERE s.tenant_id = w.tenant_id AND s.run_key = w.run_key AND s.name = w.key AND s.node IS NULL)
        WHEN 'asset' THEN coalesce((SELECT v.at FROM asset_event AS v INDEXED BY asset_event_by_asset
            WHERE v.tenant_id = w.tenant_id
                AND v.asset_id = (SELECT a.id FROM asset AS a WHERE a.tenant_id = w.tenant_id AND a.name = w.key)
            ORDER BY v.id DESC LIMIT 1) >= w.since, 0)
        WHEN 'dag_run' THEN NOT EXISTS (SELECT 1 FROM dag_run AS c
            WHERE c.tenant_id = w.tenant_id AND c.key = unhex(w.key, '-') AND c.state IN ('queued', 'running'))
        ELSE 0
    END AS is_met FROM wait AS w INDEXED BY wait_by_key
CROSS JOIN task_instance AS t ON t.tenant_id = w.tenant_id AND t.run_key = w.run_key AND t.node = w.node
    AND t.map_index = w.map_index
    AND (t.state = 'awaiting_input' OR t.state = 'deferred' AND t.fence = w.fence)
CROSS JOIN dag_run AS r ON r.tenant_id = w.tenant_id AND r.key = w.run_key
CROSS JOIN task_node AS n ON n.tenant_id = w.tenant_id AND n.run_key = w.run_key AND n.node = w.node WHERE w.tenant_id = ? AND w.kind = ? AND w.key = ? ORDER BY w.run_key, w.node, w.map_index LIMIT ?
;

-- wait::on_query after
SELECT w.run_key, w.node, w.map_index, w.fence, w.since, w.kind, w.key, w.form, r.dag_id, r.run_id, n.task_id, t.state,
    CASE WHEN t.times_out THEN t.retry_at END AS times_out_at,
    CASE w.kind
        WHEN 'signal' THEN EXISTS (SELECT 1 FROM signal AS s
            WHERE s.tenant_id = w.tenant_id AND s.run_key = w.run_key AND s.name = w.key AND s.node IS NULL)
        WHEN 'asset' THEN coalesce((SELECT v.at FROM asset_event AS v INDEXED BY asset_event_by_asset
            WHERE v.tenant_id = w.tenant_id
                AND v.asset_id = (SELECT a.id FROM asset AS a WHERE a.tenant_id = w.tenant_id AND a.name = w.key)
            ORDER BY v.id DESC LIMIT 1) >= w.since, 0)
        WHEN 'dag_run' THEN NOT EXISTS (SELECT 1 FROM dag_run AS c
            WHERE c.tenant_id = w.tenant_id AND c.key = unhex(w.key, '-') AND c.state IN ('queued', 'running'))
        ELSE 0
    END AS is_met FROM wait AS w INDEXED BY wait_by_key
CROSS JOIN task_instance AS t ON t.tenant_id = w.tenant_id AND t.run_key = w.run_key AND t.node = w.node
    AND t.map_index = w.map_index
    AND (t.state = 'awaiting_input' OR t.state = 'deferred' AND t.fence = w.fence)
CROSS JOIN dag_run AS r ON r.tenant_id = w.tenant_id AND r.key = w.run_key
CROSS JOIN task_node AS n ON n.tenant_id = w.tenant_id AND n.run_key = w.run_key AND n.node = w.node WHERE w.tenant_id = ? AND w.kind = ? AND w.key = ? AND (w.run_key, w.node, w.map_index) > (?, ?, ?) ORDER BY w.run_key, w.node, w.map_index LIMIT ?
;

-- wait::list_query
SELECT w.run_key, w.node, w.map_index, w.fence, w.since, w.kind, w.key, w.form, r.dag_id, r.run_id, n.task_id, t.state,
    CASE WHEN t.times_out THEN t.retry_at END AS times_out_at,
    CASE w.kind
        WHEN 'signal' THEN EXISTS (SELECT 1 FROM signal AS s
            WHERE s.tenant_id = w.tenant_id AND s.run_key = w.run_key AND s.name = w.key AND s.node IS NULL)
        WHEN 'asset' THEN coalesce((SELECT v.at FROM asset_event AS v INDEXED BY asset_event_by_asset
            WHERE v.tenant_id = w.tenant_id
                AND v.asset_id = (SELECT a.id FROM asset AS a WHERE a.tenant_id = w.tenant_id AND a.name = w.key)
            ORDER BY v.id DESC LIMIT 1) >= w.since, 0)
        WHEN 'dag_run' THEN NOT EXISTS (SELECT 1 FROM dag_run AS c
            WHERE c.tenant_id = w.tenant_id AND c.key = unhex(w.key, '-') AND c.state IN ('queued', 'running'))
        ELSE 0
    END AS is_met FROM wait AS w
CROSS JOIN task_instance AS t ON t.tenant_id = w.tenant_id AND t.run_key = w.run_key AND t.node = w.node
    AND t.map_index = w.map_index
    AND (t.state = 'awaiting_input' OR t.state = 'deferred' AND t.fence = w.fence)
CROSS JOIN dag_run AS r ON r.tenant_id = w.tenant_id AND r.key = w.run_key
CROSS JOIN task_node AS n ON n.tenant_id = w.tenant_id AND n.run_key = w.run_key AND n.node = w.node WHERE w.tenant_id = ? ORDER BY w.run_key, w.node, w.map_index LIMIT ? OFFSET ?
;

-- wait::list_query of signals of a DAG
SELECT w.run_key, w.node, w.map_index, w.fence, w.since, w.kind, w.key, w.form, r.dag_id, r.run_id, n.task_id, t.state,
    CASE WHEN t.times_out THEN t.retry_at END AS times_out_at,
    CASE w.kind
        WHEN 'signal' THEN EXISTS (SELECT 1 FROM signal AS s
            WHERE s.tenant_id = w.tenant_id AND s.run_key = w.run_key AND s.name = w.key AND s.node IS NULL)
        WHEN 'asset' THEN coalesce((SELECT v.at FROM asset_event AS v INDEXED BY asset_event_by_asset
            WHERE v.tenant_id = w.tenant_id
                AND v.asset_id = (SELECT a.id FROM asset AS a WHERE a.tenant_id = w.tenant_id AND a.name = w.key)
            ORDER BY v.id DESC LIMIT 1) >= w.since, 0)
        WHEN 'dag_run' THEN NOT EXISTS (SELECT 1 FROM dag_run AS c
            WHERE c.tenant_id = w.tenant_id AND c.key = unhex(w.key, '-') AND c.state IN ('queued', 'running'))
        ELSE 0
    END AS is_met FROM wait AS w
CROSS JOIN task_instance AS t ON t.tenant_id = w.tenant_id AND t.run_key = w.run_key AND t.node = w.node
    AND t.map_index = w.map_index
    AND (t.state = 'awaiting_input' OR t.state = 'deferred' AND t.fence = w.fence)
CROSS JOIN dag_run AS r ON r.tenant_id = w.tenant_id AND r.key = w.run_key
CROSS JOIN task_node AS n ON n.tenant_id = w.tenant_id AND n.run_key = w.run_key AND n.node = w.node WHERE w.tenant_id = ? AND +w.kind = ? AND r.dag_id = ? AND w.form IS NOT NULL ORDER BY w.run_key, w.node, w.map_index LIMIT ? OFFSET ?
;

-- wait::list_query of a run
SELECT w.run_key, w.node, w.map_index, w.fence, w.since, w.kind, w.key, w.form, r.dag_id, r.run_id, n.task_id, t.state,
    CASE WHEN t.times_out THEN t.retry_at END AS times_out_at,
    CASE w.kind
        WHEN 'signal' THEN EXISTS (SELECT 1 FROM signal AS s
            WHERE s.tenant_id = w.tenant_id AND s.run_key = w.run_key AND s.name = w.key AND s.node IS NULL)
        WHEN 'asset' THEN coalesce((SELECT v.at FROM asset_event AS v INDEXED BY asset_event_by_asset
            WHERE v.tenant_id = w.tenant_id
                AND v.asset_id = (SELECT a.id FROM asset AS a WHERE a.tenant_id = w.tenant_id AND a.name = w.key)
            ORDER BY v.id DESC LIMIT 1) >= w.since, 0)
        WHEN 'dag_run' THEN NOT EXISTS (SELECT 1 FROM dag_run AS c
            WHERE c.tenant_id = w.tenant_id AND c.key = unhex(w.key, '-') AND c.state IN ('queued', 'running'))
        ELSE 0
    END AS is_met FROM wait AS w
CROSS JOIN task_instance AS t ON t.tenant_id = w.tenant_id AND t.run_key = w.run_key AND t.node = w.node
    AND t.map_index = w.map_index
    AND (t.state = 'awaiting_input' OR t.state = 'deferred' AND t.fence = w.fence)
CROSS JOIN dag_run AS r ON r.tenant_id = w.tenant_id AND r.key = w.run_key
CROSS JOIN task_node AS n ON n.tenant_id = w.tenant_id AND n.run_key = w.run_key AND n.node = w.node WHERE w.tenant_id = ? AND w.run_key = ? ORDER BY w.run_key, w.node, w.map_index LIMIT ? OFFSET ?
;

-- wait::count_query
SELECT count(*) FROM (SELECT 1 FROM wait AS w
CROSS JOIN task_instance AS t ON t.tenant_id = w.tenant_id AND t.run_key = w.run_key AND t.node = w.node
    AND t.map_index = w.map_index
    AND (t.state = 'awaiting_input' OR t.state = 'deferred' AND t.fence = w.fence)
CROSS JOIN dag_run AS r ON r.tenant_id = w.tenant_id AND r.key = w.run_key
CROSS JOIN task_node AS n ON n.tenant_id = w.tenant_id AND n.run_key = w.run_key AND n.node = w.node WHERE w.tenant_id = ? LIMIT ?)
;

-- connection::list_query
SELECT connection_id, conn_type, description, host, login, password, schema, port, extra, updated_at FROM connection WHERE tenant_id = ? ORDER BY connection_id LIMIT ? OFFSET ?
;

-- connection::count_query
SELECT count(*) FROM (SELECT 1 FROM connection WHERE tenant_id = ? AND connection_id LIKE ? ESCAPE '\' LIMIT ?)
;

-- pool::list_query
SELECT name, slots, description, include_deferred, updated_at FROM pool WHERE tenant_id = ? ORDER BY name LIMIT ? OFFSET ?
;

-- pool::count_query
SELECT count(*) FROM (SELECT 1 FROM pool WHERE tenant_id = ? AND name LIKE ? ESCAPE '\' LIMIT ?)
;

-- tag::list_query
SELECT tag FROM dag_tag WHERE tenant_id = ? AND tag LIKE ? ESCAPE '\' GROUP BY tag ORDER BY tag LIMIT ? OFFSET ?
;

-- tag::count_query
SELECT count(*) FROM (SELECT 1 FROM dag_tag WHERE tenant_id = ? GROUP BY tag LIMIT ?)
;

-- variable::list_query
SELECT key, value, description, updated_at FROM variable WHERE tenant_id = ? AND key LIKE ? ESCAPE '\' ORDER BY key LIMIT ? OFFSET ?
;

-- variable::count_query
SELECT count(*) FROM (SELECT 1 FROM variable WHERE tenant_id = ? LIMIT ?)
;

-- dag::fetch_query
SELECT d.is_stale, d.is_paused, d.created_at, d.updated_at, d.bundle AS dag_bundle, v.key AS version, v.dag_id,
    v.version_number, v.digest, b.component, v.document, v.label, b.name AS bundle, v.bundle_version,
    v.created_at AS version_created_at FROM dag AS d
CROSS JOIN dag_version AS v ON v.tenant_id = d.tenant_id AND v.key = d.current
CROSS JOIN bundle_version AS b ON b.tenant_id = v.tenant_id AND b.key = v.bundle_version WHERE d.tenant_id = ? AND d.dag_id = ?
;

-- dag::list_query
SELECT d.is_stale, d.is_paused, d.created_at, d.updated_at, d.bundle AS dag_bundle, v.key AS version, v.dag_id,
    v.version_number, v.digest, b.component, v.document, v.label, b.name AS bundle, v.bundle_version,
    v.created_at AS version_created_at FROM (SELECT * FROM dag AS d WHERE d.tenant_id = ? AND d.is_stale = 0 ORDER BY d.dag_id ASC LIMIT ? OFFSET ?) AS d
CROSS JOIN dag_version AS v ON v.tenant_id = d.tenant_id AND v.key = d.current
CROSS JOIN bundle_version AS b ON b.tenant_id = v.tenant_id AND b.key = v.bundle_version ORDER BY d.dag_id ASC
;

-- dag::list_query by tag
SELECT d.is_stale, d.is_paused, d.created_at, d.updated_at, d.bundle AS dag_bundle, v.key AS version, v.dag_id,
    v.version_number, v.digest, b.component, v.document, v.label, b.name AS bundle, v.bundle_version,
    v.created_at AS version_created_at FROM (SELECT * FROM dag AS d WHERE d.tenant_id = ? AND d.is_stale = 0 AND (SELECT count(*) FROM dag_tag AS g WHERE g.tenant_id = d.tenant_id AND g.dag_id = d.dag_id AND g.tag IN (?)) >= ? ORDER BY d.dag_id ASC LIMIT ? OFFSET ?) AS d
CROSS JOIN dag_version AS v ON v.tenant_id = d.tenant_id AND v.key = d.current
CROSS JOIN bundle_version AS b ON b.tenant_id = v.tenant_id AND b.key = v.bundle_version ORDER BY d.dag_id ASC
;

-- dag::list_query of a bundle
SELECT d.is_stale, d.is_paused, d.created_at, d.updated_at, d.bundle AS dag_bundle, v.key AS version, v.dag_id,
    v.version_number, v.digest, b.component, v.document, v.label, b.name AS bundle, v.bundle_version,
    v.created_at AS version_created_at FROM (SELECT * FROM dag AS d INDEXED BY dag_by_bundle WHERE d.tenant_id = ? AND d.bundle = ? AND d.is_stale = 0 ORDER BY d.dag_id ASC LIMIT ? OFFSET ?) AS d
CROSS JOIN dag_version AS v ON v.tenant_id = d.tenant_id AND v.key = d.current
CROSS JOIN bundle_version AS b ON b.tenant_id = v.tenant_id AND b.key = v.bundle_version ORDER BY d.dag_id ASC
;

-- dag::count_query
SELECT count(*) FROM (SELECT 1 FROM dag AS d WHERE d.tenant_id = ? AND d.is_stale = 0 LIMIT ?)
;

-- dag_run::fetch_query
SELECT r.tenant_id, r.key, r.dag_id, r.run_id, r.version, v.version_number, b.name AS bundle, r.run_type, r.state, r.reason,
    i.conf, i.params, i.note, i.triggered_by, r.logical_date, r.interval_from, r.interval_to, r.run_after, r.queued_at,
    r.started_at, r.ended_at, r.clears, r.backfill_id, i.is_latest, i.variables, i.parent_run, i.parent_node, i.parent_map_index,
    i.parent_depth FROM dag_run AS r
CROSS JOIN dag_run_input AS i ON i.tenant_id = r.tenant_id AND i.run_key = r.key
CROSS JOIN dag_version AS v ON v.tenant_id = r.tenant_id AND v.key = r.version
CROSS JOIN bundle_version AS b ON b.tenant_id = v.tenant_id AND b.key = v.bundle_version WHERE r.tenant_id = ? AND r.dag_id = ? AND r.run_id = ?
;

-- dag_run::fetch_by_key_query
SELECT r.tenant_id, r.key, r.dag_id, r.run_id, r.version, v.version_number, b.name AS bundle, r.run_type, r.state, r.reason,
    i.conf, i.params, i.note, i.triggered_by, r.logical_date, r.interval_from, r.interval_to, r.run_after, r.queued_at,
    r.started_at, r.ended_at, r.clears, r.backfill_id, i.is_latest, i.variables, i.parent_run, i.parent_node, i.parent_map_index,
    i.parent_depth FROM dag_run AS r
CROSS JOIN dag_run_input AS i ON i.tenant_id = r.tenant_id AND i.run_key = r.key
CROSS JOIN dag_version AS v ON v.tenant_id = r.tenant_id AND v.key = r.version
CROSS JOIN bundle_version AS b ON b.tenant_id = v.tenant_id AND b.key = v.bundle_version WHERE r.tenant_id = ? AND r.key = ?
;

-- dag_run::list_query
SELECT r.tenant_id, r.key, r.dag_id, r.run_id, r.version, v.version_number, b.name AS bundle, r.run_type, r.state, r.reason,
    i.conf, i.params, i.note, i.triggered_by, r.logical_date, r.interval_from, r.interval_to, r.run_after, r.queued_at,
    r.started_at, r.ended_at, r.clears, r.backfill_id, i.is_latest, i.variables, i.parent_run, i.parent_node, i.parent_map_index,
    i.parent_depth FROM (SELECT * FROM dag_run AS r WHERE r.tenant_id = ? ORDER BY r.key ASC LIMIT ? OFFSET ?) AS r
CROSS JOIN dag_run_input AS i ON i.tenant_id = r.tenant_id AND i.run_key = r.key
CROSS JOIN dag_version AS v ON v.tenant_id = r.tenant_id AND v.key = r.version
CROSS JOIN bundle_version AS b ON b.tenant_id = v.tenant_id AND b.key = v.bundle_version ORDER BY r.key ASC
;

-- dag_run::list_query of a DAG
SELECT r.tenant_id, r.key, r.dag_id, r.run_id, r.version, v.version_number, b.name AS bundle, r.run_type, r.state, r.reason,
    i.conf, i.params, i.note, i.triggered_by, r.logical_date, r.interval_from, r.interval_to, r.run_after, r.queued_at,
    r.started_at, r.ended_at, r.clears, r.backfill_id, i.is_latest, i.variables, i.parent_run, i.parent_node, i.parent_map_index,
    i.parent_depth FROM (SELECT * FROM dag_run AS r INDEXED BY dag_run_by_dag WHERE r.tenant_id = ? AND r.dag_id = ? ORDER BY r.key ASC LIMIT ? OFFSET ?) AS r
CROSS JOIN dag_run_input AS i ON i.tenant_id = r.tenant_id AND i.run_key = r.key
CROSS JOIN dag_version AS v ON v.tenant_id = r.tenant_id AND v.key = r.version
CROSS JOIN bundle_version AS b ON b.tenant_id = v.tenant_id AND b.key = v.bundle_version ORDER BY r.key ASC
;

-- dag_run::list_query unfinished
SELECT r.tenant_id, r.key, r.dag_id, r.run_id, r.version, v.version_number, b.name AS bundle, r.run_type, r.state, r.reason,
    i.conf, i.params, i.note, i.triggered_by, r.logical_date, r.interval_from, r.interval_to, r.run_after, r.queued_at,
    r.started_at, r.ended_at, r.clears, r.backfill_id, i.is_latest, i.variables, i.parent_run, i.parent_node, i.parent_map_index,
    i.parent_depth FROM (SELECT * FROM dag_run AS r INDEXED BY dag_run_unfinished WHERE r.tenant_id = ? AND r.state IN ('queued', 'running') AND r.state IN (?, ?) ORDER BY r.key ASC LIMIT ? OFFSET ?) AS r
CROSS JOIN dag_run_input AS i ON i.tenant_id = r.tenant_id AND i.run_key = r.key
CROSS JOIN dag_version AS v ON v.tenant_id = r.tenant_id AND v.key = r.version
CROSS JOIN bundle_version AS b ON b.tenant_id = v.tenant_id AND b.key = v.bundle_version ORDER BY r.key ASC
;

-- dag_run::list_query failed
SELECT r.tenant_id, r.key, r.dag_id, r.run_id, r.version, v.version_number, b.name AS bundle, r.run_type, r.state, r.reason,
    i.conf, i.params, i.note, i.triggered_by, r.logical_date, r.interval_from, r.interval_to, r.run_after, r.queued_at,
    r.started_at, r.ended_at, r.clears, r.backfill_id, i.is_latest, i.variables, i.parent_run, i.parent_node, i.parent_map_index,
    i.parent_depth FROM (SELECT * FROM dag_run AS r INDEXED BY dag_run_failed WHERE r.tenant_id = ? AND r.state = 'failed' AND r.state IN (?) ORDER BY r.key ASC LIMIT ? OFFSET ?) AS r
CROSS JOIN dag_run_input AS i ON i.tenant_id = r.tenant_id AND i.run_key = r.key
CROSS JOIN dag_version AS v ON v.tenant_id = r.tenant_id AND v.key = r.version
CROSS JOIN bundle_version AS b ON b.tenant_id = v.tenant_id AND b.key = v.bundle_version ORDER BY r.key ASC
;

-- dag_run::list_query by run after
SELECT r.tenant_id, r.key, r.dag_id, r.run_id, r.version, v.version_number, b.name AS bundle, r.run_type, r.state, r.reason,
    i.conf, i.params, i.note, i.triggered_by, r.logical_date, r.interval_from, r.interval_to, r.run_after, r.queued_at,
    r.started_at, r.ended_at, r.clears, r.backfill_id, i.is_latest, i.variables, i.parent_run, i.parent_node, i.parent_map_index,
    i.parent_depth FROM (SELECT * FROM dag_run AS r INDEXED BY dag_run_by_run_after WHERE r.tenant_id = ? ORDER BY r.run_after DESC, r.key DESC LIMIT ? OFFSET ?) AS r
CROSS JOIN dag_run_input AS i ON i.tenant_id = r.tenant_id AND i.run_key = r.key
CROSS JOIN dag_version AS v ON v.tenant_id = r.tenant_id AND v.key = r.version
CROSS JOIN bundle_version AS b ON b.tenant_id = v.tenant_id AND b.key = v.bundle_version ORDER BY r.run_after DESC, r.key DESC
;

-- dag_run::list_query of a DAG by run after
SELECT r.tenant_id, r.key, r.dag_id, r.run_id, r.version, v.version_number, b.name AS bundle, r.run_type, r.state, r.reason,
    i.conf, i.params, i.note, i.triggered_by, r.logical_date, r.interval_from, r.interval_to, r.run_after, r.queued_at,
    r.started_at, r.ended_at, r.clears, r.backfill_id, i.is_latest, i.variables, i.parent_run, i.parent_node, i.parent_map_index,
    i.parent_depth FROM (SELECT * FROM dag_run AS r INDEXED BY dag_run_by_dag_run_after WHERE r.tenant_id = ? AND r.dag_id = ? ORDER BY r.run_after DESC, r.key DESC LIMIT ? OFFSET ?) AS r
CROSS JOIN dag_run_input AS i ON i.tenant_id = r.tenant_id AND i.run_key = r.key
CROSS JOIN dag_version AS v ON v.tenant_id = r.tenant_id AND v.key = r.version
CROSS JOIN bundle_version AS b ON b.tenant_id = v.tenant_id AND b.key = v.bundle_version ORDER BY r.run_after DESC, r.key DESC
;

-- dag_run::list_query by run id
SELECT r.tenant_id, r.key, r.dag_id, r.run_id, r.version, v.version_number, b.name AS bundle, r.run_type, r.state, r.reason,
    i.conf, i.params, i.note, i.triggered_by, r.logical_date, r.interval_from, r.interval_to, r.run_after, r.queued_at,
    r.started_at, r.ended_at, r.clears, r.backfill_id, i.is_latest, i.variables, i.parent_run, i.parent_node, i.parent_map_index,
    i.parent_depth FROM (SELECT * FROM dag_run AS r INDEXED BY dag_run_by_run_id WHERE r.tenant_id = ? AND r.dag_id = ? ORDER BY r.run_id ASC, r.key ASC LIMIT ? OFFSET ?) AS r
CROSS JOIN dag_run_input AS i ON i.tenant_id = r.tenant_id AND i.run_key = r.key
CROSS JOIN dag_version AS v ON v.tenant_id = r.tenant_id AND v.key = r.version
CROSS JOIN bundle_version AS b ON b.tenant_id = v.tenant_id AND b.key = v.bundle_version ORDER BY r.run_id ASC, r.key ASC
;

-- dag_run::list_query by everything
SELECT r.tenant_id, r.key, r.dag_id, r.run_id, r.version, v.version_number, b.name AS bundle, r.run_type, r.state, r.reason,
    i.conf, i.params, i.note, i.triggered_by, r.logical_date, r.interval_from, r.interval_to, r.run_after, r.queued_at,
    r.started_at, r.ended_at, r.clears, r.backfill_id, i.is_latest, i.variables, i.parent_run, i.parent_node, i.parent_map_index,
    i.parent_depth FROM (SELECT * FROM dag_run AS r INDEXED BY dag_run_by_dag WHERE r.tenant_id = ? AND r.dag_id = ? AND r.run_type IN (?) AND r.run_id LIKE ? ESCAPE '\' AND r.version IN (SELECT key FROM dag_version WHERE tenant_id = ? AND dag_id = ? AND version_number = ?) ORDER BY r.started_at ASC NULLS LAST, r.key ASC LIMIT ? OFFSET ?) AS r
CROSS JOIN dag_run_input AS i ON i.tenant_id = r.tenant_id AND i.run_key = r.key
CROSS JOIN dag_version AS v ON v.tenant_id = r.tenant_id AND v.key = r.version
CROSS JOIN bundle_version AS b ON b.tenant_id = v.tenant_id AND b.key = v.bundle_version ORDER BY r.started_at ASC NULLS LAST, r.key ASC
;

-- dag_run::count_query
SELECT count(*) FROM (SELECT 1 FROM dag_run AS r WHERE r.tenant_id = ? LIMIT ?)
;

-- dag_run::count_query of a DAG
SELECT count(*) FROM (SELECT 1 FROM dag_run AS r INDEXED BY dag_run_by_dag WHERE r.tenant_id = ? AND r.dag_id = ? LIMIT ?)
;

-- task_instance::list_query
SELECT t.run_key, t.node, t.map_index, r.dag_id, r.run_id, n.task_id, t.state, t.reason, t.try_number, t.max_tries,
    n.map_length, r.version, v.version_number, t.worker, r.run_after, r.logical_date, t.scheduled_at, t.started_at, t.ended_at,
    t.retry_at FROM dag_run AS r CROSS JOIN dag_version AS v ON v.tenant_id = r.tenant_id AND v.key = r.version CROSS JOIN task_node AS n ON n.tenant_id = r.tenant_id AND n.run_key = r.key CROSS JOIN task_instance AS t ON t.tenant_id = n.tenant_id AND t.run_key = n.run_key AND t.node = n.node WHERE r.tenant_id = ? ORDER BY r.key ASC, n.node ASC, t.map_index ASC LIMIT ? OFFSET ?
;

-- task_instance::list_query of a run
SELECT t.run_key, t.node, t.map_index, r.dag_id, r.run_id, n.task_id, t.state, t.reason, t.try_number, t.max_tries,
    n.map_length, r.version, v.version_number, t.worker, r.run_after, r.logical_date, t.scheduled_at, t.started_at, t.ended_at,
    t.retry_at FROM dag_run AS r CROSS JOIN dag_version AS v ON v.tenant_id = r.tenant_id AND v.key = r.version CROSS JOIN task_node AS n ON n.tenant_id = r.tenant_id AND n.run_key = r.key CROSS JOIN task_instance AS t ON t.tenant_id = n.tenant_id AND t.run_key = n.run_key AND t.node = n.node WHERE r.tenant_id = ? AND r.key = ? ORDER BY r.key ASC, n.node ASC, t.map_index ASC LIMIT ? OFFSET ?
;

-- task_instance::list_query of one
SELECT t.run_key, t.node, t.map_index, r.dag_id, r.run_id, n.task_id, t.state, t.reason, t.try_number, t.max_tries,
    n.map_length, r.version, v.version_number, t.worker, r.run_after, r.logical_date, t.scheduled_at, t.started_at, t.ended_at,
    t.retry_at FROM dag_run AS r CROSS JOIN dag_version AS v ON v.tenant_id = r.tenant_id AND v.key = r.version CROSS JOIN task_node AS n ON n.tenant_id = r.tenant_id AND n.run_key = r.key CROSS JOIN task_instance AS t ON t.tenant_id = n.tenant_id AND t.run_key = n.run_key AND t.node = n.node WHERE r.tenant_id = ? AND r.key = ? AND n.task_id IN (?) AND t.map_index IN (?) ORDER BY r.key ASC, n.node ASC, t.map_index ASC LIMIT ? OFFSET ?
;

-- task_instance::list_query running
SELECT t.run_key, t.node, t.map_index, r.dag_id, r.run_id, n.task_id, t.state, t.reason, t.try_number, t.max_tries,
    n.map_length, r.version, v.version_number, t.worker, r.run_after, r.logical_date, t.scheduled_at, t.started_at, t.ended_at,
    t.retry_at FROM dag_run AS r INDEXED BY dag_run_unfinished CROSS JOIN dag_version AS v ON v.tenant_id = r.tenant_id AND v.key = r.version CROSS JOIN task_node AS n ON n.tenant_id = r.tenant_id AND n.run_key = r.key CROSS JOIN task_instance AS t ON t.tenant_id = n.tenant_id AND t.run_key = n.run_key AND t.node = n.node WHERE r.tenant_id = ? AND r.state IN ('queued', 'running') AND t.state IN (?) ORDER BY r.key ASC, n.node ASC, t.map_index ASC LIMIT ? OFFSET ?
;

-- task_instance::list_query of a DAG
SELECT t.run_key, t.node, t.map_index, r.dag_id, r.run_id, n.task_id, t.state, t.reason, t.try_number, t.max_tries,
    n.map_length, r.version, v.version_number, t.worker, r.run_after, r.logical_date, t.scheduled_at, t.started_at, t.ended_at,
    t.retry_at FROM dag_run AS r INDEXED BY dag_run_by_dag CROSS JOIN dag_version AS v ON v.tenant_id = r.tenant_id AND v.key = r.version CROSS JOIN task_node AS n ON n.tenant_id = r.tenant_id AND n.run_key = r.key CROSS JOIN task_instance AS t ON t.tenant_id = n.tenant_id AND t.run_key = n.run_key AND t.node = n.node WHERE r.tenant_id = ? AND r.dag_id = ? ORDER BY r.key ASC, n.node ASC, t.map_index ASC LIMIT ? OFFSET ?
;

-- task_instance::count_query of a run
SELECT count(*) FROM (SELECT 1 FROM dag_run AS r CROSS JOIN task_node AS n ON n.tenant_id = r.tenant_id AND n.run_key = r.key CROSS JOIN task_instance AS t ON t.tenant_id = n.tenant_id AND t.run_key = n.run_key AND t.node = n.node WHERE r.tenant_id = ? AND r.key = ? LIMIT ?)
;

