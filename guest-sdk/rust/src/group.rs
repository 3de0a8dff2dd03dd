//! Groups of tasks: [`group()`] and the functions under [`#[group]`](macro@crate::group), which can be mapped.

use std::ops::Deref;

use crate::arg::{Arg, IntoArg, IntoEach};
use crate::graph::{self, Call, GroupNode, Member, Node};
use crate::json_type::Type;
use crate::source::{Item, Mapped, Output};
use crate::tasks::Tasks;

/// What `#[group]` says about a function.
#[doc(hidden)]
#[derive(Debug, Clone)]
pub struct GroupDecl {
    pub name: String,
    pub display_name: &'static str,
    pub doc_md: &'static str,
    pub max_map_length: Option<u32>,
}

/// A group of the DAG, and `R`, what its function returned: outside, the group stands for it.
///
/// Order that is set on it holds for all of the group: what it waits for comes before its first tasks, what waits for it comes
/// after its last ones.
#[derive(Debug, Clone, Copy)]
pub struct Group<R> {
    node: GroupNode,
    inside: R,
}

/// Adds a group with the tasks that `tasks` calls. Groups can stand in groups. A group that is to be mapped is a function under
/// [`#[group]`](macro@crate::group).
///
/// ```
/// use waft::prelude::*;
///
/// #[task] fn extract() -> u64 { 3 }
/// #[task] fn load(rows: u64) -> u64 { rows }
/// #[task] fn report(rows: u64) {}
///
/// #[dag] fn nightly() {
///     let loaded = group("tables", || load(extract()));
///     report(loaded);
/// }
/// # assert!(nightly::DAG.document().unwrap().contains(r#"{"task_id":"tables.extract","entrypoint":"extract","group":"tables""#));
/// ```
pub fn group<R>(name: &str, tasks: impl FnOnce() -> R) -> Group<R> {
    let decl = GroupDecl { name: name.to_owned(), display_name: "", doc_md: "", max_map_length: None };
    let (node, inside) = graph::group(decl, |_| (), |_| tasks());
    Group { node, inside }
}

/// Adds the group that a function under `#[group]` is.
#[doc(hidden)]
pub fn group_of<R>(decl: GroupDecl, fill: impl FnOnce(&mut Call), tasks: impl FnOnce(GroupNode) -> R) -> Group<R> {
    let (node, inside) = graph::group(decl, fill, tasks);
    Group { node, inside }
}

impl<R> Group<R> {
    /// Names the group; otherwise it is named after its function, with `__1`, `__2` where that is called again.
    #[must_use]
    pub fn group_id(self, group_id: &str) -> Self {
        graph::rename_group(self.node, group_id);
        self
    }

    /// Most items that a mapped group may expand to.
    #[must_use]
    pub fn max_map_length(self, items: u32) -> Self {
        graph::limit_group(self.node, items);
        self
    }

    /// What the function returned.
    pub fn into_inner(self) -> R {
        self.inside
    }
}

impl<R> Deref for Group<R> {
    type Target = R;

    fn deref(&self) -> &R {
        &self.inside
    }
}

impl<R: Tasks> Tasks for Group<R> {
    fn members(&self) -> Vec<Member> {
        vec![Member::Group(self.node)]
    }

    fn nodes(&self) -> Vec<Node> {
        self.inside.nodes()
    }
}

impl<T, R: IntoArg<T>> IntoArg<T> for Group<R> {
    fn into_arg(self) -> Arg<T> {
        self.inside.into_arg()
    }
}

impl<T, R: IntoEach<T>> IntoEach<T> for Group<R> {
    fn into_each(self) -> Arg<T> {
        self.inside.into_each()
    }
}

/// What a mapped group leaves, as those outside it see it: of an [`Output`], a value for each item.
pub trait Leaves {
    /// The same from outside.
    type Outside;

    #[doc(hidden)]
    fn outside(self) -> Self::Outside;
}

impl<T: Type, K> Leaves for Output<T, K> {
    type Outside = Mapped<T::Present, K>;

    fn outside(self) -> Self::Outside {
        Mapped::new(self.nodes()[0])
    }
}

/// All values of all items, one after the other.
impl<T, K> Leaves for Mapped<T, K> {
    type Outside = Self;

    fn outside(self) -> Self {
        self
    }
}

impl<R: Leaves> Leaves for Group<R> {
    type Outside = Group<R::Outside>;

    fn outside(self) -> Self::Outside {
        Group { node: self.node, inside: self.inside.outside() }
    }
}

impl Leaves for () {
    type Outside = ();

    fn outside(self) {}
}

impl<R: Leaves> Leaves for Vec<R> {
    type Outside = Vec<R::Outside>;

    fn outside(self) -> Self::Outside {
        self.into_iter().map(Leaves::outside).collect()
    }
}

macro_rules! tuples {
    ($(($($arg:ident $name:ident)*))*) => {$(
        impl<$($arg: Leaves),*> Leaves for ($($arg,)*) {
            type Outside = ($($arg::Outside,)*);

            fn outside(self) -> Self::Outside {
                let ($($name,)*) = self;
                ($($name.outside(),)*)
            }
        }
    )*};
}

tuples! { (A a) (A a B b) (A a B b C c) (A a B b C c D d) }

/// What an argument of a function under `#[group]` may be: only [`Item`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a group",
    label = "not an item",
    note = "the tasks in a group take its arguments as sources: write `Item<{Self}>`"
)]
pub trait GroupArg {
    /// Type of its values.
    type Value;

    #[doc(hidden)]
    fn named(group: GroupNode, name: &'static str) -> Self;
}

impl<T> GroupArg for Item<T> {
    type Value = T;

    fn named(group: GroupNode, name: &'static str) -> Self {
        Self::new(group, name)
    }
}
