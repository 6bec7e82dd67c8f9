//! HTTP through the front door to a plugin's process: streams, refusals, and what a death in between comes to.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use system_tests::supervisor::lines_of;
use system_tests::{Connection, NEIGHBOUR, Plugin, Supervisor, eventually, http, processes, socket};

const MIB: usize = 1 << 20;
const BULK: usize = 100 * MIB;
/// Both bodies together are eight times as much, so that whoever kept one of them would be noticed.
const FLAT_KIB: u64 = 24 * 1024;

fn upload(address: &str) -> serde_json::Value {
    let mut connection = Connection::tcp(address).unwrap();
    let head = format!(
        "POST /api/hello-rust/upload HTTP/1.1\r\nhost: {address}\r\ncontent-length: {BULK}\r\nconnection: close\r\n\r\n"
    );
    connection.write(head.as_bytes()).unwrap();
    let piece = vec![b'u'; MIB];
    for _ in 0..BULK / MIB {
        connection.write(&piece).unwrap();
    }
    connection.answer().unwrap().json()
}

fn download(address: &str) -> usize {
    let mut connection = Connection::tcp(address).unwrap();
    let path = format!("/api/hello-rust/download?bytes={BULK}");
    connection.write(&http::get_request(address, &path)).unwrap();
    let answer = connection.answer().unwrap();
    assert!(answer.whole && answer.status == 200, "{}", answer.head);
    answer.body.len()
}

#[test]
fn a_hundred_megabytes_up_and_down_at_once_leave_memory_flat() {
    let supervisor = Supervisor::builder().plugin(Plugin::hello()).start();
    // Once around, so that what is allocated once is there.
    supervisor.get("/api/hello-rust/download?bytes=1000000");
    let memory = || processes::status_number(supervisor.pid(), "VmRSS");
    let (before, over) = (memory(), AtomicBool::new(false));
    let highest = std::thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let mut highest = memory();
            while !over.load(Ordering::Relaxed) {
                highest = highest.max(memory());
                std::thread::yield_now();
            }
            highest
        });
        let up = scope.spawn(|| upload(supervisor.address()));
        let down = scope.spawn(|| download(supervisor.address()));
        let (up, down) = (up.join(), down.join());
        over.store(true, Ordering::Relaxed);
        assert_eq!(up.unwrap(), json!({ "bytes": BULK, "whole": true }));
        assert_eq!(down.unwrap(), BULK);
        watching.join().unwrap()
    });
    eprintln!("memory of the supervisor: {before} KiB before, {highest} KiB at most");
    assert!(highest < before + FLAT_KIB, "memory grew from {before} KiB to {highest} KiB");
    supervisor.verify();
}

#[test]
fn events_of_a_stream_arrive_one_by_one_while_it_stays_open() {
    let supervisor = Supervisor::builder().plugin(Plugin::hello()).start();
    let mut stream = Connection::tcp(supervisor.address()).unwrap();
    let request = format!(
        "GET /api/hello-rust/events HTTP/1.1\r\nhost: {}\r\naccept: text/event-stream\r\n\r\n",
        supervisor.address()
    );
    stream.write(request.as_bytes()).unwrap();
    let head = stream.read_head().unwrap();
    assert!(head.contains("text/event-stream"), "{head}");
    let mut next_count = || loop {
        let line = stream.read_line().unwrap();
        assert!(!line.is_empty(), "the stream ended");
        if let Some(count) = line.strip_prefix("data: ") {
            return count.trim().parse::<u64>().unwrap();
        }
    };
    assert_eq!(next_count(), 0);
    for visit in 1..=3 {
        supervisor.get("/api/hello-rust/");
        assert_eq!(next_count(), visit);
    }
    drop(stream);
    supervisor.verify();
}

#[test]
fn a_web_socket_is_passed_through_and_echoes_texts_and_bytes() {
    let supervisor = Supervisor::builder().plugin(Plugin::hello()).start();
    let mut echo = socket::open(supervisor.address(), "/api/hello-rust/echo", &[]).unwrap();
    let large = tungstenite::Message::binary(vec![7; 3 * MIB]);
    for message in [tungstenite::Message::text("grüß dich"), tungstenite::Message::text(""), large] {
        echo.send(message.clone());
        assert_eq!(echo.receive().unwrap(), message);
    }
    drop(echo);
    supervisor.verify();
}

#[test]
fn a_web_socket_ends_with_the_process_behind_it() {
    let supervisor = Supervisor::builder().plugin(Plugin::hello()).start();
    let mut echo = socket::open(supervisor.address(), "/api/hello-rust/echo", &[]).unwrap();
    let generation = supervisor.plugin("hello-rust")["generation"].clone();
    processes::kill(supervisor.pid_of("hello-rust"), nix::sys::signal::Signal::SIGKILL);
    assert!(echo.receive().is_err());
    supervisor.wait_for_generation_after("hello-rust", &generation);
    supervisor.verify();
}

#[test]
fn a_path_of_nobody_is_404_and_a_plugin_that_does_not_run_is_503_with_its_cause() {
    let supervisor = Supervisor::builder()
        .plugin(Plugin::hostile("refusing", &["--start-error", "out of fuel"]))
        .plugin(Plugin::hostile("resting", &[]))
        .start();
    supervisor.ask("stop", json!({ "id": "resting" }));
    for (path, status, kind) in [
        ("/api/nobody/", 404, "unknown-plugin"),
        ("/nowhere", 404, "not-found"),
        ("/api/refusing/", 503, "plugin-not-running"),
        ("/api/resting/", 503, "plugin-not-running"),
    ] {
        let answer = supervisor.get(path);
        if path == "/api/refusing/" && answer.status == 404 {
            // It was refused before it had registered anything; then nobody knows that it would serve HTTP.
            assert_eq!(answer.problem(), "serves-no-http");
            continue;
        }
        assert_eq!((answer.status, answer.problem().as_str()), (status, kind), "{path}: {answer:?}");
    }
    supervisor.verify();
}

#[test]
fn a_get_whose_process_dies_before_the_answer_is_sent_once_more_and_a_post_never() {
    let supervisor = Supervisor::builder()
        .settings("[restart]\nbase = \"10ms\"\n")
        .plugin(Plugin::hostile("mortal", &[]))
        .start();
    let served = || lines_of(supervisor.folders().plugin_data("mortal").join("served"));
    let request = |method: &str, path: &str| {
        let address = supervisor.address();
        supervisor.send(
            format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                .as_bytes(),
        )
    };
    let generation = supervisor.plugin("mortal")["generation"].clone();
    // The first process ends on it, the second answers.
    let answer = supervisor.get("/api/mortal/die-once?get");
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(served(), ["GET get", "GET get"]);
    supervisor.wait_for_generation_after("mortal", &generation);

    let generation = supervisor.plugin("mortal")["generation"].clone();
    let answer = request("POST", "/api/mortal/die-once?post");
    assert_eq!((answer.status, answer.problem().as_str()), (502, "plugin-broke-off"), "{answer:?}");
    supervisor.wait_for_generation_after("mortal", &generation);
    assert_eq!(served(), ["GET get", "GET get", "POST post"]);

    // One that ends every process that it reaches is sent twice and not for ever.
    let generation = supervisor.plugin("mortal")["generation"].as_u64().unwrap();
    let answer = supervisor.get("/api/mortal/die");
    assert_eq!(answer.status, 502, "{answer:?}");
    supervisor.wait_for_generation_after("mortal", &json!(generation + 1));
    supervisor.verify();
}

#[test]
fn a_death_in_the_middle_of_a_body_is_an_abort_and_never_a_clean_end() {
    let supervisor = Supervisor::builder().plugin(Plugin::hostile("mortal", &[])).start();
    let generation = supervisor.plugin("mortal")["generation"].clone();
    let answer = supervisor.get("/api/mortal/die-mid-body");
    assert_eq!((answer.status, answer.whole), (200, false), "{}", answer.head);
    let after_the_first = supervisor.wait_for_generation_after("mortal", &generation);
    let answer = supervisor.get("/api/mortal/die-mid-chunks");
    assert_eq!((answer.status, answer.whole), (200, false), "{}", answer.head);
    supervisor.wait_for_generation_after("mortal", &after_the_first["generation"]);
    supervisor.verify();
}

#[test]
fn requests_that_arrive_while_a_plugin_restarts_wait_for_it() {
    let supervisor = Supervisor::builder().plugin(Plugin::hostile("moving", &[])).start();
    std::thread::scope(|scope| {
        let asking: Vec<_> = (0..8).map(|_| scope.spawn(|| supervisor.get("/api/moving/"))).collect();
        supervisor.ask("restart", json!({ "id": "moving" }));
        let later: Vec<_> = (0..8).map(|_| scope.spawn(|| supervisor.get("/api/moving/"))).collect();
        for answer in asking.into_iter().chain(later) {
            let answer = answer.join().unwrap();
            assert_eq!(answer.status, 200, "{answer:?}");
        }
    });
    supervisor.verify();
}

#[test]
fn waiting_for_a_plugin_is_bounded_and_ends_with_503_and_when_to_come_again() {
    let settings =
        "[http]\nwaiting_requests = 1\nwaiting_time = \"1s\"\n[restart]\nbase = \"10m\"\ncap = \"10m\"\n";
    let supervisor = Supervisor::builder().settings(settings).plugin(Plugin::hostile("slow", &[])).start();
    let before = supervisor.plugin("slow");
    supervisor.fault("slow", json!(["exit", 1]));
    supervisor.wait_for_generation_after("slow", &before["generation"]);
    // The first restart is at once; the second is ten minutes away.
    supervisor.fault("slow", json!(["exit", 1]));
    supervisor.wait_for_state("slow", "backing-off");
    std::thread::scope(|scope| {
        let asking: Vec<_> = (0..4).map(|_| scope.spawn(|| supervisor.get("/api/slow/"))).collect();
        let kinds: Vec<String> = asking
            .into_iter()
            .map(|answer| {
                let answer = answer.join().unwrap();
                assert_eq!(answer.status, 503, "{answer:?}");
                assert!(answer.header("retry-after").is_some(), "{answer:?}");
                answer.problem()
            })
            .collect();
        assert!(kinds.contains(&"too-many-waiting".to_owned()), "{kinds:?}");
    });
    supervisor.verify();
}

#[test]
fn a_message_with_two_readings_is_refused_before_it_is_routed() {
    let supervisor = Supervisor::builder().start();
    let host = supervisor.address();
    let path = format!("/api/{NEIGHBOUR}/head");
    for (head, why) in [
        (format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nhost: {host}\r\n\r\n"), "two hosts"),
        (format!("GET {path} HTTP/1.1\r\n\r\n"), "no host"),
        (
            format!(
                "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
            ),
            "length and chunks",
        ),
        (
            format!(
                "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd"
            ),
            "two lengths",
        ),
        (
            format!(
                "POST {path} HTTP/1.1\r\nhost: {host}\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n"
            ),
            "an encoding besides chunks",
        ),
        (format!("GET {path} HTTP/1.1\nhost: {host}\n\n"), "bare line feeds"),
        (format!("GET http://elsewhere{path} HTTP/1.1\r\nhost: {host}\r\n\r\n"), "another authority"),
        (format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n x-folded: y\r\n\r\n"), "a folded header"),
    ] {
        let answer = supervisor.send(head.as_bytes());
        assert!((400..500).contains(&answer.status), "{why}: {answer:?}");
        assert!(!answer.text().contains("GET /api"), "{why} reached the plugin: {answer:?}");
    }
    supervisor.verify();
}

#[test]
fn a_request_that_cannot_be_read_is_told_why_after_the_one_before_it_was_answered() {
    let supervisor = Supervisor::builder().start();
    let host = supervisor.address();
    let good = format!("GET /api/{NEIGHBOUR}/ HTTP/1.1\r\nhost: {host}\r\n\r\n");
    let long = "a".repeat(70_000);
    for (bad, status) in [
        (format!("GET /api/{NEIGHBOUR}/?q={{\"a\":1}} HTTP/1.1\r\nhost: {host}\r\n\r\n"), 400),
        (format!("GET /api/{NEIGHBOUR}/ HTTP/1.1\r\nhost: {host}\r\nx : y\r\n\r\n"), 400),
        (format!("GET /{long} HTTP/1.1\r\nhost: {host}\r\n\r\n"), 414),
        (format!("GET / HTTP/1.1\r\nhost: {host}\r\n{}\r\n", "x: y\r\n".repeat(101)), 431),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), 505),
    ] {
        let mut connection = Connection::tcp(host).unwrap();
        connection.write(format!("{good}{bad}").as_bytes()).unwrap();
        assert_eq!(connection.answer().unwrap().status, 200);
        let refusal = connection.answer().unwrap();
        assert_eq!(refusal.status, status, "{refusal:?}");
        assert!(refusal.json()["detail"].as_str().unwrap().ends_with('.'), "{refusal:?}");
    }
    supervisor.verify();
}

#[test]
fn the_path_goes_to_the_plugin_byte_for_byte_and_its_id_is_never_decoded() {
    let supervisor = Supervisor::builder().start();
    let path = format!("/api/{NEIGHBOUR}/a%20b//c;d=%C3%BC/~x?q=%26&r=1+1");
    assert_eq!(supervisor.get(&path).json()["path"], path.as_str());
    for disguised in
        ["/api/neighbou%72/", "/api/%2e%2e/neighbour/", "/api/x/../neighbour/", "/api/neighbour%2fx"]
    {
        let answer = supervisor.get(disguised);
        assert!((400..500).contains(&answer.status), "{disguised}: {answer:?}");
    }
    supervisor.verify();
}

#[test]
fn hop_by_hop_headers_go_and_forged_ones_are_replaced() {
    let supervisor = Supervisor::builder().start();
    let host = supervisor.address();
    let request = format!(
        "GET /api/{NEIGHBOUR}/head HTTP/1.1\r\nhost: {host}\r\nconnection: close, x-private\r\nx-private: 1\r\n\
         keep-alive: 5\r\nte: gzip\r\nproxy-authorization: secret\r\nx-forwarded-for: 6.6.6.6\r\nforwarded: for=6.6.6.6\r\n\
         x-forwarded-host: evil\r\nx-real-ip: 6.6.6.6\r\nx-kept: yes\r\n\r\n"
    );
    let head = supervisor.send(request.as_bytes()).text().to_lowercase();
    assert!(head.contains("x-kept: yes"), "{head}");
    for gone in ["x-private", "keep-alive:", "proxy-authorization", "6.6.6.6", "evil"] {
        assert!(!head.contains(gone), "{gone} arrived: {head}");
    }
    assert!(head.contains("x-forwarded-for: 127.0.0.1"), "{head}");
    supervisor.verify();
}

#[test]
fn a_stripped_prefix_is_told_and_the_rest_of_the_path_is_the_plugins() {
    let plugin = Plugin::hostile("stripped", &[]).with(json!({ "http": { "stripPrefix": true } }));
    let supervisor = Supervisor::builder().plugin(plugin).start();
    assert_eq!(supervisor.get("/api/stripped/a/b?c").json()["path"], "/a/b?c");
    let head = supervisor.get("/api/stripped/head").text().to_lowercase();
    assert!(head.contains("x-forwarded-prefix: /api/stripped"), "{head}");
    supervisor.verify();
}

#[test]
fn slow_heads_are_cut_off_and_others_are_served_meanwhile() {
    let supervisor =
        Supervisor::builder().settings("[http]\nhead_timeout = \"500ms\"\nconnections = 64\n").start();
    let mut slow: Vec<Connection> = (0..32)
        .map(|_| {
            let mut connection = Connection::tcp(supervisor.address()).unwrap();
            connection.write(b"GET / HTTP/1.1\r\nhost: ").unwrap();
            connection
        })
        .collect();
    assert_eq!(supervisor.get(&format!("/api/{NEIGHBOUR}/")).status, 200);
    for connection in &mut slow {
        let mut rest = [0; 4096];
        // An answer that says so or a plain end, and then the end of the connection in any case.
        while connection.read_some(&mut rest).is_ok_and(|read| read > 0) {}
    }
    supervisor.verify();
}

#[test]
fn more_connections_than_there_may_be_do_not_stop_the_accept_loop() {
    let supervisor =
        Supervisor::builder().settings("[http]\nconnections = 16\nhead_timeout = \"500ms\"\n").start();
    let idle: Vec<_> = (0..64).map(|_| Connection::tcp(supervisor.address()).unwrap()).collect();
    eventually("an answer among them", || {
        let request = http::get_request(supervisor.address(), &format!("/api/{NEIGHBOUR}/"));
        http::exchange(supervisor.address(), &request).ok().filter(|answer| answer.status == 200)
    });
    drop(idle);
    supervisor.verify();
}

/// Answers with what its path names, byte for byte.
const RAW_SERVER: &str = r#"
import os, socket
answers = {
    b"/api/raw/ssh": b"SSH-2.0-x\r\n",
    b"/api/raw/both": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"/api/raw/nothing": b"",
    b"/api/raw/short": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
}
listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
while True:
    connection, _ = listener.accept()
    asked = connection.recv(65536).split(b" ")
    if len(asked) > 1:
        connection.sendall(answers.get(asked[1].split(b"?")[0], b""))
    connection.close()
"#;

#[test]
fn an_answer_that_was_refused_or_broke_off_is_found_in_the_plugins_log_afterwards() {
    let plugin = Plugin::command("raw", &["python3", "raw.py"])
        .with(json!({ "run": { "protocol": "none" }, "http": { "listen": "port" } }));
    let supervisor = Supervisor::builder().plugin(plugin).file("raw/raw.py", RAW_SERVER).start();
    supervisor.wait_for_state("raw", "running");
    for (path, told) in [
        ("ssh", "POST \"/api/raw/ssh\" was answered with 502: The answer of the plugin raw was refused"),
        ("both", "POST \"/api/raw/both\" was answered with 502"),
        ("nothing", "POST \"/api/raw/nothing\" was answered with 502"),
        ("short", "an answer did not come to its end: the plugin broke off its answer"),
    ] {
        let request = format!(
            "POST /api/raw/{path}?key=canary HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
            supervisor.address()
        );
        // A second line within a second is counted, not written.
        eventually(told, || {
            let answer = supervisor.send(request.as_bytes());
            assert!(answer.status == 502 || !answer.whole, "{path}: {}", answer.head);
            supervisor
                .logs("raw")
                .iter()
                .any(|record| record.to_string().contains(&told.replace('"', "\\\"")))
                .then_some(())
        });
    }
    assert!(
        !json!(supervisor.logs("raw")).to_string().contains("canary"),
        "what a query holds is nobody's business"
    );
}
