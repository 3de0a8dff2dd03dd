//! The sources of values in a DAG: [`Output`] of a task, [`Mapped`] outputs, [`Param`] of a run, [`Conf`].
//!
//! All are small handles that can be copied and used as often as wanted; each use is an edge.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::marker::PhantomData;

use crate::arg::{Arg, IntoArg, IntoEach};
use crate::graph::{self, Node, Source};
use crate::sequence::Sequence;

/// What one task of the DAG leaves, a `T`. Calling a task function gives it.
pub struct Output<T> {
    node: Node,
    key: Option<&'static str>,
    ty: PhantomData<fn() -> T>,
}

/// What a mapped task leaves, a `T` for each instance. [`Expand::expand`](crate::Expand::expand) gives it.
///
/// As an argument it is one [`Sequence<T>`] of all values (or a `Vec<T>`); expanded over, it pairs index by index.
pub struct Mapped<T> {
    node: Node,
    ty: PhantomData<fn() -> T>,
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

impl<T> Output<T> {
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
    pub fn key<U>(self, key: &'static str) -> Output<U> {
        Output { node: self.node, key: Some(key), ty: PhantomData }
    }
}

impl<T> Mapped<T> {
    pub(crate) fn new(node: Node) -> Self {
        Self { node, ty: PhantomData }
    }
}

impl<T> Param<T> {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, ty: PhantomData }
    }
}

/// Tasks of the DAG, to set order between them: an [`Output`], a [`Mapped`], and tuples, arrays and lists of these.
///
/// A DAG returns one too: the tasks whose values are the run's result.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no task of the DAG",
    label = "not an `Output`, a `Mapped` or a tuple of these"
)]
pub trait Tasks: Sized {
    #[doc(hidden)]
    fn nodes(&self) -> Vec<Node>;

    /// These wait until `upstream` has ended well, without taking a value from it. Data dependencies need no such call.
    ///
    /// ```
    /// use waft::prelude::*;
    ///
    /// #[task] fn create_table() {}
    /// #[task] fn fill_table() {}
    ///
    /// #[dag] fn tables() {
    ///     fill_table().after(create_table());
    /// }
    /// # assert!(tables::DAG.document().unwrap().contains(r#""edges":[{"from":"create_table","to":"fill_table"}]"#));
    /// ```
    fn after(self, upstream: impl Tasks) -> Self {
        for from in upstream.nodes() {
            for to in self.nodes() {
                graph::edge(from, to);
            }
        }
        self
    }

    /// `downstream` waits until these have ended well. Gives `downstream`, so that calls chain: `a.then(b).then(c)`.
    fn then<D: Tasks>(self, downstream: D) -> D {
        downstream.after(self)
    }
}

impl Tasks for () {
    fn nodes(&self) -> Vec<Node> {
        Vec::new()
    }
}

impl<S: Tasks> Tasks for Vec<S> {
    fn nodes(&self) -> Vec<Node> {
        self.iter().flat_map(Tasks::nodes).collect()
    }
}

impl<S: Tasks, const N: usize> Tasks for [S; N] {
    fn nodes(&self) -> Vec<Node> {
        self.iter().flat_map(Tasks::nodes).collect()
    }
}

macro_rules! tuples {
    ($(($($name:ident $position:tt)*))*) => {$(
        impl<$($name: Tasks),*> Tasks for ($($name,)*) {
            fn nodes(&self) -> Vec<Node> {
                [$(self.$position.nodes()),*].concat()
            }
        }
    )*};
}

tuples! { (A 0) (A 0 B 1) (A 0 B 1 C 2) (A 0 B 1 C 2 D 3) }

macro_rules! handles {
    ($($name:ident)*) => {$(
        impl<T> Clone for $name<T> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<T> Copy for $name<T> {}

        impl<T> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:?})"), self.source())
            }
        }
    )*};
}

handles! { Output Mapped Param Conf }

macro_rules! tasks {
    ($($name:ident)*) => {$(
        impl<T> Tasks for $name<T> {
            fn nodes(&self) -> Vec<Node> {
                vec![self.node]
            }
        }

        impl<T> $name<T> {
            /// Names the task; otherwise it is named after its function, with `__1`, `__2` where that is called again.
            ///
            /// ```
            /// use waft::prelude::*;
            ///
            /// #[task] fn load(table: String) {}
            ///
            /// #[dag] fn loads() {
            ///     load("users").task_id("load_users");
            ///     load("orders").task_id("load_orders");
            /// }
            /// # assert!(loads::DAG.document().unwrap().contains(r#""task_id":"load_orders""#));
            /// ```
            pub fn task_id(self, task_id: &str) -> Self {
                graph::rename(self.node, task_id);
                self
            }
        }
    )*};
}

tasks! { Output Mapped }

macro_rules! values {
    ($($name:ident)*) => {$(
        impl<T> IntoArg<T> for $name<T> {
            fn into_arg(self) -> Arg<T> {
                Arg::same(self.source())
            }
        }

        impl<T> IntoArg<Option<T>> for $name<T> {
            fn into_arg(self) -> Arg<Option<T>> {
                Arg::same(self.source())
            }
        }

        impl<T> IntoArg<Vec<T>> for Vec<$name<T>> {
            fn into_arg(self) -> Arg<Vec<T>> {
                Arg::same(Source::list(self.into_iter().map($name::source).collect()))
            }
        }

        impl<T> IntoEach<T> for $name<Vec<T>> {
            fn into_each(self) -> Arg<T> {
                Arg::each(self.source())
            }
        }

        impl<T> IntoEach<T> for Vec<$name<T>> {
            fn into_each(self) -> Arg<T> {
                Arg::each(Source::list(self.into_iter().map($name::source).collect()))
            }
        }

        impl<V> IntoEach<(String, V)> for $name<BTreeMap<String, V>> {
            fn into_each(self) -> Arg<(String, V)> {
                Arg::each(self.source())
            }
        }

        impl<V, S> IntoEach<(String, V)> for $name<HashMap<String, V, S>> {
            fn into_each(self) -> Arg<(String, V)> {
                Arg::each(self.source())
            }
        }
    )*};
}

values! { Output Param Conf }

impl<T> Output<T> {
    fn source(self) -> Source {
        Source::Output { node: self.node, key: self.key }
    }
}

impl<T> Mapped<T> {
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

impl<T> IntoArg<Sequence<T>> for Mapped<T> {
    fn into_arg(self) -> Arg<Sequence<T>> {
        Arg::same(self.source())
    }
}

impl<T> IntoArg<Vec<T>> for Mapped<T> {
    fn into_arg(self) -> Arg<Vec<T>> {
        Arg::same(self.source())
    }
}

impl<T> IntoEach<T> for Mapped<T> {
    fn into_each(self) -> Arg<T> {
        Arg::each(self.source())
    }
}
