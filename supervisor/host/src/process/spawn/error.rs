//! Why a process could not be started, in words for whoever has to mend it.
//!
//! Made by [`super::spawner`] from what the trampoline reports; shown by the plugin actor as the cause of an errored
//! plugin. It must not know what happens next: every one of these means "cannot spawn".

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::image::{self, Image};
use super::order::{Failure, Step};
use super::spec::{LimitName, SpawnSpec};
use crate::process::label::Label;

/// The program did not start. Nothing of it is left behind when this is returned.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// No such file, anywhere that it was looked for.
    #[error("there is no program {program:?}; tried {}", listed(.tried))]
    NotFound {
        /// As in the manifest.
        program: String,
        /// Every path that was tried, in order.
        tried: Vec<PathBuf>,
    },
    /// The file is there and may not be run.
    #[error("{} may not be run: {why}", .path.display())]
    NotExecutable {
        /// The file.
        path: PathBuf,
        /// What forbids it, and what to do.
        why: String,
    },
    /// The file is there; what it needs in order to run is not.
    #[error("{} cannot run: its interpreter is missing ({line})", .path.display())]
    WrongInterpreter {
        /// The file.
        path: PathBuf,
        /// The `#!` line of a script, or the dynamic loader that a binary names.
        line: String,
    },
    /// The file is not a program for this machine.
    #[error("{} is not a program for this machine: {found}", .path.display())]
    WrongArchitecture {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        found: String,
    },
    /// The working directory cannot be entered.
    #[error("cannot enter the working directory {}", .path.display())]
    Chdir {
        /// The directory.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A resource limit was refused.
    #[error("cannot set the limit {limit:?} to {}", .value.map_or_else(|| "its value".to_owned(), |value| value.to_string()))]
    Limit {
        /// Which one.
        limit: LimitName,
        /// The value asked for.
        value: Option<u64>,
        /// Why not.
        source: io::Error,
    },
    /// Exec failed for a reason of its own, such as too many arguments or a file that is being written.
    #[error("cannot run {}", .path.display())]
    Exec {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A step of the preparation failed.
    #[error("cannot prepare a process for {program:?}: the step {step} failed")]
    Prepare {
        /// As in the manifest.
        program: String,
        /// What was being done.
        step: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// What was asked for cannot be passed to any program.
    #[error("cannot start {program:?}: {what}")]
    Unsuitable {
        /// As in the manifest.
        program: String,
        /// The argument, variable or size at fault, and the rule.
        what: String,
    },
    /// An earlier generation of the plugin is not proved empty. A later try may find it so.
    #[error("cannot start {label}: something of the generation before it may still live (pid {pid})")]
    Occupied {
        /// What was to be started.
        label: Label,
        /// The leader of the generation that is in the way.
        pid: i32,
    },
    /// The supervisor itself lacks something: descriptors, processes, its own binary.
    #[error("the supervisor cannot start a process: {doing} failed")]
    Supervisor {
        /// What was being done.
        doing: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// The trampoline ended or stayed silent before it reached the program.
    #[error("the process for {program:?} {how} before it reached the program; its stderr may say why")]
    Lost {
        /// As in the manifest.
        program: String,
        /// "was killed by SIGKILL", "said nothing for 10 s", …
        how: String,
    },
}

impl SpawnError {
    /// The operating system's error number, where one was the reason.
    pub fn errno(&self) -> Option<i32> {
        match self {
            Self::Chdir { source, .. }
            | Self::Limit { source, .. }
            | Self::Exec { source, .. }
            | Self::Prepare { source, .. }
            | Self::Supervisor { source, .. } => source.raw_os_error(),
            Self::NotFound { .. } | Self::WrongInterpreter { .. } => Some(nix::libc::ENOENT),
            Self::NotExecutable { .. } => Some(nix::libc::EACCES),
            Self::WrongArchitecture { .. } => Some(nix::libc::ENOEXEC),
            Self::Occupied { .. } => Some(nix::libc::EAGAIN),
            Self::Unsuitable { .. } | Self::Lost { .. } => None,
        }
    }
}

/// What an error is told about, kept from the spec after its descriptors have gone.
#[derive(Debug)]
pub(in crate::process) struct Subject {
    pub(in crate::process) program: String,
    pub(in crate::process) candidates: Vec<PathBuf>,
    cwd: PathBuf,
    limits: super::spec::Limits,
}

impl Subject {
    pub(in crate::process) fn of(spec: &SpawnSpec) -> Self {
        Self {
            program: spec.program.to_string_lossy().into_owned(),
            candidates: spec.candidates(),
            cwd: spec.cwd.clone(),
            limits: spec.limits.clone(),
        }
    }

    /// Where it was to run.
    pub(in crate::process) fn folder(&self) -> &Path {
        &self.cwd
    }

    /// What is known without a look at any file.
    pub(in crate::process) fn unexplained(&self, failure: &Failure) -> SpawnError {
        let source = io::Error::from_raw_os_error(failure.errno);
        match failure.step {
            Step::Folder => SpawnError::Chdir { path: self.cwd.clone(), source },
            Step::Limit(limit) => SpawnError::Limit { limit, value: self.limits.get(limit), source },
            Step::Exec => {
                let path = failure.path.clone().unwrap_or_else(|| PathBuf::from(&self.program));
                SpawnError::Exec { path, source }
            }
            step => SpawnError::Prepare { program: self.program.clone(), step: step.name(), source },
        }
    }

    /// Turns step and errno into a sentence, by looking at the files once more.
    pub(in crate::process) fn explain(&self, failure: Failure) -> SpawnError {
        match failure.step {
            Step::Exec => self.explain_exec(failure.path, io::Error::from_raw_os_error(failure.errno)),
            _ => self.unexplained(&failure),
        }
    }

    fn explain_exec(&self, path: Option<PathBuf>, source: io::Error) -> SpawnError {
        let path = path.or_else(|| self.candidates.iter().find(|path| path.exists()).cloned());
        let Some(path) = path else {
            return SpawnError::NotFound { program: self.program.clone(), tried: self.candidates.clone() };
        };
        match source.raw_os_error() {
            Some(nix::libc::ENOENT | nix::libc::ENOTDIR) => {
                SpawnError::WrongInterpreter { line: image::interpreter(&path), path }
            }
            Some(nix::libc::EACCES) => SpawnError::NotExecutable { why: why_not_executable(&path), path },
            Some(nix::libc::ENOEXEC) => SpawnError::WrongArchitecture { found: image::describe(&path), path },
            _ => SpawnError::Exec { path, source },
        }
    }
}

impl Step {
    fn name(self) -> &'static str {
        match self {
            Self::Order => "read what to start",
            Self::Session => "make a session",
            Self::Parent => "tie it to the supervisor, which has ended",
            Self::Signals => "reset the signals",
            Self::Descriptors => "arrange the descriptors",
            Self::Folder => "enter the working directory",
            Self::Limit(_) => "set the limits",
            Self::Privileges => "give up new privileges",
            Self::Exec => "run the program",
        }
    }
}

fn why_not_executable(path: &Path) -> String {
    use std::os::unix::fs::PermissionsExt;
    match std::fs::metadata(path) {
        Ok(meta) if meta.is_dir() => "it is a folder; name the program inside it".to_owned(),
        Ok(meta) if !meta.is_file() => {
            "it is a named pipe, a socket or a device, not a file; put the program there".to_owned()
        }
        Ok(meta) if meta.permissions().mode() & 0o111 == 0 => {
            let mode = meta.permissions().mode() & 0o7777;
            format!("it has no execute permission (mode {mode:04o}); chmod +x it")
        }
        Ok(_) => match image::look(path) {
            Image::Script(line) => {
                format!("it, or its interpreter ({line}), is not executable for this user")
            }
            _ => "its mode, a folder on its way or a noexec mount forbids it to this user".to_owned(),
        },
        Err(error) => format!("it cannot be reached: {error}"),
    }
}

fn listed(paths: &[PathBuf]) -> String {
    if paths.is_empty() {
        return "nothing, as its PATH has no absolute entry".to_owned();
    }
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// Refuses what the operating system could not pass on, naming the place.
pub(in crate::process) fn check(spec: &SpawnSpec) -> Result<(), SpawnError> {
    let unsuitable =
        |what: String| SpawnError::Unsuitable { program: spec.program.to_string_lossy().into_owned(), what };
    let nul = |text: &OsStr| text.as_bytes().contains(&0);
    if spec.program.is_empty() {
        return Err(unsuitable("its name is empty".to_owned()));
    }
    if let Some(at) = std::iter::once(&spec.program).chain(&spec.args).position(|arg| nul(arg)) {
        return Err(unsuitable(format!("argument {at} holds a NUL byte")));
    }
    let bad = |(name, value): &&(_, std::ffi::OsString)| -> bool {
        let name: &std::ffi::OsString = name;
        nul(name) || nul(value) || name.is_empty() || name.as_bytes().contains(&b'=')
    };
    if let Some((name, _)) = spec.env.iter().find(bad) {
        return Err(unsuitable(format!(
            "the variable {name:?} has a NUL byte, or no name, or '=' in its name"
        )));
    }
    if !spec.cwd.is_absolute() {
        return Err(unsuitable(format!("its working directory {} is not absolute", spec.cwd.display())));
    }
    Ok(())
}
