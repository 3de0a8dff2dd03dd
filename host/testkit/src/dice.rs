//! Numbers that follow from a seed.

/// Equal seeds give equal numbers, on every machine and in every build.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// A number below `sides`.
    pub fn roll(&mut self, sides: u32) -> u32 {
        (self.number() % u64::from(sides)) as u32
    }

    /// True `count` times of a thousand.
    pub fn per_mille(&mut self, count: u32) -> bool {
        self.roll(1_000) < count
    }

    /// One of them; there must be one.
    pub fn pick<'a, T>(&mut self, among: &'a [T]) -> &'a T {
        &among[self.roll(among.len() as u32) as usize]
    }

    /// Dice of their own for some part of a test, so that what others roll does not change what it rolls.
    pub fn fork(&mut self) -> Self {
        Self(self.number())
    }
}
