//! Texts that one database would refuse: each takes them in the same way.

use model::{Digest, TenantId};

use super::Database;
use super::fixture::*;
use crate::{
    AuthStore, Catalog, DagFilter, Ended, Execution, NewRun, NewToken, PageRequest, RETURN_VALUE, RunCommit, RunFilter,
    RunReader, RunStateChange, StateStore, ValueStore,
};

const WITH_NUL: &str = "a\0b";
const STORED: &str = "a\u{fffd}b";

pub(super) async fn nul_is_replaced(database: &impl Database) {
    let store = database.open().await;
    let mut new = bundle("words", &[("dag", "v1")], 0);
    new.dags[0].label = Some(WITH_NUL.to_owned());
    let version = store.bundle_register(OWN, new).await.expect("registered").dags[0].version;
    let found = store.dag_version_fetch(OWN, version).await.expect("read").expect("found");
    assert_eq!(found.label.as_deref(), Some(STORED));

    let run = NewRun {
        conf: WITH_NUL.into(),
        params: WITH_NUL.into(),
        note: Some(WITH_NUL.to_owned()),
        triggered_by: WITH_NUL.to_owned(),
        ..new_run(OWN, "dag", version, 1, 2)
    };
    let both = vec![claim(1, 0, -1), claim(1, 1, -1)];
    commit(&store, RunCommit { claims: both, fence: Some(fence(1)), ..started(run) }).await;
    let running = token(1, 1, -1, 1, 1);
    store.state_put(OWN, running, &key("k"), WITH_NUL, None, at(3)).await.expect("put");
    assert_eq!(store.state_fetch(OWN, running, &key("k"), at(3)).await.expect("read").as_deref(), Some(STORED));
    assert_eq!(store.state_keys(OWN, running, WITH_NUL, at(3)).await.expect("read"), [] as [String; 0]);

    let end = model::outcome::End::Failed { message: WITH_NUL.to_owned(), retry: true, delay_ms: None };
    let failed = ended(running, model::TaskState::Failed);
    let failed = Ended { execution: Execution { end, ..failed.execution.clone() }, ..failed };
    let left = success(token(1, 0, -1, 1, 1), &[(RETURN_VALUE, WITH_NUL)]);
    let over = RunStateChange {
        scope: OWN,
        run: run_key(1),
        to: model::RunState::Failed,
        reason: Some(WITH_NUL.into()),
        at: at(5),
    };
    commit(&store, RunCommit { ended: vec![left, failed], run_states: vec![over], ..RunCommit::default() }).await;
    let run = snapshot(&store, 1).await.run;
    assert_eq!((&*run.conf, &*run.params), (STORED, STORED));
    assert_eq!((run.note.as_deref(), &*run.triggered_by, run.reason.as_deref()), (Some(STORED), STORED, Some(STORED)));
    let attempts = store.attempt_list(OWN, instance(1, 1, -1)).await.expect("read");
    assert_eq!(attempts[0].message.as_deref(), Some(STORED));
    let values = store.xcom_list(OWN, run_key(1), model::NodeIdx(0), NONE).await.expect("read");
    assert_eq!(values[0].value, crate::StoredValue::Inline(STORED.into()));

    let (digest, name) = (Digest::of(b"token"), WITH_NUL.to_owned());
    let token = NewToken { tenant: TenantId::DEFAULT, digest, name, created_at: at(0), expires_at: None };
    store.token_insert(token).await.expect("kept");
    assert_eq!(store.token_find(digest).await.expect("read").expect("found").name, STORED);
}

pub(super) async fn a_pattern_that_is_none_finds_nothing(database: &impl Database) {
    let store = database.open().await;
    one_run(&store, 0).await;
    let page = PageRequest { limit: 9, offset: 0 };
    for pattern in ["run\\", "%\\", "%\0", "run-1\0"] {
        let pattern = Some(pattern.to_owned());
        let runs = RunFilter { run_id_pattern: pattern.clone(), ..RunFilter::default() };
        assert_eq!(store.run_list(OWN, &runs, page).await.expect("read").total, 0, "{pattern:?}");
        let dags = DagFilter { dag_id_pattern: pattern.clone(), ..DagFilter::default() };
        assert_eq!(store.dag_list(OWN, &dags, page).await.expect("read").total, 0, "{pattern:?}");
    }
    let tagged = DagFilter { tags: vec![WITH_NUL.to_owned()], ..DagFilter::default() };
    assert_eq!(store.dag_list(OWN, &tagged, page).await.expect("read").total, 0);
}
