//! `outboard run --listen unix:PATH`: a socket with the mode of the settings, in place of what was left there and of nothing else.

#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

mod supervised;
mod terminal;

use std::io::{Read, Write};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use supervised::{Supervised, install};
use terminal::Terminal;

fn get(socket: &Path, path: &str) -> String {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(supervised::PATIENCE)).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_unix_socket_is_served_with_its_mode_and_is_gone_at_the_end() {
    let terminal = Terminal::new();
    install(&terminal, "good");
    let path = terminal.path("http.sock");
    // What a program left that is gone is replaced.
    drop(UnixListener::bind(&path).unwrap());
    let listen = format!("unix:{}", path.display());
    let mut supervised =
        Supervised::start_at(&terminal, &listen, &["--ready-json", "--set", "http.socket_mode=\"0660\""]);
    let ready: serde_json::Value = serde_json::from_str(&supervised.line()).unwrap();
    assert_eq!(ready["listen"], listen.as_str());
    let metadata = std::fs::symlink_metadata(&path).unwrap();
    assert!(metadata.file_type().is_socket());
    assert_eq!(metadata.permissions().mode() & 0o7777, 0o660);
    let health = get(&path, "/_outboard/health");
    assert!(health.starts_with("HTTP/1.1 200") && health.contains("\"good\":\"running\""), "{health}");
    let status = terminal.types(&["status"]);
    assert!(status.out.contains(&format!("at {listen}\n")), "{}", status.out);
    let doctor = terminal.types(&["doctor", "--listen", &listen]);
    assert!(doctor.out.contains(&format!("{listen} is the running supervisor's")), "{}", doctor.out);
    supervised.signal("TERM");
    assert_eq!(supervised.ended().code(), Some(0));
    assert!(!path.exists(), "the socket was left behind");
}

#[test]
fn what_is_no_left_socket_is_neither_served_nor_removed() {
    let terminal = Terminal::new();
    let file = terminal.write("file", "kept");
    let served = terminal.path("served");
    let _listener = UnixListener::bind(&served).unwrap();
    let run = |listen: &str| terminal.types(&["run", "--listen", listen, "--plugins", "."]);
    for (path, why) in [(&file, "is not a socket"), (&served, "another program serves it")] {
        let said = run(&format!("unix:{}", path.display()));
        assert_eq!(said.code, 5, "{}", said.err);
        assert!(said.err.contains(why) && said.err.contains("--listen"), "{}", said.err);
        assert!(path.exists());
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "kept");
    for wrong in ["unix:", "unix:/run/"] {
        let said = run(wrong);
        assert!(said.code == 2 && said.err.contains("unix:/run/outboard/http.sock"), "{}", said.err);
    }
    let long = run(&format!("unix:/{}", "x".repeat(120)));
    assert!(long.code == 2 && long.err.contains("at most 107"), "{}", long.err);
}

#[test]
fn names_in_the_settings_that_are_nobodys_are_told_with_their_key() {
    let terminal = Terminal::new();
    for (setting, why) in [
        ("http.allowed_users=[\"nobody-has-this-name\"]", "http.allowed_users"),
        ("http.socket_group=\"nobody-has-this-name\"", "http.socket_group"),
        ("http.socket_mode=\"rw\"", "http.socket_mode"),
    ] {
        let said = terminal.types(&["--set", setting, "run", "--listen", "unix:x.sock", "--plugins", "."]);
        assert!(said.code == 2 && said.err.contains(why), "{setting}: {} {}", said.code, said.err);
    }
}
