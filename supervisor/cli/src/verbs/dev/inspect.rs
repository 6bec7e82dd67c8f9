//! A debugger for the plugin: at which port, whether there is one, and which waits must not count meanwhile.
//!
//! Asked by the loop of `dev`. The supervisor does the rest by its settings. Must not know how a debugger speaks.

use std::net::{Ipv4Addr, TcpListener};
use std::process::Stdio;
use std::time::Duration;

use outboard_host::discovery::{self, Installed, Program};
use outboard_host::{Debugger, debugger_of};
use outboard_protocol::PluginId;
use outboard_protocol::control::methods::Status;
use outboard_protocol::control::{PluginState, StatusParams};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tokio::process::Command;
use tokio::time::timeout;

use super::desk::Desk;
use super::launch_file;
use super::project::Project;
use crate::arguments::{DevArguments, InspectPort};
use crate::client::{Client, QUESTION_WAIT};
use crate::failure::{Exit, Failure, Outcome};
use crate::verbs::check_program;

/// No wait for a plugin is shorter under a debugger: nobody stands at a breakpoint for as long.
pub(super) const PATIENT: Duration = Duration::from_secs(24 * 60 * 60);
/// A start or a stop that has not ended by then may stand at a breakpoint, which is said.
pub(super) const HINT_AFTER: Duration = Duration::from_secs(2);
/// How long the plugin may take to end when `dev` ends; one that stands at a breakpoint is ended then.
pub(super) const END_AFTER: Duration = Duration::from_secs(5);
/// How long Python may take to say whether it has a debugger.
const ASK_FOR: Duration = Duration::from_secs(20);
/// What stands still under a debugger: the plugin's own waits, and those of who asks it something. Silence counts as none while one is
/// attached, which the supervisor sees for itself.
const OF_PLUGIN: [&str; 4] = ["handshake", "start", "stop", "call"];
const OF_HTTP: [&str; 4] = ["answer_timeout", "waiting_time", "stream_idle", "tunnel_idle"];

/// A debugger that is wanted.
#[derive(Debug)]
pub(super) struct Inspect {
    debugger: Debugger,
    port: u16,
    /// Whether the port is the same the next time.
    lasts: bool,
    waits: bool,
}

impl Inspect {
    /// What was asked for, where it can be had.
    ///
    /// # Errors
    /// A sentence, where the plugin has no debugger, or the port is taken.
    pub(super) async fn wanted(arguments: &DevArguments, project: &Project) -> Outcome<Option<Self>> {
        let (asked, waits) = match (arguments.inspect_brk, arguments.inspect) {
            (Some(asked), _) => (asked, true),
            (None, Some(asked)) => (asked, false),
            (None, None) => return Ok(None),
        };
        let installed = discovery::read_folder(&project.run_dir).map_err(Failure::failed)?;
        let debugger = debugger_of(&installed).map_err(|why| Failure::failed(format!("--inspect: {why}")))?;
        if debugger == Debugger::Debugpy {
            has_debugpy(&installed).await?;
        }
        let usual = match debugger {
            Debugger::Node => 9229,
            Debugger::Debugpy => 5678,
        };
        let InspectPort(port) = asked.unwrap_or(InspectPort(usual));
        // Free now; whoever takes it in the next moment is told of by the debugger itself.
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).and_then(|free| free.local_addr());
        let free = free.map_err(|error| {
            Failure::new(
                Exit::Refused,
                format!("--inspect: port {port} of 127.0.0.1 cannot be had: {error}; name another one, --inspect=PORT, or 0 for any free one"),
            )
        })?;
        Ok(Some(Self { debugger, port: free.port(), lasts: port != 0, waits }))
    }

    /// What the supervisor has to know, as `--set` has it.
    pub(super) fn settings(&self, id: &PluginId) -> Vec<String> {
        let long = PATIENT.as_secs();
        let mut sets = vec![
            format!("plugins.{id}.inspect={}", self.port),
            format!("plugins.{id}.inspect_brk={}", self.waits),
        ];
        sets.extend(OF_PLUGIN.map(|wait| format!("plugins.{id}.deadlines.{wait}={long}s")));
        sets.extend(OF_HTTP.map(|wait| format!("http.{wait}={long}s")));
        sets
    }

    /// Says where it is, and how one gets there.
    pub(super) fn tell(&self, desk: &Desk<'_>, project: &Project) -> Outcome {
        let port = self.port;
        let (what, how) = match self.debugger {
            Debugger::Node => (
                "Node's inspector",
                format!(
                    "open chrome://inspect in Chrome (or http://127.0.0.1:{port}/json/list, which names the ws:// address)"
                ),
            ),
            Debugger::Debugpy => ("debugpy", "attach a client of the Debug Adapter Protocol".to_owned()),
        };
        let waits = if self.waits { "; the plugin waits for it" } else { "" };
        let mut data = json!({ "address": format!("127.0.0.1:{port}"), "waits": self.waits });
        let vs_code = match self.lasts {
            false => "; name a port, --inspect=PORT, and VS Code gets a configuration too".to_owned(),
            true => match launch_file::add(&project.folder, &self.configuration(project)) {
                Ok(launch) => {
                    data["launch"] = json!(launch.name);
                    format!(", or run {:?} of .vscode/launch.json in VS Code", launch.name)
                }
                Err(why) => format!("; for VS Code, {why}"),
            },
        };
        desk.say(
            "inspect",
            &format!("{what} at 127.0.0.1:{port}: {how}{vs_code}{waits}. Deadlines do not count meanwhile"),
            data,
        )
    }

    fn configuration(&self, project: &Project) -> launch_file::Configuration {
        let name = format!("Attach to {} ({})", project.id, self.port);
        let port = self.port;
        let rest = match self.debugger {
            Debugger::Node => json!({
                "type": "node", "request": "attach", "address": "127.0.0.1", "port": port,
                "restart": true, "skipFiles": ["<node_internals>/**", "**/runner-*/**"],
            }),
            Debugger::Debugpy => json!({
                "type": "debugpy", "request": "attach", "connect": { "host": "127.0.0.1", "port": port },
            }),
        };
        launch_file::Configuration { name, rest }
    }
}

/// Whether the plugin's own Python has the package.
async fn has_debugpy(installed: &Installed) -> Outcome {
    let Program::Command(words) = &installed.program else { return Ok(()) };
    let name = words.first().map(String::as_str).unwrap_or_default();
    let python = check_program::find(&installed.folder, name)
        .map_err(|why| Failure::failed(format!("`run.command`: {name:?} {why}")))?;
    let mut asking = Command::new(&python);
    asking.args(["-c", "import debugpy"]).current_dir(&installed.folder).kill_on_drop(true);
    asking.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match timeout(ASK_FOR, asking.status()).await {
        Ok(Ok(status)) if status.success() => Ok(()),
        _ => Err(Failure::failed(format!(
            "--inspect: {python} has no debugpy, which is Python's debugger; install it with `{python} -m pip install debugpy`, or give the plugin \
             a virtual environment of its own first: `python3 -m venv {venv} && {venv}/bin/python3 -m pip install debugpy`",
            python = python.display(),
            venv = installed.folder.join(".venv").display(),
        ))),
    }
}

/// What the plugin is kept at, where that takes longer than it should: a sentence, and its name for programs.
pub(super) async fn kept(client: &Client, id: &PluginId) -> Outcome<Option<(&'static str, String)>> {
    let Some((state, _)) = state_of(client, id).await? else { return Ok(None) };
    Ok(match state {
        PluginState::Stopping => Some((
            "stopping",
            format!(
                "{id} has not stopped yet: it may stand at a breakpoint. Let it go on in the debugger, or save once more, which ends it"
            ),
        )),
        PluginState::Starting => Some((
            "starting",
            format!("{id} has not started yet: it may stand at a breakpoint, or wait for the debugger"),
        )),
        _ => None,
    })
}

/// Ends a process that has not stopped: whoever saves a second time has waited enough.
pub(super) async fn end(client: &Client, id: &PluginId) -> Outcome {
    if let Some((PluginState::Stopping, Some(pid))) = state_of(client, id).await? {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        // One that has ended meanwhile is gone.
        let _ = pid.map(|pid| kill_process(pid, Signal::KILL));
    }
    Ok(())
}

async fn state_of(client: &Client, id: &PluginId) -> Outcome<Option<(PluginState, Option<u32>)>> {
    let report = client.ask::<Status>(&StatusParams { id: Some(id.clone()) }, QUESTION_WAIT).await?;
    Ok(report.plugins.first().map(|status| (status.state, status.pid)))
}
