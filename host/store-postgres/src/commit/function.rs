//! The functions of the writer's session that a commit calls, made of the statements of the steps.
//!
//! They belong to the session (`pg_temp`), so they are always those of this program, and a commit costs one message: the
//! server plans each statement once a session, and runs it without asking anybody.

use std::fmt::Write;

use crate::wakes::CHANNEL;

use super::step::{Blame, Changes, Step, joined};
use super::{
    asset_event, callback, claim, dag_run, ended, event_log, map_block, reset, shared, task_instance, wait, xcom,
};

/// All steps, in the order in which a commit is applied.
pub(crate) const STEPS: [&Step; 26] = [
    &dag_run::RUNS,
    &dag_run::NODES,
    &ended::ENDS,
    &xcom::XCOMS,
    &ended::LIST_LENGTHS,
    &reset::CANCELLED,
    &reset::REOPENED,
    &reset::RESETS,
    &task_instance::MARKS,
    &task_instance::UNSAID,
    &task_instance::EXPANSIONS,
    &map_block::BLOCKS,
    &task_instance::INSTANCES,
    &task_instance::TRANSITIONS,
    &xcom::REMOVED,
    &xcom::VALUES,
    &map_block::ANSWERS,
    &wait::WAITS,
    &wait::WOKEN,
    &wait::SIGNALS,
    &claim::CLAIMS,
    &dag_run::STATES,
    &asset_event::ASSET_EVENTS,
    &callback::DEADLINES_MET,
    &callback::CALLBACKS,
    &event_log::LOGS,
];

/// What a commit has to do with other processes; applied after the steps, in a function of its own, for a function has no more
/// than a hundred arguments.
pub(crate) const SHARED_STEPS: [&Step; 4] = [&shared::OFFERS, &shared::RESULTS, &shared::EVENTS, &shared::LOOKS];

/// What follows the shared steps: the shards that must be owned, by which server, since which epoch at the latest; the runs that
/// must not have been cleared since they were read, and how often they had been; and whom to wake after the commit.
pub(super) const GUARD: [&str; 7] = ["integer[]", "uuid", "bigint", "bigint[]", "uuid[]", "integer[]", "text"];

/// Writes everything, or fails with [`UNEXPECTED`].
pub(crate) const ALL_AT_ONCE: &str = "commit_all_at_once";
/// Writes everything row by row, or nothing, and says which runs are in the way.
pub(crate) const ROW_BY_ROW: &str = "commit_row_by_row";
/// Writes what other processes have to do with, or fails with [`UNEXPECTED`] or [`DEPOSED`].
const SHARED: &str = "commit_shared";
/// The code of the error that a statement changed another number of rows than expected.
pub(crate) const UNEXPECTED: &str = "WF001";
/// The code of the error that a shard has another owner.
pub(crate) const DEPOSED: &str = "WF002";

/// The statement that calls one of the functions with the columns of all steps and, where other processes are concerned, the
/// other one after it.
pub(crate) fn call(function: &str, is_shared: bool) -> String {
    let count = width(&STEPS) + 1;
    let own = format!("{}::jsonb", numbers(1..=count));
    if !is_shared {
        return format!("SELECT * FROM pg_temp.{function}({own})");
    }
    let shared = numbers(count + 1..=count + width(&SHARED_STEPS) + GUARD.len());
    let shared = format!("pg_temp.{SHARED}({shared})");
    if function == ROW_BY_ROW {
        // Where something is in the way, nothing was written.
        let is_written = "cardinality(f.duplicates) + cardinality(f.overtaken) = 0";
        return format!("SELECT f.*, CASE WHEN {is_written} THEN {shared} END FROM pg_temp.{function}({own}) AS f");
    }
    format!("SELECT {shared} FROM pg_temp.{function}({own}) AS f")
}

fn width(steps: &[&Step]) -> usize {
    steps.iter().map(|step| step.width()).sum()
}

/// Where the parameters of each step begin; those of all that read the document are the one after all others.
fn places(steps: &[&'static Step]) -> Vec<(&'static Step, usize)> {
    let mut first = 1;
    let mut places = Vec::new();
    for step in steps {
        places.push((*step, if step.width() == 0 { width(steps) + 1 } else { first }));
        first += step.width();
    }
    places
}

fn numbers(range: std::ops::RangeInclusive<usize>) -> String {
    joined(range.map(|number| format!("${number}")))
}

fn types(steps: &[&Step]) -> String {
    let with_arrays = steps.iter().filter(|step| step.width() > 0);
    joined(with_arrays.flat_map(|step| step.columns).map(|(_, kind)| format!("{kind}[]")))
}

/// What makes all functions.
pub(crate) fn definitions() -> String {
    let own_types = format!("{}, jsonb", types(&STEPS));
    let shared_types = format!("{}, {}", types(&SHARED_STEPS), GUARD.join(", "));
    let mut at_once = String::new();
    let mut row_by_row = String::new();
    for (step, first) in places(&STEPS) {
        push_at_once(&mut at_once, step, first);
        push_row_by_row(&mut row_by_row, step, first);
    }
    let mut shared = String::new();
    let mut first = 1;
    for step in SHARED_STEPS {
        push_at_once(&mut shared, step, first);
        first += step.width();
    }
    let guard = guard(first);
    let wake = first + 6;
    // A variable has the same name in both, which no column has.
    format!(
        "CREATE FUNCTION pg_temp.{ALL_AT_ONCE}({own_types}) RETURNS void LANGUAGE plpgsql AS $function$
DECLARE
    rows_changed bigint;
BEGIN
{at_once}END
$function$;
CREATE FUNCTION pg_temp.{ROW_BY_ROW}({own_types}, OUT duplicates uuid[], OUT overtaken uuid[]) LANGUAGE plpgsql AS $function$
DECLARE
    rows_changed bigint;
    row_of_step record;
BEGIN
    duplicates := '{{}}';
    overtaken := '{{}}';
    BEGIN
{row_by_row}        IF cardinality(overtaken) > 0 THEN
            RAISE EXCEPTION USING ERRCODE = '{UNEXPECTED}';
        END IF;
    EXCEPTION WHEN SQLSTATE '{UNEXPECTED}' THEN
        -- What was written is undone; what was found stays.
        NULL;
    END;
END
$function$;
CREATE FUNCTION pg_temp.{SHARED}({shared_types}) RETURNS void LANGUAGE plpgsql AS $function$
DECLARE
    rows_changed bigint;
BEGIN
{guard}{shared}    IF ${wake} <> '' THEN
        PERFORM pg_notify('{CHANNEL}', ${wake});
    END IF;
END
$function$;"
    )
}

/// Refuses the commit of a server that does not own what it decides about, or does not know of a clear. The rows of the shards and
/// of the runs are locked, so whoever takes one over, or clears one, does so before or after this commit.
fn guard(first: usize) -> String {
    format!(
        "    IF cardinality(${first}) > 0 THEN
        SELECT count(*) INTO rows_changed FROM (
            SELECT 1 FROM shard AS s JOIN server AS v ON v.id = s.owner
            WHERE s.shard = ANY(${first}) AND s.owner = ${server} AND s.epoch <= ${epoch}
                AND NOT v.is_gone AND v.lease_until > clock_timestamp()
            FOR SHARE OF s) AS owned;
        IF rows_changed <> cardinality(${first}) THEN
            RAISE EXCEPTION USING ERRCODE = '{DEPOSED}', MESSAGE = 'a shard has another owner, or the lease has ended';
        END IF;
    END IF;
    IF cardinality(${run}) > 0 THEN
        SELECT count(*) INTO rows_changed FROM (
            SELECT 1 FROM unnest(${tenant}, ${run}, ${clears}) AS e (tenant_id, run_key, clears)
            JOIN dag_run_state AS r ON r.tenant_id = e.tenant_id AND r.run_key = e.run_key
            WHERE r.clears = e.clears
            FOR SHARE OF r) AS known;
        IF rows_changed <> cardinality(${run}) THEN
            RAISE EXCEPTION USING ERRCODE = '{UNEXPECTED}', MESSAGE = 'a run was cleared since it was read';
        END IF;
    END IF;
",
        server = first + 1,
        epoch = first + 2,
        tenant = first + 3,
        run = first + 4,
        clears = first + 5
    )
}

fn push_at_once(body: &mut String, step: &Step, first: usize) {
    let rows = step.rows_of_parameters(first);
    let mut inner = String::new();
    for statement in step.statements {
        let _ = writeln!(inner, "        {};", statement.over(&rows).trim());
        let expected = match statement.changes {
            Changes::One => step.count(first),
            Changes::Sum(expression) => format!("(SELECT sum({expression}) FROM {rows})"),
            Changes::Any => continue,
        };
        let _ = writeln!(
            inner,
            "        GET DIAGNOSTICS rows_changed = ROW_COUNT;
        IF rows_changed <> {expected} THEN
            RAISE EXCEPTION USING ERRCODE = '{UNEXPECTED}', MESSAGE = 'rows are not as the commit expects: {}';
        END IF;",
            statement.name
        );
    }
    let _ = writeln!(body, "    IF {} THEN\n{inner}    END IF;", step.has_rows(first));
}

fn push_row_by_row(body: &mut String, step: &Step, first: usize) {
    let rows = step.rows_of_variable("row_of_step");
    let found = match step.blame {
        Blame::Duplicate => "duplicates",
        Blame::Overtaken => "overtaken",
    };
    let mut inner = String::new();
    for statement in step.statements {
        let _ = writeln!(inner, "            {};", statement.over(&rows).trim());
        let expected = match statement.changes {
            Changes::One => "1".to_owned(),
            Changes::Sum(expression) => format!("(SELECT {expression} FROM {rows})"),
            Changes::Any => continue,
        };
        let _ = writeln!(
            inner,
            "            GET DIAGNOSTICS rows_changed = ROW_COUNT;
            IF rows_changed <> {expected} THEN
                {found} := {found} || row_of_step.run_key;
            END IF;"
        );
    }
    // Arrays give their rows in order.
    let (all, has_rows) = (step.rows_of_parameters(first), step.has_rows(first));
    let _ = writeln!(
        body,
        "        IF {has_rows} THEN
        FOR row_of_step IN SELECT * FROM {all} LOOP\n{inner}        END LOOP;
        END IF;"
    );
    if step.blame == Blame::Duplicate {
        let _ = writeln!(
            body,
            "        IF cardinality({found}) > 0 THEN
            RAISE EXCEPTION USING ERRCODE = '{UNEXPECTED}';
        END IF;"
        );
    }
}
