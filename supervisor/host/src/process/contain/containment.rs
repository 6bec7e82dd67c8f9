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
use super::kill;
use super::kinship::{Members, Owner};
use super::sighting::Sighting;
use crate::process::label::Label;
use crate::process::observe::exit::Leader;
use outboard_lifecycle::Exit;

/// The first pause between two rounds of killing. A killed process is gone in well under a millisecond.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
/// The longest pause: by then something is stuck in the kernel, and looking more often does not help.
const LONGEST_PAUSE: Duration = Duration::from_millis(25);
/// Looks that must find nothing, one right after the other. The kernel's list of children may skip one entry when
/// another ends while it is read; it does not do so twice in a row without a trace.
const CLEAN_LOOKS: usize = 2;
/// How long one round goes on to look, while processes go between the list and the look at them.
const ROUND_LASTS: Duration = Duration::from_millis(20);
/// Zombies that one look asks about, so that no look is endless. What is cut off is found by the next one.
const DEAD_LIMIT: usize = 1024;
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
    /// What still lives. None, where something went in each look, so that none of them was a proof.
    pub living: Vec<Remnant>,
    /// Why the look failed, where it did: nothing is known then.
    pub unseen: Option<String>,
}

/// What a round of killing comes to.
#[derive(Debug)]
pub(in crate::process) enum Round {
    /// Proved empty, reaped and forgotten.
    Empty,
    /// These lived, and have been killed.
    Living(Vec<Remnant>),
    /// Nothing lived in any look, and in each of them something went that may have left a child.
    Restless,
}

/// What one look finds.
struct Look {
    living: Vec<Remnant>,
    /// See [`Members`].
    one_went: bool,
}

/// One living generation. Not cloned: whoever has it is answerable for the processes.
#[derive(Debug)]
pub struct Containment {
    label: Label,
    leader: Arc<Leader>,
    all: Containments,
}

impl Containment {
    pub(in crate::process) fn new(label: Label, leader: Arc<Leader>, all: Containments) -> Self {
        Self { label, leader, all }
    }

    /// The leader's pid.
    pub fn pid(&self) -> i32 {
        self.leader.pid
    }

    pub(in crate::process) fn leader(&self) -> Arc<Leader> {
        Arc::clone(&self.leader)
    }

    pub(in crate::process) fn all(&self) -> &Containments {
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
        let kill = move |all: &Containments| {
            all.condemn(&leader);
            let _hunt = all.hunt();
            kill_and_look(all, &leader)
        };
        let _ = self.all.round(kill).await;
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
                Some(Ok(Round::Empty | Round::Restless)) | None => (Vec::new(), None),
                Some(Ok(Round::Living(living))) => (living, None),
                Some(Err(error)) => (Vec::new(), Some(error.to_string())),
            };
            if self.is_empty() {
                break;
            }
            if Instant::now() >= deadline {
                return Err(Remnants { label: self.label.clone(), living, unseen });
            }
            // What moves must be chased; what is stuck may be waited for.
            let is_stuck = living == before && !living.is_empty();
            pause = if is_stuck { (pause * 2).min(LONGEST_PAUSE) } else { FIRST_PAUSE };
            before = living;
            tokio::time::sleep(pause).await;
        }
        Ok(())
    }

    /// How the leader ended, if it has.
    pub fn report(&self) -> Option<Exit> {
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

/// Kills whatever lives, and where several looks find nothing reaps the leader and forgets the containment.
///
/// A process that hands itself on, to a child that outlives it, is found or leaves a trace: 1. its child is adopted at its
/// end, so one of the two is always in the list; 2. where the list had the former, that is a zombie when it is looked at, as
/// nobody else reaps meanwhile; 3. such a look proves nothing, and neither does one that began before the leader had ended.
///
/// # Errors
/// When the look failed, which proves nothing.
pub(in crate::process) fn empty_round(
    all: &Containments,
    leader: &Arc<Leader>,
    label: &Label,
) -> io::Result<Round> {
    all.condemn(leader);
    let ends = Instant::now() + ROUND_LASTS;
    let mut clean = 0;
    loop {
        let _hunt = all.hunt();
        let leader_had_ended = leader.peek().is_some();
        let Look { living, one_went } = kill_and_look(all, leader)?;
        if !living.is_empty() {
            return Ok(Round::Living(living));
        }
        if !leader_had_ended && leader.peek().is_none() {
            let (pid, start_time) = (leader.pid, leader.start_time);
            return Ok(Round::Living(vec![Remnant { pid, start_time, command: String::new() }]));
        }
        clean = if one_went || !leader_had_ended { 0 } else { clean + 1 };
        if clean == CLEAN_LOOKS {
            leader.reap();
            all.forget(label, leader);
            return Ok(Round::Empty);
        }
        if Instant::now() >= ends {
            return Ok(Round::Restless);
        }
    }
}

/// One look at the members: those that live are killed, those that have ended are reaped. Called with [`Containments::hunt`] held.
fn kill_and_look(all: &Containments, leader: &Leader) -> io::Result<Look> {
    // First the group as one: in it no fork can slip through, which is where a fork bomb usually is.
    let _ = leader.signal_group(Signal::KILL);
    let Members { own, stray, unsure, others, dead, mut one_went } = all.members(leader)?;
    let mut living = Vec::new();
    for one in own.into_iter().chain(stray) {
        if kill_or_reap(&one, leader) {
            living.push(Remnant::from(one));
        } else {
            one_went = true;
        }
    }
    for (owner, one) in others {
        if all.is_condemned(owner) {
            end(&one);
        }
    }
    // Whoever's they are: left to their own rounds, the zombies of a family that forks without end would fill everybody's list.
    one_went |= dead.len() > DEAD_LIMIT;
    for pid in dead.into_iter().take(DEAD_LIMIT) {
        // Where this fails, the mark may be off already: the next look then takes it for one of ours, and proves nothing.
        let owner = all.owner_of_dead(pid)?;
        one_went |= matches!(owner, Owner::Nobody | Owner::Unsure) || owner == Owner::Leader(leader.pid);
        // Its number names its group until it is reaped, and what it handed itself on to is in that group at first.
        if let Owner::Leader(owner) = owner
            && all.is_condemned(owner)
        {
            kill::kill_group_of_zombie(pid);
        }
        kill::reap_child(pid);
    }
    living.extend(unsure.into_iter().map(Remnant::from));
    Ok(Look { living, one_went })
}

/// True for what lived when it was looked at.
fn kill_or_reap(one: &Sighting, leader: &Leader) -> bool {
    if one.pid == leader.pid {
        let _ = leader.signal(Signal::KILL);
        return true;
    }
    end(one)
}

/// Kills the group that a child of ours leads, itself included.
fn kill_group(one: &Sighting) {
    if one.is_child && one.stat.group == one.pid {
        kill::kill_group_of_child(one.pid, one.stat.start_time);
    }
}

/// Kills a process that lives, with its group where it leads one; reaps one that has ended. True for one that lived.
pub(in crate::process) fn end(one: &Sighting) -> bool {
    if one.stat.is_dead() {
        return !(one.is_child && kill::reap_child(one.pid));
    }
    kill_group(one);
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
pub(in crate::process) fn counted(number: usize) -> String {
    if number == 1 { "1 process".to_owned() } else { format!("{number} processes") }
}

fn told(label: &Label, living: &[Remnant], unseen: Option<&str>) -> String {
    match unseen {
        Some(why) => format!("it is not known whether a process of {label} is left: {why}"),
        None if living.is_empty() => format!(
            "it could not be shown that nothing of {label} is left: processes kept ending, and each may have started another"
        ),
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
