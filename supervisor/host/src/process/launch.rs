//! The one thread on which every process is spawned.
//!
//! Started and fed by [`super::spawner`]. It must not end while the supervisor lives, and must not wait for a child: the
//! kernel ties a child's parent-death signal to the **thread** that spawned it, so the end of this thread would kill
//! every plugin.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use tokio::sync::{mpsc, oneshot};

use super::census::Containments;
use super::containment::Containment;
use super::error::SpawnError;
use super::exit::Leader;
use super::ledger::Entry;
use super::mark;
use super::order;
use super::spec::Label;
use super::{MARKER_VARIABLE, TRAMPOLINE_ARGUMENT};

/// How long the trampoline may take to read its order. It reads at once; only a stopped machine makes it late.
const ORDER_READ_LIMIT: Duration = Duration::from_secs(5);
/// Spawns that may wait for the thread. Each takes well under a millisecond, and a full queue only makes callers wait.
const QUEUE: usize = 64;
/// Enough for posix_spawn and a small file; the default of 2 MiB would be mapped for nothing.
const STACK: usize = 256 << 10;

/// One spawn, ready to be done.
pub(super) struct Launch {
    pub(super) label: Label,
    /// The encoded [`order::Order`].
    pub(super) order: Vec<u8>,
    /// The child's ends, in the order's sequence: input, output, error, …
    pub(super) descriptors: Vec<OwnedFd>,
    pub(super) reply: oneshot::Sender<Result<Launched, SpawnError>>,
}

/// A trampoline that has its order.
#[derive(Debug)]
pub(super) struct Launched {
    pub(super) leader: Arc<Leader>,
    pub(super) containment: Containment,
    /// Says how it went.
    pub(super) control: UnixStream,
}

/// Starts the thread, which lives until the process ends.
pub(super) fn start(binary: PathBuf, all: Containments) -> io::Result<mpsc::Sender<Launch>> {
    let (sender, receiver) = mpsc::channel(QUEUE);
    std::thread::Builder::new().name("spawner".to_owned()).stack_size(STACK).spawn(move || {
        serve(receiver, &binary, &all);
        // Nobody can ask any more, yet the children of this thread live.
        loop {
            std::thread::park();
        }
    })?;
    Ok(sender)
}

fn serve(mut launches: mpsc::Receiver<Launch>, binary: &Path, all: &Containments) {
    while let Some(Launch { label, order, descriptors, reply }) = launches.blocking_recv() {
        if reply.is_closed() {
            continue;
        }
        // An unwinding thread would take every plugin with it.
        let launched = catch_unwind(AssertUnwindSafe(|| launch(binary, all, label, &order, &descriptors)));
        let panicked = || Err(failed("starting the trampoline")(io::Error::other("the spawner panicked")));
        // The listener among them: once the child is dead, connecting must fail.
        drop(descriptors);
        // A caller that has left drops the containment, which ends the process.
        let _ = reply.send(launched.unwrap_or_else(|_| panicked()));
    }
}

fn launch(
    binary: &Path,
    all: &Containments,
    label: Label,
    order: &[u8],
    descriptors: &[OwnedFd],
) -> Result<Launched, SpawnError> {
    // Looked at here as well, where nothing can come in between.
    if let Some((_, leader, _)) = all.occupant(&label.plugin) {
        return Err(SpawnError::Occupied { label, pid: leader.pid });
    }
    let (control, far) = UnixStream::pair().map_err(failed("making a socket pair"))?;
    control.set_write_timeout(Some(ORDER_READ_LIMIT)).map_err(failed("setting a time limit"))?;
    let errors = descriptors.get(2).map_or(Ok(Stdio::null()), |fd| fd.try_clone().map(Stdio::from));
    let child = Command::new(binary)
        .arg0("outboard")
        .arg(TRAMPOLINE_ARGUMENT)
        .env_clear()
        .env(MARKER_VARIABLE, all.marker(&label))
        .stdin(OwnedFd::from(far))
        .stdout(Stdio::null())
        .stderr(errors.map_err(failed("copying a descriptor"))?)
        .spawn()
        .map_err(failed("starting the trampoline"))?;
    let pid = i32::try_from(child.id()).map_err(|error| failed("reading a pid")(io::Error::other(error)))?;
    let leader = Arc::new(Leader::of_child(pid).map_err(|error| {
        give_up(child);
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
    Ok(Launched { leader, containment, control })
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
fn give_up(mut child: std::process::Child) {
    let _ = child.kill();
    let _ = child.wait();
}

pub(super) fn failed(doing: &'static str) -> impl Fn(io::Error) -> SpawnError {
    move |source| SpawnError::Supervisor { doing, source }
}
