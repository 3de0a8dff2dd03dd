//! Logs of tries, read whole or followed.

use std::collections::VecDeque;

use jiff::Timestamp;
use reqwest::header::ACCEPT;
use reqwest::{Method, Response};
use serde::{Deserialize, Serialize};

use crate::lines::Lines;
use crate::{Client, ClientError};

/// One line of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    #[serde(default)]
    pub timestamp: Option<Timestamp>,
    #[serde(default)]
    pub level: Option<String>,
    #[serde(default)]
    pub logger: Option<String>,
    /// The text.
    pub event: String,
}

/// Which log.
#[derive(Debug, Clone)]
pub struct LogQuery {
    pub dag_id: String,
    pub run_id: String,
    pub task_id: String,
    pub map_index: Option<u32>,
    pub try_number: u32,
    /// Go on until the try ends.
    pub follow: bool,
}

/// A log as it arrives.
#[derive(Debug)]
pub struct LogLines {
    client: Client,
    response: Response,
    lines: Lines,
    ready: VecDeque<LogLine>,
    is_over: bool,
}

const ACTION: &str = "read the log";

impl Client {
    /// Reads a log as it stands, or as it grows.
    pub async fn log(&self, query: &LogQuery) -> Result<LogLines, ClientError> {
        let try_number = query.try_number.to_string();
        let (dag, run, task) = (query.dag_id.as_str(), query.run_id.as_str(), query.task_id.as_str());
        let mut url = self.url(["dags", dag, "dagRuns", run, "taskInstances", task, "logs", &try_number]);
        if let Some(map_index) = query.map_index {
            url.query_pairs_mut().append_pair("map_index", &map_index.to_string());
        }
        url.query_pairs_mut().append_pair(if query.follow { "follow" } else { "full_content" }, "true");
        let mut request = self.request(Method::GET, url);
        request = request.header(ACCEPT, "application/x-ndjson");
        if query.follow {
            request = request.timeout(FOLLOW_TIMEOUT);
        }
        let response = self.send(ACTION, request).await?;
        let (lines, ready) = (Lines::default(), VecDeque::new());
        Ok(LogLines { client: self.clone(), response, lines, ready, is_over: false })
    }
}

/// Longer than any try may take.
const FOLLOW_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(8 * 24 * 3600);

impl LogLines {
    /// The next line; none when the log, or what there is to follow, is over.
    pub async fn next(&mut self) -> Result<Option<LogLine>, ClientError> {
        loop {
            if let Some(line) = self.ready.pop_front() {
                return Ok(Some(line));
            }
            if self.is_over {
                return Ok(None);
            }
            self.fill().await?;
        }
    }

    async fn fill(&mut self) -> Result<(), ClientError> {
        let piece = self.response.chunk().await.map_err(|source| self.client.broken(ACTION, None, source))?;
        match piece {
            Some(piece) => self.lines.push(&piece),
            None => self.is_over = true,
        }
        while let Some(line) = self.lines.next() {
            self.read(&line)?;
        }
        if self.is_over
            && let Some(line) = self.lines.rest()
        {
            self.read(&line)?;
        }
        Ok(())
    }

    fn read(&mut self, line: &[u8]) -> Result<(), ClientError> {
        if line.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        let line = serde_json::from_slice(line).map_err(|error| self.client.unexpected(ACTION, error.to_string()))?;
        self.ready.push_back(line);
        Ok(())
    }
}
