//! New runs that may not stand beside a run of their DAG.

use std::collections::BTreeSet;

use jiff::Timestamp;
use model::{DagId, RunId, RunKey, TenantScope};
use store::{DuplicateKind, DuplicateRun, NewRun};

use super::rows::{Tables, kept, micros};

/// What no two runs of a DAG share.
struct Names<'a> {
    scope: TenantScope,
    dag_id: &'a DagId,
    key: RunKey,
    run_id: &'a RunId,
    date: Option<Timestamp>,
    request: Option<String>,
}

impl<'a> Names<'a> {
    fn of(run: &'a NewRun) -> Self {
        Self {
            scope: run.scope,
            dag_id: &run.dag_id,
            key: run.key,
            run_id: &run.run_id,
            date: run.logical_date.map(micros),
            request: run.idempotency.as_ref().map(|it| kept(&it.key)),
        }
    }

    /// What a run has that this one has too.
    fn in_the_way(&self, other: &Self) -> Option<DuplicateKind> {
        if self.scope != other.scope {
            return None;
        }
        let is_of_dag = self.dag_id == other.dag_id;
        if is_of_dag && self.request.is_some() && self.request == other.request {
            Some(DuplicateKind::IdempotencyKey)
        } else if (is_of_dag && self.run_id == other.run_id) || self.key == other.key {
            Some(DuplicateKind::RunId)
        } else if is_of_dag && self.date.is_some() && self.date == other.date {
            Some(DuplicateKind::LogicalDate)
        } else {
            None
        }
    }
}

impl Tables {
    /// Runs of a commit that are not to be written, for those that are there or come before them.
    pub(crate) fn duplicates(&self, runs: &[NewRun]) -> Vec<DuplicateRun> {
        let scopes: BTreeSet<_> = runs.iter().map(|run| run.scope).collect();
        let known = self.runs.values().filter(|run| scopes.contains(&run.row.scope));
        let mut names: Vec<_> = known
            .map(|run| Names {
                scope: run.row.scope,
                dag_id: &run.row.dag_id,
                key: run.row.key,
                run_id: &run.row.run_id,
                date: run.row.logical_date,
                request: run.request.as_ref().map(|it| it.key.to_string()),
            })
            .collect();
        let mut duplicates = Vec::new();
        for run in runs {
            let new = Names::of(run);
            let found = names.iter().filter_map(|old| Some((rank(old.in_the_way(&new)?), old)));
            match found.min_by_key(|(rank, _)| *rank) {
                Some(((_, kind), old)) => {
                    duplicates.push(DuplicateRun { run: run.key, kind, existing: old.run_id.clone() });
                }
                None => names.push(new),
            }
        }
        duplicates
    }
}

/// The order in which databases look.
fn rank(kind: DuplicateKind) -> (u8, DuplicateKind) {
    let rank = match kind {
        DuplicateKind::IdempotencyKey => 0,
        DuplicateKind::RunId => 1,
        DuplicateKind::LogicalDate => 2,
    };
    (rank, kind)
}
