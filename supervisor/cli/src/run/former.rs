//! The supervisor that holds the runtime folder while another one starts: whether it stays, or is on its way down.
//!
//! Asked by [`super::runtime_folder`] for as long as the folder is held. It must not wait, and it changes nothing.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use outboard_host::process::facts;

use super::SupervisorRecord;

/// What is to be expected of the holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It runs.
    Stays,
    /// It has been killed, and the kernel is about to let go of what it held.
    Dies,
    /// It has lost its keeper, and ends its plugins before it ends itself.
    Leaves(i32),
    /// It has not said who it is: it starts, or has just ended.
    Unknown,
}

/// Looks at the holder of this lock in this folder.
pub(super) fn standing(lock: &File, runtime_dir: &Path) -> Standing {
    let record = SupervisorRecord::read(runtime_dir).ok();
    let number = |pid: u32| i32::try_from(pid).ok();
    let written = record.as_ref().and_then(|record| number(record.pid));
    let Some(pid) = holder(lock).or(written) else { return Standing::Unknown };
    let Some(stat) = facts::stat(pid).filter(|stat| !stat.is_dead()) else { return Standing::Dies };
    if facts::is_killed(pid) {
        return Standing::Dies;
    }
    match record.filter(|_| written == Some(pid)) {
        None => Standing::Unknown,
        Some(record) => match record.keeper_pid.and_then(number) {
            Some(keeper) if stat.parent != keeper => Standing::Leaves(pid),
            _ => Standing::Stays,
        },
    }
}

/// Who holds the lock on a file, as the kernel tells; `None` where it tells nothing, as for a process that cannot be seen from
/// here.
fn holder(lock: &File) -> Option<i32> {
    let found = lock.metadata().ok()?;
    let (major, minor) = (rustix::fs::major(found.dev()), rustix::fs::minor(found.dev()));
    let name = format!("{major:02x}:{minor:02x}:{}", found.ino());
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    locks.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        // Number, kind, rule, mode, process, file. A waiting one has an arrow behind its number.
        let [_, "FLOCK", _, "WRITE", pid, file, ..] = fields[..] else { return None };
        if file != name {
            return None;
        }
        pid.parse().ok().filter(|pid| *pid > 0)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step fails the test")]
    use super::*;

    #[test]
    fn the_holder_of_a_lock_is_found_without_its_word() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let lock = File::create(&path).unwrap();
        assert_eq!(holder(&lock), None);
        lock.try_lock().unwrap();
        let me = i32::try_from(std::process::id()).unwrap();
        assert_eq!(holder(&File::open(&path).unwrap()), Some(me));
        assert_eq!(standing(&lock, folder.path()), Standing::Unknown, "it has written nothing down");
    }
}
