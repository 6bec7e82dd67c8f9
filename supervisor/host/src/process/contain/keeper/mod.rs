//! The keeper: the tiny process that `outboard run` is, which starts the supervisor proper as its child and outlives it
//! just long enough to leave nothing behind.
//!
//! The command line calls [`run`]; the supervisor that it starts calls [`adopt_link`]. One thread, no runtime, no
//! allocation to speak of: it must not know plugins, settings or the network, so that there is nothing in it to fail.
//!
//! Why it must be an **ancestor**: it is a subreaper, so that when the supervisor dies, everything below becomes the
//! keeper's child, double forks and new sessions included. A process beside the supervisor could not even see them.
//!
//! ```text
//! terminal, init ── signals ──▶ keeper ── TERM, HUP, …    ──▶ supervisor (own process group)
//!                               keeper ◀── pidfd: it has died ── supervisor
//!                               keeper ── end of file on the link: it has died ──▶ supervisor
//! ```

mod empty;
mod link;
mod watch;

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

pub use link::{KeeperLink, adopt_link};

use self::watch::Watch;
use super::containment::counted;
use crate::process::dumps;
use crate::process::observe::exit::Leader;
use crate::process::shortage;
use outboard_lifecycle::Exit;

/// The first argument that makes our binary the supervisor proper.
pub const SUPERVISE_ARGUMENT: &str = "__supervise";
/// Tells the supervisor that its standard input is the link, and whose.
const KEEPER_VARIABLE: &str = "OUTBOARD_KEEPER";

/// What a Rust program exits with after a panic in its main thread.
const PANICKED: i32 = 101;
/// What shells add to a signal's number.
const SIGNALLED: i32 = 128;
/// Before the first restart of a supervisor, so that one that dies at once does not fill the log.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Between two restarts at most. Longer would leave plugins down after the cause has gone.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A supervisor that ran this long was well; the next pause is the first one again.
const WELL_AFTER: Duration = Duration::from_secs(60);

/// How the keeper behaves.
#[derive(Debug)]
pub struct KeeperOptions {
    /// Stop when standard input ends, which happens when whoever started us is gone.
    pub exit_with_parent: bool,
    /// Start the supervisor again when it was killed or panicked. An exit by its own decision is passed on either way.
    pub restart: bool,
    /// The binary that is run with [`SUPERVISE_ARGUMENT`].
    pub binary: PathBuf,
}

impl Default for KeeperOptions {
    /// Neither, and this very binary, even where its file has been replaced since.
    fn default() -> Self {
        Self { exit_with_parent: false, restart: false, binary: PathBuf::from("/proc/self/exe") }
    }
}

/// The signals by which people order a stop: SIGINT, SIGQUIT and SIGTERM.
const ORDERS: [i32; 3] = [2, 3, 15];

/// Runs a supervisor with `args` after [`SUPERVISE_ARGUMENT`], until it has ended and everything below it as well.
///
/// Returns its exit code; 128 and the signal's number if a signal ended it; 1 if it could not be started. Call it before
/// any thread is started: signals are taken by the mask of this one.
pub fn run(options: &KeeperOptions, args: &[OsString]) -> ExitCode {
    keep(options, args).unwrap_or_else(|error| {
        let advice = if shortage::is_behind(&error) {
            ". The machine, or the limit of this user (`ulimit -a`), leaves no room for another process; raise it, or end something"
        } else {
            ""
        };
        say(&format!("cannot keep a supervisor: {error}{advice}"));
        ExitCode::FAILURE
    })
}

fn keep(options: &KeeperOptions, args: &[OsString]) -> io::Result<ExitCode> {
    // Any pid but none means yes.
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    let mut watch = Watch::new(options.exit_with_parent)?;
    let mut pause = FIRST_PAUSE;
    loop {
        let started = Instant::now();
        // The link is closed when this process ends, however it ends; the kernel sees to that.
        let (supervisor, link) = start_supervisor(options, args)?;
        let report = watch.until_ended(&supervisor)?;
        drop(link);
        // An order to stop that came before the supervisor could listen has ended it: it had begun nothing.
        let too_early =
            watch.asked_to_stop() && report.signal().is_some_and(|signal| ORDERS.contains(&signal));
        if too_early {
            empty::everything_below();
            supervisor.reap();
            return Ok(ExitCode::SUCCESS);
        }
        conclude(&supervisor, report);
        let crashed = !matches!(report, Exit::Code(code) if code != PANICKED);
        if !(options.restart && crashed) || watch.asked_to_stop() {
            return Ok(exit_code(report));
        }
        pause = if started.elapsed() >= WELL_AFTER { FIRST_PAUSE } else { pause };
        say(&format!("starting the supervisor again in {} s", pause.as_secs()));
        if watch.pause(pause)? {
            return Ok(exit_code(report));
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn start_supervisor(options: &KeeperOptions, args: &[OsString]) -> io::Result<(Leader, UnixStream)> {
    let (link, far) = UnixStream::pair()?;
    let child = Command::new(&options.binary)
        .arg0("outboard")
        .arg(SUPERVISE_ARGUMENT)
        .args(args)
        .env(KEEPER_VARIABLE, std::process::id().to_string())
        .envs(dumps::former_limit().map(|former| (dumps::CORE_VARIABLE, former.to_string())))
        .stdin(Stdio::from(OwnedFd::from(far)))
        // Ctrl-C goes to the terminal's foreground group, which is then the keeper alone.
        .process_group(0)
        .spawn()?;
    let pid = i32::try_from(child.id()).map_err(io::Error::other)?;
    Ok((Leader::of_child(pid)?, link))
}

/// Ends all that is left and says what people cannot see for themselves.
fn conclude(supervisor: &Leader, report: Exit) {
    let (ended, remnants) = empty::everything_below();
    supervisor.reap();
    if !matches!(report, Exit::Code(code) if code != PANICKED) {
        say(&format!("the supervisor {report}; {} that it left had to be ended", counted(ended)));
    }
    if !remnants.is_empty() {
        let names: Vec<String> = remnants.iter().map(ToString::to_string).collect();
        say(&format!("these processes would not end: {}", names.join(", ")));
    }
}

fn exit_code(report: Exit) -> ExitCode {
    let number = match report {
        Exit::Code(code) => code,
        Exit::Signal { number, .. } => SIGNALLED + number,
        Exit::Unknown => 1,
    };
    ExitCode::from(u8::try_from(number).unwrap_or(1))
}

/// Says it on standard error, where there still is one.
fn say(sentence: &str) {
    let _ = io::stderr().write_all(format!("outboard: {sentence}\n").as_bytes());
}
