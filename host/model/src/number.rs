//! Ids that are numbers, because the clients that people have read numbers there.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(i64);

        impl $name {
            /// Wraps a number that a row or a path gave.
            pub const fn from_number(number: i64) -> Self {
                Self(number)
            }

            /// The number, as it stands in rows and on API paths.
            pub const fn number(self) -> i64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    )*};
}

numbers! {
    /// Numbers backfills.
    BackfillId;
    /// Numbers assets.
    AssetId;
    /// Numbers events of assets. Not in the order in which they became visible.
    AssetEventId;
    /// Numbers entries of the event log in the order in which they were written.
    EventLogId;
}
