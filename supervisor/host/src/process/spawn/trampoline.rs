//! The first thing that runs in a child: a fresh, single-threaded process of our own binary, which prepares itself and
//! then becomes the plugin by exec.
//!
//! The command line calls [`trampoline_main`] before anything else when its first argument is [`TRAMPOLINE_ARGUMENT`].
//! It must not start a thread, a runtime or a logger, and must not print: whatever fails goes back over the socket that
//! is its standard input.
//!
//! Why not between fork and exec in the supervisor: there, with threads, hardly anything may be called, and the
//! supervisor's memory would be copied for every spawn. Here ordinary code runs.
//!
//! A **session** of its own rather than a process group alone: the child then has no controlling terminal, so it can
//! neither read what the operator types, nor be stopped by job control; and everything that it starts shares the
//! session even when a shell in between makes groups, which is one more thing to know it by.

use std::ffi::{CString, OsStr, OsString};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;

use rustix::io::Errno;
use rustix::process::{Pid, Resource, Rlimit, Signal};

use super::inherited;
use super::order::{self, Failure, Order, Step};
use super::spec::{CPU_GRACE_SECONDS, LimitName, Limits};
use crate::process::dumps;
use crate::process::observe::facts;
use crate::process::observe::mark;

/// The first argument that makes our binary a trampoline.
pub const TRAMPOLINE_ARGUMENT: &str = "__exec";
/// The exit code when the program could not be started, as shells have it. The supervisor reads the socket, not this.
const CANNOT_START: i32 = 127;
/// The exit code when a person typed the argument.
const NOT_FOR_PEOPLE: i32 = 2;

/// Becomes the program that arrives over standard input. Never returns.
pub fn trampoline_main() -> ! {
    let Ok(control) = control_socket() else {
        let _ = writeln!(
            io::stderr(),
            "outboard {TRAMPOLINE_ARGUMENT} is how the supervisor starts a plugin; it is not for use by hand"
        );
        std::process::exit(NOT_FOR_PEOPLE);
    };
    let failure = match prepare(&control) {
        Ok(program) => program.execute(&control),
        Err(failure) => failure,
    };
    // Where even this fails the supervisor sees a death without a word and says so.
    let _ = serde_json::to_vec(&failure).map(|text| (&control).write_all(&text));
    std::process::exit(CANNOT_START);
}

fn control_socket() -> io::Result<UnixStream> {
    let stream = UnixStream::from(inherited::out_of_the_way(io::stdin())?);
    stream.local_addr()?;
    Ok(stream)
}

/// Everything up to exec, in the order in which no step can undo or prevent another one.
fn prepare(control: &UnixStream) -> Result<Program, Failure> {
    let (order, passed) = order::receive(control).map_err(at(Step::Order))?;
    let program = Program::new(&order).map_err(at(Step::Order))?;
    rustix::process::setsid().map_err(at(Step::Session))?;
    die_with(order.supervisor).map_err(at(Step::Parent))?;
    inherited::reset_signals().map_err(at(Step::Signals))?;
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(order.umask));
    arrange(passed, &order.descriptors).map_err(at(Step::Descriptors))?;
    rustix::process::chdir(&order.cwd).map_err(at(Step::Folder))?;
    if !order.allow_new_privileges {
        rustix::thread::set_no_new_privs(true).map_err(at(Step::Privileges))?;
    }
    give_back_descriptors(order.open_files).map_err(at(Step::Limit(LimitName::OpenFiles)))?;
    mark::put(order.mark);
    if let Some(former) = order.core_size {
        dumps::allow(former).map_err(at(Step::Limit(LimitName::CoreSize)))?;
    }
    // Last: a small limit could otherwise stop a step of our own.
    apply(&order.limits)?;
    Ok(program)
}

/// Has the kernel kill this process when the spawning thread ends, and makes sure that it has not ended already.
fn die_with(supervisor: i32) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    if rustix::process::getppid().map(Pid::as_raw_pid) == Some(supervisor) {
        return Ok(());
    }
    Err(Errno::SRCH.into())
}

/// Leaves exactly the passed descriptors open across exec, each under its number.
fn arrange(passed: Vec<OwnedFd>, numbers: &[i32]) -> io::Result<()> {
    if passed.len() != numbers.len() {
        return Err(Errno::BADF.into());
    }
    // Copies first: a passed descriptor may have arrived under the number of another one's target.
    let copies = passed.iter().map(inherited::out_of_the_way).collect::<io::Result<Vec<_>>>()?;
    drop(passed);
    inherited::close_on_exec_from(0)?;
    copies.iter().zip(numbers).try_for_each(|(copy, number)| inherited::place(copy, *number))
}

/// The supervisor has raised its own soft limit, and programs expect the one of this machine.
fn give_back_descriptors(soft: Option<u64>) -> io::Result<()> {
    let Some(soft) = soft else { return Ok(()) };
    let maximum = rustix::process::getrlimit(Resource::Nofile).maximum;
    let current = Some(soft.min(maximum.unwrap_or(u64::MAX)));
    Ok(rustix::process::setrlimit(Resource::Nofile, Rlimit { current, maximum })?)
}

fn apply(limits: &Limits) -> Result<(), Failure> {
    let wanted = [
        (LimitName::CoreSize, Resource::Core, limits.core_size, 0),
        (LimitName::FileSize, Resource::Fsize, limits.file_size, 0),
        (LimitName::CpuSeconds, Resource::Cpu, limits.cpu_seconds, CPU_GRACE_SECONDS),
        (LimitName::Processes, Resource::Nproc, limits.processes, 0),
        (LimitName::OpenFiles, Resource::Nofile, limits.open_files, 0),
        (LimitName::AddressSpace, Resource::As, limits.address_space, 0),
    ];
    for (name, resource, value, grace) in wanted {
        let Some(mut value) = value else { continue };
        if name == LimitName::Processes {
            value = value.saturating_add(facts::tasks_of(rustix::process::getuid().as_raw()));
        }
        // Only root may raise what it has inherited; and where that is stricter, it stays.
        let ceiling = rustix::process::getrlimit(resource).maximum.unwrap_or(u64::MAX);
        let maximum = value.saturating_add(grace).min(ceiling);
        let limit = Rlimit { current: Some(value.min(maximum)), maximum: Some(maximum) };
        rustix::process::setrlimit(resource, limit).map_err(at(Step::Limit(name)))?;
    }
    Ok(())
}

/// All that exec needs, made while memory may still be had.
struct Program {
    candidates: Vec<CString>,
    args: Vec<CString>,
    env: Vec<CString>,
}

impl Program {
    fn new(order: &Order) -> io::Result<Self> {
        let args = std::iter::once(&order.program)
            .chain(&order.args)
            .map(|arg| text(arg))
            .collect::<io::Result<_>>()?;
        let mut env: Vec<CString> =
            order.env.iter().map(|(name, value)| variable(name, value)).collect::<io::Result<_>>()?;
        // Only this process knows the pid that socket activation wants to see.
        if order.descriptors.contains(&super::spec::LISTENER_NUMBER) {
            env.push(variable(OsStr::new("LISTEN_PID"), OsStr::new(&std::process::id().to_string()))?);
        }
        let candidates =
            order.candidates.iter().map(|path| text(path.as_os_str())).collect::<io::Result<_>>()?;
        Ok(Self { candidates, args, env })
    }

    /// Tries the candidates in turn. Returns only when none runs.
    fn execute(&self, control: &UnixStream) -> Failure {
        if let Err(error) = (&*control).write_all(&[order::EXECUTING]) {
            return at(Step::Exec)(error);
        }
        let mut worst = Failure { step: Step::Exec, errno: Errno::NOENT.raw_os_error(), path: None };
        for candidate in &self.candidates {
            let Err(errno) = nix::unistd::execve(candidate, &self.args, &self.env);
            let path = Some(OsStr::from_bytes(candidate.as_bytes()).into());
            match errno {
                nix::Error::ENOENT | nix::Error::ENOTDIR => {}
                // Like execvp(3): another entry may hold one that may be run.
                nix::Error::EACCES => worst = Failure { step: Step::Exec, errno: errno as i32, path },
                _ => return Failure { step: Step::Exec, errno: errno as i32, path },
            }
        }
        worst
    }
}

fn variable(name: &OsStr, value: &OsStr) -> io::Result<CString> {
    let mut entry = OsString::from(name);
    entry.push("=");
    entry.push(value);
    text(&entry)
}

fn text(value: &OsStr) -> io::Result<CString> {
    CString::new(value.as_bytes()).map_err(|_| Errno::INVAL.into())
}

fn at<E: Into<io::Error>>(step: Step) -> impl Fn(E) -> Failure {
    move |error| Failure { step, errno: error.into().raw_os_error().unwrap_or_default(), path: None }
}
