//! What a file of tasks needs: `use waft::prelude::*;`.

pub use crate::arg::{IntoArg, fixed};
pub use crate::blob::{Blob, BlobWriter};
pub use crate::context::{TaskContext, context};
pub use crate::error::TaskError;
pub use crate::log::progress;
pub use crate::mapping::{Expand, Partial};
pub use crate::sequence::Sequence;
pub use crate::source::{Mapped, Output, Param, Tasks};
pub use crate::{Type, dag, log, state, task, xcom};
