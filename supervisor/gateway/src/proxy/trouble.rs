//! Tells the plugin's log of answers that it owed and did not give: refused as no HTTP, broken off, or late. The client has the
//! reason in its answer; whoever looks for it afterwards has this.
//!
//! One for each backend. A line at once, and then at most one a second with the number of those in between.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use outboard_host::routes::Owner;
use tokio::time::Instant;

/// Between two lines: whoever floods a broken plugin does not flood its log.
const EVERY: Duration = Duration::from_secs(1);

/// What was told of one plugin.
#[derive(Debug, Default)]
pub(crate) struct Trouble {
    told: Mutex<Told>,
}

#[derive(Debug, Default)]
struct Told {
    at: Option<Instant>,
    untold: u64,
}

impl Trouble {
    /// Tells of one.
    pub(crate) fn tell(&self, owner: &Owner, what: fmt::Arguments<'_>) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.at.is_some_and(|at| at.elapsed() < EVERY) {
            told.untold = told.untold.saturating_add(1);
            return;
        }
        let untold = std::mem::take(&mut told.untold);
        told.at = Some(Instant::now());
        drop(told);
        let what = match untold {
            0 => what.to_string(),
            _ => format!("{what} ({untold} more requests failed since the last such line)"),
        };
        warn(owner, format_args!("{what}"));
    }
}

/// A line in the plugin's log, or for the host application in the supervisor's.
pub(crate) fn warn(owner: &Owner, what: fmt::Arguments<'_>) {
    match owner.plugin() {
        Some(plugin) => tracing::warn!(%plugin, "{what}"),
        None => tracing::warn!("{owner}: {what}"),
    }
}
