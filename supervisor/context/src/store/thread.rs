//! The thread that owns the database: takes what waits, commits it as one, answers everybody.
//!
//! Run by [`super::Store`]. Must not know what a write means.

use std::path::Path;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::answers::{Answers, Herald};
use super::aside::{AnyAside, AnyGradual};
use super::error::StoreError;
use super::folder::Folder;
use super::group::Group;
use super::pulse::Pulse;
use super::reserve;
use super::watch::Watch;
use super::write::AnyWrite;
use crate::trouble::{self, Troubles};

/// Writes in one transaction at most, so that the first of a storm is not answered after the last.
const GROUP_MAX: usize = 512;

/// What the thread is asked for.
pub(super) enum Job {
    /// A write of the database.
    Write(Box<dyn AnyWrite>),
    /// Something else that keeps its place among the writes.
    Aside(Box<dyn AnyAside>),
    /// Something long, among whose steps writes go on.
    Gradual(Box<dyn AnyGradual>),
    /// End, after what came before.
    Close(oneshot::Sender<()>),
}

/// The thread's life: ends on [`Job::Close`], or when nobody can ask any more.
pub(super) fn run(
    db: Connection,
    mut jobs: mpsc::Receiver<Job>,
    path: &Path,
    folder: Folder,
    herald: &Herald,
    troubles: Troubles,
    pulse: Pulse,
) {
    reserve::log(path);
    let watch = Watch::begin(path, &folder.state_name());
    let mut owner = Owner { db: &db, path, number: 0, herald, watch, troubles, pulse };
    let mut writes: Vec<Box<dyn AnyWrite>> = Vec::new();
    let closed = 'life: loop {
        let Some(mut job) = jobs.blocking_recv() else { break None };
        loop {
            match job {
                Job::Write(write) => writes.push(write),
                Job::Aside(aside) => {
                    owner.commit(&mut writes);
                    aside.run(owner.db);
                }
                Job::Gradual(work) => {
                    owner.commit(&mut writes);
                    if let Some(closed) = owner.gradually(work, &mut jobs) {
                        break 'life Some(closed);
                    }
                }
                Job::Close(closed) => break 'life Some(closed),
            }
            if writes.len() >= GROUP_MAX {
                break;
            }
            match jobs.try_recv() {
                Ok(next) => job = next,
                Err(_) => break,
            }
        }
        owner.commit(&mut writes);
    };
    owner.commit(&mut writes);
    drop(jobs);
    drop(db);
    // After the file is closed, and not before: the next holder must find it at rest.
    drop(folder);
    if let Some(closed) = closed {
        herald.carry(Answers::closed(closed));
    }
}

struct Owner<'a> {
    db: &'a Connection,
    path: &'a Path,
    number: u64,
    herald: &'a Herald,
    watch: Watch,
    troubles: Troubles,
    pulse: Pulse,
}

impl Owner<'_> {
    /// Whether what is committed now would be there at the next start; what is wrong stands in the status as long as it is.
    fn look(&mut self) -> Result<(), StoreError> {
        let looked = self.watch.look();
        match &looked {
            Ok(()) => self.troubles.clear(trouble::STATE_FILE),
            Err(error) => self.troubles.set(trouble::STATE_FILE, &error.to_string()),
        }
        looked
    }

    fn commit(&mut self, writes: &mut Vec<Box<dyn AnyWrite>>) {
        if writes.is_empty() {
            return;
        }
        let outcome = {
            let _beat = self.pulse.beat();
            self.transaction(writes)
        };
        match outcome {
            Ok(outcomes) => self.settle(writes.drain(..).zip(outcomes)),
            // A file that is gone refuses all of them alike.
            Err(error) if writes.len() == 1 || matches!(error, StoreError::Gone { .. }) => {
                self.settle(writes.drain(..).map(|write| (write, Err(error.clone()))));
            }
            // One write that cannot be kept, the disk being full, say, must not take the others with it.
            Err(_) => {
                for write in writes.drain(..) {
                    let mut alone = vec![write];
                    self.commit(&mut alone);
                }
            }
        }
    }

    /// Does something long. Between its steps, writes that wait are carried out as at any other time; an order to close ends it.
    fn gradually(
        &mut self,
        work: Box<dyn AnyGradual>,
        jobs: &mut mpsc::Receiver<Job>,
    ) -> Option<oneshot::Sender<()>> {
        let (db, mut closed) = (self.db, None);
        work.run(db, &mut || {
            let mut writes = Vec::new();
            while closed.is_none() && writes.len() < GROUP_MAX {
                match jobs.try_recv() {
                    Ok(Job::Write(write)) => writes.push(write),
                    Ok(Job::Aside(aside)) => {
                        self.commit(&mut writes);
                        aside.run(db);
                    }
                    // One at a time: whoever asks for another is told that there is nobody to do it.
                    Ok(Job::Gradual(_)) => {}
                    Ok(Job::Close(order)) => closed = Some(order),
                    Err(_) => break,
                }
            }
            self.commit(&mut writes);
            closed.is_none()
        });
        closed
    }

    fn settle(&self, group: impl Iterator<Item = (Box<dyn AnyWrite>, Result<(), StoreError>)>) {
        let settled = group.map(|(mut write, outcome)| {
            write.settle(outcome);
            write
        });
        self.herald.carry(Answers::of(settled.collect()));
    }

    /// All writes in one transaction. `Ok`: committed, and what became of each. `Err`: nothing was changed.
    fn transaction(
        &mut self,
        writes: &mut [Box<dyn AnyWrite>],
    ) -> Result<Vec<Result<(), StoreError>>, StoreError> {
        self.look()?;
        self.number += 1;
        let mut group = Group::new(self.db, self.number, self.path);
        let outcome = apply_all(&mut group, writes).and_then(|outcomes| {
            group.run("COMMIT")?;
            Ok(outcomes)
        });
        if outcome.is_err() && !self.db.is_autocommit() {
            let _ = self.db.execute_batch("ROLLBACK");
        }
        // Again, since the file may have gone in between: (1) gone before this look, it is refused; (2) gone after it, it
        // went with a value that was on disk when it was acknowledged.
        outcome.and_then(|outcomes| self.look().map(|()| outcomes))
    }
}

fn apply_all(
    group: &mut Group<'_>,
    writes: &mut [Box<dyn AnyWrite>],
) -> Result<Vec<Result<(), StoreError>>, StoreError> {
    group.run("BEGIN IMMEDIATE")?;
    let mut outcomes = Vec::with_capacity(writes.len());
    for write in writes {
        let outcome = write.apply(group);
        if let Err(error) = &outcome
            && group.db.is_autocommit()
        {
            // A failure that has ended the whole transaction: the writes before this one are undone as well.
            return Err(error.clone());
        }
        outcomes.push(outcome);
    }
    Ok(outcomes)
}
