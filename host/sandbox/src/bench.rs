//! What one fresh sandbox costs, measured in a real runner process.

use serde::{Deserialize, Serialize};

/// Cost of instantiation, call and drop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BenchFigures {
    pub calls: u32,
    pub mean_ns: u64,
    pub p50_ns: u64,
    pub p99_ns: u64,
}

impl BenchFigures {
    /// The figures of some calls; nothing where there were none.
    pub(crate) fn of(mut nanos: Vec<u64>) -> Option<Self> {
        nanos.sort_unstable();
        let at = |percent: usize| nanos.get((nanos.len() * percent / 100).min(nanos.len().saturating_sub(1))).copied();
        let calls = u32::try_from(nanos.len()).ok()?;
        let mean_ns = nanos.iter().sum::<u64>().checked_div(u64::from(calls))?;
        Some(Self { calls, mean_ns, p50_ns: at(50)?, p99_ns: at(99)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_those_of_the_sorted_calls() {
        assert_eq!(BenchFigures::of(vec![]), None);
        let figures = BenchFigures::of((1..=100).rev().collect()).expect("calls");
        assert_eq!(figures, BenchFigures { calls: 100, mean_ns: 50, p50_ns: 51, p99_ns: 100 });
    }
}
