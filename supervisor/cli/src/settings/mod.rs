//! What holds: flags before variables before `--set` before the settings file before defaults.
//!
//! ```text
//!   keys      every key, once: its kind, its place among the options, its meaning, its flag
//!   sources   file, --set, flags and variables (flags) ─▶ one table
//!   read      the table ─▶ options, the types of whoever uses the values
//! ```
//!
//! Called by every verb. Must not know what the settings are used for.

mod amounts;
mod flags;
mod keys;
mod kind;
mod options;
mod paths;
mod read;
#[cfg(test)]
mod reference;
mod sources;
mod trace;

use std::path::{Path, PathBuf};

use outboard_gateway::Address;

use crate::failure::{Failure, Outcome};
use paths::Standard;
use sources::Sources;

pub(crate) use amounts::Time;
pub(crate) use flags::{Typed, add_to};
pub(crate) use kind::{Account, Color};
pub(crate) use options::{OnePlugin, Options};
pub(crate) use sources::Named;
pub(crate) use trace::Trace;

/// The settings of this run of the program.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Where the supervisor's sockets are.
    pub(crate) runtime_dir: PathBuf,
    /// The settings file that was read, if any.
    pub(crate) source: Option<PathBuf>,
    /// Everything that is decided.
    pub(crate) options: Options,
    /// What is out of its range, with its place.
    beyond: Option<String>,
    sources: Sources,
}

/// Places that `run` uses, resolved.
#[derive(Debug)]
pub(crate) struct Places {
    /// Where plugins are looked for, in this order; absolute.
    pub(crate) plugin_dirs: Vec<PathBuf>,
    /// Who named them.
    pub(crate) plugin_dirs_named: Named,
    /// Where what must last is kept; absolute.
    pub(crate) data_dir: PathBuf,
    /// Where people reach the plugins.
    pub(crate) listen: Address,
}

impl Settings {
    /// Reads the settings file, and lays over it what `set` and flags say. A named file must be there; the standard one need not be.
    ///
    /// # Errors
    /// A usage failure that names the file and line, the flag or the variable.
    pub(crate) fn resolve(config: Option<&Path>, set: &[String], typed: Typed) -> Outcome<Self> {
        let standard = Standard::of_this_user();
        let source = match config {
            Some(path) => Some(absolute(path)?),
            None => standard.settings_file().filter(|path| path.exists()),
        };
        let here = absolute(Path::new("."))?;
        let sources = Sources::read(source.as_deref(), set, &here, typed).map_err(Failure::usage)?;
        let (options, beyond) = sources.merged().map_err(Failure::usage)?;
        let beyond =
            beyond.first().map(|first| format!("{}: {}", sources.place_of(&first.path), first.sentence));
        let runtime_dir = options.runtime_dir.clone().unwrap_or_else(|| standard.runtime_dir());
        Ok(Self { runtime_dir: absolute(&runtime_dir)?, source, options, beyond, sources })
    }

    /// Refuses values with which nobody could be looked after or served.
    ///
    /// # Errors
    /// A usage failure that names the first such key with its place.
    pub(crate) fn check_ranges(&self) -> Outcome {
        self.beyond.as_ref().map_or(Ok(()), |sentence| Err(Failure::usage(sentence)))
    }

    /// The failure that says that a key has a value which it must not have.
    pub(crate) fn wrong(&self, path: &[&str], must: &str) -> Failure {
        Failure::usage(format!("{}: `{}` must {must}", self.place_of(path), path.join(".")))
    }

    /// Where a key gets its value: a flag or variable, a `--set`, or the file with the line.
    pub(crate) fn place_of(&self, path: &[&str]) -> String {
        self.sources.place_of(path)
    }

    /// The places that `run` uses.
    ///
    /// # Errors
    /// A usage failure, where a default needs a home folder and there is none.
    pub(crate) fn places(&self) -> Outcome<Places> {
        let standard = Standard::of_this_user();
        let options = &self.options;
        let data_dir = match &options.data_dir {
            Some(dir) => dir.clone(),
            None => standard.data_dir().map_err(Failure::usage)?,
        };
        let (plugin_dirs, plugin_dirs_named) = if options.plugin_dirs.is_empty() {
            (vec![standard.data_dir().map_err(Failure::usage)?.join("plugins")], Named::Nowhere)
        } else {
            (options.plugin_dirs.clone(), self.sources.who_named("plugin_dirs"))
        };
        Ok(Places {
            plugin_dirs: plugin_dirs.iter().map(|dir| absolute(dir)).collect::<Outcome<_>>()?,
            plugin_dirs_named,
            data_dir: absolute(&data_dir)?,
            listen: match &options.listen {
                Address::Unix(path) => Address::Unix(absolute(path)?),
                Address::Tcp(address) => Address::Tcp(*address),
            },
        })
    }
}

/// Makes a path independent of where the command was typed.
fn absolute(path: &Path) -> Outcome<PathBuf> {
    std::path::absolute(path)
        .map_err(|error| Failure::usage(format!("{:?} is not a path to work with: {error}", path.display())))
}
