//! Starts what a test needs and ends it with the test.

mod binary;
mod children;
mod command;
mod crashing;
mod dags;
mod eventually;
mod reply;
mod server;

pub(crate) use binary::{component, component_with, waft};
pub(crate) use children::{children_of, is_alive, is_stopped};
pub(crate) use command::{dies, on, refused, told};
pub(crate) use crashing::{Body, CrashingServer};
pub(crate) use dags::{act, check_states, dag, edges, names, object, output, over, with};
pub(crate) use eventually::eventually;
pub(crate) use reply::Reply;
pub(crate) use server::{Server, run_id, text};
