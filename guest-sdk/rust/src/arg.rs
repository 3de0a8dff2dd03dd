//! What may fill an argument of a task: [`IntoArg`] for one value, [`IntoEach`] for a value per instance.
//!
//! This is where a wrongly typed edge stops: a source implements [`IntoArg<T>`] only where its values are `T`s. The sources
//! themselves are in [`crate::source`].

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::graph::{self, Source};
use crate::json_type::{JsonType, Type};

/// A filled argument of type `T`.
pub struct Arg<T> {
    slot: Slot,
    ty: PhantomData<fn() -> T>,
}

/// A filled argument whose type has been checked.
#[derive(Debug)]
pub(crate) enum Slot {
    /// The same in each instance.
    Fixed(Source),
    /// An item in each instance, in every combination with the others.
    Product(Source),
    /// An item in each instance, side by side with the others.
    Zipped { source: Source, fill: Option<Box<RawValue>> },
    /// The first argument of a task whose arguments come from objects.
    Each(Box<EachSlot>),
    /// The other arguments of such a task.
    Open,
}

/// Objects whose members are arguments.
#[derive(Debug)]
pub(crate) struct EachSlot {
    pub(crate) source: Source,
    pub(crate) overriding: bool,
    /// The type of one object.
    pub(crate) item: JsonType,
}

impl<T> Arg<T> {
    fn new(slot: Slot) -> Self {
        Self { slot, ty: PhantomData }
    }

    pub(crate) fn same(source: Source) -> Self {
        Self::new(Slot::Fixed(source))
    }

    pub(crate) fn each(source: Source) -> Self {
        Self::new(Slot::Product(source))
    }

    pub(crate) fn zipped(self, fill: Option<Box<RawValue>>) -> Self {
        match self.slot {
            Slot::Product(source) => Self::new(Slot::Zipped { source, fill }),
            slot => Self::new(slot),
        }
    }

    pub(crate) fn of_each(each: EachSlot) -> Self {
        Self::new(Slot::Each(Box::new(each)))
    }

    pub(crate) fn open() -> Self {
        Self::new(Slot::Open)
    }

    pub(crate) fn into_slot(self) -> Slot {
        self.slot
    }

    /// The one value that it is.
    pub(crate) fn into_source(self) -> Source {
        match self.slot {
            Slot::Fixed(source) | Slot::Product(source) | Slot::Zipped { source, .. } => source,
            Slot::Each(each) => each.source,
            Slot::Open => Source::Literal(RawValue::NULL.to_owned()),
        }
    }

    /// The items that it varies over.
    pub(crate) fn into_items(self) -> Source {
        if !matches!(self.slot, Slot::Product(_)) {
            graph::problem("lists of lists are made of lists, and not of `fixed(…)` or `each(…)`".to_owned());
        }
        self.into_source()
    }
}

impl<T> fmt::Debug for Arg<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.slot.fmt(f)
    }
}

/// What may fill an argument of type `T`: a value, a [`Param`](crate::Param), the [`Output`](crate::Output) of a task, an array
/// of these for a list, and the outputs of a mapped task ([`Mapped`](crate::Mapped)) for a [`Sequence`](crate::Sequence) or list.
///
/// ```
/// use waft::prelude::*;
///
/// #[task] fn number() -> u64 { 7 }
/// #[task] fn sum(numbers: Vec<u64>, factor: Option<u64>) -> u64 {
///     numbers.iter().sum::<u64>() * factor.unwrap_or(1)
/// }
///
/// #[dag] fn sums(start: Param<u64>) -> Output<u64> {
///     let n = number();
///     let first = sum([n, number()], None);
///     sum([n.into_arg(), start.into_arg(), 5.into_arg()], first)
/// }
/// # use waft::IntoArg;
/// # assert!(sums::DAG.document().unwrap().contains(r#"[{"output":{"task":"number"}},{"param":"start"},{"literal":5}]"#));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot fill an argument of type `{T}`",
    label = "this edge carries another type than `{T}`"
)]
pub trait IntoArg<T> {
    /// The filled argument.
    fn into_arg(self) -> Arg<T>;
}

impl<T> IntoArg<T> for Arg<T> {
    fn into_arg(self) -> Arg<T> {
        self
    }
}

impl<T: Type + Serialize> IntoArg<T> for T {
    fn into_arg(self) -> Arg<T> {
        Arg::same(graph::literal(&self))
    }
}

impl<T: Type + Serialize> IntoArg<Option<T>> for T {
    fn into_arg(self) -> Arg<Option<T>> {
        Arg::same(graph::literal(&self))
    }
}

impl IntoArg<String> for &str {
    fn into_arg(self) -> Arg<String> {
        Arg::same(graph::literal(&self))
    }
}

impl IntoArg<Option<String>> for &str {
    fn into_arg(self) -> Arg<Option<String>> {
        Arg::same(graph::literal(&self))
    }
}

fn list<T, S: IntoArg<T>>(items: impl IntoIterator<Item = S>) -> Source {
    Source::list(items.into_iter().map(|item| item.into_arg().into_source()).collect())
}

fn object<K: Into<String>, T, S: IntoArg<T>>(members: impl IntoIterator<Item = (K, S)>) -> Source {
    Source::Object(members.into_iter().map(|(key, value)| (key.into(), value.into_arg().into_source())).collect())
}

impl<T, S: IntoArg<T>, const N: usize> IntoArg<Vec<T>> for [S; N] {
    fn into_arg(self) -> Arg<Vec<T>> {
        Arg::same(list::<T, S>(self))
    }
}

impl<K: Into<String>, T, S: IntoArg<T>, const N: usize> IntoArg<BTreeMap<String, T>> for [(K, S); N] {
    fn into_arg(self) -> Arg<BTreeMap<String, T>> {
        Arg::same(object::<K, T, S>(self))
    }
}

impl<K: Into<String>, T, S: IntoArg<T>, H, const N: usize> IntoArg<HashMap<String, T, H>> for [(K, S); N] {
    fn into_arg(self) -> Arg<HashMap<String, T, H>> {
        Arg::same(object::<K, T, S>(self))
    }
}

impl<T> IntoArg<Vec<T>> for Vec<Arg<T>> {
    fn into_arg(self) -> Arg<Vec<T>> {
        Arg::same(list::<T, Arg<T>>(self))
    }
}

/// What gives an argument of type `T` another value in each instance of a mapped task: a list, the [`Output`](crate::Output) or
/// [`Param`](crate::Param) that is one, the outputs of another mapped task ([`Mapped`](crate::Mapped), index by index), or an
/// object, whose items are its `(key, value)` pairs in order. [`fixed`] stands for one value that all instances share.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be expanded into arguments of type `{T}`",
    label = "not a list, map or mapped output of `{T}`",
    note = "wrap a value that all instances share in `fixed(…)`"
)]
pub trait IntoEach<T> {
    /// The filled argument.
    fn into_each(self) -> Arg<T>;
}

impl<T: Serialize> IntoEach<T> for Vec<T> {
    fn into_each(self) -> Arg<T> {
        Arg::each(graph::literal(&self))
    }
}

impl<T, S: IntoArg<T>, const N: usize> IntoEach<T> for [S; N] {
    fn into_each(self) -> Arg<T> {
        Arg::each(list::<T, S>(self))
    }
}

impl IntoEach<String> for Vec<&str> {
    fn into_each(self) -> Arg<String> {
        Arg::each(graph::literal(&self))
    }
}

impl<V: Serialize> IntoEach<(String, V)> for BTreeMap<String, V> {
    fn into_each(self) -> Arg<(String, V)> {
        Arg::each(graph::literal(&self))
    }
}

/// In the order of the keys, because that of a `HashMap` changes from run to run.
impl<V: Serialize, S> IntoEach<(String, V)> for HashMap<String, V, S> {
    fn into_each(self) -> Arg<(String, V)> {
        BTreeMap::from_iter(self).into_each()
    }
}

/// A value among expanded ones that is the same in each instance. Made by [`fixed`].
#[derive(Debug, Clone, Copy)]
pub struct Fixed<S>(S);

/// Keeps an argument the same in each instance of a mapped task, whichever its position.
///
/// ```
/// use waft::prelude::*;
///
/// #[task] fn scale(number: u64, factor: u64) -> u64 { number * factor }
///
/// #[dag] fn doubles() -> Mapped<u64> { scale.expand((vec![1, 2, 3], fixed(2))) }
/// ```
pub fn fixed<S>(source: S) -> Fixed<S> {
    Fixed(source)
}

impl<T, S: IntoArg<T>> IntoEach<T> for Fixed<S> {
    fn into_each(self) -> Arg<T> {
        self.0.into_arg()
    }
}
