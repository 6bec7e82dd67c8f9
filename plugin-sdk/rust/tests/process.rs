//! The wire as a process has it: real pipes, real descriptors, a real listener.
#![allow(clippy::unwrap_used)] // a test may end with a panic

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

const PROBE: &str = env!("CARGO_BIN_EXE_plugin-probe");

/// The host's end of the wire: everything that comes up must be a message, or the test ends.
struct Wire<W, R> {
    down: W,
    up: BufReader<R>,
}

impl<W: Write, R: Read> Wire<W, R> {
    fn send(&mut self, message: &Value) {
        self.down.write_all(format!("{message}\n").as_bytes()).unwrap();
        self.down.flush().unwrap();
    }

    /// The next message; the plugin's own calls are answered with an empty object on the way.
    fn next(&mut self) -> Option<Value> {
        loop {
            let mut line = String::new();
            if self.up.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            let message: Value = serde_json::from_str(&line).expect("only messages are on the wire");
            match (message.get("method"), message.get("id")) {
                (Some(Value::String(method)), Some(id)) => {
                    let result =
                        if method == "server.register" { json!({ "url": "http://h/p" }) } else { json!({}) };
                    self.send(&json!({ "jsonrpc": "2.0", "id": id, "result": result }));
                }
                _ => return Some(message),
            }
        }
    }

    fn ask(&mut self, id: u64, method: &str, params: &Value) -> Value {
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        let answer = self.next().expect("an answer");
        assert_eq!(answer["id"], json!(id), "{answer}");
        answer
    }

    fn bring_up(&mut self) {
        let greeting = self.ask(
            1,
            "initialize",
            &json!({
                "protocolVersions": [1, 99],
                "host": { "name": "test", "version": "0" },
                "plugin": { "id": "probe", "version": "1.0.0", "installDir": "/", "dataDir": "/nowhere" },
                "http": { "baseUrl": "http://127.0.0.1:1", "prefix": "/api/probe" },
                "somethingNew": {}
            }),
        );
        assert_eq!(greeting["result"]["protocolVersion"], 1);
        let started = self.ask(2, "start", &json!({}));
        assert_eq!(started["result"], json!({}), "{started}");
    }
}

fn spawn(environment: &[(&str, &str)]) -> (Child, Wire<ChildStdin, ChildStdout>) {
    let mut command = Command::new(PROBE);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.envs(environment.iter().copied());
    let mut child = command.spawn().unwrap();
    let wire = Wire { down: child.stdin.take().unwrap(), up: BufReader::new(child.stdout.take().unwrap()) };
    (child, wire)
}

fn ended(child: Child) -> (Option<i32>, String) {
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn what_the_plugin_and_its_children_print_goes_to_standard_error() {
    let (child, mut wire) = spawn(&[]);
    wire.bring_up();
    wire.ask(3, "stop", &json!({ "reason": "stopped" }));
    assert!(wire.next().is_none(), "it exits by itself after stop");
    let (code, stderr) = ended(child);
    assert_eq!(code, Some(0));
    for printed in ["forged", "printed by a child", "on_stop ran"] {
        assert!(stderr.contains(printed), "{printed}: {stderr}");
    }
}

#[test]
fn the_end_of_standard_input_is_an_orderly_exit() {
    let (child, mut wire) = spawn(&[]);
    wire.bring_up();
    drop(wire.down);
    let (code, stderr) = ended(child);
    assert_eq!(code, Some(0));
    assert!(stderr.contains("on_stop ran"), "{stderr}");
}

#[test]
fn run_by_hand_it_says_one_friendly_line_and_exits() {
    let output = Command::new(PROBE).stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let line = String::from_utf8_lossy(&output.stderr);
    assert_eq!(line.lines().count(), 1, "{line}");
    assert!(line.contains("plugin-probe is a plugin"), "{line}");
}

#[test]
fn frames_may_come_split_joined_and_with_carriage_returns() {
    let (child, mut wire) = spawn(&[]);
    wire.bring_up();
    let frame =
        r#"{"jsonrpc":"2.0","id":"a\"1","method":"ipc.invoke","params":{"channel":"echo","args":["ü"]}}"#;
    for byte in format!("\r\n\n{frame}\r\n").bytes() {
        wire.down.write_all(&[byte]).unwrap();
        wire.down.flush().unwrap();
    }
    let answer = wire.next().unwrap();
    assert_eq!((&answer["id"], &answer["result"]), (&json!("a\"1"), &json!("ü")));
    wire.down.write_all(format!("{frame}\n{frame}\nnot a message\n[]\n").as_bytes()).unwrap();
    // Both have the same id: the second is refused or answered, but exactly one answer follows each.
    assert_eq!(wire.next().unwrap()["id"], "a\"1");
    assert_eq!(wire.next().unwrap()["id"], "a\"1");
    assert_eq!(wire.ask(9, "ping", &json!({}))["result"], json!({}));
    drop(wire);
    assert_eq!(ended(child).0, Some(0));
}

#[test]
fn a_panic_on_another_thread_is_that_threads_alone() {
    let (child, mut wire) = spawn(&[]);
    wire.bring_up();
    let answer = wire.ask(3, "ipc.invoke", &json!({ "channel": "blow", "args": [] }));
    assert_eq!(answer["error"]["message"], "the thread panicked");
    assert_eq!(wire.ask(4, "ping", &json!({}))["result"], json!({}));
    drop(wire);
    assert_eq!(ended(child).0, Some(0));
}

#[test]
fn the_wire_and_the_listener_may_come_on_other_descriptors() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("http");
    let listener = UnixListener::bind(&socket).unwrap();
    let (down, up) = (folder.path().join("down"), folder.path().join("up"));
    for fifo in [&down, &up] {
        assert!(Command::new("mkfifo").arg(fifo).status().unwrap().success());
    }
    // The shell hands the listener, which is its standard input, on as descriptor 3, as a wrapper script would.
    let child = Command::new("sh")
        .args(["-c", r#"exec 3<&0 4<"$1" 5>"$2" 0</dev/null; exec "$0""#, PROBE])
        .args([&down, &up])
        .envs([("OUTBOARD_RPC_FDS", "4,5"), ("OUTBOARD_HTTP_FD", "3")])
        .stdin(std::os::fd::OwnedFd::from(listener))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let down = std::fs::File::options().write(true).open(&down).unwrap();
    let mut wire = Wire { down, up: BufReader::new(std::fs::File::open(&up).unwrap()) };
    wire.bring_up();
    let mut request = UnixStream::connect(&socket).unwrap();
    request.write_all(b"GET /api/probe HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").unwrap();
    let mut response = String::new();
    request.read_to_string(&mut response).unwrap();
    assert!(response.starts_with("HTTP/1.1 200") && response.ends_with("served"), "{response}");
    wire.ask(3, "stop", &json!({ "reason": "shutdown" }));
    assert_eq!(ended(child).0, Some(0));
}

/// The golden vectors of one file.
fn vectors(file: &str) -> Vec<Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../proto-schema/vectors");
    let text = std::fs::read_to_string(format!("{folder}/{file}")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_valid_request_is_answered_once_under_its_own_id_and_nothing_else_is() {
    let (child, mut wire) = spawn(&[]);
    wire.bring_up();
    for vector in vectors("valid.jsonl") {
        let frame = vector["frame"].as_str().unwrap();
        wire.down.write_all(format!("{frame}\n").as_bytes()).unwrap();
        if vector["means"]["kind"] == "request" {
            let answer = wire.next().unwrap();
            assert_eq!(answer["id"], vector["means"]["id"], "{vector}");
        }
        assert_eq!(wire.ask(1000, "ping", &json!({}))["result"], json!({}), "{vector}");
    }
    drop(wire);
    assert_eq!(ended(child).0, Some(0));
}

#[test]
fn every_broken_frame_is_answered_with_its_error_and_noise_with_nothing() {
    let (child, mut wire) = spawn(&[]);
    wire.bring_up();
    for vector in vectors("invalid.jsonl") {
        let bytes: Vec<u8> = match (vector["frame"].as_str(), vector["hex"].as_str()) {
            (Some(text), _) => text.as_bytes().to_vec(),
            (_, hex) => hex.unwrap().split(' ').map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect(),
        };
        wire.down.write_all(&bytes).unwrap();
        wire.down.write_all(b"\n").unwrap();
        if vector["outcome"] == "broken" {
            let answer = wire.next().unwrap();
            assert_eq!(
                (&answer["id"], &answer["error"]["code"]),
                (&Value::Null, &vector["code"]),
                "{vector}"
            );
        }
        assert_eq!(wire.ask(1000, "ping", &json!({}))["result"], json!({}), "{vector}");
    }
    drop(wire);
    assert_eq!(ended(child).0, Some(0));
}

#[test]
fn a_host_that_writes_before_it_reads_is_read_and_gets_one_answer_to_each_call() {
    const CALLS: u64 = 24;
    let (child, mut wire) = spawn(&[]);
    wire.bring_up();
    let (mut down, large) = (wire.down, "x".repeat(1024 * 1024));
    let (written, all_written) = std::sync::mpsc::sync_channel(1);
    std::thread::spawn(move || {
        for id in 100..100 + CALLS {
            let params = json!({ "channel": "echo", "args": [large] });
            let call = json!({ "jsonrpc": "2.0", "id": id, "method": "ipc.invoke", "params": params });
            down.write_all(format!("{call}\n").as_bytes()).unwrap();
        }
        written.send(down).unwrap();
    });
    // The answers to all of them are more than the plugin queues and the pipe holds.
    let down = all_written.recv_timeout(Duration::from_secs(60)).expect("the plugin goes on reading");
    let mut wire = Wire { down, up: wire.up };
    let (mut ids, mut refused) = (Vec::new(), 0);
    for _ in 0..CALLS {
        let answer = wire.next().unwrap();
        ids.push(answer["id"].as_u64().unwrap());
        match answer["error"]["code"].as_i64() {
            None => assert_eq!(answer["result"].as_str().map(str::len), Some(1024 * 1024)),
            Some(code) => {
                assert_eq!(code, -32003, "{answer}");
                refused += 1;
            }
        }
    }
    ids.sort_unstable();
    assert_eq!(ids, (100..100 + CALLS).collect::<Vec<_>>());
    assert!(refused > 0, "what it cannot queue, it refuses");
    assert_eq!(wire.ask(1000, "ping", &json!({}))["result"], json!({}));
    drop(wire);
    assert_eq!(ended(child).0, Some(0));
}

#[test]
fn an_oversized_frame_is_reported_once_and_the_next_is_read() {
    let (child, mut wire) = spawn(&[]);
    wire.bring_up();
    let huge = vec![b'x'; 9 * 1024 * 1024];
    wire.down.write_all(&huge).unwrap();
    wire.down.write_all(b"\n").unwrap();
    let answer = wire.next().unwrap();
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&Value::Null, &json!(-32003)));
    assert_eq!(wire.ask(1000, "ping", &json!({}))["result"], json!({}));
    drop(wire);
    assert_eq!(ended(child).0, Some(0));
}
