//! What a task is, as a part of its handle's type: `Output<bool, kind::ShortCircuit>`.
//!
//! `#[task(kind = "…")]` decides it. What only one kind has, such as [`when`](crate::Output::when) of a branch or
//! [`of`](crate::Output::of) of a teardown, exists on handles of that kind alone.

use std::marker::PhantomData;

use crate::json_text::ToJson;

/// A plain task, which most are.
#[derive(Debug)]
pub enum Work {}

/// A task whose body chooses which of the tasks downstream run; `A` says between what. See [`Arms`](crate::Arms).
#[derive(Debug)]
pub struct Branch<A>(PhantomData<fn() -> A>);

/// A task whose body answers `false` to skip what stands downstream.
#[derive(Debug)]
pub enum ShortCircuit {}

/// A task whose body is asked again until it answers [`Poke::Done`](crate::Poke::Done).
#[derive(Debug)]
pub enum Sensor {}

/// A task that makes something which a teardown undoes.
#[derive(Debug)]
pub enum Setup {}

/// A task that undoes what setups have made.
#[derive(Debug)]
pub enum Teardown {}

/// The kind as the document says it.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Task,
    Branch,
    ShortCircuit,
    Sensor,
    Setup,
    Teardown,
    Empty,
    Approval,
    LatestOnly,
}

impl ToJson for Kind {
    fn write(&self, out: &mut String) {
        let text = match self {
            Self::Task => "task",
            Self::Branch => "branch",
            Self::ShortCircuit => "short_circuit",
            Self::Sensor => "sensor",
            Self::Setup => "setup",
            Self::Teardown => "teardown",
            Self::Empty => "empty",
            Self::Approval => "approval",
            Self::LatestOnly => "latest_only",
        };
        text.write(out);
    }
}
