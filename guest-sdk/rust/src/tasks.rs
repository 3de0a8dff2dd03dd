//! Order between tasks: what stands on either end of an edge that carries no value.

use crate::graph::{self, Member, Node};

/// Tasks of the DAG, to set order between them: an [`Output`](crate::Output), a [`Mapped`](crate::Mapped), a
/// [`Group`](crate::Group), and tuples, arrays and lists of these.
///
/// A DAG returns one too: the tasks whose values are the run's result.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no task of the DAG",
    label = "not an `Output`, a `Mapped`, a `Group` or a tuple of these"
)]
pub trait Tasks: Sized {
    /// What an edge connects.
    #[doc(hidden)]
    fn members(&self) -> Vec<Member>;

    /// The tasks whose values these are.
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
        connect(&upstream, &self, None);
        self
    }

    /// As [`after`](Self::after), with a label that people read at the edge.
    fn after_labelled(self, label: &'static str, upstream: impl Tasks) -> Self {
        connect(&upstream, &self, Some(label));
        self
    }

    /// `downstream` waits until these have ended well. A group stands for its first or its last tasks.
    ///
    /// ```
    /// use waft::prelude::*;
    ///
    /// #[task] fn lock() {}
    /// #[task] fn copy() {}
    ///
    /// #[dag] fn copies() {
    ///     let all = group("copies", || { copy(); copy(); });
    ///     lock().before(all);
    /// }
    /// # assert!(copies::DAG.document().unwrap().contains(r#""edges":[{"from":"lock","to":"copies"}]"#));
    /// ```
    fn before(self, downstream: impl Tasks) -> Self {
        connect(&self, &downstream, None);
        self
    }

    /// `downstream` waits until these have ended well. Gives `downstream`, so that calls chain: `a.then(b).then(c)`.
    fn then<D: Tasks>(self, downstream: D) -> D {
        downstream.after(self)
    }

    /// As [`then`](Self::then), with a label that people read at the edge.
    ///
    /// ```
    /// use waft::prelude::*;
    ///
    /// #[task] fn load() {}
    /// #[task] fn check() {}
    ///
    /// #[dag] fn loads() {
    ///     load().then_labelled("every row", check());
    /// }
    /// # assert!(loads::DAG.document().unwrap().contains(r#"{"from":"load","to":"check","label":"every row"}"#));
    /// ```
    fn then_labelled<D: Tasks>(self, label: &'static str, downstream: D) -> D {
        downstream.after_labelled(label, self)
    }
}

pub(crate) fn connect(from: &impl Tasks, to: &impl Tasks, label: Option<&'static str>) {
    let to = to.members();
    for from in from.members() {
        to.iter().for_each(|to| graph::edge(from, *to, label));
    }
}

impl Tasks for () {
    fn members(&self) -> Vec<Member> {
        Vec::new()
    }

    fn nodes(&self) -> Vec<Node> {
        Vec::new()
    }
}

impl<S: Tasks> Tasks for Vec<S> {
    fn members(&self) -> Vec<Member> {
        self.iter().flat_map(Tasks::members).collect()
    }

    fn nodes(&self) -> Vec<Node> {
        self.iter().flat_map(Tasks::nodes).collect()
    }
}

impl<S: Tasks, const N: usize> Tasks for [S; N] {
    fn members(&self) -> Vec<Member> {
        self.iter().flat_map(Tasks::members).collect()
    }

    fn nodes(&self) -> Vec<Node> {
        self.iter().flat_map(Tasks::nodes).collect()
    }
}

macro_rules! tuples {
    ($(($($name:ident $position:tt)*))*) => {$(
        impl<$($name: Tasks),*> Tasks for ($($name,)*) {
            fn members(&self) -> Vec<Member> {
                [$(self.$position.members()),*].concat()
            }

            fn nodes(&self) -> Vec<Node> {
                [$(self.$position.nodes()),*].concat()
            }
        }
    )*};
}

tuples! { (A 0) (A 0 B 1) (A 0 B 1 C 2) (A 0 B 1 C 2 D 3) (A 0 B 1 C 2 D 3 E 4) (A 0 B 1 C 2 D 3 E 4 F 5) }
