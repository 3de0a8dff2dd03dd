//! What the probe says about its DAGs, and what it does before it is asked for anything.
//!
//! A component that is parsed gets no arguments. So a test writes the name of a behaviour over the bytes after [`MARK`] in the
//! component, which stand in its data.

use std::hash::{BuildHasher, RandomState};
use std::hint::black_box;
use std::time::Duration;

use crate::exports::waft::task::definition::{Guest, Json};
use crate::waft::task::{log, task_state};
use crate::{Probe, ambient, attacks};

const MARK: &[u8; 20] = b"waft-probe-behaviour";
const NAME_BYTES: usize = 12;

#[repr(C)]
struct Behaviour {
    mark: [u8; 20],
    name: [u8; NAME_BYTES],
}

static BEHAVIOUR: Behaviour = Behaviour { mark: *MARK, name: *b"honest      " };

fn behaviour() -> String {
    // SAFETY: the static lives as long as the program; the read is volatile because a test changes the bytes after compilation.
    let behaviour = unsafe { std::ptr::read_volatile(&raw const BEHAVIOUR) };
    black_box(behaviour.mark);
    String::from_utf8_lossy(&behaviour.name).trim_end().to_owned()
}

/// Runs while the component is instantiated.
#[used]
#[unsafe(link_section = ".init_array")]
static AT_START: extern "C" fn() = at_start;

extern "C" fn at_start() {
    match behaviour().as_str() {
        "start-loop" => attacks::spin(),
        "start-trap" => std::arch::wasm32::unreachable(),
        _ => {}
    }
}

impl Guest for Probe {
    fn dags() -> Result<Vec<Json>, String> {
        log::write(log::Level::Info, "parsing");
        let dag = |id: &str| format!(r#"{{"dag_id":"{id}"}}"#);
        Ok(match behaviour().as_str() {
            "loop" => {
                attacks::spin();
                Vec::new()
            }
            "error" => return Err("no such table: dags".into()),
            "trap" => panic!("the probe panics while it is parsed"),
            "bad-json" => vec![dag("a"), "{".into()],
            "random" => vec![dag(&format!("d{:x}", RandomState::new().hash_one(1)))],
            "time" => vec![dag(&format!("d{}", ambient::now_ms()))],
            "frozen" => {
                let first = ambient::now_ms();
                let mut kept = 0_u64;
                for number in 0..20_000_000 {
                    kept = black_box(kept.wrapping_add(number));
                }
                vec![dag(if first == ambient::now_ms() { "frozen" } else { "moved" })]
            }
            "sleep" => {
                std::thread::sleep(Duration::from_millis(1));
                Vec::new()
            }
            "host-call" => vec![format!("{{\"said\":\"{}\"}}", task_state::get("key").is_err())],
            "huge" => vec![format!("\"{}\"", "x".repeat(6 << 20))],
            "many" => vec!["{}".into(); 100_000],
            "memory" => {
                attacks::run("memory", "");
                Vec::new()
            }
            _ => vec![dag("probe"), dag("other")],
        })
    }
}
