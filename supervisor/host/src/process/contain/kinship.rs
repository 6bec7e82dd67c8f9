//! Whose a process is: the members of one containment, and the owners of what the supervisor has adopted.
//!
//! Used by [`super::containment`] to find its members, by [`super::orphans`] to judge orphans, and by keeper and sweep to
//! walk down a tree. It must not signal or reap anything: it only looks.
//!
//! Everything that a plugin starts descends from the supervisor, which is a subreaper: where a process's parent dies,
//! the supervisor becomes its parent, double forks included. So the children of the supervisor are leaders and adopted
//! orphans, and walking down from those finds all there is. An orphan is told by, in this order: having been seen as
//! somebody's descendant before; its session; its group; the marker in its environment. What fails all four has escaped, and belongs
//! to nobody while its plugin runs. Where a containment is emptied, the mark that a process has inherited is asked before the marker: it says
//! at once whose an escaped one is, and a dead one, too.

use std::collections::BTreeMap;
use std::io;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use super::census::{Containments, Entry};
use super::kill;
use super::sighting::Sighting;
use crate::process::observe::environ::Marker;
use crate::process::observe::exit::{Leader, to_pid};
use crate::process::observe::facts::{self, Stat};
use crate::process::observe::mark;

/// At most this many members are found in one round, so that a fork bomb makes many short rounds, not an endless one.
/// What is cut off is found by the next round, as a round that found anything proves nothing.
const LOOK_LIMIT: usize = 4096;
/// How long a process may keep its environment out of sight before it counts as nobody's. An exec hides it for some
/// microseconds, on a loaded machine for some tens of milliseconds.
const UNSURE_FOR: Duration = Duration::from_millis(100);

/// To whom an adopted orphan belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::process) enum Owner {
    /// The containment with this leader.
    Leader(i32),
    /// It cannot be told yet: an exec in progress hides the environment. To be left alone, and asked about again.
    Unsure,
    /// It has escaped.
    Nobody,
}

/// The adopted orphans that a look finds.
#[derive(Debug, Default)]
pub(in crate::process) struct Orphans {
    pub(in crate::process) living: Vec<Sighting>,
    /// Pids of zombies. Of those there may be very many, so that no more is asked about them here than whether they are.
    pub(in crate::process) dead: Vec<i32>,
    /// One that was in the list had gone when it was looked at. Whatever it had started was adopted at its end, after the list was read.
    pub(in crate::process) one_went: bool,
}

/// What a look at one containment finds.
#[derive(Debug, Default)]
pub(in crate::process) struct Members {
    /// Its processes.
    pub(in crate::process) own: Vec<Sighting>,
    /// Those of nobody which are young enough to be its own.
    pub(in crate::process) stray: Vec<Sighting>,
    /// What may turn out to be one of them.
    pub(in crate::process) unsure: Vec<Sighting>,
    /// Living adopted orphans of other containments, with their leaders.
    pub(in crate::process) others: Vec<(i32, Sighting)>,
    /// As for [`Orphans`], whoever's they were.
    pub(in crate::process) dead: Vec<i32>,
    /// As for [`Orphans`]: one that may have been of it went meanwhile.
    pub(in crate::process) one_went: bool,
}

impl Members {
    /// What is or may well be of it.
    pub(in crate::process) fn all(self) -> impl Iterator<Item = Sighting> {
        self.own.into_iter().chain(self.stray)
    }
}

impl Containments {
    /// The supervisor's children that are nobody's leader and not of its own session.
    ///
    /// A trampoline that waits for its order is in the supervisor's session still, so it is not taken for an orphan. Those that were
    /// adopted last come first: what hands itself on without end is among them, however many zombies it has left.
    ///
    /// # Errors
    /// When the look failed: there may be any number then.
    pub(in crate::process) fn orphans(&self) -> io::Result<Orphans> {
        let mut orphans = Orphans::default();
        for pid in facts::children(facts::own_pid())?.into_iter().rev() {
            if self.lock().by_leader.contains_key(&pid) {
                continue;
            }
            if kill::is_dead_child(pid) {
                orphans.dead.push(pid);
                continue;
            }
            let Some(stat) = facts::look_at(pid)? else {
                orphans.one_went = true;
                continue;
            };
            // Entered between the two looks: a leader, by its own hand out of our session.
            if stat.session == self.shared.session || self.lock().by_leader.contains_key(&pid) {
                continue;
            }
            if stat.is_dead() {
                orphans.dead.push(pid);
            } else {
                orphans.living.push(Sighting { pid, stat, is_child: true });
            }
        }
        // A leader that was entered meanwhile, and what is in our session, is not for us to reap.
        let entries = self.lock();
        orphans.dead.retain(|pid| {
            !entries.by_leader.contains_key(pid) && kill::session_of(*pid) != Some(self.shared.session)
        });
        drop(entries);
        Ok(orphans)
    }

    /// The living processes of the containment of `leader`, the leader included while it lives.
    ///
    /// # Errors
    /// When the look failed: there may be any number then.
    pub(in crate::process) fn members(&self, leader: &Leader) -> io::Result<Members> {
        let (mut own, mut stray, mut unsure, mut others) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let Orphans { living, dead, one_went } = self.orphans()?;
        // What is older than the leader cannot descend from it.
        for orphan in living.into_iter().filter(|orphan| orphan.stat.start_time >= leader.start_time) {
            match self
                .marked_owner_of(&orphan)?
                .map_or_else(|| self.owner_of(&orphan), |pid| Ok(Owner::Leader(pid)))?
            {
                Owner::Leader(pid) if pid == leader.pid => own.push(orphan),
                Owner::Leader(pid) => others.push((pid, orphan)),
                Owner::Nobody => stray.push(orphan),
                Owner::Unsure => unsure.push(orphan),
            }
        }
        if let Some(stat) = facts::look_at(leader.pid)?.filter(|_| leader.peek().is_none()) {
            own.push(Sighting { pid: leader.pid, stat, is_child: true });
        }
        let (own, stray) = (descend(own)?, descend(stray)?);
        self.remember(leader.pid, &own);
        self.remember(leader.pid, &stray);
        Ok(Members { own, stray, unsure, others, dead, one_went })
    }

    /// To whom a zombie belonged, which has no environment any more. To be asked once, and then it is to be reaped.
    ///
    /// # Errors
    /// When the look failed.
    pub(in crate::process) fn owner_of_dead(&self, pid: i32) -> io::Result<Owner> {
        let taken_off = to_pid(pid).ok().and_then(mark::taken_off);
        let mark = if taken_off.is_some() { taken_off } else { mark::on(pid)? };
        if let Some(mark) = mark {
            return Ok(self.leader_where(|entry| entry.mark == mark).map_or(Owner::Nobody, Owner::Leader));
        }
        let known = facts::look_at(pid)?.and_then(|stat| self.known_owner_of(pid, &stat));
        Ok(known.map_or(Owner::Nobody, Owner::Leader))
    }

    /// The leader whose containment this orphan is known to be of, or whose mark it has.
    fn marked_owner_of(&self, orphan: &Sighting) -> io::Result<Option<i32>> {
        if let Some(leader) = self.known_owner_of(orphan.pid, &orphan.stat) {
            return Ok(Some(leader));
        }
        Ok(mark::on(orphan.pid)?.and_then(|mark| self.leader_where(|entry| entry.mark == mark)))
    }

    /// To whom an orphan belongs while its plugin runs.
    ///
    /// # Errors
    /// When the look failed.
    pub(in crate::process) fn owner_of(&self, orphan: &Sighting) -> io::Result<Owner> {
        let Sighting { pid, stat, .. } = orphan;
        if let Some(leader) = self.known_owner_of(*pid, stat) {
            return Ok(Owner::Leader(leader));
        }
        // It may be long since it was seen, among many.
        let before = facts::look_at(*pid)?;
        // Nothing is read while the lock on the entries is held.
        let marker =
            self.shared.markers.lock().unwrap_or_else(PoisonError::into_inner).of(*pid, stat.start_time)?;
        let owner = match marker {
            Marker::Read(Some(marker)) => self.leader_where(|entry| entry.marker == marker),
            Marker::Read(None) => None,
            Marker::Hangs => mark::on(*pid)?.and_then(|mark| self.leader_where(|entry| entry.mark == mark)),
        };
        if let Some(leader) = owner {
            return Ok(Owner::Leader(leader));
        }
        // What ends or becomes another program shows no environment, whatever it has. What ends is asked about no more, and what
        // it has started must not be taken for nobody's with it.
        let after = facts::look_at(*pid)?.filter(|now| now.start_time == stat.start_time);
        let Some(after) = after.filter(|now| !now.is_ending()) else { return Ok(Owner::Unsure) };
        let is_the_same = after.environment.is_some()
            && before.is_some_and(|before| before.environment == after.environment);
        Ok(if is_the_same { Owner::Nobody } else { self.doubt(*pid, stat) })
    }

    fn known_owner_of(&self, pid: i32, stat: &Stat) -> Option<i32> {
        let entries = self.lock();
        let entries = &entries.by_leader;
        let seen = entries.iter().find(|(_, entry)| entry.seen.get(&pid) == Some(&stat.start_time));
        let by_number = || [stat.session, stat.group].into_iter().find(|number| entries.contains_key(number));
        seen.map(|(leader, _)| *leader).or_else(by_number)
    }

    fn leader_where(&self, is: impl Fn(&Entry) -> bool) -> Option<i32> {
        self.lock().by_leader.iter().find(|(_, entry)| is(entry)).map(|(leader, _)| *leader)
    }

    /// Gives a process whose environment is out of sight some time to show it.
    fn doubt(&self, pid: i32, stat: &Stat) -> Owner {
        let mut unsure = self.shared.unsure.lock().unwrap_or_else(PoisonError::into_inner);
        unsure.retain(|_, since| since.elapsed() < UNSURE_FOR * 100);
        let since = *unsure.entry((pid, stat.start_time)).or_insert_with(Instant::now);
        if since.elapsed() < UNSURE_FOR { Owner::Unsure } else { Owner::Nobody }
    }
}

/// The roots and everything below them. Zombies count only among the roots: deeper ones are their parents' to reap.
///
/// # Errors
/// When the look failed.
pub(in crate::process) fn descend(roots: Vec<Sighting>) -> io::Result<Vec<Sighting>> {
    let mut found = BTreeMap::new();
    let mut queue = roots;
    while let Some(one) = queue.pop() {
        if found.len() >= LOOK_LIMIT || (one.stat.is_dead() && !one.is_child) {
            continue;
        }
        let pid = one.pid;
        if found.insert(pid, one).is_none() {
            for pid in facts::children(pid)? {
                queue.extend(facts::look_at(pid)?.map(|stat| Sighting { pid, stat, is_child: false }));
            }
        }
    }
    Ok(found.into_values().collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step fails the test")]
    use std::process::Command;

    use super::*;

    /// A process without a marker, as it was seen while it lived.
    fn unmarked() -> (std::process::Child, Sighting) {
        let child = Command::new("sleep").arg("600").env_clear().spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let seen = loop {
            // Until the exec is over, which hides it.
            match facts::stat(pid).filter(|stat| stat.command == "sleep" && stat.environment.is_some()) {
                Some(stat) => break Sighting { pid, stat, is_child: true },
                None => std::thread::yield_now(),
            }
        };
        (child, seen)
    }

    #[test]
    fn who_shows_an_environment_without_a_marker_is_nobodys_and_who_has_ended_since_is_not_judged_by_it() {
        let all = Containments::new(None).unwrap();
        let (mut child, seen) = unmarked();
        assert_eq!(all.owner_of(&seen).unwrap(), Owner::Nobody);
        child.kill().unwrap();
        while !facts::stat(seen.pid).unwrap().is_dead() {
            std::thread::yield_now();
        }
        assert_eq!(all.owner_of(&seen).unwrap(), Owner::Unsure, "what it leads may go on");
        child.wait().unwrap();
        assert_eq!(all.owner_of(&seen).unwrap(), Owner::Unsure);
    }
}
