//! A plugin that says and hears what a script says, for any host: `scripted-plugin SCRIPT.jsonl`. With `--session`, the files are those
//! of a recorded session, and each process plays the next.
//!
//! In its data folder (`OUTBOARD_DATA_DIR`) it writes `drive`, a line of JSON for each thing that is to be done to the host, and
//! `verdict`, for each script: `kept`, or the first line of it at which the host did something else. A process that is started after
//! the last verdict was written plays no script: it only starts, answers pings, and stops.
#![allow(clippy::unwrap_used, reason = "a plugin that cannot play its script ends")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::sync_channel;

use nix::sys::signal::{SigSet, Signal};
use serde_json::json;
use system_tests::script::{Event, Player, Script, Step, player, session as recorded};
use system_tests::supervisor::lines_of;

/// What may wait to be heard; whoever sends more waits.
const WAITING: usize = 4096;

fn main() -> ExitCode {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let session = words.first().is_some_and(|word| word == "--session");
    words.drain(..usize::from(session));
    if words.is_empty() {
        eprintln!("scripted-plugin is a plugin for testing hosts: scripted-plugin [--session] SCRIPT.jsonl…");
        return ExitCode::from(2);
    }
    let data = PathBuf::from(std::env::var_os("OUTBOARD_DATA_DIR").unwrap());
    std::fs::create_dir_all(&data).unwrap();
    let (tell, events) = sync_channel(WAITING);
    // Blocked before there are threads, so that all of them leave it to the one that waits for it.
    let terminate = SigSet::from_iter([Signal::SIGTERM]);
    terminate.thread_block().unwrap();
    let told = tell.clone();
    std::thread::spawn(move || {
        while terminate.wait().is_ok() {
            let _ = told.send(Event::Signal);
        }
    });
    player::listen(std::io::stdin(), tell);
    let into = data.clone();
    let mut player = Player::new(std::io::stdout(), events, move |words| {
        append(&into.join("drive"), &json!(words).to_string());
    });
    let verdict = data.join("verdict");
    let text =
        words.get(lines_of(verdict.clone()).len()).map(|script| std::fs::read_to_string(script).unwrap());
    let Some(text) = text else {
        let polite = Script::read(r#"{"begin": {}}"#);
        return player.play(&polite).map_or(ExitCode::FAILURE, |()| rest(&mut player));
    };
    let script = if session { recorded::script(&text, false) } else { Script::read(&text) };
    player.leeway = if session { recorded::LEEWAY } else { 0 };
    match player.play(&script) {
        Ok(()) => append(&verdict, "kept"),
        Err(why) => {
            eprintln!("the host differs: {why}");
            append(&verdict, &why.replace('\n', " "));
        }
    }
    while matches!(script.steps().last(), Some((_, Step::Stay))) {
        std::thread::park();
    }
    rest(&mut player)
}

fn rest(player: &mut Player<impl Write>) -> ExitCode {
    player.idle();
    ExitCode::SUCCESS
}

fn append(path: &Path, line: &str) {
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}
