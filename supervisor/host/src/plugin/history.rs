//! What became of a plugin's processes: one record an end, with the diagnosis and the decision; and one for all tries in a row
//! for which there was no process, for the same reason.
//!
//! Written by the actor, read by `outboard why`. Kept outside of the actor, so that it outlives a fault in it.

use std::collections::VecDeque;

use outboard_protocol::control::ExitRecord;

/// Ends that are remembered for each plugin. More than a row of failures makes, with the usual settings, before it is errored.
const REMEMBERED: usize = 20;

/// The latest ends of one plugin's processes.
#[derive(Debug, Default)]
pub(crate) struct History {
    records: VecDeque<Kept>,
    /// What its folder was like when it was started last.
    pub(crate) started_on: Option<u64>,
}

/// One record, and for how many tries it stands.
#[derive(Debug)]
struct Kept {
    latest: ExitRecord,
    first_at: String,
    times: u32,
}

impl History {
    /// Keeps a record; says how often in a row the same has happened now.
    ///
    /// A machine that is short may be so for hours, and each try ends alike: they must not drive out what the plugin's own last
    /// process said.
    pub(super) fn push(&mut self, record: ExitRecord) -> u32 {
        if let Some(last) = self.records.back_mut().filter(|last| last.is_again(&record)) {
            last.latest = record;
            last.times = last.times.saturating_add(1);
            return last.times;
        }
        if self.records.len() == REMEMBERED {
            self.records.pop_front();
        }
        self.records.push_back(Kept { first_at: record.at.clone(), latest: record, times: 1 });
        1
    }

    pub(super) fn latest_first(&self) -> Vec<ExitRecord> {
        self.records.iter().rev().map(Kept::shown).collect()
    }
}

impl Kept {
    /// Without a process there is nothing to tell them apart by but the reason.
    fn is_again(&self, record: &ExitRecord) -> bool {
        let both = [&self.latest, record];
        both.iter().all(|one| one.pid.is_none()) && self.latest.ended == record.ended
    }

    fn shown(&self) -> ExitRecord {
        let mut shown = self.latest.clone();
        if self.times > 1 {
            shown.ended =
                format!("{} ({} times in a row, first at {})", shown.ended, self.times, self.first_at);
        }
        shown
    }
}

/// A try for which there was no process.
pub(super) fn no_process(at: String, generation: u64, ended: String, decision: String) -> ExitRecord {
    ExitRecord {
        at,
        generation,
        pid: None,
        phase: "spawn".to_owned(),
        ended,
        exit_code: None,
        signal: None,
        core_dumped: false,
        advice: None,
        detail: None,
        uptime_ms: 0,
        decision,
        stderr: Vec::new(),
        in_flight: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(generation: u64, pid: Option<u32>, ended: &str) -> ExitRecord {
        let record = no_process(format!("at {generation}"), generation, ended.to_owned(), String::new());
        ExitRecord { pid, ..record }
    }

    #[test]
    fn tries_in_a_shortage_are_one_record_and_do_not_drive_out_what_happened_before() {
        let mut history = History::default();
        history.push(record(1, Some(7), "exited with code 1"));
        for generation in 2..100 {
            assert_eq!(u64::from(history.push(record(generation, None, "no memory"))), generation - 1);
        }
        let [latest, first] = &history.latest_first()[..] else { panic!("{history:?}") };
        assert_eq!(latest.ended, "no memory (98 times in a row, first at at 2)");
        assert_eq!((latest.generation, first.generation), (99, 1));
        history.push(record(100, Some(8), "exited with code 1"));
        assert_eq!(history.push(record(101, Some(9), "exited with code 1")), 1, "each end is one of its own");
    }
}
