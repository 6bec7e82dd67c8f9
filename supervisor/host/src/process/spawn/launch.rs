//! The thread that takes each process from its fork to its order, one after the other.
//!
//! Started and fed by [`super::spawner`]; [`super::forker`] forks for it. It must not wait for a child.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions};
use tokio::sync::{mpsc, oneshot};

use super::error::SpawnError;
use super::forker::Forker;
use super::order;
use crate::process::contain::census::Containments;
use crate::process::contain::containment::Containment;
use crate::process::contain::ledger::Entry;
use crate::process::label::Label;
use crate::process::observe::exit::Leader;
use crate::process::observe::mark;

/// How long the trampoline may take to read its order. It reads at once; only a stopped machine makes it late.
const ORDER_READ_LIMIT: Duration = Duration::from_secs(5);
/// Spawns that may wait for the thread. Each takes well under a millisecond, and a full queue only makes callers wait.
const QUEUE: usize = 64;
/// Enough for a small file; the default of 2 MiB would be mapped for nothing.
const STACK: usize = 256 << 10;

/// One spawn, ready to be done.
pub(in crate::process) struct Launch {
    pub(in crate::process) label: Label,
    /// The encoded [`order::Order`].
    pub(in crate::process) order: Vec<u8>,
    /// The child's ends, in the order's sequence: input, output, error, …
    pub(in crate::process) descriptors: Vec<OwnedFd>,
    pub(in crate::process) reply: oneshot::Sender<Result<Forked, SpawnError>>,
}

/// A trampoline that has its order.
#[derive(Debug)]
pub(in crate::process) struct Forked {
    pub(in crate::process) leader: Arc<Leader>,
    pub(in crate::process) containment: Containment,
    /// Says how it went.
    pub(in crate::process) control: UnixStream,
}

/// Starts the thread, which lives until the process ends.
pub(in crate::process) fn start(binary: PathBuf, all: Containments) -> io::Result<mpsc::Sender<Launch>> {
    let forker = Forker::start(binary)?;
    let (sender, receiver) = mpsc::channel(QUEUE);
    std::thread::Builder::new()
        .name("launcher".to_owned())
        .stack_size(STACK)
        .spawn(move || serve(receiver, &forker, &all))?;
    Ok(sender)
}

fn serve(mut launches: mpsc::Receiver<Launch>, forker: &Forker, all: &Containments) {
    while let Some(Launch { label, order, descriptors, reply }) = launches.blocking_recv() {
        if reply.is_closed() {
            continue;
        }
        // An unwinding thread would start no plugin any more.
        let launched = catch_unwind(AssertUnwindSafe(|| launch(forker, all, label, &order, &descriptors)));
        let panicked = || Err(failed("starting the trampoline")(io::Error::other("the launcher panicked")));
        // The listener among them: once the child is dead, connecting must fail.
        drop(descriptors);
        // A caller that has left drops the containment, which ends the process.
        let _ = reply.send(launched.unwrap_or_else(|_| panicked()));
    }
}

fn launch(
    forker: &Forker,
    all: &Containments,
    label: Label,
    order: &[u8],
    descriptors: &[OwnedFd],
) -> Result<Forked, SpawnError> {
    // Looked at here as well, where nothing can come in between.
    if let Some((_, leader, _)) = all.occupant(&label.plugin) {
        return Err(SpawnError::Occupied { label, pid: leader.pid });
    }
    let (control, far) = UnixStream::pair().map_err(failed("making a socket pair"))?;
    control.set_write_timeout(Some(ORDER_READ_LIMIT)).map_err(failed("setting a time limit"))?;
    let pid = forker
        .fork(&all.marker(&label), far, descriptors.get(2))
        .map_err(failed("starting the trampoline"))?;
    let leader = Arc::new(Leader::of_child(pid).map_err(|error| {
        give_up(pid);
        failed("opening a pidfd")(error)
    })?);
    // Until its order arrives the trampoline stays in our session, where the orphan watch leaves it alone; from here
    // on it is known, and the ledger names it before it can run anything.
    all.enter(label.clone(), &leader);
    let containment = Containment::new(label.clone(), leader.clone(), all.clone());
    record(all, label, &leader);
    if let Err(error) = order::send(&control, order, descriptors) {
        let _ = leader.signal(Signal::KILL);
        return Err(failed("sending the order")(error));
    }
    Ok(Forked { leader, containment, control })
}

/// The ledger is the last of several nets, so a full disk must not stop plugins.
fn record(all: &Containments, label: Label, leader: &Leader) {
    let Some(ledger) = all.ledger() else { return };
    let entry = Entry {
        pid: leader.pid,
        start_time: leader.start_time,
        boot_id: ledger.boot_id().to_owned(),
        marker: all.marker(&label),
        mark: mark::of(&all.marker(&label)),
        supervisor: all.instance(),
        label,
    };
    if let Err(error) = ledger.record(&entry) {
        tracing::warn!(label = %entry.label, folder = %ledger.folder().display(), %error,
            "could not write to the pid ledger; if the supervisor is killed, this process may outlive it");
    }
}

/// Ends a child that could not be taken hold of. It is still waiting for its order, so killing it is quick.
fn give_up(pid: i32) {
    let Some(pid) = Pid::from_raw(pid) else { return };
    let _ = rustix::process::kill_process(pid, Signal::KILL);
    let _ = rustix::process::waitpid(Some(pid), WaitOptions::empty());
}

pub(in crate::process) fn failed(doing: &'static str) -> impl Fn(io::Error) -> SpawnError {
    move |source| SpawnError::Supervisor { doing, source }
}
