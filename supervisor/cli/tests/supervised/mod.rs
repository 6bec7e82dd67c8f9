//! A supervisor of one's own: `outboard run` in the folders of a [`Terminal`], ended with the test.

#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "a failed step fails the test; no test file uses all of it"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::terminal::{Terminal, executable};

/// A guard against hanging, not a promise: generous, for machines that do much else.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A plugin in shell: answers everything, says one line when it starts, and does not stop while there is a file `stubborn`.
const PLUGIN: &str = r#"#!/bin/sh
while IFS= read -r line; do
  id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9][0-9]*\).*/\1/p')
  case "$line" in
    *'"method":"initialize"'*)
      result='{"protocolVersion":1,"sdk":{"name":"none","version":"0.0.0","language":"sh"},"hooks":["onStart","onStop"],"features":[]}' ;;
    *'"method":"start"'*)
      printf '{"jsonrpc":"2.0","method":"log","params":{"level":"info","tag":"life","message":"started by a test"}}\n'
      for channel in echo open log retain refresh; do
        handled=$((handled + 1))
        printf '{"jsonrpc":"2.0","id":80000%s,"method":"ipc.handle","params":{"channel":"%s"}}\n' "$handled" "$channel"
      done
      result='{}' ;;
    *'"method":"ipc.invoke"'*'"channel":"open"'*)
      printf '{"jsonrpc":"2.0","id":900002,"method":"database.open","params":{"file":"flights.db"}}\n'
      # The answer comes first, so that whoever called finds the file granted.
      IFS= read -r granted; result='{"heard":true}' ;;
    *'"method":"ipc.invoke"'*'"channel":"log"'*)
      rest=100
      while [ "$rest" -gt 0 ]; do
        rest=$((rest - 1)); said=$((said + 1))
        printf '{"jsonrpc":"2.0","method":"log","params":{"level":"warn","tag":"many","message":"a long line with a number %s"}}\n' "$said"
      done
      result='{"heard":true}' ;;
    *'"method":"ipc.invoke"'*'"channel":"retain"'*)
      printf '{"jsonrpc":"2.0","method":"ipc.send","params":{"channel":"gate","payload":{"number":5},"retain":true}}\n'
      result='{"heard":true}' ;;
    *'"method":"ipc.invoke"'*'"channel":"refresh"'*)
      printf '{"jsonrpc":"2.0","id":900003,"method":"airline.refresh","params":{}}\n'
      result='{"heard":true}' ;;
    *'"method":"ipc.invoke"'*)
      printf '{"jsonrpc":"2.0","method":"ipc.send","params":{"channel":"called","payload":[1,2]}}\n'
      result='{"heard":true}' ;;
    *'"method":"stop"'*) while [ -e stubborn ]; do sleep 0.05; done; result='{}' ;;
    *) result='{}' ;;
  esac
  case "$line" in *'"method"'*) [ -n "$id" ] && printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$result" ;; esac
done
"#;

/// Installs a plugin that works.
pub(crate) fn install(terminal: &Terminal, id: &str) {
    let program = terminal.write(&format!("plugins/{id}/plugin.sh"), PLUGIN);
    executable(&program);
    terminal.write(
        &format!("plugins/{id}/plugin.json"),
        &format!(r#"{{"id":"{id}","name":"{id}","version":"1.0.0","run":{{"command":["./plugin.sh"]}}}}"#),
    );
}

/// A running supervisor.
pub(crate) struct Supervised<'a> {
    pub(crate) terminal: &'a Terminal,
    pub(crate) child: Child,
    pub(crate) lines: Receiver<String>,
}

impl<'a> Supervised<'a> {
    /// Starts one on a free port, with these flags besides.
    pub(crate) fn start(terminal: &'a Terminal, flags: &[&str]) -> Self {
        Self::start_at(terminal, "127.0.0.1:0", flags)
    }

    /// Starts one that listens here.
    pub(crate) fn start_at(terminal: &'a Terminal, listen: &str, flags: &[&str]) -> Self {
        let (data, plugins) = (terminal.path("data"), terminal.path("plugins"));
        let mut words = vec!["run", "--listen", listen, "--exit-with-parent"];
        words.extend(["--data", data.to_str().unwrap(), "--plugins", plugins.to_str().unwrap()]);
        words.extend(flags);
        let mut command = terminal.command(&words);
        // Its errors go where the test's go, so that a failed test can be understood.
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let out = child.stdout.take().unwrap();
        let (tell, lines) = sync_channel(64);
        std::thread::spawn(move || {
            for line in BufReader::new(out.take(1 << 20)).lines() {
                let Ok(line) = line else { return };
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        Self { terminal, child, lines }
    }

    /// Starts one and waits until it is ready; gives what it says of itself.
    pub(crate) fn ready(terminal: &'a Terminal) -> (Self, Value) {
        let supervised = Self::start(terminal, &["--ready-json"]);
        let line = supervised.line();
        (supervised, serde_json::from_str(&line).unwrap())
    }

    /// The next line on standard output.
    pub(crate) fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("the supervisor says a line")
    }

    /// Sends the keeper a signal, as a terminal or an init system would.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(std::process::Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// Waits for the end.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < end, "the supervisor does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Asks until the answer is as wanted.
    pub(crate) fn until(&self, words: &[&str], wanted: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + PATIENCE;
        loop {
            let said = self.terminal.types(words);
            if said.code == 0
                && let Ok(answer) = serde_json::from_str::<Value>(&said.out)
                && wanted(&answer)
            {
                return answer;
            }
            assert!(Instant::now() < end, "{words:?} does not become true: {said:?}");
        }
    }
}

impl Drop for Supervised<'_> {
    fn drop(&mut self) {
        // The end of its standard input is an order to stop; then nothing of it is left.
        drop(self.child.stdin.take());
        if !std::thread::panicking() {
            self.ended();
        }
    }
}

/// What a client gets, head and body.
pub(crate) fn get(listen: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(listen).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {listen}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
