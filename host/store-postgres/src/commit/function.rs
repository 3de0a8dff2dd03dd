//! The functions of the writer's session that a commit calls, made of the statements of the steps.
//!
//! They belong to the session (`pg_temp`), so they are always those of this program, and a commit costs one message: the
//! server plans each statement once a session, and runs it without asking anybody.

use std::fmt::Write;

use super::step::{Blame, Changes, Step, joined};
use super::{claim, dag_run, ended, task_instance};

/// All steps, in the order in which a commit is applied.
pub(crate) const STEPS: [&Step; 10] = [
    &dag_run::RUNS,
    &dag_run::NODES,
    &ended::ENDS,
    &ended::XCOMS,
    &ended::LIST_LENGTHS,
    &task_instance::EXPANSIONS,
    &task_instance::INSTANCES,
    &task_instance::TRANSITIONS,
    &claim::CLAIMS,
    &dag_run::STATES,
];

/// Writes everything, or fails with [`UNEXPECTED`].
pub(crate) const ALL_AT_ONCE: &str = "commit_all_at_once";
/// Writes everything row by row, or nothing, and says which runs are in the way.
pub(crate) const ROW_BY_ROW: &str = "commit_row_by_row";
/// The code of the error that a statement changed another number of rows than expected.
pub(crate) const UNEXPECTED: &str = "WF001";

/// The statement that calls one of the functions with the columns of all steps.
pub(crate) fn call(function: &str) -> String {
    let count: usize = STEPS.iter().map(|step| step.columns.len()).sum();
    format!("SELECT * FROM pg_temp.{function}({})", joined((1..=count).map(|number| format!("${number}"))))
}

/// What makes both functions.
pub(crate) fn definitions() -> String {
    let types = STEPS.iter().flat_map(|step| step.columns).map(|(_, kind)| format!("{kind}[]"));
    let types = joined(types);
    let mut at_once = String::new();
    let mut row_by_row = String::new();
    let mut first = 1;
    for step in STEPS {
        push_at_once(&mut at_once, step, first);
        push_row_by_row(&mut row_by_row, step, first);
        first += step.columns.len();
    }
    // A variable has the same name in both, which no column has.
    format!(
        "CREATE FUNCTION pg_temp.{ALL_AT_ONCE}({types}) RETURNS void LANGUAGE plpgsql AS $function$
DECLARE
    rows_changed bigint;
BEGIN
{at_once}END
$function$;
CREATE FUNCTION pg_temp.{ROW_BY_ROW}({types}, OUT duplicates uuid[], OUT overtaken uuid[]) LANGUAGE plpgsql AS $function$
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
$function$;"
    )
}

fn push_at_once(body: &mut String, step: &Step, first: usize) {
    let rows = step.rows_of_arrays(first);
    let mut inner = String::new();
    for statement in step.statements {
        let _ = writeln!(inner, "        {};", statement.over(&rows).trim());
        let expected = match statement.changes {
            Changes::One => format!("cardinality(${first})"),
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
    let _ = writeln!(body, "    IF cardinality(${first}) > 0 THEN\n{inner}    END IF;");
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
    let all = step.rows_of_arrays(first);
    let _ = writeln!(body, "        FOR row_of_step IN SELECT * FROM {all} LOOP\n{inner}        END LOOP;");
    if step.blame == Blame::Duplicate {
        let _ = writeln!(
            body,
            "        IF cardinality({found}) > 0 THEN
            RAISE EXCEPTION USING ERRCODE = '{UNEXPECTED}';
        END IF;"
        );
    }
}
