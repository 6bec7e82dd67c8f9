//! What became of a plugin's processes: one record an end, with the diagnosis and the decision.
//!
//! Written by the actor, read by `outboard why`. Kept outside of the actor, so that it outlives a fault in it.

use std::collections::VecDeque;

use outboard_protocol::control::ExitRecord;

/// Ends that are remembered for each plugin. More than a crash loop makes before it is errored.
const REMEMBERED: usize = 20;

/// The latest ends of one plugin's processes.
#[derive(Debug, Default)]
pub(crate) struct History {
    records: VecDeque<ExitRecord>,
    /// What its folder was like when it was started last.
    pub(crate) started_on: Option<u64>,
}

impl History {
    pub(super) fn push(&mut self, record: ExitRecord) {
        if self.records.len() == REMEMBERED {
            self.records.pop_front();
        }
        self.records.push_back(record);
    }

    pub(super) fn latest_first(&self) -> Vec<ExitRecord> {
        self.records.iter().rev().cloned().collect()
    }
}
