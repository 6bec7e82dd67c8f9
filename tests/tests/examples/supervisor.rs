//! A supervisor with one example in temporary folders on a free port, and what a person would do with it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

/// Longer than anything here takes on a loaded machine.
const GUARD: Duration = Duration::from_secs(60);

/// A running supervisor; dropped, it is stopped.
pub(crate) struct Supervisor {
    child: Child,
    listen: String,
    plugin: &'static str,
    folder: tempfile::TempDir,
}

impl Supervisor {
    /// Builds the example where it is not built, and returns when it runs.
    pub(crate) fn run(plugin: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let plugins = folder.path().join("plugins");
        fs::create_dir(&plugins).unwrap();
        let copied =
            Command::new("cp").arg("-a").arg(built(plugin)).arg(plugins.join(plugin)).status().unwrap();
        assert!(copied.success());
        let errors = fs::File::create(folder.path().join("console")).unwrap();
        let mut child = outboard(folder.path())
            .args(["run", "--ready-json", "--listen", "127.0.0.1:0", "--exit-with-parent"])
            .arg("--plugins")
            .arg(&plugins)
            .arg("--data")
            .arg(folder.path().join("data"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("not ready: {line:?}"));
        let listen = ready["listen"].as_str().unwrap().to_owned();
        let supervisor = Self { child, listen, plugin, folder };
        assert_eq!(supervisor.status()["state"], "running", "{}", supervisor.console());
        supervisor
    }

    /// The command line, with its standard output, or what it said when it failed.
    pub(crate) fn outboard(&self, arguments: &[&str]) -> Result<String, String> {
        let output = outboard(self.folder.path()).args(arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
    }

    /// What a channel of the plugin answers.
    pub(crate) fn call(&self, channel: &str, argument: &Value) -> Value {
        let argument = argument.to_string();
        let mut arguments = vec!["--json", "call", self.plugin, channel];
        if argument != "null" {
            arguments.push(&argument);
        }
        serde_json::from_str(&self.outboard(&arguments).unwrap()).unwrap()
    }

    /// The plugin's status.
    pub(crate) fn status(&self) -> Value {
        let report = self.outboard(&["status", self.plugin, "--json"]).unwrap();
        serde_json::from_str::<Value>(&report).unwrap()["plugins"][0].take()
    }

    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        self.exchange(&format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.listen))
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> (u16, String) {
        let (host, body) = (&self.listen, body.to_string());
        let length = body.len();
        self.exchange(&format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        ))
    }

    /// SIGKILLs the plugin's process, and returns when another one runs.
    pub(crate) fn crash(&self) {
        let pid = self.status()["pid"].as_i64().unwrap();
        kill(Pid::from_raw(pid.try_into().unwrap()), Signal::SIGKILL).unwrap();
        let before = Instant::now();
        loop {
            let status = self.status();
            if status["state"] == "running" && status["pid"] != pid {
                return;
            }
            assert!(before.elapsed() < GUARD, "not running again: {status}\n{}", self.console());
        }
    }

    /// Stops the plugin, and gives how its process ended.
    pub(crate) fn stop_calmly(&self) -> String {
        self.outboard(&["stop", self.plugin]).unwrap();
        let why: Value =
            serde_json::from_str(&self.outboard(&["why", self.plugin, "--json"]).unwrap()).unwrap();
        why["history"][0]["ended"].as_str().unwrap_or_else(|| panic!("no end in {why}")).to_owned()
    }

    /// Whether the plugin has printed, or logged, a line with this text.
    pub(crate) fn printed(&self, text: &str) -> bool {
        self.outboard(&["logs", self.plugin, "-n", "200"]).unwrap().contains(text)
    }

    fn console(&self) -> String {
        fs::read_to_string(self.folder.path().join("console")).unwrap_or_default()
    }

    fn exchange(&self, request: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.listen).unwrap();
        stream.set_read_timeout(Some(GUARD)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) =
            answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no HTTP answer: {answer:?}"));
        (head[9..12].parse().unwrap(), body.to_owned())
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        // Its standard input is held open by us: closing it asks it to end.
        drop(self.child.stdin.take());
        let before = Instant::now();
        while before.elapsed() < GUARD {
            if matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
    }
}

/// The binary that stands beside this test's own, with a runtime folder of its own.
fn outboard(folder: &Path) -> Command {
    let profile = std::env::current_exe().unwrap();
    let binary = profile.ancestors().nth(2).unwrap().join("outboard");
    assert!(binary.exists(), "{} is missing: `cargo build -p outboard` makes it", binary.display());
    let mut command = Command::new(binary);
    command.arg("--runtime-dir").arg(folder.join("run"));
    command
}

/// The example's installable folder: what `make plugins` has built, else built now.
fn built(plugin: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let ready = root.join("target/plugins").join(plugin);
    if ready.join("plugin.json").exists() {
        return ready;
    }
    let here = Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugins").join(plugin);
    let script = root.join("examples/build-example");
    let status = Command::new(script).arg(root.join("examples").join(plugin)).arg(&here).status().unwrap();
    assert!(status.success(), "examples/{plugin} could not be built");
    here
}
