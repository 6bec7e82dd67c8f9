//! `outboard dev --inspect`: a real debugger holds a plugin for longer than any deadline, and it goes on afterwards.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step fails the test")]
#![allow(clippy::needless_pass_by_value, reason = "a case writes its values down where it hands them over")]

mod developed;
mod supervised;
mod terminal;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use developed::{Dev, answer, edit, has, module_of_a_new_plugin};
use serde_json::{Value, json};
use supervised::{PATIENCE, get};
use terminal::Terminal;
use tungstenite::{Message, WebSocket};

/// Deadlines so short that a breakpoint outlives every one of them.
const SHORT: [&str; 14] = [
    "--set",
    "deadlines.handshake=2s",
    "--set",
    "deadlines.start=1s",
    "--set",
    "deadlines.stop=1s",
    "--set",
    "deadlines.ping=200ms",
    "--set",
    "deadlines.verdict=500ms",
    "--set",
    "http.answer_timeout=1s",
    "--set",
    "restart.in_a_row=0",
];
/// How long a breakpoint is stood at: longer than all of them.
const STANDING: Duration = Duration::from_secs(4);

fn start(terminal: &Terminal, flags: &[&str]) -> Dev {
    Dev::start(terminal, "mine", &[&SHORT, flags].concat())
}

/// A client of Node's inspector.
struct Inspector {
    socket: WebSocket<TcpStream>,
    number: u64,
    /// Where the scripts come from, by their numbers.
    scripts: BTreeMap<String, String>,
}

impl Inspector {
    /// Connects as debuggers do: asks which programs there are, and takes the one.
    fn attach(address: &str) -> Self {
        let end = Instant::now() + PATIENCE;
        let path = loop {
            if let Some(path) = Self::path(address) {
                break path;
            }
            assert!(Instant::now() < end, "no inspector at {address}");
            thread::sleep(Duration::from_millis(50));
        };
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let (socket, _) = tungstenite::client(format!("ws://{address}{path}"), stream).unwrap();
        let mut it = Self { socket, number: 0, scripts: BTreeMap::new() };
        it.does("Runtime.enable", json!({}));
        it.does("Debugger.enable", json!({}));
        it
    }

    fn path(address: &str) -> Option<String> {
        let mut stream = TcpStream::connect(address).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "GET /json/list HTTP/1.1\r\nHost: {address}\r\n\r\n").ok()?;
        // Node leaves the connection open.
        let url = |line: &String| line.contains("webSocketDebuggerUrl");
        let line = BufReader::new(stream).lines().map_while(Result::ok).find(url)?;
        let (_, rest) = line.split_once("\"ws://")?;
        Some(rest.split('"').next()?[address.len()..].to_owned())
    }

    fn does(&mut self, method: &str, params: Value) {
        self.number += 1;
        let message = json!({ "id": self.number, "method": method, "params": params });
        self.socket.send(Message::text(message.to_string())).unwrap();
        let number = self.number;
        let answer = self.waits_for(|said| said["id"] == number);
        assert!(answer["error"].is_null(), "{method}: {answer}");
    }

    fn waits_for(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self.socket.read().expect("the inspector hung up");
            let Message::Text(text) = message else { continue };
            let said: Value = serde_json::from_str(&text).unwrap();
            if let (Some(id), Some(url)) =
                (said["params"]["scriptId"].as_str(), said["params"]["url"].as_str())
            {
                self.scripts.insert(id.to_owned(), url.to_owned());
            }
            if is_it(&said) {
                return said;
            }
        }
    }

    /// A breakpoint, at a line from 1.
    fn breaks_at(&mut self, file: &Path, line: usize) {
        let url = format!("file://{}", file.canonicalize().unwrap().display());
        self.does("Debugger.setBreakpointByUrl", json!({ "url": url, "lineNumber": line - 1 }));
    }

    fn stands(&mut self) -> Value {
        self.waits_for(|said| said["method"] == "Debugger.paused")
    }
}

fn address(dev: &Dev) -> String {
    dev.hears("inspect")["address"].as_str().unwrap().to_owned()
}

fn line_of(file: &Path, part: &str) -> usize {
    1 + std::fs::read_to_string(file).unwrap().lines().position(|line| line.contains(part)).unwrap()
}

#[test]
fn node_stands_at_a_breakpoint_longer_than_every_deadline_and_then_answers() {
    let Some((terminal, module)) = module_of_a_new_plugin() else { return };
    let dev = start(&terminal, &["--inspect=0"]);
    let at = address(&dev);
    let running = dev.hears("running");
    let mut inspector = Inspector::attach(&at);
    inspector.breaks_at(&module, line_of(&module, "response.json"));
    let asking = thread::spawn(move || answer(&running, "mine"));
    inspector.stands();
    assert!(dev.is_silent_of(&["failed", "running"], STANDING), "it was judged at a breakpoint");
    inspector.does("Debugger.resume", json!({}));
    assert!(asking.join().unwrap().contains("world"));
    drop(inspector);
    assert_eq!(dev.interrupt(), Some(0));
}

#[test]
fn a_start_takes_as_long_as_it_likes_with_a_debugger_and_is_ended_without() {
    let Some((terminal, module)) = module_of_a_new_plugin() else { return };
    edit(
        &module,
        "    ctx.logger.info(\"Start\"",
        "    await new Promise((go) => setTimeout(go, 3000));\n    ctx.logger.info(\"Start\"",
    );
    let dev = start(&terminal, &[]);
    let failed = dev.hears("failed");
    assert!(failed["message"].as_str().unwrap().contains("start"), "{failed}");
    dev.interrupt();
    let dev = start(&terminal, &["--inspect=0"]);
    dev.hears("running");
    assert_eq!(dev.interrupt(), Some(0));
}

#[test]
fn with_inspect_brk_node_waits_for_the_debugger_and_stands_at_the_plugins_first_line() {
    let Some((terminal, module)) = module_of_a_new_plugin() else { return };
    let dev = start(&terminal, &["--inspect-brk=0"]);
    let at = address(&dev);
    assert!(dev.is_silent_of(&["failed", "running"], STANDING), "it waits");
    let mut inspector = Inspector::attach(&at);
    inspector.does("Runtime.runIfWaitingForDebugger", json!({}));
    let stood = inspector.stands();
    let script = stood["params"]["callFrames"][0]["location"]["scriptId"].as_str().unwrap();
    let here = format!("file://{}", module.canonicalize().unwrap().display());
    assert_eq!(inspector.scripts.get(script), Some(&here), "{stood}");
    inspector.does("Debugger.resume", json!({}));
    dev.hears("running");
    drop(inspector);
    assert_eq!(dev.interrupt(), Some(0));
}

#[test]
fn a_save_waits_for_a_plugin_at_a_breakpoint_says_so_and_a_second_one_ends_it() {
    let Some((terminal, module)) = module_of_a_new_plugin() else { return };
    let dev = start(&terminal, &["--inspect=0"]);
    let at = address(&dev);
    let running = dev.hears("running");
    let mut inspector = Inspector::attach(&at);
    inspector.breaks_at(&module, line_of(&module, "goodbye"));
    edit(&module, "\"world\"", "\"sky\"");
    inspector.stands();
    let kept = dev.hears("kept");
    assert_eq!(kept["state"], "stopping", "{kept}");
    edit(&module, "\"sky\"", "\"sea\"");
    dev.hears("restarted");
    assert!(answer(&running, "mine").contains("sea"));

    // The end of it all waits for nobody at a breakpoint.
    let mut inspector = Inspector::attach(&at);
    inspector.breaks_at(&module, line_of(&module, "goodbye"));
    let since = Instant::now();
    dev.interrupt();
    assert!(since.elapsed() < Duration::from_secs(30), "{:?}", since.elapsed());
}

/// A Python that has debugpy: that of the SDK's tests, which `make test` makes first.
fn python_with_debugpy() -> Option<PathBuf> {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/python-tests/bin/python3");
    let has =
        Command::new(&python).args(["-c", "import debugpy"]).output().is_ok_and(|said| said.status.success());
    if !has {
        eprintln!(
            "NOT RUN: debugpy in a plugin of Python; `make python-environment` installs it into {}",
            python.display()
        );
    }
    has.then_some(python)
}

/// A client of the Debug Adapter Protocol.
struct Adapter {
    stream: BufReader<TcpStream>,
    number: u64,
}

impl Adapter {
    fn attach(address: &str) -> Self {
        let end = Instant::now() + PATIENCE;
        let stream = loop {
            match TcpStream::connect(address) {
                Ok(stream) => break stream,
                Err(error) => assert!(Instant::now() < end, "no debugpy at {address}: {error}"),
            }
            thread::sleep(Duration::from_millis(50));
        };
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut it = Self { stream: BufReader::new(stream), number: 0 };
        it.sends("initialize", json!({ "adapterID": "test", "clientID": "test" }));
        it.waits_for(|said| said["command"] == "initialize");
        // Without any argument it is refused.
        it.sends("attach", json!({ "justMyCode": true }));
        it.waits_for(|said| said["event"] == "initialized");
        it
    }

    fn sends(&mut self, command: &str, arguments: Value) {
        self.number += 1;
        let text =
            json!({ "seq": self.number, "type": "request", "command": command, "arguments": arguments })
                .to_string();
        write!(self.stream.get_mut(), "Content-Length: {}\r\n\r\n{text}", text.len()).unwrap();
    }

    fn waits_for(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        loop {
            let (mut line, mut length) = (String::new(), 0);
            while self.stream.read_line(&mut line).expect("debugpy hung up") > 2 {
                if let Some(value) = line.strip_prefix("Content-Length:") {
                    length = value.trim().parse().unwrap();
                }
                line.clear();
            }
            let mut body = vec![0; length];
            self.stream.read_exact(&mut body).expect("debugpy hung up");
            let said: Value = serde_json::from_slice(&body).unwrap();
            if is_it(&said) {
                return said;
            }
        }
    }
}

#[test]
fn python_stands_at_a_breakpoint_longer_than_every_deadline_and_then_answers() {
    let Some(python) = python_with_debugpy() else { return };
    let terminal = Terminal::new();
    terminal.types(&["new", "mine", "--language", "py"]);
    edit(&terminal.path("mine/plugin.json"), "\"python3\"", &format!("{:?}", python.display().to_string()));
    let source = terminal.path("mine/main.py");
    let dev = start(&terminal, &["--inspect=0"]);
    let at = address(&dev);
    let running = dev.hears("running");
    let mut adapter = Adapter::attach(&at);
    let line = line_of(&source, "{\"hello\"");
    adapter.sends(
        "setBreakpoints",
        json!({ "source": { "path": source.canonicalize().unwrap() }, "breakpoints": [{ "line": line }] }),
    );
    adapter.sends("configurationDone", json!({}));
    adapter.waits_for(|said| said["command"] == "configurationDone");
    let again = running.clone();
    let asking = thread::spawn(move || answer(&again, "mine"));
    let stopped = adapter.waits_for(|said| said["event"] == "stopped");
    assert!(dev.is_silent_of(&["failed", "running"], STANDING), "it was judged at a breakpoint");
    adapter.sends("continue", json!({ "threadId": stopped["body"]["threadId"] }));
    assert!(asking.join().unwrap().contains("world"));

    // The next process has the debugger at the same place.
    drop(adapter);
    edit(&source, "\"world\"", "\"sky\"");
    dev.hears("restarted");
    assert!(answer(&running, "mine").contains("sky"));
    drop(Adapter::attach(&at));
    assert_eq!(dev.interrupt(), Some(0));
}

#[test]
fn what_has_no_debugger_says_what_to_do() {
    let terminal = Terminal::new();
    terminal.types(&["new", "mine", "--language", "bash"]);
    let said = terminal.types(&["dev", "mine", "--inspect"]);
    assert!(said.code == 1 && said.err.contains("run.command") && said.err.contains("gdb"), "{said:?}");
    let said = terminal.types(&["dev", "mine", "--inspect=0.0.0.0:9229"]);
    assert!(said.code == 2 && said.err.contains("127.0.0.1 alone"), "{said:?}");

    if has("python3")
        && !Command::new("python3").args(["-c", "import debugpy"]).output().unwrap().status.success()
    {
        terminal.types(&["new", "snake", "--language", "py"]);
        let said = terminal.types(&["dev", "snake", "--inspect=0"]);
        assert!(said.code == 1 && said.err.contains("-m pip install debugpy"), "{said:?}");
        assert!(!said.err.contains("Traceback"), "{said:?}");
    }
    if has("node") {
        terminal.types(&["new", "js"]);
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port().to_string();
        let said = terminal.types(&["dev", "js", &format!("--inspect={port}")]);
        assert!(
            said.code == 5 && said.err.contains(&port) && said.err.contains("--inspect=PORT"),
            "{said:?}"
        );
    }
}

#[test]
fn vs_code_gets_a_configuration_for_a_port_that_lasts() {
    if !has("node") {
        return;
    }
    let terminal = Terminal::new();
    terminal.types(&["new", "mine"]);
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let dev = start(&terminal, &[&format!("--inspect={port}")]);
    assert_eq!(dev.hears("inspect")["launch"], format!("Attach to mine ({port})"));
    let running = dev.hears("running");
    let launch: Value =
        serde_json::from_str(&std::fs::read_to_string(terminal.path("mine/.vscode/launch.json")).unwrap())
            .unwrap();
    assert_eq!(launch["configurations"][0]["port"], port);
    let listen = running["origin"].as_str().unwrap().trim_start_matches("http://").to_owned();
    assert!(get(&listen, "/api/mine/").contains("world"));
    assert_eq!(dev.interrupt(), Some(0));
}
