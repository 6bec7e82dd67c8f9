//! One living generation and everything that it has started: signalled together, killed together, proved gone.
//!
//! Owned by the plugin actor, one a generation. It must not know when to stop a plugin, nor how kindly.
//!
//! Dropping a [`Containment`] that is not proved empty kills its group at once and leaves the rest to the orphan watch,
//! so that an actor that panics leaves no process behind.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use tokio::time::Instant;

use super::census::Containments;
use super::exit::{ExitReport, Leader};
use super::kill;
use super::kinship::{Members, Sighting};
use super::spec::Label;

/// The first pause between two rounds of killing. A killed process is gone in well under a millisecond.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
/// The longest pause: by then something is stuck in the kernel, and looking more often does not help.
const LONGEST_PAUSE: Duration = Duration::from_millis(25);
/// Rounds that must find nothing, one right after the other. The kernel's list of children may skip one entry when
/// another ends while it is read; it does not do so twice in a row without finding anything at all.
const CLEAN_ROUNDS: usize = 2;
/// Members that an error names. A fork bomb's remnants are counted, not listed.
const NAMED_REMNANTS: usize = 16;

/// A process that should have gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remnant {
    /// Its pid.
    pub pid: i32,
    /// When it started, in clock ticks since boot.
    pub start_time: u64,
    /// Its command name, at most 15 bytes.
    pub command: String,
}

/// A containment that could not be emptied in time.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", told(.label, .living, .unseen.as_deref()))]
pub struct Remnants {
    /// Whose they are.
    pub label: Label,
    /// What still lives.
    pub living: Vec<Remnant>,
    /// Why it could not be looked, where that is so: nothing is known then.
    pub unseen: Option<String>,
}

/// One living generation. Not cloned: whoever has it is answerable for the processes.
#[derive(Debug)]
pub struct Containment {
    label: Label,
    leader: Arc<Leader>,
    all: Containments,
}

impl Containment {
    pub(super) fn new(label: Label, leader: Arc<Leader>, all: Containments) -> Self {
        Self { label, leader, all }
    }

    /// The leader's pid.
    pub fn pid(&self) -> i32 {
        self.leader.pid
    }

    pub(super) fn leader(&self) -> Arc<Leader> {
        Arc::clone(&self.leader)
    }

    pub(super) fn all(&self) -> &Containments {
        &self.all
    }

    /// Signals the leader's process group, while the leader is not reaped. Fine when nothing is there any more.
    pub fn signal_group(&self, signal: Signal) -> io::Result<()> {
        match self.leader.signal_group(signal) {
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error()) => Ok(()),
            other => other,
        }
    }

    /// Sends SIGKILL to everything that belongs to this generation, once.
    ///
    /// What forks at the same moment may slip through: [`Self::prove_empty`] repeats it until nothing is left.
    pub async fn kill_all(&self) {
        let leader = self.leader.clone();
        let _ = self.all.round(move |all| kill_round(all, &leader)).await;
    }

    /// Kills, reaps and looks again until nothing of this generation lives, then reaps the leader. Fine when repeated.
    ///
    /// # Errors
    /// After `limit`: what still lives. The containment stays, and the call may be repeated.
    pub async fn prove_empty(&self, limit: Duration) -> Result<(), Remnants> {
        let deadline = Instant::now() + limit;
        let mut pause = FIRST_PAUSE;
        let mut before = Vec::new();
        while !self.is_empty() {
            let (leader, label) = (self.leader.clone(), self.label.clone());
            let round = self.all.round(move |all| empty_round(all, &leader, &label));
            let (living, unseen) = match round.await {
                Some(Ok(living)) => (living, None),
                Some(Err(error)) => (Vec::new(), Some(error.to_string())),
                None => (Vec::new(), None),
            };
            if self.is_empty() {
                break;
            }
            if Instant::now() >= deadline {
                return Err(Remnants { label: self.label.clone(), living, unseen });
            }
            // What moves must be chased; what is stuck may be waited for.
            pause = if living == before { (pause * 2).min(LONGEST_PAUSE) } else { FIRST_PAUSE };
            before = living;
            tokio::time::sleep(pause).await;
        }
        Ok(())
    }

    /// How the leader ended, if it has.
    pub fn report(&self) -> Option<ExitReport> {
        self.leader.peek()
    }

    /// Whether [`Self::prove_empty`] has succeeded.
    pub fn is_empty(&self) -> bool {
        self.leader.is_reaped()
    }
}

impl Drop for Containment {
    fn drop(&mut self) {
        if !self.is_empty() {
            let _ = self.leader.signal_group(Signal::KILL);
            self.all.abandon(&self.leader);
        }
    }
}

/// Kills whatever lives, and where several rounds find nothing reaps the leader and forgets the containment. Returns
/// what was still there.
///
/// # Errors
/// When it could not be looked, which proves nothing.
pub(super) fn empty_round(
    all: &Containments,
    leader: &Arc<Leader>,
    label: &Label,
) -> io::Result<Vec<Remnant>> {
    for _ in 0..CLEAN_ROUNDS {
        let living = kill_round(all, leader)?;
        if !living.is_empty() {
            return Ok(living);
        }
        if leader.peek().is_none() {
            let leader = Remnant { pid: leader.pid, start_time: leader.start_time, command: String::new() };
            return Ok(vec![leader]);
        }
    }
    leader.reap();
    all.forget(label, leader);
    Ok(Vec::new())
}

/// One look at the members: those that live are killed and returned, those that have ended are reaped.
fn kill_round(all: &Containments, leader: &Leader) -> io::Result<Vec<Remnant>> {
    // First the group as one: in it no fork can slip through, which is where a fork bomb usually is.
    let _ = leader.signal_group(Signal::KILL);
    let Members { sure, unsure } = all.members(leader)?;
    let living = sure.into_iter().filter(|one| kill_or_reap(one, leader));
    Ok(living.chain(unsure).map(Remnant::from).collect())
}

/// True for what lived when it was looked at.
fn kill_or_reap(one: &Sighting, leader: &Leader) -> bool {
    if one.pid == leader.pid {
        let _ = leader.signal(Signal::KILL);
        return true;
    }
    end(one)
}

/// Kills a process that lives, with its group where it leads one; reaps one that has ended. True for one that lived.
pub(super) fn end(one: &Sighting) -> bool {
    if one.stat.is_dead() {
        return !(one.is_child && kill::reap_child(one.pid));
    }
    if one.is_child && one.stat.group == one.pid {
        kill::kill_group_of_child(one.pid, one.stat.start_time);
    }
    kill::kill_verified(one.pid, one.stat.start_time);
    true
}

impl From<Sighting> for Remnant {
    fn from(one: Sighting) -> Self {
        Self { pid: one.pid, start_time: one.stat.start_time, command: one.stat.command }
    }
}

impl fmt::Display for Remnant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A process names itself, and this may be shown on a terminal.
        write!(f, "{} ({})", self.pid, self.command.escape_debug())
    }
}

/// "1 process", "3 processes".
pub(super) fn counted(number: usize) -> String {
    if number == 1 { "1 process".to_owned() } else { format!("{number} processes") }
}

fn told(label: &Label, living: &[Remnant], unseen: Option<&str>) -> String {
    match unseen {
        Some(why) => format!("it could not be looked whether a process of {label} is left: {why}"),
        None => format!("{} of {label} would not end: {}", counted(living.len()), named(living)),
    }
}

fn named(living: &[Remnant]) -> String {
    let mut names: Vec<String> = living.iter().take(NAMED_REMNANTS).map(Remnant::to_string).collect();
    if living.len() > NAMED_REMNANTS {
        names.push(format!("and {} more", living.len() - NAMED_REMNANTS));
    }
    names.join(", ")
}
