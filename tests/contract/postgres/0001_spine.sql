-- attempt::LIST
SELECT try_number, fence, version, started_at, ended_at, end_kind, message, wall_us, cpu_us, memory_bytes
FROM attempt
WHERE tenant_id = $1 AND run_key = $2 AND node = $3 AND map_index = $4
ORDER BY try_number, fence
;

-- auth::INSERT_TOKEN
INSERT INTO token (digest, tenant_id, name, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING
;

-- auth::FIND_TOKEN
SELECT tenant_id, name, created_at, expires_at FROM token WHERE digest = $1
;

-- catalog::FIND_FOREIGN
SELECT d.dag_id
FROM unnest($3::text[]) WITH ORDINALITY AS e (dag_id, place)
CROSS JOIN LATERAL (SELECT * FROM dag AS d WHERE d.tenant_id = $1 AND d.dag_id = e.dag_id OFFSET 0) AS d
WHERE d.bundle <> $2 AND NOT d.is_stale
ORDER BY e.place
LIMIT 1
;

-- catalog::INSERT_BUNDLE_VERSION
INSERT INTO bundle_version (tenant_id, name, component, key, size_bytes, created_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (tenant_id, name, component) DO NOTHING
;

-- catalog::FIND_BUNDLE_VERSION
SELECT key FROM bundle_version WHERE tenant_id = $1 AND name = $2 AND component = $3
;

-- catalog::UPSERT_BUNDLE
INSERT INTO bundle (tenant_id, name, current, updated_at)
VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant_id, name) DO UPDATE SET current = excluded.current, updated_at = excluded.updated_at
WHERE bundle.current <> excluded.current
;

-- catalog::INSERT_DAG_VERSIONS
INSERT INTO dag_version (tenant_id, bundle_version, created_at, dag_id, version_number, key, digest, label, document)
SELECT $1, $2, $3, e.dag_id,
    coalesce((SELECT max(v.version_number) FROM dag_version AS v WHERE v.tenant_id = $1 AND v.dag_id = e.dag_id), 0) + 1,
    e.key, e.digest, e.label, e.document
FROM unnest($4::text[], $5::uuid[], $6::bytea[], $7::text[], $8::text[]) AS e (dag_id, key, digest, label, document)
ON CONFLICT (tenant_id, dag_id, digest) DO NOTHING
RETURNING key
;

-- catalog::FIND_DAG_VERSIONS
SELECT v.dag_id, v.key, v.version_number
FROM unnest($2::text[], $3::bytea[]) AS e (dag_id, digest)
CROSS JOIN LATERAL (
    SELECT * FROM dag_version AS v WHERE v.tenant_id = $1 AND v.dag_id = e.dag_id AND v.digest = e.digest OFFSET 0) AS v
;

-- catalog::UPSERT_DAGS
INSERT INTO dag (tenant_id, dag_id, bundle, is_stale, is_paused, current, created_at, updated_at)
SELECT $1, v.dag_id, $2, false, false, v.key, $3, $3
FROM unnest($4::text[], $5::bytea[]) AS e (dag_id, digest)
CROSS JOIN LATERAL (
    SELECT * FROM dag_version AS v WHERE v.tenant_id = $1 AND v.dag_id = e.dag_id AND v.digest = e.digest OFFSET 0) AS v
ON CONFLICT (tenant_id, dag_id) DO UPDATE
SET bundle = excluded.bundle, is_stale = false, current = excluded.current,
    updated_at = CASE WHEN dag.current = excluded.current THEN dag.updated_at ELSE excluded.updated_at END
;

-- catalog::MARK_STALE
UPDATE dag SET is_stale = true
WHERE tenant_id = $1 AND bundle = $2 AND NOT is_stale AND dag_id <> ALL ($3::text[])
;

-- catalog::DELETE_TAGS
DELETE FROM dag_tag WHERE tenant_id = $1 AND dag_id = ANY ($2::text[])
;

-- catalog::INSERT_TAGS
INSERT INTO dag_tag (tenant_id, dag_id, tag)
SELECT $1, e.dag_id, e.tag
FROM unnest($2::text[], $3::text[]) AS e (dag_id, tag)
ON CONFLICT DO NOTHING
;

-- catalog::LIST
SELECT b.name, b.current, v.component, b.updated_at
FROM bundle AS b
CROSS JOIN LATERAL (
    SELECT * FROM bundle_version AS v WHERE v.tenant_id = b.tenant_id AND v.key = b.current OFFSET 0) AS v
WHERE b.tenant_id = $1
ORDER BY b.name
LIMIT $2 OFFSET $3
;

-- catalog::COUNT
SELECT count(*) FROM (SELECT 1 FROM bundle WHERE tenant_id = $1 LIMIT $2) AS counted
;

-- clear::LOCK_RUN
SELECT 1 FROM dag_run_state WHERE tenant_id = $1 AND run_key = $2 FOR NO KEY UPDATE
;

-- clear::DELETE_WORK
DELETE FROM work WHERE tenant_id = $1 AND run_key = $2 AND NOT $3
;

-- clear::INSERT_LOOK
INSERT INTO event (shard, tenant_id, run_key) VALUES ($3, $1, $2)
;

-- clear::MARK_ENDED_WITH_RUN
UPDATE task_instance
SET state = 'upstream_failed'
WHERE tenant_id = $1 AND run_key = $2 AND state = 'skipped'
    AND reason = (SELECT s.reason FROM dag_run_state AS s WHERE s.tenant_id = $1 AND s.run_key = $2)
;

-- clear::COUNT
SELECT count(*) FROM task_instance
WHERE tenant_id = $1 AND run_key = $2 AND (NOT $3 OR state IN ('failed', 'upstream_failed'))
;

-- clear::INSERT_ATTEMPTS
INSERT INTO attempt (tenant_id, run_key, node, map_index, try_number, fence, version, started_at, ended_at, end_kind, wall_us,
    cpu_us, memory_bytes, message)
SELECT t.tenant_id, t.run_key, t.node, t.map_index, t.try_number, t.fence,
    (SELECT s.version FROM dag_run_state AS s WHERE s.tenant_id = $1 AND s.run_key = $2), coalesce(t.started_at, $4), $4,
    'cancelled', 0, 0, 0, 'the run was cleared'
FROM task_instance AS t
WHERE t.tenant_id = $1 AND t.run_key = $2 AND NOT $3 AND t.state = 'running'
FOR UPDATE OF t
;

-- clear::DELETE_XCOMS
DELETE FROM xcom
WHERE tenant_id = $1 AND run_key = $2
    AND (NOT $3 OR EXISTS (SELECT 1 FROM task_instance AS t
        WHERE t.tenant_id = $1 AND t.run_key = $2 AND t.node = xcom.node AND t.map_index = xcom.map_index
            AND t.state IN ('failed', 'upstream_failed')))
;

-- clear::DELETE_STATE
DELETE FROM task_state
WHERE tenant_id = $1 AND run_key = $2
    AND (NOT $3 OR EXISTS (SELECT 1 FROM task_instance AS t
        WHERE t.tenant_id = $1 AND t.run_key = $2 AND t.node = task_state.node AND t.map_index = task_state.map_index
            AND t.state IN ('failed', 'upstream_failed')))
;

-- clear::INSERT_SUMMARIES
INSERT INTO task_instance (tenant_id, run_key, node, map_index, state, try_number, max_tries)
SELECT $1, $2, n.node, -1, 'none', 0, coalesce((SELECT max(t.max_tries - t.tries_before) FROM task_instance AS t
    WHERE t.tenant_id = $1 AND t.run_key = $2 AND t.node = n.node), 1)
FROM task_node AS n
WHERE n.tenant_id = $1 AND n.run_key = $2 AND n.map_length > 0
    AND (NOT $3 OR NOT EXISTS (SELECT 1 FROM task_instance AS t
        WHERE t.tenant_id = $1 AND t.run_key = $2 AND t.node = n.node
            AND t.state NOT IN ('failed', 'upstream_failed')))
;

-- clear::DELETE_MAPPED
DELETE FROM task_instance
WHERE tenant_id = $1 AND run_key = $2 AND map_index >= 0
    AND EXISTS (SELECT 1 FROM task_instance AS t
        WHERE t.tenant_id = $1 AND t.run_key = $2 AND t.node = task_instance.node AND t.map_index = -1
        OFFSET 0)
;

-- clear::FORGET_LENGTHS
UPDATE task_node
SET map_length = NULL, list_length = NULL
WHERE tenant_id = $1 AND run_key = $2
    AND EXISTS (SELECT 1 FROM task_instance AS t
        WHERE t.tenant_id = $1 AND t.run_key = $2 AND t.node = task_node.node AND t.map_index = -1
            AND (NOT $3 OR task_node.map_length > 0 OR t.state IN ('failed', 'upstream_failed'))
        OFFSET 0)
;

-- clear::RESET_INSTANCES
UPDATE task_instance
SET state = 'none', reason = NULL, max_tries = max_tries - tries_before + try_number,
    tries_before = try_number, lost_executions = 0, suspect = false, has_value = false, scheduled_at = NULL, started_at = NULL,
    ended_at = NULL, retry_at = NULL, worker = NULL
WHERE tenant_id = $1 AND run_key = $2 AND (NOT $3 OR state IN ('failed', 'upstream_failed'))
;

-- clear::RESET_RUN
UPDATE dag_run_state
SET state = 'running', reason = NULL, result_available = NULL, started_at = $3, ended_at = NULL, clears = clears + 1
WHERE tenant_id = $1 AND run_key = $2
;

-- dag_version::FETCH
SELECT v.key AS version, v.dag_id, v.version_number, v.digest, b.component, v.document, v.label, b.name AS bundle,
    v.bundle_version, v.created_at AS version_created_at
FROM dag_version AS v
CROSS JOIN LATERAL (
    SELECT * FROM bundle_version AS b WHERE b.tenant_id = v.tenant_id AND b.key = v.bundle_version OFFSET 0) AS b
WHERE v.tenant_id = $1 AND v.key = $2
;

-- dag_version::FIND
SELECT v.key AS version, v.dag_id, v.version_number, v.digest, b.component, v.document, v.label, b.name AS bundle,
    v.bundle_version, v.created_at AS version_created_at
FROM dag_version AS v
CROSS JOIN LATERAL (
    SELECT * FROM bundle_version AS b WHERE b.tenant_id = v.tenant_id AND b.key = v.bundle_version OFFSET 0) AS b
WHERE v.tenant_id = $1 AND v.dag_id = $2 AND v.version_number = $3
;

-- dag_version::LIST
SELECT v.key AS version, v.dag_id, v.version_number, v.digest, b.component, v.document, v.label, b.name AS bundle,
    v.bundle_version, v.created_at AS version_created_at
FROM dag_version AS v
CROSS JOIN LATERAL (
    SELECT * FROM bundle_version AS b WHERE b.tenant_id = v.tenant_id AND b.key = v.bundle_version OFFSET 0) AS b
WHERE v.tenant_id = $1 AND v.dag_id = $2
ORDER BY v.version_number DESC
LIMIT $3 OFFSET $4
;

-- dag_version::COUNT
SELECT count(*) FROM (SELECT 1 FROM dag_version WHERE tenant_id = $1 AND dag_id = $2 LIMIT $3) AS counted
;

-- event::LIST
SELECT e.*
FROM unnest($1::integer[]) AS s (shard)
CROSS JOIN LATERAL (
    SELECT id, tenant_id, run_key, node, map_index, try_number, fence, report
    FROM event
    WHERE event.shard = s.shard
    ORDER BY event.shard, event.id
    LIMIT $2) AS e
ORDER BY e.id
LIMIT $2
;

-- event::NEWS
SELECT s.run_key, s.state, s.result_available
FROM unnest($1::bigint[], $2::uuid[]) AS e (tenant_id, run_key)
JOIN dag_run_state AS s ON s.tenant_id = e.tenant_id AND s.run_key = e.run_key
;

-- migrate::NEWEST
SELECT number, name, compatible_from FROM schema_migration ORDER BY number DESC LIMIT 1
;

-- retention::TENANTS
SELECT tenant_id FROM tenant ORDER BY tenant_id
;

-- retention::RUNS
SELECT key FROM dag_run WHERE tenant_id = $1 AND key > $2 ORDER BY key LIMIT $3
;

-- retention::COMPONENTS
SELECT key, component FROM bundle_version WHERE tenant_id = $1 AND key > $2 ORDER BY key LIMIT $3
;

-- retention::INPUTS
SELECT run_key,
    CASE WHEN strpos(conf, '$waft') + strpos(conf, '\u00') > 0 THEN conf ELSE '' END AS conf,
    CASE WHEN strpos(params, '$waft') + strpos(params, '\u00') > 0 THEN params ELSE '' END AS params
FROM dag_run_input WHERE tenant_id = $1 AND run_key > $2 ORDER BY run_key LIMIT $3
;

-- retention::VALUES
SELECT run_key, node, map_index, key, digest,
    CASE WHEN strpos(value, '$waft') + strpos(value, '\u00') > 0 THEN value ELSE '' END AS value
FROM xcom
WHERE tenant_id = $1 AND (run_key, node, map_index, key) > ($2, $3, $4, $5)
ORDER BY run_key, node, map_index, key
LIMIT $6
;

-- retention::STATES
SELECT run_key, node, map_index, key, NULL::bytea AS digest,
    CASE WHEN strpos(value, '$waft') + strpos(value, '\u00') > 0 THEN value ELSE '' END AS value
FROM task_state
WHERE tenant_id = $1 AND (run_key, node, map_index, key) > ($2, $3, $4, $5)
ORDER BY run_key, node, map_index, key
LIMIT $6
;

-- discard::ENDED_BEFORE
SELECT s.run_key AS key, r.dag_id, r.run_id, s.ended_at
FROM dag_run_state AS s
CROSS JOIN LATERAL (SELECT * FROM dag_run AS r WHERE r.tenant_id = $1 AND r.key = s.run_key OFFSET 0) AS r
WHERE s.tenant_id = $1 AND s.run_key > $2 AND s.run_key < $3 AND s.state NOT IN ('queued', 'running') AND s.ended_at < $4
ORDER BY s.run_key
LIMIT $5
;

-- discard::DAGS
SELECT dag_id FROM dag WHERE tenant_id = $1 AND dag_id > $2 ORDER BY dag_id LIMIT $3
;

-- discard::BEYOND
SELECT r.key, r.dag_id, r.run_id, s.ended_at
FROM dag_run AS r
CROSS JOIN LATERAL (SELECT * FROM dag_run_state AS s WHERE s.tenant_id = $1 AND s.run_key = r.key OFFSET 0) AS s
WHERE r.tenant_id = $1 AND r.dag_id = $2 AND r.key > $3
    AND r.key < (SELECT n.key FROM dag_run AS n WHERE n.tenant_id = $1 AND n.dag_id = $2 ORDER BY n.key DESC LIMIT 1 OFFSET $4)
    AND s.state NOT IN ('queued', 'running') AND s.ended_at IS NOT NULL
ORDER BY r.key
LIMIT $5
;

-- discard::DISCARD
WITH gone AS (
    DELETE FROM dag_run_state AS s
    USING (SELECT * FROM unnest($2::uuid[], $3::bigint[]) AS u (run_key, ended_at) LIMIT cardinality($2)) AS e
    WHERE s.tenant_id = $1 AND s.run_key = e.run_key AND s.ended_at = e.ended_at AND s.state NOT IN ('queued', 'running')
    RETURNING s.run_key),
runs AS (DELETE FROM dag_run AS r WHERE r.tenant_id = $1 AND r.key = ANY(ARRAY(SELECT run_key FROM gone)))
INSERT INTO discarded_run (tenant_id, run_key)
SELECT $1, run_key FROM gone
RETURNING run_key
;

-- discard::DISCARDED
SELECT run_key FROM discarded_run WHERE tenant_id = $1 AND run_key > $2 ORDER BY run_key LIMIT $3
;

-- discard::FORGET
DELETE FROM discarded_run WHERE tenant_id = $1 AND run_key = $2
;

-- discard::DELETE_STATES
DELETE FROM task_state WHERE ctid = ANY(ARRAY(SELECT ctid FROM task_state WHERE tenant_id = $1 AND run_key = $2 LIMIT $3))
;

-- discard::DELETE_XCOMS
DELETE FROM xcom WHERE ctid = ANY(ARRAY(SELECT ctid FROM xcom WHERE tenant_id = $1 AND run_key = $2 LIMIT $3))
;

-- discard::DELETE_ATTEMPTS
DELETE FROM attempt WHERE ctid = ANY(ARRAY(SELECT ctid FROM attempt WHERE tenant_id = $1 AND run_key = $2 LIMIT $3))
;

-- discard::DELETE_INSTANCES
DELETE FROM task_instance
WHERE ctid = ANY(ARRAY(SELECT ctid FROM task_instance WHERE tenant_id = $1 AND run_key = $2 LIMIT $3))
;

-- discard::DELETE_NODES
DELETE FROM task_node WHERE ctid = ANY(ARRAY(SELECT ctid FROM task_node WHERE tenant_id = $1 AND run_key = $2 LIMIT $3))
;

-- discard::DELETE_INPUT
DELETE FROM dag_run_input
WHERE ctid = ANY(ARRAY(SELECT ctid FROM dag_run_input WHERE tenant_id = $1 AND run_key = $2 LIMIT $3))
;

-- discard::DELETE_WORK
DELETE FROM work WHERE ctid = ANY(ARRAY(SELECT ctid FROM work WHERE tenant_id = $1 AND run_key = $2 LIMIT $3))
;

-- discard::DELETE_EVENTS
DELETE FROM event WHERE ctid = ANY(ARRAY(SELECT ctid FROM event WHERE tenant_id = $1 AND run_key = $2 LIMIT $3))
;

-- discard::IDLE_VERSIONS
SELECT v.key, v.dag_id, v.version_number
FROM dag_version AS v
WHERE v.tenant_id = $1 AND v.key > $2 AND v.created_at < $3
    AND NOT EXISTS (SELECT 1 FROM dag_run_state AS s WHERE s.tenant_id = $1 AND s.version = v.key OFFSET 0)
    AND NOT EXISTS (SELECT 1 FROM dag AS d WHERE d.tenant_id = $1 AND d.dag_id = v.dag_id AND d.current = v.key OFFSET 0)
    AND EXISTS (SELECT 1 FROM dag_version AS n
        WHERE n.tenant_id = $1 AND n.dag_id = v.dag_id AND n.version_number > v.version_number OFFSET 0)
ORDER BY v.key
LIMIT $4
;

-- discard::LOCK_VERSIONS
SELECT v.key FROM dag_version AS v WHERE v.tenant_id = $1 AND v.key = ANY($2) FOR UPDATE SKIP LOCKED
;

-- discard::DELETE_VERSIONS
DELETE FROM dag_version AS v
WHERE v.tenant_id = $1 AND v.key = ANY($2)
    AND NOT EXISTS (SELECT 1 FROM dag_run_state AS s WHERE s.tenant_id = $1 AND s.version = v.key OFFSET 0)
    AND NOT EXISTS (SELECT 1 FROM dag AS d WHERE d.tenant_id = $1 AND d.dag_id = v.dag_id AND d.current = v.key OFFSET 0)
    AND EXISTS (SELECT 1 FROM dag_version AS n
        WHERE n.tenant_id = $1 AND n.dag_id = v.dag_id AND n.version_number > v.version_number OFFSET 0)
;

-- discard::IDLE_BUNDLE_VERSIONS
SELECT v.key, v.name, v.component, v.size_bytes
FROM bundle_version AS v
WHERE v.tenant_id = $1 AND v.key > $2 AND v.created_at < $3
    AND NOT EXISTS (SELECT 1 FROM dag_version AS d WHERE d.tenant_id = $1 AND d.bundle_version = v.key OFFSET 0)
    AND NOT EXISTS (SELECT 1 FROM bundle AS b WHERE b.tenant_id = $1 AND b.name = v.name AND b.current = v.key OFFSET 0)
ORDER BY v.key
LIMIT $4
;

-- discard::LOCK_BUNDLE_VERSIONS
SELECT v.key FROM bundle_version AS v WHERE v.tenant_id = $1 AND v.key = ANY($2) FOR UPDATE SKIP LOCKED
;

-- discard::DELETE_BUNDLE_VERSIONS
DELETE FROM bundle_version AS v
WHERE v.tenant_id = $1 AND v.key = ANY($2)
    AND NOT EXISTS (SELECT 1 FROM dag_version AS d WHERE d.tenant_id = $1 AND d.bundle_version = v.key OFFSET 0)
    AND NOT EXISTS (SELECT 1 FROM bundle AS b WHERE b.tenant_id = $1 AND b.name = v.name AND b.current = v.key OFFSET 0)
;

-- run_store::ADVANCE_EPOCH
UPDATE cluster SET epoch = epoch + 1 WHERE id = 1 RETURNING epoch
;

-- run_store::TENANTS
SELECT DISTINCT tenant_id FROM dag_run_state WHERE state IN ('queued', 'running') ORDER BY tenant_id
;

-- run_store::UNFINISHED
SELECT run_key FROM dag_run_state
WHERE tenant_id = $1 AND state IN ('queued', 'running') AND run_key > $2
ORDER BY run_key
LIMIT $3
;

-- run_store::INSTANCES
SELECT node, map_index, state, try_number, max_tries, fence, retry_at, lost_executions, suspect, has_value, started_at
FROM task_instance
WHERE tenant_id = $1 AND run_key = $2
ORDER BY node, map_index
;

-- run_store::PRIOR_TRIES
SELECT a.node, a.map_index, max(a.try_number) AS try_number
FROM attempt AS a
WHERE a.tenant_id = $1 AND a.run_key = $2
    AND NOT EXISTS (SELECT 1 FROM task_instance AS t
        WHERE t.tenant_id = $1 AND t.run_key = $2 AND t.node = a.node AND t.map_index = a.map_index
        OFFSET 0)
GROUP BY a.node, a.map_index
ORDER BY a.node, a.map_index
;

-- state::FETCH
SELECT value FROM task_state
WHERE tenant_id = $1 AND run_key = $2 AND node = $3 AND map_index = $4 AND key = $5
    AND (expires_at IS NULL OR expires_at > $6)
;

-- state::KEYS
SELECT key FROM task_state
WHERE tenant_id = $1 AND run_key = $2 AND node = $3 AND map_index = $4 AND key >= $5 AND key < $6
    AND (expires_at IS NULL OR expires_at > $7)
ORDER BY key
;

-- state::IS_RUNNING
SELECT count(*) FROM task_instance
WHERE tenant_id = $1 AND run_key = $2 AND node = $3 AND map_index = $4 AND state = 'running' AND fence = $5
    AND try_number = $6
;

-- state::PUT
WITH holder AS MATERIALIZED (
    SELECT 1 FROM task_instance
    WHERE tenant_id = $1 AND run_key = $2 AND node = $3 AND map_index = $4 AND state = 'running' AND fence = $5
        AND try_number = $6 AND NOT EXISTS (SELECT 1 FROM server AS v
            WHERE v.id = task_instance.worker AND (v.is_gone OR v.lease_until <= clock_timestamp()))
    FOR NO KEY UPDATE)
INSERT INTO task_state (tenant_id, run_key, node, map_index, key, value, updated_at, expires_at)
SELECT $1, $2, $3, $4, $7, $8, $9, $10
FROM holder
WHERE EXISTS (SELECT 1 FROM task_state
        WHERE tenant_id = $1 AND run_key = $2 AND node = $3 AND map_index = $4 AND key = $7)
    OR (SELECT count(*) FROM task_state
        WHERE tenant_id = $1 AND run_key = $2 AND node = $3 AND map_index = $4) < $11
ON CONFLICT (tenant_id, run_key, node, map_index, key) DO UPDATE
SET value = excluded.value, updated_at = excluded.updated_at, expires_at = excluded.expires_at
;

-- state::DELETE_EXPIRED
DELETE FROM task_state
WHERE tenant_id = $1 AND run_key = $2 AND node = $3 AND map_index = $4 AND expires_at <= $5
;

-- state::DELETE
WITH holder AS MATERIALIZED (
    SELECT 1 FROM task_instance
    WHERE tenant_id = $1 AND run_key = $2 AND node = $3 AND map_index = $4 AND state = 'running' AND fence = $5
        AND try_number = $6
    FOR NO KEY UPDATE)
DELETE FROM task_state
USING holder
WHERE tenant_id = $1 AND run_key = $2 AND node = $3 AND map_index = $4 AND key = $7
;

-- task_instance::COUNTS
SELECT node, state, count(*) AS instances
FROM task_instance
WHERE tenant_id = $1 AND run_key = $2
GROUP BY node, state
ORDER BY node, state
;

-- task_node::LIST
SELECT node, task_id, map_length, list_length
FROM task_node
WHERE tenant_id = $1 AND run_key = $2
ORDER BY node
;

-- task_node::MAP_LENGTH
SELECT map_length FROM task_node WHERE tenant_id = $1 AND run_key = $2 AND node = $3
;

-- value::FETCH
SELECT node, map_index, key, created_at, size_bytes, digest, value
FROM xcom
WHERE tenant_id = $1 AND run_key = $2 AND node = $3 AND map_index = $4 AND key = $5
;

-- value::PAGE
WITH size (map_index, bytes) AS (
    SELECT map_index, CASE WHEN digest IS NULL THEN size_bytes ELSE 0 END
    FROM xcom
    WHERE tenant_id = $1 AND run_key = $2 AND node = $3 AND map_index > $4 AND key = $5
    ORDER BY map_index
    LIMIT $6),
fit (map_index, bytes_before) AS (
    SELECT map_index, (sum(bytes) OVER (ORDER BY map_index) - bytes)::bigint FROM size)
SELECT x.node, x.map_index, x.key, x.created_at, x.size_bytes, x.digest, x.value
FROM fit
CROSS JOIN LATERAL (
    SELECT * FROM xcom
    WHERE tenant_id = $1 AND run_key = $2 AND node = $3 AND map_index = fit.map_index AND key = $5
    OFFSET 0) AS x
WHERE fit.bytes_before < $7 OR fit.bytes_before = 0
ORDER BY fit.map_index
;

-- value::INDEXES
SELECT map_index FROM xcom
WHERE tenant_id = $1 AND run_key = $2 AND node = $3 AND map_index > $4 AND key = $5
ORDER BY map_index
LIMIT $6
;

-- value::COUNT
SELECT count(*) FROM xcom
WHERE tenant_id = $1 AND run_key = $2 AND node = $3 AND map_index >= 0 AND key = $4
;

-- value::LIST
SELECT node, map_index, key, created_at, size_bytes, digest, value
FROM xcom
WHERE tenant_id = $1 AND run_key = $2 AND node = $3 AND map_index = $4
ORDER BY key
;

-- shared::NOT_OWNED
SELECT e.shard
FROM unnest($1::integer[]) AS e (shard)
WHERE NOT EXISTS (SELECT 1 FROM shard AS s JOIN server AS v ON v.id = s.owner
    WHERE s.shard = e.shard AND s.owner = $2 AND s.epoch <= $3 AND NOT v.is_gone AND v.lease_until > clock_timestamp())
ORDER BY e.shard
;

-- work::REPORT
WITH ended AS (
    DELETE FROM work AS w
    USING (SELECT * FROM unnest($2::bigint[], $3::uuid[], $4::integer[], $5::integer[], $6::bigint[], $7::text[])
        AS u (tenant_id, run_key, node, map_index, fence, report) LIMIT cardinality($2)) AS e
    WHERE w.tenant_id = e.tenant_id AND w.run_key = e.run_key AND w.node = e.node AND w.map_index = e.map_index
        AND w.fence = e.fence AND w.holder = $1
    RETURNING w.shard, w.tenant_id, w.run_key, w.node, w.map_index, w.try_number, w.fence, e.report)
INSERT INTO event (shard, tenant_id, run_key, node, map_index, try_number, fence, report)
SELECT shard, tenant_id, run_key, node, map_index, try_number, fence, report
FROM ended
;

-- work::HELD
SELECT tenant_id, run_key, node, map_index, try_number, fence FROM work WHERE holder = $1
;

-- work::LEASE
SELECT lease_until > clock_timestamp() AS has_lease, is_gone FROM server WHERE id = $1 FOR SHARE
;

-- work::OF_RUN
SELECT w.tenant_id, w.run_key, w.node, w.map_index, w.try_number, w.fence, w.holder, coalesce(v.is_gone, w.holder IS NOT NULL) AS is_lost
FROM work AS w LEFT JOIN server AS v ON v.id = w.holder
WHERE w.tenant_id = $1 AND w.run_key = $2
UNION ALL
SELECT v.tenant_id, v.run_key, v.node, v.map_index, v.try_number, v.fence, NULL, false
FROM event AS v
WHERE v.tenant_id = $1 AND v.run_key = $2 AND v.report IS NOT NULL
;

-- dag_run::INSERT_RUNS
INSERT INTO dag_run (tenant_id, key, dag_id, run_id, run_type, run_after, queued_at, logical_date, interval_from, interval_to)
SELECT e.tenant_id, e.run_key, e.dag_id, e.run_id, e.run_type, e.run_after, e.queued_at, e.logical_date, e.interval_from,
    e.interval_to
FROM (SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::text[], $16::text[], $17::text[], $18::text[]) AS u (tenant_id, run_key, dag_id, run_id, version, run_type, state, run_after, queued_at, logical_date, interval_from, interval_to, started_at, ended_at, conf, params, triggered_by, note) LIMIT cardinality($1)) AS e
ON CONFLICT DO NOTHING
;

-- dag_run::INSERT_STATES
INSERT INTO dag_run_state (tenant_id, run_key, version, state, started_at, ended_at)
SELECT e.tenant_id, e.run_key, e.version, e.state, e.started_at, e.ended_at
FROM (SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::text[], $16::text[], $17::text[], $18::text[]) AS u (tenant_id, run_key, dag_id, run_id, version, run_type, state, run_after, queued_at, logical_date, interval_from, interval_to, started_at, ended_at, conf, params, triggered_by, note) LIMIT cardinality($1)) AS e
ON CONFLICT DO NOTHING
;

-- dag_run::INSERT_INPUTS
INSERT INTO dag_run_input (tenant_id, run_key, conf, params, triggered_by, note)
SELECT e.tenant_id, e.run_key, e.conf, e.params, e.triggered_by, e.note
FROM (SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::text[], $16::text[], $17::text[], $18::text[]) AS u (tenant_id, run_key, dag_id, run_id, version, run_type, state, run_after, queued_at, logical_date, interval_from, interval_to, started_at, ended_at, conf, params, triggered_by, note) LIMIT cardinality($1)) AS e
ON CONFLICT DO NOTHING
;

-- dag_run::INSERT_NODES
INSERT INTO task_node (tenant_id, run_key, node, task_id, map_length)
SELECT e.tenant_id, e.run_key, e.node, e.task_id, e.map_length
FROM (SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::integer[], $4::text[], $5::bigint[]) AS u (tenant_id, run_key, node, task_id, map_length) LIMIT cardinality($1)) AS e
ON CONFLICT DO NOTHING
;

-- ended::END_EXECUTIONS
WITH ended AS (
    UPDATE task_instance AS t
    SET state = e.state, reason = e.message, ended_at = CASE WHEN e.state <> 'scheduled' THEN e.ended_at END,
        scheduled_at = CASE WHEN e.state = 'scheduled' THEN e.ended_at ELSE t.scheduled_at END, retry_at = e.retry_at,
        lost_executions = e.lost_executions, suspect = e.suspect, has_value = e.has_value
    FROM (SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::integer[], $4::integer[], $5::integer[], $6::bigint[], $7::text[], $8::bigint[], $9::integer[], $10::boolean[], $11::boolean[], $12::bigint[], $13::bigint[], $14::text[], $15::bigint[], $16::bigint[], $17::bigint[], $18::text[]) AS u (tenant_id, run_key, node, map_index, try_number, fence, state, retry_at, lost_executions, suspect, has_value, started_at, ended_at, end_kind, wall_us, cpu_us, memory_bytes, message) LIMIT cardinality($1)) AS e
    WHERE t.tenant_id = e.tenant_id AND t.run_key = e.run_key AND t.node = e.node AND t.map_index = e.map_index
        AND t.state IN ('running', 'queued') AND t.fence = e.fence AND t.try_number = e.try_number
    RETURNING e.*)
INSERT INTO attempt (tenant_id, run_key, node, map_index, try_number, fence, version, started_at, ended_at, end_kind, wall_us,
    cpu_us, memory_bytes, message)
SELECT e.tenant_id, e.run_key, e.node, e.map_index, e.try_number, e.fence, s.version, e.started_at, e.ended_at, e.end_kind,
    e.wall_us, e.cpu_us, e.memory_bytes, e.message
FROM ended AS e
JOIN dag_run_state AS s ON s.tenant_id = e.tenant_id AND s.run_key = e.run_key
ON CONFLICT DO NOTHING
;

-- ended::DELETE_WORK
DELETE FROM work AS w
USING (SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::integer[], $4::integer[], $5::integer[], $6::bigint[], $7::text[], $8::bigint[], $9::integer[], $10::boolean[], $11::boolean[], $12::bigint[], $13::bigint[], $14::text[], $15::bigint[], $16::bigint[], $17::bigint[], $18::text[]) AS u (tenant_id, run_key, node, map_index, try_number, fence, state, retry_at, lost_executions, suspect, has_value, started_at, ended_at, end_kind, wall_us, cpu_us, memory_bytes, message) LIMIT cardinality($1)) AS e
WHERE w.tenant_id = e.tenant_id AND w.run_key = e.run_key AND w.node = e.node AND w.map_index = e.map_index
    AND w.fence = e.fence
;

-- ended::UPSERT_XCOMS
INSERT INTO xcom (tenant_id, run_key, node, map_index, key, created_at, size_bytes, digest, value)
SELECT e.tenant_id, e.run_key, e.node, e.map_index, e.key, e.created_at, e.size_bytes, e.digest, e.value
FROM (SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::integer[], $4::integer[], $5::text[], $6::bigint[], $7::bigint[], $8::bytea[], $9::text[]) AS u (tenant_id, run_key, node, map_index, key, created_at, size_bytes, digest, value) LIMIT cardinality($1)) AS e
ON CONFLICT (tenant_id, run_key, node, map_index, key) DO UPDATE
SET created_at = excluded.created_at, size_bytes = excluded.size_bytes, digest = excluded.digest, value = excluded.value
;

-- ended::UPDATE_LIST_LENGTHS
UPDATE task_node AS n
SET list_length = e.list_length
FROM (SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::integer[], $4::bigint[]) AS u (tenant_id, run_key, node, list_length) LIMIT cardinality($1)) AS e
WHERE n.tenant_id = e.tenant_id AND n.run_key = e.run_key AND n.node = e.node
;

-- task_instance::UPDATE_MAP_LENGTHS
UPDATE task_node AS n
SET map_length = e.map_length
FROM (SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::integer[], $4::bigint[]) AS u (tenant_id, run_key, node, map_length) LIMIT cardinality($1)) AS e
WHERE n.tenant_id = e.tenant_id AND n.run_key = e.run_key AND n.node = e.node
;

-- task_instance::DELETE_SUMMARIES
DELETE FROM task_instance AS t
USING (SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::integer[], $4::bigint[]) AS u (tenant_id, run_key, node, map_length) LIMIT cardinality($1)) AS e
WHERE e.map_length > 0 AND t.tenant_id = e.tenant_id AND t.run_key = e.run_key AND t.node = e.node AND t.map_index = -1
    AND t.state <> 'running'
;

-- task_instance::INSERT_INSTANCES
INSERT INTO task_instance (tenant_id, run_key, node, map_index, state, try_number, max_tries, scheduled_at, ended_at, reason)
SELECT e.tenant_id, e.run_key, e.node, i.map_index, e.state, e.try_number, e.max_tries, e.scheduled_at, e.ended_at, e.reason
FROM (SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::integer[], $4::integer[], $5::integer[], $6::text[], $7::integer[], $8::integer[], $9::bigint[], $10::bigint[], $11::text[]) AS u (tenant_id, run_key, node, first, last, state, try_number, max_tries, scheduled_at, ended_at, reason) LIMIT cardinality($1)) AS e
CROSS JOIN LATERAL generate_series(e.first, e.last) AS i (map_index)
ON CONFLICT DO NOTHING
;

-- task_instance::UPDATE_INSTANCES
UPDATE task_instance AS t
SET state = e.state, try_number = coalesce(e.try_number, t.try_number), reason = e.reason,
    scheduled_at = coalesce(e.scheduled_at, t.scheduled_at), ended_at = e.ended_at, retry_at = NULL
FROM (SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::integer[], $4::integer[], $5::integer[], $6::text[], $7::integer[], $8::text[], $9::bigint[], $10::bigint[]) AS u (tenant_id, run_key, node, first, last, state, try_number, reason, scheduled_at, ended_at) LIMIT cardinality($1)) AS e
WHERE t.tenant_id = e.tenant_id AND t.run_key = e.run_key AND t.node = e.node AND t.map_index BETWEEN e.first AND e.last
    AND t.state <> 'running' AND t.state <> e.state
;

-- claim::UPDATE_INSTANCES
UPDATE task_instance AS t
SET state = 'running', fence = e.fence, worker = e.worker, started_at = e.started_at, ended_at = NULL, retry_at = NULL,
    reason = NULL
FROM (SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::integer[], $4::integer[], $5::bigint[], $6::uuid[], $7::bigint[]) AS u (tenant_id, run_key, node, map_index, fence, worker, started_at) LIMIT cardinality($1)) AS e
WHERE t.tenant_id = e.tenant_id AND t.run_key = e.run_key AND t.node = e.node AND t.map_index = e.map_index
    AND t.state = 'scheduled' AND t.fence < e.fence
;

-- dag_run::UPDATE_STATES
UPDATE dag_run_state AS s
SET state = e.state, reason = e.reason, started_at = coalesce(s.started_at, e.started_at), ended_at = e.ended_at
FROM (SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::bigint[]) AS u (tenant_id, run_key, state, reason, started_at, ended_at) LIMIT cardinality($1)) AS e
WHERE s.tenant_id = e.tenant_id AND s.run_key = e.run_key AND s.state IN ('queued', 'running')
;

-- dag::fetch_query
SELECT d.is_stale, d.is_paused, d.created_at, d.updated_at, d.bundle AS dag_bundle, v.key AS version, v.dag_id,
    v.version_number, v.digest, b.component, v.document, v.label, b.name AS bundle, v.bundle_version,
    v.created_at AS version_created_at FROM dag AS d
CROSS JOIN LATERAL (SELECT * FROM dag_version AS v WHERE v.tenant_id = d.tenant_id AND v.key = d.current OFFSET 0) AS v
CROSS JOIN LATERAL (
    SELECT * FROM bundle_version AS b WHERE b.tenant_id = v.tenant_id AND b.key = v.bundle_version OFFSET 0) AS b WHERE d.tenant_id = $1 AND d.dag_id = $2
;

-- dag::list_query
SELECT d.is_stale, d.is_paused, d.created_at, d.updated_at, d.bundle AS dag_bundle, v.key AS version, v.dag_id,
    v.version_number, v.digest, b.component, v.document, v.label, b.name AS bundle, v.bundle_version,
    v.created_at AS version_created_at FROM (SELECT * FROM dag AS d WHERE d.tenant_id = $1 AND NOT d.is_stale ORDER BY d.dag_id ASC LIMIT $2 OFFSET $3) AS d
CROSS JOIN LATERAL (SELECT * FROM dag_version AS v WHERE v.tenant_id = d.tenant_id AND v.key = d.current OFFSET 0) AS v
CROSS JOIN LATERAL (
    SELECT * FROM bundle_version AS b WHERE b.tenant_id = v.tenant_id AND b.key = v.bundle_version OFFSET 0) AS b ORDER BY d.dag_id ASC
;

-- dag::list_query by tag
SELECT d.is_stale, d.is_paused, d.created_at, d.updated_at, d.bundle AS dag_bundle, v.key AS version, v.dag_id,
    v.version_number, v.digest, b.component, v.document, v.label, b.name AS bundle, v.bundle_version,
    v.created_at AS version_created_at FROM (SELECT * FROM dag AS d WHERE d.tenant_id = $1 AND NOT d.is_stale AND (SELECT count(*) FROM dag_tag AS g WHERE g.tenant_id = d.tenant_id AND g.dag_id = d.dag_id AND g.tag IN ($2)) >= $3 ORDER BY d.dag_id ASC LIMIT $4 OFFSET $5) AS d
CROSS JOIN LATERAL (SELECT * FROM dag_version AS v WHERE v.tenant_id = d.tenant_id AND v.key = d.current OFFSET 0) AS v
CROSS JOIN LATERAL (
    SELECT * FROM bundle_version AS b WHERE b.tenant_id = v.tenant_id AND b.key = v.bundle_version OFFSET 0) AS b ORDER BY d.dag_id ASC
;

-- dag::list_query of a bundle
SELECT d.is_stale, d.is_paused, d.created_at, d.updated_at, d.bundle AS dag_bundle, v.key AS version, v.dag_id,
    v.version_number, v.digest, b.component, v.document, v.label, b.name AS bundle, v.bundle_version,
    v.created_at AS version_created_at FROM (SELECT * FROM dag AS d WHERE d.tenant_id = $1 AND d.bundle = $2 AND NOT d.is_stale ORDER BY d.dag_id ASC LIMIT $3 OFFSET $4) AS d
CROSS JOIN LATERAL (SELECT * FROM dag_version AS v WHERE v.tenant_id = d.tenant_id AND v.key = d.current OFFSET 0) AS v
CROSS JOIN LATERAL (
    SELECT * FROM bundle_version AS b WHERE b.tenant_id = v.tenant_id AND b.key = v.bundle_version OFFSET 0) AS b ORDER BY d.dag_id ASC
;

-- dag::count_query
SELECT count(*) FROM (SELECT 1 FROM dag AS d WHERE d.tenant_id = $1 AND NOT d.is_stale LIMIT $2) AS counted
;

-- dag_run::fetch_query
SELECT r.key, r.dag_id, r.run_id, r.version, v.version_number, b.name AS bundle, r.run_type, r.state, r.reason, i.conf,
    i.params, i.note, i.triggered_by, r.logical_date, r.interval_from, r.interval_to, r.run_after, r.queued_at, r.started_at,
    r.ended_at, r.clears
FROM (SELECT r.tenant_id, r.key, r.dag_id, r.run_id, r.run_type, r.logical_date, r.interval_from, r.interval_to, r.run_after,
    r.queued_at, s.version, s.state, s.reason, s.started_at, s.ended_at, s.clears
FROM dag_run AS r
CROSS JOIN LATERAL (
    SELECT * FROM dag_run_state AS s WHERE s.tenant_id = r.tenant_id AND s.run_key = r.key OFFSET 0) AS s
WHERE r.tenant_id = $1 AND r.dag_id = $2 AND r.run_id = $3 OFFSET 0) AS r
CROSS JOIN LATERAL (
    SELECT * FROM dag_run_input AS i WHERE i.tenant_id = r.tenant_id AND i.run_key = r.key OFFSET 0) AS i
CROSS JOIN LATERAL (SELECT * FROM dag_version AS v WHERE v.tenant_id = r.tenant_id AND v.key = r.version OFFSET 0) AS v
CROSS JOIN LATERAL (
    SELECT * FROM bundle_version AS b WHERE b.tenant_id = r.tenant_id AND b.key = v.bundle_version OFFSET 0) AS b
;

-- dag_run::fetch_by_key_query
SELECT r.key, r.dag_id, r.run_id, r.version, v.version_number, b.name AS bundle, r.run_type, r.state, r.reason, i.conf,
    i.params, i.note, i.triggered_by, r.logical_date, r.interval_from, r.interval_to, r.run_after, r.queued_at, r.started_at,
    r.ended_at, r.clears
FROM (SELECT r.tenant_id, r.key, r.dag_id, r.run_id, r.run_type, r.logical_date, r.interval_from, r.interval_to, r.run_after,
    r.queued_at, s.version, s.state, s.reason, s.started_at, s.ended_at, s.clears
FROM dag_run AS r
CROSS JOIN LATERAL (
    SELECT * FROM dag_run_state AS s WHERE s.tenant_id = r.tenant_id AND s.run_key = r.key OFFSET 0) AS s
WHERE r.tenant_id = $1 AND r.key = $2 OFFSET 0) AS r
CROSS JOIN LATERAL (
    SELECT * FROM dag_run_input AS i WHERE i.tenant_id = r.tenant_id AND i.run_key = r.key OFFSET 0) AS i
CROSS JOIN LATERAL (SELECT * FROM dag_version AS v WHERE v.tenant_id = r.tenant_id AND v.key = r.version OFFSET 0) AS v
CROSS JOIN LATERAL (
    SELECT * FROM bundle_version AS b WHERE b.tenant_id = r.tenant_id AND b.key = v.bundle_version OFFSET 0) AS b
;

-- dag_run::list_query
SELECT r.key, r.dag_id, r.run_id, r.version, v.version_number, b.name AS bundle, r.run_type, r.state, r.reason, i.conf,
    i.params, i.note, i.triggered_by, r.logical_date, r.interval_from, r.interval_to, r.run_after, r.queued_at, r.started_at,
    r.ended_at, r.clears
FROM (SELECT r.tenant_id, r.key, r.dag_id, r.run_id, r.run_type, r.logical_date, r.interval_from, r.interval_to, r.run_after,
    r.queued_at, s.version, s.state, s.reason, s.started_at, s.ended_at, s.clears
FROM dag_run AS r
CROSS JOIN LATERAL (
    SELECT * FROM dag_run_state AS s WHERE s.tenant_id = r.tenant_id AND s.run_key = r.key OFFSET 0) AS s
WHERE r.tenant_id = $1 ORDER BY r.key ASC LIMIT $2 OFFSET $3) AS r
CROSS JOIN LATERAL (
    SELECT * FROM dag_run_input AS i WHERE i.tenant_id = r.tenant_id AND i.run_key = r.key OFFSET 0) AS i
CROSS JOIN LATERAL (SELECT * FROM dag_version AS v WHERE v.tenant_id = r.tenant_id AND v.key = r.version OFFSET 0) AS v
CROSS JOIN LATERAL (
    SELECT * FROM bundle_version AS b WHERE b.tenant_id = r.tenant_id AND b.key = v.bundle_version OFFSET 0) AS b ORDER BY r.key ASC
;

-- dag_run::list_query of a DAG
SELECT r.key, r.dag_id, r.run_id, r.version, v.version_number, b.name AS bundle, r.run_type, r.state, r.reason, i.conf,
    i.params, i.note, i.triggered_by, r.logical_date, r.interval_from, r.interval_to, r.run_after, r.queued_at, r.started_at,
    r.ended_at, r.clears
FROM (SELECT r.tenant_id, r.key, r.dag_id, r.run_id, r.run_type, r.logical_date, r.interval_from, r.interval_to, r.run_after,
    r.queued_at, s.version, s.state, s.reason, s.started_at, s.ended_at, s.clears
FROM dag_run AS r
CROSS JOIN LATERAL (
    SELECT * FROM dag_run_state AS s WHERE s.tenant_id = r.tenant_id AND s.run_key = r.key OFFSET 0) AS s
WHERE r.tenant_id = $1 AND r.dag_id = $2 ORDER BY r.key ASC LIMIT $3 OFFSET $4) AS r
CROSS JOIN LATERAL (
    SELECT * FROM dag_run_input AS i WHERE i.tenant_id = r.tenant_id AND i.run_key = r.key OFFSET 0) AS i
CROSS JOIN LATERAL (SELECT * FROM dag_version AS v WHERE v.tenant_id = r.tenant_id AND v.key = r.version OFFSET 0) AS v
CROSS JOIN LATERAL (
    SELECT * FROM bundle_version AS b WHERE b.tenant_id = r.tenant_id AND b.key = v.bundle_version OFFSET 0) AS b ORDER BY r.key ASC
;

-- dag_run::list_query unfinished
SELECT r.key, r.dag_id, r.run_id, r.version, v.version_number, b.name AS bundle, r.run_type, r.state, r.reason, i.conf,
    i.params, i.note, i.triggered_by, r.logical_date, r.interval_from, r.interval_to, r.run_after, r.queued_at, r.started_at,
    r.ended_at, r.clears
FROM (SELECT r.tenant_id, r.key, r.dag_id, r.run_id, r.run_type, r.logical_date, r.interval_from, r.interval_to, r.run_after,
    r.queued_at, s.version, s.state, s.reason, s.started_at, s.ended_at, s.clears
FROM dag_run_state AS s
CROSS JOIN LATERAL (SELECT * FROM dag_run AS r WHERE r.tenant_id = s.tenant_id AND r.key = s.run_key OFFSET 0) AS r
WHERE s.tenant_id = $1 AND s.state IN ('queued', 'running') AND s.state IN ($2, $3) ORDER BY s.run_key ASC LIMIT $4 OFFSET $5) AS r
CROSS JOIN LATERAL (
    SELECT * FROM dag_run_input AS i WHERE i.tenant_id = r.tenant_id AND i.run_key = r.key OFFSET 0) AS i
CROSS JOIN LATERAL (SELECT * FROM dag_version AS v WHERE v.tenant_id = r.tenant_id AND v.key = r.version OFFSET 0) AS v
CROSS JOIN LATERAL (
    SELECT * FROM bundle_version AS b WHERE b.tenant_id = r.tenant_id AND b.key = v.bundle_version OFFSET 0) AS b ORDER BY r.key ASC
;

-- dag_run::list_query failed
SELECT r.key, r.dag_id, r.run_id, r.version, v.version_number, b.name AS bundle, r.run_type, r.state, r.reason, i.conf,
    i.params, i.note, i.triggered_by, r.logical_date, r.interval_from, r.interval_to, r.run_after, r.queued_at, r.started_at,
    r.ended_at, r.clears
FROM (SELECT r.tenant_id, r.key, r.dag_id, r.run_id, r.run_type, r.logical_date, r.interval_from, r.interval_to, r.run_after,
    r.queued_at, s.version, s.state, s.reason, s.started_at, s.ended_at, s.clears
FROM dag_run_state AS s
CROSS JOIN LATERAL (SELECT * FROM dag_run AS r WHERE r.tenant_id = s.tenant_id AND r.key = s.run_key OFFSET 0) AS r
WHERE s.tenant_id = $1 AND s.state = 'failed' AND s.state IN ($2) ORDER BY s.run_key ASC LIMIT $3 OFFSET $4) AS r
CROSS JOIN LATERAL (
    SELECT * FROM dag_run_input AS i WHERE i.tenant_id = r.tenant_id AND i.run_key = r.key OFFSET 0) AS i
CROSS JOIN LATERAL (SELECT * FROM dag_version AS v WHERE v.tenant_id = r.tenant_id AND v.key = r.version OFFSET 0) AS v
CROSS JOIN LATERAL (
    SELECT * FROM bundle_version AS b WHERE b.tenant_id = r.tenant_id AND b.key = v.bundle_version OFFSET 0) AS b ORDER BY r.key ASC
;

-- dag_run::list_query by run after
SELECT r.key, r.dag_id, r.run_id, r.version, v.version_number, b.name AS bundle, r.run_type, r.state, r.reason, i.conf,
    i.params, i.note, i.triggered_by, r.logical_date, r.interval_from, r.interval_to, r.run_after, r.queued_at, r.started_at,
    r.ended_at, r.clears
FROM (SELECT r.tenant_id, r.key, r.dag_id, r.run_id, r.run_type, r.logical_date, r.interval_from, r.interval_to, r.run_after,
    r.queued_at, s.version, s.state, s.reason, s.started_at, s.ended_at, s.clears
FROM dag_run AS r
CROSS JOIN LATERAL (
    SELECT * FROM dag_run_state AS s WHERE s.tenant_id = r.tenant_id AND s.run_key = r.key OFFSET 0) AS s
WHERE r.tenant_id = $1 ORDER BY r.run_after DESC, r.key DESC LIMIT $2 OFFSET $3) AS r
CROSS JOIN LATERAL (
    SELECT * FROM dag_run_input AS i WHERE i.tenant_id = r.tenant_id AND i.run_key = r.key OFFSET 0) AS i
CROSS JOIN LATERAL (SELECT * FROM dag_version AS v WHERE v.tenant_id = r.tenant_id AND v.key = r.version OFFSET 0) AS v
CROSS JOIN LATERAL (
    SELECT * FROM bundle_version AS b WHERE b.tenant_id = r.tenant_id AND b.key = v.bundle_version OFFSET 0) AS b ORDER BY r.run_after DESC, r.key DESC
;

-- dag_run::list_query of a DAG by run after
SELECT r.key, r.dag_id, r.run_id, r.version, v.version_number, b.name AS bundle, r.run_type, r.state, r.reason, i.conf,
    i.params, i.note, i.triggered_by, r.logical_date, r.interval_from, r.interval_to, r.run_after, r.queued_at, r.started_at,
    r.ended_at, r.clears
FROM (SELECT r.tenant_id, r.key, r.dag_id, r.run_id, r.run_type, r.logical_date, r.interval_from, r.interval_to, r.run_after,
    r.queued_at, s.version, s.state, s.reason, s.started_at, s.ended_at, s.clears
FROM dag_run AS r
CROSS JOIN LATERAL (
    SELECT * FROM dag_run_state AS s WHERE s.tenant_id = r.tenant_id AND s.run_key = r.key OFFSET 0) AS s
WHERE r.tenant_id = $1 AND r.dag_id = $2 ORDER BY r.run_after DESC, r.key DESC LIMIT $3 OFFSET $4) AS r
CROSS JOIN LATERAL (
    SELECT * FROM dag_run_input AS i WHERE i.tenant_id = r.tenant_id AND i.run_key = r.key OFFSET 0) AS i
CROSS JOIN LATERAL (SELECT * FROM dag_version AS v WHERE v.tenant_id = r.tenant_id AND v.key = r.version OFFSET 0) AS v
CROSS JOIN LATERAL (
    SELECT * FROM bundle_version AS b WHERE b.tenant_id = r.tenant_id AND b.key = v.bundle_version OFFSET 0) AS b ORDER BY r.run_after DESC, r.key DESC
;

-- dag_run::list_query by run id
SELECT r.key, r.dag_id, r.run_id, r.version, v.version_number, b.name AS bundle, r.run_type, r.state, r.reason, i.conf,
    i.params, i.note, i.triggered_by, r.logical_date, r.interval_from, r.interval_to, r.run_after, r.queued_at, r.started_at,
    r.ended_at, r.clears
FROM (SELECT r.tenant_id, r.key, r.dag_id, r.run_id, r.run_type, r.logical_date, r.interval_from, r.interval_to, r.run_after,
    r.queued_at, s.version, s.state, s.reason, s.started_at, s.ended_at, s.clears
FROM dag_run AS r
CROSS JOIN LATERAL (
    SELECT * FROM dag_run_state AS s WHERE s.tenant_id = r.tenant_id AND s.run_key = r.key OFFSET 0) AS s
WHERE r.tenant_id = $1 AND r.dag_id = $2 ORDER BY r.run_id ASC, r.key ASC LIMIT $3 OFFSET $4) AS r
CROSS JOIN LATERAL (
    SELECT * FROM dag_run_input AS i WHERE i.tenant_id = r.tenant_id AND i.run_key = r.key OFFSET 0) AS i
CROSS JOIN LATERAL (SELECT * FROM dag_version AS v WHERE v.tenant_id = r.tenant_id AND v.key = r.version OFFSET 0) AS v
CROSS JOIN LATERAL (
    SELECT * FROM bundle_version AS b WHERE b.tenant_id = r.tenant_id AND b.key = v.bundle_version OFFSET 0) AS b ORDER BY r.run_id ASC, r.key ASC
;

-- dag_run::list_query by everything
SELECT r.key, r.dag_id, r.run_id, r.version, v.version_number, b.name AS bundle, r.run_type, r.state, r.reason, i.conf,
    i.params, i.note, i.triggered_by, r.logical_date, r.interval_from, r.interval_to, r.run_after, r.queued_at, r.started_at,
    r.ended_at, r.clears
FROM (SELECT r.tenant_id, r.key, r.dag_id, r.run_id, r.run_type, r.logical_date, r.interval_from, r.interval_to, r.run_after,
    r.queued_at, s.version, s.state, s.reason, s.started_at, s.ended_at, s.clears
FROM dag_run AS r
CROSS JOIN LATERAL (
    SELECT * FROM dag_run_state AS s WHERE s.tenant_id = r.tenant_id AND s.run_key = r.key OFFSET 0) AS s
WHERE r.tenant_id = $1 AND r.dag_id = $2 AND r.run_type IN ($3) AND r.run_id ILIKE $4 ESCAPE '\' AND s.version IN (SELECT key FROM dag_version WHERE tenant_id = $5 AND dag_id = $6 AND version_number = $7) ORDER BY s.started_at ASC NULLS LAST, r.key ASC LIMIT $8 OFFSET $9) AS r
CROSS JOIN LATERAL (
    SELECT * FROM dag_run_input AS i WHERE i.tenant_id = r.tenant_id AND i.run_key = r.key OFFSET 0) AS i
CROSS JOIN LATERAL (SELECT * FROM dag_version AS v WHERE v.tenant_id = r.tenant_id AND v.key = r.version OFFSET 0) AS v
CROSS JOIN LATERAL (
    SELECT * FROM bundle_version AS b WHERE b.tenant_id = r.tenant_id AND b.key = v.bundle_version OFFSET 0) AS b ORDER BY r.started_at ASC NULLS LAST, r.key ASC
;

-- dag_run::count_query
SELECT count(*) FROM (SELECT 1
FROM dag_run AS r
CROSS JOIN LATERAL (
    SELECT * FROM dag_run_state AS s WHERE s.tenant_id = r.tenant_id AND s.run_key = r.key OFFSET 0) AS s
WHERE r.tenant_id = $1 LIMIT $2) AS counted
;

-- dag_run::count_query of a DAG
SELECT count(*) FROM (SELECT 1
FROM dag_run AS r
CROSS JOIN LATERAL (
    SELECT * FROM dag_run_state AS s WHERE s.tenant_id = r.tenant_id AND s.run_key = r.key OFFSET 0) AS s
WHERE r.tenant_id = $1 AND r.dag_id = $2 LIMIT $3) AS counted
;

-- task_instance::list_query
SELECT t.run_key, t.node, t.map_index, r.dag_id, r.run_id, n.task_id, t.state, t.reason, t.try_number, t.max_tries,
    n.map_length, s.version, v.version_number, t.worker, r.run_after, r.logical_date, t.scheduled_at, t.started_at, t.ended_at,
    t.retry_at
FROM (SELECT t.* FROM dag_run AS r CROSS JOIN LATERAL (SELECT * FROM task_instance AS t WHERE t.tenant_id = r.tenant_id AND t.run_key = r.key OFFSET 0) AS t WHERE r.tenant_id = $1 ORDER BY r.key ASC, t.node ASC, t.map_index ASC LIMIT $2 OFFSET $3) AS t
CROSS JOIN LATERAL (SELECT * FROM dag_run AS r WHERE r.tenant_id = t.tenant_id AND r.key = t.run_key OFFSET 0) AS r
CROSS JOIN LATERAL (
    SELECT * FROM dag_run_state AS s WHERE s.tenant_id = t.tenant_id AND s.run_key = t.run_key OFFSET 0) AS s
CROSS JOIN LATERAL (SELECT * FROM dag_version AS v WHERE v.tenant_id = s.tenant_id AND v.key = s.version OFFSET 0) AS v
CROSS JOIN LATERAL (
    SELECT * FROM task_node AS n WHERE n.tenant_id = t.tenant_id AND n.run_key = t.run_key AND n.node = t.node OFFSET 0) AS n ORDER BY t.run_key ASC, t.node ASC, t.map_index ASC
;

-- task_instance::list_query of a run
SELECT t.run_key, t.node, t.map_index, r.dag_id, r.run_id, n.task_id, t.state, t.reason, t.try_number, t.max_tries,
    n.map_length, s.version, v.version_number, t.worker, r.run_after, r.logical_date, t.scheduled_at, t.started_at, t.ended_at,
    t.retry_at
FROM (SELECT t.* FROM task_instance AS t WHERE t.tenant_id = $1 AND t.run_key = $2 ORDER BY t.run_key ASC, t.node ASC, t.map_index ASC LIMIT $3 OFFSET $4) AS t
CROSS JOIN LATERAL (SELECT * FROM dag_run AS r WHERE r.tenant_id = t.tenant_id AND r.key = t.run_key OFFSET 0) AS r
CROSS JOIN LATERAL (
    SELECT * FROM dag_run_state AS s WHERE s.tenant_id = t.tenant_id AND s.run_key = t.run_key OFFSET 0) AS s
CROSS JOIN LATERAL (SELECT * FROM dag_version AS v WHERE v.tenant_id = s.tenant_id AND v.key = s.version OFFSET 0) AS v
CROSS JOIN LATERAL (
    SELECT * FROM task_node AS n WHERE n.tenant_id = t.tenant_id AND n.run_key = t.run_key AND n.node = t.node OFFSET 0) AS n ORDER BY t.run_key ASC, t.node ASC, t.map_index ASC
;

-- task_instance::list_query of one
SELECT t.run_key, t.node, t.map_index, r.dag_id, r.run_id, n.task_id, t.state, t.reason, t.try_number, t.max_tries,
    n.map_length, s.version, v.version_number, t.worker, r.run_after, r.logical_date, t.scheduled_at, t.started_at, t.ended_at,
    t.retry_at
FROM (SELECT t.* FROM task_instance AS t WHERE t.tenant_id = $1 AND EXISTS (SELECT 1 FROM task_node AS n WHERE n.tenant_id = t.tenant_id AND n.run_key = t.run_key AND n.node = t.node AND n.task_id IN ($2) OFFSET 0) AND t.map_index IN ($3) AND t.run_key = $4 ORDER BY t.run_key ASC, t.node ASC, t.map_index ASC LIMIT $5 OFFSET $6) AS t
CROSS JOIN LATERAL (SELECT * FROM dag_run AS r WHERE r.tenant_id = t.tenant_id AND r.key = t.run_key OFFSET 0) AS r
CROSS JOIN LATERAL (
    SELECT * FROM dag_run_state AS s WHERE s.tenant_id = t.tenant_id AND s.run_key = t.run_key OFFSET 0) AS s
CROSS JOIN LATERAL (SELECT * FROM dag_version AS v WHERE v.tenant_id = s.tenant_id AND v.key = s.version OFFSET 0) AS v
CROSS JOIN LATERAL (
    SELECT * FROM task_node AS n WHERE n.tenant_id = t.tenant_id AND n.run_key = t.run_key AND n.node = t.node OFFSET 0) AS n ORDER BY t.run_key ASC, t.node ASC, t.map_index ASC
;

-- task_instance::list_query running
SELECT t.run_key, t.node, t.map_index, r.dag_id, r.run_id, n.task_id, t.state, t.reason, t.try_number, t.max_tries,
    n.map_length, s.version, v.version_number, t.worker, r.run_after, r.logical_date, t.scheduled_at, t.started_at, t.ended_at,
    t.retry_at
FROM (SELECT t.* FROM dag_run_state AS s CROSS JOIN LATERAL (SELECT * FROM task_instance AS t WHERE t.tenant_id = s.tenant_id AND t.run_key = s.run_key AND t.state IN ($1) OFFSET 0) AS t WHERE s.tenant_id = $2 AND s.state IN ('queued', 'running') ORDER BY s.run_key ASC, t.node ASC, t.map_index ASC LIMIT $3 OFFSET $4) AS t
CROSS JOIN LATERAL (SELECT * FROM dag_run AS r WHERE r.tenant_id = t.tenant_id AND r.key = t.run_key OFFSET 0) AS r
CROSS JOIN LATERAL (
    SELECT * FROM dag_run_state AS s WHERE s.tenant_id = t.tenant_id AND s.run_key = t.run_key OFFSET 0) AS s
CROSS JOIN LATERAL (SELECT * FROM dag_version AS v WHERE v.tenant_id = s.tenant_id AND v.key = s.version OFFSET 0) AS v
CROSS JOIN LATERAL (
    SELECT * FROM task_node AS n WHERE n.tenant_id = t.tenant_id AND n.run_key = t.run_key AND n.node = t.node OFFSET 0) AS n ORDER BY t.run_key ASC, t.node ASC, t.map_index ASC
;

-- task_instance::list_query of a DAG
SELECT t.run_key, t.node, t.map_index, r.dag_id, r.run_id, n.task_id, t.state, t.reason, t.try_number, t.max_tries,
    n.map_length, s.version, v.version_number, t.worker, r.run_after, r.logical_date, t.scheduled_at, t.started_at, t.ended_at,
    t.retry_at
FROM (SELECT t.* FROM dag_run AS r CROSS JOIN LATERAL (SELECT * FROM task_instance AS t WHERE t.tenant_id = r.tenant_id AND t.run_key = r.key OFFSET 0) AS t WHERE r.tenant_id = $1 AND r.dag_id = $2 ORDER BY r.key ASC, t.node ASC, t.map_index ASC LIMIT $3 OFFSET $4) AS t
CROSS JOIN LATERAL (SELECT * FROM dag_run AS r WHERE r.tenant_id = t.tenant_id AND r.key = t.run_key OFFSET 0) AS r
CROSS JOIN LATERAL (
    SELECT * FROM dag_run_state AS s WHERE s.tenant_id = t.tenant_id AND s.run_key = t.run_key OFFSET 0) AS s
CROSS JOIN LATERAL (SELECT * FROM dag_version AS v WHERE v.tenant_id = s.tenant_id AND v.key = s.version OFFSET 0) AS v
CROSS JOIN LATERAL (
    SELECT * FROM task_node AS n WHERE n.tenant_id = t.tenant_id AND n.run_key = t.run_key AND n.node = t.node OFFSET 0) AS n ORDER BY t.run_key ASC, t.node ASC, t.map_index ASC
;

-- task_instance::count_query of a run
SELECT count(*) FROM (SELECT 1 FROM task_instance AS t WHERE t.tenant_id = $1 AND t.run_key = $2 LIMIT $3) AS counted
;

