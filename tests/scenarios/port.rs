//! Ordinary servers that listen on the port in `PORT`, unchanged: proxied, restarted, stopped, and never mistaken for another.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::net::TcpListener;
use std::path::PathBuf;

use nix::sys::signal::Signal;
use serde_json::json;
use system_tests::supervisor::lines_of;
use system_tests::{Plugin, Supervisor, eventually, processes};

/// As it would run anywhere.
const NODE_SERVER: &str = r#"
const http = require("node:http");
http.createServer((request, response) => {
  if (request.url === "/crash") process.exit(9);
  response.end(JSON.stringify({ path: request.url, pid: process.pid, port: process.env.PORT }));
}).listen(process.env.PORT, process.argv[2], () => console.log("listening on", process.env.PORT));
process.on("SIGTERM", () => { console.log("shutting down in good order"); process.exit(0); });
"#;
/// Leaves its port to others in its first life, and tells which it was given.
const SQUATTED_SERVER: &str = r#"
echo "$PORT" >> "$OUTBOARD_DATA_DIR/ports"
[ "$(wc -l < "$OUTBOARD_DATA_DIR/ports")" = 1 ] && exec sleep 1000
exec node server.js 127.0.0.1
"#;
/// Gives its port up when it is told to.
const LEAVING_SERVER: &str = r#"
const fs = require("node:fs");
fs.appendFileSync(process.env.OUTBOARD_DATA_DIR + "/ports", process.env.PORT + "\n");
const server = require("node:http").createServer((request, response) => {
  response.setHeader("connection", "close");
  response.end("own", () => { if (request.url.endsWith("/leave")) server.close(); });
}).listen(process.env.PORT, "127.0.0.1");
setInterval(() => {}, 1000);
"#;

fn on_a_port(id: &str, command: &[&str]) -> Plugin {
    Plugin::command(id, command)
        .with(json!({ "run": { "protocol": "none" }, "http": { "listen": "port", "stripPrefix": true } }))
}

fn told_ports(supervisor: &Supervisor, id: &str) -> Vec<String> {
    lines_of(ports_file(supervisor, id))
}

fn ports_file(supervisor: &Supervisor, id: &str) -> PathBuf {
    supervisor.folders().plugin_data(id).join("ports")
}

/// Takes a port as any program of the machine can, and counts who comes.
struct Stranger(TcpListener);

impl Stranger {
    fn at(port: &str) -> Self {
        let port: u16 = port.parse().unwrap();
        let listener = eventually("the port to be free", || TcpListener::bind(("127.0.0.1", port)).ok());
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    /// What was said to it by all who came.
    fn was_told(&self) -> String {
        let mut said = String::new();
        while let Ok((mut connection, _)) = self.0.accept() {
            connection.set_nonblocking(true).unwrap();
            let mut bytes = [0; 4096];
            if let Ok(read) = std::io::Read::read(&mut connection, &mut bytes) {
                said.push_str(&String::from_utf8_lossy(&bytes[..read]));
            }
        }
        said
    }
}

#[test]
fn a_node_server_on_its_port_is_proxied_restarted_with_another_port_and_stopped_by_a_signal() {
    let supervisor = Supervisor::builder()
        .plugin(on_a_port("node", &["node", "server.js", "127.0.0.1"]))
        .file("node/server.js", NODE_SERVER)
        .start();
    supervisor.wait_for_state("node", "running");
    let first = supervisor.get("/api/node/a%20b?c=d").json();
    assert_eq!(first["path"], "/a%20b?c=d", "the prefix is removed, and the rest is as it came");
    assert_eq!(first["pid"], supervisor.plugin("node")["pid"]);
    supervisor.wait_for_log("node", &format!("listening on {}", first["port"].as_str().unwrap()));
    let generation = supervisor.plugin("node")["generation"].clone();
    let crash = format!(
        "POST /api/node/crash HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
        supervisor.address()
    );
    assert_eq!(supervisor.send(crash.as_bytes()).status, 502);
    supervisor.wait_for_generation_after("node", &generation);
    let second = supervisor.get("/api/node/").json();
    assert_ne!(second["pid"], first["pid"], "{second}");
    supervisor.verify();
    supervisor.ask("stop", json!({ "id": "node" }));
    assert_eq!(supervisor.last_end("node", 2)["ended"], "exited with code 0");
    supervisor.wait_for_log("node", "shutting down in good order");
}

#[test]
fn pythons_own_server_below_a_shell_is_the_plugins_and_serves_its_folder() {
    let shell = "python3 -m http.server --bind \"$HOST\" \"$PORT\"; exit 3";
    let supervisor = Supervisor::builder()
        .plugin(on_a_port("python", &["sh", "-c", shell]))
        .file("python/page.txt", "from the folder")
        .start();
    supervisor.wait_for_state("python", "running");
    assert_eq!(supervisor.get("/api/python/page.txt").text(), "from the folder");
    supervisor.wait_for_log("python", "\"GET /page.txt HTTP/1.1\" 200");
    let generation = supervisor.plugin("python")["generation"].clone();
    let below = processes::descendants(supervisor.pid_of("python"));
    below.iter().find(|one| one.name.starts_with("python")).unwrap().signal(Signal::SIGKILL);
    supervisor.wait_for_generation_after("python", &generation);
    assert_eq!(supervisor.get("/api/python/page.txt").text(), "from the folder");
    supervisor.verify();
}

#[test]
fn a_server_on_every_interface_runs_and_the_log_says_what_that_means() {
    let supervisor = Supervisor::builder()
        .plugin(on_a_port("open", &["node", "server.js"]))
        .file("open/server.js", NODE_SERVER)
        .start();
    supervisor.wait_for_state("open", "running");
    assert_eq!(supervisor.get("/api/open/").status, 200);
    supervisor.wait_for_log("open", "of every interface");
    supervisor.verify();
}

#[test]
fn a_port_that_somebody_else_took_first_is_given_up_and_nothing_is_said_to_them() {
    let supervisor = Supervisor::builder()
        .file("late/start.sh", SQUATTED_SERVER)
        .file("late/server.js", NODE_SERVER)
        .start();
    // Being ready would wait for a plugin that had been there before.
    supervisor.install(&on_a_port("late", &["sh", "start.sh"]));
    let port = eventually("a port", || told_ports(&supervisor, "late").first().cloned());
    let stranger = Stranger::at(&port);
    supervisor.wait_for_state("late", "running");
    let answer = supervisor.get("/api/late/").json();
    assert_eq!(stranger.was_told(), "", "a stranger was talked to");
    let ports = told_ports(&supervisor, "late");
    assert_eq!((answer["port"].as_str(), ports.len()), (ports.get(1).map(String::as_str), 2));
    assert_ne!(ports[0], ports[1], "the next process gets another port");
    supervisor.wait_for_log("late", &format!("port {port} is served by a process that is not this plugin's"));
    supervisor.verify();
}

#[test]
fn a_port_that_changes_hands_while_its_plugin_lives_ends_the_plugin() {
    let supervisor = Supervisor::builder()
        .settings("[deadlines]\nping = \"300ms\"\n")
        .plugin(on_a_port("leaver", &["node", "server.js"]))
        .file("leaver/server.js", LEAVING_SERVER)
        .start();
    supervisor.wait_for_state("leaver", "running");
    let generation = supervisor.plugin("leaver")["generation"].clone();
    assert_eq!(supervisor.get("/api/leaver/leave").text(), "own");
    let stranger = Stranger::at(&told_ports(&supervisor, "leaver")[0]);
    supervisor.wait_for_generation_after("leaver", &generation);
    assert_eq!(supervisor.get("/api/leaver/").text(), "own");
    assert_eq!(stranger.was_told(), "", "a stranger was talked to");
    supervisor.verify();
}

/// Listens where it is told, whatever PORT says.
const STUBBORN_SERVER: &str = r#"
const [, , host, port] = process.argv;
require("node:http").createServer((request, response) => response.end("here")).listen(port || process.env.PORT, host);
"#;

#[test]
fn a_server_that_listens_elsewhere_is_told_where_and_where_it_ought_to_listen() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let other = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let unaware = |id: &str, listen: &str, arguments: &[&str]| {
        let command = [&["node", "server.js"], arguments].concat();
        Plugin::command(id, &command)
            .with(json!({ "run": { "protocol": "none" }, "http": { "listen": listen } }))
    };
    let mut builder = Supervisor::builder()
        .settings("[deadlines]\nstart = \"5s\"\n")
        .plugin(unaware("fixed", "port", &["127.0.0.1", &free]))
        .plugin(unaware("six", "port", &["::1"]))
        .plugin(unaware("path", "path", &["127.0.0.1", &other]))
        .plugin(unaware("late", "port", &["127.0.0.1", "0"]))
        .plugin(unaware("handed", "fd", &["127.0.0.1", "0"]));
    for id in ["fixed", "six", "path", "late", "handed"] {
        builder = builder.file(&format!("{id}/server.js"), STUBBORN_SERVER);
    }
    let supervisor = builder.start();
    for (id, found, wanted) in [
        ("fixed", format!("it listens on 127.0.0.1:{free} and not on 127.0.0.1:"), "take the port in PORT"),
        ("six", "it listens on [::1]:".to_owned(), "have it bind the address in HOST"),
        (
            "path",
            format!("it listens on 127.0.0.1:{other} and not on the Unix socket"),
            "\\\"listen\\\": \\\"port\\\"",
        ),
    ] {
        let told = supervisor
            .wait_for(id, "its place is told", |plugin| plugin["warnings"].to_string().contains(&found));
        assert!(told["warnings"].to_string().contains(wanted), "{told}");
        supervisor.wait_for_log(id, &found);
    }
    // The advice outlives the process that it is about.
    let backing_off = supervisor.wait_for("late", "it was ended", |plugin| {
        plugin["restarts"] != 0 || plugin["state"] == "backing-off"
    });
    let end = supervisor.last_end("late", 1);
    assert!(end["advice"].to_string().contains("it listens on 127.0.0.1:"), "{end} {backing_off}");
    // One that was handed a socket may listen elsewhere besides: it is told once a request has waited in vain.
    assert!(!supervisor.plugin("handed")["warnings"].to_string().contains("it listens"));
    let mut waiting = system_tests::Connection::tcp(supervisor.address()).unwrap();
    waiting.write(&system_tests::http::get_request(supervisor.address(), "/api/handed/")).unwrap();
    supervisor.wait_for("handed", "its place is told", |plugin| {
        plugin["warnings"].to_string().contains("and not on descriptor 3")
    });
}
