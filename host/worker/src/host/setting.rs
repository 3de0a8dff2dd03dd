//! What a tenant keeps for its tasks, variables and connections, and runs that these start.

use model::text::is_sensitive;
use model::{ConnectionId, Key, RunId};
use sandbox::{Connection, HostError, HostReply, HostValue, RunRequest};
use store::Hidden;

use super::{Host, not_run, refused};
use crate::arguments::json_of;
use crate::attempt::Attempt;
use crate::run_port::RunOf;

impl Host {
    pub(super) async fn variable(&self, attempt: &Attempt, key: &Key) -> HostReply {
        let row = self.variables.variable_fetch(attempt.scope(), key).await.map_err(refused)?;
        let value = row.map(|row| {
            if is_sensitive(key.as_str()) {
                attempt.hide(row.value.reveal());
            }
            json_of(row.value.reveal()).to_string()
        });
        Ok(HostValue::Json(value))
    }

    pub(super) async fn connection(&self, attempt: &Attempt, connection_id: &ConnectionId) -> HostReply {
        let row = self.connections.connection_fetch(attempt.scope(), connection_id).await.map_err(refused)?;
        let Some(row) = row else { return Ok(HostValue::Connection(None)) };
        for secret in [&row.password, &row.extra].into_iter().flatten() {
            attempt.hide(secret.reveal());
        }
        let revealed = |hidden: Option<Hidden>| hidden.map(|hidden| hidden.reveal().to_owned());
        Ok(HostValue::Connection(Some(Box::new(Connection {
            conn_type: row.conn_type,
            description: row.description,
            host: row.host,
            login: row.login,
            password: revealed(row.password),
            schema: row.schema,
            port: row.port,
            extra: revealed(row.extra),
        }))))
    }

    pub(super) async fn run_trigger(&self, attempt: &Attempt, mut request: RunRequest) -> HostReply {
        let (run, instance) = (&attempt.claim.run, attempt.token().instance);
        if attempt.task().is_none() {
            return Err(HostError::Denied("callbacks start no runs".to_owned()));
        }
        if let Some(conf) = &request.conf {
            attempt.check_markers(conf).map_err(|why| HostError::Denied(format!("the conf {why}")))?;
        }
        if request.run_id.is_none() {
            // The same for the same call of an execution that repeats this one.
            let (node, index, try_number) =
                (instance.node.0, instance.map_index.number(), attempt.token().try_number.0);
            let (key, number) = (instance.run.uuid().simple(), request.number);
            let run_id = format!("triggered__{key}_{node}_{index}_{try_number}_{number}");
            request.run_id = Some(RunId::new(run_id).map_err(|error| HostError::Invalid(error.to_string()))?);
        }
        let parent = RunOf { dag_id: run.dag_id.clone(), run_id: run.run_id.clone(), instance };
        self.runs.trigger(attempt.scope(), parent, request).await.map(HostValue::Run).map_err(not_run)
    }
}
