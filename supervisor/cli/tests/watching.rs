//! What operators watch and steer while plugins run, through the built binary: logs and their levels, events, the sign-in that
//! plugins wait for, and the airline's renewal.

#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

mod supervised;
mod terminal;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};

use supervised::{PATIENCE, Supervised, install};
use terminal::Terminal;

/// A verb that goes on, ended with the test.
struct Watching {
    child: Child,
    lines: Receiver<String>,
}

impl Watching {
    fn begin(terminal: &Terminal, words: &[&str]) -> Self {
        let mut child = terminal.command(words).stdout(Stdio::piped()).spawn().unwrap();
        let out = child.stdout.take().unwrap();
        let (tell, lines) = sync_channel(1024);
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    /// The next line that holds this text.
    fn until(&self, text: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no line with {text:?}"));
            if line.contains(text) {
                return line;
            }
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn records(terminal: &Terminal, words: &[&str]) -> Vec<String> {
    let said = terminal.types(words);
    assert_eq!(said.code, 0, "{said:?}");
    said.out.lines().map(str::to_owned).collect()
}

#[test]
fn plugins_wait_for_a_sign_in_and_start_with_it() {
    let terminal = Terminal::new();
    install(&terminal, "good");
    install(&terminal, "off");
    let settings = terminal.path("home/.config/outboard/outboard.toml");
    terminal.write(
        "home/.config/outboard/outboard.toml",
        "hold_until_auth = true\n[plugins.off]\nenabled = false\n",
    );
    let (supervised, ready) = Supervised::ready(&terminal);
    assert_eq!(ready["waitingForSignIn"], true, "{ready}");
    assert_eq!(ready["plugins"][0]["state"], "stopped", "{ready}");
    assert!(terminal.types(&["status"]).out.contains("outboard auth set"));

    assert_eq!(terminal.types_into("a-token", &["auth", "set"]).code, 0);
    let status = supervised.until(&["status", "--json"], |status| status["plugins"][0]["state"] == "running");
    assert_eq!(
        (&status["waitingForSignIn"], &status["plugins"][1]["state"]),
        (&false.into(), &"stopped".into())
    );
    drop(supervised);

    // Who is signed in already is not waited for.
    let (supervised, ready) = Supervised::ready(&terminal);
    assert_eq!(
        (&ready["waitingForSignIn"], &ready["plugins"][0]["state"]),
        (&false.into(), &"running".into())
    );
    assert_eq!(terminal.types(&["auth", "clear"]).code, 0);
    drop(supervised);

    // A flag wins over the file, and one plugin can be started by hand.
    std::fs::remove_file(settings).unwrap();
    let supervised = Supervised::start(&terminal, &["--hold-until-auth"]);
    let said: Vec<String> = (0..5).map(|_| supervised.line()).collect();
    assert!(said[1].contains("outboard auth set"), "{said:?}");
    assert_eq!(terminal.types(&["start", "good"]).code, 0);
}

#[test]
fn the_level_of_one_plugins_log_is_set_while_it_runs() {
    let terminal = Terminal::new();
    install(&terminal, "good");
    let (supervised, _) = Supervised::ready(&terminal);
    let level = |words: &[&str]| {
        let said = terminal.types(&[&["log-level", "good"][..], words].concat());
        assert_eq!(said.code, 0, "{said:?}");
        said.out.trim().to_owned()
    };
    let count = || records(&terminal, &["logs", "good", "--tag", "life", "-n", "1000"]).len();
    supervised.until(&["logs", "good", "--tag", "life", "--json"], |records| {
        records.as_array().is_some_and(|all| all.len() == 1)
    });
    assert_eq!(level(&[]), "debug (default)");
    assert_eq!(level(&["warn"]), "warn");
    assert_eq!(terminal.types(&["restart", "good"]).code, 0);
    assert_eq!((count(), level(&[])), (1, "warn".to_owned()));
    assert_eq!(level(&["default"]), "debug (default)");
    assert_eq!(terminal.types(&["restart", "good"]).code, 0);
    supervised.until(&["logs", "good", "--tag", "life", "--json"], |records| {
        records.as_array().is_some_and(|all| all.len() == 2)
    });
    assert_eq!(terminal.types(&["log-level", "good", "loud"]).code, 2);
    assert_eq!(terminal.types(&["log-level", "nobody"]).code, 4);
}

#[test]
fn logs_are_chosen_by_level_tag_time_and_text_and_followed_over_rotations() {
    let terminal = Terminal::new();
    install(&terminal, "good");
    terminal.write("home/.config/outboard/outboard.toml", "[log_files]\nsize = \"4KiB\"\nfiles = 3\n");
    let (_supervised, _) = Supervised::ready(&terminal);
    let following = Watching::begin(&terminal, &["logs", "good", "-f", "--tag", "many", "-n", "0"]);
    // It is not told when the following begins; what is said before is in the files, and not asked for.
    let heard = loop {
        assert_eq!(terminal.types(&["call", "good", "log"]).code, 0);
        if let Ok(line) = following.lines.recv_timeout(std::time::Duration::from_millis(200)) {
            break line;
        }
    };
    let number = |line: &str| line.rsplit("number ").next().unwrap().trim().parse::<u32>().unwrap();
    let mut last = number(&heard);
    while last % 100 != 0 {
        let next = number(&following.until("number "));
        assert_eq!(next, last + 1, "a record is missing or came twice");
        last = next;
    }
    assert!(
        terminal.path("data/logs/good.jsonl.1").exists() || terminal.path("data/logs/good.1.jsonl").exists(),
        "nothing was rotated"
    );

    assert_eq!(
        records(&terminal, &["logs", "good", "--grep", &format!("number {last}"), "--level", "warn"]).len(),
        1
    );
    assert!(records(&terminal, &["logs", "good", "--tag", "many", "--level", "error"]).is_empty());
    assert!(records(&terminal, &["logs", "good", "--tag", "many", "--until", "1h"]).is_empty());
    assert!(
        !records(
            &terminal,
            &["logs", "good", "--tag", "many", "--since", "1h", "--until", "2999-01-01T00:00:00Z"]
        )
        .is_empty()
    );
    assert_eq!(terminal.types(&["logs", "--until", "tomorrow"]).code, 2);
}

#[test]
fn kept_values_are_told_to_those_who_listen_later() {
    let terminal = Terminal::new();
    install(&terminal, "good");
    let (_supervised, _) = Supervised::ready(&terminal);
    assert_eq!(terminal.types(&["call", "good", "retain"]).code, 0);
    let line = Watching::begin(&terminal, &["listen", "good"]).until("gate");
    assert_eq!(line, r#"(kept) gate {"number":5}"#);
    let line = Watching::begin(&terminal, &["listen", "good", "--json"]).until("gate");
    let event: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&event["payload"]["number"], &event["replayed"]), (&5.into(), &1.into()), "{event}");
}

/// Answers one request with this and gives its head and body.
fn answer_one(listener: TcpListener, status: &'static str, body: &'static str) -> Receiver<String> {
    let (tell, asked) = sync_channel(1);
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            head.push_str(&line);
            if line.trim().is_empty() {
                break;
            }
        }
        let mut sent = vec![0; length];
        reader.read_exact(&mut sent).unwrap();
        let answer =
            format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
        stream.write_all(answer.as_bytes()).unwrap();
        // Nobody waits any more when the test has failed.
        let _ = tell.send(format!("{head}{}", String::from_utf8(sent).unwrap()));
    });
    asked
}

fn bind_airline(terminal: &Terminal, flags: &[&str]) -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let url = format!("{origin}/renew");
    terminal.write("refresh", "canary-refresh");
    let words =
        ["airline", "set", "test-air", &origin, "--refresh-token-file", "refresh", "--refresh-url", &url];
    let bound = terminal.types(&[&words[..], flags].concat());
    assert_eq!(bound.code, 0, "{bound:?}");
    listener
}

#[test]
fn a_refresh_is_asked_for_in_the_words_of_the_airlines_server() {
    let terminal = Terminal::new();
    install(&terminal, "good");
    let (supervised, _) = Supervised::ready(&terminal);
    let asked = answer_one(bind_airline(&terminal, &[]), "200 OK", r#"{"access_token":"new"}"#);
    supervised.until(&["call", "good", "refresh"], |answer| answer["heard"] == true);
    let form = asked.recv_timeout(PATIENCE).unwrap();
    assert!(form.contains("application/x-www-form-urlencoded"), "{form}");
    assert!(form.ends_with("grant_type=refresh_token&refresh_token=canary-refresh"), "{form}");
    supervised.until(&["airline", "status", "--json"], |status| status["hasToken"] == true);

    terminal.write("extra.json", r#"{"grant_type":null,"client_secret":"canary-client"}"#);
    let flags = [
        "--refresh-body",
        "json",
        "--refresh-token-field",
        "renewal",
        "--access-token-field",
        "bearer",
        "--new-refresh-token-field",
        "nextRenewal",
        "--refresh-extra-file",
        "extra.json",
    ];
    let answer = r#"{"bearer":"newer","nextRenewal":"next"}"#;
    let asked = answer_one(bind_airline(&terminal, &flags), "200 OK", answer);
    supervised.until(&["call", "good", "refresh"], |answer| answer["heard"] == true);
    let json = asked.recv_timeout(PATIENCE).unwrap();
    assert!(json.contains("application/json"), "{json}");
    assert!(json.ends_with(r#"{"client_secret":"canary-client","renewal":"canary-refresh"}"#), "{json}");
    supervised.until(&["airline", "status", "--json"], |status| status["hasToken"] == true);

    terminal.write("extra.json", r#"{"client_secret":5}"#);
    let wrong =
        terminal.types(&["airline", "set", "x", "https://a.example", "--refresh-extra-file", "extra.json"]);
    assert_eq!(wrong.code, 2, "{wrong:?}");
    assert!(!terminal.types(&["logs", "-n", "1000"]).out.contains("canary"));
}

#[test]
fn a_refused_refresh_and_state_changes_are_told_to_the_host() {
    let terminal = Terminal::new();
    install(&terminal, "good");
    let (_supervised, _) = Supervised::ready(&terminal);
    let events = Watching::begin(&terminal, &["events"]);
    // It is not told when the subscription begins, so change something until it is heard.
    loop {
        assert_eq!(terminal.types(&["restart", "good"]).code, 0);
        if events.lines.recv_timeout(std::time::Duration::from_millis(200)).is_ok() {
            break;
        }
    }
    let _asked = answer_one(bind_airline(&terminal, &[]), "400 Bad Request", "{}");
    assert_eq!(terminal.types(&["call", "good", "refresh"]).code, 0);
    let line = events.until("auth.required");
    assert!(line.contains("HTTP 400") && !line.contains("canary"), "{line}");
}
