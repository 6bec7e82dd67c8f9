//! Connections that become another protocol, and those that do not.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod fixture;

use std::time::Duration;

use fixture::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn upgrade_request(listen: std::net::SocketAddr) -> String {
    format!(
        "GET /api/x/ws HTTP/1.1\r\nHost: {listen}\r\nConnection: keep-alive, Upgrade\r\nUpgrade: echo\r\n\r\n"
    )
}

#[tokio::test]
async fn an_upgrade_is_a_tunnel_in_which_each_side_ends_by_itself() {
    let house = House::new();
    let upstream = house.generation(|mut stream, _| async move {
        let head = read_head(&mut stream).await;
        assert!(head.contains("connection: upgrade\r\n") && head.contains("upgrade: echo\r\n"), "{head}");
        // What comes right behind the head must not be lost either.
        let answer =
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello ";
        stream.write_all(answer).await.unwrap();
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await.unwrap();
        stream.write_all(&all).await.unwrap();
        stream.write_all(b" and goodbye").await.unwrap();
    });
    house.plugin("x", open(&upstream));
    let gateway = gateway(&house, |_| {}).await;
    let mut client = TcpStream::connect(gateway.listen()).await.unwrap();
    client.write_all((upgrade_request(gateway.listen()) + "early ").as_bytes()).await.unwrap();
    let head = soon(read_head(&mut client)).await;
    assert!(head.starts_with("HTTP/1.1 101") && head.contains("upgrade: echo\r\n"), "{head}");
    client.write_all(b"\x00\r\n\xff late").await.unwrap();
    client.shutdown().await.unwrap();
    let mut all = Vec::new();
    soon(client.read_to_end(&mut all)).await.unwrap();
    assert_eq!(all, b"hello early \x00\r\n\xff late and goodbye");
}

#[tokio::test]
async fn an_upgrade_that_is_declined_is_an_answer_and_the_next_request_follows() {
    let house = House::new();
    let upstream = house.generation(|stream, _| echo_head(stream));
    house.plugin("x", open(&upstream));
    let gateway = gateway(&house, |_| {}).await;
    let listen = gateway.listen();
    let health = |line: &str| format!("GET /_outboard/health HTTP/1.1\r\nHost: {listen}\r\n{line}\r\n");
    // A plugin declines, the supervisor itself declines, and what is not an upgrade to begin with.
    let asks = [
        upgrade_request(listen),
        health("Connection: upgrade\r\nUpgrade: x\r\n"),
        health("Upgrade: x\r\n"),
        health(H2C),
        String::new(),
    ];
    let mut client = TcpStream::connect(listen).await.unwrap();
    for ask in &asks[..4] {
        client.write_all(ask.as_bytes()).await.unwrap();
        let head = soon(read_head(&mut client)).await;
        assert!(head.starts_with("HTTP/1.1 200") && !head.contains("connection: close"), "{head}");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        soon(client.read_exact(&mut vec![0; length.unwrap()])).await.unwrap();
    }
    // What came too early cannot be told from the other protocol, and is not answered.
    let early = upgrade_request(listen) + &health("");
    let answers = exchange(listen, early.as_bytes()).await.unwrap();
    assert_eq!(answers.matches("HTTP/1.1 200").count(), 1, "{answers}");
    assert!(answers.contains("connection: close\r\n"), "{answers}");
}

#[tokio::test]
async fn what_follows_an_upgrade_that_was_declined_before_its_body_ended_is_watched_as_all_else() {
    let house = House::new();
    let upstream = house.generation(|mut stream, _| async move {
        read_head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await.unwrap();
        soon(stream.read_exact(&mut [0; 5])).await.unwrap();
        stream.write_all(b"0\r\n\r\n").await.unwrap();
    });
    house.plugin("x", open(&upstream));
    let gateway = gateway(&house, |options| options.head_timeout = Duration::from_millis(200)).await;
    let listen = gateway.listen();
    let bare = format!("GET /_outboard/health HTTP/1.1\nHost: {listen}\n\n");
    for (next, wanted) in [(&bare[..], "HTTP/1.1 400"), ("GET / HT", "HTTP/1.1 408")] {
        let mut client = TcpStream::connect(listen).await.unwrap();
        let head = format!(
            "POST /api/x/ HTTP/1.1\r\nHost: {listen}\r\nConnection: upgrade\r\nUpgrade: foo\r\nContent-Length: 5\r\n\r\n"
        );
        client.write_all((head + "four").as_bytes()).await.unwrap();
        let head = soon(read_head(&mut client)).await;
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        client.write_all(b"!").await.unwrap();
        soon(client.read_exact(&mut [0; 5])).await.unwrap();
        client.write_all(next.as_bytes()).await.unwrap();
        let answer = read_all(&mut client).await.unwrap();
        assert!(answer.starts_with(wanted), "{answer}");
    }
}

/// What Java's client and curl send with each request.
const H2C: &str =
    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n";

#[tokio::test]
async fn an_offer_of_h2c_never_reaches_a_plugin_nor_becomes_a_tunnel() {
    let house = House::new();
    let upstream = house.generation(|stream, _| echo_head(stream));
    house.plugin("x", open(&upstream));
    let sly = house.generation(|mut stream, _| async move {
        read_head(&mut stream).await;
        let answer = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
        stream.write_all(answer).await.unwrap();
    });
    house.plugin("sly", open(&sly));
    let gateway = gateway(&house, |_| {}).await;
    let listen = gateway.listen();
    let ask = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: {listen}\r\n{H2C}Connection: close\r\n\r\n");
    let answer = exchange(listen, ask("/api/x/").as_bytes()).await.unwrap().to_ascii_lowercase();
    assert!(status(&answer) == 200 && !answer.contains("h2c") && !answer.contains("upgrade:"), "{answer}");
    let answer = exchange(listen, ask("/api/sly/").as_bytes()).await.unwrap();
    assert_eq!((status(&answer), problem(&answer).as_str()), (502, "bad-answer"));
}

#[tokio::test]
async fn an_offer_of_h2c_takes_no_place_of_a_websocket() {
    let house = House::new();
    let upstream = house.generation(|stream, _| echo_head(stream));
    house.plugin("x", open(&upstream));
    let gateway = gateway(&house, |options| options.websockets = 0).await;
    let listen = gateway.listen();
    for (lines, wanted) in [(H2C, 200), ("Connection: upgrade\r\nUpgrade: websocket\r\n", 503)] {
        let request = format!("GET /api/x/ HTTP/1.1\r\nHost: {listen}\r\nConnection: close\r\n{lines}\r\n");
        assert_eq!(status(&exchange(listen, request.as_bytes()).await.unwrap()), wanted, "{lines}");
    }
}

#[tokio::test]
async fn a_plugin_switches_to_one_of_the_offers_and_the_client_hears_which() {
    for (offers, agreed, wanted) in [
        ("foo/2, websocket", "Upgrade: websocket\r\n", Some("upgrade: websocket\r\n")),
        ("websocket", "", Some("upgrade: websocket\r\n")),
        ("h2c, websocket", "", Some("upgrade: websocket\r\n")),
        ("foo/2, websocket", "", None),
        ("websocket", "Upgrade: foo\r\n", None),
        ("h2c, websocket", "Upgrade: h2c\r\n", None),
    ] {
        let house = House::new();
        let upstream = house.generation(move |mut stream, _| async move {
            read_head(&mut stream).await;
            let answer = format!("HTTP/1.1 101 Fine\r\nConnection: Upgrade\r\n{agreed}\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
        });
        house.plugin("x", open(&upstream));
        let gateway = gateway(&house, |_| {}).await;
        let listen = gateway.listen();
        let request = format!(
            "GET /api/x/ HTTP/1.1\r\nHost: {listen}\r\nConnection: upgrade\r\nUpgrade: {offers}\r\n\r\n"
        );
        let mut client = TcpStream::connect(listen).await.unwrap();
        client.write_all(request.as_bytes()).await.unwrap();
        let head = soon(read_head(&mut client)).await;
        match wanted {
            Some(line) => assert!(head.starts_with("HTTP/1.1 101 Fine") && head.contains(line), "{head}"),
            None => assert!(head.starts_with("HTTP/1.1 502"), "{offers} and {agreed}: {head}"),
        }
    }
}

#[tokio::test]
async fn a_client_that_goes_before_its_upgrade_is_answered_leaves_nothing_behind() {
    let house = House::new();
    let (asked, mut seen) = tokio::sync::mpsc::channel(1);
    let (gone, wanted) = tokio::sync::oneshot::channel::<()>();
    let (ended, over) = tokio::sync::oneshot::channel();
    let (upstream, listener) = house.listener();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_head(&mut stream).await;
        asked.send(()).await.unwrap();
        wanted.await.unwrap();
        let answer = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
        stream.write_all(answer).await.unwrap();
        let _ = stream.read_to_end(&mut Vec::new()).await;
        ended.send(()).unwrap();
    });
    house.plugin("x", open(&upstream));
    let gateway = gateway(&house, |options| options.connections = 1).await;
    let listen = gateway.listen();
    let mut client = TcpStream::connect(listen).await.unwrap();
    // The byte behind the head keeps the end of the connection from being seen before something is written to it.
    client.write_all((upgrade_request(listen) + "x").as_bytes()).await.unwrap();
    soon(seen.recv()).await.unwrap();
    client.set_zero_linger().unwrap();
    drop(client);
    gone.send(()).unwrap();
    soon(over).await.unwrap();
    // Its seat is free again.
    assert_eq!(status(&exchange(listen, &get(listen, "/_outboard/health", "")).await.unwrap()), 200);
}

#[tokio::test]
async fn an_upgrade_that_nobody_asked_for_is_a_bad_answer() {
    let house = House::new();
    let upstream = house.generation(|mut stream, _| async move {
        read_head(&mut stream).await;
        let answer = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
        stream.write_all(answer).await.unwrap();
    });
    house.plugin("x", open(&upstream));
    let gateway = gateway(&house, |_| {}).await;
    let answer = exchange(gateway.listen(), &get(gateway.listen(), "/api/x/", "")).await.unwrap();
    assert_eq!((status(&answer), problem(&answer).as_str()), (502, "bad-answer"));
}
