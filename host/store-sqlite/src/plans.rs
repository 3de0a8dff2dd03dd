//! Asks SQLite how it would run every statement, and refuses to walk over all rows of a table or of a tenant: time
//! must not grow with history.
//!
//! A snapshot shows the plans, so that a change of an index or a statement shows what it does to them.

use std::fmt::Write;
use std::sync::Arc;

use model::{
    AssetId, DagId, InstanceKey, MapIndex, NodeIdx, RunId, RunState, RunType, TaskId, TaskState, TenantId, TenantScope,
};
use sqlx::{AssertSqlSafe, Row, SqliteConnection};
use store::{
    AssetEventFilter, DagFilter, EventLogFilter, InstanceFilter, PageRequest, RunFilter, RunOrder, WaitFilter, WaitKind,
};
use uuid::Uuid;

use crate::{
    SqliteStore, asset, asset_event, attempt, auth, backfill, before, callback, catalog, commit, connection, dag,
    dag_run, dag_version, event_log, note, pool, retention, run_store, schedule, state, tag, task_instance, task_node,
    value, variable, wait,
};

use crate::retention::discard;

const OWN: TenantScope = TenantScope::assume(TenantId::DEFAULT);
const PAGE: PageRequest = PageRequest { limit: 50, offset: 0 };

/// What may be walked from end to end: JSON that was bound, and what a statement has computed itself.
const COMPUTED: [&str; 8] = [
    "VIRTUAL TABLE",
    "SCAN CONSTANT ROW",
    "SCAN item",
    "SCAN fit",
    "SCAN size",
    "SCAN (subquery",
    "SCAN d\n",
    "SCAN r\n",
];

/// Walks over all rows of a tenant that are meant, by statement.
const MEANT: &[(&str, &str)] = &[
    // The partial index holds unfinished runs alone.
    ("run_store::TENANTS", "SCAN dag_run USING INDEX dag_run_unfinished"),
    // Checks of foreign keys, which run only where a referred key changes; none does.
    ("catalog::UPSERT_BUNDLE", "SEARCH dag USING PRIMARY KEY (tenant_id=?)"),
    ("catalog::INSERT_DAG_VERSIONS", "SEARCH dag USING PRIMARY KEY (tenant_id=?)"),
    // Checks of foreign keys: tenants have few bundles and DAGs, and versions go in batches, some times a day.
    ("discard::DELETE_VERSION", "SEARCH dag USING PRIMARY KEY (tenant_id=?)"),
    ("discard::DELETE_BUNDLE_VERSION", "SEARCH bundle USING PRIMARY KEY (tenant_id=?)"),
    // There is a row for each tenant.
    ("retention::TENANTS", "SCAN tenant"),
    ("callback::DUE", "SCAN t"),
    // What was bound, with its turns.
    ("commit::callback::COUNT_LEFT_OUT", "SCAN e"),
    ("commit::callback::INSERT", "SCAN e"),
    // Lists in the order of an index, which stop at the page's end, and the counts of their rows, which stop at the longest total.
    ("catalog::LIST", "SEARCH b USING PRIMARY KEY (tenant_id=?)"),
    ("catalog::COUNT", "SEARCH bundle USING PRIMARY KEY (tenant_id=?)"),
    ("dag::list_query", "SEARCH d USING PRIMARY KEY (tenant_id=?)"),
    ("dag::list_query by tag", "SEARCH d USING PRIMARY KEY (tenant_id=?)"),
    ("dag::count_query", "SEARCH d USING PRIMARY KEY (tenant_id=?)"),
    ("dag_run::list_query", "SEARCH r USING PRIMARY KEY (tenant_id=?)"),
    ("dag_run::count_query", "SEARCH r USING COVERING INDEX dag_run_by_run_after (tenant_id=?)"),
    ("dag_run::list_query by run after", "SEARCH r USING INDEX dag_run_by_run_after (tenant_id=?)"),
    ("task_instance::list_query", "SEARCH r USING PRIMARY KEY (tenant_id=?)"),
    ("asset::list_query", "SEARCH asset USING INDEX sqlite_autoindex_asset_1 (tenant_id=?)"),
    ("asset::count_query", "SEARCH asset USING COVERING INDEX sqlite_autoindex_asset_1 (tenant_id=?)"),
    ("asset_event::list_query", "SEARCH v USING INDEX asset_event_by_tenant (tenant_id=?)"),
    ("backfill::list_query", "SEARCH backfill USING INDEX backfill_by_tenant (tenant_id=?)"),
    ("connection::list_query", "SEARCH connection USING PRIMARY KEY (tenant_id=?)"),
    ("connection::count_query", "SEARCH connection USING PRIMARY KEY (tenant_id=?)"),
    ("pool::list_query", "SEARCH pool USING PRIMARY KEY (tenant_id=?)"),
    ("pool::count_query", "SEARCH pool USING PRIMARY KEY (tenant_id=?)"),
    ("tag::list_query", "SEARCH dag_tag USING COVERING INDEX dag_tag_by_tag (tenant_id=?)"),
    ("tag::count_query", "SEARCH dag_tag USING COVERING INDEX dag_tag_by_tag (tenant_id=?)"),
    ("variable::list_query", "SEARCH variable USING PRIMARY KEY (tenant_id=?)"),
    ("variable::count_query", "SEARCH variable USING PRIMARY KEY (tenant_id=?)"),
    // A row for each tenant; DAGs, which are no history; rows that stay for a moment; one backfill of each DAG.
    ("schedule::TENANTS", "SCAN tenant"),
    ("schedule::UNREAD", "SEARCH d USING PRIMARY KEY (tenant_id=?)"),
    ("asset_event::DAGS", "SEARCH d USING PRIMARY KEY (tenant_id=?)"),
    ("dag::DELETE_STARTS", "SEARCH asset_start USING PRIMARY KEY (tenant_id=?)"),
    ("asset_event::STARTS", "SEARCH asset_start USING PRIMARY KEY (tenant_id=?)"),
    ("backfill::UNFINISHED", "SEARCH backfill USING INDEX backfill_unfinished (tenant_id=?)"),
    // Lists as above; a wait has a row only while it lasts, as a rule.
    ("event_log::list_query", "SEARCH event_log USING INDEX event_log_by_tenant (tenant_id=?)"),
    ("wait::list_query", "SEARCH w USING PRIMARY KEY (tenant_id=?)"),
    ("wait::list_query of signals of a DAG", "SEARCH w USING PRIMARY KEY (tenant_id=?)"),
    ("wait::count_query", "SEARCH w USING PRIMARY KEY (tenant_id=?)"),
    // The partial indexes hold few of a tenant's runs.
    ("schedule::UNFINISHED", "SEARCH dag_run USING INDEX dag_run_unfinished (tenant_id=?)"),
    ("dag_run::list_query unfinished", "SEARCH r USING INDEX dag_run_unfinished (tenant_id=?)"),
    ("dag_run::list_query failed", "SEARCH r USING INDEX dag_run_failed (tenant_id=?)"),
    ("task_instance::list_query running", "SEARCH r USING INDEX dag_run_unfinished (tenant_id=?)"),
];

pub(crate) fn fixed() -> Vec<(&'static str, String)> {
    macro_rules! statements {
        ($($module:ident :: { $($name:ident),* $(,)? })*) => {
            vec![$($((concat!(stringify!($module), "::", stringify!($name)), $module::$name.to_owned()),)*)*]
        };
    }
    let mut all = statements! {
        asset::{UPSERT, INSERT_NAMED, DELETE_USERS, INSERT_USERS, FORGET_WAITING, FETCH, FIND, USERS}
        asset_event::{OF_RUN, RUNS, DAGS, WAITING, DROP, TAKE, CONSUME, INSERT_START, STARTS, DELETE_START}
        attempt::{LIST}
        before::{BY_DATE, BY_RUN_AFTER, TASKS}
        event_log::{FETCH}
        dag_run::{OF_REQUEST}
        callback::{DUE, TAKE, RENEW, END, LET_GO, LIST, COUNT, FETCH, LEFT_OUT}
        wait::{RECEIVER, INSERT_SIGNAL, FIND_SIGNAL, SIGNALS, SIGNAL_OF_INSTANCE}
        auth::{INSERT_TOKEN, FIND_TOKEN}
        backfill::{
            INSERT, INSERT_SLICES, FETCH, UNFINISHED, MOVE, SLICES, COUNT_SLICES, SLICES_IN, SLICES_OPEN, BEGIN, END,
        }
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
        note::{PUT_RUN, PUT, DELETE, LIST}
        pool::{PUT, FETCH, DELETE}
        retention::{TENANTS, RUNS, COMPONENTS, BACKFILLS, INPUTS, VALUES, STATES}
        discard::{
            ENDED_BEFORE, DAGS, BEYOND, INSERT_DISCARDED, DELETE_RUN, DISCARDED, FORGET, LAST_STATE, LAST_ANSWER, LAST_WAIT, LAST_NOTE, DELETE_NOTES, LAST_XCOM,
            LAST_ATTEMPT, LAST_INSTANCE, DELETE_ANSWERS, DELETE_WAITS, DELETE_BLOCKS, DELETE_SIGNALS, DELETE_CALLBACKS, DELETE_LEFT_OUT, DELETE_STATES, DELETE_XCOMS, DELETE_ATTEMPTS, DELETE_INSTANCES, DELETE_NODES, DELETE_INPUT,
            IDLE_VERSIONS, DELETE_VERSION, IDLE_BUNDLE_VERSIONS, DELETE_BUNDLE_VERSION,
        }
        run_store::{ADVANCE_EPOCH, TENANTS, UNFINISHED, INSTANCES, BLOCKS, ANSWERS, PRIOR_TRIES}
        schedule::{TENANTS, UNREAD, PUT, FETCH, DUE, NEXT, PAUSE, PAUSE_SCHEDULE, RUN_OF_DATE, UNFINISHED, ENDED_LAST}
        state::{FETCH, KEYS, IS_RUNNING, PUT, DELETE_EXPIRED, DELETE}
        task_instance::{COUNTS}
        task_node::{LIST, MAP_LENGTH}
        value::{FETCH, PAGE, INDEXES, COUNT, LIST, PUT, DELETE, MARK}
        variable::{PUT, FETCH, DELETE}
    };
    all.extend(commit::STATEMENTS.iter().map(|(name, sql)| (*name, (*sql).to_owned())));
    all
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

pub(crate) async fn plan(conn: &mut SqliteConnection, sql: &str) -> Vec<String> {
    let rows = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"))).fetch_all(conn).await.unwrap();
    rows.iter().map(|row| row.get("detail")).collect()
}

/// What triggers do, but for those that only refuse.
async fn of_triggers(conn: &mut SqliteConnection) -> Vec<(&'static str, String)> {
    let name = "the trigger asset_event_waits";
    let found = sqlx::query("SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND sql NOT LIKE '%RAISE%'");
    let rows = found.fetch_all(conn).await.unwrap();
    let body = |sql: &str| sql.split_once("BEGIN").unwrap().1.rsplit_once("END").unwrap().0.trim().to_owned();
    let bodies: Vec<_> = rows.iter().map(|row| body(row.get("sql"))).collect();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    let columns = [("new.tenant_id", "?1"), ("new.asset_id", "?2"), ("new.id", "?3")];
    let bound = |sql: String| columns.iter().fold(sql, |sql, (column, parameter)| sql.replace(column, parameter));
    bodies.into_iter().map(|sql| (name, bound(sql))).collect()
}

#[tokio::test]
async fn no_statement_walks_over_everything() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("waft.db"), Arc::new(clock::Real)).await.unwrap();
    let mut conn = store.reader().await.unwrap();
    let mut all = String::new();
    let mut wide = Vec::new();
    let triggers = of_triggers(&mut conn).await;
    for (name, sql) in fixed().into_iter().chain(built()).chain(triggers) {
        writeln!(all, "{name}").unwrap();
        for line in plan(&mut conn, &sql).await {
            writeln!(all, "  {line}").unwrap();
            let is_computed = COMPUTED.iter().any(|known| format!("{line}\n").contains(known));
            let is_wide = (line.starts_with("SCAN") && !is_computed) || line.ends_with("(tenant_id=?)");
            if is_wide && !MEANT.contains(&(name, line.as_str())) {
                wide.push(format!("{name}: {line}"));
            }
        }
    }
    assert_eq!(wide, [] as [String; 0], "{all}");
    insta::assert_snapshot!(all);
}
