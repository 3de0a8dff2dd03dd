//! A bundle whose DAG documents stand as text in its own bytes, with room around them: a test writes the documents that it needs
//! over them, good ones and bad ones, and has a component that tells them. Its bodies are the attacks of the probe.

#![cfg(target_arch = "wasm32")]

#[path = "../../probe/src/attacks.rs"]
mod attacks;

use serde_json::value::RawValue;

wit_bindgen::generate!({ path: "../../../wit", world: "bundle", generate_all });

use exports::waft::task::definition;
use exports::waft::task::task_bodies::{self, Outcome, TaskContext};
use waft::task::types::Failure;

const MARK: &[u8] = b"\"documents stand here\"";
const ROOM_BYTES: usize = 512 << 10;

/// A JSON array of documents, then spaces.
static DOCUMENTS: [u8; ROOM_BYTES] = {
    let mut room = [b' '; ROOM_BYTES];
    let mut at = 0;
    while at < MARK.len() {
        room[at] = MARK[at];
        at += 1;
    }
    room
};

struct Bundle;

impl definition::Guest for Bundle {
    fn dags() -> Result<Vec<String>, String> {
        // The compiler must not know what the bytes are: others will stand there.
        let bytes = std::hint::black_box(&DOCUMENTS);
        let documents: Vec<&RawValue> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        Ok(documents.into_iter().map(|document| document.get().to_owned()).collect())
    }
}

impl task_bodies::Guest for Bundle {
    fn run(entrypoint: String, args: String, _context: TaskContext) -> Outcome {
        match entrypoint.as_str() {
            "echo" => Outcome::Success(Some(args)),
            attack => attacks::run(attack, &args),
        }
    }
}

fn failed(message: &str) -> Outcome {
    Outcome::Failed(Failure { message: message.into(), retry: true, delay_ms: None })
}

export!(Bundle);
