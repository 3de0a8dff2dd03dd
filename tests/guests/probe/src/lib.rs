//! A guest that attacks its sandbox: one entrypoint for each promise and each attack.
//!
//! It speaks the contract directly, without the SDK, so that it can also break it. `args` is the plain text after the entrypoint's
//! name where an entrypoint needs one; the host takes it as JSON.

#![cfg(target_arch = "wasm32")]

mod ambient;
mod attacks;
mod capabilities;
mod definition;

use exports::waft::task::task_bodies::{Guest as TaskBodies, Json, Outcome, TaskContext};
use waft::task::types::Failure;

wit_bindgen::generate!({ path: "../../../wit", world: "bundle", generate_all });

struct Probe;

export!(Probe);

impl TaskBodies for Probe {
    fn run(entrypoint: String, args: Json, context: TaskContext) -> Outcome {
        match entrypoint.as_str() {
            "noop" => Outcome::Success(None),
            "echo" => Outcome::Success(Some(args)),
            "skip" => Outcome::Skipped("not today".into()),
            "fail" => failed("it did not work"),
            "context" => Outcome::Success(Some(ambient::context(&context))),
            "ambient" => Outcome::Success(Some(ambient::everything())),
            "sockets" => Outcome::Success(Some(ambient::sockets())),
            "files" => Outcome::Success(Some(ambient::files())),
            "random" => Outcome::Success(Some(ambient::random())),
            "capabilities" => capabilities::all(),
            "sequence" => capabilities::sequence(&args),
            "blob" => capabilities::blob(),
            "log" => capabilities::log(),
            attack => attacks::run(attack, &args),
        }
    }
}

fn failed(message: &str) -> Outcome {
    Outcome::Failed(Failure { message: message.into(), retry: true, delay_ms: Some(7) })
}
