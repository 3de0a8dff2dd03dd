//! `.expand(…)` and `.partial(…)` on task functions.
//!
//! A task function takes `impl IntoArg<T>` for each argument, so it can be called with an [`Arg`] that varies; expanding is
//! just that call. The traits here find `T` and the result in the function's own type, which is why no second declaration of
//! a task exists that could differ from it.

use crate::arg::{Arg, IntoArg, IntoEach};
use crate::group::{Group, Leaves};
use crate::items::{Each, Fill, Zip};
use crate::json_type::Type;
use crate::source::{Mapped, Output};
use crate::tasks::Tasks;

/// Types of a task function's arguments, as a tuple.
pub trait ArgTypes {
    /// The same arguments, filled in.
    type Filled;
}

/// What calling a function gives: of a task its [`Output`], of a group a [`Group`].
pub trait Called {
    /// What it gives when it is mapped.
    type Mapped;

    #[doc(hidden)]
    fn mapped(self) -> Self::Mapped;
}

impl<T: Type, K> Called for Output<T, K> {
    type Mapped = Mapped<T::Present, K>;

    fn mapped(self) -> Self::Mapped {
        Mapped::new(self.nodes()[0])
    }
}

impl<R: Leaves> Called for Group<R> {
    type Mapped = Group<R::Outside>;

    fn mapped(self) -> Self::Mapped {
        self.outside()
    }
}

/// Maps a task function, or a function under [`#[group]`](macro@crate::group), over lists.
pub trait Expand<Args: ArgTypes>: Sized {
    /// What all instances leave.
    type Mapped;

    /// One instance of the task for each item of `over`, or for each combination where the task has several arguments: then
    /// `over` is a tuple, and the last argument varies fastest. [`zip`](crate::zip()) puts lists
    /// side by side instead, and [`each`](crate::each()) takes objects of arguments. Instances that return `None` leave no value.
    ///
    /// ```
    /// use waft::prelude::*;
    ///
    /// #[task] fn list_files() -> Vec<String> { vec!["a.txt".into(), "b.txt".into()] }
    /// #[task] fn count_words(file: String) -> u64 { file.len() as u64 }
    /// #[task] fn train(rate: f64, depth: u32) -> f64 { rate * f64::from(depth) }
    ///
    /// #[dag] fn mapped() {
    ///     count_words.expand(list_files());               // one instance for each file
    ///     train.expand((vec![0.1, 0.2], vec![3, 5, 8]));  // six instances: (0.1, 3), (0.1, 5), …
    /// }
    /// ```
    fn expand(self, over: impl IntoEachOf<Args>) -> Self::Mapped;
}

/// Fixes arguments of a task function.
pub trait Partial<Args>: Sized {
    /// Type of the first argument.
    type First;
    /// A task function of the remaining arguments.
    type Rest;

    /// Fixes the first argument for all instances; what remains can be fixed further or expanded. To fix another than the
    /// first, expand a tuple with [`fixed`](crate::fixed) in it.
    ///
    /// ```
    /// use waft::prelude::*;
    ///
    /// #[task] fn add(x: u64, y: u64) -> u64 { x + y }
    ///
    /// #[dag] fn sums() -> Mapped<u64> { add.partial(10).expand(vec![1, 2, 3]) }
    /// # assert!(sums::DAG.document().unwrap().contains(
    /// #     r#""args":{"x":{"literal":10}},"expand":{"product":[{"arg":"y","source":{"literal":[1,2,3]}}]}"#));
    /// ```
    fn partial(self, first: impl IntoArg<Self::First>) -> Self::Rest;
}

/// What the arguments of a mapped task are expanded over: an [`IntoEach`] for one argument, a tuple of them for several.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be expanded into the arguments `{Args}`",
    label = "a list for one argument, a tuple of lists for several",
    note = "wrap a value that all instances share in `fixed(…)`"
)]
pub trait IntoEachOf<Args: ArgTypes> {
    /// The filled arguments.
    fn into_each_of(self) -> Args::Filled;
}

impl<A, E: IntoEach<A>> IntoEachOf<(A,)> for E {
    fn into_each_of(self) -> (Arg<A>,) {
        (self.into_each(),)
    }
}

macro_rules! arities {
    ($(($($arg:ident $name:ident)*))*) => {$(
        impl<$($arg),*> ArgTypes for ($($arg,)*) {
            type Filled = ($(Arg<$arg>,)*);
        }

        impl<Task, R: Called, $($arg),*> Expand<($($arg,)*)> for Task
        where
            Task: FnOnce($(Arg<$arg>),*) -> R,
        {
            type Mapped = R::Mapped;

            fn expand(self, over: impl IntoEachOf<($($arg,)*)>) -> R::Mapped {
                let ($($name,)*) = over.into_each_of();
                self($($name),*).mapped()
            }
        }

    )*};
}

macro_rules! tuples {
    ($(($($arg:ident $over:ident $name:ident)*))*) => {$(
        impl<$($arg, $over: IntoEach<$arg>),*> IntoEachOf<($($arg,)*)> for ($($over,)*) {
            fn into_each_of(self) -> ($(Arg<$arg>,)*) {
                let ($($name,)*) = self;
                ($($name.into_each(),)*)
            }
        }

        impl<$($arg),*> IntoEachOf<($($arg,)*)> for Each {
            fn into_each_of(self) -> ($(Arg<$arg>,)*) {
                let mut first = Some(self.into_slot());
                ($(first.take().map_or_else(Arg::<$arg>::open, Arg::of_each),)*)
            }
        }

        impl<$($arg, $over: IntoEach<$arg>,)* Last: $(Fill<$arg> +)*> IntoEachOf<($($arg,)*)> for Zip<($($over,)*), Last> {
            fn into_each_of(self) -> ($(Arg<$arg>,)*) {
                let ($($name,)*) = self.sources;
                ($($name.into_each().zipped(Fill::<$arg>::fill(&self.fill)),)*)
            }
        }
    )*};
}

macro_rules! partials {
    ($(($($arg:ident $name:ident)*))*) => {$(
        impl<Task, R: Called + 'static, First: 'static, $($arg: 'static),*> Partial<(First, $($arg,)*)> for Task
        where
            Task: FnOnce(Arg<First>, $(Arg<$arg>),*) -> R + 'static,
        {
            type First = First;
            type Rest = Box<dyn FnOnce($(Arg<$arg>),*) -> R>;

            fn partial(self, first: impl IntoArg<First>) -> Self::Rest {
                let first = first.into_arg();
                Box::new(move |$($name),*| self(first, $($name),*))
            }
        }
    )*};
}

arities! {
    (A a)
    (A a B b)
    (A a B b C c)
    (A a B b C c D d)
    (A a B b C c D d E e)
    (A a B b C c D d E e F f)
}

tuples! {
    (A OverA a B OverB b)
    (A OverA a B OverB b C OverC c)
    (A OverA a B OverB b C OverC c D OverD d)
    (A OverA a B OverB b C OverC c D OverD d E OverE e)
    (A OverA a B OverB b C OverC c D OverD d E OverE e F OverF f)
}

partials! {
    (A a)
    (A a B b)
    (A a B b C c)
    (A a B b C c D d)
    (A a B b C c D d E e)
}
