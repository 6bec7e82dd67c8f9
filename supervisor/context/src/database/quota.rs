//! How much a plugin may keep in its data folder, and where it stands with that.
//!
//! Given when the context opens, asked at every grant and every measuring. Must not know the disk.

use std::collections::HashMap;
use std::time::Duration;

use outboard_protocol::PluginId;

/// At how many hundredths of the quota a plugin is warned.
const WARN_AT: u64 = 80;

/// What each plugin may keep in its data folder.
#[derive(Debug, Clone)]
pub struct DataQuotas {
    /// In bytes, for plugins that are not named below. Near it the plugin is warned; at it no new database is granted, and those that
    /// are there may not grow.
    pub common: u64,
    /// In bytes, by id.
    pub single: HashMap<PluginId, u64>,
    /// How often data folders are measured: what plugins write passes nobody here, and looking costs the disk.
    pub measure_every: Duration,
}

impl Default for DataQuotas {
    fn default() -> Self {
        Self { common: 1024 * 1024 * 1024, single: HashMap::new(), measure_every: Duration::from_secs(60) }
    }
}

impl DataQuotas {
    pub(super) fn of(&self, id: &PluginId) -> u64 {
        self.single.get(id).copied().unwrap_or(self.common)
    }
}

/// Where a plugin stands with its quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Fine,
    Near,
    Full,
}

impl Level {
    pub(super) fn of(used: u64, quota: u64) -> Self {
        if used >= quota {
            Level::Full
        } else if used.saturating_mul(100) >= quota.saturating_mul(WARN_AT) {
            Level::Near
        } else {
            Level::Fine
        }
    }
}
