//! Signals: what somebody tells a run, and what wakes who waits for it there.

use std::sync::Arc;

use model::limits::run::SIGNAL_MAX_BYTES;
use model::limits::task::{APPROVAL_SIGNAL_PREFIX, WAKE_NAME_MAX_BYTES};
use model::{DagId, Problem, Problems, RunId, SignalId, TaskId};
use scheduler::ControlError;
use serde_json::json;
use store::{NewSignal, Page, PageRequest, StoreError, WaitFilter, WaitKind, WaitRow};

use crate::by_hand::control_error;
use crate::event_log::About;
use crate::{Code, Control, DagRunView, Error, Session};

impl Control {
    /// Tells a run something, as JSON text. Whoever waits for it goes on; where nobody does it is kept for who will.
    pub async fn dag_run_signal(
        &self,
        session: &Session,
        dag_id: &DagId,
        run_id: &RunId,
        name: &str,
        payload: Arc<str>,
    ) -> Result<(), Error> {
        check(name, &payload)?;
        let run = self.dag_run_find(session.scope(), dag_id, run_id).await?;
        let id = SignalId::from_uuid(self.ids.uuid());
        self.send(session, &run, id, name, payload, None).await.map(drop)
    }

    /// Instances that wait for signals, of one run or of all.
    pub async fn signal_list(
        &self,
        session: &Session,
        dag_id: Option<&DagId>,
        run_id: Option<&RunId>,
        page: PageRequest,
    ) -> Result<Page<WaitRow>, Error> {
        let scope = session.scope();
        let run = match (dag_id, run_id) {
            (Some(dag_id), Some(run_id)) => Some(self.dag_run_find(scope, dag_id, run_id).await?.row.key),
            _ => None,
        };
        let filter = WaitFilter { kind: Some(WaitKind::Signal), dag_id: dag_id.cloned(), run, ..WaitFilter::default() };
        Ok(self.waits.wait_list(scope, &filter, page).await?)
    }

    /// Sends a signal that is known to be legal; false when one of this id was sent before.
    pub(crate) async fn send(
        &self,
        session: &Session,
        run: &DagRunView,
        id: SignalId,
        name: &str,
        payload: Arc<str>,
        task_id: Option<&TaskId>,
    ) -> Result<bool, Error> {
        let row = &run.row;
        if row.state.is_ended() {
            return Err(control_error(run, ControlError::Ended(row.state)));
        }
        let signal = NewSignal {
            scope: row.scope,
            id,
            run: row.key,
            name: name.into(),
            payload,
            by: session.name().into(),
            at: self.clock.now(),
        };
        let is_new = self.scheduling.signal(signal).await.map_err(|error| match error {
            ControlError::Store(StoreError::Conflict { .. }) => {
                let message = format!("run {:?} has ended", row.run_id.as_str());
                Error::new(Code::RunEnded, message).hint("clear it to let it run again")
            }
            error => control_error(run, error),
        })?;
        if !is_new {
            return Ok(false);
        }
        tracing::info!(
            tenant = %row.scope.tenant(), dag = %row.dag_id, run = %row.key, signal = name, by = session.name(), "signal"
        );
        let about = About { dag_id: Some(&row.dag_id), run_id: Some(&row.run_id), task_id };
        self.record(session, if task_id.is_some() { "approve" } else { "signal" }, about, json!({"signal": name}))
            .await;
        Ok(true)
    }
}

fn check(name: &str, payload: &str) -> Result<(), Error> {
    let mut problems = Problems::default();
    if name.is_empty() || name.len() > WAKE_NAME_MAX_BYTES || name.chars().any(char::is_control) {
        let message = format!("names of signals have 1 to {WAKE_NAME_MAX_BYTES} bytes and no control characters");
        problems.error("invalid-name", "/name", message);
    }
    if name.starts_with(APPROVAL_SIGNAL_PREFIX) {
        let message = format!("{name:?} belongs to an approval; answer that (PATCH …/hitlDetails)");
        problems.error("reserved-name", "/name", message);
    }
    if payload.len() > SIGNAL_MAX_BYTES {
        let message = format!("{} bytes are too many, {SIGNAL_MAX_BYTES} are the most", payload.len());
        problems.error("too-long", "/payload", message);
    } else if let Err(error) = model::json::check(payload) {
        let Problem { code, path, message, .. } = error.into();
        problems.error(&code, format!("/payload{path}"), message);
    }
    if problems.is_empty() {
        return Ok(());
    }
    Err(Error::new(Code::InvalidRequest, "the signal cannot be sent like this").problems(problems.into_list()))
}
