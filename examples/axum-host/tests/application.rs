//! The application as its user has it: started, asked over HTTP, killed.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

struct Application {
    child: Child,
    origin: String,
}

impl Drop for Application {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn outboard() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_axum-host")).with_file_name("outboard");
    assert!(program.is_file(), "{} is not there; `cargo build --workspace` makes it", program.display());
    program
}

fn start(root: &Path) -> Application {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../hello-plain");
    let plugin = root.join("plugins/hello-plain");
    std::fs::create_dir_all(plugin.join("ui")).unwrap();
    for file in ["plugin.json", "main.py"] {
        std::fs::copy(example.join(file), plugin.join(file)).unwrap();
    }
    std::fs::write(plugin.join("ui/index.js"), "export default () => null;").unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_axum-host"))
        .args([root.join("plugins"), root.join("data"), "127.0.0.1:0".into()])
        .env("OUTBOARD", outboard())
        .env("XDG_RUNTIME_DIR", root)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    Application { child, origin: line.trim().to_owned() }
}

fn get(address: &str, host: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_web_application_shows_its_plugins_and_their_uis_and_takes_them_with_it() {
    let root = tempfile::tempdir().unwrap();
    let mut application = start(root.path());
    let address = application.origin.strip_prefix("http://").unwrap();
    let listed = get(address, address, "/api/plugins");
    assert!(
        listed.contains("\"id\":\"hello-plain\"") && listed.contains("\"state\":\"running\""),
        "{listed}"
    );
    let ui = listed.split("\"ui\":\"http://").nth(1).unwrap().split('"').next().unwrap();
    let (host, path) = ui.split_once('/').unwrap();
    let port = host.rsplit_once(':').unwrap().1;
    let page = get(&format!("127.0.0.1:{port}"), host, &format!("/{path}"));
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    // The page of the application, and no other, may hold it in a frame.
    let policy = page.lines().find(|line| line.starts_with("content-security-policy:")).unwrap();
    assert!(policy.contains(&application.origin), "{policy}");
    assert!(get(address, address, "/").contains(&format!("src=\"http://{host}/")));
    let missing = get(address, address, "/api/invoke/nobody/greet");
    assert!(missing.starts_with("HTTP/1.1 502") && missing.contains("nobody"), "{missing}");
    application.child.kill().unwrap();
    application.child.wait().unwrap();
    while TcpStream::connect(format!("127.0.0.1:{port}")).is_ok() {
        std::thread::sleep(Duration::from_millis(20));
    }
}
