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

/// Another machine: a network of its own, with a wire to this one.
struct Elsewhere {
    name: String,
    /// This machine's end of the wire.
    here: String,
}

impl Elsewhere {
    /// `None`, and a line that says so, where none can be made.
    fn make() -> Option<Self> {
        if !is_root() {
            return None;
        }
        let pid = std::process::id();
        let (name, net) = (format!("obt{pid}"), format!("10.{}.{}", 200 + pid % 50, pid / 50 % 250));
        let (here, there) = (format!("{net}.1"), format!("{net}.2"));
        let made = Self { name: name.clone(), here };
        for words in [
            format!("netns add {name}"),
            format!("link add {name}a type veth peer name {name}b netns {name}"),
            format!("addr add {}/30 dev {name}a", made.here),
            format!("link set {name}a up"),
            format!("-n {name} addr add {there}/30 dev {name}b"),
            format!("-n {name} link set {name}b up"),
        ] {
            let done = std::process::Command::new("ip").args(words.split(' ')).output();
            if !done.as_ref().is_ok_and(|done| done.status.success()) {
                eprintln!("not run: no network of its own can be made here: ip {words}: {done:?}");
                return None;
            }
        }
        Some(made)
    }

    async fn ask(&self, listen: std::net::SocketAddr, lines: &str) -> String {
        let host = format!("localhost:{}", listen.port());
        let request =
            format!("GET /api/x/ HTTP/1.1\\r\\nHost: {host}\\r\\nConnection: close\\r\\n{lines}\\r\\n");
        let mut client = Command::new("ip");
        client.args(["netns", "exec", &self.name, "python3", "-c", CLIENT, &listen.to_string(), &request]);
        let output = soon(client.output()).await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        // Its end of the wire goes with it, and with that the other one.
        let _ = std::process::Command::new("ip").args(["netns", "del", &self.name]).output();
        let _ = std::process::Command::new("ip").args(["link", "del", &format!("{}a", self.name)]).output();
    }
}

async fn gateway_at(house: &Arc<House>, here: &str, change: impl FnOnce(&mut GatewayOptions)) -> Gateway {
    let mut options = GatewayOptions::default();
    change(&mut options);
    let listener = tokio::net::TcpListener::bind(format!("{here}:0")).await.unwrap();
    Gateway::serve(options, listener, Arc::clone(house) as Arc<dyn Directory>).unwrap()
}

#[tokio::test]
async fn of_whoever_comes_from_elsewhere_the_token_or_the_setting_decides() {
    const TOKEN: &str = "0123456789abcdef0123456789abcdef";
    let Some(elsewhere) = Elsewhere::make() else { return };
    let house = House::new();
    let reached = counted(&house);
    for (token, trust, shows, wanted) in [
        (false, false, "", 403),
        (true, false, "", 403),
        (true, false, "X-Outboard-Token: 0123456789abcdef0123456789abcdee\\r\\n", 403),
        (true, false, "X-Outboard-Token: 0123456789abcdef0123456789abcdef\\r\\n", 200),
        (true, false, "Authorization: Bearer 0123456789abcdef0123456789abcdef\\r\\n", 200),
        (false, true, "", 200),
    ] {
        let gateway = gateway_at(&house, &elsewhere.here, |options| {
            options.token = outboard_gateway::Token::new(TOKEN.as_bytes()).filter(|_| token);
            options.trust_unknown_peers = trust;
        })
        .await;
        let before = reached.load(Ordering::Relaxed);
        let answer = elsewhere.ask(gateway.listen(), shows).await;
        assert_eq!(status(&answer), wanted, "token: {token}, trusted: {trust}, {shows:?}: {answer}");
        if wanted == 403 {
            assert_eq!(problem(&answer), "peer-not-allowed");
            assert_eq!(reached.load(Ordering::Relaxed), before);
        }
    }
}

#[tokio::test]
async fn another_user_comes_in_by_no_address_of_this_machine_however_soon_it_leaves() {
    let Some(elsewhere) = Elsewhere::make() else { return };
    let house = House::new();
    let reached = counted(&house);
    let gateway = gateway_at(&house, "0.0.0.0", |options| options.trust_unknown_peers = true).await;
    let port = gateway.listen().port();
    let script = format!(
        "import socket\ns = socket.create_connection(('127.0.0.1', {port}), source_address=('{}', 0))\n\
         s.sendall(b'GET /api/x/ HTTP/1.1\\r\\nHost: localhost:{port}\\r\\n\\r\\n')\ns.close()",
        elsewhere.here
    );
    // Nothing runs here meanwhile: it is gone before anybody looks.
    let mut other = std::process::Command::new("python3");
    std::os::unix::process::CommandExt::gid(
        std::os::unix::process::CommandExt::uid(&mut other, OTHER),
        OTHER,
    );
    let left = other.args(["-c", &script]).current_dir("/").output().unwrap();
    assert!(left.status.success(), "{}", String::from_utf8_lossy(&left.stderr));
    let listen = ([127, 0, 0, 1], port).into();
    assert_eq!(status(&exchange(listen, &get(listen, "/api/x/", "")).await.unwrap()), 200);
    assert_eq!(reached.load(Ordering::Relaxed), 1, "only our own request");
    // And from elsewhere one still comes in.
    let there = format!("{}:{port}", elsewhere.here).parse().unwrap();
    assert_eq!(status(&elsewhere.ask(there, "").await), 200);
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
