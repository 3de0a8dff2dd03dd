//! Time and randomness as a guest sees them.

use std::time::Duration;

use clock::{Clock, Real};
use model::Digest;
use wasmtime_wasi::random::Deterministic;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtxBuilder};

/// The finest step of a guest's clocks.
const GRAIN: Duration = Duration::from_millis(1);
/// Random bytes after which a seeded guest sees the same ones again.
const SEEDED_BYTES: usize = 8 << 10;

/// What a guest's clocks and random numbers are made of.
#[derive(Debug, Clone)]
pub(crate) enum World {
    /// The machine's, the clocks coarsened.
    Real,
    /// Time stands still, randomness follows from the seed.
    Frozen { wall: Duration, seed: u64 },
}

impl World {
    pub(super) fn furnish(&self, wasi: &mut WasiCtxBuilder) {
        match *self {
            // The engine's own generators are seeded from the system for each guest.
            World::Real => wasi.wall_clock(Coarse).monotonic_clock(Coarse),
            World::Frozen { wall, seed } => wasi
                .wall_clock(Frozen(wall))
                .monotonic_clock(Frozen(wall))
                .secure_random(Deterministic::new(stream("secure", seed)))
                .insecure_random(Deterministic::new(stream("insecure", seed)))
                .insecure_random_seed(u128::from(seed) << 64 | u128::from(!seed)),
        };
    }
}

fn stream(purpose: &str, seed: u64) -> Vec<u8> {
    (0..SEEDED_BYTES / 32)
        .flat_map(|block| *Digest::of(format!("{purpose}/{seed}/{block}").as_bytes()).bytes())
        .collect()
}

struct Coarse;

impl HostWallClock for Coarse {
    fn resolution(&self) -> Duration {
        GRAIN
    }

    fn now(&self) -> Duration {
        Duration::from_millis(u64::try_from(Real.now().as_millisecond()).unwrap_or(0))
    }
}

impl HostMonotonicClock for Coarse {
    fn resolution(&self) -> u64 {
        GRAIN.as_nanos() as u64
    }

    fn now(&self) -> u64 {
        Real.monotonic().as_millis() as u64 * 1_000_000
    }
}

struct Frozen(Duration);

impl HostWallClock for Frozen {
    fn resolution(&self) -> Duration {
        GRAIN
    }

    fn now(&self) -> Duration {
        self.0
    }
}

impl HostMonotonicClock for Frozen {
    fn resolution(&self) -> u64 {
        GRAIN.as_nanos() as u64
    }

    fn now(&self) -> u64 {
        self.0.as_nanos() as u64
    }
}
