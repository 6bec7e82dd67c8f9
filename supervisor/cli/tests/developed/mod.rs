//! `outboard dev` as a program sees it: its lines of JSON, the edits that it hears of, and Ctrl-C.

#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "a failed step fails the test; no test file uses all of it"
)]

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::supervised::{PATIENCE, get};
use crate::terminal::Terminal;

/// One that runs.
pub(crate) struct Dev {
    pub(crate) child: Child,
    lines: Receiver<Value>,
}

impl Dev {
    pub(crate) fn start(terminal: &Terminal, folder: &str, flags: &[&str]) -> Self {
        let mut words = vec!["dev", folder, "--json", "--listen", "127.0.0.1:0"];
        words.extend(flags);
        std::fs::create_dir_all(terminal.path("tmp")).unwrap();
        let mut child = terminal
            .command(&words)
            .env("TMPDIR", terminal.path("tmp"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = child.stdout.take().unwrap();
        let (tell, lines) = sync_channel(4096);
        std::thread::spawn(move || {
            for line in BufReader::new(out.take(1 << 22)).lines() {
                let Ok(line) = line else { return };
                let said = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
                if tell.send(said).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    /// The next line that says this.
    pub(crate) fn hears(&self, event: &str) -> Value {
        let (end, mut heard) = (Instant::now() + PATIENCE, Vec::new());
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let said = self.lines.recv_timeout(left).unwrap_or_else(|_| panic!("no {event}: {heard:#?}"));
            if said["event"] == event {
                return said;
            }
            heard.push(said);
        }
    }

    /// Whether nothing of this kind is said for a while.
    pub(crate) fn is_silent_of(&self, events: &[&str], time: Duration) -> bool {
        let end = Instant::now() + time;
        while let Ok(said) = self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            if events.iter().any(|event| said["event"] == *event) {
                eprintln!("it said {said}");
                return false;
            }
        }
        true
    }

    /// Presses Ctrl-C, and gives the exit code.
    pub(crate) fn interrupt(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", "INT", &pid]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

/// A new plugin `mine` in JavaScript, and its module. `None` where there is no Node, which is said.
pub(crate) fn module_of_a_new_plugin() -> Option<(Terminal, PathBuf)> {
    has("node").then(|| {
        let terminal = Terminal::new();
        terminal.types(&["new", "mine"]);
        let module = terminal.path("mine/background/index.js");
        (terminal, module)
    })
}

pub(crate) fn edit(file: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{from:?} is not in {text}");
    std::fs::write(file, text.replace(from, to)).unwrap();
}

pub(crate) fn answer(running: &Value, id: &str) -> String {
    let listen = running["origin"].as_str().unwrap().trim_start_matches("http://");
    get(listen, &format!("/api/{id}/"))
}

pub(crate) fn has(program: &str) -> bool {
    let found =
        std::env::split_paths(&std::env::var_os("PATH").unwrap()).any(|dir| dir.join(program).is_file());
    if !found {
        eprintln!("not run: what takes {program}");
    }
    found
}
