//! Merges the layers, each value decided once.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use outboard_gateway::Address;
use outboard_protocol::context::logger::LogLevel;

use super::file::{self, File};
use super::paths::Standard;
use super::single;
use crate::arguments::{Color, Global, RunArguments};
use crate::failure::{Failure, Outcome};

/// The port that prebuilt user interfaces call.
const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 2066);

/// What holds for every verb.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Where the supervisor's sockets are.
    pub(crate) runtime_dir: PathBuf,
    /// Whether to answer with JSON.
    pub(crate) json: bool,
    /// When to use colours.
    pub(crate) color: Color,
    /// How long to wait for an answer; `None`: what the question needs.
    pub(crate) timeout: Option<Duration>,
    /// The settings file that was read, if any.
    pub(crate) source: Option<PathBuf>,
    /// What the file says, for what only some verbs need.
    pub(crate) file: File,
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Named {
    /// A flag or its variable.
    Typed,
    /// The settings file, or `--set`.
    InFile,
    /// Nobody: it is the default.
    Nowhere,
}

/// What holds for `run`.
#[derive(Debug)]
pub(crate) struct RunSettings {
    /// Where plugins are looked for, in this order; absolute.
    pub(crate) plugin_dirs: Vec<PathBuf>,
    /// Who named them.
    pub(crate) plugin_dirs_named: Named,
    /// Where what must last is kept; absolute.
    pub(crate) data_dir: PathBuf,
    /// Where people reach the plugins.
    pub(crate) listen: Address,
    /// Whether one JSON line takes the place of the summary.
    pub(crate) ready_json: bool,
    /// Whether the end of standard input ends the supervisor.
    pub(crate) exit_with_parent: bool,
    /// Whether the keeper starts a supervisor again that was killed or failed.
    pub(crate) restart_supervisor: bool,
    /// Whether plugins wait until a host is signed in.
    pub(crate) hold_until_auth: bool,
    /// Least level on the console.
    pub(crate) log_level: LogLevel,
}

impl Settings {
    /// Reads the settings file and lays flags and variables over it.
    ///
    /// # Errors
    /// A usage failure that names file and line.
    pub(crate) fn resolve(global: &Global) -> Outcome<Self> {
        let standard = Standard::of_this_user();
        let (source, file) = read_file(global, &standard)?;
        let runtime_dir = global.runtime_dir.clone().or_else(|| file.runtime_dir.clone());
        Ok(Self {
            runtime_dir: absolute(&runtime_dir.unwrap_or_else(|| standard.runtime_dir()))?,
            json: global.json.or(file.json).unwrap_or(false),
            color: global.color.or(file.color).unwrap_or(Color::Auto),
            timeout: global.timeout.or(file.timeout).map(|span| span.0),
            source,
            file,
        })
    }

    /// The failure that says that a key of the file has a value which it must not have.
    pub(crate) fn wrong(&self, key: &[&str], must: &str) -> Failure {
        Failure::usage(format!("{}: `{}` must {must}", self.place_of(key), key.join(".")))
    }

    /// Where a key of the settings stands: the file, and the line where there is one.
    pub(crate) fn place_of(&self, key: &[&str]) -> String {
        match (&self.source, self.file.line_of(key)) {
            (Some(file), Some(line)) => format!("{}:{line}", file.display()),
            (Some(file), None) => file.display().to_string(),
            (None, _) => "the settings".to_owned(),
        }
    }

    /// What holds for `run`.
    ///
    /// # Errors
    /// A usage failure, where a default needs a home folder and there is none.
    pub(crate) fn for_run(&self, flags: &RunArguments) -> Outcome<RunSettings> {
        let standard = Standard::of_this_user();
        let file = &self.file;
        let data_dir = match flags.places.data.clone().or_else(|| file.data_dir.clone()) {
            Some(dir) => dir,
            None => standard.data_dir().map_err(Failure::usage)?,
        };
        let (plugin_dirs, plugin_dirs_named) = match (flags.places.plugins.as_slice(), &file.plugin_dirs) {
            ([], Some(dirs)) if !dirs.is_empty() => (dirs.clone(), Named::InFile),
            ([], _) => (vec![standard.data_dir().map_err(Failure::usage)?.join("plugins")], Named::Nowhere),
            (dirs, _) => (dirs.to_vec(), Named::Typed),
        };
        Ok(RunSettings {
            plugin_dirs: plugin_dirs.iter().map(|dir| absolute(dir)).collect::<Outcome<_>>()?,
            plugin_dirs_named,
            data_dir: absolute(&data_dir)?,
            listen: match flags.places.listen.as_ref().or(file.listen.as_ref()) {
                Some(Address::Unix(path)) => Address::Unix(absolute(path)?),
                Some(Address::Tcp(address)) => Address::Tcp(*address),
                None => Address::Tcp(DEFAULT_LISTEN),
            },
            ready_json: flags.ready_json.or(file.ready_json).unwrap_or(false),
            exit_with_parent: flags.exit_with_parent.or(file.exit_with_parent).unwrap_or(false),
            restart_supervisor: flags.restart_supervisor.or(file.restart_supervisor).unwrap_or(false),
            hold_until_auth: flags.hold_until_auth.or(file.hold_until_auth).unwrap_or(false),
            log_level: flags.log_level.or(file.log_level).unwrap_or(LogLevel::Info),
        })
    }
}

/// A named file must be there; the standard one need not be.
fn read_file(global: &Global, standard: &Standard) -> Outcome<(Option<PathBuf>, File)> {
    let path = match &global.config {
        Some(path) => Some(absolute(path)?),
        None => standard.settings_file().filter(|path| path.exists()),
    };
    let (file, text) = match &path {
        Some(path) => file::read(path).map_err(Failure::usage)?,
        None => (File::default(), String::new()),
    };
    if global.set.is_empty() {
        return Ok((path, file));
    }
    // As in the file: from its own folder, and without a file from where the command was typed.
    let folder = match path.as_deref().and_then(Path::parent) {
        Some(folder) => folder.to_owned(),
        None => absolute(Path::new("."))?,
    };
    let file = single::lay_over_text(&text, &global.set, &folder).map_err(Failure::usage)?;
    Ok((path, file))
}

/// Makes a path independent of where the command was typed.
fn absolute(path: &Path) -> Outcome<PathBuf> {
    std::path::absolute(path)
        .map_err(|error| Failure::usage(format!("{:?} is not a path to work with: {error}", path.display())))
}
