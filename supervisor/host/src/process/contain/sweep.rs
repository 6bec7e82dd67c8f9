//! At boot: ends what a former supervisor left running, as its ledger tells.
//!
//! Called once by the supervisor before it starts any plugin. It must not touch a process that it cannot prove to be of
//! that supervisor: the leader by pid and start time, everything else by descent from it, by the mark that it has inherited, or
//! by the exact marker in its environment.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::containment::{Remnant, Remnants};
use super::kill;
use super::kinship::descend;
use super::ledger::{self, Entry, Ledger};
use super::sighting::Sighting;
use crate::process::label::Label;
use crate::process::observe::environ::{Marker, Markers};
use crate::process::observe::facts::{self, Stat};
use crate::process::observe::mark;

/// How long all that was left may take to die. SIGKILL takes milliseconds; only a process stuck in the kernel needs
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

/// Ends what is left of former supervisors. Blocks, for a few milliseconds where nothing is left, and at most for two
/// seconds.
///
/// # Errors
/// When the ledger's folder cannot be read, or /proc cannot be looked through.
pub fn sweep(ledger: &Ledger) -> io::Result<Vec<Swept>> {
    let (mut left, mut swept) = (Vec::new(), Vec::new());
    for (path, entry) in ledger.entries()? {
        let (supervisor, started) = entry.supervisor;
        let ours = entry.boot_id == ledger.boot_id();
        if ours && facts::alive(supervisor, started) {
            swept.push(Swept { label: entry.label, outcome: SweepOutcome::StillOwned { supervisor } });
        } else if ours {
            left.push(Left { path, entry, living: Vec::new(), killed: BTreeMap::new() });
        } else {
            ledger::remove_file(&path);
            swept.push(Swept { label: entry.label, outcome: SweepOutcome::Gone });
        }
    }
    if !left.is_empty() {
        kill_until_gone(&mut left)?;
    }
    swept.extend(left.into_iter().map(Left::conclude));
    Ok(swept)
}

/// An entry of a dead supervisor.
struct Left {
    path: PathBuf,
    entry: Entry,
    living: Vec<Sighting>,
    killed: BTreeMap<(i32, u64), Remnant>,
}

impl Left {
    fn owns(&self, pid: i32, start_time: u64, mark: Option<u64>) -> bool {
        (self.entry.pid == pid && self.entry.start_time == start_time) || mark == Some(self.entry.mark)
    }

    fn kill(&mut self) {
        for one in &self.living {
            kill::kill_verified(one.pid, one.stat.start_time);
            self.killed.insert((one.pid, one.stat.start_time), Remnant::from(one.clone()));
        }
    }

    fn conclude(self) -> Swept {
        let label = self.entry.label;
        if !self.living.is_empty() {
            let living = self.living.into_iter().map(Remnant::from).collect();
            return Swept {
                label: label.clone(),
                outcome: SweepOutcome::Remains(Remnants { label, living, unseen: None }),
            };
        }
        ledger::remove_file(&self.path);
        let killed: Vec<Remnant> = self.killed.into_values().collect();
        let outcome = if killed.is_empty() { SweepOutcome::Gone } else { SweepOutcome::Killed(killed) };
        Swept { label, outcome }
    }
}

fn kill_until_gone(left: &mut [Left]) -> io::Result<()> {
    let deadline = Instant::now() + SWEEP_LIMIT;
    let mut markers = Markers::default();
    loop {
        look(left, &mut markers, deadline)?;
        if left.iter().all(|one| one.living.is_empty()) || Instant::now() >= deadline {
            return Ok(());
        }
        left.iter_mut().for_each(Left::kill);
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// A look at /proc for all entries: leaders, whatever carries a mark or a marker, and all that descends from either.
///
/// A process that hands itself on is gone before a walk over all of /proc comes to it, and its child is not in the list that
/// was read. So the list is read again for what is new in it, until all that was new stood still for its look.
fn look(left: &mut [Left], markers: &mut Markers, deadline: Instant) -> io::Result<()> {
    let mut roots: Vec<Vec<Sighting>> = left.iter().map(|_| Vec::new()).collect();
    // A supervisor that was itself started by a plugin carries a mark, and must not end itself.
    let mut looked_at = BTreeSet::from([facts::own_pid()]);
    loop {
        let mut one_went = false;
        for pid in facts::every_pid()? {
            if !looked_at.insert(pid) {
                continue;
            }
            let Some(stat) = facts::look_at(pid)?.filter(|stat| !stat.is_dead()) else {
                one_went = true;
                continue;
            };
            if let Some(owner) = owner_of(left, markers, pid, &stat)? {
                roots[owner].push(Sighting { pid, stat, is_child: false });
            }
        }
        if !one_went || roots.iter().any(|roots| !roots.is_empty()) || Instant::now() >= deadline {
            break;
        }
    }
    for (one, roots) in left.iter_mut().zip(roots) {
        one.living = descend(roots)?;
    }
    Ok(())
}

/// To which of the entries a process belongs.
fn owner_of(left: &[Left], markers: &mut Markers, pid: i32, stat: &Stat) -> io::Result<Option<usize>> {
    let mark = mark::on(pid)?;
    Ok(left.iter().position(|one| one.owns(pid, stat.start_time, mark)).or_else(|| {
        // Where it does not answer, the mark above has decided.
        let Ok(Marker::Read(Some(marker))) = markers.of(pid, stat.start_time) else { return None };
        left.iter().position(|one| one.entry.marker == marker)
    }))
}
