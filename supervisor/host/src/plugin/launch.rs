//! From an installed plugin to a running process: which program, with which environment, socket and limits.
//!
//! Called by `system`, and by the trial of the conformance kit. Knows the manifest and the process layer; must not know messages.

use std::ffi::OsString;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use outboard_files::{Unanswered, look};
use outboard_protocol::manifest::{HttpListen, Limits as DeclaredLimits, Wire as DeclaredWire};

use rustix::io::Errno;

use super::debugging;
use super::environment::{environment, set};
use super::launching::LaunchFailure;
use super::settings::PluginSettings;
use crate::discovery::{Installed, Program, stamp};
use crate::javascript::{self, JavaScriptError};
use crate::process::socket::{self, BindError, SocketFile};
use crate::process::{Label, Limits, Port, SpawnError, SpawnSpec, Spawned, Spawner, Wire, shortage};
use crate::routes::Address;
use crate::virtual_environment;

/// How long the disk may take over everything that a launch needs of it: less than a spawn may take, so that the reason is told.
const PREPARED_WITHIN: Duration = Duration::from_millis(4500);

/// What every launch needs to know of the supervisor.
#[derive(Debug)]
pub(crate) struct LaunchOptions {
    /// Below it each plugin has its data folder.
    pub(crate) data_dir: PathBuf,
    /// Where plugins' sockets are bound.
    pub(crate) socket_dir: PathBuf,
    /// Origin of the gateway, known once it listens.
    pub(crate) base_url: ArcSwap<String>,
    /// How JavaScript plugins are run.
    pub(crate) javascript: javascript::Options,
}

impl LaunchOptions {
    /// The data folder of a plugin.
    pub(crate) fn plugin_data_dir(&self, installed: &Installed) -> PathBuf {
        self.data_dir.join("plugins-data").join(installed.id().as_str())
    }
}

/// A process that runs, with the file of its socket.
pub(super) struct Launched {
    pub(super) spawned: Spawned,
    pub(super) socket: LaunchedSocket,
    /// Those that it was started with.
    pub(super) limits: Limits,
}

/// The socket of one generation.
pub(super) enum LaunchedSocket {
    /// Bound by us, inherited by the plugin.
    Bound(SocketFile),
    /// To be bound by the plugin.
    Path(PathBuf),
    /// To be bound by the plugin as well, where it can bind no path.
    Port(Port),
}

impl LaunchedSocket {
    pub(super) fn address(&self) -> Address {
        match self {
            LaunchedSocket::Bound(file) => Address::Socket(file.path().to_owned()),
            LaunchedSocket::Path(path) => Address::Socket(path.clone()),
            LaunchedSocket::Port(port) => Address::Port(port.number()),
        }
    }

    pub(super) fn is_inherited(&self) -> bool {
        matches!(self, LaunchedSocket::Bound(_))
    }

    pub(super) fn remove(self) {
        match self {
            LaunchedSocket::Bound(file) => file.remove(),
            // The plugin may never have made it, or have removed it itself.
            LaunchedSocket::Path(path) => socket::remove_later(path),
            LaunchedSocket::Port(port) => drop(port),
        }
    }
}

impl LaunchFailure {
    fn lasting(why: impl std::fmt::Display) -> Self {
        Self { why: format!("{why}"), transient: false }
    }

    /// What an error and those behind it say. What the machine was short of may be there in a second; a file at fault stays
    /// at fault.
    fn of(error: &(dyn std::error::Error + 'static)) -> Self {
        Self { why: outboard_causes::Told(error).to_string(), transient: shortage::is_behind(error) }
    }
}

impl From<BindError> for LaunchFailure {
    fn from(error: BindError) -> Self {
        Self::of(&error)
    }
}

impl From<Unanswered> for LaunchFailure {
    fn from(error: Unanswered) -> Self {
        // A disk that hangs may answer the next time.
        Self { why: error.to_string(), transient: true }
    }
}

impl From<JavaScriptError> for LaunchFailure {
    fn from(error: JavaScriptError) -> Self {
        // Its sentence holds what is behind it.
        Self { why: error.to_string(), transient: error.may_pass() }
    }
}

impl LaunchFailure {
    /// What the machine was short of passes; what the plugin's own limits do not give it does not.
    fn of_spawn(error: &SpawnError, limits: &Limits) -> Self {
        let errno = error.errno();
        let short = errno.is_some_and(shortage::is_errno) || matches!(error, SpawnError::Lost { .. });
        let in_the_child = matches!(error, SpawnError::Exec { .. } | SpawnError::Prepare { .. });
        let own = in_the_child
            && [
                (limits.address_space, Errno::NOMEM),
                (limits.open_files, Errno::MFILE),
                (limits.processes, Errno::AGAIN),
            ]
            .iter()
            .any(|(limit, lack)| limit.is_some() && errno == Some(lack.raw_os_error()));
        Self { transient: short && !own, ..Self::of(error) }
    }
}

/// Starts a process of a plugin. The label names it among all that the spawner has started; `note` is told what the folder is like
/// from which it starts.
pub(super) async fn launch(
    installed: Arc<Installed>,
    settings: Arc<PluginSettings>,
    options: Arc<LaunchOptions>,
    spawner: Spawner,
    label: Label,
    slot: String,
    note: impl FnOnce(u64) + Send + 'static,
) -> Result<Launched, LaunchFailure> {
    let place = installed.folder.clone();
    let work = move || {
        note(stamp(&installed.folder, None));
        prepare(&installed, &settings, &options, label, &slot)
    };
    let (spec, mut socket) = look(&place, PREPARED_WITHIN, work).await??;
    let limits = spec.limits.clone();
    let spawned = spawner.spawn(spec).await.map_err(|error| LaunchFailure::of_spawn(&error, &limits))?;
    if let LaunchedSocket::Port(port) = &mut socket {
        port.release();
    }
    Ok(Launched { spawned, socket, limits })
}

/// Everything about a launch that touches the file system, in one look: the plugin's folder, its data folder, its socket, and
/// for a module `node` and the runner. The first time that may take a while.
fn prepare(
    installed: &Installed,
    settings: &PluginSettings,
    options: &LaunchOptions,
    label: Label,
    slot: &str,
) -> Result<(SpawnSpec, LaunchedSocket), LaunchFailure> {
    let data_dir = options.plugin_data_dir(installed);
    make_private(&data_dir.join("tmp"))?;
    let mut env = environment(installed, &data_dir, &settings.env);
    let (program, args, wire) = program(installed, settings, options, &mut env)?;
    let mut spec = SpawnSpec::new(label, program, &installed.folder);
    let socket = match installed.manifest.http.listen {
        HttpListen::Fd => {
            let (listener, file) = socket::bind(&options.socket_dir, slot)?;
            spec.listener = Some(listener);
            LaunchedSocket::Bound(file)
        }
        HttpListen::Path => {
            let path = socket::place(&options.socket_dir, slot)?;
            set(&mut env, "OUTBOARD_HTTP_SOCKET", &path);
            LaunchedSocket::Path(path)
        }
        HttpListen::Port => {
            let port = Port::choose().map_err(|error| no_port(&error))?;
            let number = port.number().to_string();
            set(&mut env, "PORT", &number);
            set(&mut env, "OUTBOARD_HTTP_PORT", &number);
            // Many servers bind every interface unless they are told otherwise.
            if !env.iter().any(|(name, _)| name == "HOST") {
                set(&mut env, "HOST", "127.0.0.1");
            }
            LaunchedSocket::Port(port)
        }
    };
    spec.args = args;
    spec.env = env;
    spec.wire = wire;
    spec.limits = limits(&installed.manifest.limits, &settings.limits);
    Ok((spec, socket))
}

fn program(
    installed: &Installed,
    settings: &PluginSettings,
    options: &LaunchOptions,
    env: &mut Vec<(OsString, OsString)>,
) -> Result<(OsString, Vec<OsString>, Wire), LaunchFailure> {
    match &installed.program {
        Program::Command(command) => {
            let (program, args) =
                command.split_first().ok_or_else(|| LaunchFailure::lasting("`run.command` is empty"))?;
            let args = debugging::of_command(program, args, settings).map_err(LaunchFailure::lasting)?;
            let environment = virtual_environment::of(&installed.folder);
            // Else the machine's own `python3` would run, and fail at the first import.
            if let Some(fault) = environment.and_then(|environment| environment.fault(program)) {
                return Err(LaunchFailure::lasting(fault));
            }
            let wire = match installed.manifest.wire {
                _ if !installed.manifest.speaks_the_protocol() => Wire::None,
                DeclaredWire::Stdio => Wire::Stdio,
                DeclaredWire::Fd => Wire::Fd,
            };
            Ok((program.into(), args.into_iter().map(OsString::from).collect(), wire))
        }
        Program::Module(entry) => {
            set(env, "OUTBOARD_BASE_URL", options.base_url.load().as_str());
            let command = javascript::command(entry, &installed.folder, &options.javascript)?;
            for (name, value) in command.env {
                set(env, &name, value);
            }
            let flag = debugging::of_node(settings).map(OsString::from);
            Ok((command.program, flag.into_iter().chain(command.args).collect(), Wire::Fd))
        }
        Program::None => Err(LaunchFailure::lasting("the plugin has nothing to run")),
    }
}

/// What the operator set wins over what the manifest asks for.
fn limits(declared: &DeclaredLimits, set: &DeclaredLimits) -> Limits {
    Limits {
        address_space: set.memory.or(declared.memory),
        processes: set.processes.or(declared.processes),
        open_files: set.open_files.or(declared.open_files),
        file_size: set.file_size.or(declared.file_size),
        cpu_seconds: set.cpu_seconds.or(declared.cpu_seconds),
        ..Limits::default()
    }
}

/// Ports come back when other programs end.
fn no_port(error: &std::io::Error) -> LaunchFailure {
    LaunchFailure { why: format!("no free port of 127.0.0.1 was found: {error}"), transient: true }
}

fn make_private(folder: &Path) -> Result<(), LaunchFailure> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| LaunchFailure {
        why: format!("the data folder {} cannot be made: {error}", folder.display()),
        transient: shortage::is_behind(&error),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]
    use super::*;

    fn bind_error(errno: Errno) -> LaunchFailure {
        let (path, source) = (PathBuf::from("/run/s"), std::io::Error::from(errno));
        LaunchFailure::from(BindError::System { path, source })
    }

    #[test]
    fn a_socket_that_the_machine_had_no_room_for_is_tried_again() {
        for errno in [Errno::MFILE, Errno::NFILE, Errno::NOSPC, Errno::DQUOT, Errno::NOMEM] {
            assert!(bind_error(errno).transient, "{errno:?}");
        }
        for errno in [Errno::ACCESS, Errno::ROFS, Errno::NOTDIR] {
            assert!(!bind_error(errno).transient, "{errno:?}");
        }
    }

    #[test]
    fn what_a_plugins_own_limit_does_not_give_it_is_no_shortage_of_the_machine() {
        let failed = |errno: Errno, limits: &Limits| {
            let (path, source) = (PathBuf::from("/bin/x"), std::io::Error::from(errno));
            LaunchFailure::of_spawn(&SpawnError::Exec { path, source }, limits).transient
        };
        let none = Limits::default();
        let all =
            Limits { address_space: Some(1), open_files: Some(1), processes: Some(1), ..Limits::default() };
        for errno in [Errno::NOMEM, Errno::MFILE, Errno::AGAIN] {
            assert!(failed(errno, &none) && !failed(errno, &all), "{errno:?}");
        }
        let source = std::io::Error::from(Errno::MFILE);
        let ours = SpawnError::Supervisor { doing: "making pipes", source };
        assert!(LaunchFailure::of_spawn(&ours, &all).transient, "we are short, whatever its limits");
    }

    #[test]
    fn each_limit_is_the_operators_where_there_is_one_and_else_the_manifests() {
        let declared = |text: &str| serde_json::from_str::<DeclaredLimits>(text).unwrap();
        let manifest =
            declared(r#"{"memory": 1, "processes": 2, "openFiles": 3, "fileSize": 4, "cpuSeconds": 5}"#);
        let operator =
            declared(r#"{"memory": 10, "processes": 20, "openFiles": 30, "fileSize": 40, "cpuSeconds": 50}"#);
        let each = |limits: Limits| {
            let Limits { address_space, processes, open_files, file_size, cpu_seconds, .. } = limits;
            [address_space, processes, open_files, file_size, cpu_seconds]
        };
        let none = DeclaredLimits::default();
        assert_eq!(each(limits(&manifest, &none)), [1, 2, 3, 4, 5].map(Some));
        assert_eq!(each(limits(&manifest, &operator)), [10, 20, 30, 40, 50].map(Some));
        assert_eq!(each(limits(&none, &operator)), [10, 20, 30, 40, 50].map(Some));
        assert_eq!(each(limits(&none, &none)), [None; 5]);
    }

    #[test]
    fn a_failed_launch_says_what_the_system_said() {
        let why = bind_error(Errno::MFILE).why;
        assert!(why.starts_with("cannot bind the socket /run/s: Too many open files"), "{why}");
    }

    #[test]
    fn a_data_folder_that_cannot_be_made_stays_so() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        std::fs::write(&file, "").unwrap();
        let Err(failure) = make_private(&file.join("data")) else { panic!("a folder below a file") };
        assert!(!failure.transient && failure.why.contains("Not a directory"), "{}", failure.why);
    }
}
