//! The crash history: how often a plugin ended unexpectedly, and whether that is too often.
//!
//! Called by the machine at each failure, and when a process has run for long. It outlives every process, so that no way of
//! crashing resets it.

use std::fmt;
use std::time::Duration;

use crate::policy::RestartPolicy;

/// The most failures whose times are kept: a window limit above this counts as this, so that no setting makes
/// the history large.
const MOST_KEPT: usize = 10_000;

/// The unexpected ends of one plugin. It holds one time more than the window's limit at the most: with so many it is spent,
/// and what is older changes nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct CrashHistory {
    in_a_row: u32,
    times: Vec<Duration>,
    /// Those under another supervisor, as ages at the beginning of the time that counts here.
    earlier: Vec<Duration>,
    /// Counts what gives a plugin the benefit of the doubt again, see [`Self::beginnings`].
    beginnings: u32,
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
    /// Counts an unexpected end at `now`.
    pub(crate) fn record(&mut self, now: Duration, policy: &RestartPolicy) -> Budget {
        self.in_a_row = self.in_a_row.saturating_add(1);
        let limit = most_ends(policy);
        self.times.push(now);
        let ends = self.still_counting(now, policy.window);
        let superfluous = ends.saturating_sub(limit + 1);
        let of_earlier = superfluous.min(self.earlier.len());
        self.earlier.drain(..of_earlier);
        self.times.drain(..superfluous - of_earlier);
        if self.in_a_row > policy.in_a_row {
            Budget::Spent(Spent::Row { ends: self.in_a_row, steady: policy.steady })
        } else if ends > limit {
            Budget::Spent(Spent::Window { ends, window: policy.window })
        } else {
            Budget::Left { attempt: self.in_a_row }
        }
    }

    /// A process has run for as long as it takes to be called steady, however it ends: the row is over. Where another end would
    /// spend the window, that is all: who crashes too often for the window is in a crash loop however steady each run is.
    pub(crate) fn steadied(&mut self, now: Duration, policy: &RestartPolicy) {
        self.in_a_row = 0;
        if self.still_counting(now, policy.window) < most_ends(policy) {
            self.beginnings = self.beginnings.wrapping_add(1);
        }
    }

    /// Forgets what is too old to count; says how many ends are left.
    fn still_counting(&mut self, now: Duration, window: Duration) -> usize {
        self.times.retain(|&then| now.saturating_sub(then) < window);
        self.earlier.retain(|&age| now.saturating_add(age) < window);
        self.times.len() + self.earlier.len()
    }

    /// Another number says that there was a new beginning since, or a steady run of a plugin that is in no crash loop.
    pub(crate) const fn beginnings(&self) -> u32 {
        self.beginnings
    }

    /// How many ends in a row, and how long ago each end was that is remembered.
    pub(crate) fn ages(&self, now: Duration) -> (u32, Vec<Duration>) {
        let earlier = self.earlier.iter().map(|age| age.saturating_add(now));
        let ages = earlier.chain(self.times.iter().map(|then| now.saturating_sub(*then)));
        (self.in_a_row, ages.collect())
    }

    /// Remembers what was under another supervisor. A row whose last end is out of the window is over: what ran since then ran
    /// well, or nothing ran.
    pub(crate) fn recall(&mut self, in_a_row: u32, mut ages: Vec<Duration>, window: Duration) {
        ages.truncate(MOST_KEPT);
        let goes_on = ages.iter().any(|age| *age < window);
        let in_a_row = if goes_on { in_a_row } else { 0 };
        *self = Self { in_a_row, times: Vec::new(), earlier: ages, beginnings: self.beginnings };
    }

    /// Another try with what may be mended now: the row is over, and what was within the window still counts.
    pub(crate) fn end_row(&mut self) {
        self.in_a_row = 0;
    }

    /// A new beginning.
    pub(crate) fn clear(&mut self) {
        *self = Self { beginnings: self.beginnings.wrapping_add(1), ..Self::default() };
    }
}

/// More ends than this within the window spend it.
fn most_ends(policy: &RestartPolicy) -> usize {
    usize::try_from(policy.in_window).unwrap_or(MOST_KEPT).min(MOST_KEPT)
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
