//! The crash history: how often a plugin ended unexpectedly, and whether that is too often.
//!
//! Called by the machine at each failure. It outlives every process, so that no way of crashing resets it.

use std::fmt;
use std::time::Duration;

use crate::policy::RestartPolicy;

/// The most failures whose times are kept: a window limit above this counts as this, so that no setting makes
/// the history large.
const MOST_KEPT: usize = 10_000;

/// The unexpected ends of one plugin. It holds one time more than the window's limit at the most, since the failure
/// that makes it so many is the last before a new beginning.
#[derive(Clone, Debug, Default)]
pub(crate) struct CrashHistory {
    in_a_row: u32,
    times: Vec<Duration>,
    /// Those under another supervisor, as ages at the beginning of the time that counts here.
    earlier: Vec<Duration>,
}

/// What the history says after one more failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Budget {
    /// There may be another start, the `attempt`th in a row.
    Left { attempt: u32 },
    /// There may not.
    Spent(Spent),
}

/// Which rule was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spent {
    Row { ends: u32, steady: Duration },
    Window { ends: usize, window: Duration },
}

impl CrashHistory {
    /// Counts an unexpected end at `now`, after `ran_for` of running.
    pub(crate) fn record(&mut self, now: Duration, ran_for: Duration, policy: &RestartPolicy) -> Budget {
        if ran_for >= policy.steady {
            self.in_a_row = 0;
        }
        self.in_a_row = self.in_a_row.saturating_add(1);
        let limit = usize::try_from(policy.in_window).unwrap_or(MOST_KEPT).min(MOST_KEPT);
        self.times.push(now);
        self.times.retain(|&then| now.saturating_sub(then) < policy.window);
        self.earlier.retain(|&age| now.saturating_add(age) < policy.window);
        let ends = self.times.len() + self.earlier.len();
        if self.in_a_row > policy.in_a_row {
            Budget::Spent(Spent::Row { ends: self.in_a_row, steady: policy.steady })
        } else if ends > limit {
            Budget::Spent(Spent::Window { ends, window: policy.window })
        } else {
            Budget::Left { attempt: self.in_a_row }
        }
    }

    /// How many ends in a row, and how long ago each end was that is remembered.
    pub(crate) fn ages(&self, now: Duration) -> (u32, Vec<Duration>) {
        let earlier = self.earlier.iter().map(|age| age.saturating_add(now));
        let ages = earlier.chain(self.times.iter().map(|then| now.saturating_sub(*then)));
        (self.in_a_row, ages.collect())
    }

    /// Remembers what was under another supervisor.
    pub(crate) fn recall(&mut self, in_a_row: u32, mut ages: Vec<Duration>) {
        ages.truncate(MOST_KEPT);
        *self = Self { in_a_row, times: Vec::new(), earlier: ages };
    }

    /// A new beginning.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

impl fmt::Display for Spent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Row { ends, steady } => {
                write!(f, "{ends} unexpected ends in a row without {steady:?} of running in between")
            }
            Self::Window { ends, window } => write!(f, "{ends} unexpected ends within {window:?}"),
        }
    }
}
