//! The programs whose processor time is compared. `table.py` beside this folder runs them, in turn and in one run, and
//! writes docs/PERFORMANCE.md.
//!
//! `bench-plugin` is a plugin as authors write it, with the SDK. `bench-limit` does the same work in the least
//! possible way: what no design could beat is the yardstick.

use std::time::Duration;

/// The middle one of some times, in microseconds.
pub fn median_us(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(0.0, |time| time.as_secs_f64() * 1e6)
}
