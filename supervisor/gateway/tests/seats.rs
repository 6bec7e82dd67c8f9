//! Who is served when many come: nobody waits behind connections that ask for nothing, and health is always answered.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod fixture;

use std::net::SocketAddr;
use std::time::Duration;

use fixture::*;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

/// Asks for health on a connection that stays open, and returns what it says of connections.
async fn connections(client: &mut TcpStream, listen: SocketAddr) -> Value {
    let request = format!("GET /_outboard/health HTTP/1.1\r\nHost: {listen}\r\n\r\n");
    client.write_all(request.as_bytes()).await.unwrap();
    let head = soon(read_head(client)).await.to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or_else(|| panic!("{head}"))];
    soon(client.read_exact(&mut body)).await.unwrap();
    serde_json::from_slice::<Value>(&body).unwrap()["connections"].take()
}

/// A client that was served once and asks for nothing more.
async fn idle(listen: SocketAddr) -> TcpStream {
    let mut client = TcpStream::connect(listen).await.unwrap();
    connections(&mut client, listen).await;
    client
}

/// Health, on a connection of its own.
async fn health(listen: SocketAddr) -> u16 {
    status(&exchange(listen, &get(listen, "/_outboard/health", "")).await.unwrap())
}

/// A plugin whose answers wait until they are let go.
fn slow_plugin(house: &House) -> watch::Sender<bool> {
    let (go, gone) = watch::channel(false);
    let upstream = house.generation(move |mut stream, _| {
        let mut gone = gone.clone();
        async move {
            while !read_head(&mut stream).await.is_empty() {
                let _ = gone.wait_for(|gone| *gone).await;
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
            }
        }
    });
    house.plugin("slow", open(&upstream));
    go
}

/// A client whose request is under way.
async fn busy(listen: SocketAddr) -> TcpStream {
    let mut client = TcpStream::connect(listen).await.unwrap();
    client.write_all(&get(listen, "/api/slow/", "")).await.unwrap();
    client
}

/// Waits until so many connections are open.
async fn until_open(listen: SocketAddr, open: u64) {
    loop {
        let answer = exchange(listen, &get(listen, "/_outboard/health", "")).await.unwrap();
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        let health: Value = serde_json::from_str(body).unwrap();
        // The one that asks is open as well.
        if health["connections"]["open"].as_u64().unwrap() == open + 1 {
            return;
        }
    }
}

#[tokio::test]
async fn whoever_is_idle_for_longest_gives_way_to_whoever_comes() {
    let house = House::new();
    let gateway = gateway(&house, |options| options.connections = 2).await;
    let listen = gateway.listen();
    let (mut oldest, mut other) = (idle(listen).await, idle(listen).await);
    // It asked again since, so it is not the one that is idle for longest any more.
    connections(&mut oldest, listen).await;
    assert_eq!(health(listen).await, 200);
    assert_eq!(soon(other.read(&mut [0])).await.unwrap(), 0, "it was closed");
    let told = connections(&mut oldest, listen).await;
    assert_eq!((&told["limit"], told["timesFull"].as_u64()), (&2.into(), Some(1)), "{told}");
}

#[tokio::test]
async fn clients_that_connect_and_say_nothing_keep_nobody_out() {
    let house = House::new();
    let gateway = gateway(&house, |options| options.connections = 4).await;
    let listen = gateway.listen();
    let mut silent = Vec::new();
    for _ in 0..64 {
        silent.push(TcpStream::connect(listen).await.unwrap());
    }
    let upstream = house.generation(|stream, _| echo_head(stream));
    house.plugin("x", open(&upstream));
    let answer = exchange(listen, &get(listen, "/api/x/", "")).await.unwrap();
    assert_eq!(status(&answer), 200, "{answer}");
    drop(silent);
    // An empty line is passed over before a request, and says as little.
    let mut silent = Vec::new();
    for line in ["\r", "\r\n"].repeat(32) {
        let mut client = TcpStream::connect(listen).await.unwrap();
        client.write_all(line.as_bytes()).await.unwrap();
        silent.push(client);
    }
    let answer = exchange(listen, &get(listen, "/api/x/", "")).await.unwrap();
    assert_eq!(status(&answer), 200, "{answer}");
    assert_eq!(health(listen).await, 200);
}

#[tokio::test]
async fn a_request_waits_for_a_seat_while_all_are_at_work_and_health_does_not() {
    let house = House::new();
    let go = slow_plugin(&house);
    let gateway = gateway(&house, |options| options.connections = 2).await;
    let listen = gateway.listen();
    let mut working = [busy(listen).await, busy(listen).await];
    until_open(listen, 2).await;
    let mut waiting = busy(listen).await;
    until_open(listen, 3).await;
    assert!(waiting.try_read(&mut [0]).is_err(), "it was served without a seat");
    go.send(true).unwrap();
    for client in working.iter_mut().chain([&mut waiting]) {
        assert_eq!(status(&soon(read_all(client)).await.unwrap()), 200);
    }
}

#[tokio::test]
async fn a_request_for_which_no_seat_becomes_free_is_told_so() {
    let house = House::new();
    let _held = slow_plugin(&house);
    let short = Duration::from_millis(50);
    let gateway = gateway(&house, |options| {
        options.connections = 1;
        options.waiting_time = short;
    })
    .await;
    let listen = gateway.listen();
    let _working = busy(listen).await;
    until_open(listen, 1).await;
    let answer = soon(read_all(&mut busy(listen).await)).await.unwrap();
    assert_eq!((status(&answer), problem(&answer).as_str()), (503, "too-many-connections"), "{answer}");
    assert!(answer.to_ascii_lowercase().contains("retry-after: "), "{answer}");
    // The standing room fills up as well, and is given back.
    let mut crowd = Vec::new();
    for _ in 0..32 {
        crowd.push(busy(listen).await);
    }
    assert_eq!(health(listen).await, 200);
    for mut client in crowd {
        assert_eq!(status(&soon(read_all(&mut client)).await.unwrap()), 503);
    }
}

#[tokio::test]
async fn websockets_have_a_share_of_their_own() {
    let house = House::new();
    let upstream = house.generation(|mut stream, _| async move {
        let head = read_head(&mut stream).await;
        if head.contains("echo") {
            let _ = stream
                .write_all(
                    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n",
                )
                .await;
            let _ = stream.read_to_end(&mut Vec::new()).await;
        } else {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
        }
    });
    house.plugin("x", open(&upstream));
    let gateway = gateway(&house, |options| (options.connections, options.websockets) = (1, 2)).await;
    let listen = gateway.listen();
    let opening =
        format!("GET /api/x/ws HTTP/1.1\r\nHost: {listen}\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
    let open = async || {
        let mut client = TcpStream::connect(listen).await.unwrap();
        client.write_all(opening.as_bytes()).await.unwrap();
        (soon(read_head(&mut client)).await, client)
    };
    let mut kept = Vec::new();
    for _ in 0..2 {
        let (head, client) = open().await;
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        kept.push(client);
    }
    // They are silent for longest, and yet it is the idle connection that gives way.
    let mut resting = idle(listen).await;
    let answer = exchange(listen, &get(listen, "/api/x/", "")).await.unwrap();
    assert_eq!(status(&answer), 200, "{answer}");
    assert_eq!(soon(resting.read(&mut [0])).await.unwrap(), 0, "it was closed");
    let (head, _) = open().await;
    assert!(head.starts_with("HTTP/1.1 503"), "{head}");
    // What nobody upgrades to is an ordinary request.
    let h2c = get(listen, "/api/x/", "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n");
    assert_eq!(status(&exchange(listen, &h2c).await.unwrap()), 200);
    // The one seat is free all the while, and what is idle among WebSockets is not closed for others.
    for _ in 0..3 {
        let answer = exchange(listen, &get(listen, "/api/x/", "")).await.unwrap();
        assert_eq!(status(&answer), 200, "{answer}");
    }
    let (_idle, _other) = (idle(listen).await, idle(listen).await);
    kept[0].write_all(b"still there").await.unwrap();
    assert!(kept[0].try_read(&mut [0]).is_err(), "it was closed");
    drop(kept);
    soon(async { while !open().await.0.starts_with("HTTP/1.1 101") {} }).await;
}
