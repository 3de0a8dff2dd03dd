//! Backfills.

use control::{BackfillRequest, BackfillVersion};
use model::limits::schedule::BACKFILL_ACTIVE_RUNS_DEFAULT;
use model::{DagId, Problem, Reprocess};

use crate::wire::backfill::BackfillBody;

/// A backfill to make; or all that is wrong with it.
pub(crate) fn backfill(body: BackfillBody) -> Result<BackfillRequest, Vec<Problem>> {
    let mut problems = Vec::new();
    let reprocess = match body.reprocess_behavior.as_deref().map(str::parse::<Reprocess>) {
        None => Reprocess::None,
        Some(Ok(reprocess)) => reprocess,
        Some(Err(_)) => {
            let message = "say none, failed or completed";
            problems.push(Problem::error("unknown-word", "/reprocess_behavior", message));
            Reprocess::None
        }
    };
    let version = match (body.version_number, body.run_on_latest_version.unwrap_or(false)) {
        (None, false) => BackfillVersion::Current,
        (None, true) => BackfillVersion::Latest,
        (Some(number), false) => BackfillVersion::Number(number),
        (Some(_), true) => {
            let message = "a backfill runs on the latest version or on the one with this number, not on both";
            problems.push(Problem::error("two-versions", "/version_number", message));
            BackfillVersion::Current
        }
    };
    let dag_id = DagId::new(&body.dag_id)
        .map_err(|error| problems.push(Problem::error("invalid-name", "/dag_id", error.to_string())));
    let Ok(dag_id) = dag_id else { return Err(problems) };
    if !problems.is_empty() {
        return Err(problems);
    }
    let conf = body.dag_run_conf.map(|conf| conf.get().into());
    Ok(BackfillRequest {
        dag_id,
        from: body.from_date,
        to: body.to_date,
        is_backwards: body.run_backwards,
        conf: conf.filter(|conf: &std::sync::Arc<str>| conf.as_ref() != "null"),
        reprocess,
        max_active_runs: body.max_active_runs.unwrap_or(BACKFILL_ACTIVE_RUNS_DEFAULT),
        version,
    })
}
