//! The sandbox as its callers see it: real child processes, a hostile guest, a host that is a test double.

mod attacks;
mod calls;
mod capabilities;
mod compiling;
mod describing;
mod harness;
mod processes;
mod tasks;
