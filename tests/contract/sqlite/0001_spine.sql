-- attempt::LIST
SELECT try_number, fence, version, started_at, ended_at, end_kind, message, wall_us, cpu_us, memory_bytes
FROM attempt
WHERE tenant_id = ?1 AND run_key = ?2 AND node = ?3 AND map_index = ?4
ORDER BY try_number, fence
;

-- auth::INSERT_TOKEN
INSERT INTO token (digest, tenant_id, name, created_at, expires_at)
VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT DO NOTHING
;

-- auth::FIND_TOKEN
SELECT tenant_id, name, created_at, expires_at FROM token WHERE digest = ?1
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

-- clear::MARK_ENDED_WITH_RUN
UPDATE task_instance
SET state = 'upstream_failed'
WHERE tenant_id = ?1 AND run_key = ?2 AND state = 'skipped'
    AND reason = (SELECT r.reason FROM dag_run AS r WHERE r.tenant_id = ?1 AND r.key = ?2)
;

-- clear::COUNT
SELECT count(*) FROM task_instance
WHERE tenant_id = ?1 AND run_key = ?2 AND (?3 = 0 OR state IN ('failed', 'upstream_failed'))
;

-- clear::INSERT_ATTEMPTS
INSERT INTO attempt (tenant_id, run_key, node, map_index, try_number, fence, version, started_at, ended_at, end_kind, wall_us,
    cpu_us, memory_bytes, message)
SELECT t.tenant_id, t.run_key, t.node, t.map_index, t.try_number, t.fence, r.version, coalesce(t.started_at, ?4), ?4,
    'cancelled', 0, 0, 0, 'the run was cleared'
FROM task_instance AS t
CROSS JOIN dag_run AS r ON r.tenant_id = t.tenant_id AND r.key = t.run_key
WHERE t.tenant_id = ?1 AND t.run_key = ?2 AND ?3 = 0 AND t.state = 'running'
;

-- clear::DELETE_XCOMS
DELETE FROM xcom
WHERE tenant_id = ?1 AND run_key = ?2
    AND (?3 = 0 OR EXISTS (SELECT 1 FROM task_instance AS t
        WHERE t.tenant_id = ?1 AND t.run_key = ?2 AND t.node = xcom.node AND t.map_index = xcom.map_index
            AND t.state IN ('failed', 'upstream_failed')))
;

-- clear::DELETE_STATE
DELETE FROM task_state
WHERE tenant_id = ?1 AND run_key = ?2
    AND (?3 = 0 OR EXISTS (SELECT 1 FROM task_instance AS t
        WHERE t.tenant_id = ?1 AND t.run_key = ?2 AND t.node = task_state.node AND t.map_index = task_state.map_index
            AND t.state IN ('failed', 'upstream_failed')))
;

-- clear::INSERT_SUMMARIES
INSERT INTO task_instance (tenant_id, run_key, node, map_index, state, try_number, max_tries)
SELECT ?1, ?2, n.node, -1, 'none', 0, coalesce((SELECT max(t.max_tries - t.tries_before) FROM task_instance AS t
    WHERE t.tenant_id = ?1 AND t.run_key = ?2 AND t.node = n.node), 1)
FROM task_node AS n
WHERE n.tenant_id = ?1 AND n.run_key = ?2 AND n.map_length > 0
    AND (?3 = 0 OR NOT EXISTS (SELECT 1 FROM task_instance AS t
        WHERE t.tenant_id = ?1 AND t.run_key = ?2 AND t.node = n.node
            AND t.state NOT IN ('failed', 'upstream_failed')))
;

-- clear::DELETE_MAPPED
DELETE FROM task_instance
WHERE tenant_id = ?1 AND run_key = ?2 AND map_index >= 0
    AND EXISTS (SELECT 1 FROM task_instance AS t
        WHERE t.tenant_id = ?1 AND t.run_key = ?2 AND t.node = task_instance.node AND t.map_index = -1)
;

-- clear::FORGET_LENGTHS
UPDATE task_node
SET map_length = NULL, list_length = NULL
WHERE tenant_id = ?1 AND run_key = ?2
    AND EXISTS (SELECT 1 FROM task_instance AS t
        WHERE t.tenant_id = ?1 AND t.run_key = ?2 AND t.node = task_node.node AND t.map_index = -1
            AND (?3 = 0 OR task_node.map_length > 0 OR t.state IN ('failed', 'upstream_failed')))
;

-- clear::RESET_INSTANCES
UPDATE task_instance
SET state = 'none', reason = NULL, max_tries = max_tries - tries_before + try_number,
    tries_before = try_number, lost_executions = 0, suspect = 0, has_value = 0, scheduled_at = NULL, started_at = NULL,
    ended_at = NULL, retry_at = NULL, worker = NULL
WHERE tenant_id = ?1 AND run_key = ?2 AND (?3 = 0 OR state IN ('failed', 'upstream_failed'))
;

-- clear::RESET_RUN
UPDATE dag_run
SET state = 'running', reason = NULL, started_at = ?3, ended_at = NULL, clears = clears + 1
WHERE tenant_id = ?1 AND key = ?2
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

-- retention::TENANTS
SELECT tenant_id FROM tenant ORDER BY tenant_id
;

-- retention::RUNS
SELECT key FROM dag_run WHERE tenant_id = ?1 AND key > ?2 ORDER BY key LIMIT ?3
;

-- retention::COMPONENTS
SELECT key, component FROM bundle_version WHERE tenant_id = ?1 AND key > ?2 ORDER BY key LIMIT ?3
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

-- discard::LAST_XCOM
SELECT node, map_index FROM xcom WHERE tenant_id = ?1 AND run_key = ?2 ORDER BY node, map_index LIMIT 1 OFFSET ?3 - 1
;

-- discard::LAST_ATTEMPT
SELECT node, map_index FROM attempt WHERE tenant_id = ?1 AND run_key = ?2 ORDER BY node, map_index LIMIT 1 OFFSET ?3 - 1
;

-- discard::LAST_INSTANCE
SELECT node, map_index FROM task_instance WHERE tenant_id = ?1 AND run_key = ?2 ORDER BY node, map_index LIMIT 1 OFFSET ?3 - 1
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
SELECT node, map_index, state, try_number, max_tries, fence, retry_at, lost_executions, suspect, has_value, started_at
FROM task_instance
WHERE tenant_id = ?1 AND run_key = ?2
ORDER BY node, map_index
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

-- commit::dag_run::INSERT_RUNS
INSERT INTO dag_run (tenant_id, key, dag_id, run_id, version, run_type, state, run_after, queued_at, logical_date,
    interval_from, interval_to, started_at, ended_at)
SELECT value ->> 0, unhex(value ->> 1), value ->> 2, value ->> 3, unhex(value ->> 4), value ->> 5, value ->> 6, value ->> 7,
    value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12, value ->> 13
FROM jsonb_each(?)
WHERE true
ON CONFLICT DO NOTHING
;

-- commit::dag_run::INSERT_INPUTS
INSERT INTO dag_run_input (tenant_id, run_key, conf, params, triggered_by, note)
SELECT value ->> 0, unhex(value ->> 1), value ->> 2, value ->> 3, value ->> 4, value ->> 5
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
    retry_at = e.retry_at, lost_executions = e.lost_executions, suspect = e.suspect, has_value = e.has_value
FROM (SELECT value ->> 0 AS tenant_id, unhex(value ->> 1) AS run_key, value ->> 2 AS node, value ->> 3 AS map_index,
        value ->> 4 AS try_number, value ->> 5 AS fence, value ->> 6 AS state, value ->> 7 AS reason,
        value ->> 8 AS ended_at, value ->> 9 AS scheduled_at, value ->> 10 AS retry_at, value ->> 11 AS lost_executions,
        value ->> 12 AS suspect, value ->> 13 AS has_value
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

-- commit::ended::INSERT_XCOMS
INSERT INTO xcom (tenant_id, run_key, node, map_index, key, created_at, size_bytes, digest, value)
SELECT value ->> 0, unhex(value ->> 1), value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
    unhex(value ->> 7), value ->> 8
FROM jsonb_each(?)
WHERE true
ON CONFLICT DO UPDATE SET created_at = excluded.created_at, size_bytes = excluded.size_bytes, digest = excluded.digest,
    value = excluded.value
;

-- commit::ended::UPDATE_LIST_LENGTHS
UPDATE task_node AS n
SET list_length = e.list_length
FROM (SELECT value ->> 0 AS tenant_id, unhex(value ->> 1) AS run_key, value ->> 2 AS node, value ->> 3 AS list_length
    FROM jsonb_each(?)) AS e
WHERE n.tenant_id = e.tenant_id AND n.run_key = e.run_key AND n.node = e.node
;

-- commit::task_instance::INSERT_INSTANCES
WITH RECURSIVE item (tenant_id, run_key, node, map_index, last, state, try_number, max_tries, scheduled_at, ended_at, reason) AS (
    SELECT value ->> 0, unhex(value ->> 1), value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
        value ->> 8, value ->> 9, value ->> 10
    FROM jsonb_each(?)
    UNION ALL
    SELECT tenant_id, run_key, node, map_index + 1, last, state, try_number, max_tries, scheduled_at, ended_at, reason
    FROM item
    WHERE map_index < last)
INSERT INTO task_instance (tenant_id, run_key, node, map_index, state, try_number, max_tries, scheduled_at, ended_at, reason)
SELECT tenant_id, run_key, node, map_index, state, try_number, max_tries, scheduled_at, ended_at, reason
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
    scheduled_at = coalesce(e.scheduled_at, t.scheduled_at), ended_at = e.ended_at, retry_at = NULL
FROM (SELECT value ->> 0 AS tenant_id, unhex(value ->> 1) AS run_key, value ->> 2 AS node, value ->> 3 AS first,
        value ->> 4 AS last, value ->> 5 AS state, value ->> 6 AS try_number, value ->> 7 AS reason,
        value ->> 8 AS scheduled_at, value ->> 9 AS ended_at
    FROM jsonb_each(?)) AS e
WHERE t.tenant_id = e.tenant_id AND t.run_key = e.run_key AND t.node = e.node AND t.map_index BETWEEN e.first AND e.last
    AND t.state <> 'running' AND t.state <> e.state
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
    r.started_at, r.ended_at, r.clears FROM dag_run AS r
CROSS JOIN dag_run_input AS i ON i.tenant_id = r.tenant_id AND i.run_key = r.key
CROSS JOIN dag_version AS v ON v.tenant_id = r.tenant_id AND v.key = r.version
CROSS JOIN bundle_version AS b ON b.tenant_id = v.tenant_id AND b.key = v.bundle_version WHERE r.tenant_id = ? AND r.dag_id = ? AND r.run_id = ?
;

-- dag_run::fetch_by_key_query
SELECT r.tenant_id, r.key, r.dag_id, r.run_id, r.version, v.version_number, b.name AS bundle, r.run_type, r.state, r.reason,
    i.conf, i.params, i.note, i.triggered_by, r.logical_date, r.interval_from, r.interval_to, r.run_after, r.queued_at,
    r.started_at, r.ended_at, r.clears FROM dag_run AS r
CROSS JOIN dag_run_input AS i ON i.tenant_id = r.tenant_id AND i.run_key = r.key
CROSS JOIN dag_version AS v ON v.tenant_id = r.tenant_id AND v.key = r.version
CROSS JOIN bundle_version AS b ON b.tenant_id = v.tenant_id AND b.key = v.bundle_version WHERE r.tenant_id = ? AND r.key = ?
;

-- dag_run::list_query
SELECT r.tenant_id, r.key, r.dag_id, r.run_id, r.version, v.version_number, b.name AS bundle, r.run_type, r.state, r.reason,
    i.conf, i.params, i.note, i.triggered_by, r.logical_date, r.interval_from, r.interval_to, r.run_after, r.queued_at,
    r.started_at, r.ended_at, r.clears FROM (SELECT * FROM dag_run AS r WHERE r.tenant_id = ? ORDER BY r.key ASC LIMIT ? OFFSET ?) AS r
CROSS JOIN dag_run_input AS i ON i.tenant_id = r.tenant_id AND i.run_key = r.key
CROSS JOIN dag_version AS v ON v.tenant_id = r.tenant_id AND v.key = r.version
CROSS JOIN bundle_version AS b ON b.tenant_id = v.tenant_id AND b.key = v.bundle_version ORDER BY r.key ASC
;

-- dag_run::list_query of a DAG
SELECT r.tenant_id, r.key, r.dag_id, r.run_id, r.version, v.version_number, b.name AS bundle, r.run_type, r.state, r.reason,
    i.conf, i.params, i.note, i.triggered_by, r.logical_date, r.interval_from, r.interval_to, r.run_after, r.queued_at,
    r.started_at, r.ended_at, r.clears FROM (SELECT * FROM dag_run AS r INDEXED BY dag_run_by_dag WHERE r.tenant_id = ? AND r.dag_id = ? ORDER BY r.key ASC LIMIT ? OFFSET ?) AS r
CROSS JOIN dag_run_input AS i ON i.tenant_id = r.tenant_id AND i.run_key = r.key
CROSS JOIN dag_version AS v ON v.tenant_id = r.tenant_id AND v.key = r.version
CROSS JOIN bundle_version AS b ON b.tenant_id = v.tenant_id AND b.key = v.bundle_version ORDER BY r.key ASC
;

-- dag_run::list_query unfinished
SELECT r.tenant_id, r.key, r.dag_id, r.run_id, r.version, v.version_number, b.name AS bundle, r.run_type, r.state, r.reason,
    i.conf, i.params, i.note, i.triggered_by, r.logical_date, r.interval_from, r.interval_to, r.run_after, r.queued_at,
    r.started_at, r.ended_at, r.clears FROM (SELECT * FROM dag_run AS r INDEXED BY dag_run_unfinished WHERE r.tenant_id = ? AND r.state IN ('queued', 'running') AND r.state IN (?, ?) ORDER BY r.key ASC LIMIT ? OFFSET ?) AS r
CROSS JOIN dag_run_input AS i ON i.tenant_id = r.tenant_id AND i.run_key = r.key
CROSS JOIN dag_version AS v ON v.tenant_id = r.tenant_id AND v.key = r.version
CROSS JOIN bundle_version AS b ON b.tenant_id = v.tenant_id AND b.key = v.bundle_version ORDER BY r.key ASC
;

-- dag_run::list_query failed
SELECT r.tenant_id, r.key, r.dag_id, r.run_id, r.version, v.version_number, b.name AS bundle, r.run_type, r.state, r.reason,
    i.conf, i.params, i.note, i.triggered_by, r.logical_date, r.interval_from, r.interval_to, r.run_after, r.queued_at,
    r.started_at, r.ended_at, r.clears FROM (SELECT * FROM dag_run AS r INDEXED BY dag_run_failed WHERE r.tenant_id = ? AND r.state = 'failed' AND r.state IN (?) ORDER BY r.key ASC LIMIT ? OFFSET ?) AS r
CROSS JOIN dag_run_input AS i ON i.tenant_id = r.tenant_id AND i.run_key = r.key
CROSS JOIN dag_version AS v ON v.tenant_id = r.tenant_id AND v.key = r.version
CROSS JOIN bundle_version AS b ON b.tenant_id = v.tenant_id AND b.key = v.bundle_version ORDER BY r.key ASC
;

-- dag_run::list_query by run after
SELECT r.tenant_id, r.key, r.dag_id, r.run_id, r.version, v.version_number, b.name AS bundle, r.run_type, r.state, r.reason,
    i.conf, i.params, i.note, i.triggered_by, r.logical_date, r.interval_from, r.interval_to, r.run_after, r.queued_at,
    r.started_at, r.ended_at, r.clears FROM (SELECT * FROM dag_run AS r INDEXED BY dag_run_by_run_after WHERE r.tenant_id = ? ORDER BY r.run_after DESC, r.key DESC LIMIT ? OFFSET ?) AS r
CROSS JOIN dag_run_input AS i ON i.tenant_id = r.tenant_id AND i.run_key = r.key
CROSS JOIN dag_version AS v ON v.tenant_id = r.tenant_id AND v.key = r.version
CROSS JOIN bundle_version AS b ON b.tenant_id = v.tenant_id AND b.key = v.bundle_version ORDER BY r.run_after DESC, r.key DESC
;

-- dag_run::list_query of a DAG by run after
SELECT r.tenant_id, r.key, r.dag_id, r.run_id, r.version, v.version_number, b.name AS bundle, r.run_type, r.state, r.reason,
    i.conf, i.params, i.note, i.triggered_by, r.logical_date, r.interval_from, r.interval_to, r.run_after, r.queued_at,
    r.started_at, r.ended_at, r.clears FROM (SELECT * FROM dag_run AS r INDEXED BY dag_run_by_dag_run_after WHERE r.tenant_id = ? AND r.dag_id = ? ORDER BY r.run_after DESC, r.key DESC LIMIT ? OFFSET ?) AS r
CROSS JOIN dag_run_input AS i ON i.tenant_id = r.tenant_id AND i.run_key = r.key
CROSS JOIN dag_version AS v ON v.tenant_id = r.tenant_id AND v.key = r.version
CROSS JOIN bundle_version AS b ON b.tenant_id = v.tenant_id AND b.key = v.bundle_version ORDER BY r.run_after DESC, r.key DESC
;

-- dag_run::list_query by run id
SELECT r.tenant_id, r.key, r.dag_id, r.run_id, r.version, v.version_number, b.name AS bundle, r.run_type, r.state, r.reason,
    i.conf, i.params, i.note, i.triggered_by, r.logical_date, r.interval_from, r.interval_to, r.run_after, r.queued_at,
    r.started_at, r.ended_at, r.clears FROM (SELECT * FROM dag_run AS r INDEXED BY dag_run_by_run_id WHERE r.tenant_id = ? AND r.dag_id = ? ORDER BY r.run_id ASC, r.key ASC LIMIT ? OFFSET ?) AS r
CROSS JOIN dag_run_input AS i ON i.tenant_id = r.tenant_id AND i.run_key = r.key
CROSS JOIN dag_version AS v ON v.tenant_id = r.tenant_id AND v.key = r.version
CROSS JOIN bundle_version AS b ON b.tenant_id = v.tenant_id AND b.key = v.bundle_version ORDER BY r.run_id ASC, r.key ASC
;

-- dag_run::list_query by everything
SELECT r.tenant_id, r.key, r.dag_id, r.run_id, r.version, v.version_number, b.name AS bundle, r.run_type, r.state, r.reason,
    i.conf, i.params, i.note, i.triggered_by, r.logical_date, r.interval_from, r.interval_to, r.run_after, r.queued_at,
    r.started_at, r.ended_at, r.clears FROM (SELECT * FROM dag_run AS r INDEXED BY dag_run_by_dag WHERE r.tenant_id = ? AND r.dag_id = ? AND r.run_type IN (?) AND r.run_id LIKE ? ESCAPE '\' AND r.version IN (SELECT key FROM dag_version WHERE tenant_id = ? AND dag_id = ? AND version_number = ?) ORDER BY r.started_at ASC NULLS LAST, r.key ASC LIMIT ? OFFSET ?) AS r
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

