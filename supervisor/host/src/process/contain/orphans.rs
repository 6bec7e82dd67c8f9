//! What the supervisor adopts: processes whose own parent has died.
//!
//! The supervisor runs [`tend`] as one of its tasks. Orphans that belong to a containment live on until it is emptied,
//! and are reaped when they end; what belongs to nobody is killed. It must not reap a leader, whose exit status is its
//! containment's, nor a child of this process that lives in the supervisor's own session.

use std::collections::HashSet;
use std::convert::Infallible;
use std::io;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use super::census::Containments;
use super::containment::{self, Round};
use super::kill;
use super::kinship::Owner;
use super::sighting::Sighting;

/// How often to look without having been told. Nothing announces an adoption, and an escaped process must not live long.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How soon to look again while something that was killed has not ended yet.
const UNFINISHED: Duration = Duration::from_millis(25);
/// The least time between two rounds, so that a storm of dying orphans costs little.
const ROUND_GAP: Duration = Duration::from_millis(10);

/// Reaps, judges and kills orphans, and empties abandoned containments, for as long as it is polled.
///
/// # Errors
/// When SIGCHLD cannot be watched.
pub async fn tend(all: Containments) -> io::Result<Infallible> {
    let mut deaths = signal(SignalKind::child())?;
    let mut reported = HashSet::new();
    loop {
        let round = all.round(move |all| {
            let unfinished = one_round(all, &mut reported);
            (unfinished, reported)
        });
        let unfinished;
        (unfinished, reported) = round.await.unwrap_or_default();
        tokio::time::sleep(ROUND_GAP).await;
        tokio::select! {
            _ = deaths.recv() => {}
            () = all.some_abandoned() => {}
            () = tokio::time::sleep(if unfinished { UNFINISHED } else { LOOK_EVERY }) => {}
        }
    }
}

/// One look at all orphans. True when something was killed and must be looked at again soon.
fn one_round(all: &Containments, reported: &mut HashSet<(i32, u64)>) -> bool {
    let mut unfinished = false;
    let mut escaped = HashSet::new();
    let hunt = all.hunt();
    // What could not be looked at is looked at again a second later.
    let Ok(orphans) = all.orphans() else { return false };
    for pid in orphans.dead {
        kill::reap_child(pid);
    }
    for sighting in orphans.living {
        // As above.
        let Ok(owner) = all.owner_of(&sighting) else { continue };
        match owner {
            Owner::Leader(leader) => all.remember(leader, &[sighting]),
            Owner::Unsure => unfinished = true,
            Owner::Nobody => {
                let name = (sighting.pid, sighting.stat.start_time);
                if !reported.contains(&name) {
                    warn(&sighting);
                }
                escaped.insert(name);
                unfinished |= containment::end(&sighting);
            }
        }
    }
    drop(hunt);
    *reported = escaped;
    for (label, leader) in all.abandoned() {
        let round = containment::empty_round(all, &leader, &label);
        unfinished |= round.is_ok_and(|round| !matches!(round, Round::Empty));
    }
    unfinished
}

fn warn(escaped: &Sighting) {
    tracing::warn!(
        pid = escaped.pid,
        command = escaped.stat.command,
        "killed a process that had left the session, the group and the environment of its plugin; \
         what a plugin starts has to stay in one of them"
    );
}
