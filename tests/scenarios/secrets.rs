//! One secret that passes through every path stands in no log, no error, no report, on no command line and in no backup.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::sync::mpsc::{Receiver, sync_channel};

use serde_json::{Value, json};
use system_tests::verify::{CANARY, files_with};
use system_tests::{NEIGHBOUR, Plugin, Supervisor};

/// The airline: gives a new bearer for a refresh token, and answers requests that have that one. Tells each head and body.
fn airline() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let (tell, heard) = sync_channel(64);
    std::thread::spawn(move || {
        // Ended with the test's process; every connection carries one request.
        for stream in listener.incoming() {
            let Ok(said) = answer(&stream.unwrap()) else { continue };
            if tell.send(said).is_err() {
                return;
            }
        }
    });
    (origin, heard)
}

fn answer(mut stream: &TcpStream) -> std::io::Result<String> {
    let mut reader = BufReader::new(stream);
    let mut said = String::new();
    while !said.ends_with("\r\n\r\n") {
        if reader.read_line(&mut said)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    let length =
        said.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    said.push_str(&String::from_utf8_lossy(&body));
    let (status, answer) = if said.starts_with("POST /token") {
        let tokens = json!({ "access_token": format!("{CANARY}-bearer-2"), "refresh_token": format!("{CANARY}-refresh-2") });
        ("200 OK", tokens.to_string())
    } else if said.contains(&format!("{CANARY}-bearer-2")) {
        ("200 OK", "{}".to_owned())
    } else {
        ("401 Unauthorized", "{}".to_owned())
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{answer}",
        answer.len()
    )?;
    Ok(said)
}

#[test]
fn a_secret_that_passes_through_every_path_is_told_nowhere_and_gone_once_it_is_cleared() {
    let supervisor = Supervisor::builder().plugin(Plugin::hostile("holder", &[])).start();
    let (origin, heard) = airline();
    let root = supervisor.folders().root().to_owned();
    let files: Vec<String> = ["bearer-1", "refresh-1"]
        .iter()
        .map(|name| {
            let file = root.join(name);
            std::fs::write(&file, format!("{CANARY}-{name}\n")).unwrap();
            file.to_str().unwrap().to_owned()
        })
        .collect();
    let url = format!("{origin}/token");
    let mut words = vec!["airline", "set", "test-air", &origin, "--token-file", &files[0]];
    words.extend(["--refresh-token-file", &files[1], "--refresh-url", &url]);
    assert_eq!(supervisor.cli(&words).code, 0);

    // The plugin reads them, asks with them, and has them renewed.
    let asks = |method: &str, params: Value| supervisor.plugin_asks("holder", method, params);
    assert_eq!(asks("auth.getToken", json!({}))["result"]["token"], CANARY);
    assert!(asks("airline.getCurrent", json!({})).to_string().contains("bearer-1"));
    let answer = asks("airline.request", json!({ "method": "GET", "path": "/flights" }));
    assert_eq!(answer["result"]["status"], 200, "{answer}");
    let paths: Vec<String> = (0..3).map(|_| heard.recv().unwrap()).collect();
    assert!(paths[0].contains("bearer-1") && paths[1].contains("refresh-1") && paths[2].contains("bearer-2"));
    assert!(asks("airline.refresh", json!({})).to_string().contains("bearer-2"));
    // Mistakes with a secret in them are answered without it.
    for (method, params) in [
        ("auth.set", json!({ "token": format!("{CANARY}\n") })),
        ("auth.set", json!({ "token": [CANARY] })),
        ("auth.set", json!(CANARY)),
        ("auth.set", json!({ "token": CANARY, CANARY: 1 })),
        ("airline.set", json!({ "id": "x", "baseUrl": format!("https://user:{CANARY}@api.example/") })),
        (
            "airline.set",
            json!({ "id": "x", "baseUrl": "https://api.example", "refreshToken": { CANARY: 1 } }),
        ),
    ] {
        let answer = supervisor.control.ask(method, &params).unwrap().to_string();
        assert!(!answer.contains(CANARY), "{method} {params}: {answer}");
    }
    for mistake in [["auth", "set", CANARY], ["airline", "set", CANARY]] {
        let said = supervisor.command(&mistake).output().unwrap();
        assert!(
            !said.status.success() && !String::from_utf8_lossy(&said.stderr).contains(CANARY),
            "{said:?}"
        );
    }
    supervisor.ask("auth.set", json!({ "token": CANARY }));

    // It dies with all of it in its memory, while a call is under way.
    let before = supervisor.plugin("holder");
    supervisor.begin(&["call", "holder", "never"]);
    supervisor.wait_for_log("holder", "never is called");
    supervisor.fault("holder", json!(["abort"]));
    supervisor.wait_for_generation_after("holder", &before["generation"]);
    supervisor.last_end("holder", 1);

    for words in [
        &["why", "holder", "--json"][..],
        &["why", "holder"],
        &["status", "--json"],
        &["status", "holder"],
        &["list", "--json"],
        &["auth", "status", "--json"],
        &["airline", "status", "--json"],
        &["logs", "-n", "10000", "--json"],
        &["db", "holder", "--json"],
        &["doctor", "--json"],
        &["doctor"],
    ] {
        let said = supervisor.cli(words);
        assert!(!said.out.contains(CANARY) && !said.err.contains(CANARY), "{words:?}: {said:?}");
    }
    assert!(!Value::from(supervisor.events()).to_string().contains(CANARY));
    let safe = root.join("safe");
    std::fs::create_dir(&safe).unwrap();
    // Plain tar: what stands in a database of it stands in it as it is.
    assert_eq!(supervisor.cli(&["backup", safe.join("safe.tar").to_str().unwrap()]).code, 0);
    assert_eq!(files_with(&safe, CANARY), Vec::<std::path::PathBuf>::new());
    // What holds them is for their user alone, and nothing else in the data folder holds them.
    let kept = supervisor.folders().data().join("sign-in.json");
    assert_eq!(files_with(&supervisor.folders().data(), CANARY), std::slice::from_ref(&kept));
    assert_eq!(std::fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    supervisor.verify();

    assert_eq!(supervisor.cli(&["auth", "clear"]).code, 0);
    assert_eq!(supervisor.cli(&["airline", "clear"]).code, 0);
    assert_eq!(files_with(&supervisor.folders().data(), CANARY), Vec::<std::path::PathBuf>::new());
    assert_eq!(asks("auth.getToken", json!({}))["result"]["token"], Value::Null);
    assert!(
        supervisor.plugin_asks(NEIGHBOUR, "airline.getCurrent", json!({}))["result"]["airline"].is_null()
    );
    supervisor.verify();
}
