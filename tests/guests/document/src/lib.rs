//! A bundle whose DAG documents stand as text in its own bytes, with room around them: a test writes the documents that it needs
//! over them, good ones and bad ones, and has a component that tells them (`component_with` of the end-to-end tests).
//!
//! What its bodies do is said by their arguments, so that a test needs no guest of its own:
//! - `act` does what its argument `do` says, see `script.rs`. Without one it answers with its arguments, sequences read.
//! - `echo` answers with its arguments as they are.
//! - for items (`map`, `filter`): `times_ten`, `is_even`, and `odd_fails`, `odd_skips`, `odd_none`, which hand on what is even.
//! - everything else is an attack of the probe.
//!
//! `callbacks.notify` writes `notified {event}` into its log. Where the callback's name starts with `broken` it fails, with `trap` it
//! traps, and with `hold` it waits, sandbox and all, until there is a variable `go`.

#![cfg(target_arch = "wasm32")]

#[path = "../../probe/src/attacks.rs"]
mod attacks;
mod items;
mod script;

use std::time::Duration;

use serde_json::value::RawValue;

wit_bindgen::generate!({ path: "../../../wit", world: "bundle-with-callbacks", generate_all });

use exports::waft::task::task_bodies::{self, Outcome, TaskContext};
use exports::waft::task::{callbacks, definition};
use waft::task::types::Failure;
use waft::task::{log, variables};

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
    fn run(entrypoint: String, args: String, context: TaskContext) -> Outcome {
        match entrypoint.as_str() {
            "echo" => Outcome::Success(Some(args)),
            "act" => script::act(&args, &context).unwrap_or_else(|message| failed(&message)),
            name => items::of(name, &args).unwrap_or_else(|| attacks::run(name, &args)),
        }
    }
}

impl callbacks::Guest for Bundle {
    fn notify(event: String) -> Result<(), String> {
        log::write(log::Level::Info, &format!("notified {event}"));
        let is_called = |name: &str| event.contains(&format!("\"callback\":\"{name}"));
        if is_called("trap") {
            std::arch::wasm32::unreachable();
        }
        while is_called("hold") && variables::get("go").is_ok_and(|value| value.is_none()) {
            std::thread::sleep(Duration::from_millis(20));
        }
        if is_called("broken") { Err("this callback is broken".to_owned()) } else { Ok(()) }
    }
}

fn failed(message: &str) -> Outcome {
    Outcome::Failed(Failure { message: message.into(), retry: true, delay_ms: None })
}

export!(Bundle);
