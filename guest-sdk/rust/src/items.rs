//! Lists made of lists: [`Transform::map`], [`Transform::filter`], [`Transform::concat`], [`zip`], and [`each`] for objects of
//! arguments.

use std::fmt;
use std::marker::PhantomData;

use serde_json::value::RawValue;

use crate::arg::{Arg, EachSlot, IntoArg, IntoEach};
use crate::graph::{self, ItemsNode, Source};
use crate::json_type::{JsonType, Members, Type};
use crate::sequence::Sequence;
use crate::source::Output;

/// Items that were mapped, filtered or joined, each a `T`: something to expand over, or a list for one argument.
pub struct Items<T> {
    node: ItemsNode,
    ty: PhantomData<fn() -> T>,
}

impl<T> Items<T> {
    fn new(source: Source) -> Self {
        Self { node: graph::items(source), ty: PhantomData }
    }
}

impl<T> Clone for Items<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Items<T> {}

impl<T> fmt::Debug for Items<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Items({:?})", self.node)
    }
}

impl<T> IntoEach<T> for Items<T> {
    fn into_each(self) -> Arg<T> {
        Arg::each(Source::Items(self.node))
    }
}

impl<T> IntoArg<Vec<T>> for Items<T> {
    fn into_arg(self) -> Arg<Vec<T>> {
        Arg::same(Source::Items(self.node))
    }
}

impl<T> IntoArg<Sequence<T>> for Items<T> {
    fn into_arg(self) -> Arg<Sequence<T>> {
        Arg::same(Source::Items(self.node))
    }
}

/// A source in a DAG, as against a literal list, whose own `map` and `concat` are others.
pub trait Handle {}

impl<T> Handle for Items<T> {}
impl<S, F> Handle for Zip<S, F> {}

/// Makes lists of lists that nobody knows yet: of the output of a task, of all outputs of a mapped one, of a parameter.
pub trait Transform<T>: IntoEach<T> + Handle + Sized {
    /// Each item as the body of a task makes it of an item. The body runs as a part of the task that uses the item, so no
    /// instance of its own appears in the run, and an error or a skip hits that instance alone.
    ///
    /// ```
    /// use waft::prelude::*;
    ///
    /// #[task] fn directories() -> Vec<String> { vec!["~".into(), "/etc".into()] }
    /// #[task] fn ls_command(directory: String) -> Vec<String> { vec!["ls".into(), directory] }
    /// #[task] fn run(command: Vec<String>) {}
    ///
    /// #[dag] fn listings() { run.expand(directories().map(ls_command)); }
    /// # assert!(listings::DAG.document().unwrap().contains(
    /// #     r#""source":{"map":{"source":{"output":{"task":"directories"}},"entrypoint":"ls_command"}}"#));
    /// ```
    fn map<R: Type>(self, function: impl FnOnce(Arg<T>) -> Output<R>) -> Items<R::Present> {
        let source = Box::new(self.into_each().into_items());
        Items::new(Source::Map { source, entrypoint: graph::transform(function) })
    }

    /// The items for which the body of a task answers true. Where it is expanded over, the instances of the others are skipped.
    ///
    /// ```
    /// use waft::prelude::*;
    ///
    /// #[task] fn is_text(file: String) -> bool { file.ends_with(".txt") }
    /// #[task] fn count(file: String) -> u64 { file.len() as u64 }
    ///
    /// #[dag] fn counts(files: Param<Vec<String>>) -> Mapped<u64> { count.expand(files.filter(is_text)) }
    /// # assert!(counts::DAG.document().unwrap().contains(r#"{"filter":{"source":{"param":"files"},"entrypoint":"is_text"}}"#));
    /// ```
    fn filter(self, function: impl FnOnce(Arg<T>) -> Output<bool>) -> Items<T> {
        let source = Box::new(self.into_each().into_items());
        Items::new(Source::Filter { source, entrypoint: graph::transform(function) })
    }

    /// These items, then the others.
    ///
    /// ```
    /// use waft::prelude::*;
    ///
    /// #[task] fn list(folder: String) -> Vec<String> { vec![folder] }
    /// #[task] fn count(file: String) -> u64 { file.len() as u64 }
    ///
    /// #[dag] fn counts() -> Mapped<u64> { count.expand(list("a").concat(list("b")).concat(vec!["c/1.txt"])) }
    /// # assert!(counts::DAG.document().unwrap().contains(
    /// #     r#"{"concat":[{"concat":[{"output":{"task":"list"}},{"output":{"task":"list__1"}}]},{"literal":["c/1.txt"]}]}"#));
    /// ```
    fn concat(self, others: impl IntoEach<T>) -> Items<T> {
        let first = self.into_each().into_items();
        let others = others.into_each().into_items();
        Items::new(Source::Concat(vec![first, others]))
    }
}

impl<T, S: IntoEach<T> + Handle> Transform<T> for S {}

/// Lists that stand side by side. Made by [`zip`] and [`zip_longest`].
#[derive(Debug, Clone, Copy)]
pub struct Zip<S, F = Shortest> {
    pub(crate) sources: S,
    pub(crate) fill: F,
}

/// The shortest list decides how long all are.
#[derive(Debug, Clone, Copy)]
pub struct Shortest;

/// The longest list decides, and this stands where another has ended.
#[derive(Debug, Clone, Copy)]
pub struct Longest<F>(F);

/// What a [`Zip`] puts where a list of `T`s has ended.
#[diagnostic::on_unimplemented(message = "`{Self}` cannot stand where a list of `{T}` has ended")]
pub trait Fill<T> {
    #[doc(hidden)]
    fn fill(&self) -> Option<Box<RawValue>>;
}

impl<T> Fill<T> for Shortest {
    fn fill(&self) -> Option<Box<RawValue>> {
        None
    }
}

impl<T, F: IntoArg<T> + Clone> Fill<T> for Longest<F> {
    fn fill(&self) -> Option<Box<RawValue>> {
        match self.0.clone().into_arg().into_source() {
            Source::Literal(value) => Some(value),
            _ => {
                graph::problem("what fills up a `zip_longest` is a literal".to_owned());
                None
            }
        }
    }
}

/// Lists side by side, as many items as the shortest has: for several arguments of a task (`add.expand(zip((xs, ys)))`), or, as
/// tuples, for one.
///
/// ```
/// use waft::prelude::*;
///
/// #[task] fn copy(from: String, to: String) {}
/// #[task] fn rename(names: (String, String)) {}
///
/// #[dag] fn copies(from: Param<Vec<String>>, to: Param<Vec<String>>) {
///     copy.expand(zip((from, to)));
///     rename.expand(zip((from, to)));
/// }
/// # let document = copies::DAG.document().unwrap();
/// # assert!(document.contains(r#""expand":{"zip":{"args":[{"arg":"from","source":{"param":"from"}},"#), "{document}");
/// # assert!(document.contains(r#""source":{"zip":{"sources":[{"param":"from"},{"param":"to"}]}}"#), "{document}");
/// ```
pub fn zip<S>(sources: S) -> Zip<S> {
    Zip { sources, fill: Shortest }
}

/// Lists side by side, as many items as the longest has; `fill`, a literal, stands where another has ended.
///
/// ```
/// use waft::prelude::*;
///
/// #[task] fn add(x: u64, y: u64) -> u64 { x + y }
///
/// #[dag] fn sums() -> Mapped<u64> { add.expand(zip_longest((vec![1, 2, 3], vec![10]), 0)) }
/// # assert!(sums::DAG.document().unwrap().contains(r#"{"arg":"y","source":{"literal":[10]}}],"fill":0}"#));
/// ```
pub fn zip_longest<S, F>(sources: S, fill: F) -> Zip<S, Longest<F>> {
    Zip { sources, fill: Longest(fill) }
}

macro_rules! zips {
    ($(($($arg:ident $over:ident $name:ident)*))*) => {$(
        impl<$($arg, $over: IntoEach<$arg>,)* Last: $(Fill<$arg> +)*> IntoEach<($($arg,)*)>
            for Zip<($($over,)*), Last>
        {
            fn into_each(self) -> Arg<($($arg,)*)> {
                let ($($name,)*) = self.sources;
                let mut fill = None;
                $(fill = fill.or(Fill::<$arg>::fill(&self.fill));)*
                Arg::each(Source::Zip { sources: vec![$($name.into_each().into_items()),*], fill })
            }
        }

        impl<$($arg, $over: IntoEach<$arg>,)* Last: $(Fill<$arg> +)*> IntoArg<Vec<($($arg,)*)>>
            for Zip<($($over,)*), Last>
        {
            fn into_arg(self) -> Arg<Vec<($($arg,)*)>> {
                Arg::same(IntoEach::<($($arg,)*)>::into_each(self).into_items())
            }
        }
    )*};
}

zips! {
    (A OverA a B OverB b)
    (A OverA a B OverB b C OverC c)
    (A OverA a B OverB b C OverC c D OverD d)
}

/// Objects whose members are the arguments of a task. Made by [`each`].
#[derive(Debug)]
pub struct Each {
    source: Source,
    item: JsonType,
    overriding: bool,
}

/// Runs a task once for each object of a list, with the object's members as its arguments, by name. `T` is a struct with
/// `#[derive(waft::Type)]`; that its members fit the arguments is checked when the DAG is written, in a test that looks at its
/// [`document`](crate::Dag::document) as well. Of a map only the run tells.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use waft::prelude::*;
///
/// #[derive(Serialize, Deserialize, Type)]
/// struct Trial { rate: f64, depth: u32 }
///
/// #[task] fn trials() -> Vec<Trial> { vec![Trial { rate: 0.1, depth: 3 }] }
/// #[task] fn train(seed: u64, rate: f64, depth: u32) -> f64 { rate * f64::from(depth) }
///
/// #[dag] fn tuning() -> Mapped<f64> { train.partial(7).expand(each(trials())) }
/// # assert!(tuning::DAG.document().unwrap().contains(
/// #     r#""args":{"seed":{"literal":7}},"expand":{"each":{"source":{"output":{"task":"trials"}}}}"#));
/// ```
pub fn each<T: Members>(objects: impl IntoEach<T>) -> Each {
    let item = if graph::is_building() { T::json_type() } else { JsonType::Any };
    Each { source: objects.into_each().into_items(), item, overriding: false }
}

impl Each {
    /// A member may have the name of an argument that is fixed with [`partial`](crate::Partial::partial), and replaces it.
    ///
    /// ```
    /// use std::collections::BTreeMap;
    /// use waft::prelude::*;
    ///
    /// #[task] fn train(depth: u64, rate: u64) -> u64 { rate * depth }
    ///
    /// #[dag] fn tuning(trials: Param<Vec<BTreeMap<String, u64>>>) -> Mapped<u64> {
    ///     train.partial(3).expand(each(trials).overriding())
    /// }
    /// # assert!(tuning::DAG.document().unwrap().contains(r#""overriding":true"#));
    /// ```
    #[must_use]
    pub fn overriding(mut self) -> Self {
        self.overriding = true;
        self
    }

    pub(crate) fn into_slot(self) -> EachSlot {
        EachSlot { source: self.source, overriding: self.overriding, item: self.item }
    }
}

/// For a task with one argument.
impl<T> IntoEach<T> for Each {
    fn into_each(self) -> Arg<T> {
        Arg::of_each(self.into_slot())
    }
}
