//! Asks PostgreSQL how it would run every statement, and refuses to walk over all rows of a table or of a tenant: time
//! must not grow with history.
//!
//! The tables are empty, as they are when a server starts for the first time, and its plans are used until PostgreSQL has
//! statistics. The sessions are those of production, whose settings let the plans depend on the indexes alone.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use model::{
    AssetId, DagId, InstanceKey, MapIndex, NodeIdx, RunId, RunState, RunType, TaskId, TaskState, TenantId, TenantScope,
};
use sqlx::{AssertSqlSafe, Row};
use store::{
    AssetEventFilter, DagFilter, EventLogFilter, InstanceFilter, PageRequest, RunFilter, RunOrder, WaitFilter, WaitKind,
};
use uuid::Uuid;

use crate::commit::{dag_run as commit_run, function, shared};
use crate::retention::discard;
use crate::session::Session;
use crate::{
    PostgresStore, asset, asset_event, attempt, auth, backfill, before, callback, catalog, connection, dag, dag_run,
    dag_version, event, event_log, migrate, note, pool, retention, run_store, schedule, state, tag, task_instance,
    task_node, value, variable, wait, work,
};

const OWN: TenantScope = TenantScope::assume(TenantId::DEFAULT);
const PAGE: PageRequest = PageRequest { limit: 50, offset: 0 };

/// Walks over all rows of a tenant, or over a whole index, that are meant, by statement.
const MEANT: &[(&str, &str)] = &[
    // The partial indexes hold few runs.
    ("run_store::TENANTS", "Index Only Scan using dag_run_unfinished on dag_run_state"),
    ("dag_run::list_query unfinished", "Index Scan using dag_run_unfinished on dag_run_state s"),
    ("dag_run::list_query failed", "Index Scan using dag_run_failed on dag_run_state s"),
    ("task_instance::list_query running", "Index Only Scan using dag_run_unfinished on dag_run_state s"),
    // The newest of a few rows.
    ("migrate::NEWEST", "Index Scan Backward using schema_migration_pkey on schema_migration"),
    // The index is walked for one shard at a time, in the order of events.
    ("event::LIST", "Index Scan using event_by_shard on event"),
    // There is a row for each tenant.
    ("retention::TENANTS", "Index Only Scan using tenant_pkey on tenant"),
    // There is a row for each tenant, and of its callbacks the first is read.
    ("callback::DUE", "Index Only Scan using tenant_pkey on tenant t"),
    ("callback::DUE", "Index Only Scan using callback_due on callback c"),
    // From a place on, which is compared with the key's columns together.
    ("retention::VALUES", "Index Scan using xcom_pkey on xcom"),
    ("retention::STATES", "Index Scan using task_state_pkey on task_state"),
    // Lists in the order of an index, which stop at the page's end, and the counts of their rows, which stop at the longest total.
    ("catalog::LIST", "Index Scan using bundle_pkey on bundle b"),
    ("catalog::COUNT", "Index Only Scan using bundle_pkey on bundle"),
    ("dag::list_query", "Index Scan using dag_pkey on dag d"),
    ("dag::list_query by tag", "Index Scan using dag_pkey on dag d"),
    ("dag::count_query", "Index Scan using dag_by_bundle on dag d"),
    ("dag_run::list_query", "Index Scan using dag_run_pkey on dag_run r"),
    ("dag_run::list_query by run after", "Index Scan Backward using dag_run_by_run_after on dag_run r"),
    ("dag_run::count_query", "Index Scan using dag_run_by_run_id on dag_run r"),
    ("task_instance::list_query", "Index Only Scan using dag_run_pkey on dag_run r"),
    ("asset::list_query", "Index Scan using asset_tenant_id_name_key on asset"),
    ("asset::count_query", "Index Only Scan using asset_tenant_id_name_key on asset"),
    ("asset_event::list_query", "Index Scan using asset_event_by_tenant on asset_event v"),
    ("backfill::list_query", "Index Scan Backward using backfill_pkey on backfill"),
    ("connection::list_query", "Index Scan using connection_pkey on connection"),
    ("connection::count_query", "Index Only Scan using connection_pkey on connection"),
    ("pool::list_query", "Index Scan using pool_pkey on pool"),
    ("pool::count_query", "Index Only Scan using pool_pkey on pool"),
    ("tag::list_query", "Index Only Scan using dag_tag_by_tag on dag_tag"),
    ("tag::count_query", "Index Only Scan using dag_tag_by_tag on dag_tag"),
    ("variable::list_query", "Index Scan using variable_pkey on variable"),
    ("variable::count_query", "Index Only Scan using variable_pkey on variable"),
    // A wait has a row only while it lasts, as a rule.
    ("event_log::list_query", "Index Scan using event_log_by_tenant on event_log"),
    ("wait::list_query", "Index Scan using wait_pkey on wait w"),
    ("wait::list_query of signals of a DAG", "Index Scan using wait_pkey on wait w"),
    ("wait::count_query", "Index Scan using wait_by_key on wait w"),
    // A row for each tenant; DAGs, which are no history; rows that stay for a moment; one backfill of each DAG.
    ("schedule::TENANTS", "Index Only Scan using tenant_pkey on tenant"),
    ("schedule::UNREAD", "Index Scan using dag_pkey on dag d"),
    ("asset_event::DAGS", "Index Scan using dag_pkey on dag d"),
    ("dag::DELETE_STARTS", "Index Scan using asset_start_pkey on asset_start"),
    ("asset_event::STARTS", "Index Scan using asset_start_pkey on asset_start"),
    ("backfill::UNFINISHED", "Index Scan using backfill_unfinished on backfill"),
    ("backfill::BEGIN", "Index Scan using backfill_unfinished on backfill b"),
    // Backfills are made by people; `backfill_by_dag` is for when there are many all the same.
    ("backfill::list_query of a DAG", "Index Scan Backward using backfill_pkey on backfill"),
    ("dag::DELETE_SLICES", "Index Scan using backfill_pkey on backfill"),
    ("dag::DELETE_BACKFILLS", "Index Scan using backfill_pkey on backfill"),
    ("backfill::count_query of a DAG", "Index Scan using backfill_pkey on backfill"),
    // The partial index holds unfinished runs alone.
    ("schedule::UNFINISHED", "Index Only Scan using dag_run_unfinished on dag_run_state s"),
    // One version of one DAG.
    ("dag_run::list_query by everything", "Join Filter: (s.version = dag_version.key)"),
];

/// Where a commit finds its rows: by the whole key, of which this is the last column.
const LAST_OF_KEY: &[(&str, &str)] = &[
    ("asset", "name"),
    ("attempt", "fence"),
    ("callback", "number"),
    ("callback_left_out", "run_key"),
    ("dag_run_state", "run_key"),
    ("event", "id"),
    ("answer", "map_index"),
    ("map_block", "first"),
    ("signal", "id"),
    ("wait", "map_index"),
    ("task_instance", "map_index"),
    ("task_node", "node"),
    ("task_state", "map_index"),
    ("work", "map_index"),
    ("xcom", "key"),
];

pub(crate) fn fixed() -> Vec<(&'static str, String)> {
    macro_rules! statements {
        ($($module:ident :: { $($name:ident),* $(,)? })*) => {
            vec![$($((concat!(stringify!($module), "::", stringify!($name)), $module::$name.to_owned()),)*)*]
        };
    }
    let mut all = statements! {
        asset::{UPSERT, INSERT_NAMED, DELETE_USERS, INSERT_USERS, INSERT_EVENT, INSERT_MET, FORGET_WAITING, FETCH, FIND, USERS}
        asset_event::{OF_RUN, RUNS, DAGS, WAITING, DROP, TAKE, CONSUME, INSERT_START, STARTS, DELETE_START}
        attempt::{LIST}
        before::{BY_DATE, BY_RUN_AFTER, TASKS}
        commit_run::{FIND_DUPLICATE}
        dag_run::{OF_REQUEST}
        event_log::{FETCH}
        wait::{RECEIVER, INSERT_SIGNAL, FIND_SIGNAL, INSERT_MET, SIGNALS, SIGNAL_OF_INSTANCE}
        auth::{INSERT_TOKEN, FIND_TOKEN}
        backfill::{INSERT, FETCH, UNFINISHED, MOVE, SLICES, COUNT_SLICES, SLICES_IN, SLICES_OPEN, BEGIN, END}
        catalog::{
            FIND_FOREIGN, INSERT_BUNDLE_VERSION, FIND_BUNDLE_VERSION, UPSERT_BUNDLE, INSERT_DAG_VERSIONS, FIND_DAG_VERSIONS,
            UPSERT_DAGS, MARK_STALE, DELETE_TAGS, INSERT_TAGS, LIST, COUNT, LACKS_DAGS,
        }
        connection::{PUT, FETCH, DELETE}
        dag::{
            HAS_RUNS, DELETE_WAITING, DELETE_STARTS, DELETE_USES, DELETE_SLICES, DELETE_BACKFILLS, DELETE_SCHEDULE, DELETE_TAGS,
            DELETE, ACTIVATE,
        }
        dag_version::{FETCH, FIND, LIST, COUNT}
        event::{LIST, NEWS, INSERT_ASKED}
        callback::{DUE, TAKE, RENEW, END, LET_GO, LIST, COUNT, FETCH, LEFT_OUT}
        migrate::{NEWEST}
        note::{PUT_RUN, PUT, DELETE, LIST}
        pool::{PUT, FETCH, DELETE}
        retention::{TENANTS, RUNS, COMPONENTS, BACKFILLS, INPUTS, VALUES, STATES}
        discard::{
            ENDED_BEFORE, DAGS, BEYOND, DISCARD, DISCARDED, FORGET, DELETE_STATES, DELETE_XCOMS, DELETE_ATTEMPTS, DELETE_INSTANCES,
            DELETE_NODES, DELETE_INPUT, DELETE_WORK, DELETE_EVENTS, DELETE_ANSWERS, DELETE_NOTES, DELETE_WAITS, DELETE_BLOCKS, DELETE_SIGNALS, DELETE_CALLBACKS, DELETE_LEFT_OUT, IDLE_VERSIONS, LOCK_VERSIONS, DELETE_VERSIONS,
            IDLE_BUNDLE_VERSIONS, LOCK_BUNDLE_VERSIONS, DELETE_BUNDLE_VERSIONS,
        }
        run_store::{ADVANCE_EPOCH, TENANTS, UNFINISHED, INSTANCES, BLOCKS, ANSWERS, PRIOR_TRIES}
        schedule::{TENANTS, UNREAD, PUT, FETCH, DUE, NEXT, PAUSE, RUN_OF_DATE, UNFINISHED, ENDED_LAST}
        state::{FETCH, KEYS, IS_RUNNING, PUT, DELETE_EXPIRED, DELETE}
        task_instance::{COUNTS}
        task_node::{LIST, MAP_LENGTH}
        value::{FETCH, PAGE, INDEXES, COUNT, LIST, PUT, DELETE, MARK}
        variable::{PUT, FETCH, DELETE}
        shared::{NOT_OWNED}
        work::{REPORT, HELD, LEASE, OF_RUN}
    };
    all.extend(of_commit());
    all
}

fn of_commit() -> Vec<(&'static str, String)> {
    let all = function::STEPS.iter().flat_map(|step| step.statements.iter().map(move |it| (step, it)));
    all.map(|(step, it)| (it.name, it.over(&step.rows_of_parameters(1)))).collect()
}

pub(crate) fn built() -> Vec<(&'static str, String)> {
    let dag_id = || DagId::new("dag").unwrap();
    let run = model::RunKey::from_uuid(Uuid::nil());
    let of_dag = RunFilter { dag_id: Some(dag_id()), ..RunFilter::default() };
    let unfinished = RunFilter { states: vec![RunState::Running, RunState::Queued], ..RunFilter::default() };
    let failed = RunFilter { states: vec![RunState::Failed], ..RunFilter::default() };
    let everything = RunFilter {
        run_types: vec![RunType::Manual],
        run_id_pattern: Some("a%".into()),
        version_number: Some(1),
        order: RunOrder::StartedAt,
        ..of_dag.clone()
    };
    let by_run_after = RunFilter { order: RunOrder::RunAfter, descending: true, ..RunFilter::default() };
    let of_dag_by_run_after = RunFilter { dag_id: Some(dag_id()), ..by_run_after.clone() };
    let by_run_id = RunFilter { order: RunOrder::RunId, ..of_dag.clone() };
    let instances_of_run = InstanceFilter { run: Some(run), ..InstanceFilter::default() };
    let narrow = InstanceFilter {
        task_ids: vec![TaskId::new("t").unwrap()],
        map_indexes: vec![MapIndex::at(1)],
        ..instances_of_run.clone()
    };
    let running = InstanceFilter { states: vec![TaskState::Running], ..InstanceFilter::default() };
    let instances_of_dag = InstanceFilter { dag_id: Some(dag_id()), ..InstanceFilter::default() };
    let tagged = DagFilter { tags: vec!["a".into()], ..DagFilter::default() };
    let of_bundle = DagFilter { bundle: Some(model::BundleName::new("b").unwrap()), ..DagFilter::default() };
    let log_of_dag = EventLogFilter { dag_id: Some(dag_id()), descending: true, ..EventLogFilter::default() };
    let instance = InstanceKey { run, node: NodeIdx(0), map_index: MapIndex::NONE };
    let waits_of_run = WaitFilter { run: Some(run), ..WaitFilter::default() };
    let signals_of_dag =
        WaitFilter { kind: Some(WaitKind::Signal), dag_id: Some(dag_id()), has_form: true, ..WaitFilter::default() };
    let events = AssetEventFilter::default();
    let of_asset = AssetEventFilter { asset: Some(AssetId::from_number(1)), ..events.clone() };
    let of_source = AssetEventFilter { source_dag: Some(dag_id()), descending: true, ..events.clone() };
    let queries = [
        ("asset::list_query", asset::list_query(OWN, None, PAGE)),
        ("asset::count_query", asset::count_query(OWN, Some("a%"))),
        ("asset_event::list_query", asset_event::list_query(OWN, &events, PAGE)),
        ("asset_event::list_query of an asset", asset_event::list_query(OWN, &of_asset, PAGE)),
        ("asset_event::list_query of a source", asset_event::list_query(OWN, &of_source, PAGE)),
        ("asset_event::count_query of an asset", asset_event::count_query(OWN, &of_asset)),
        ("backfill::list_query", backfill::list_query(OWN, None, PAGE)),
        ("backfill::list_query of a DAG", backfill::list_query(OWN, Some(&dag_id()), PAGE)),
        ("backfill::count_query of a DAG", backfill::count_query(OWN, Some(&dag_id()))),
        ("event_log::list_query", event_log::list_query(OWN, &EventLogFilter::default(), PAGE)),
        ("event_log::list_query of a DAG", event_log::list_query(OWN, &log_of_dag, PAGE)),
        ("event_log::count_query of a DAG", event_log::count_query(OWN, &log_of_dag)),
        ("wait::of_run_query", wait::of_run_query(OWN, run)),
        ("wait::on_query", wait::on_query(OWN, WaitKind::Asset, "a", None, 50)),
        ("wait::on_query after", wait::on_query(OWN, WaitKind::DagRun, "a", Some(instance), 50)),
        ("wait::list_query", wait::list_query(OWN, &WaitFilter::default(), PAGE)),
        ("wait::list_query of signals of a DAG", wait::list_query(OWN, &signals_of_dag, PAGE)),
        ("wait::list_query of a run", wait::list_query(OWN, &waits_of_run, PAGE)),
        ("wait::count_query", wait::count_query(OWN, &WaitFilter::default())),
        ("connection::list_query", connection::list_query(OWN, None, PAGE)),
        ("connection::count_query", connection::count_query(OWN, Some("a%"))),
        ("pool::list_query", pool::list_query(OWN, None, PAGE)),
        ("pool::count_query", pool::count_query(OWN, Some("a%"))),
        ("tag::list_query", tag::list_query(OWN, Some("a%"), PAGE)),
        ("tag::count_query", tag::count_query(OWN, None)),
        ("variable::list_query", variable::list_query(OWN, Some("a%"), PAGE)),
        ("variable::count_query", variable::count_query(OWN, None)),
        ("dag::fetch_query", dag::fetch_query(OWN, &dag_id())),
        ("dag::list_query", dag::list_query(OWN, &DagFilter::default(), PAGE)),
        ("dag::list_query by tag", dag::list_query(OWN, &tagged, PAGE)),
        ("dag::list_query of a bundle", dag::list_query(OWN, &of_bundle, PAGE)),
        ("dag::count_query", dag::count_query(OWN, &DagFilter::default())),
        ("dag_run::fetch_query", dag_run::fetch_query(OWN, &dag_id(), &RunId::new("r").unwrap())),
        ("dag_run::fetch_by_key_query", dag_run::fetch_by_key_query(OWN, run)),
        ("dag_run::list_query", dag_run::list_query(OWN, &RunFilter::default(), PAGE)),
        ("dag_run::list_query of a DAG", dag_run::list_query(OWN, &of_dag, PAGE)),
        ("dag_run::list_query unfinished", dag_run::list_query(OWN, &unfinished, PAGE)),
        ("dag_run::list_query failed", dag_run::list_query(OWN, &failed, PAGE)),
        ("dag_run::list_query by run after", dag_run::list_query(OWN, &by_run_after, PAGE)),
        ("dag_run::list_query of a DAG by run after", dag_run::list_query(OWN, &of_dag_by_run_after, PAGE)),
        ("dag_run::list_query by run id", dag_run::list_query(OWN, &by_run_id, PAGE)),
        ("dag_run::list_query by everything", dag_run::list_query(OWN, &everything, PAGE)),
        ("dag_run::count_query", dag_run::count_query(OWN, &RunFilter::default())),
        ("dag_run::count_query of a DAG", dag_run::count_query(OWN, &of_dag)),
        ("task_instance::list_query", task_instance::list_query(OWN, &InstanceFilter::default(), PAGE)),
        ("task_instance::list_query of a run", task_instance::list_query(OWN, &instances_of_run, PAGE)),
        ("task_instance::list_query of one", task_instance::list_query(OWN, &narrow, PAGE)),
        ("task_instance::list_query running", task_instance::list_query(OWN, &running, PAGE)),
        ("task_instance::list_query of a DAG", task_instance::list_query(OWN, &instances_of_dag, PAGE)),
        ("task_instance::count_query of a run", task_instance::count_query(OWN, &instances_of_run)),
    ];
    queries.into_iter().map(|(name, query)| (name, query.into_string())).collect()
}

pub(crate) async fn plan(session: &mut Session, sql: &str) -> Vec<String> {
    let count = (1..200).take_while(|number| has_parameter(sql, *number)).count();
    let nulls = vec!["NULL"; count].join(", ");
    let nulls = if count == 0 { String::new() } else { format!("({nulls})") };
    session.batch(format!("PREPARE looked_at AS {sql}")).await.unwrap();
    let explain = format!("EXPLAIN (COSTS OFF) EXECUTE looked_at {nulls}");
    let rows = session.all(sqlx::query(AssertSqlSafe(explain)).persistent(false)).await.unwrap();
    session.batch("DEALLOCATE looked_at".to_owned()).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

fn has_parameter(sql: &str, number: usize) -> bool {
    let parameter = format!("${number}");
    let is_end = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_digit());
    sql.match_indices(&parameter).any(|(at, found)| is_end(&sql[at + found.len()..]))
}

/// The columns of each index.
type Indexes = BTreeMap<String, Vec<String>>;

async fn indexes(session: &mut Session) -> Indexes {
    const COLUMNS: &str = "
SELECT i.relname::text, array_agg(a.attname::text ORDER BY a.attnum)
FROM pg_class AS i JOIN pg_attribute AS a ON a.attrelid = i.oid
WHERE i.relkind = 'i' AND i.relnamespace = 'public'::regnamespace
GROUP BY i.relname";
    let rows = session.all(sqlx::query(COLUMNS)).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// What a plan walks over, of what it should not: a condition narrows the walk only by the columns with which the index begins.
fn wide(name: &str, plan: &[String], indexes: &Indexes) -> Vec<String> {
    let mut found = Vec::new();
    for (at, line) in plan.iter().enumerate() {
        let line = line.trim().trim_start_matches("->").trim();
        let condition = plan.get(at + 1).and_then(|next| next.trim().strip_prefix("Index Cond: ")).unwrap_or_default();
        let index = line.split(" using ").nth(1).and_then(|rest| indexes.get(rest.split(' ').next()?));
        let is_narrow = |columns: &Vec<String>| {
            let begin = columns.iter().take(2).filter(|column| *column != "tenant_id" || columns.len() == 1);
            begin.into_iter().all(|column| condition.contains(&format!("({column} ")))
        };
        let is_wide = line.contains("Seq Scan on")
            || line.contains("Bitmap")
            || line.starts_with("Join Filter")
            || index.is_some_and(|columns| !is_narrow(columns));
        if is_wide && !MEANT.contains(&(name, line)) {
            found.push(format!("{name}: {line} {condition}"));
        }
    }
    found
}

/// What takes all rows of a run, which a clear onto a version with other tasks lays out anew.
const OF_WHOLE_RUN: &[&str] = &["reset::FORGET_BLOCKS"];

/// Index scans of a commit that do not find their rows by the whole key.
fn vague(name: &str, plan: &[String]) -> Vec<String> {
    let is_exact = |line: &String, condition: &str| {
        let table = line.split(" on ").nth(1).and_then(|rest| rest.split(' ').next());
        LAST_OF_KEY.iter().any(|(of, column)| Some(*of) == table && condition.contains(column))
            || (OF_WHOLE_RUN.contains(&name) && condition.contains("(run_key = e.run_key)"))
    };
    let scans = plan.iter().zip(plan.iter().skip(1)).filter(|(line, _)| line.contains("Scan using"));
    let vague = scans.filter(|(line, condition)| !is_exact(line, condition));
    vague.map(|(line, condition)| format!("{name}: {line} {condition}")).collect()
}

async fn open(database: &testkit_postgres::Database) -> Session {
    let store = PostgresStore::open(&database.url(), Arc::new(clock::Real)).await.unwrap();
    store.session().await.unwrap()
}

/// What the functions of triggers do, but for those that only refuse.
async fn of_triggers(session: &mut Session) -> Vec<(&'static str, String)> {
    const FUNCTIONS: &str = "
SELECT DISTINCT p.prosrc FROM pg_trigger AS t JOIN pg_proc AS p ON p.oid = t.tgfoid
WHERE NOT t.tgisinternal AND p.prosrc NOT LIKE '%RAISE%'";
    let rows = session.all(sqlx::query(FUNCTIONS)).await.unwrap();
    let body = |text: &str| text.split_once("BEGIN").unwrap().1.rsplit_once("RETURN").unwrap().0.to_owned();
    let bodies: Vec<_> = rows.iter().map(|row| body(row.get(0))).collect();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    let columns = [("new.tenant_id", "$1"), ("new.asset_id", "$2"), ("new.id", "$3")];
    let bound = |sql: String| columns.iter().fold(sql, |sql, (column, parameter)| sql.replace(column, parameter));
    bodies.into_iter().map(|sql| ("the trigger asset_event_waits", bound(sql))).collect()
}

#[tokio::test]
async fn no_statement_walks_over_everything() {
    let database = testkit_postgres::database();
    let mut session = open(&database).await;
    let indexes = indexes(&mut session).await;
    let mut all = String::new();
    let mut found = Vec::new();
    let triggers = of_triggers(&mut session).await;
    for (name, sql) in fixed().into_iter().chain(built()).chain(triggers) {
        let plan = plan(&mut session, &sql).await;
        writeln!(all, "{name}\n  {}", plan.join("\n  ")).unwrap();
        found.extend(wide(name, &plan, &indexes));
    }
    assert_eq!(found, [] as [String; 0], "{all}");
}

#[tokio::test]
async fn a_commit_finds_its_rows_by_key() {
    let database = testkit_postgres::database();
    let mut session = open(&database).await;
    let mut scans = 0;
    for (name, sql) in of_commit() {
        let plan = plan(&mut session, &sql).await;
        assert_eq!(vague(name, &plan), [] as [String; 0], "{plan:#?}");
        scans += plan.iter().filter(|line| line.contains("Scan using")).count();
    }
    assert!(scans >= 7, "{scans}");
}

#[tokio::test]
async fn a_missing_index_is_found() {
    let database = testkit_postgres::database();
    let mut session = open(&database).await;
    let indexes = indexes(&mut session).await;
    let by_run_after = RunFilter { order: RunOrder::RunAfter, dag_id: DagId::new("dag").ok(), ..RunFilter::default() };
    for (drop, name, sql) in [
        ("DROP INDEX dag_by_bundle", "catalog::MARK_STALE", catalog::MARK_STALE.to_owned()),
        ("ALTER TABLE dag_tag DROP CONSTRAINT dag_tag_pkey", "catalog::DELETE_TAGS", catalog::DELETE_TAGS.to_owned()),
        ("ALTER TABLE xcom DROP CONSTRAINT xcom_pkey", "value::FETCH", value::FETCH.to_owned()),
        (
            "DROP INDEX dag_run_by_run_id, dag_run_by_dag, dag_run_by_dag_run_after",
            "dag_run::list_query",
            dag_run::list_query(OWN, &by_run_after, PAGE).into_string(),
        ),
    ] {
        assert_eq!(wide(name, &plan(&mut session, &sql).await, &indexes), [] as [String; 0]);
        session.batch(drop.to_owned()).await.unwrap();
        let plan = plan(&mut session, &sql).await;
        assert_ne!(wide(name, &plan, &indexes), [] as [String; 0], "{plan:#?}");
    }
}
