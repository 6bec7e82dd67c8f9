//! Who may connect: this user and root, whom the operator names, and nobody of whom nothing is known.
//!
//! As root the tests play another user; without root there is only one user to play, and they say so.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod fixture;

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fixture::*;
use outboard_gateway::{Directory, Gateway, GatewayOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::process::Command;

/// Nobody, on every system.
const OTHER: u32 = 65534;

/// Connects, sends, and prints what comes; with `close` it leaves as soon as it has sent.
const CLIENT: &str = r"
import socket, sys
where, request, close = sys.argv[1], sys.argv[2].encode().decode('unicode_escape').encode(), sys.argv[3:]
if where.startswith('/'):
    s = socket.socket(socket.AF_UNIX); s.connect(where)
else:
    host, port = where.rsplit(':', 1); s = socket.create_connection((host.strip('[]'), int(port)))
s.sendall(request)
while not close:
    got = s.recv(65536)
    if not got: break
    sys.stdout.write(got.decode())
s.close()
";

/// Whether there is another user to play.
fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("not run: only root can be another user");
    }
    root
}

async fn as_other(place: &str, path: &str, host: &str, close: bool) -> String {
    let request = format!("GET {path} HTTP/1.1\\r\\nHost: {host}\\r\\nConnection: close\\r\\n\\r\\n");
    let mut client = Command::new("python3");
    client.args(["-c", CLIENT, place, &request]).args(close.then_some("close")).current_dir("/");
    let output = soon(client.uid(OTHER).gid(OTHER).output()).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A plugin that counts who reaches it.
fn counted(house: &House) -> Arc<AtomicUsize> {
    let reached = Arc::<AtomicUsize>::default();
    let count = Arc::clone(&reached);
    let upstream = house.generation(move |stream, _| {
        count.fetch_add(1, Ordering::Relaxed);
        echo_head(stream)
    });
    house.plugin("x", open(&upstream));
    reached
}

#[tokio::test]
async fn another_user_of_the_machine_gets_the_refusal_and_nothing_else() {
    if !is_root() {
        return;
    }
    let house = House::new();
    let reached = counted(&house);
    for listen in ["127.0.0.1:0", "[::1]:0", "[::]:0"] {
        let Ok(listener) = tokio::net::TcpListener::bind(listen).await else { continue };
        let directory = Arc::clone(&house) as Arc<dyn Directory>;
        let gateway = Gateway::serve(GatewayOptions::default(), listener, directory).unwrap();
        let port = gateway.listen().port();
        let places: &[&str] = match listen {
            "127.0.0.1:0" => &["127.0.0.1"],
            "[::1]:0" => &["[::1]"],
            // IPv4 in the form of IPv6 among them.
            _ => &["127.0.0.1", "[::1]"],
        };
        for place in places {
            let place = format!("{place}:{port}");
            for path in ["/api/x/", "/_outboard/health", "/_outboard/bus", "/"] {
                let answer = as_other(&place, path, &place, false).await;
                assert_eq!(
                    (status(&answer), problem(&answer).as_str()),
                    (403, "peer-not-allowed"),
                    "{answer}"
                );
                assert!(answer.contains("uid 65534") && answer.contains("allowed_users"), "{answer}");
                // Nor by leaving before anybody can look who it was.
                as_other(&place, path, &place, true).await;
            }
        }
        assert_eq!(reached.load(Ordering::Relaxed), 0);
    }
}

#[tokio::test]
async fn a_user_whom_the_operator_names_comes_in() {
    if !is_root() {
        return;
    }
    let house = House::new();
    let reached = counted(&house);
    let gateway = gateway(&house, |options| options.allowed_users = vec![OTHER]).await;
    let place = gateway.listen().to_string();
    assert_eq!(status(&as_other(&place, "/api/x/", &place, false).await), 200);
    assert_eq!(reached.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn other_users_that_hold_connections_keep_nobody_out() {
    if !is_root() {
        return;
    }
    let house = House::new();
    let gateway = gateway(&house, |options| options.connections = 2).await;
    let listen = gateway.listen();
    let hold = format!(
        "import socket, sys\nheld = [socket.create_connection(('127.0.0.1', {})) for _ in range(200)]\nprint(flush=True)\nsys.stdin.read()",
        listen.port()
    );
    let mut other = Command::new("python3")
        .args(["-c", &hold])
        .current_dir("/")
        .uid(OTHER)
        .gid(OTHER)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    soon(other.stdout.take().unwrap().read_u8()).await.unwrap();
    for _ in 0..8 {
        assert_eq!(status(&exchange(listen, &get(listen, "/_outboard/health", "")).await.unwrap()), 200);
    }
    drop(other.stdin.take());
    soon(other.wait()).await.unwrap();
}

#[tokio::test]
async fn a_unix_socket_serves_this_user_and_whom_the_operator_names() {
    let house = House::new();
    let reached = counted(&house);
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    for allowed in [vec![], vec![OTHER]] {
        let path = folder.path().join(format!("{}.sock", allowed.len()));
        let listener = UnixListener::bind(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
        let options = GatewayOptions { allowed_users: allowed.clone(), ..GatewayOptions::default() };
        let gateway = Gateway::serve(options, listener, Arc::clone(&house) as Arc<dyn Directory>).unwrap();
        let mut client = UnixStream::connect(&path).await.unwrap();
        client
            .write_all(b"GET /api/x/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .await
            .unwrap();
        let mut answer = String::new();
        soon(client.read_to_string(&mut answer)).await.unwrap();
        assert_eq!(status(&answer), 200, "{answer}");
        assert!(answer.contains("127.0.0.1"), "a peer on this machine: {answer}");
        let before = reached.load(Ordering::Relaxed);
        if is_root() {
            let answer = as_other(path.to_str().unwrap(), "/api/x/", "localhost", false).await;
            assert_eq!(status(&answer), if allowed.is_empty() { 403 } else { 200 }, "{answer}");
            assert!(!allowed.is_empty() || reached.load(Ordering::Relaxed) == before);
        }
        drop(gateway);
    }
}
