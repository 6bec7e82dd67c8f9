//! Small reads from /proc: what is true of one process right now.
//!
//! Called by everything else in this folder.
//! It must not change anything, and it must not remember anything: every answer may be stale when it arrives, so
//! callers that act on one compare the start time again (see `contain::kill`).
//!
//! That there is no such process is an answer. That the look failed, as for lack of descriptors, is an error wherever
//! a caller would take it for one: what nobody has seen is not proved to be gone.

use std::fs;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::LazyLock;
use std::time::Duration;

/// As much of the kernel's counters as is read; they have some kilobytes.
const COUNTERS_MOST: usize = 32 * 1024;
/// In what the kernel counts times in /proc (its `USER_HZ`): the same on every architecture that this runs on.
const TICKS_A_SECOND: u64 = 100;
/// The kernel's flag of a thread that is on its way out (`PF_EXITING`).
const EXITING: u64 = 0x4;

/// The parts of `/proc/<pid>/stat` that tell who a process is and to whom it belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// The command name as the kernel keeps it, at most 15 bytes.
    pub command: String,
    /// One letter: `R`, `S`, `D`, `Z`, `T`, `t`, `X`, …
    pub state: char,
    /// The parent's pid. 0 for a process whose parent is outside this pid namespace.
    pub parent: i32,
    /// The process group.
    pub group: i32,
    /// The session.
    pub session: i32,
    /// Living threads, the main one included even when it alone has exited.
    pub threads: u32,
    /// When the process started, in clock ticks since boot. With the pid it names one process for the whole uptime.
    pub start_time: u64,
    /// Where the environment lies in the process's memory, another place after each exec. The kernel does not show it in the
    /// middle of an exec, after the end, and for a process that may not be looked into; an empty environment has a place
    /// like any other.
    pub environment: Option<u64>,
    /// Whether its main thread is on its way out, or has gone that way.
    pub main_thread_ends: bool,
}

impl Stat {
    /// Whether nothing of the process runs any more. A main thread that has left while others live shows as `Z` as
    /// well, and such a process is not dead.
    pub fn is_dead(&self) -> bool {
        matches!(self.state, 'Z' | 'X') && self.threads <= 1
    }

    /// Whether it is dead, or about to be.
    pub fn is_ending(&self) -> bool {
        self.is_dead() || (self.main_thread_ends && self.threads <= 1)
    }
}

/// This process, as the kernel's calls want it.
pub(in crate::process) fn own_pid() -> i32 {
    rustix::process::getpid().as_raw_pid()
}

/// Reads `/proc/<pid>/stat`. `None` when there is no such process.
///
/// # Errors
/// When the look failed.
pub fn look_at(pid: i32) -> io::Result<Option<Stat>> {
    Ok(unless_gone(fs::read(format!("/proc/{pid}/stat")))?.and_then(|bytes| parse_stat(&bytes)))
}

/// As [`look_at`], for callers to whom it is all the same whether there is no such process or the look failed.
pub fn stat(pid: i32) -> Option<Stat> {
    look_at(pid).ok().flatten()
}

/// What was read of a process; `None` when it has gone, or may not be looked into.
pub(in crate::process) fn unless_gone<T>(read: io::Result<T>) -> io::Result<Option<T>> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(error) if says_gone(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn says_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied)
        || error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error())
}

/// When `pid` started, in clock ticks since boot. `None` when there is no such process.
pub fn start_time(pid: i32) -> Option<u64> {
    Some(stat(pid)?.start_time)
}

/// Whether the process that had this pid at this start time still runs (a zombie does not).
pub fn alive(pid: i32, start_time: u64) -> bool {
    stat(pid).is_some_and(|stat| stat.start_time == start_time && !stat.is_dead())
}

/// The command name of `pid`, at most 15 bytes. `None` when there is no such process.
pub fn command(pid: i32) -> Option<String> {
    Some(stat(pid)?.command)
}

/// The file name of the program that `pid` runs; empty when there is no such process, or it may not be looked into.
pub fn program(pid: i32) -> String {
    let program = fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
    program.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// How much of the processor `pid` has used, its ended threads included. Told of a zombie as well, until it is reaped.
pub fn processor_time(pid: i32) -> Option<Duration> {
    let bytes = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let close = bytes.iter().rposition(|byte| *byte == b')')?;
    let rest = std::str::from_utf8(bytes.get(close + 1..)?).ok()?;
    // Fields 14 and 15 of proc(5), which begins with 3 here.
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let ticks: u64 = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks.saturating_mul(1_000) / TICKS_A_SECOND))
}

/// The thread that traces `pid`, if one does; whose it is decides whether that is a debugger.
pub fn tracer_pid(pid: i32) -> Option<i32> {
    status_number(pid, "TracerPid:").filter(|tracer| *tracer != 0)
}

/// The process of a thread.
pub fn process_of(thread: i32) -> Option<i32> {
    status_number(thread, "Tgid:")
}

fn status_number(pid: i32, name: &str) -> Option<i32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix(name))?.trim().parse().ok()
}

/// Whether SIGKILL was sent to `pid`, which may not have come to its end yet.
pub fn is_killed(pid: i32) -> bool {
    const KILL: u64 = 1 << 8;
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let pending = |name| status.lines().find_map(|line| line.strip_prefix(name));
    let masks = ["SigPnd:", "ShdPnd:"].into_iter().filter_map(pending);
    masks.filter_map(|mask| u64::from_str_radix(mask.trim(), 16).ok()).any(|mask| mask & KILL != 0)
}

/// The living and zombie children of `pid`, those of all its threads.
///
/// Where the kernel has no `children` files, all of /proc is searched by parent, which is slower by a factor of the
/// number of processes on the machine.
///
/// # Errors
/// When the look failed. A process that has gone has no children.
pub fn children(pid: i32) -> io::Result<Vec<i32>> {
    let mut found = Vec::new();
    let Some(threads) = unless_gone(fs::read_dir(format!("/proc/{pid}/task")))? else { return Ok(found) };
    for thread in threads {
        let Some(thread) = unless_gone(thread)? else { break };
        match fs::read_to_string(thread.path().join("children")) {
            Ok(text) => {
                found.extend(text.split_ascii_whitespace().filter_map(|word| word.parse::<i32>().ok()));
            }
            // The thread has left since it was listed; its children now belong to another one.
            Err(error) if thread_left(&error, &thread.path()) => {}
            // The kernel has no such files.
            Err(error) if says_gone(&error) => return children_by_parent(pid),
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// Every process id that /proc lists.
///
/// # Errors
/// When the look failed.
pub fn every_pid() -> io::Result<Vec<i32>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        found.extend(entry?.file_name().to_str().and_then(|name| name.parse::<i32>().ok()));
    }
    Ok(found)
}

/// Processes and threads of a user, as the kernel counts them for its limit.
pub fn tasks_of(uid: u32) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let of_user = |pid: &i32| fs::metadata(format!("/proc/{pid}/task")).is_ok_and(|meta| meta.uid() == uid);
    every_pid()
        .unwrap_or_default()
        .into_iter()
        .filter(of_user)
        .filter_map(stat)
        .map(|stat| u64::from(stat.threads))
        .sum()
}

/// The value of `name` in the environment that `pid` was started with. `None` as well for zombies and for processes that
/// may not be looked into.
///
/// # Errors
/// When the look failed.
///
/// The kernel reads it from the process's own memory: where that is locked, by a thread that waits for a disk, this waits as
/// long. To be asked on a thread that can be given up (see `observe::environ`).
pub fn environment_value(pid: i32, name: &str) -> io::Result<Option<String>> {
    let block = unless_gone(fs::read(format!("/proc/{pid}/environ")))?.unwrap_or_default();
    let entry = block
        .split(|byte| *byte == 0)
        .find_map(|entry| entry.strip_prefix(name.as_bytes())?.strip_prefix(b"="));
    Ok(entry.and_then(|entry| String::from_utf8(entry.to_vec()).ok()))
}

/// The numbers of the sockets that `pid` holds open. None for a process that has gone or may not be looked into.
///
/// # Errors
/// When the look failed.
pub fn sockets(pid: i32) -> io::Result<Vec<u64>> {
    let mut found = Vec::new();
    let entries = unless_gone(fs::read_dir(format!("/proc/{pid}/fd")))?;
    for entry in entries.into_iter().flatten() {
        let Some(entry) = unless_gone(entry)? else { break };
        // One that was closed since is no longer among them.
        let Some(target) = unless_gone(fs::read_link(entry.path()))? else { continue };
        let number = target.to_str().and_then(|target| target.strip_prefix("socket:[")?.strip_suffix(']'));
        found.extend(number.and_then(|number| number.parse::<u64>().ok()));
    }
    Ok(found)
}

/// How many processes the kernel has killed for lack of memory since boot, on the whole machine.
///
/// One that was killed by SIGKILL while this number rose was probably one of them.
pub fn out_of_memory_kills() -> Option<u64> {
    // Kept open: it is asked at the begin and at the end of each process, where nothing is to be opened.
    static COUNTERS: LazyLock<Option<fs::File>> = LazyLock::new(|| fs::File::open("/proc/vmstat").ok());
    let (file, mut counters, mut end) = (COUNTERS.as_ref()?, vec![0; COUNTERS_MOST], 0);
    while let Ok(read @ 1..) = file.read_at(&mut counters[end..], end as u64) {
        end += read;
    }
    let counters = std::str::from_utf8(&counters[..end]).ok()?;
    counters.lines().find_map(|line| line.strip_prefix("oom_kill "))?.trim().parse().ok()
}

/// The id of this boot of the machine. Pids and start times mean nothing across two boots.
pub fn boot_id() -> io::Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
}

fn thread_left(error: &io::Error, thread: &std::path::Path) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error()) || !thread.exists()
}

fn children_by_parent(pid: i32) -> io::Result<Vec<i32>> {
    let mut found = Vec::new();
    for child in every_pid()? {
        found.extend(look_at(child)?.filter(|stat| stat.parent == pid).map(|_| child));
    }
    Ok(found)
}

fn parse_stat(bytes: &[u8]) -> Option<Stat> {
    // The command may hold spaces and brackets of its own: it ends at the last closing one.
    let open = bytes.iter().position(|byte| *byte == b'(')?;
    let close = bytes.iter().rposition(|byte| *byte == b')')?;
    let command = String::from_utf8_lossy(bytes.get(open + 1..close)?).into_owned();
    let rest = std::str::from_utf8(bytes.get(close + 1..)?).ok()?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    // Numbered from the state, which proc(5) calls field 3.
    Some(Stat {
        command,
        state: fields.first()?.chars().next()?,
        parent: fields.get(1)?.parse().ok()?,
        group: fields.get(2)?.parse().ok()?,
        session: fields.get(3)?.parse().ok()?,
        threads: fields.get(17)?.parse().ok()?,
        start_time: fields.get(19)?.parse().ok()?,
        environment: fields.get(47).and_then(|address| address.parse().ok()).filter(|address| *address != 0),
        main_thread_ends: fields.get(6)?.parse::<u64>().ok()? & EXITING != 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_name_with_spaces_and_brackets_does_not_shift_the_fields() {
        let line = b"42 (a) b (c) S 1 7 9 0 -1 0 0 0 0 0 0 0 0 0 20 0 3 0 5511 0 0";
        let stat = parse_stat(line).expect("a well-formed line");
        assert_eq!((stat.command.as_str(), stat.state), ("a) b (c", 'S'));
        assert_eq!((stat.parent, stat.group, stat.session), (1, 7, 9));
        assert_eq!((stat.threads, stat.start_time), (3, 5511));
    }

    #[test]
    fn a_zombie_main_thread_with_living_siblings_is_not_dead() {
        let line = b"42 (x) Z 1 7 9 0 -1 4194308 0 0 0 0 0 0 0 0 20 0 2 0 5511 0 0";
        let stat = parse_stat(line).expect("a well-formed line");
        assert!(!stat.is_dead() && !stat.is_ending());
    }

    #[test]
    fn a_process_that_is_on_its_way_out_is_not_dead_yet_and_says_that_it_ends() {
        let line = b"42 (x) S 1 7 9 0 -1 4194308 0 0 0 0 0 0 0 0 20 0 1 0 5511 0 0";
        let stat = parse_stat(line).expect("a well-formed line");
        assert!(!stat.is_dead() && stat.is_ending());
    }

    #[test]
    fn a_truncated_line_is_no_process() {
        assert_eq!(parse_stat(b"42 (x) Z 1"), None);
        assert_eq!(parse_stat(b""), None);
    }

    #[test]
    fn this_process_is_alive_at_its_own_start_time_only() {
        let me = i32::try_from(std::process::id()).expect("a pid fits");
        let start = start_time(me).expect("this process exists");
        assert!(alive(me, start));
        assert!(!alive(me, start + 1));
        assert!(stat(me).expect("this process exists").environment.is_some());
        assert_eq!(tracer_pid(me), None);
        assert!(out_of_memory_kills().is_some());
    }
}
