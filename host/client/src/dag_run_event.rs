//! What happens to a run, as it happens. A stream that breaks is begun again where it broke.

use std::collections::VecDeque;
use std::time::Duration;

use indexmap::IndexMap;
use model::{RunState, TaskState};
use reqwest::header::ACCEPT;
use reqwest::{Method, Response};
use serde::{Deserialize, Serialize};

use crate::error::ErrorKind;
use crate::lines::Lines;
use crate::{Client, ClientError};

/// How often a broken stream is begun again where nothing new came.
const AGAIN_MAX: u32 = 5;
/// Longer than any stream is followed.
const FOLLOW_TIMEOUT: Duration = Duration::from_secs(8 * 24 * 3600);

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum DagRunEvent {
    DagRun(RunStands),
    Task(TaskStands),
    /// The run has ended.
    End(RunStands),
}

/// How a run stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunStands {
    pub dag_id: String,
    pub dag_run_id: String,
    pub state: RunState,
    #[serde(default)]
    pub result: Option<String>,
    #[serde(default)]
    pub reason: Option<String>,
}

/// How a task stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskStands {
    pub task_id: String,
    #[serde(default)]
    pub state: Option<TaskState>,
    #[serde(default)]
    pub map_length: Option<u32>,
    #[serde(default)]
    pub states: IndexMap<TaskState, u64>,
}

/// A run that is followed.
#[derive(Debug)]
pub struct DagRunEvents {
    client: Client,
    dag_id: String,
    run_id: String,
    response: Option<Response>,
    lines: Lines,
    /// The last id that came, and the one that comes with the event under way.
    seen: Option<String>,
    coming: Option<String>,
    ready: VecDeque<DagRunEvent>,
    /// How often it was begun again since something new came.
    again: u32,
    is_over: bool,
}

impl Client {
    /// Follows a run until it ends.
    pub async fn dag_run_events(&self, dag_id: &str, run_id: &str) -> Result<DagRunEvents, ClientError> {
        let mut events = DagRunEvents {
            client: self.clone(),
            dag_id: dag_id.to_owned(),
            run_id: run_id.to_owned(),
            response: None,
            lines: Lines::default(),
            seen: None,
            coming: None,
            ready: VecDeque::new(),
            again: 0,
            is_over: false,
        };
        events.begin().await?;
        Ok(events)
    }
}

impl DagRunEvents {
    /// The next event; none after the end.
    pub async fn next(&mut self) -> Result<Option<DagRunEvent>, ClientError> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            if self.is_over {
                return Ok(None);
            }
            let piece = match &mut self.response {
                Some(response) => response.chunk().await,
                None => Ok(None),
            };
            match piece {
                Ok(Some(piece)) => {
                    self.lines.push(&piece);
                    self.read()?;
                }
                Ok(None) | Err(_) if self.again < AGAIN_MAX => {
                    self.again += 1;
                    self.begin().await?;
                }
                Ok(None) => {
                    return Err(self.client.unexpected(&self.action(), "it ended before the run did".to_owned()));
                }
                Err(source) => return Err(self.client.broken(&self.action(), None, source)),
            }
        }
    }

    fn action(&self) -> String {
        format!("follow run {:?} of DAG {:?}", self.run_id, self.dag_id)
    }

    async fn begin(&mut self) -> Result<(), ClientError> {
        let url = self.client.url(["dags", &self.dag_id, "dagRuns", &self.run_id, "events"]);
        let mut request = self.client.request(Method::GET, url).header(ACCEPT, "text/event-stream");
        request = request.timeout(FOLLOW_TIMEOUT);
        if let Some(seen) = &self.seen {
            request = request.header("last-event-id", seen);
        }
        (self.lines, self.coming) = (Lines::default(), None);
        self.response = Some(self.client.send(&self.action(), request).await?);
        Ok(())
    }

    fn read(&mut self) -> Result<(), ClientError> {
        while let Some(line) = self.lines.next() {
            let line = String::from_utf8_lossy(&line).into_owned();
            if let Some(id) = line.strip_prefix("id: ") {
                self.coming = Some(id.to_owned());
            } else if let Some(data) = line.strip_prefix("data: ") {
                let event: DagRunEvent = serde_json::from_str(data).map_err(|error| {
                    match crate::error::Refusal::of_line(data.as_bytes()) {
                        Some(refusal) => ClientError::new(self.action(), ErrorKind::Refused(refusal)),
                        None => self.client.unexpected(&self.action(), error.to_string()),
                    }
                })?;
                self.is_over |= matches!(event, DagRunEvent::End(_));
                if let Some(id) = self.coming.take().filter(|id| self.seen.as_ref() != Some(id)) {
                    (self.seen, self.again) = (Some(id), 0);
                }
                self.ready.push_back(event);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read() {
        let event: DagRunEvent = serde_json::from_str(
            r#"{"event":"task","task_id":"t","state":null,"map_length":3,"states":{"none":1,"success":2}}"#,
        )
        .unwrap();
        let DagRunEvent::Task(task) = event else { panic!("it is a task") };
        assert_eq!((task.state, task.map_length, task.states[&TaskState::Success]), (None, Some(3), 2));
        let end = r#"{"event":"end","dag_id":"d","dag_run_id":"r","state":"success","result":"available"}"#;
        assert!(matches!(serde_json::from_str(end).unwrap(), DagRunEvent::End(_)));
    }
}
