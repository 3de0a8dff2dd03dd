//! probe-guest
