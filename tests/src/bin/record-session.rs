//! Records a session of the protocol: `cargo run -p system-tests --bin record-session -- NAME`, with every binary built before.
//!
//! Runs the supervisor with the session plugin and this program between them, and writes tests/record/protocol-1/NAME/. A record that is
//! there is never written over: what was once said must be understood for ever.
#![allow(clippy::unwrap_used, reason = "a step that fails ends the recording")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::json;
use system_tests::script::session;
use system_tests::supervisor::lines_of;
use system_tests::{Plugin, Supervisor};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match &words[..] {
        [between, program] if between == "--between" => listen_in(Path::new(program)),
        [name] if !name.contains(['/', '.']) => record(name),
        _ => {
            eprintln!("usage: record-session NAME");
            ExitCode::from(2)
        }
    }
}

fn record(name: &str) -> ExitCode {
    let folder = session::records().join(name);
    if folder.exists() {
        eprintln!(
            "{} is there already, and records are never changed; choose another name",
            folder.display()
        );
        return ExitCode::FAILURE;
    }
    let airline = TcpListener::bind("127.0.0.1:0").unwrap();
    let supervisor = Supervisor::builder().settings(session::SETTINGS).start();
    let base = format!("http://{}", airline.local_addr().unwrap());
    supervisor.ask("auth.set", json!({ "token": "a-token" }));
    supervisor.ask("airline.set", json!({ "id": "silent", "baseUrl": base }));
    let here = std::env::current_exe().unwrap();
    let command = json!([here, "--between", here.with_file_name("session-plugin")]);
    let plugin = Plugin::command(session::ID, &[]).with(json!({ "run": { "command": command } }));
    session::drive(&supervisor, plugin);
    std::fs::create_dir_all(&folder).unwrap();
    let data = supervisor.folders().plugin_data(session::ID);
    for number in 1..=2 {
        let wire: Vec<(bool, String)> = lines_of(wire_file(&data, number))
            .iter()
            .map(|line| line.split_at(1))
            .map(|(side, line)| (side == "h", line.to_owned()))
            .collect();
        std::fs::write(folder.join(format!("{number}.jsonl")), session::normalised(&wire)).unwrap();
    }
    eprintln!("recorded {}", folder.display());
    ExitCode::SUCCESS
}

fn wire_file(data: &Path, number: u32) -> PathBuf {
    data.join(format!("wire-{number}"))
}

/// Between host and plugin: each line is written down before it goes on.
fn listen_in(program: &Path) -> ExitCode {
    let data = PathBuf::from(std::env::var_os("OUTBOARD_DATA_DIR").unwrap());
    std::fs::create_dir_all(&data).unwrap();
    let file = (1..).map(|number| wire_file(&data, number)).find(|file| !file.exists()).unwrap();
    let file = Arc::new(Mutex::new(std::fs::File::create(file).unwrap()));
    let mut plugin = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let input = plugin.stdin.take().unwrap();
    let down = Arc::clone(&file);
    std::thread::spawn(move || pass_on('h', std::io::stdin(), input, &down));
    pass_on('p', plugin.stdout.take().unwrap(), std::io::stdout(), &file);
    ExitCode::from(u8::try_from(plugin.wait().unwrap().code().unwrap_or(1)).unwrap_or(1))
}

fn pass_on(side: char, from: impl Read, mut to: impl Write, file: &Mutex<std::fs::File>) {
    for line in BufReader::new(from).lines().map_while(Result::ok) {
        writeln!(file.lock().unwrap(), "{side}{line}").unwrap();
        if writeln!(to, "{line}").and_then(|()| to.flush()).is_err() {
            return;
        }
    }
}
