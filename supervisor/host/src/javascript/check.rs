//! Whether Node would load a module, told without running it: by the runner's own check, so that a start decides the same.
//!
//! Called by `outboard check`, which needs no supervisor and leaves nothing behind: the runner is laid out in a folder for the moment.

use std::io::{ErrorKind, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use serde::Deserialize;

use super::{JavaScriptError, UnpackError, node, runner};

/// The check's program among the runner's files.
const PROGRAM: &str = "check.mjs";
/// How long the files of a plugin may take to be parsed.
const CHECK_FOR: Duration = Duration::from_secs(30);
/// Names that are tried for the folder of the moment.
const TRIES: u32 = 16;
/// More than any plugin's problems; what comes after is not read.
const MOST_TOLD: u64 = 1024 * 1024;

/// What stands in the way of a module.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Problem {
    /// A file, with a line where it is known.
    pub place: String,
    /// What is wrong, and what to do.
    pub reason: String,
    /// Whether it starts all the same: it counts on something that this host lacks.
    #[serde(default)]
    pub warning: bool,
}

/// What Node would refuse about the module `entry` of the plugin in `folder`, and about what it imports. None where the check itself
/// could not be run: a start may still succeed.
///
/// # Errors
/// There is no Node, or nowhere to lay the check out.
pub fn problems(set: Option<&Path>, entry: &Path, folder: &Path) -> Result<Vec<Problem>, JavaScriptError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let node = node::find(set, &path)?;
    let place = Place::new()?;
    let mut command = Command::new(&node.program);
    command.args(["--experimental-vm-modules", "--no-warnings"]);
    command.arg(place.0.join(PROGRAM)).arg(entry).arg(folder).current_dir(folder);
    if node.electron {
        command.env("ELECTRON_RUN_AS_NODE", "1");
    }
    Ok(match answer(command) {
        Some(Ok(problems)) => problems,
        Some(Err(Late)) => vec![Problem {
            place: entry.display().to_string(),
            reason: format!(
                "Node did not finish reading it and what it imports within {} s; look for an import that never ends",
                CHECK_FOR.as_secs()
            ),
            warning: false,
        }],
        None => Vec::new(),
    })
}

/// The check had not ended when its time was over.
struct Late;

/// `None` where the check could not be run, or what it said cannot be read.
fn answer(mut command: Command) -> Option<Result<Vec<Problem>, Late>> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    let stdout = child.stdout.take();
    let (answered, answer) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        let mut said = Vec::new();
        let read = stdout.and_then(|stdout| stdout.take(MOST_TOLD).read_to_end(&mut said).ok());
        // Nobody listens any more where the answer came too late.
        let _ = answered.send(read.map(|_| said));
    });
    let said = answer.recv_timeout(CHECK_FOR);
    // It has answered, or never will; either way it must not stay.
    let _ = child.kill();
    let _ = child.wait();
    match said {
        Ok(said) => serde_json::from_slice(&said?).ok().map(Ok),
        Err(RecvTimeoutError::Timeout) => Some(Err(Late)),
        Err(RecvTimeoutError::Disconnected) => None,
    }
}

/// A folder for the moment.
struct Place(PathBuf);

impl Place {
    fn new() -> Result<Self, UnpackError> {
        let mut tries = 0;
        loop {
            let at = std::env::temp_dir().join(format!("outboard-check-{}-{tries}", std::process::id()));
            match std::fs::DirBuilder::new().mode(0o700).create(&at) {
                Ok(()) => {
                    let place = Self(at);
                    return match runner::lay_out(&place.0) {
                        Ok(()) => Ok(place),
                        Err(source) => Err(UnpackError::new(place.0.clone(), source)),
                    };
                }
                // What a process with our number left behind.
                Err(error) if error.kind() == ErrorKind::AlreadyExists && tries < TRIES => tries += 1,
                Err(source) => return Err(UnpackError::new(at, source)),
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
