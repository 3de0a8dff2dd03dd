//! `dags`: runs of other DAGs, started and looked at by the host.

use jiff::Timestamp;
use model::limits::run::{CONF_MAX_BYTES, NOTE_MAX_CHARS};
use model::{DagId, RunId};

use super::{checked_json, unexpected};
use crate::bindings::waft::task::dags::{self, Host};
use crate::bindings::waft::task::types::Error;
use crate::child::Guest;
use crate::host::{HostRequest, HostValue, RunRequest};

impl Host for Guest {
    async fn trigger(&mut self, dag_id: String, request: dags::RunRequest) -> wasmtime::Result<Result<String, Error>> {
        let number = self.next_run();
        let request = match checked(dag_id, request, number) {
            Ok(request) => HostRequest::RunTrigger(Box::new(request)),
            Err(error) => return Ok(Err(error)),
        };
        Ok(match self.call_host(request).await {
            Ok(HostValue::Run(run_id)) => Ok(run_id.as_str().to_owned()),
            Ok(other) => Err(unexpected(&other)),
            Err(error) => Err(error.into()),
        })
    }

    async fn run(
        &mut self,
        dag_id: String,
        run_id: String,
    ) -> wasmtime::Result<Result<Option<dags::RunStatus>, Error>> {
        let request = match (DagId::new(dag_id), RunId::new(run_id)) {
            (Ok(dag_id), Ok(run_id)) => HostRequest::RunStatus { dag_id, run_id },
            (Err(error), _) | (_, Err(error)) => return Ok(Err(Error::Invalid(error.to_string()))),
        };
        Ok(match self.call_host(request).await {
            Ok(HostValue::RunStatus(found)) => {
                Ok(found
                    .map(|found| dags::RunStatus { state: found.state.as_str().to_owned(), results: found.results }))
            }
            Ok(other) => Err(unexpected(&other)),
            Err(error) => Err(error.into()),
        })
    }
}

fn checked(dag_id: String, request: dags::RunRequest, number: u32) -> Result<RunRequest, Error> {
    let invalid = |error: model::InvalidName| Error::Invalid(error.to_string());
    let dags::RunRequest { conf, run_id, logical_date, note } = request;
    if let Some(conf) = &conf {
        if conf.len() > CONF_MAX_BYTES {
            let bytes = conf.len();
            return Err(Error::QuotaExceeded(format!(
                "a conf has at most {CONF_MAX_BYTES} bytes; this one has {bytes}"
            )));
        }
        checked_json(conf)?;
    }
    if note.as_ref().is_some_and(|note| note.chars().nth(NOTE_MAX_CHARS).is_some()) {
        return Err(Error::QuotaExceeded(format!("a note has at most {NOTE_MAX_CHARS} characters; this one has more")));
    }
    let time = |at_us| {
        let wrong = |_| Error::Invalid(format!("{at_us} microseconds since 1970 is no time"));
        Timestamp::from_microsecond(at_us).map_err(wrong)
    };
    Ok(RunRequest {
        dag_id: DagId::new(dag_id).map_err(invalid)?,
        conf,
        run_id: run_id.map(RunId::new).transpose().map_err(invalid)?,
        number,
        logical_date: logical_date.map(time).transpose()?,
        note,
    })
}
