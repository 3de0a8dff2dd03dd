//! Tasks that run no body: [`empty`], [`approval`] and [`latest_only`].

use serde_json::value::RawValue;

use crate::document::ParamDocument;
use crate::graph;
use crate::json_type::{JsonType, Members};
use crate::kind::Kind;
use crate::source::Output;

/// A task that runs nothing and succeeds at once; a place where edges meet.
///
/// ```
/// use waft::prelude::*;
///
/// #[task] fn load(table: String) {}
/// #[task] fn index(table: String) {}
///
/// #[dag] fn tables() {
///     let loaded = empty("loaded").after((load("a"), load("b")));
///     loaded.before((index("a"), index("b")));
/// }
/// # assert!(tables::DAG.document().unwrap().contains(r#"{"task_id":"loaded","kind":"empty"}"#));
/// ```
pub fn empty(name: &str) -> Output<()> {
    Output::new(graph::bodiless(name, Kind::Empty, Vec::new))
}

/// A task that runs nothing and lets only the newest scheduled run go on; in others everything downstream is skipped.
///
/// ```
/// use waft::prelude::*;
///
/// #[task] fn publish() {}
///
/// #[dag] fn nightly() { latest_only("newest").then(publish()); }
/// # assert!(nightly::DAG.document().unwrap().contains(r#"{"task_id":"newest","kind":"latest_only"}"#));
/// ```
pub fn latest_only(name: &str) -> Output<()> {
    Output::new(graph::bodiless(name, Kind::LatestOnly, Vec::new))
}

/// A task that runs nothing and waits until somebody has filled in its form. `T`, a struct with `#[derive(waft::Type)]`, is the
/// form and what they answered. No sandbox and no slot is held meanwhile.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use waft::prelude::*;
///
/// #[derive(Serialize, Deserialize, Type)]
/// struct Release { publish: bool, note: Option<String> }
///
/// #[task] fn publish(answer: Release) {}
///
/// #[dag] fn releases() { publish(approval::<Release>("ask")); }
/// # assert!(releases::DAG.document().unwrap().contains(
/// #     r#""kind":"approval","form":{"publish":{"schema":{"type":"boolean"}},"note":{"schema":"#));
/// ```
pub fn approval<T: Members>(name: &str) -> Output<T> {
    Output::new(graph::bodiless(name, Kind::Approval, || match T::json_type() {
        JsonType::Object(members) => members
            .into_iter()
            .map(|member| {
                let default = member.optional.then(|| RawValue::NULL.to_owned());
                (member.name, ParamDocument { ty: member.ty, default, description: "" })
            })
            .collect(),
        _ => {
            graph::problem(format!(
                "approval {name:?} gives a map: the fields of its form are the members of a struct"
            ));
            Vec::new()
        }
    }))
}
