//! How a JavaScript plugin becomes a command: which `node`, which runner, which arguments.
//!
//! Called when a plugin's program is a module. Knows no process and no message.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What an operator can set about JavaScript, and where we may unpack things.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The `node` to use, in place of the first one on the PATH that is new enough.
    pub node: Option<PathBuf>,
    /// A folder of ours for the unpacked runner.
    pub runner_dir: PathBuf,
}

/// A command for the process layer.
#[derive(Debug, Clone)]
pub struct Command {
    /// The interpreter.
    pub program: OsString,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Variables that it needs.
    pub env: Vec<(String, OsString)>,
}

/// A JavaScript plugin cannot be run; the sentence says what to install or set.
#[derive(Debug, Clone, thiserror::Error)]
pub enum JavaScriptError {
    /// This build has no runner.
    #[error("{} is a JavaScript module, and this build of Outboard has no runner for those; give `run.command` instead", .0.display())]
    NoRunner(PathBuf),
}

/// The command that runs a module.
///
/// # Errors
/// [`JavaScriptError`], when there is no way to.
pub fn command(entry: &Path, _folder: &Path, _options: &Options) -> Result<Command, JavaScriptError> {
    Err(JavaScriptError::NoRunner(entry.to_owned()))
}
