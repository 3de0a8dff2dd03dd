//! The sources of values in a DAG: [`Output`] of a task, [`Mapped`] outputs, [`Param`] of a run, [`Conf`], [`Variable`], and in
//! groups and mapped tasks [`Item`] and [`MapItem`].
//!
//! All are small handles that can be copied and used as often as wanted; each use is an edge.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::marker::PhantomData;

use crate::arg::{Arg, IntoArg, IntoEach};
use crate::graph::{GroupNode, Member, Node, Source};
use crate::items::Handle;
use crate::kind::Work;
use crate::sequence::Sequence;
use crate::settings::TaskOptions;
use crate::tasks::Tasks;

/// What one task of the DAG leaves, a `T`. Calling a task function gives it. `K` is the task's [`kind`](crate::kind).
pub struct Output<T, K = Work> {
    node: Node,
    key: Option<&'static str>,
    ty: PhantomData<fn() -> (T, K)>,
}

/// What a mapped task leaves, a `T` for each instance. [`Expand::expand`](crate::Expand::expand) gives it.
///
/// As an argument it is one [`Sequence<T>`] of all values (or a `Vec<T>`); expanded over, it pairs index by index.
pub struct Mapped<T, K = Work> {
    node: Node,
    ty: PhantomData<fn() -> (T, K)>,
}

/// A parameter of the DAG's runs. The arguments of a function under [`#[dag]`](macro@crate::dag) are parameters.
pub struct Param<T> {
    name: &'static str,
    ty: PhantomData<fn() -> T>,
}

/// A place in the conf that a run was triggered with. [`conf`] gives it.
pub struct Conf<T> {
    pointer: &'static str,
    ty: PhantomData<fn() -> T>,
}

/// A variable of the tenant. [`variable`] gives it.
pub struct Variable<T> {
    name: &'static str,
    ty: PhantomData<fn() -> T>,
}

/// An argument of a function under [`#[group]`](macro@crate::group), as the tasks in it see it: one item where the group is mapped.
///
/// ```
/// use waft::prelude::*;
///
/// #[task] fn parse(file: String) -> Vec<u64> { vec![file.len() as u64] }
/// #[task] fn largest(numbers: Vec<u64>) -> Option<u64> { numbers.into_iter().max() }
/// #[task] fn sum(numbers: Sequence<u64>) -> Result<u64, TaskError> { Ok(numbers.to_vec()?.iter().sum()) }
///
/// /// Each file goes through both tasks without waiting for the others.
/// #[group] fn each_file(file: Item<String>) -> Output<Option<u64>> { largest(parse(file)) }
///
/// #[dag] fn files(files: Param<Vec<String>>) -> Output<u64> {
///     sum(each_file.expand(files))     // of an `Output` in the group others see a `Mapped`
/// }
/// # assert!(files::DAG.document().unwrap().contains(r#""file":{"group_arg":{"group":"each_file","arg":"file"}}"#));
/// ```
pub struct Item<T> {
    group: GroupNode,
    name: &'static str,
    ty: PhantomData<fn() -> T>,
}

/// A part of what an instance is mapped over. [`map_index`], [`map_key`] and [`map_value`] give it.
pub struct MapItem<T> {
    part: &'static str,
    ty: PhantomData<fn() -> T>,
}

/// The value at `pointer` (RFC 6901, `"/region"`; `""` is all of it) in the conf of the run; `None` where nothing is there.
///
/// ```
/// use waft::prelude::*;
///
/// #[task] fn greet(name: Option<String>) -> String { format!("Hello, {}!", name.as_deref().unwrap_or("world")) }
///
/// #[dag] fn greeting() -> Output<String> { greet(waft::conf("/name")) }
/// # assert!(greeting::DAG.document().unwrap().contains(r#""args":{"name":{"conf":"/name"}}"#));
/// ```
pub fn conf<T>(pointer: &'static str) -> Conf<Option<T>> {
    Conf { pointer, ty: PhantomData }
}

/// The variable `name` of the tenant as it is when the run begins. Its type is the author's word: what does not fit fails the task
/// that reads it.
///
/// ```
/// use waft::prelude::*;
///
/// #[task] fn load(region: String) -> u64 { region.len() as u64 }
///
/// #[dag] fn loads() -> Mapped<u64> { load.expand(waft::variable::<Vec<String>>("regions")) }
/// # assert!(loads::DAG.document().unwrap().contains(r#""source":{"variable":"regions"}"#));
/// ```
pub fn variable<T>(name: &'static str) -> Variable<T> {
    Variable { name, ty: PhantomData }
}

/// The position of the instance in what it is mapped over, of its innermost mapping.
///
/// ```
/// use waft::prelude::*;
///
/// #[task] fn number_line(line: String, number: u64) -> String { format!("{number}: {line}") }
///
/// #[dag] fn listing(lines: Param<Vec<String>>) -> Mapped<String> {
///     number_line.expand((lines, fixed(waft::map_index())))
/// }
/// # assert!(listing::DAG.document().unwrap().contains(r#""args":{"number":{"map_item":"index"}}"#));
/// ```
pub fn map_index() -> MapItem<u64> {
    MapItem { part: "index", ty: PhantomData }
}

/// The key of what the instance is mapped over: its position in a list, its key in an object.
pub fn map_key<T>() -> MapItem<T> {
    MapItem { part: "key", ty: PhantomData }
}

/// The value of what the instance is mapped over: the item of a list, the value in an object.
pub fn map_value<T>() -> MapItem<T> {
    MapItem { part: "value", ty: PhantomData }
}

impl<T, K> Output<T, K> {
    pub(crate) fn new(node: Node) -> Self {
        Self { node, key: None, ty: PhantomData }
    }

    /// A value that the task leaves under another name than its result, with [`xcom::push`](crate::xcom::push). Its type is
    /// the author's word: what does not fit fails the task that reads it.
    ///
    /// ```
    /// use waft::prelude::*;
    ///
    /// #[task] fn load() -> Result<u64, TaskError> {
    ///     xcom::push("source", &"north")?;
    ///     Ok(3)
    /// }
    /// #[task] fn report(rows: u64, source: String) -> String { format!("{rows} rows from {source}") }
    ///
    /// #[dag] fn daily() -> Output<String> {
    ///     let rows = load();
    ///     report(rows, rows.key("source"))
    /// }
    /// ```
    #[must_use]
    pub fn key<U>(self, key: &'static str) -> Output<U, K> {
        Output { node: self.node, key: Some(key), ty: PhantomData }
    }
}

impl<T, K> Mapped<T, K> {
    pub(crate) fn new(node: Node) -> Self {
        Self { node, ty: PhantomData }
    }
}

impl<T> Item<T> {
    pub(crate) fn new(group: GroupNode, name: &'static str) -> Self {
        Self { group, name, ty: PhantomData }
    }
}

impl<T> Param<T> {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, ty: PhantomData }
    }
}

macro_rules! handles {
    ($($name:ident[$($kind:ident)?])*) => {$(
        impl<T $(, $kind)?> Clone for $name<T $(, $kind)?> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<T $(, $kind)?> Copy for $name<T $(, $kind)?> {}

        impl<T $(, $kind)?> fmt::Debug for $name<T $(, $kind)?> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:?})"), self.source())
            }
        }
    )*};
}

handles! { Output[K] Mapped[K] Param[] Conf[] Variable[] Item[] MapItem[] }

macro_rules! tasks {
    ($($name:ident)*) => {$(
        impl<T, K> Tasks for $name<T, K> {
            fn members(&self) -> Vec<Member> {
                vec![Member::Task(self.node)]
            }

            fn nodes(&self) -> Vec<Node> {
                vec![self.node]
            }
        }

        impl<T, K> TaskOptions for $name<T, K> {
            fn node(&self) -> Node {
                self.node
            }
        }
    )*};
}

tasks! { Output Mapped }

macro_rules! values {
    ($($name:ident[$($kind:ident)?])*) => {$(
        impl<T $(, $kind)?> IntoArg<T> for $name<T $(, $kind)?> {
            fn into_arg(self) -> Arg<T> {
                Arg::same(self.source())
            }
        }

        impl<T $(, $kind)?> IntoArg<Option<T>> for $name<T $(, $kind)?> {
            fn into_arg(self) -> Arg<Option<T>> {
                Arg::same(self.source())
            }
        }

        impl<T $(, $kind)?> IntoArg<Vec<T>> for Vec<$name<T $(, $kind)?>> {
            fn into_arg(self) -> Arg<Vec<T>> {
                Arg::same(Source::list(self.into_iter().map($name::source).collect()))
            }
        }
    )*};
}

values! { Output[K] Param[] Conf[] Variable[] Item[] MapItem[] }

macro_rules! lists {
    ($($name:ident[$($kind:ident)?])*) => {$(
        impl<T $(, $kind)?> IntoEach<T> for $name<Vec<T> $(, $kind)?> {
            fn into_each(self) -> Arg<T> {
                Arg::each(self.source())
            }
        }

        impl<T $(, $kind)?> IntoEach<T> for Vec<$name<T $(, $kind)?>> {
            fn into_each(self) -> Arg<T> {
                Arg::each(Source::list(self.into_iter().map($name::source).collect()))
            }
        }

        impl<V $(, $kind)?> IntoEach<(String, V)> for $name<BTreeMap<String, V> $(, $kind)?> {
            fn into_each(self) -> Arg<(String, V)> {
                Arg::each(self.source())
            }
        }

        impl<V, S $(, $kind)?> IntoEach<(String, V)> for $name<HashMap<String, V, S> $(, $kind)?> {
            fn into_each(self) -> Arg<(String, V)> {
                Arg::each(self.source())
            }
        }

        impl<T $(, $kind)?> Handle for $name<T $(, $kind)?> {}
    )*};
}

lists! { Output[K] Param[] Conf[] Variable[] Item[] }

impl<T, K> Handle for Mapped<T, K> {}

/// Nothing there cannot be mapped over: the task fails then.
impl<T> IntoEach<T> for Conf<Option<Vec<T>>> {
    fn into_each(self) -> Arg<T> {
        Arg::each(self.source())
    }
}

impl<T, K> Output<T, K> {
    fn source(self) -> Source {
        Source::Output { node: self.node, key: self.key }
    }
}

impl<T, K> Mapped<T, K> {
    fn source(self) -> Source {
        Source::Output { node: self.node, key: None }
    }
}

impl<T> Param<T> {
    fn source(self) -> Source {
        Source::Param(self.name)
    }
}

impl<T> Conf<T> {
    fn source(self) -> Source {
        Source::Conf(self.pointer)
    }
}

impl<T> Variable<T> {
    fn source(self) -> Source {
        Source::Variable(self.name)
    }
}

impl<T> Item<T> {
    fn source(self) -> Source {
        Source::GroupArg { group: self.group, arg: self.name }
    }
}

impl<T> MapItem<T> {
    fn source(self) -> Source {
        Source::MapItem(self.part)
    }
}

impl<T, K> IntoArg<Sequence<T>> for Mapped<T, K> {
    fn into_arg(self) -> Arg<Sequence<T>> {
        Arg::same(self.source())
    }
}

impl<T, K> IntoArg<Vec<T>> for Mapped<T, K> {
    fn into_arg(self) -> Arg<Vec<T>> {
        Arg::same(self.source())
    }
}

impl<T, K> IntoEach<T> for Mapped<T, K> {
    fn into_each(self) -> Arg<T> {
        Arg::each(self.source())
    }
}
