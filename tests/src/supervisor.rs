//! A running supervisor: starting it, asking it, and ending it. [`crate::verify`] says what must hold after a case.

mod observing;

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::binaries::binary;
use crate::builder::{Builder, Folders};
use crate::control::Control;
use crate::http::{self, Answer};
use crate::install::Plugin;
use crate::patience::{GUARD, eventually};
use crate::processes::{self, Process};
use crate::verify::{Baseline, CANARY};

/// The part of the standard error of `run` that is kept.
const ERRORS_KEPT: u64 = 64 << 20;

/// What a command said.
#[derive(Debug)]
pub struct Said {
    /// Its exit code; -1 after a signal.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Said {
    /// Standard output as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }
}

/// A supervisor with its keeper.
pub struct Supervisor {
    pub(crate) folders: Folders,
    flags: Vec<String>,
    keeper: Child,
    /// What `--ready-json` said.
    pub ready: Value,
    /// How to ask it.
    pub control: Control,
    pub(crate) errors: Arc<Mutex<Vec<u8>>>,
    pub(crate) published: Arc<Mutex<Vec<Value>>>,
    pub(crate) baseline: Baseline,
    /// What commands said on standard error.
    pub(crate) complaints: Mutex<String>,
    pub(crate) calls: Mutex<Vec<Child>>,
}

impl Supervisor {
    /// A builder with the neighbour installed.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn start(folders: Folders, flags: Vec<String>) -> Self {
        let errors = Arc::default();
        let (keeper, ready) = launch(&folders, &flags, &errors);
        let control = Control::find(&folders.runtime());
        let published = control.gather_states();
        let mut supervisor = Self {
            folders,
            flags,
            keeper,
            ready,
            control,
            errors,
            published,
            baseline: Baseline::default(),
            complaints: Mutex::default(),
            calls: Mutex::default(),
        };
        supervisor.ask("auth.set", json!({ "token": CANARY }));
        supervisor.baseline = Baseline::of(supervisor.pid());
        supervisor
    }

    /// Starts it again in the same folders, after it ended.
    #[must_use]
    pub fn start_again(mut self) -> Self {
        self.ended();
        // After a kill the supervisor may be in the middle of its end, and still hold its folders.
        let old = self.pid();
        eventually("the end of the supervisor", || {
            Process::look(old).is_none_or(|old| !old.lives()).then_some(())
        });
        self.start_at_once()
    }

    /// Starts it again though the one before may be in the middle of its end.
    #[must_use]
    pub fn start_at_once(mut self) -> Self {
        self.ended();
        let (keeper, ready) = launch(&self.folders, &self.flags, &self.errors);
        self.keeper = keeper;
        self.ready = ready;
        self.control = Control::find(&self.folders.runtime());
        self.published = self.control.gather_states();
        self.baseline = Baseline::of(self.pid());
        self
    }

    /// The folders.
    pub fn folders(&self) -> &Folders {
        &self.folders
    }

    /// The address that it listens on.
    pub fn address(&self) -> &str {
        self.ready["listen"].as_str().unwrap()
    }

    /// The supervisor's pid.
    pub fn pid(&self) -> u32 {
        self.ready["pid"].as_u64().unwrap().try_into().unwrap()
    }

    /// The keeper's pid.
    pub fn keeper_pid(&self) -> u32 {
        self.keeper.id()
    }

    /// Installs a plugin while it runs.
    pub fn install(&self, plugin: &Plugin) {
        plugin.install(&self.folders.plugins());
    }

    /// Asks the control API.
    ///
    /// # Panics
    /// When the answer is an error.
    pub fn ask(&self, method: &str, params: Value) -> Value {
        let answer = self.control.ask(method, &params).unwrap();
        assert!(answer.get("result").is_some(), "{method} was refused: {answer}");
        answer["result"].clone()
    }

    /// Asks for what is to be refused; gives the error.
    pub fn refused(&self, method: &str, params: Value) -> Value {
        let answer = self.control.ask(method, &params).unwrap();
        assert!(answer.get("error").is_some(), "{method} was not refused: {answer}");
        answer["error"].clone()
    }

    /// Calls a channel of a plugin.
    pub fn call(&self, id: &str, channel: &str, args: Value) -> Value {
        self.ask("ipc.invoke", json!({ "id": id, "channel": channel, "args": args }))
    }

    /// Brings a fault about.
    pub fn fault(&self, id: &str, fault: Value) {
        self.call(id, "fault", fault);
    }

    /// What the hostile plugin is answered when it asks this.
    pub fn plugin_asks(&self, id: &str, method: &str, params: Value) -> Value {
        self.call(id, "ask", json!([method, params]))
    }

    /// A GET.
    pub fn get(&self, path: &str) -> Answer {
        self.send(&http::get_request(self.address(), path))
    }

    /// A request as it is.
    pub fn send(&self, request: &[u8]) -> Answer {
        http::exchange(self.address(), request).unwrap()
    }

    /// A command line of `outboard`, for this supervisor.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = outboard(&self.folders);
        command.args(words).stdin(Stdio::null());
        command
    }

    /// Types a command.
    pub fn cli(&self, words: &[&str]) -> Said {
        self.heard(&self.command(words).output().unwrap())
    }

    /// Types a command, and gives it this on standard input.
    pub fn cli_into(&self, input: &str, words: &[&str]) -> Said {
        let mut command = self.command(words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        self.heard(&child.wait_with_output().unwrap())
    }

    /// Types a command and does not wait; it has to end by itself before the case is over.
    pub fn begin(&self, words: &[&str]) {
        let child = self.command(words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        self.calls.lock().unwrap().push(child);
    }

    fn heard(&self, output: &std::process::Output) -> Said {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let said = Said {
            code: output.status.code().unwrap_or(-1),
            out: text(&output.stdout),
            err: text(&output.stderr),
        };
        self.complaints.lock().unwrap().push_str(&said.err);
        said
    }

    /// Sends the supervisor's keeper a signal, as a terminal or an init system would.
    pub fn signal(&self, signal: Signal) {
        processes::kill(self.keeper_pid(), signal);
    }

    /// Everything below the keeper.
    pub fn family(&self) -> Vec<Process> {
        processes::descendants(self.keeper_pid())
    }

    /// Every process whose program lies in this case's plugin folders, wherever it went.
    pub fn programs(&self) -> Vec<Process> {
        processes::programs_below(&self.folders.plugins())
    }

    /// Closes its standard input, as a parent does that ends.
    pub fn close_input(&mut self) {
        drop(self.keeper.stdin.take());
    }

    /// Waits for the keeper's end.
    pub fn ended(&mut self) -> ExitStatus {
        eventually("the end of `outboard run`", || self.keeper.try_wait().unwrap())
    }

    /// Stops it in good order.
    ///
    /// # Panics
    /// When it does not end with 0, or leaves anything.
    pub fn stop(&mut self) {
        self.signal(Signal::SIGTERM);
        assert_eq!(self.ended().code(), Some(0), "{}", self.errors());
        assert_eq!(self.programs(), [], "processes were left");
    }

    /// What `run` said on standard error.
    pub fn errors(&self) -> String {
        String::from_utf8_lossy(&self.errors.lock().unwrap()).into_owned()
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.close_input();
        if std::thread::panicking() {
            eprintln!("--- what `outboard run` said ---\n{}", self.errors());
            // Whatever went wrong, nothing of this case outlives it.
            let _ = self.keeper.kill();
            let _ = self.keeper.wait();
        } else {
            self.ended();
        }
    }
}

fn outboard(folders: &Folders) -> Command {
    let mut command = Command::new(binary("outboard"));
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", folders.home())
        .env("OUTBOARD_RUNTIME_DIR", folders.runtime())
        .env("OUTBOARD_CONFIG", folders.settings())
        .current_dir(folders.root());
    command
}

fn launch(folders: &Folders, flags: &[String], errors: &Arc<Mutex<Vec<u8>>>) -> (Child, Value) {
    let mut command = run_command(folders);
    command.args(flags).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut keeper = command.spawn().unwrap();
    gather(keeper.stderr.take().unwrap(), Arc::clone(errors));
    let mut out = BufReader::new(keeper.stdout.take().unwrap());
    let (tell, ready) = sync_channel(1);
    std::thread::spawn(move || {
        let mut line = String::new();
        let _ = out.by_ref().take(1 << 20).read_line(&mut line);
        let _ = tell.send(line);
        // It stays open: a closed standard output is another case.
        let _ = std::io::copy(&mut out, &mut std::io::sink());
    });
    let line = ready.recv_timeout(GUARD).unwrap_or_else(|_| panic!("`outboard run` does not become ready"));
    let said = || String::from_utf8_lossy(&errors.lock().unwrap()).into_owned();
    let ready = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}; {}", said()));
    (keeper, ready)
}

/// `outboard run` in these folders, on any free port.
pub fn run_command(folders: &Folders) -> Command {
    run_command_as(folders, &[])
}

/// The same with these words before `run`.
pub fn run_command_as(folders: &Folders, words: &[&str]) -> Command {
    let mut command = outboard(folders);
    command
        .args(words)
        .args(["run", "--listen", "127.0.0.1:0", "--ready-json", "--exit-with-parent", "--plugins"])
        .arg(folders.plugins())
        .arg("--data")
        .arg(folders.data());
    command
}

/// Reads on a thread, so that a full pipe holds nobody up.
fn gather(from: impl Read + Send + 'static, into: Arc<Mutex<Vec<u8>>>) {
    std::thread::spawn(move || {
        let mut from = from.take(ERRORS_KEPT);
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            into.lock().unwrap().extend_from_slice(&buffer[..read]);
        }
    });
}

/// The path of a file in a plugin's data folder, as lines; none when it is absent.
pub fn lines_of(path: PathBuf) -> Vec<String> {
    std::fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}
