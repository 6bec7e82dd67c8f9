//! What to start: one value that says everything about a process before it exists.
//!
//! Filled in by the plugin actor, read by [`super::spawner`]. It must not know why a process is started, nor what will
//! be said over its descriptors.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::process::label::Label;

/// The child's descriptor for its listening socket, as socket activation has it.
pub(in crate::process) const LISTENER_NUMBER: i32 = 3;
/// The child's descriptors for the wire where that is not stdio: the one it reads, and the one it writes.
pub(in crate::process) const WIRE_NUMBERS: (i32, i32) = (4, 5);

/// Which descriptors of the child carry the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Wire {
    /// Standard input and output: the child reads 0 and writes 1.
    #[default]
    Stdio,
    /// The child reads 4 and writes 5 (`OUTBOARD_RPC_FDS=4,5`); 0 is /dev/null and 1 goes to the log, so that no print
    /// can reach the wire.
    Fd,
    /// There is none: 0 is /dev/null, 1 goes to the log, and our ends of the wire are closed from the start.
    None,
}

/// Resource limits, each set soft and hard before the program runs. `None` leaves what the supervisor has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of address space.
    pub address_space: Option<u64>,
    /// Processes and threads beyond those that the user has when the child starts, as the kernel counts the whole user's
    /// and knows nothing of plugins. It is not applied to root.
    pub processes: Option<u64>,
    /// Open descriptors.
    pub open_files: Option<u64>,
    /// Bytes of the largest file that may be written. A write past it raises SIGXFSZ.
    pub file_size: Option<u64>,
    /// Bytes of a core dump.
    pub core_size: Option<u64>,
    /// Seconds of processor time. SIGXCPU at the limit, SIGKILL [`CPU_GRACE_SECONDS`] later.
    pub cpu_seconds: Option<u64>,
}

impl Limits {
    /// The value of one of them.
    pub fn get(&self, limit: LimitName) -> Option<u64> {
        match limit {
            LimitName::AddressSpace => self.address_space,
            LimitName::Processes => self.processes,
            LimitName::OpenFiles => self.open_files,
            LimitName::FileSize => self.file_size,
            LimitName::CoreSize => self.core_size,
            LimitName::CpuSeconds => self.cpu_seconds,
        }
    }
}

/// Which of [`Limits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LimitName {
    /// [`Limits::address_space`]
    AddressSpace,
    /// [`Limits::processes`]
    Processes,
    /// [`Limits::open_files`]
    OpenFiles,
    /// [`Limits::file_size`]
    FileSize,
    /// [`Limits::core_size`]
    CoreSize,
    /// [`Limits::cpu_seconds`]
    CpuSeconds,
}

/// How long after SIGXCPU the kernel kills. With both at the same second it kills outright, and the report could not
/// name the limit.
pub const CPU_GRACE_SECONDS: u64 = 2;

/// Everything about a process before it exists.
#[derive(Debug)]
pub struct SpawnSpec {
    /// Whose process it is.
    pub label: Label,
    /// As in the manifest: with a slash it is relative to `cwd` or absolute; without, it is looked up on the `PATH` of
    /// `env` (absolute entries only).
    pub program: OsString,
    /// Arguments after the program's name.
    pub args: Vec<OsString>,
    /// The whole environment. Nothing is inherited; descriptors' variables are added (`LISTEN_FDS` and its family,
    /// `OUTBOARD_RPC_FDS`, [`crate::process::MARKER_VARIABLE`]).
    pub env: Vec<(OsString, OsString)>,
    /// The working directory, absolute.
    pub cwd: PathBuf,
    /// Where the wire is.
    pub wire: Wire,
    /// A listening socket for the child's descriptor 3. The supervisor's copy is closed, so that a dead child refuses.
    pub listener: Option<OwnedFd>,
    /// Resource limits.
    pub limits: Limits,
    /// Lets setuid programs and file capabilities work in the child. Off by default: what has gained privileges can no
    /// longer be signalled by a supervisor without them, so the containment could not be emptied.
    pub allow_new_privileges: bool,
}

impl SpawnSpec {
    /// The mode bits that files made by the child lack unless it says otherwise: its data is its user's alone.
    pub const UMASK: u32 = 0o077;

    /// A spec with an empty environment, no limits, the wire on stdio and no listener.
    pub fn new(label: Label, program: impl Into<OsString>, cwd: impl Into<PathBuf>) -> Self {
        Self {
            label,
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            cwd: cwd.into(),
            wire: Wire::default(),
            listener: None,
            limits: Limits::default(),
            allow_new_privileges: false,
        }
    }

    /// The files that are tried in turn: one for a program with a slash, one an absolute `PATH` entry for a bare name.
    pub fn candidates(&self) -> Vec<PathBuf> {
        let program = PathBuf::from(&self.program);
        if self.program.as_encoded_bytes().contains(&b'/') {
            return vec![normalised(&self.cwd.join(program))];
        }
        let path = self.env.iter().rev().find(|(name, _)| name == "PATH");
        let path = path.map_or_else(|| OsString::from(DEFAULT_PATH), |(_, value)| value.clone());
        // A relative entry would run what an archive happens to hold under a system program's name.
        std::env::split_paths(&path)
            .filter(|folder| folder.is_absolute())
            .map(|folder| folder.join(&program))
            .collect()
    }
}

/// Where bare names are looked up when the environment has no `PATH`.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Drops the `.` of `/install/./bin/plugin`, so that messages show the path that people know.
fn normalised(path: &std::path::Path) -> PathBuf {
    path.components().filter(|part| !matches!(part, std::path::Component::CurDir)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(program: &str) -> SpawnSpec {
        SpawnSpec::new(Label { plugin: "p".into(), generation: 1 }, program, "/install")
    }

    #[test]
    fn a_program_with_a_slash_is_relative_to_the_working_directory() {
        assert_eq!(spec("./bin/plugin").candidates(), [PathBuf::from("/install/bin/plugin")]);
        assert_eq!(spec("/bin/true").candidates(), [PathBuf::from("/bin/true")]);
    }

    #[test]
    fn a_bare_name_is_tried_in_every_absolute_entry_of_its_own_path() {
        let mut spec = spec("tool");
        spec.env.push(("PATH".into(), "/a::.:b:/c".into()));
        assert_eq!(spec.candidates(), [PathBuf::from("/a/tool"), PathBuf::from("/c/tool")]);
    }
}
