//! Trigger rules.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! rules {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// When a task runs, given how its direct upstream instances ended. What each means for each combination of ends is
        /// decided in crate `plan`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum TriggerRule { $($(#[$doc])* $variant,)* }

        impl TriggerRule {
            /// All of them, in the order of the documentation.
            pub const ALL: &[TriggerRule] = &[$(TriggerRule::$variant),*];

            /// The name in documents and on the API.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

rules! {
    /// All ended in success.
    #[default]
    AllSuccess = "all_success",
    /// All failed, or could not run for a failure.
    AllFailed = "all_failed",
    /// All ended.
    AllDone = "all_done",
    /// All ended, none was skipped, and one succeeded.
    AllDoneMinOneSuccess = "all_done_min_one_success",
    /// All ended, and a setup among them succeeded or there is none. What teardowns have.
    AllDoneSetupSuccess = "all_done_setup_success",
    /// One succeeded.
    OneSuccess = "one_success",
    /// One failed, or could not run for a failure.
    OneFailed = "one_failed",
    /// One succeeded or failed.
    OneDone = "one_done",
    /// All ended, and none failed.
    NoneFailed = "none_failed",
    /// All ended, none failed, and one succeeded.
    NoneFailedMinOneSuccess = "none_failed_min_one_success",
    /// All ended, and none was skipped.
    NoneSkipped = "none_skipped",
    /// All were skipped.
    AllSkipped = "all_skipped",
    /// Waits for nothing.
    Always = "always",
}
