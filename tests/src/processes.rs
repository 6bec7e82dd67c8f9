//! What /proc says: which processes belong to a case, whose children they are, and what they hold.

use std::collections::BTreeMap;
use std::path::Path;

/// A process at the moment of a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Its parent's.
    pub parent: u32,
    /// The letter of /proc: `Z` is a zombie.
    pub state: char,
    /// When it began, in clock ticks: with the number, this is who it is.
    pub started: u64,
    /// Its program's name in the kernel.
    pub name: String,
}

impl Process {
    /// Looks one up.
    pub fn look(pid: u32) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (before, after) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = after.split_whitespace().collect();
        Some(Self {
            pid,
            parent: fields.get(1)?.parse().ok()?,
            state: fields.first()?.chars().next()?,
            started: fields.get(19)?.parse().ok()?,
            name: before.split_once('(')?.1.to_owned(),
        })
    }

    /// Whether this very process still lives. A zombie does not, once the last of its threads has let go of what it held.
    pub fn lives(&self) -> bool {
        let threads = || std::fs::read_dir(format!("/proc/{}/task", self.pid)).map_or(0, Iterator::count);
        Self::look(self.pid)
            .is_some_and(|now| now.started == self.started && (now.state != 'Z' || threads() > 1))
    }

    /// Sends a signal.
    pub fn signal(&self, signal: nix::sys::signal::Signal) {
        kill(self.pid, signal);
    }
}

/// Sends a signal to a process that the test knows.
pub fn kill(pid: u32, signal: nix::sys::signal::Signal) {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid.cast_signed()), signal).unwrap();
}

fn all() -> BTreeMap<u32, Process> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid: u32| Some((pid, Process::look(pid)?))).collect()
}

/// Everything below this process.
pub fn descendants(root: u32) -> Vec<Process> {
    let all = all();
    let is_below = |process: &&Process| {
        let mut at = process.parent;
        while at > 1 && at != root {
            at = all.get(&at).map_or(0, |parent| parent.parent);
        }
        at == root
    };
    all.values().filter(is_below).cloned().collect()
}

/// Every living process whose program lies below this folder, wherever it has gone to.
pub fn programs_below(folder: &Path) -> Vec<Process> {
    let from_here = |process: &Process| {
        std::fs::read_link(format!("/proc/{}/exe", process.pid)).is_ok_and(|exe| exe.starts_with(folder))
    };
    all().into_values().filter(|process| process.state != 'Z' && from_here(process)).collect()
}

/// How many descriptors a process has open.
pub fn descriptors(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count)
}

/// What a process's descriptors are.
pub fn descriptor_targets(pid: u32) -> Vec<String> {
    let entries = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    entries.filter_map(|entry| Some(std::fs::read_link(entry.path()).ok()?.display().to_string())).collect()
}

/// A number of /proc/PID/status, such as `VmRSS` (KiB) or `Threads`.
pub fn status_number(pid: u32, key: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

/// The command line of a process, its words parted by spaces.
pub fn command_line(pid: u32) -> String {
    let bytes = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).replace('\0', " ")
}
