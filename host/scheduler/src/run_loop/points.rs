//! The steps that one commit takes at a time, by the names of their failpoints.

use model::TaskState;
use model::outcome::End;
use store::{CommitError, RunCommit, RunCommitted, SharedCommitError, StoreError};

/// The steps of a commit.
pub(super) fn steps(commit: &RunCommit) -> Vec<&'static str> {
    if !failpoint::IS_BUILT_IN {
        return Vec::new();
    }
    let has_end = |is: fn(&End) -> bool| commit.ended.iter().any(|it| is(&it.execution.end));
    let readies = commit.instances.iter().map(|it| it.state).chain(commit.transitions.iter().map(|it| it.to));
    let all = [
        ("sched::run_insert", !commit.runs.is_empty()),
        ("sched::map_batch", !commit.expansions.is_empty() || commit.instances.iter().any(|it| it.count > 1)),
        ("sched::ready", readies.into_iter().any(|to| to == TaskState::Scheduled)),
        ("claim::tx", !commit.claims.is_empty()),
        ("complete::tx", has_end(|end| !matches!(end, End::HostLost { .. }))),
        ("reap::expire", has_end(|end| matches!(end, End::HostLost { .. }))),
        ("cancel::request", !commit.cancelled.is_empty()),
        ("cancel::clear", !commit.reopened.is_empty()),
        ("retry::schedule", commit.ended.iter().any(|it| it.to == TaskState::UpForRetry)),
        ("sched::run_end", commit.run_states.iter().any(|it| it.to.is_ended())),
    ];
    all.into_iter().filter(|(_, takes)| *takes).map(|(step, _)| step).collect()
}

/// A commit between the points of its steps.
pub(super) async fn passed(
    steps: &[&str],
    commit: impl Future<Output = Result<RunCommitted, SharedCommitError>>,
) -> Result<RunCommitted, SharedCommitError> {
    let failed = |error| SharedCommitError::Commit(CommitError::Store(injected(error)));
    for step in steps {
        failpoint::before(step).map_err(failed)?;
    }
    let committed = commit.await?;
    for step in steps {
        failpoint::after(step).map_err(failed)?;
    }
    Ok(committed)
}

/// What a database says that cannot be reached.
pub(super) fn injected(error: failpoint::Injected) -> StoreError {
    StoreError::Unavailable { detail: error.to_string() }
}
