//! When a plugin that was given up is tried again because its folder has changed: soon at first, then less and less often, so
//! that a folder that changes without end makes no storm of starts.
//!
//! Kept by the supervisor for each plugin. Knows no plugin and no folder.

use std::time::Duration;

use tokio::time::Instant;

/// After the first try; doubled after each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause: what is being copied for so long can wait for so long.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Tries until it deserves others: about a quarter of an hour of changes.
const MOST: u32 = 20;

/// The tries of one plugin.
#[derive(Debug, Default)]
pub(crate) struct Tries {
    /// What its machine said of its beginnings when these were made; with another number they count no more.
    beginnings: u32,
    made: u32,
    not_before: Option<Instant>,
}

/// Whether there may be another try.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Now; it is counted.
    Now,
    /// Not before this.
    At(Instant),
    /// No more.
    Over,
}

impl Tries {
    /// For a change that was noticed now, in a plugin whose machine says this of its beginnings.
    pub(crate) fn turn(&mut self, now: Instant, beginnings: u32) -> Turn {
        if self.beginnings != beginnings {
            *self = Self { beginnings, ..Self::default() };
        }
        if self.made >= MOST {
            return Turn::Over;
        }
        if let Some(at) = self.not_before.filter(|at| *at > now) {
            return Turn::At(at);
        }
        let pause = FIRST_PAUSE.saturating_mul(1 << self.made.min(16)).min(LONGEST_PAUSE);
        self.made += 1;
        self.not_before = Some(now + pause);
        Turn::Now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_come_less_and_less_often_and_then_no_more() {
        let (mut tries, began) = (Tries::default(), Instant::now());
        let (mut now, mut made) = (began, 0);
        loop {
            match tries.turn(now, 1) {
                Turn::Now => made += 1,
                Turn::At(at) => now = at,
                Turn::Over => break,
            }
        }
        assert_eq!(made, MOST);
        let took = now - began;
        assert!(took > Duration::from_secs(600) && took < Duration::from_secs(1200), "{took:?}");
        assert_eq!(tries.turn(now, 2), Turn::Now, "somebody has started it since");
    }
}
