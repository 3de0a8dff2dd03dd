//! The words of options: trigger rules, weight rules, kinds of failures.

use crate::json_text::ToJson;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$about])* $variant,)* }

        impl ToJson for $name {
            fn write(&self, out: &mut String) {
                match self { $(Self::$variant => $text,)* }.write(out);
            }
        }
    };
}

words! {
    /// When a task runs, given how its direct upstream tasks ended.
    TriggerRule {
        /// All ended in success.
        AllSuccess = "all_success",
        /// All failed, or could not run for a failure.
        AllFailed = "all_failed",
        /// All ended.
        AllDone = "all_done",
        /// All ended, none was skipped, and one succeeded.
        AllDoneMinOneSuccess = "all_done_min_one_success",
        /// All ended, and a setup among them succeeded or there is none.
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
}

words! {
    /// How a task's weight follows from priorities.
    WeightRule {
        /// Its own priority and those of everything downstream.
        Downstream = "downstream",
        /// Its own priority and those of everything upstream.
        Upstream = "upstream",
        /// Its own priority.
        Absolute = "absolute",
    }
}

words! {
    /// How an attempt fails.
    FailureKind {
        /// The body answered so.
        Failed = "failed",
        /// It ran, or waited for a slot, for too long.
        TimedOut = "timed_out",
        /// The body was ended by a fault of its own, such as a panic.
        Trapped = "trapped",
        /// It asked for more memory or other means than it may have.
        OverLimit = "over_limit",
    }
}
