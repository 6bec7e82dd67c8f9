//! The runtime folder: whose it has to be, for the supervisor and for every verb that asks it, and what becomes of it when somebody
//! removes it.

#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

mod supervised;
mod terminal;

use std::fs;
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use supervised::{PATIENCE, Supervised, install};
use terminal::{Said, Terminal};

/// Nobody, on every system.
const STRANGER: u32 = 65534;

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// A runtime folder as a supervisor leaves it, with a socket of ours in it that takes whatever is sent.
fn imitation(terminal: &Terminal, credential: &Path) -> (PathBuf, UnixListener) {
    let record = serde_json::json!({
        "pid": std::process::id(), "keeperPid": null, "listen": "127.0.0.1:1", "dataDir": terminal.path("data"),
        "credentialFile": credential, "version": "0.0.0", "startedAt": "2026-01-01T00:00:00Z",
    });
    terminal.write("runtime/outboard/supervisor.json", &record.to_string());
    let folder = terminal.path("runtime/outboard");
    mode(&folder, 0o700);
    let socket = UnixListener::bind(folder.join("control.sock")).unwrap();
    socket.set_nonblocking(true).unwrap();
    (folder, socket)
}

fn asks_and_is_refused(terminal: &Terminal, socket: &UnixListener, why: &str) {
    let said = terminal.types_into("a-secret", &["auth", "set"]);
    assert!(said.code == 5 && said.err.contains(why), "{why}: {said:?}");
    if let Ok((mut stream, _)) = socket.accept() {
        let mut sent = Vec::new();
        stream.set_nonblocking(false).unwrap();
        stream.read_to_end(&mut sent).unwrap();
        assert_eq!(String::from_utf8_lossy(&sent), "", "{why}");
    }
}

#[test]
fn nothing_is_sent_to_a_folder_that_others_may_change() {
    let terminal = Terminal::new();
    let credential = terminal.write("data/credential", &"0".repeat(64));
    let (folder, socket) = imitation(&terminal, &credential);
    for open in [0o755, 0o770, 0o1777] {
        mode(&folder, open);
        asks_and_is_refused(&terminal, &socket, "is open to others");
    }
    mode(&folder, 0o700);
    let elsewhere = terminal.path("runtime/elsewhere");
    fs::rename(&folder, &elsewhere).unwrap();
    symlink(&elsewhere, &folder).unwrap();
    asks_and_is_refused(&terminal, &socket, "a link");
}

#[test]
fn only_a_credential_is_read_and_sent() {
    let terminal = Terminal::new();
    let credential = terminal.write("data/credential", "root-only-SECRET-LINE\n");
    let (_, socket) = imitation(&terminal, &credential);
    asks_and_is_refused(&terminal, &socket, "does not hold a credential");
    fs::remove_file(&credential).unwrap();
    symlink(terminal.write("precious", &"0".repeat(64)), &credential).unwrap();
    asks_and_is_refused(&terminal, &socket, "cannot use the credential");
    fs::remove_file(&credential).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&credential).status().unwrap().success());
    asks_and_is_refused(&terminal, &socket, "not a file of yours");
}

/// What only root can set up: files of another user. Everybody else meets that user's folder as one that cannot be entered.
#[test]
fn root_too_sends_nothing_to_another_users_folder_socket_or_credential() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("NOT SHOWN: only root can give files to another user");
        return;
    }
    let terminal = Terminal::new();
    let credential = terminal.write("data/credential", &"0".repeat(64));
    let (folder, socket) = imitation(&terminal, &credential);
    let give = |path: &Path| chown(path, Some(STRANGER), Some(STRANGER)).unwrap();
    let take = |path: &Path| chown(path, Some(0), Some(0)).unwrap();
    give(&folder);
    asks_and_is_refused(&terminal, &socket, "belongs to uid 65534");
    take(&folder);
    give(&credential);
    asks_and_is_refused(&terminal, &socket, "not a file of yours");
    take(&credential);
    give(&folder.join("supervisor.json"));
    let said = terminal.types(&["status"]);
    assert!(said.code != 0 && said.err.contains("not a file of yours"), "{said:?}");
    take(&folder.join("supervisor.json"));

    // A socket's file is ours, and who serves it is not.
    drop(socket);
    fs::remove_file(folder.join("control.sock")).unwrap();
    let serve = "import os,socket,sys\nos.setgid(65534)\ns=socket.socket(socket.AF_UNIX)\ns.bind(sys.argv[1])\nos.setuid(65534)\ns.listen()\nprint(flush=True)\nc=s.accept()[0]\nprint(c.recv(100))";
    let mut stranger = std::process::Command::new("python3")
        .args(["-c", serve, folder.join("control.sock").to_str().unwrap()])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut heard = stranger.stdout.take().unwrap();
    heard.read_exact(&mut [0]).unwrap();
    let said = terminal.types_into("a-secret", &["auth", "set"]);
    assert!(said.code == 5 && said.err.contains("served by uid 65534"), "{said:?}");
    let mut rest = String::new();
    heard.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "b''\n");
    stranger.wait().unwrap();
}

const RUN: [&str; 6] = ["run", "--listen", "127.0.0.1:0", "--exit-with-parent", "--plugins", "plugins"];

/// What `run` says where it ends by itself: its standard input stays open, so that nothing else ends it.
fn refuses_to_run(terminal: &Terminal, words: &[&str]) -> Said {
    let mut command = terminal.command(&[&RUN[..], words].concat());
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let input = child.stdin.take();
    let end = Instant::now() + PATIENCE;
    while child.try_wait().unwrap().is_none() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(input);
    Said::of(&child.wait_with_output().unwrap())
}

#[test]
fn a_runtime_folder_that_was_open_is_closed_and_what_is_not_ours_in_it_is_refused_and_not_followed() {
    let terminal = Terminal::new();
    let precious = terminal.write("precious", "a file");
    fs::create_dir(terminal.path("open")).unwrap();
    mode(&terminal.path("open"), 0o777);
    let supervised = Supervised::start(&terminal, &["--ready-json", "--runtime-dir", "open"]);
    supervised.line();
    drop(supervised);
    assert_eq!(fs::metadata(terminal.path("open")).unwrap().permissions().mode() & 0o777, 0o700);

    for name in ["supervisor.json.new", "lock", "s/x"] {
        mode(&terminal.path("open"), 0o777);
        let link = terminal.path("open").join(name);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        let _ = fs::remove_file(&link);
        symlink(&precious, &link).unwrap();
        let said = refuses_to_run(&terminal, &["--runtime-dir", "open", "--data", "data"]);
        assert!(said.code == 5 && said.err.contains("which is a link"), "{name}: {said:?}");
        fs::remove_file(&link).unwrap();
    }
    assert_eq!(fs::read_to_string(precious).unwrap(), "a file");
}

#[test]
fn a_data_folder_of_another_user_is_refused() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("NOT SHOWN: only root can give files to another user");
        return;
    }
    let terminal = Terminal::new();
    fs::create_dir(terminal.path("theirs")).unwrap();
    mode(&terminal.path("theirs"), 0o755);
    chown(terminal.path("theirs"), Some(STRANGER), Some(STRANGER)).unwrap();
    let said = refuses_to_run(&terminal, &["--data", "theirs"]);
    assert!(said.code == 5 && said.err.contains("belongs to uid 65534"), "{said:?}");
    assert_eq!(fs::metadata(terminal.path("theirs")).unwrap().permissions().mode() & 0o777, 0o755);
    assert_eq!(fs::read_dir(terminal.path("theirs")).unwrap().count(), 0);
}

#[test]
fn orders_are_taken_again_after_somebody_removed_the_control_socket_the_lock_or_the_whole_folder() {
    let terminal = Terminal::new();
    install(&terminal, "good");
    let (supervised, _) = Supervised::ready(&terminal);
    let folder = terminal.path("runtime/outboard");
    fs::remove_file(folder.join("control.sock")).unwrap();
    // The client sees that the supervisor lives, and waits for the new socket.
    let said = terminal.types(&["status", "--json"]);
    assert_eq!(said.code, 0, "{said:?}");
    for name in ["supervisor.json", "lock", ""] {
        let gone = folder.join(name);
        if gone.is_dir() { fs::remove_dir_all(gone) } else { fs::remove_file(gone) }.unwrap();
        let is_there = |file: &str| folder.join(file).exists();
        supervised.until(&["status", "--json"], |status| {
            is_there("lock") && is_there("supervisor.json") && status["plugins"][0]["state"] == "running"
        });
        let second = refuses_to_run(&terminal, &["--data", "other"]);
        assert!(second.code == 5 && second.err.contains("runs at"), "{name}: {second:?}");
        assert_eq!(terminal.types(&["restart", "good"]).code, 0, "{name}");
    }
    assert!(terminal.types(&["logs"]).out.contains("made again"));
}
