//! Chance that can be repeated: the same seed gives the same numbers, in every version.
//!
//! Drawn from by the machine, for the pauses before restarts, and by whoever tests it with lives that are made of a seed. Must not
//! know what is decided by it. Ours and not a library's, since a library may change its numbers, and a seed that once found
//! something is kept.

/// A small generator (splitmix64), seeded by the caller. Not for secrets.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// The numbers of this seed, from the first on.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number, any of all.
    pub const fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_is_splitmix64_as_it_was_published() {
        let mut chance = Chance::new(0);
        let drawn = [chance.draw(), chance.draw(), chance.draw()];
        assert_eq!(drawn, [0xE220_A839_7B1D_CDAF, 0x6E78_9E6A_A1B9_65F4, 0x06C4_5D18_8009_454F]);
    }
}
