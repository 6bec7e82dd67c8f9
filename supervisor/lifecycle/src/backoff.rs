//! How long to wait before a restart, and the chance in it.
//!
//! Called by the machine. Knows no state: attempt and policy in, delay out.

use std::time::Duration;

use crate::chance::Chance;
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
    nominal.saturating_sub(part_of(chance, most))
}

/// Anything between nothing and `most`, in thousandths of it.
fn part_of(chance: &mut Chance, most: Duration) -> Duration {
    let thousandths = u32::try_from(chance.draw() % 1001).unwrap_or(0);
    most / 1000 * thousandths
}
