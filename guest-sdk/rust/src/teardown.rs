//! Setups and teardowns.

use crate::graph::{self, Node};
use crate::kind;
use crate::settings::TaskOptions;
use crate::source::{Mapped, Output};

/// Setups of the DAG: the handle of a task with `kind = "setup"`, and tuples, arrays and lists of these.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no setup",
    label = "not the handle of a task with `#[task(kind = \"setup\")]`, or a tuple of these"
)]
pub trait Setups {
    #[doc(hidden)]
    fn setups(&self) -> Vec<Node>;
}

macro_rules! teardowns {
    ($($handle:ident)*) => {$(
        impl<T> Setups for $handle<T, kind::Setup> {
            fn setups(&self) -> Vec<Node> {
                vec![self.node()]
            }
        }

        impl<T> $handle<T, kind::Teardown> {
            /// Undoes what these setups have made. It waits for every task between them and itself, and runs if a setup
            /// succeeded, whatever became of the tasks between.
            ///
            /// ```
            /// use waft::prelude::*;
            ///
            /// #[task(kind = "setup")] fn create_cluster() -> String { "c-17".into() }
            /// #[task] fn compute(cluster: String) -> u64 { cluster.len() as u64 }
            /// #[task(kind = "teardown")] fn delete_cluster(cluster: String) {}
            ///
            /// #[dag] fn computing() -> Output<u64> {
            ///     let cluster = create_cluster();
            ///     let result = compute(cluster);
            ///     delete_cluster(cluster).of(cluster).after(result);
            ///     result
            /// }
            /// # assert!(computing::DAG.document().unwrap().contains(r#""setups":["create_cluster"]"#));
            /// ```
            pub fn of(self, setups: impl Setups) -> Self {
                graph::setups(self.node(), setups.setups());
                self
            }

            /// The run fails where this teardown fails; without this it does not count.
            pub fn fail_run(self) -> Self {
                graph::settings(self.node(), |settings| settings.on_failure_fail_run = true);
                self
            }
        }
    )*};
}

teardowns! { Output Mapped }

impl<S: Setups> Setups for Vec<S> {
    fn setups(&self) -> Vec<Node> {
        self.iter().flat_map(Setups::setups).collect()
    }
}

impl<S: Setups, const N: usize> Setups for [S; N] {
    fn setups(&self) -> Vec<Node> {
        self.iter().flat_map(Setups::setups).collect()
    }
}

macro_rules! tuples {
    ($(($($name:ident $position:tt)*))*) => {$(
        impl<$($name: Setups),*> Setups for ($($name,)*) {
            fn setups(&self) -> Vec<Node> {
                [$(self.$position.setups()),*].concat()
            }
        }
    )*};
}

tuples! { (A 0) (A 0 B 1) (A 0 B 1 C 2) (A 0 B 1 C 2 D 3) }
