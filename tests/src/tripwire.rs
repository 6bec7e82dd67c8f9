//! Watches every system call of one thread, as a debugger does, and tells which of them reached for the file system.
//!
//! For the promise that the thread that runs everything makes no such call. Needs to be allowed to trace: as root, or where a
//! process may trace its descendants.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// As much of a path as is shown.
const PATH: usize = 256;

/// Calls that look for a path, and where among their arguments it is; and calls that wait for a disk.
#[cfg(target_arch = "x86_64")]
const OLD: &[(libc::c_long, &str, Option<usize>)] = &[
    (libc::SYS_open, "open", Some(0)),
    (libc::SYS_creat, "creat", Some(0)),
    (libc::SYS_stat, "stat", Some(0)),
    (libc::SYS_lstat, "lstat", Some(0)),
    (libc::SYS_access, "access", Some(0)),
    (libc::SYS_mkdir, "mkdir", Some(0)),
    (libc::SYS_rmdir, "rmdir", Some(0)),
    (libc::SYS_unlink, "unlink", Some(0)),
    (libc::SYS_rename, "rename", Some(0)),
    (libc::SYS_link, "link", Some(0)),
    (libc::SYS_symlink, "symlink", Some(0)),
    (libc::SYS_readlink, "readlink", Some(0)),
    (libc::SYS_chmod, "chmod", Some(0)),
    (libc::SYS_getdents, "getdents", None),
];
#[cfg(not(target_arch = "x86_64"))]
const OLD: &[(libc::c_long, &str, Option<usize>)] = &[];
const CALLS: &[(libc::c_long, &str, Option<usize>)] = &[
    (libc::SYS_openat, "openat", Some(1)),
    (libc::SYS_openat2, "openat2", Some(1)),
    (libc::SYS_newfstatat, "newfstatat", Some(1)),
    (libc::SYS_statx, "statx", Some(1)),
    (libc::SYS_faccessat, "faccessat", Some(1)),
    (libc::SYS_faccessat2, "faccessat2", Some(1)),
    (libc::SYS_mkdirat, "mkdirat", Some(1)),
    (libc::SYS_unlinkat, "unlinkat", Some(1)),
    (libc::SYS_renameat2, "renameat2", Some(1)),
    (libc::SYS_linkat, "linkat", Some(1)),
    (libc::SYS_symlinkat, "symlinkat", Some(0)),
    (libc::SYS_readlinkat, "readlinkat", Some(1)),
    (libc::SYS_fchmodat, "fchmodat", Some(1)),
    (libc::SYS_mknodat, "mknodat", Some(1)),
    (libc::SYS_utimensat, "utimensat", Some(1)),
    (libc::SYS_statfs, "statfs", Some(0)),
    (libc::SYS_truncate, "truncate", Some(0)),
    (libc::SYS_inotify_add_watch, "inotify_add_watch", Some(1)),
    (libc::SYS_execve, "execve", Some(0)),
    (libc::SYS_fstatfs, "fstatfs", None),
    (libc::SYS_ftruncate, "ftruncate", None),
    (libc::SYS_fallocate, "fallocate", None),
    (libc::SYS_fsync, "fsync", None),
    (libc::SYS_fdatasync, "fdatasync", None),
    (libc::SYS_sync, "sync", None),
    (libc::SYS_syncfs, "syncfs", None),
    (libc::SYS_getdents64, "getdents64", None),
    (libc::SYS_flock, "flock", None),
];

/// A thread under watch.
pub struct Tripwire {
    over: Arc<AtomicBool>,
    watching: JoinHandle<Vec<String>>,
}

impl Tripwire {
    /// Watches a thread from now on. The error says why it may not.
    pub fn on(thread: u32) -> Result<Self, String> {
        let over = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&over);
        let (tell, begun) = std::sync::mpsc::sync_channel(1);
        // All calls of a tracer have to come from one thread.
        let watching = std::thread::spawn(move || {
            let traced = Pid::from_raw(thread.cast_signed());
            let seized = ptrace::seize(traced, Options::PTRACE_O_TRACESYSGOOD)
                .and_then(|()| ptrace::interrupt(traced))
                .map_err(|error| format!("thread {thread} may not be traced: {error}"));
            let is_seized = seized.is_ok();
            tell.send(seized).unwrap();
            if is_seized { watch(traced, &until) } else { Vec::new() }
        });
        begun.recv().unwrap().map(|()| Self { over, watching })
    }

    /// Ends the watch; gives the calls that reached for the file system.
    pub fn end(self) -> Vec<String> {
        self.over.store(true, Ordering::Relaxed);
        self.watching.join().unwrap()
    }
}

fn watch(traced: Pid, until: &AtomicBool) -> Vec<String> {
    let memory = std::fs::File::open(format!("/proc/{traced}/mem")).unwrap();
    let (mut found, mut inside) = (Vec::new(), false);
    loop {
        let mut deliver: Option<Signal> = None;
        match waitpid(traced, Some(WaitPidFlag::__WALL)) {
            Ok(WaitStatus::PtraceSyscall(_)) => {
                inside = !inside;
                if inside {
                    found.extend(call(traced, &memory));
                }
            }
            Ok(WaitStatus::Stopped(_, signal)) => deliver = Some(signal),
            Ok(WaitStatus::PtraceEvent(..)) => {}
            // It has ended.
            _ => return found,
        }
        if until.load(Ordering::Relaxed) {
            let _ = ptrace::detach(traced, deliver);
            return found;
        }
        if ptrace::syscall(traced, deliver).is_err() {
            return found;
        }
    }
}

/// The call that a thread is about to make, where it is one of those.
fn call(traced: Pid, memory: &std::fs::File) -> Option<String> {
    let (number, arguments) = registers(traced)?;
    let (_, name, path) = OLD.iter().chain(CALLS).find(|(call, ..)| *call == number)?;
    let Some(at) = path else { return Some((*name).to_owned()) };
    let mut bytes = vec![0; PATH];
    let read = memory.read_at(&mut bytes, arguments[*at]).unwrap_or(0);
    bytes.truncate(bytes[..read].iter().position(|byte| *byte == 0).unwrap_or(read));
    // Without a path it is about a descriptor that is open, as a pipe's.
    (!bytes.is_empty()).then_some(())?;
    // What the kernel says of a process comes from memory, and waits for no disk.
    (!bytes.starts_with(b"/proc/")).then_some(())?;
    Some(format!("{name} {}", OsString::from_vec(bytes).display()))
}

#[cfg(target_arch = "x86_64")]
fn registers(traced: Pid) -> Option<(libc::c_long, [u64; 2])> {
    let registers = ptrace::getregs(traced).ok()?;
    Some((registers.orig_rax.cast_signed(), [registers.rdi, registers.rsi]))
}

#[cfg(target_arch = "aarch64")]
fn registers(traced: Pid) -> Option<(libc::c_long, [u64; 2])> {
    let registers = ptrace::getregset::<ptrace::regset::NT_PRSTATUS>(traced).ok()?;
    Some((registers.regs[8].cast_signed(), [registers.regs[0], registers.regs[1]]))
}
