-- asset::UPSERT
INSERT INTO asset (tenant_id, name, uri, in_group, extra, created_at, updated_at)
SELECT $1, e.name, e.uri, e.in_group, e.extra, $2, $2
FROM unnest($3::text[], $4::text[], $5::text[], $6::text[]) AS e (name, uri, in_group, extra)
ON CONFLICT (tenant_id, name) DO UPDATE SET uri = excluded.uri, in_group = excluded.in_group, extra = excluded.extra,
    updated_at = excluded.updated_at
WHERE (asset.uri, asset.in_group, asset.extra) IS DISTINCT FROM (excluded.uri, excluded.in_group, excluded.extra)
;

-- asset::INSERT_NAMED
INSERT INTO asset (tenant_id, name, extra, created_at, updated_at)
SELECT $1, e.name, '{}', $2, $2
FROM unnest($3::text[]) AS e (name)
ON CONFLICT DO NOTHING
;

-- asset::DELETE_USERS
DELETE FROM asset_user WHERE tenant_id = $1 AND dag_id = $2
;

-- asset::INSERT_USERS
INSERT INTO asset_user (tenant_id, asset_id, kind, dag_id, task_id)
SELECT $1, a.id, e.kind, $2, e.task_id
FROM unnest($3::text[], $4::text[], $5::text[]) AS e (name, kind, task_id)
CROSS JOIN LATERAL (SELECT id FROM asset WHERE tenant_id = $1 AND name = e.name OFFSET 0) AS a
ON CONFLICT DO NOTHING
;

-- asset::INSERT_EVENT
INSERT INTO asset_event (tenant_id, asset_id, extra, at, told_by, dag_id, run_key, run_id, task_id, map_index)
SELECT $1, a.id, $3, $4, $5, $6, $7, $8, $9, $10
FROM asset AS a
WHERE a.tenant_id = $1 AND a.name = $2
RETURNING id
;

-- asset::INSERT_MET
WITH met AS (
    INSERT INTO event (shard, tenant_id, run_key, kind)
    SELECT DISTINCT $1::integer, w.tenant_id, w.run_key, 'met'
    FROM wait AS w
    WHERE w.tenant_id = $2 AND w.kind = 'asset' AND w.key = $3
    RETURNING id)
SELECT pg_notify('waft', $4) FROM met LIMIT 1
;

-- asset::FORGET_WAITING
DELETE FROM asset_waiting
WHERE tenant_id = $1 AND dag_id = $2 AND NOT EXISTS (
    SELECT 1
    FROM asset_event AS v
    JOIN asset_user AS u ON u.tenant_id = $1 AND u.asset_id = v.asset_id AND u.kind = 'awaited' AND u.dag_id = $2
    WHERE v.id = asset_waiting.event_id)
;

-- asset::FETCH
SELECT * FROM asset WHERE id = $2 AND tenant_id = $1
;

-- asset::FIND
SELECT * FROM asset WHERE tenant_id = $1 AND name = $2
;

-- asset::USERS
SELECT asset_id, kind, dag_id, task_id FROM asset_user
WHERE tenant_id = $1 AND asset_id = $2
ORDER BY kind, dag_id, task_id
;

-- asset_event::OF_RUN
SELECT v.id, v.asset_id, a.name, v.extra, v.at, v.told_by, v.dag_id, v.run_key, v.run_id, v.task_id, v.map_index
FROM asset_consumed AS c
JOIN asset_event AS v ON v.id = c.event_id
JOIN asset AS a ON a.id = v.asset_id
WHERE c.tenant_id = $1 AND c.run_key = $2
ORDER BY c.event_id
;

-- asset_event::RUNS
SELECT run_key FROM asset_consumed WHERE tenant_id = $1 AND event_id = $2 ORDER BY run_key
;

-- asset_event::DAGS
SELECT d.dag_id
FROM dag AS d
WHERE d.tenant_id = $1 AND NOT d.is_stale AND NOT d.is_paused
    AND EXISTS (SELECT 1 FROM asset_waiting AS w WHERE w.tenant_id = d.tenant_id AND w.dag_id = d.dag_id)
ORDER BY d.dag_id
;

-- asset_event::WAITING
SELECT v.id, v.asset_id, a.name, v.at
FROM asset_waiting AS w
JOIN asset_event AS v ON v.id = w.event_id
JOIN asset AS a ON a.id = v.asset_id
WHERE w.tenant_id = $1 AND w.dag_id = $2
ORDER BY w.event_id
LIMIT $3
;

-- asset_event::DROP
DELETE FROM asset_waiting
WHERE tenant_id = $1 AND dag_id = $2
    AND ($3::bigint IS NULL OR $3 = (SELECT v.asset_id FROM asset_event AS v WHERE v.id = asset_waiting.event_id))
;

-- asset_event::TAKE
DELETE FROM asset_waiting
WHERE tenant_id = $1 AND dag_id = $2 AND event_id = ANY($3)
;

-- asset_event::CONSUME
INSERT INTO asset_consumed (tenant_id, run_key, event_id) SELECT $1, $2, unnest($3::bigint[])
;

-- asset_event::INSERT_START
INSERT INTO asset_start (tenant_id, run_key, dag_id, interval_from, interval_to, at) VALUES ($1, $2, $3, $4, $5, $6)
;

-- asset_event::STARTS
SELECT run_key, dag_id, interval_from, interval_to, at FROM asset_start
WHERE tenant_id = $1
ORDER BY run_key
LIMIT $2
;

-- asset_event::DELETE_START
DELETE FROM asset_start WHERE tenant_id = $1 AND run_key = $2
;

-- attempt::LIST
SELECT try_number, fence, version, started_at, ended_at, end_kind, message, wall_us, cpu_us, memory_bytes
FROM attempt
WHERE tenant_id = $1 AND run_key = $2 AND node = $3 AND map_index = $4
ORDER BY try_number, fence
;

-- before::BY_DATE
SELECT b.key, b.run_id, s.state
FROM dag_run AS r
CROSS JOIN LATERAL (
    SELECT o.key, o.run_id FROM dag_run AS o
    WHERE o.tenant_id = $1 AND o.dag_id = r.dag_id AND o.unique_date < r.logical_date
        AND (o.run_type <> 'backfill' OR o.backfill_id = r.backfill_id)
    ORDER BY o.unique_date DESC
    LIMIT 1) AS b
JOIN dag_run_state AS s ON s.tenant_id = $1 AND s.run_key = b.key
WHERE r.tenant_id = $1 AND r.key = $2
;

-- before::BY_RUN_AFTER
SELECT b.key, b.run_id, s.state
FROM dag_run AS r
CROSS JOIN LATERAL (
    SELECT o.key, o.run_id FROM dag_run AS o
    WHERE o.tenant_id = $1 AND o.dag_id = r.dag_id AND (o.run_after, o.key) < (r.run_after, r.key)
        AND (o.run_type <> 'backfill' OR o.backfill_id = r.backfill_id)
    ORDER BY o.run_after DESC, o.key DESC
    LIMIT 1) AS b
JOIN dag_run_state AS s ON s.tenant_id = $1 AND s.run_key = b.key
WHERE r.tenant_id = $1 AND r.key = $2 AND r.logical_date IS NULL
;

-- before::TASKS
SELECT n.task_id,
    EXISTS (SELECT 1 FROM task_instance AS t
        WHERE t.tenant_id = n.tenant_id AND t.run_key = n.run_key AND t.node = n.node
            AND t.map_index = coalesce(nullif(n.map_length, 0) - 1, -1)
        OFFSET 0)
    AND NOT EXISTS (SELECT 1 FROM task_instance AS t
        WHERE t.tenant_id = n.tenant_id AND t.run_key = n.run_key AND t.node = n.node
            AND t.state NOT IN ('success', 'skipped', 'removed')
        OFFSET 0) AS is_met
FROM task_node AS n
WHERE n.tenant_id = $1 AND n.run_key = $2
ORDER BY n.node
;

-- commit_run::FIND_DUPLICATE
SELECT rank, run_id
FROM (SELECT 0 AS rank, run_id FROM dag_run WHERE tenant_id = $1 AND dag_id = $2 AND idempotency_key = $5
    UNION ALL SELECT 1, run_id FROM dag_run WHERE tenant_id = $1 AND dag_id = $2 AND run_id = $3
    UNION ALL SELECT 1, run_id FROM dag_run WHERE tenant_id = $1 AND key = $4
    UNION ALL SELECT 2, run_id FROM dag_run WHERE tenant_id = $1 AND dag_id = $2 AND unique_date = $6) AS found
ORDER BY rank
LIMIT 1
;

-- dag_run::OF_REQUEST
SELECT key, run_id, idempotency_digest FROM dag_run WHERE tenant_id = $1 AND dag_id = $2 AND idempotency_key = $3
;

-- event_log::FETCH
SELECT id, at, event, owner, dag_id, run_id, task_id, map_index, try_number, extra
FROM event_log
WHERE tenant_id = $1 AND id = $2
;

-- wait::RECEIVER
SELECT r.state, (SELECT count(*) FROM signal AS s WHERE s.tenant_id = $1 AND s.run_key = $2 AND s.node IS NULL) AS waiting
FROM dag_run_state AS r
WHERE r.tenant_id = $1 AND r.run_key = $2
FOR SHARE OF r
;

-- wait::INSERT_SIGNAL
INSERT INTO signal (tenant_id, id, run_key, name, payload, sent_by, at) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT DO NOTHING
;

-- wait::FIND_SIGNAL
SELECT 1 FROM signal WHERE tenant_id = $1 AND id = $2
;

-- wait::INSERT_MET
INSERT INTO event (shard, tenant_id, run_key, kind) VALUES ($1, $2, $3, 'met')
;

-- wait::SIGNALS
SELECT id, run_key, name, payload, sent_by, at, node, map_index
FROM signal
WHERE tenant_id = $1 AND run_key = $2
ORDER BY number
;

-- wait::SIGNAL_OF_INSTANCE
SELECT id, run_key, name, payload, sent_by, at, node, map_index
FROM signal
WHERE tenant_id = $1 AND run_key = $2 AND node = $3 AND map_index = $4
ORDER BY number DESC
LIMIT 1
;

-- auth::INSERT_TOKEN
INSERT INTO token (digest, tenant_id, name, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING
;

-- auth::FIND_TOKEN
SELECT tenant_id, name, created_at, expires_at FROM token WHERE digest = $1
;

-- backfill::INSERT
WITH made AS (
    INSERT INTO backfill (tenant_id, dag_id, state, from_date, to_date, is_backwards, reprocess, max_active_runs, version, conf,
        params, created_by, created_at, updated_at)
    VALUES ($1, $2, 'running', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)
    ON CONFLICT DO NOTHING
    RETURNING id),
slices AS (
    INSERT INTO backfill_slice (tenant_id, backfill_id, ordinal, logical_date, interval_from, interval_to, run_after, state)
    SELECT $1, made.id, e.ordinal - 1, e.logical_date, e.interval_from, e.interval_to, e.run_after, 'waiting'
    FROM made, unnest($13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[])
        WITH ORDINALITY AS e (logical_date, interval_from, interval_to, run_after, ordinal))
SELECT id FROM made
;

-- backfill::FETCH
SELECT * FROM backfill WHERE id = $2 AND tenant_id = $1
;

-- backfill::UNFINISHED
SELECT *
FROM backfill
WHERE tenant_id = $1 AND state IN ('running', 'paused') AND state = $2
;

-- backfill::MOVE
UPDATE backfill SET state = $3, updated_at = $4, ended_at = $5
WHERE id = $2 AND tenant_id = $1 AND state = ANY($6)
;

-- backfill::SLICES
SELECT s.ordinal, s.logical_date, s.interval_from, s.interval_to, s.run_after, s.state, s.run_key, s.clears_before,
    r.state AS run_state, r.clears
FROM backfill_slice AS s
LEFT JOIN dag_run_state AS r ON r.tenant_id = s.tenant_id AND r.run_key = s.run_key
WHERE s.tenant_id = $1 AND s.backfill_id = $2
ORDER BY s.ordinal
LIMIT $3 OFFSET $4
;

-- backfill::COUNT_SLICES
SELECT count(*) FROM (SELECT 1 FROM backfill_slice WHERE tenant_id = $1 AND backfill_id = $2 LIMIT $3) AS counted
;

-- backfill::SLICES_IN
SELECT s.ordinal, s.logical_date, s.interval_from, s.interval_to, s.run_after, s.state, s.run_key, s.clears_before,
    r.state AS run_state, r.clears
FROM backfill_slice AS s
LEFT JOIN dag_run_state AS r ON r.tenant_id = s.tenant_id AND r.run_key = s.run_key
WHERE s.tenant_id = $1 AND s.backfill_id = $2 AND s.state = $3
ORDER BY s.ordinal
LIMIT $4
;

-- backfill::SLICES_OPEN
SELECT s.ordinal, s.logical_date, s.interval_from, s.interval_to, s.run_after, s.state, s.run_key, s.clears_before,
    r.state AS run_state, r.clears
FROM backfill_slice AS s
LEFT JOIN dag_run_state AS r ON r.tenant_id = s.tenant_id AND r.run_key = s.run_key
WHERE s.tenant_id = $1 AND s.backfill_id = $2 AND s.state = $3 AND s.state IN ('waiting', 'begun')
ORDER BY s.ordinal
LIMIT $4
;

-- backfill::BEGIN
UPDATE backfill_slice SET state = 'begun', run_key = $4, clears_before = $5
WHERE tenant_id = $1 AND backfill_id = $2 AND ordinal = $3 AND state = 'waiting'
    AND EXISTS (SELECT 1 FROM backfill AS b WHERE b.id = $2 AND b.tenant_id = $1 AND b.state = 'running')
;

-- backfill::END
UPDATE backfill_slice SET state = $4
WHERE tenant_id = $1 AND backfill_id = $2 AND ordinal = $3 AND state IN ('waiting', 'begun')
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

-- catalog::LACKS_DAGS
SELECT EXISTS (
    SELECT 1 FROM dag_version AS v
    WHERE v.tenant_id = $1 AND v.bundle_version = $2
        AND NOT EXISTS (SELECT 1 FROM dag AS d WHERE d.tenant_id = $1 AND d.dag_id = v.dag_id OFFSET 0)) AS lacks_dags
;

-- connection::PUT
INSERT INTO connection (tenant_id, connection_id, conn_type, description, host, login, password, schema, port, extra, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (tenant_id, connection_id) DO UPDATE SET conn_type = excluded.conn_type, description = excluded.description, host = excluded.host,
    login = excluded.login, password = excluded.password, schema = excluded.schema, port = excluded.port,
    extra = excluded.extra, updated_at = excluded.updated_at
WHERE NOT $12
;

-- connection::FETCH
SELECT connection_id, conn_type, description, host, login, password, schema, port, extra, updated_at
FROM connection
WHERE tenant_id = $1 AND connection_id = $2
;

-- connection::DELETE
DELETE FROM connection WHERE tenant_id = $1 AND connection_id = $2
;

-- dag::HAS_RUNS
SELECT EXISTS (SELECT 1 FROM dag_run WHERE tenant_id = $1 AND dag_id = $2) AS has_runs
;

-- dag::DELETE_WAITING
DELETE FROM asset_waiting WHERE tenant_id = $1 AND dag_id = $2
;

-- dag::DELETE_STARTS
DELETE FROM asset_start WHERE tenant_id = $1 AND dag_id = $2
;

-- dag::DELETE_USES
DELETE FROM asset_user WHERE tenant_id = $1 AND dag_id = $2
;

-- dag::DELETE_SLICES
DELETE FROM backfill_slice
WHERE tenant_id = $1 AND backfill_id IN (SELECT id FROM backfill WHERE tenant_id = $1 AND dag_id = $2)
;

-- dag::DELETE_BACKFILLS
DELETE FROM backfill WHERE tenant_id = $1 AND dag_id = $2
;

-- dag::DELETE_SCHEDULE
DELETE FROM dag_schedule WHERE tenant_id = $1 AND dag_id = $2
;

-- dag::DELETE_TAGS
DELETE FROM dag_tag WHERE tenant_id = $1 AND dag_id = $2
;

-- dag::DELETE
DELETE FROM dag WHERE tenant_id = $1 AND dag_id = $2
;

-- dag::ACTIVATE
UPDATE dag SET current = $3, updated_at = $4 WHERE tenant_id = $1 AND dag_id = $2 AND current <> $3
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
    SELECT id, tenant_id, run_key, node, map_index, try_number, fence, report, kind, request
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

-- event::INSERT_ASKED
WITH asked AS (
    INSERT INTO event (shard, tenant_id, run_key, kind, request)
    SELECT $1, r.tenant_id, r.key, 'asked', $4 FROM dag_run AS r WHERE r.tenant_id = $2 AND r.key = $3
    RETURNING id)
SELECT id, pg_notify('waft', $5)::text FROM asked
;

-- callback::DUE
SELECT t.tenant_id, (SELECT min(c.due_at) FROM callback AS c WHERE c.tenant_id = t.tenant_id AND c.due_at IS NOT NULL) AS due_at
FROM tenant AS t
ORDER BY t.tenant_id
;

-- callback::TAKE
WITH picked AS MATERIALIZED (
    SELECT c.tenant_id, c.run_key, c.number
    FROM callback AS c
    WHERE c.tenant_id = $1 AND c.due_at <= $2
        AND (SELECT true FROM dag_run AS r WHERE r.tenant_id = c.tenant_id AND r.key = c.run_key)
    ORDER BY c.due_at
    LIMIT $4
    FOR UPDATE OF c SKIP LOCKED)
UPDATE callback AS c
SET state = 'running', fence = c.fence + 1, lost_executions = c.lost_executions + (c.state = 'running')::integer, started_at = $2,
    due_at = $3
FROM picked AS p
WHERE c.tenant_id = p.tenant_id AND c.run_key = p.run_key AND c.number = p.number
RETURNING c.*
;

-- callback::RENEW
UPDATE callback SET due_at = $5
WHERE tenant_id = $1 AND run_key = $2 AND number = $3 AND fence = $4 AND state = 'running'
;

-- callback::END
UPDATE callback
SET state = $5, try_number = $6, lost_executions = $7, due_at = $8, ended_at = $9, error = $10
WHERE tenant_id = $1 AND run_key = $2 AND number = $3 AND fence = $4 AND state = 'running'
;

-- callback::LET_GO
UPDATE callback AS c SET due_at = $1
FROM tenant AS t
WHERE c.tenant_id = t.tenant_id AND c.due_at IS NOT NULL AND c.state = 'running'
;

-- callback::LIST
SELECT tenant_id, run_key, number, event, callback, node, map_index, instance_try, message, created_at, state, try_number,
    lost_executions, fence, due_at, started_at, ended_at, error
FROM callback
WHERE tenant_id = $1 AND run_key = $2
ORDER BY number
LIMIT $3 OFFSET $4
;

-- callback::COUNT
SELECT count(*) FROM callback WHERE tenant_id = $1 AND run_key = $2
;

-- callback::FETCH
SELECT tenant_id, run_key, number, event, callback, node, map_index, instance_try, message, created_at, state, try_number,
    lost_executions, fence, due_at, started_at, ended_at, error
FROM callback
WHERE tenant_id = $1 AND run_key = $2 AND number = $3
;

-- callback::LEFT_OUT
SELECT count FROM callback_left_out WHERE tenant_id = $1 AND run_key = $2
;

-- migrate::NEWEST
SELECT number, name, compatible_from FROM schema_migration ORDER BY number DESC LIMIT 1
;

-- note::PUT_RUN
UPDATE dag_run_input SET note = $3 WHERE tenant_id = $1 AND run_key = $2
;

-- note::PUT
INSERT INTO task_instance_note (tenant_id, run_key, node, map_index, note)
SELECT tenant_id, run_key, node, map_index, $6
FROM task_instance
WHERE tenant_id = $1 AND run_key = $2 AND node = $3 AND map_index >= $4 AND map_index <= $5
ON CONFLICT (tenant_id, run_key, node, map_index) DO UPDATE SET note = excluded.note
;

-- note::DELETE
DELETE FROM task_instance_note
WHERE tenant_id = $1 AND run_key = $2 AND node = $3 AND map_index >= $4 AND map_index <= $5
;

-- note::LIST
SELECT node, map_index, note
FROM task_instance_note
WHERE tenant_id = $1 AND run_key = $2 AND (node, map_index) >= ($3, $4) AND (node, map_index) <= ($5, $6)
ORDER BY node, map_index
;

-- pool::PUT
INSERT INTO pool (tenant_id, name, slots, description, include_deferred, updated_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (tenant_id, name) DO UPDATE SET slots = excluded.slots, description = excluded.description,
    include_deferred = excluded.include_deferred, updated_at = excluded.updated_at
WHERE NOT $7
;

-- pool::FETCH
SELECT name, slots, description, include_deferred, updated_at FROM pool WHERE tenant_id = $1 AND name = $2
;

-- pool::DELETE
DELETE FROM pool WHERE tenant_id = $1 AND name = $2
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

-- retention::BACKFILLS
SELECT id, conf, coalesce(params, '{}') AS params FROM backfill WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT $3
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

-- discard::DELETE_ANSWERS
DELETE FROM answer WHERE ctid = ANY(ARRAY(SELECT ctid FROM answer WHERE tenant_id = $1 AND run_key = $2 LIMIT $3))
;

-- discard::DELETE_NOTES
DELETE FROM task_instance_note
WHERE ctid = ANY(ARRAY(SELECT ctid FROM task_instance_note WHERE tenant_id = $1 AND run_key = $2 LIMIT $3))
;

-- discard::DELETE_WAITS
DELETE FROM wait WHERE ctid = ANY(ARRAY(SELECT ctid FROM wait WHERE tenant_id = $1 AND run_key = $2 LIMIT $3))
;

-- discard::DELETE_BLOCKS
DELETE FROM map_block WHERE ctid = ANY(ARRAY(SELECT ctid FROM map_block WHERE tenant_id = $1 AND run_key = $2 LIMIT $3))
;

-- discard::DELETE_SIGNALS
DELETE FROM signal WHERE ctid = ANY(ARRAY(SELECT ctid FROM signal WHERE tenant_id = $1 AND run_key = $2 LIMIT $3))
;

-- discard::DELETE_CALLBACKS
DELETE FROM callback WHERE ctid = ANY(ARRAY(SELECT ctid FROM callback WHERE tenant_id = $1 AND run_key = $2 LIMIT $3))
;

-- discard::DELETE_LEFT_OUT
DELETE FROM callback_left_out
WHERE ctid = ANY(ARRAY(SELECT ctid FROM callback_left_out WHERE tenant_id = $1 AND run_key = $2 LIMIT $3))
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
SELECT node, map_index, state, try_number, max_tries, fence, retry_at, since, times_out, lost_executions, suspect, has_value,
    started_at
FROM task_instance
WHERE tenant_id = $1 AND run_key = $2
ORDER BY node, map_index
;

-- run_store::BLOCKS
SELECT level, first, parent, length, first_position, live FROM map_block WHERE tenant_id = $1 AND run_key = $2
ORDER BY level, first
;

-- run_store::ANSWERS
SELECT node, map_index, answer FROM answer WHERE tenant_id = $1 AND run_key = $2 ORDER BY node, map_index
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

-- schedule::TENANTS
SELECT tenant_id FROM tenant ORDER BY tenant_id
;

-- schedule::UNREAD
SELECT d.dag_id, d.current, s.version, s.digest, s.since, s.cursor, s.next_fire_at, s.last_fire_at, s.skipped
FROM dag AS d
LEFT JOIN dag_schedule AS s ON s.tenant_id = d.tenant_id AND s.dag_id = d.dag_id
WHERE d.tenant_id = $1 AND NOT d.is_stale AND s.version IS DISTINCT FROM d.current
ORDER BY d.dag_id
LIMIT $2
;

-- schedule::PUT
INSERT INTO dag_schedule (tenant_id, dag_id, version, digest, since, cursor, next_fire_at, last_fire_at, skipped, is_paused)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, d.is_paused
FROM (SELECT is_paused FROM dag WHERE tenant_id = $1 AND dag_id = $2 FOR SHARE) AS d
ON CONFLICT (tenant_id, dag_id) DO UPDATE SET version = excluded.version, digest = excluded.digest, since = excluded.since,
    cursor = excluded.cursor, next_fire_at = excluded.next_fire_at, last_fire_at = excluded.last_fire_at,
    skipped = excluded.skipped
WHERE dag_schedule.cursor <= excluded.cursor
;

-- schedule::FETCH
SELECT s.dag_id, s.version, s.digest, s.since, s.cursor, s.next_fire_at, s.last_fire_at, s.skipped, d.is_paused,
    d.pause_reason, d.unpaused_at
FROM dag_schedule AS s
CROSS JOIN LATERAL (SELECT * FROM dag AS d WHERE d.tenant_id = s.tenant_id AND d.dag_id = s.dag_id OFFSET 0) AS d
WHERE s.tenant_id = $1 AND s.dag_id = $2
;

-- schedule::DUE
SELECT s.dag_id, s.version, s.digest, s.since, s.cursor, s.next_fire_at, s.last_fire_at, s.skipped, d.is_paused,
    d.pause_reason, d.unpaused_at
FROM dag_schedule AS s
CROSS JOIN LATERAL (SELECT * FROM dag AS d WHERE d.tenant_id = s.tenant_id AND d.dag_id = s.dag_id OFFSET 0) AS d
WHERE s.tenant_id = $1 AND s.next_fire_at <= $2 AND s.next_fire_at IS NOT NULL AND NOT s.is_paused AND NOT d.is_stale
    AND NOT d.is_paused
ORDER BY s.next_fire_at
LIMIT $3
;

-- schedule::NEXT
SELECT next_fire_at
FROM dag_schedule
WHERE tenant_id = $1 AND next_fire_at > $2 AND next_fire_at IS NOT NULL AND NOT is_paused
ORDER BY next_fire_at
LIMIT 1
;

-- schedule::PAUSE
WITH paused AS (
    UPDATE dag
    SET pause_reason = CASE WHEN is_paused = $3 THEN pause_reason WHEN $3 THEN $4 END,
        unpaused_at = CASE WHEN is_paused = $3 OR $3 THEN unpaused_at ELSE $5 END,
        is_paused = $3
    WHERE tenant_id = $1 AND dag_id = $2
    RETURNING 1),
schedule AS (
    UPDATE dag_schedule SET is_paused = $3
    WHERE tenant_id = $1 AND dag_id = $2 AND is_paused <> $3 AND EXISTS (SELECT 1 FROM paused))
SELECT count(*) FROM paused
;

-- schedule::RUN_OF_DATE
SELECT r.key, r.run_id, r.run_type, s.state, s.clears
FROM dag_run AS r
CROSS JOIN LATERAL (
    SELECT * FROM dag_run_state AS s WHERE s.tenant_id = r.tenant_id AND s.run_key = r.key OFFSET 0) AS s
WHERE r.tenant_id = $1 AND r.dag_id = $2 AND r.unique_date = $3
;

-- schedule::UNFINISHED
SELECT r.dag_id, r.run_type, count(*) AS runs
FROM dag_run_state AS s
CROSS JOIN LATERAL (
    SELECT * FROM dag_run AS r WHERE r.tenant_id = s.tenant_id AND r.key = s.run_key OFFSET 0) AS r
WHERE s.tenant_id = $1 AND s.state IN ('queued', 'running')
GROUP BY r.dag_id, r.run_type
;

-- schedule::ENDED_LAST
SELECT s.state
FROM dag_run AS r
CROSS JOIN LATERAL (
    SELECT * FROM dag_run_state AS s WHERE s.tenant_id = r.tenant_id AND s.run_key = r.key OFFSET 0) AS s
WHERE r.tenant_id = $1 AND r.dag_id = $2 AND r.key > $3 AND s.state IN ('success', 'failed')
ORDER BY r.key DESC
LIMIT $4
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

-- value::PUT
INSERT INTO xcom (tenant_id, run_key, node, map_index, key, created_at, size_bytes, digest, value)
SELECT tenant_id, run_key, node, map_index, $5, $6, $7, $8, $9
FROM task_instance
WHERE tenant_id = $1 AND run_key = $2 AND node = $3 AND map_index = $4
ON CONFLICT (tenant_id, run_key, node, map_index, key) DO UPDATE SET created_at = excluded.created_at, size_bytes = excluded.size_bytes, digest = excluded.digest,
    value = excluded.value
;

-- value::DELETE
DELETE FROM xcom WHERE tenant_id = $1 AND run_key = $2 AND node = $3 AND map_index = $4 AND key = $5
;

-- value::MARK
UPDATE task_instance SET has_value = $5 WHERE tenant_id = $1 AND run_key = $2 AND node = $3 AND map_index = $4
;

-- variable::PUT
INSERT INTO variable (tenant_id, key, value, description, updated_at)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (tenant_id, key) DO UPDATE SET value = excluded.value, description = excluded.description, updated_at = excluded.updated_at
WHERE NOT $6
;

-- variable::FETCH
SELECT key, value, description, updated_at FROM variable WHERE tenant_id = $1 AND key = $2
;

-- variable::DELETE
DELETE FROM variable WHERE tenant_id = $1 AND key = $2
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
INSERT INTO dag_run (tenant_id, key, dag_id, run_id, run_type, run_after, queued_at, logical_date, unique_date, interval_from,
    interval_to, backfill_id, idempotency_key, idempotency_digest)
SELECT e.tenant_id, e.run_key, e.dag_id, e.run_id, e.run_type, e.run_after, e.queued_at, e.logical_date, e.logical_date,
    e.interval_from, e.interval_to, (e.rest::json ->> 'backfill_id')::bigint, e.rest::json ->> 'idempotency_key',
    (e.rest::json ->> 'idempotency_digest')::bytea
FROM (SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::text[], $16::text[], $17::text[]) AS u (tenant_id, run_key, dag_id, run_id, version, run_type, state, run_after, queued_at, logical_date, interval_from, interval_to, started_at, ended_at, conf, params, rest) LIMIT cardinality($1)) AS e
ON CONFLICT DO NOTHING
;

-- dag_run::INSERT_STATES
INSERT INTO dag_run_state (tenant_id, run_key, version, state, started_at, ended_at)
SELECT e.tenant_id, e.run_key, e.version, e.state, e.started_at, e.ended_at
FROM (SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::text[], $16::text[], $17::text[]) AS u (tenant_id, run_key, dag_id, run_id, version, run_type, state, run_after, queued_at, logical_date, interval_from, interval_to, started_at, ended_at, conf, params, rest) LIMIT cardinality($1)) AS e
ON CONFLICT DO NOTHING
;

-- dag_run::INSERT_INPUTS
INSERT INTO dag_run_input (tenant_id, run_key, conf, params, triggered_by, note, is_latest, variables, parent_run, parent_node,
    parent_map_index, parent_depth)
SELECT e.tenant_id, e.run_key, e.conf, e.params, i.*
FROM (SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::text[], $16::text[], $17::text[]) AS u (tenant_id, run_key, dag_id, run_id, version, run_type, state, run_after, queued_at, logical_date, interval_from, interval_to, started_at, ended_at, conf, params, rest) LIMIT cardinality($1)) AS e
CROSS JOIN LATERAL json_to_record(e.rest::json) AS i (triggered_by text, note text, is_latest boolean, variables text,
    parent_run uuid, parent_node integer, parent_map_index integer, parent_depth integer)
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
    SET state = e.state, reason = coalesce(e.reason, e.message), ended_at = CASE WHEN e.state <> 'scheduled' THEN e.ended_at END,
        scheduled_at = CASE WHEN e.state = 'scheduled' THEN e.ended_at ELSE t.scheduled_at END, retry_at = e.retry_at,
        since = e.since, times_out = e.times_out, lost_executions = e.lost_executions, suspect = e.suspect,
        has_value = e.has_value
    FROM (SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::integer[], $4::integer[], $5::integer[], $6::bigint[], $7::text[], $8::bigint[], $9::bigint[], $10::boolean[], $11::text[], $12::integer[], $13::boolean[], $14::boolean[], $15::bigint[], $16::bigint[], $17::text[], $18::bigint[], $19::bigint[], $20::bigint[], $21::text[]) AS u (tenant_id, run_key, node, map_index, try_number, fence, state, retry_at, since, times_out, reason, lost_executions, suspect, has_value, started_at, ended_at, end_kind, wall_us, cpu_us, memory_bytes, message) LIMIT cardinality($1)) AS e
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
USING (SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::integer[], $4::integer[], $5::integer[], $6::bigint[], $7::text[], $8::bigint[], $9::bigint[], $10::boolean[], $11::text[], $12::integer[], $13::boolean[], $14::boolean[], $15::bigint[], $16::bigint[], $17::text[], $18::bigint[], $19::bigint[], $20::bigint[], $21::text[]) AS u (tenant_id, run_key, node, map_index, try_number, fence, state, retry_at, since, times_out, reason, lost_executions, suspect, has_value, started_at, ended_at, end_kind, wall_us, cpu_us, memory_bytes, message) LIMIT cardinality($1)) AS e
WHERE w.tenant_id = e.tenant_id AND w.run_key = e.run_key AND w.node = e.node AND w.map_index = e.map_index
    AND w.fence = e.fence
;

-- xcom::UPSERT
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

-- reset::DELETE_WORK
DELETE FROM work AS w
USING (SELECT * FROM jsonb_to_recordset($1::jsonb -> 'cancelled') AS u (tenant_id bigint, run_key uuid, node integer, map_index integer, fence bigint, at bigint, message text) LIMIT jsonb_array_length($1::jsonb -> 'cancelled')) AS e
WHERE w.tenant_id = e.tenant_id AND w.run_key = e.run_key AND w.node = e.node AND w.map_index = e.map_index
    AND w.fence = e.fence
;

-- reset::INSERT_ATTEMPTS
INSERT INTO attempt (tenant_id, run_key, node, map_index, try_number, fence, version, started_at, ended_at, end_kind, wall_us,
    cpu_us, memory_bytes, message)
SELECT t.tenant_id, t.run_key, t.node, t.map_index, t.try_number, t.fence,
    (SELECT s.version FROM dag_run_state AS s WHERE s.tenant_id = e.tenant_id AND s.run_key = e.run_key),
    coalesce(t.started_at, e.at), e.at, 'cancelled', 0, 0, 0, e.message
FROM (SELECT * FROM jsonb_to_recordset($1::jsonb -> 'cancelled') AS u (tenant_id bigint, run_key uuid, node integer, map_index integer, fence bigint, at bigint, message text) LIMIT jsonb_array_length($1::jsonb -> 'cancelled')) AS e
JOIN task_instance AS t ON t.tenant_id = e.tenant_id AND t.run_key = e.run_key AND t.node = e.node
    AND t.map_index = e.map_index AND t.state = 'running' AND t.fence = e.fence
ON CONFLICT DO NOTHING
;

-- reset::END_EXECUTIONS
UPDATE task_instance AS t
SET state = 'none'
FROM (SELECT * FROM jsonb_to_recordset($1::jsonb -> 'cancelled') AS u (tenant_id bigint, run_key uuid, node integer, map_index integer, fence bigint, at bigint, message text) LIMIT jsonb_array_length($1::jsonb -> 'cancelled')) AS e
WHERE t.tenant_id = e.tenant_id AND t.run_key = e.run_key AND t.node = e.node AND t.map_index = e.map_index
    AND t.state IN ('running', 'queued') AND t.fence = e.fence
;

-- reset::REOPEN_RUNS
UPDATE dag_run_state AS s
SET state = CASE s.state WHEN 'queued' THEN 'queued' ELSE 'running' END, reason = NULL, result_available = NULL, ended_at = NULL,
    clears = s.clears + 1, started_at = CASE WHEN s.state IN ('queued', 'running') THEN s.started_at ELSE e.at END,
    version = coalesce(e.version, s.version)
FROM (SELECT * FROM jsonb_to_recordset($1::jsonb -> 'reopened') AS u (tenant_id bigint, run_key uuid, at bigint, version uuid, is_laid_out boolean) LIMIT jsonb_array_length($1::jsonb -> 'reopened')) AS e
WHERE s.tenant_id = e.tenant_id AND s.run_key = e.run_key
;

-- reset::FORGET_BLOCKS
DELETE FROM map_block AS b
USING (SELECT * FROM jsonb_to_recordset($1::jsonb -> 'reopened') AS u (tenant_id bigint, run_key uuid, at bigint, version uuid, is_laid_out boolean) LIMIT jsonb_array_length($1::jsonb -> 'reopened')) AS e
WHERE e.is_laid_out AND b.tenant_id = e.tenant_id AND b.run_key = e.run_key
;

-- reset::RESET_INSTANCES
UPDATE task_instance AS t
SET state = 'none', reason = NULL, max_tries = t.max_tries - t.tries_before + t.try_number, tries_before = t.try_number,
    lost_executions = 0, suspect = false, has_value = false, since = NULL, times_out = false, scheduled_at = NULL,
    started_at = NULL, ended_at = NULL, retry_at = NULL, worker = NULL
FROM (SELECT * FROM jsonb_to_recordset($1::jsonb -> 'resets') AS u (tenant_id bigint, run_key uuid, node integer, first integer, last integer, keeps_state boolean) LIMIT jsonb_array_length($1::jsonb -> 'resets')) AS e
WHERE t.tenant_id = e.tenant_id AND t.run_key = e.run_key AND t.node = e.node AND t.map_index BETWEEN e.first AND e.last
;

-- xcom::DELETE of resets
DELETE FROM xcom AS x
USING (SELECT * FROM jsonb_to_recordset($1::jsonb -> 'resets') AS u (tenant_id bigint, run_key uuid, node integer, first integer, last integer, keeps_state boolean) LIMIT jsonb_array_length($1::jsonb -> 'resets')) AS e
WHERE x.tenant_id = e.tenant_id AND x.run_key = e.run_key AND x.node = e.node AND x.map_index BETWEEN e.first AND e.last
;

-- reset::DELETE_ANSWERS
DELETE FROM answer AS a
USING (SELECT * FROM jsonb_to_recordset($1::jsonb -> 'resets') AS u (tenant_id bigint, run_key uuid, node integer, first integer, last integer, keeps_state boolean) LIMIT jsonb_array_length($1::jsonb -> 'resets')) AS e
WHERE a.tenant_id = e.tenant_id AND a.run_key = e.run_key AND a.node = e.node AND a.map_index BETWEEN e.first AND e.last
;

-- reset::DELETE_WAITS
DELETE FROM wait AS w
USING (SELECT * FROM jsonb_to_recordset($1::jsonb -> 'resets') AS u (tenant_id bigint, run_key uuid, node integer, first integer, last integer, keeps_state boolean) LIMIT jsonb_array_length($1::jsonb -> 'resets')) AS e
WHERE w.tenant_id = e.tenant_id AND w.run_key = e.run_key AND w.node = e.node AND w.map_index BETWEEN e.first AND e.last
;

-- reset::DELETE_STATE
DELETE FROM task_state AS s
USING (SELECT * FROM jsonb_to_recordset($1::jsonb -> 'resets') AS u (tenant_id bigint, run_key uuid, node integer, first integer, last integer, keeps_state boolean) LIMIT jsonb_array_length($1::jsonb -> 'resets')) AS e
WHERE NOT e.keeps_state AND s.tenant_id = e.tenant_id AND s.run_key = e.run_key AND s.node = e.node
    AND s.map_index BETWEEN e.first AND e.last
;

-- reset::FORGET_LISTS
UPDATE task_node AS n
SET list_length = NULL
FROM (SELECT * FROM jsonb_to_recordset($1::jsonb -> 'resets') AS u (tenant_id bigint, run_key uuid, node integer, first integer, last integer, keeps_state boolean) LIMIT jsonb_array_length($1::jsonb -> 'resets')) AS e
WHERE e.first = -1 AND n.tenant_id = e.tenant_id AND n.run_key = e.run_key AND n.node = e.node
;

-- task_instance::MARK_INSTANCES
UPDATE task_instance AS t
SET state = e.state, reason = e.reason, ended_at = e.ended_at, retry_at = NULL, has_value = t.has_value AND e.state = 'success'
FROM (SELECT * FROM jsonb_to_recordset($1::jsonb -> 'marks') AS u (tenant_id bigint, run_key uuid, node integer, first integer, last integer, state text, reason text, ended_at bigint) LIMIT jsonb_array_length($1::jsonb -> 'marks')) AS e
WHERE t.tenant_id = e.tenant_id AND t.run_key = e.run_key AND t.node = e.node AND t.map_index BETWEEN e.first AND e.last
;

-- xcom::DELETE of marks
DELETE FROM xcom AS x
USING (SELECT * FROM jsonb_to_recordset($1::jsonb -> 'unsaid') AS u (tenant_id bigint, run_key uuid, node integer, first integer, last integer) LIMIT jsonb_array_length($1::jsonb -> 'unsaid')) AS e
WHERE x.tenant_id = e.tenant_id AND x.run_key = e.run_key AND x.node = e.node AND x.map_index BETWEEN e.first AND e.last
;

-- reset::DELETE_ANSWERS of marks
DELETE FROM answer AS a
USING (SELECT * FROM jsonb_to_recordset($1::jsonb -> 'unsaid') AS u (tenant_id bigint, run_key uuid, node integer, first integer, last integer) LIMIT jsonb_array_length($1::jsonb -> 'unsaid')) AS e
WHERE a.tenant_id = e.tenant_id AND a.run_key = e.run_key AND a.node = e.node AND a.map_index BETWEEN e.first AND e.last
;

-- reset::FORGET_LISTS of marks
UPDATE task_node AS n
SET list_length = NULL
FROM (SELECT * FROM jsonb_to_recordset($1::jsonb -> 'unsaid') AS u (tenant_id bigint, run_key uuid, node integer, first integer, last integer) LIMIT jsonb_array_length($1::jsonb -> 'unsaid')) AS e
WHERE e.first = -1 AND n.tenant_id = e.tenant_id AND n.run_key = e.run_key AND n.node = e.node
;

-- task_instance::UPDATE_MAP_LENGTHS
UPDATE task_node AS n
SET map_length = e.map_length
FROM (SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::integer[], $4::bigint[]) AS u (tenant_id, run_key, node, map_length) LIMIT cardinality($1)) AS e
WHERE n.tenant_id = e.tenant_id AND n.run_key = e.run_key AND n.node = e.node
    AND coalesce(n.map_length, 0) < greatest(e.map_length, 1)
;

-- task_instance::DELETE_SUMMARIES
DELETE FROM task_instance AS t
USING (SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::integer[], $4::bigint[]) AS u (tenant_id, run_key, node, map_length) LIMIT cardinality($1)) AS e
WHERE e.map_length > 0 AND t.tenant_id = e.tenant_id AND t.run_key = e.run_key AND t.node = e.node AND t.map_index = -1
    AND t.state <> 'running'
;

-- map_block::UPSERT_BLOCKS
INSERT INTO map_block (tenant_id, run_key, level, first, parent, length, first_position, live)
SELECT e.tenant_id, e.run_key, e.level, e.first, e.parent, e.length, e.first_position, e.live
FROM (SELECT * FROM jsonb_to_recordset($1::jsonb -> 'blocks') AS u (tenant_id bigint, run_key uuid, level integer, first bigint, parent bigint, length bigint, first_position bigint, live bigint) LIMIT jsonb_array_length($1::jsonb -> 'blocks')) AS e
ON CONFLICT (tenant_id, run_key, level, first) DO UPDATE
SET parent = excluded.parent, length = excluded.length, first_position = excluded.first_position, live = excluded.live
;

-- task_instance::INSERT_INSTANCES
INSERT INTO task_instance (tenant_id, run_key, node, map_index, state, try_number, max_tries, tries_before, scheduled_at, ended_at,
    retry_at, times_out, reason)
SELECT e.tenant_id, e.run_key, e.node, i.map_index, e.state, e.try_number, e.max_tries,
    greatest(e.try_number - (e.state IN ('scheduled', 'awaiting_input'))::integer, 0), e.scheduled_at, e.ended_at, e.retry_at,
    e.retry_at IS NOT NULL, e.reason
FROM (SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::integer[], $4::integer[], $5::integer[], $6::text[], $7::integer[], $8::integer[], $9::bigint[], $10::bigint[], $11::bigint[], $12::text[]) AS u (tenant_id, run_key, node, first, last, state, try_number, max_tries, scheduled_at, ended_at, retry_at, reason) LIMIT cardinality($1)) AS e
CROSS JOIN LATERAL generate_series(e.first, e.last) AS i (map_index)
ON CONFLICT DO NOTHING
;

-- task_instance::UPDATE_INSTANCES
UPDATE task_instance AS t
SET state = e.state, try_number = coalesce(e.try_number, t.try_number), reason = e.reason,
    scheduled_at = coalesce(e.scheduled_at, t.scheduled_at), ended_at = e.ended_at, retry_at = e.retry_at,
    times_out = e.state = 'awaiting_input' AND e.retry_at IS NOT NULL,
    has_value = t.state = 'awaiting_input' AND e.state = 'success'
FROM (SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::integer[], $4::integer[], $5::integer[], $6::text[], $7::integer[], $8::text[], $9::bigint[], $10::bigint[], $11::bigint[], $12::text[]) AS u (tenant_id, run_key, node, first, last, state, try_number, reason, scheduled_at, ended_at, retry_at, before) LIMIT cardinality($1)) AS e
WHERE t.tenant_id = e.tenant_id AND t.run_key = e.run_key AND t.node = e.node AND t.map_index BETWEEN e.first AND e.last
    AND strpos(e.before, ' ' || t.state || ' ') > 0
;

-- xcom::DELETE
DELETE FROM xcom AS x
USING (SELECT * FROM jsonb_to_recordset($1::jsonb -> 'removed') AS u (tenant_id bigint, run_key uuid, node integer, first integer, last integer) LIMIT jsonb_array_length($1::jsonb -> 'removed')) AS e
WHERE x.tenant_id = e.tenant_id AND x.run_key = e.run_key AND x.node = e.node AND x.map_index BETWEEN e.first AND e.last
;

-- xcom::UPSERT of approvals
INSERT INTO xcom (tenant_id, run_key, node, map_index, key, created_at, size_bytes, digest, value)
SELECT e.tenant_id, e.run_key, e.node, e.map_index, e.key, e.created_at, e.size_bytes, e.digest, e.value
FROM (SELECT * FROM jsonb_to_recordset($1::jsonb -> 'values') AS u (tenant_id bigint, run_key uuid, node integer, map_index integer, key text, created_at bigint, size_bytes bigint, digest bytea, value text) LIMIT jsonb_array_length($1::jsonb -> 'values')) AS e
ON CONFLICT (tenant_id, run_key, node, map_index, key) DO UPDATE
SET created_at = excluded.created_at, size_bytes = excluded.size_bytes, digest = excluded.digest, value = excluded.value
;

-- map_block::UPSERT_ANSWERS
INSERT INTO answer (tenant_id, run_key, node, map_index, answer)
SELECT e.tenant_id, e.run_key, e.node, e.map_index, e.answer
FROM (SELECT * FROM jsonb_to_recordset($1::jsonb -> 'answers') AS u (tenant_id bigint, run_key uuid, node integer, map_index integer, answer text) LIMIT jsonb_array_length($1::jsonb -> 'answers')) AS e
ON CONFLICT (tenant_id, run_key, node, map_index) DO UPDATE SET answer = excluded.answer
;

-- wait::UPSERT
INSERT INTO wait (tenant_id, run_key, node, map_index, fence, since, kind, key, form)
SELECT e.tenant_id, e.run_key, e.node, e.map_index, e.fence, e.since, e.kind, e.key, e.form
FROM (SELECT * FROM jsonb_to_recordset($1::jsonb -> 'waits') AS u (tenant_id bigint, run_key uuid, node integer, map_index integer, fence bigint, since bigint, kind text, key text, form text) LIMIT jsonb_array_length($1::jsonb -> 'waits')) AS e
ON CONFLICT (tenant_id, run_key, node, map_index) DO UPDATE
SET fence = excluded.fence, since = excluded.since, kind = excluded.kind, key = excluded.key, form = excluded.form
;

-- wait::DELETE
DELETE FROM wait AS w
USING (SELECT * FROM jsonb_to_recordset($1::jsonb -> 'woken') AS u (tenant_id bigint, run_key uuid, node integer, map_index integer) LIMIT jsonb_array_length($1::jsonb -> 'woken')) AS e
WHERE w.tenant_id = e.tenant_id AND w.run_key = e.run_key AND w.node = e.node AND w.map_index = e.map_index
;

-- wait::TAKE_SIGNALS
UPDATE signal AS s
SET node = e.node, map_index = e.map_index
FROM (SELECT * FROM jsonb_to_recordset($1::jsonb -> 'signals') AS u (tenant_id bigint, run_key uuid, id uuid, node integer, map_index integer) LIMIT jsonb_array_length($1::jsonb -> 'signals')) AS e
WHERE s.tenant_id = e.tenant_id AND s.id = e.id AND s.run_key = e.run_key AND s.node IS NULL
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

-- asset_event::INSERT_ASSETS
INSERT INTO asset (tenant_id, name, extra, created_at, updated_at)
SELECT e.tenant_id, e.asset, '{}', e.at, e.at
FROM (SELECT * FROM jsonb_to_recordset($1::jsonb -> 'asset_events') AS u (tenant_id bigint, run_key uuid, asset text, extra text, at bigint, told_by text, dag_id text, run_id text, task_id text, map_index integer) LIMIT jsonb_array_length($1::jsonb -> 'asset_events')) AS e
ON CONFLICT DO NOTHING
;

-- asset_event::INSERT_EVENTS
INSERT INTO asset_event (tenant_id, asset_id, extra, at, told_by, dag_id, run_key, run_id, task_id, map_index)
SELECT e.tenant_id, a.id, e.extra, e.at, e.told_by, e.dag_id, CASE WHEN e.told_by IS NULL THEN e.run_key END, e.run_id, e.task_id,
    e.map_index
FROM (SELECT * FROM jsonb_to_recordset($1::jsonb -> 'asset_events') AS u (tenant_id bigint, run_key uuid, asset text, extra text, at bigint, told_by text, dag_id text, run_id text, task_id text, map_index integer) LIMIT jsonb_array_length($1::jsonb -> 'asset_events')) AS e
CROSS JOIN LATERAL (
    SELECT id FROM asset WHERE tenant_id = e.tenant_id AND name = e.asset OFFSET 0) AS a
;

-- callback::DELETE_DEADLINES
DELETE FROM callback AS c
USING (SELECT * FROM jsonb_to_recordset($1::jsonb -> 'deadlines_met') AS u (tenant_id bigint, run_key uuid, at bigint) LIMIT jsonb_array_length($1::jsonb -> 'deadlines_met')) AS e
WHERE c.tenant_id = e.tenant_id AND c.run_key = e.run_key AND c.number >= 0
    AND c.event = 'deadline_missed' AND c.state = 'waiting' AND c.fence = 0 AND coalesce(c.due_at, 0) > e.at
;

-- callback::COUNT_LEFT_OUT
INSERT INTO callback_left_out AS l (tenant_id, run_key, count)
SELECT n.tenant_id, n.run_key, count(*)
FROM (
    SELECT e.*, (row_number() OVER (PARTITION BY e.tenant_id, e.run_key ORDER BY e.position))::integer - 1
        + coalesce((SELECT max(c.number) + 1 FROM callback AS c
            WHERE c.tenant_id = e.tenant_id AND c.run_key = e.run_key), 0) AS number
    FROM (SELECT * FROM jsonb_to_recordset($1::jsonb -> 'callbacks') AS u (tenant_id bigint, run_key uuid, position integer, event text, callback text, node integer, map_index integer, instance_try integer, message text, created_at bigint, due_at bigint, most integer) LIMIT jsonb_array_length($1::jsonb -> 'callbacks')) AS e) AS n
WHERE n.node IS NOT NULL AND n.number >= n.most
GROUP BY n.tenant_id, n.run_key
ON CONFLICT (tenant_id, run_key) DO UPDATE SET count = l.count + excluded.count
;

-- callback::INSERT
INSERT INTO callback (tenant_id, run_key, number, event, callback, node, map_index, instance_try, message, created_at, due_at)
SELECT n.tenant_id, n.run_key, n.number, n.event, n.callback, n.node, n.map_index, n.instance_try, n.message, n.created_at, n.due_at
FROM (
    SELECT e.*, (row_number() OVER (PARTITION BY e.tenant_id, e.run_key ORDER BY e.position))::integer - 1
        + coalesce((SELECT max(c.number) + 1 FROM callback AS c
            WHERE c.tenant_id = e.tenant_id AND c.run_key = e.run_key), 0) AS number
    FROM (SELECT * FROM jsonb_to_recordset($1::jsonb -> 'callbacks') AS u (tenant_id bigint, run_key uuid, position integer, event text, callback text, node integer, map_index integer, instance_try integer, message text, created_at bigint, due_at bigint, most integer) LIMIT jsonb_array_length($1::jsonb -> 'callbacks')) AS e) AS n
WHERE n.node IS NULL OR n.number < n.most
;

-- event_log::INSERT
INSERT INTO event_log (tenant_id, at, event, owner, dag_id, run_id, task_id, map_index, try_number, extra)
SELECT e.tenant_id, e.at, e.event, e.owner, e.dag_id, e.run_id, e.task_id, e.map_index, e.try_number, e.extra
FROM (SELECT * FROM jsonb_to_recordset($1::jsonb -> 'logs') AS u (tenant_id bigint, run_key uuid, at bigint, event text, owner text, dag_id text, run_id text, task_id text, map_index integer, try_number integer, extra text) LIMIT jsonb_array_length($1::jsonb -> 'logs')) AS e
;

-- asset::list_query
SELECT * FROM asset WHERE tenant_id = $1 ORDER BY name LIMIT $2 OFFSET $3
;

-- asset::count_query
SELECT count(*) FROM (SELECT 1 FROM asset WHERE tenant_id = $1 AND name ILIKE $2 ESCAPE '\' LIMIT $3) AS counted
;

-- asset_event::list_query
SELECT v.id, v.asset_id, a.name, v.extra, v.at, v.told_by, v.dag_id, v.run_key, v.run_id, v.task_id, v.map_index FROM asset_event AS v JOIN asset AS a ON a.id = v.asset_id WHERE v.tenant_id = $1 ORDER BY v.id LIMIT $2 OFFSET $3
;

-- asset_event::list_query of an asset
SELECT v.id, v.asset_id, a.name, v.extra, v.at, v.told_by, v.dag_id, v.run_key, v.run_id, v.task_id, v.map_index FROM asset_event AS v JOIN asset AS a ON a.id = v.asset_id WHERE v.tenant_id = $1 AND v.asset_id = $2 ORDER BY v.id LIMIT $3 OFFSET $4
;

-- asset_event::list_query of a source
SELECT v.id, v.asset_id, a.name, v.extra, v.at, v.told_by, v.dag_id, v.run_key, v.run_id, v.task_id, v.map_index FROM asset_event AS v JOIN asset AS a ON a.id = v.asset_id WHERE v.tenant_id = $1 AND v.dag_id = $2 ORDER BY v.id DESC LIMIT $3 OFFSET $4
;

-- asset_event::count_query of an asset
SELECT count(*) FROM (SELECT 1 FROM asset_event AS v WHERE v.tenant_id = $1 AND v.asset_id = $2 LIMIT $3) AS counted
;

-- backfill::list_query
SELECT * FROM backfill WHERE tenant_id = $1 ORDER BY id DESC LIMIT $2 OFFSET $3
;

-- backfill::list_query of a DAG
SELECT * FROM backfill WHERE tenant_id = $1 AND dag_id = $2 ORDER BY id DESC LIMIT $3 OFFSET $4
;

-- backfill::count_query of a DAG
SELECT count(*) FROM (SELECT 1 FROM backfill WHERE tenant_id = $1 AND dag_id = $2 LIMIT $3) AS counted
;

-- event_log::list_query
SELECT id, at, event, owner, dag_id, run_id, task_id, map_index, try_number, extra FROM event_log WHERE tenant_id = $1 ORDER BY id LIMIT $2 OFFSET $3
;

-- event_log::list_query of a DAG
SELECT id, at, event, owner, dag_id, run_id, task_id, map_index, try_number, extra FROM event_log WHERE tenant_id = $1 AND dag_id = $2 ORDER BY id DESC LIMIT $3 OFFSET $4
;

-- event_log::count_query of a DAG
SELECT count(*) FROM (SELECT 1 FROM event_log WHERE tenant_id = $1 AND dag_id = $2 LIMIT $3) AS counted
;

-- wait::of_run_query
SELECT w.run_key, w.node, w.map_index, w.fence, w.since, w.kind, w.key, w.form, r.dag_id, r.run_id, n.task_id, t.state,
    CASE WHEN t.times_out THEN t.retry_at END AS times_out_at, m.is_met
FROM wait AS w
CROSS JOIN LATERAL (SELECT * FROM task_instance AS t
    WHERE t.tenant_id = w.tenant_id AND t.run_key = w.run_key AND t.node = w.node AND t.map_index = w.map_index
        AND (t.state = 'awaiting_input' OR t.state = 'deferred' AND t.fence = w.fence) OFFSET 0) AS t
CROSS JOIN LATERAL (SELECT * FROM dag_run AS r WHERE r.tenant_id = w.tenant_id AND r.key = w.run_key OFFSET 0) AS r
CROSS JOIN LATERAL (SELECT * FROM task_node AS n
    WHERE n.tenant_id = w.tenant_id AND n.run_key = w.run_key AND n.node = w.node OFFSET 0) AS n
CROSS JOIN LATERAL (SELECT CASE w.kind
    WHEN 'signal' THEN EXISTS (SELECT 1 FROM signal AS s
        WHERE s.tenant_id = w.tenant_id AND s.run_key = w.run_key AND s.name = w.key AND s.node IS NULL OFFSET 0)
    WHEN 'asset' THEN coalesce((SELECT v.at FROM asset_event AS v
        WHERE v.tenant_id = w.tenant_id
            AND v.asset_id = (SELECT a.id FROM asset AS a WHERE a.tenant_id = w.tenant_id AND a.name = w.key)
        ORDER BY v.id DESC LIMIT 1) >= w.since, false)
    WHEN 'dag_run' THEN NOT EXISTS (SELECT 1 FROM dag_run_state AS c
        WHERE c.tenant_id = w.tenant_id AND c.run_key = w.key::uuid AND c.state IN ('queued', 'running') OFFSET 0)
    ELSE false
END AS is_met) AS m WHERE w.tenant_id = $1 AND w.run_key = $2 ORDER BY w.run_key, w.node, w.map_index
;

-- wait::on_query
SELECT w.run_key, w.node, w.map_index, w.fence, w.since, w.kind, w.key, w.form, r.dag_id, r.run_id, n.task_id, t.state,
    CASE WHEN t.times_out THEN t.retry_at END AS times_out_at, m.is_met
FROM wait AS w
CROSS JOIN LATERAL (SELECT * FROM task_instance AS t
    WHERE t.tenant_id = w.tenant_id AND t.run_key = w.run_key AND t.node = w.node AND t.map_index = w.map_index
        AND (t.state = 'awaiting_input' OR t.state = 'deferred' AND t.fence = w.fence) OFFSET 0) AS t
CROSS JOIN LATERAL (SELECT * FROM dag_run AS r WHERE r.tenant_id = w.tenant_id AND r.key = w.run_key OFFSET 0) AS r
CROSS JOIN LATERAL (SELECT * FROM task_node AS n
    WHERE n.tenant_id = w.tenant_id AND n.run_key = w.run_key AND n.node = w.node OFFSET 0) AS n
CROSS JOIN LATERAL (SELECT CASE w.kind
    WHEN 'signal' THEN EXISTS (SELECT 1 FROM signal AS s
        WHERE s.tenant_id = w.tenant_id AND s.run_key = w.run_key AND s.name = w.key AND s.node IS NULL OFFSET 0)
    WHEN 'asset' THEN coalesce((SELECT v.at FROM asset_event AS v
        WHERE v.tenant_id = w.tenant_id
            AND v.asset_id = (SELECT a.id FROM asset AS a WHERE a.tenant_id = w.tenant_id AND a.name = w.key)
        ORDER BY v.id DESC LIMIT 1) >= w.since, false)
    WHEN 'dag_run' THEN NOT EXISTS (SELECT 1 FROM dag_run_state AS c
        WHERE c.tenant_id = w.tenant_id AND c.run_key = w.key::uuid AND c.state IN ('queued', 'running') OFFSET 0)
    ELSE false
END AS is_met) AS m WHERE w.tenant_id = $1 AND w.kind = $2 AND w.key = $3 ORDER BY w.run_key, w.node, w.map_index LIMIT $4
;

-- wait::on_query after
SELECT w.run_key, w.node, w.map_index, w.fence, w.since, w.kind, w.key, w.form, r.dag_id, r.run_id, n.task_id, t.state,
    CASE WHEN t.times_out THEN t.retry_at END AS times_out_at, m.is_met
FROM wait AS w
CROSS JOIN LATERAL (SELECT * FROM task_instance AS t
    WHERE t.tenant_id = w.tenant_id AND t.run_key = w.run_key AND t.node = w.node AND t.map_index = w.map_index
        AND (t.state = 'awaiting_input' OR t.state = 'deferred' AND t.fence = w.fence) OFFSET 0) AS t
CROSS JOIN LATERAL (SELECT * FROM dag_run AS r WHERE r.tenant_id = w.tenant_id AND r.key = w.run_key OFFSET 0) AS r
CROSS JOIN LATERAL (SELECT * FROM task_node AS n
    WHERE n.tenant_id = w.tenant_id AND n.run_key = w.run_key AND n.node = w.node OFFSET 0) AS n
CROSS JOIN LATERAL (SELECT CASE w.kind
    WHEN 'signal' THEN EXISTS (SELECT 1 FROM signal AS s
        WHERE s.tenant_id = w.tenant_id AND s.run_key = w.run_key AND s.name = w.key AND s.node IS NULL OFFSET 0)
    WHEN 'asset' THEN coalesce((SELECT v.at FROM asset_event AS v
        WHERE v.tenant_id = w.tenant_id
            AND v.asset_id = (SELECT a.id FROM asset AS a WHERE a.tenant_id = w.tenant_id AND a.name = w.key)
        ORDER BY v.id DESC LIMIT 1) >= w.since, false)
    WHEN 'dag_run' THEN NOT EXISTS (SELECT 1 FROM dag_run_state AS c
        WHERE c.tenant_id = w.tenant_id AND c.run_key = w.key::uuid AND c.state IN ('queued', 'running') OFFSET 0)
    ELSE false
END AS is_met) AS m WHERE w.tenant_id = $1 AND w.kind = $2 AND w.key = $3 AND (w.run_key, w.node, w.map_index) > ($4, $5, $6) ORDER BY w.run_key, w.node, w.map_index LIMIT $7
;

-- wait::list_query
SELECT w.run_key, w.node, w.map_index, w.fence, w.since, w.kind, w.key, w.form, r.dag_id, r.run_id, n.task_id, t.state,
    CASE WHEN t.times_out THEN t.retry_at END AS times_out_at, m.is_met
FROM wait AS w
CROSS JOIN LATERAL (SELECT * FROM task_instance AS t
    WHERE t.tenant_id = w.tenant_id AND t.run_key = w.run_key AND t.node = w.node AND t.map_index = w.map_index
        AND (t.state = 'awaiting_input' OR t.state = 'deferred' AND t.fence = w.fence) OFFSET 0) AS t
CROSS JOIN LATERAL (SELECT * FROM dag_run AS r WHERE r.tenant_id = w.tenant_id AND r.key = w.run_key OFFSET 0) AS r
CROSS JOIN LATERAL (SELECT * FROM task_node AS n
    WHERE n.tenant_id = w.tenant_id AND n.run_key = w.run_key AND n.node = w.node OFFSET 0) AS n
CROSS JOIN LATERAL (SELECT CASE w.kind
    WHEN 'signal' THEN EXISTS (SELECT 1 FROM signal AS s
        WHERE s.tenant_id = w.tenant_id AND s.run_key = w.run_key AND s.name = w.key AND s.node IS NULL OFFSET 0)
    WHEN 'asset' THEN coalesce((SELECT v.at FROM asset_event AS v
        WHERE v.tenant_id = w.tenant_id
            AND v.asset_id = (SELECT a.id FROM asset AS a WHERE a.tenant_id = w.tenant_id AND a.name = w.key)
        ORDER BY v.id DESC LIMIT 1) >= w.since, false)
    WHEN 'dag_run' THEN NOT EXISTS (SELECT 1 FROM dag_run_state AS c
        WHERE c.tenant_id = w.tenant_id AND c.run_key = w.key::uuid AND c.state IN ('queued', 'running') OFFSET 0)
    ELSE false
END AS is_met) AS m WHERE w.tenant_id = $1 ORDER BY w.run_key, w.node, w.map_index LIMIT $2 OFFSET $3
;

-- wait::list_query of signals of a DAG
SELECT w.run_key, w.node, w.map_index, w.fence, w.since, w.kind, w.key, w.form, r.dag_id, r.run_id, n.task_id, t.state,
    CASE WHEN t.times_out THEN t.retry_at END AS times_out_at, m.is_met
FROM wait AS w
CROSS JOIN LATERAL (SELECT * FROM task_instance AS t
    WHERE t.tenant_id = w.tenant_id AND t.run_key = w.run_key AND t.node = w.node AND t.map_index = w.map_index
        AND (t.state = 'awaiting_input' OR t.state = 'deferred' AND t.fence = w.fence) OFFSET 0) AS t
CROSS JOIN LATERAL (SELECT * FROM dag_run AS r WHERE r.tenant_id = w.tenant_id AND r.key = w.run_key OFFSET 0) AS r
CROSS JOIN LATERAL (SELECT * FROM task_node AS n
    WHERE n.tenant_id = w.tenant_id AND n.run_key = w.run_key AND n.node = w.node OFFSET 0) AS n
CROSS JOIN LATERAL (SELECT CASE w.kind
    WHEN 'signal' THEN EXISTS (SELECT 1 FROM signal AS s
        WHERE s.tenant_id = w.tenant_id AND s.run_key = w.run_key AND s.name = w.key AND s.node IS NULL OFFSET 0)
    WHEN 'asset' THEN coalesce((SELECT v.at FROM asset_event AS v
        WHERE v.tenant_id = w.tenant_id
            AND v.asset_id = (SELECT a.id FROM asset AS a WHERE a.tenant_id = w.tenant_id AND a.name = w.key)
        ORDER BY v.id DESC LIMIT 1) >= w.since, false)
    WHEN 'dag_run' THEN NOT EXISTS (SELECT 1 FROM dag_run_state AS c
        WHERE c.tenant_id = w.tenant_id AND c.run_key = w.key::uuid AND c.state IN ('queued', 'running') OFFSET 0)
    ELSE false
END AS is_met) AS m WHERE w.tenant_id = $1 AND w.kind = $2 AND r.dag_id = $3 AND w.form IS NOT NULL ORDER BY w.run_key, w.node, w.map_index LIMIT $4 OFFSET $5
;

-- wait::list_query of a run
SELECT w.run_key, w.node, w.map_index, w.fence, w.since, w.kind, w.key, w.form, r.dag_id, r.run_id, n.task_id, t.state,
    CASE WHEN t.times_out THEN t.retry_at END AS times_out_at, m.is_met
FROM wait AS w
CROSS JOIN LATERAL (SELECT * FROM task_instance AS t
    WHERE t.tenant_id = w.tenant_id AND t.run_key = w.run_key AND t.node = w.node AND t.map_index = w.map_index
        AND (t.state = 'awaiting_input' OR t.state = 'deferred' AND t.fence = w.fence) OFFSET 0) AS t
CROSS JOIN LATERAL (SELECT * FROM dag_run AS r WHERE r.tenant_id = w.tenant_id AND r.key = w.run_key OFFSET 0) AS r
CROSS JOIN LATERAL (SELECT * FROM task_node AS n
    WHERE n.tenant_id = w.tenant_id AND n.run_key = w.run_key AND n.node = w.node OFFSET 0) AS n
CROSS JOIN LATERAL (SELECT CASE w.kind
    WHEN 'signal' THEN EXISTS (SELECT 1 FROM signal AS s
        WHERE s.tenant_id = w.tenant_id AND s.run_key = w.run_key AND s.name = w.key AND s.node IS NULL OFFSET 0)
    WHEN 'asset' THEN coalesce((SELECT v.at FROM asset_event AS v
        WHERE v.tenant_id = w.tenant_id
            AND v.asset_id = (SELECT a.id FROM asset AS a WHERE a.tenant_id = w.tenant_id AND a.name = w.key)
        ORDER BY v.id DESC LIMIT 1) >= w.since, false)
    WHEN 'dag_run' THEN NOT EXISTS (SELECT 1 FROM dag_run_state AS c
        WHERE c.tenant_id = w.tenant_id AND c.run_key = w.key::uuid AND c.state IN ('queued', 'running') OFFSET 0)
    ELSE false
END AS is_met) AS m WHERE w.tenant_id = $1 AND w.run_key = $2 ORDER BY w.run_key, w.node, w.map_index LIMIT $3 OFFSET $4
;

-- wait::count_query
SELECT count(*) FROM (SELECT 1
FROM wait AS w
CROSS JOIN LATERAL (SELECT * FROM task_instance AS t
    WHERE t.tenant_id = w.tenant_id AND t.run_key = w.run_key AND t.node = w.node AND t.map_index = w.map_index
        AND (t.state = 'awaiting_input' OR t.state = 'deferred' AND t.fence = w.fence) OFFSET 0) AS t
CROSS JOIN LATERAL (SELECT * FROM dag_run AS r WHERE r.tenant_id = w.tenant_id AND r.key = w.run_key OFFSET 0) AS r
CROSS JOIN LATERAL (SELECT * FROM task_node AS n
    WHERE n.tenant_id = w.tenant_id AND n.run_key = w.run_key AND n.node = w.node OFFSET 0) AS n
CROSS JOIN LATERAL (SELECT CASE w.kind
    WHEN 'signal' THEN EXISTS (SELECT 1 FROM signal AS s
        WHERE s.tenant_id = w.tenant_id AND s.run_key = w.run_key AND s.name = w.key AND s.node IS NULL OFFSET 0)
    WHEN 'asset' THEN coalesce((SELECT v.at FROM asset_event AS v
        WHERE v.tenant_id = w.tenant_id
            AND v.asset_id = (SELECT a.id FROM asset AS a WHERE a.tenant_id = w.tenant_id AND a.name = w.key)
        ORDER BY v.id DESC LIMIT 1) >= w.since, false)
    WHEN 'dag_run' THEN NOT EXISTS (SELECT 1 FROM dag_run_state AS c
        WHERE c.tenant_id = w.tenant_id AND c.run_key = w.key::uuid AND c.state IN ('queued', 'running') OFFSET 0)
    ELSE false
END AS is_met) AS m WHERE w.tenant_id = $1 LIMIT $2) AS counted
;

-- connection::list_query
SELECT connection_id, conn_type, description, host, login, password, schema, port, extra, updated_at FROM connection WHERE tenant_id = $1 ORDER BY connection_id LIMIT $2 OFFSET $3
;

-- connection::count_query
SELECT count(*) FROM (SELECT 1 FROM connection WHERE tenant_id = $1 AND connection_id ILIKE $2 ESCAPE '\' LIMIT $3) AS counted
;

-- pool::list_query
SELECT name, slots, description, include_deferred, updated_at FROM pool WHERE tenant_id = $1 ORDER BY name LIMIT $2 OFFSET $3
;

-- pool::count_query
SELECT count(*) FROM (SELECT 1 FROM pool WHERE tenant_id = $1 AND name ILIKE $2 ESCAPE '\' LIMIT $3) AS counted
;

-- tag::list_query
SELECT tag FROM dag_tag WHERE tenant_id = $1 AND tag ILIKE $2 ESCAPE '\' GROUP BY tag ORDER BY tag LIMIT $3 OFFSET $4
;

-- tag::count_query
SELECT count(*) FROM (SELECT 1 FROM dag_tag WHERE tenant_id = $1 GROUP BY tag LIMIT $2) AS counted
;

-- variable::list_query
SELECT key, value, description, updated_at FROM variable WHERE tenant_id = $1 AND key ILIKE $2 ESCAPE '\' ORDER BY key LIMIT $3 OFFSET $4
;

-- variable::count_query
SELECT count(*) FROM (SELECT 1 FROM variable WHERE tenant_id = $1 LIMIT $2) AS counted
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
    r.ended_at, r.clears, r.backfill_id, i.is_latest, i.variables, i.parent_run, i.parent_node, i.parent_map_index,
    i.parent_depth
FROM (SELECT r.tenant_id, r.key, r.dag_id, r.run_id, r.run_type, r.logical_date, r.interval_from, r.interval_to, r.run_after,
    r.queued_at, r.backfill_id, s.version, s.state, s.reason, s.started_at, s.ended_at, s.clears
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
    r.ended_at, r.clears, r.backfill_id, i.is_latest, i.variables, i.parent_run, i.parent_node, i.parent_map_index,
    i.parent_depth
FROM (SELECT r.tenant_id, r.key, r.dag_id, r.run_id, r.run_type, r.logical_date, r.interval_from, r.interval_to, r.run_after,
    r.queued_at, r.backfill_id, s.version, s.state, s.reason, s.started_at, s.ended_at, s.clears
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
    r.ended_at, r.clears, r.backfill_id, i.is_latest, i.variables, i.parent_run, i.parent_node, i.parent_map_index,
    i.parent_depth
FROM (SELECT r.tenant_id, r.key, r.dag_id, r.run_id, r.run_type, r.logical_date, r.interval_from, r.interval_to, r.run_after,
    r.queued_at, r.backfill_id, s.version, s.state, s.reason, s.started_at, s.ended_at, s.clears
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
    r.ended_at, r.clears, r.backfill_id, i.is_latest, i.variables, i.parent_run, i.parent_node, i.parent_map_index,
    i.parent_depth
FROM (SELECT r.tenant_id, r.key, r.dag_id, r.run_id, r.run_type, r.logical_date, r.interval_from, r.interval_to, r.run_after,
    r.queued_at, r.backfill_id, s.version, s.state, s.reason, s.started_at, s.ended_at, s.clears
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
    r.ended_at, r.clears, r.backfill_id, i.is_latest, i.variables, i.parent_run, i.parent_node, i.parent_map_index,
    i.parent_depth
FROM (SELECT r.tenant_id, r.key, r.dag_id, r.run_id, r.run_type, r.logical_date, r.interval_from, r.interval_to, r.run_after,
    r.queued_at, r.backfill_id, s.version, s.state, s.reason, s.started_at, s.ended_at, s.clears
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
    r.ended_at, r.clears, r.backfill_id, i.is_latest, i.variables, i.parent_run, i.parent_node, i.parent_map_index,
    i.parent_depth
FROM (SELECT r.tenant_id, r.key, r.dag_id, r.run_id, r.run_type, r.logical_date, r.interval_from, r.interval_to, r.run_after,
    r.queued_at, r.backfill_id, s.version, s.state, s.reason, s.started_at, s.ended_at, s.clears
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
    r.ended_at, r.clears, r.backfill_id, i.is_latest, i.variables, i.parent_run, i.parent_node, i.parent_map_index,
    i.parent_depth
FROM (SELECT r.tenant_id, r.key, r.dag_id, r.run_id, r.run_type, r.logical_date, r.interval_from, r.interval_to, r.run_after,
    r.queued_at, r.backfill_id, s.version, s.state, s.reason, s.started_at, s.ended_at, s.clears
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
    r.ended_at, r.clears, r.backfill_id, i.is_latest, i.variables, i.parent_run, i.parent_node, i.parent_map_index,
    i.parent_depth
FROM (SELECT r.tenant_id, r.key, r.dag_id, r.run_id, r.run_type, r.logical_date, r.interval_from, r.interval_to, r.run_after,
    r.queued_at, r.backfill_id, s.version, s.state, s.reason, s.started_at, s.ended_at, s.clears
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
    r.ended_at, r.clears, r.backfill_id, i.is_latest, i.variables, i.parent_run, i.parent_node, i.parent_map_index,
    i.parent_depth
FROM (SELECT r.tenant_id, r.key, r.dag_id, r.run_id, r.run_type, r.logical_date, r.interval_from, r.interval_to, r.run_after,
    r.queued_at, r.backfill_id, s.version, s.state, s.reason, s.started_at, s.ended_at, s.clears
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
    r.ended_at, r.clears, r.backfill_id, i.is_latest, i.variables, i.parent_run, i.parent_node, i.parent_map_index,
    i.parent_depth
FROM (SELECT r.tenant_id, r.key, r.dag_id, r.run_id, r.run_type, r.logical_date, r.interval_from, r.interval_to, r.run_after,
    r.queued_at, r.backfill_id, s.version, s.state, s.reason, s.started_at, s.ended_at, s.clears
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

