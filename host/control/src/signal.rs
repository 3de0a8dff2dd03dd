//! Signals: what somebody tells a run, and what wakes who waits for it there.

use std::sync::Arc;

use model::{DagId, RunId};
use scheduler::Signal;
use scheduler::Signalled;

use crate::by_hand::{asker, check_note, control_error};
use crate::{Control, Error, Session};

impl Control {
    /// Tells a run something, as JSON text. Whoever waits for it goes on; where nobody does it is kept for who will.
    pub async fn dag_run_signal(
        &self,
        session: &Session,
        dag_id: &DagId,
        run_id: &RunId,
        name: String,
        payload: Arc<str>,
        why: Option<&str>,
    ) -> Result<Signalled, Error> {
        check_note(why)?;
        let run = self.dag_run_find(session.scope(), dag_id, run_id).await?;
        let signal = Signal::Named { name: name.clone(), payload };
        let asked = self.scheduling.signal(run.row.scope, run.row.key, signal, asker(session, why)).await;
        let signalled = asked.map_err(|error| control_error(&run, error))?;
        tracing::info!(
            tenant = %run.row.scope.tenant(), dag = %dag_id, run = %run.row.key, signal = name, by = session.name(),
            woken = signalled.woken, "signal"
        );
        Ok(signalled)
    }
}
