//! Server-sent events: how they are written, and where a client that comes back goes on.

use axum::http::HeaderMap;
use bytes::Bytes;
use control::{Code, Error};
use serde::Serialize;

use crate::accept::Form;

/// A silent stream says so often that it is alive, so that nobody between closes it.
pub(crate) const SIGN_OF_LIFE: std::time::Duration = std::time::Duration::from_secs(15);

/// What says that a stream is alive, and nothing else.
pub(crate) fn sign_of_life(form: Form) -> Bytes {
    match form {
        Form::Events => Bytes::from_static(b": alive\n\n"),
        Form::Json | Form::Lines => Bytes::from_static(b"\n"),
    }
}

/// One event, or one line.
pub(crate) fn write(text: &mut Vec<u8>, form: Form, event: &str, id: Option<&str>, value: &impl Serialize) {
    let json = serde_json::to_string(value).expect("texts and numbers are JSON");
    match form {
        Form::Events => {
            text.extend_from_slice(format!("event: {event}\n").as_bytes());
            if let Some(id) = id {
                text.extend_from_slice(format!("id: {id}\n").as_bytes());
            }
            text.extend_from_slice(format!("data: {json}\n\n").as_bytes());
        }
        Form::Json | Form::Lines => {
            text.extend_from_slice(json.as_bytes());
            text.push(b'\n');
        }
    }
}

/// The id of the last event that a client has seen.
pub(crate) fn last_event_id(headers: &HeaderMap) -> Result<Option<String>, Error> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    match value.to_str() {
        Ok(text) => Ok(Some(text.trim().to_owned()).filter(|id| !id.is_empty())),
        Err(_) => Err(Error::new(Code::InvalidRequest, "the header Last-Event-ID is not a text of ASCII")
            .hint("send the id of an event, or leave it out")),
    }
}
