//! How many records a second each source may send: a bucket a source that is filled all the time.
//!
//! Used by the inbox. Must not know what a record says.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;

use super::record::Source;

/// How many seconds' worth of its rate a source may send at once.
const BURST_SECONDS: u64 = 2;

/// One record, in the unit of [`Bucket::tokens`].
const TOKEN: u64 = 1_000_000;

/// How often a source's count of refused records is told: the count must not become a flood itself.
pub(super) const TOLD_EVERY: Duration = Duration::from_secs(1);

/// The buckets of all sources.
pub(super) struct Rates {
    /// Records a second; 0: no limit.
    rate: u32,
    buckets: HashMap<Source, Bucket>,
}

struct Bucket {
    /// In millionths of a record, so that microseconds times the rate need no division.
    tokens: u64,
    filled: Timestamp,
    refused: u64,
    generation: u64,
    told: Timestamp,
}

/// So many records of a source were refused.
pub(super) struct Refused {
    pub(super) source: Source,
    pub(super) generation: u64,
    pub(super) count: u64,
}

impl Rates {
    pub(super) fn new(rate: u32) -> Self {
        Self { rate, buckets: HashMap::new() }
    }

    pub(super) fn rate(&self) -> u32 {
        self.rate
    }

    /// Whether the source may send one more; counts it where it may not.
    pub(super) fn allow(&mut self, source: &Source, generation: u64, now: Timestamp) -> bool {
        if self.rate == 0 {
            return true;
        }
        let rate = u64::from(self.rate);
        let burst = rate * BURST_SECONDS * TOKEN;
        if !self.buckets.contains_key(source) {
            let told = Timestamp::UNIX_EPOCH;
            let full = Bucket { tokens: burst, filled: now, refused: 0, generation, told };
            self.buckets.insert(source.clone(), full);
        }
        let Some(bucket) = self.buckets.get_mut(source) else { return true };
        let passed = now.as_microsecond().saturating_sub(bucket.filled.as_microsecond());
        let gained = u64::try_from(passed).unwrap_or(0).saturating_mul(rate);
        bucket.filled = now;
        bucket.tokens = bucket.tokens.saturating_add(gained).min(burst);
        if bucket.tokens < TOKEN {
            bucket.refused += 1;
            bucket.generation = generation;
            return false;
        }
        bucket.tokens -= TOKEN;
        true
    }

    /// Whether a count is to be told.
    pub(super) fn owes(&self) -> bool {
        self.buckets.values().any(|bucket| bucket.refused > 0)
    }

    /// The counts to tell: all of them, or, at a given moment, those of sources of which nothing was told lately.
    pub(super) fn take(&mut self, now: Option<Timestamp>) -> Vec<Refused> {
        let mut taken = Vec::new();
        for (source, bucket) in self.buckets.iter_mut().filter(|(_, bucket)| bucket.refused > 0) {
            if now.is_some_and(|now| now.duration_since(bucket.told).unsigned_abs() < TOLD_EVERY) {
                continue;
            }
            bucket.told = now.unwrap_or(bucket.told);
            let (generation, count) = (bucket.generation, std::mem::take(&mut bucket.refused));
            taken.push(Refused { source: source.clone(), generation, count });
        }
        taken
    }
}
