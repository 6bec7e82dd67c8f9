//! How long to wait before a restart, and the chance in it.
//!
//! Called by the machine. Knows no state: attempt and policy in, delay out.

use std::time::Duration;

use crate::policy::RestartPolicy;

/// The delay before restart number `attempt` in a row (1 is the first).
pub(crate) fn delay(attempt: u32, policy: &RestartPolicy, chance: &mut Chance) -> Duration {
    let Some(doublings) = attempt.checked_sub(2) else {
        return Duration::ZERO;
    };
    let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
    let nominal = policy.base.saturating_mul(factor).min(policy.cap);
    less_chance(nominal, policy, chance)
}

/// How long after a shortage of the machine the same is tried again: others have to end first.
const SHORTAGE_PAUSE: Duration = Duration::from_secs(1);
/// The longest such pause: many plugins that try at once are a part of the shortage, and when it is over nobody should wait long.
const LONGEST_SHORTAGE_PAUSE: Duration = Duration::from_secs(10);

/// The delay before the next try after `nth` tries in a row for which the machine was short of something.
pub(crate) fn in_a_shortage(nth: u32, policy: &RestartPolicy, chance: &mut Chance) -> Duration {
    let factor = 1_u32.checked_shl(nth.saturating_sub(1)).unwrap_or(u32::MAX);
    let nominal = SHORTAGE_PAUSE.saturating_mul(factor).min(LONGEST_SHORTAGE_PAUSE).min(policy.cap);
    less_chance(nominal, policy, chance)
}

fn less_chance(nominal: Duration, policy: &RestartPolicy, chance: &mut Chance) -> Duration {
    let most = nominal / 100 * policy.jitter_percent.min(100);
    nominal.saturating_sub(chance.part_of(most))
}

/// A small deterministic generator (splitmix64), seeded by the caller: the crate has no source of chance of its
/// own, so that a test can repeat a run.
#[derive(Clone, Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Anything between nothing and `most`, in thousandths of it.
    fn part_of(&mut self, most: Duration) -> Duration {
        let thousandths = u32::try_from(self.next() % 1001).unwrap_or(0);
        most / 1000 * thousandths
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_is_splitmix64_as_it_was_published() {
        let mut chance = Chance::new(0);
        let drawn = [chance.next(), chance.next(), chance.next()];
        assert_eq!(drawn, [0xE220_A839_7B1D_CDAF, 0x6E78_9E6A_A1B9_65F4, 0x06C4_5D18_8009_454F]);
    }
}
