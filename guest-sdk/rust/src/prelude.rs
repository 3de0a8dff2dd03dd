//! What a file of tasks needs: `use waft::prelude::*;`.

pub use crate::arg::{IntoArg, fixed};
pub use crate::blob::{Blob, BlobWriter};
pub use crate::bodiless::{approval, empty, latest_only};
pub use crate::context::{TaskContext, context};
pub use crate::error::TaskError;
pub use crate::group::Group;
pub use crate::items::{Items, Transform, each, zip, zip_longest};
pub use crate::log::progress;
pub use crate::mapping::{Expand, Partial};
pub use crate::rules::{FailureKind, TriggerRule, WeightRule};
pub use crate::sensor::Poke;
pub use crate::sequence::Sequence;
pub use crate::settings::TaskOptions;
pub use crate::source::{Item, Mapped, Output, Param};
pub use crate::tasks::Tasks;
pub use crate::wake::Wake;
pub use crate::{Arms, Type, dag, group, kind, log, state, task, xcom};
