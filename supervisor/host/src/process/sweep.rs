//! At boot: ends what a former supervisor left running, as its ledger tells.
//!
//! Called once by the supervisor before it starts any plugin. It must not touch a process that it cannot prove to be of
//! that supervisor: the leader by pid and start time, everything else by descent from it or by the exact marker in its
//! environment.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use super::MARKER_VARIABLE;
use super::containment::{Remnant, Remnants};
use super::facts;
use super::kill;
use super::ledger::{self, Entry, Ledger};
use super::spec::Label;

/// How long one entry's processes may take to die. SIGKILL takes milliseconds; only a process stuck in the kernel needs
/// longer, and boot must not wait for it.
const SWEEP_LIMIT: Duration = Duration::from_secs(2);
/// Between two looks. They are not our children, so nothing tells us of their deaths.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// What was done about one entry.
#[derive(Debug)]
pub struct Swept {
    /// Whose process it was.
    pub label: Label,
    /// What came of it.
    pub outcome: SweepOutcome,
}

/// What came of one entry.
#[derive(Debug)]
pub enum SweepOutcome {
    /// Nothing was left of it.
    Gone,
    /// These were killed, and have ended.
    Killed(Vec<Remnant>),
    /// These were killed, and have not ended in time. The entry stays for the next boot.
    Remains(Remnants),
    /// The supervisor that wrote it still runs; it was left alone.
    StillOwned {
        /// That supervisor's pid.
        supervisor: i32,
    },
}

/// Ends what is left of former supervisors. Blocks, at most some seconds for each entry that will not die.
pub fn sweep(ledger: &Ledger) -> io::Result<Vec<Swept>> {
    Ok(ledger.entries()?.into_iter().map(|(path, entry)| sweep_entry(ledger, &path, entry)).collect())
}

fn sweep_entry(ledger: &Ledger, path: &Path, entry: Entry) -> Swept {
    let (supervisor, started) = entry.supervisor;
    let outcome = if entry.boot_id != ledger.boot_id() {
        SweepOutcome::Gone
    } else if facts::alive(supervisor, started) {
        SweepOutcome::StillOwned { supervisor }
    } else {
        kill_until_gone(&entry)
    };
    if matches!(outcome, SweepOutcome::Gone | SweepOutcome::Killed(_)) {
        ledger::remove_file(path);
    }
    Swept { label: entry.label, outcome }
}

fn kill_until_gone(entry: &Entry) -> SweepOutcome {
    let deadline = Instant::now() + SWEEP_LIMIT;
    let mut killed = BTreeMap::new();
    loop {
        let living = members(entry);
        if living.is_empty() {
            let killed: Vec<Remnant> = killed.into_values().collect();
            return if killed.is_empty() { SweepOutcome::Gone } else { SweepOutcome::Killed(killed) };
        }
        if Instant::now() >= deadline {
            return SweepOutcome::Remains(Remnants { label: entry.label.clone(), living });
        }
        for member in living {
            kill::kill_verified(member.pid, member.start_time);
            killed.insert((member.pid, member.start_time), member);
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// The leader, whatever carries the marker, and all that descends from either.
fn members(entry: &Entry) -> Vec<Remnant> {
    let mut found: BTreeMap<i32, Remnant> = BTreeMap::new();
    let mut queue: Vec<i32> = facts::every_pid();
    let me = super::own_pid();
    queue.retain(|pid| {
        // A supervisor that was itself started by a plugin carries the mark, and must not end itself.
        if *pid == me {
            return false;
        }
        let leader = *pid == entry.pid && facts::start_time(*pid) == Some(entry.start_time);
        leader || facts::environment_has(*pid, MARKER_VARIABLE, &entry.marker)
    });
    while let Some(pid) = queue.pop() {
        let Some(stat) = facts::stat(pid).filter(|stat| !stat.is_dead()) else { continue };
        let remnant = Remnant { pid, start_time: stat.start_time, command: stat.command };
        if found.insert(pid, remnant).is_none() {
            queue.extend(facts::children(pid));
        }
    }
    found.into_values().collect()
}
