//! Starts processes: from a [`SpawnSpec`] to a running child with its pipes, or to the reason why not.
//!
//! The supervisor makes one [`Spawner`]; plugin actors call [`Spawner::spawn`]. It must not know what is said over the
//! pipes.
//!
//! ```text
//! spawn()          launcher, forker          trampoline (our binary)        program
//!   pipes, order ──▶ socket pair, fork ─────▶ waits
//!                    pidfd, census, ledger
//!                    order, descriptors ────▶ session, limits, …
//!   ◀─────────────── pidfd, socket            exec ────────────────────────▶ runs
//!   ◀────────────── "E", end of file, or step and errno
//! ```

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use outboard_files::look;
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::net::unix::pipe;
use tokio::sync::{mpsc, oneshot};

use super::error::{self, SpawnError, Subject};
use super::launch::{self, Forked, Launch, failed};
use super::order::{self, Failure, Order, Outcome};
use super::pipes::{Ours, Pipes};
use super::spec::LISTENER_NUMBER;
use super::spec::WIRE_NUMBERS;
use super::spec::{SpawnSpec, Wire};
use crate::process::contain::census::Containments;
use crate::process::contain::containment::{self, Containment, Round};
use crate::process::contain::ledger::Ledger;
use crate::process::dumps;
use crate::process::label::Label;
use crate::process::observe::environ::MARKER_VARIABLE;
use crate::process::observe::exit::ExitWatch;
use crate::process::observe::facts;
use crate::process::observe::mark;

/// How long the trampoline may take to become the program. It takes a millisecond or two; a loaded machine at boot may
/// make that a hundred times as much, and beyond this something is stuck.
const EXEC_LIMIT: Duration = Duration::from_secs(10);
/// How long the look at a program that did not start may take, for the sake of a better message.
const EXPLAINED_WITHIN: Duration = Duration::from_secs(2);
/// How long a trampoline that has failed may take to end.
const FAILED_LIMIT: Duration = Duration::from_secs(2);

/// How long a generation that was dropped half-way may take to go. It was killed when it was dropped.
const VACATE_LIMIT: Duration = Duration::from_secs(2);
/// Between two looks at it.
const VACATE_PAUSE: Duration = Duration::from_millis(2);

/// Variables that speak of pids and descriptors: a value from elsewhere would be wrong in the child.
const OURS_TO_SET: [&str; 6] =
    [MARKER_VARIABLE, "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "OUTBOARD_HTTP_FD", "OUTBOARD_RPC_FDS"];

/// How a spawner is set up.
#[derive(Debug)]
pub struct SpawnerOptions {
    /// The binary that is run with [`super::trampoline::TRAMPOLINE_ARGUMENT`] and calls [`super::trampoline::trampoline_main`].
    pub binary: PathBuf,
    /// Where living processes are written down.
    pub ledger: Option<Ledger>,
}

impl Default for SpawnerOptions {
    /// This very binary, even where its file has been replaced since; and no ledger.
    fn default() -> Self {
        Self { binary: PathBuf::from("/proc/self/exe"), ledger: None }
    }
}

/// Starts processes. Cheap to clone; all clones use the same two threads.
#[derive(Clone, Debug)]
pub struct Spawner {
    launches: mpsc::Sender<Launch>,
    all: Containments,
    /// `/dev/null`, opened once: a spawn opens nothing on the runtime's thread.
    nothing: Arc<OwnedFd>,
    /// Held by all clones together.
    _only: Arc<Only>,
}

/// Whether this process has a spawner.
static STARTED: AtomicBool = AtomicBool::new(false);

/// That this is the one spawner of the process; another can be started when the last clone is gone.
#[derive(Debug)]
struct Only;

impl Drop for Only {
    fn drop(&mut self) {
        STARTED.store(false, Ordering::SeqCst);
    }
}

/// A process that runs its program.
#[derive(Debug)]
pub struct Spawned {
    /// Its pid, which is its group's and session's number as well.
    pub pid: i32,
    /// When it started, in clock ticks since boot.
    pub start_time: u64,
    /// Resolves when it has ended.
    pub exit: ExitWatch,
    /// It and whatever it starts. Must be proved empty; dropped, it is killed.
    pub containment: Containment,
    /// To the child's end of the wire.
    pub wire_writer: pipe::Sender,
    /// From the child's end of the wire.
    pub wire_reader: pipe::Receiver,
    /// What the child prints to standard output, where that is not the wire.
    pub stdout: Option<pipe::Receiver>,
    /// What the child prints to standard error.
    pub stderr: pipe::Receiver,
}

impl Spawner {
    /// Makes this process a subreaper and starts the spawning thread, which lives as long as the process.
    ///
    /// One at a time in a process: two spawners would take each other's children for escaped orphans.
    ///
    /// # Errors
    /// When there is one already, when the kernel refuses, or when /proc is not there.
    pub fn start(options: SpawnerOptions) -> io::Result<Self> {
        if STARTED.swap(true, Ordering::SeqCst) {
            return Err(io::Error::other("this process has a spawner already; clone that one"));
        }
        let only = Arc::new(Only);
        // Any pid but none means yes.
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
        let all = Containments::new(options.ledger)?;
        let nothing = Arc::new(File::open("/dev/null")?.into());
        Ok(Self { launches: launch::start(options.binary, all.clone())?, all, nothing, _only: only })
    }

    /// All living containments, for [`crate::process::contain::orphans::tend`].
    pub fn containments(&self) -> Containments {
        self.all.clone()
    }

    /// Starts a process. Returns when its program runs. Dropping the future ends what was begun.
    ///
    /// A plugin has at most one generation: one that its owner has dropped is emptied first, one that still has an owner
    /// is an error.
    ///
    /// # Errors
    /// When the program does not run; nothing of it is left then.
    pub async fn spawn(&self, spec: SpawnSpec) -> Result<Spawned, SpawnError> {
        error::check(&spec)?;
        let subject = Subject::of(&spec);
        let label = spec.label.clone();
        self.vacate(&label).await?;
        let gone = |_| failed("reaching the spawning thread")(io::ErrorKind::BrokenPipe.into());
        // A place in the queue first: at boot, the pipes of all that wait would take every descriptor there is.
        let place = self.launches.reserve().await.map_err(|_| gone(()))?;
        let pipes = Pipes::open(spec.wire).map_err(failed("making pipes"))?;
        let (order, descriptors, ours) =
            prepare(spec, &subject, &self.all.marker(&label), &self.nothing, pipes)?;
        let (reply, forked) = oneshot::channel();
        place.send(Launch { label, order, descriptors, reply });
        let forked = forked.await.map_err(|_| gone(()))??;
        settle(forked, subject, ours).await
    }
}

impl Spawner {
    /// Makes sure that nothing of an earlier generation lives.
    async fn vacate(&self, label: &Label) -> Result<(), SpawnError> {
        let deadline = Instant::now() + VACATE_LIMIT;
        while let Some((earlier, leader, abandoned)) = self.all.occupant(&label.plugin) {
            if !abandoned || Instant::now() >= deadline {
                return Err(SpawnError::Occupied { label: label.clone(), pid: leader.pid });
            }
            let round = self.all.round(move |all| containment::empty_round(all, &leader, &earlier));
            match round.await {
                Some(Ok(Round::Empty)) => {}
                Some(Err(error)) => return Err(failed("looking what is left of the process before")(error)),
                _ => tokio::time::sleep(VACATE_PAUSE).await,
            }
        }
        Ok(())
    }
}

/// Numbers the child's descriptors and writes the order.
fn prepare(
    spec: SpawnSpec,
    subject: &Subject,
    marker: &str,
    nothing: &OwnedFd,
    pipes: Pipes,
) -> Result<(Vec<u8>, Vec<OwnedFd>, Ours), SpawnError> {
    let Pipes { ours, input, output, log, errors } = pipes;
    let mut env = spec.env;
    // What the kernel hands a program twice, some read first and some last.
    env.retain(|(name, _)| !OURS_TO_SET.iter().any(|ours| name == ours));
    let mut set = |name: &str, value: &str| env.push((name.into(), value.into()));
    set(MARKER_VARIABLE, marker);
    let (mut descriptors, mut numbers) = match log {
        None => (vec![input, output, errors], vec![0, 1, 2]),
        Some(log) => {
            let nothing = nothing.try_clone().map_err(failed("copying a descriptor"))?;
            let (mut descriptors, mut numbers) = (vec![nothing, log, errors], vec![0, 1, 2]);
            if spec.wire == Wire::Fd {
                set("OUTBOARD_RPC_FDS", &format!("{},{}", WIRE_NUMBERS.0, WIRE_NUMBERS.1));
                descriptors.extend([input, output]);
                numbers.extend([WIRE_NUMBERS.0, WIRE_NUMBERS.1]);
            }
            (descriptors, numbers)
        }
    };
    if let Some(listener) = spec.listener {
        descriptors.push(listener);
        numbers.push(LISTENER_NUMBER);
        set("LISTEN_FDS", "1");
        set("LISTEN_FDNAMES", "http");
        set("OUTBOARD_HTTP_FD", &LISTENER_NUMBER.to_string());
    }
    let order = Order {
        supervisor: facts::own_pid(),
        program: spec.program,
        args: spec.args,
        env,
        cwd: spec.cwd,
        candidates: subject.candidates.clone(),
        descriptors: numbers,
        limits: spec.limits,
        open_files: crate::process::descriptors::for_children(),
        core_size: dumps::former_limit(),
        mark: mark::of(marker),
        umask: SpawnSpec::UMASK,
        allow_new_privileges: spec.allow_new_privileges,
    };
    Ok((encode(&order, subject)?, descriptors, ours))
}

fn encode(order: &Order, subject: &Subject) -> Result<Vec<u8>, SpawnError> {
    let text = serde_json::to_vec(order).map_err(|error| failed("writing the order")(error.into()))?;
    if text.len() <= order::ORDER_LIMIT {
        return Ok(text);
    }
    let what =
        format!("its arguments and environment take {} bytes; at most {}", text.len(), order::ORDER_LIMIT);
    Err(SpawnError::Unsuitable { program: subject.program.clone(), what })
}

/// Waits for the word that the program runs; otherwise clears up and says why.
async fn settle(forked: Forked, subject: Subject, ours: Ours) -> Result<Spawned, SpawnError> {
    let Forked { leader, containment, control } = forked;
    let (pid, start_time) = (leader.pid, leader.start_time);
    let exit = ExitWatch::new(leader).map_err(failed("watching a pidfd"))?;
    let outcome = tokio::time::timeout(EXEC_LIMIT, outcome(control)).await;
    let program = subject.program.clone();
    let lost = |how: String| SpawnError::Lost { program: program.clone(), how };
    let error = match outcome {
        Ok(Ok(Outcome::Running)) => {
            let Ours { wire_writer, wire_reader, stdout, stderr } = ours;
            return Ok(Spawned {
                pid,
                start_time,
                exit,
                containment,
                wire_writer,
                wire_reader,
                stdout,
                stderr,
            });
        }
        Ok(Ok(Outcome::Failed(failure))) => explain(subject, failure).await,
        Ok(Ok(Outcome::Died)) => match tokio::time::timeout(FAILED_LIMIT, exit.exited()).await {
            Ok(report) => lost(report.to_string()),
            Err(_) => lost("closed its socket".to_owned()),
        },
        Ok(Err(error)) => failed("reading from the trampoline")(error),
        Err(_) => lost(format!("said nothing for {} s", EXEC_LIMIT.as_secs())),
    };
    if let Err(remnants) = containment.prove_empty(FAILED_LIMIT).await {
        tracing::warn!(%remnants, "a process that did not start would not end either");
    }
    Err(error)
}

/// Says what was wrong, by a look at the files; where they do not answer, by what exec said.
async fn explain(subject: Subject, failure: Failure) -> SpawnError {
    let (place, unexplained) = (subject.folder().to_owned(), subject.unexplained(&failure));
    look(&place, EXPLAINED_WITHIN, move || subject.explain(failure)).await.unwrap_or(unexplained)
}

async fn outcome(control: std::os::unix::net::UnixStream) -> io::Result<Outcome> {
    control.set_nonblocking(true)?;
    let mut said = Vec::with_capacity(64);
    let limit = order::OUTCOME_LIMIT as u64;
    UnixStream::from_std(control)?.take(limit).read_to_end(&mut said).await?;
    Ok(order::read_outcome(&said))
}
