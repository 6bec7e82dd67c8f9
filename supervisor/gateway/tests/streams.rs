//! Long bodies and broken bodies.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod fixture;

use fixture::*;
use outboard_host::routes::{RouteState, testing};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How much is sent each way; far more than all buffers together.
const MUCH: usize = 96 * 1024 * 1024;
/// How much memory may come on top meanwhile: socket buffers are the kernel's, ours are a few pieces of 128 KiB.
const LITTLE_KIB: u64 = 24 * 1024;

/// More than fits into the buffers of both ends.
const SOME_MIB: usize = 16 * 1024 * 1024;

fn peak_memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn large_bodies_stream_both_ways_at_once_in_little_memory() {
    let house = House::new();
    let upstream = house.generation(|mut stream, _| async move {
        read_head(&mut stream).await;
        let (mut from, mut to) = stream.split();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {MUCH}\r\n\r\n");
        to.write_all(head.as_bytes()).await.unwrap();
        let mut body = (&mut from).take(MUCH as u64);
        assert_eq!(tokio::io::copy(&mut body, &mut to).await.unwrap(), MUCH as u64);
    });
    house.plugin("x", open(&upstream));
    let gateway = gateway(&house, |_| {}).await;
    let before = peak_memory_kib();
    let mut client = TcpStream::connect(gateway.listen()).await.unwrap();
    let head =
        format!("POST /api/x/ HTTP/1.1\r\nHost: {}\r\nContent-Length: {MUCH}\r\n\r\n", gateway.listen());
    client.write_all(head.as_bytes()).await.unwrap();
    let (mut from, mut to) = client.split();
    let send = async {
        let piece = vec![b'x'; 64 * 1024];
        for _ in 0..MUCH / piece.len() {
            to.write_all(&piece).await.unwrap();
        }
    };
    let receive = async {
        read_head(&mut from).await;
        let mut got = 0;
        let mut piece = vec![0; 64 * 1024];
        while got < MUCH {
            let count = from.read(&mut piece).await.unwrap();
            assert!(count > 0 && piece[..count].iter().all(|byte| *byte == b'x'));
            got += count;
        }
        got
    };
    let ((), got) = soon(async { tokio::join!(send, receive) }).await;
    assert_eq!(got, MUCH);
    let grown = peak_memory_kib() - before;
    assert!(grown < LITTLE_KIB, "{grown} KiB more than before");
}

#[tokio::test]
async fn a_plugin_that_does_not_read_stops_the_client_instead_of_filling_memory() {
    let house = House::new();
    let (upstream, listener) = house.listener();
    let (read_on, wanted) = tokio::sync::oneshot::channel::<()>();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_head(&mut stream).await;
        wanted.await.unwrap();
        tokio::io::copy(&mut (&mut stream).take(MUCH as u64), &mut tokio::io::sink()).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await.unwrap();
    });
    house.plugin("x", open(&upstream));
    let gateway = gateway(&house, |_| {}).await;
    let before = peak_memory_kib();
    let mut client = TcpStream::connect(gateway.listen()).await.unwrap();
    let head = format!(
        "POST /api/x/ HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {MUCH}\r\n\r\n",
        gateway.listen()
    );
    client.write_all(head.as_bytes()).await.unwrap();
    let piece = vec![b'x'; 64 * 1024];
    let mut sent = 0;
    // All that fits between the two ends; a stall of this length is a full stop.
    let stall = std::time::Duration::from_millis(300);
    while let Ok(written) = tokio::time::timeout(stall, client.write(&piece)).await {
        sent += written.unwrap();
        assert!(sent < MUCH, "nothing stopped the client");
    }
    read_on.send(()).unwrap();
    while sent < MUCH {
        sent += soon(client.write(&piece[..piece.len().min(MUCH - sent)])).await.unwrap();
    }
    assert_eq!(status(&read_all(&mut client).await.unwrap()), 200);
    let grown = peak_memory_kib() - before;
    assert!(grown < LITTLE_KIB, "{grown} KiB more than before");
}

/// Reads to the end: what came, and whether the end was clean.
async fn read_to_any_end(listen: std::net::SocketAddr, request: &[u8]) -> (String, bool) {
    let mut client = TcpStream::connect(listen).await.unwrap();
    client.write_all(request).await.unwrap();
    let mut all = Vec::new();
    let mut piece = [0; 4096];
    loop {
        match soon(client.read(&mut piece)).await {
            Ok(0) => return (String::from_utf8(all).unwrap(), true),
            Ok(count) => all.extend_from_slice(&piece[..count]),
            Err(_) => return (String::from_utf8(all).unwrap(), false),
        }
    }
}

/// Whether an answer is whole by its own account: its length, its last chunk, or a clean end where it has neither.
fn is_whole(answer: &str, clean: bool) -> bool {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    match length {
        Some(length) => body.len() >= length,
        None if head.contains("transfer-encoding: chunked") => body.ends_with("0\r\n\r\n"),
        None => clean,
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_arrives_as_far_as_it_came_and_never_looks_whole() {
    for head in [
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\nbogus",
    ] {
        for version in ["1.0", "1.1"] {
            let house = House::new();
            let upstream = house.generation(move |mut stream, _| async move {
                read_head(&mut stream).await;
                stream.write_all(head.as_bytes()).await.unwrap();
            });
            house.plugin("x", open(&upstream));
            let gateway = gateway(&house, |_| {}).await;
            let request = format!("GET /api/x/ HTTP/{version}\r\nHost: {}\r\n\r\n", gateway.listen());
            let (got, clean) = read_to_any_end(gateway.listen(), request.as_bytes()).await;
            assert!(!is_whole(&got, clean), "{got:?} looks whole");
            // All of it came together with its end.
            assert!(got.contains("some"), "{version}: {got:?} lacks what came before the end");
        }
    }
}

#[tokio::test]
async fn the_last_piece_before_an_answer_broke_off_arrives() {
    let house = House::new();
    let (dying, listener) = house.listener();
    let (seen, first_seen) = tokio::sync::oneshot::channel::<()>();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_head(&mut stream).await;
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
            .await
            .unwrap();
        first_seen.await.unwrap();
        stream.write_all(b"4\r\nlast\r\n").await.unwrap();
    });
    house.plugin("x", open(&dying));
    let gateway = gateway(&house, |_| {}).await;
    let mut client = TcpStream::connect(gateway.listen()).await.unwrap();
    client.write_all(&get(gateway.listen(), "/api/x/", "")).await.unwrap();
    soon(read_head(&mut client)).await;
    soon(client.read_exact(&mut [0; 10])).await.unwrap();
    seen.send(()).unwrap();
    let mut rest = Vec::new();
    let _ = soon(client.read_to_end(&mut rest)).await;
    assert_eq!(rest, b"4\r\nlast\r\n");
}

#[tokio::test]
async fn a_body_that_only_the_end_ends_is_clean_from_the_living_and_broken_from_the_dead() {
    let house = House::new();
    let answer = b"HTTP/1.1 200 OK\r\n\r\nall of it";
    let living = house.generation(move |mut stream, _| async move {
        if !read_head(&mut stream).await.is_empty() {
            stream.write_all(answer).await.unwrap();
        }
    });
    let route = house.plugin("x", open(&living));
    let gateway = gateway(&house, |_| {}).await;
    let listen = gateway.listen();
    let whole = exchange(listen, &get(listen, "/api/x/", "")).await.unwrap();
    assert!(whole.contains("all of it") && whole.ends_with("0\r\n\r\n"), "{whole}");
    let (dying, listener) = house.listener();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_head(&mut stream).await;
        stream.write_all(answer).await.unwrap();
        drop(listener);
    });
    testing::publish(&route, open(&dying));
    let (got, clean) = read_to_any_end(listen, &get(listen, "/api/x/", "")).await;
    assert!(!is_whole(&got, clean), "{got:?} looks whole");
}

#[tokio::test]
async fn a_client_that_goes_away_takes_its_request_along() {
    let house = House::new();
    let (gone, mut seen) = tokio::sync::mpsc::channel(1);
    let upstream = house.generation(move |mut stream, _| {
        let gone = gone.clone();
        async move {
            read_head(&mut stream).await;
            let ended = stream.read(&mut [0; 1]).await.map_or(true, |count| count == 0);
            gone.send(ended).await.unwrap();
        }
    });
    house.plugin("x", open(&upstream));
    let gateway = gateway(&house, |_| {}).await;
    let mut client = TcpStream::connect(gateway.listen()).await.unwrap();
    client.write_all(&get(gateway.listen(), "/api/x/", "")).await.unwrap();
    while upstream.in_flight() == 0 {
        tokio::task::yield_now().await;
    }
    drop(client);
    assert!(soon(seen.recv()).await.unwrap());
    while upstream.in_flight() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_early_refusal_of_an_upload_reaches_the_client() {
    let house = House::new();
    let upstream = house.generation(|mut stream, _| async move {
        read_head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig").await.unwrap();
    });
    house.plugin("x", open(&upstream));
    let gateway = gateway(&house, |_| {}).await;
    let mut client = TcpStream::connect(gateway.listen()).await.unwrap();
    let head =
        format!("POST /api/x/ HTTP/1.1\r\nHost: {}\r\nContent-Length: 1000000\r\n\r\n", gateway.listen());
    client.write_all(head.as_bytes()).await.unwrap();
    client.write_all(b"a little").await.unwrap();
    assert!(soon(read_head(&mut client)).await.starts_with("HTTP/1.1 413"));
    let mut body = [0; 3];
    soon(client.read_exact(&mut body)).await.unwrap();
    assert_eq!(&body, b"big");
}

#[tokio::test]
async fn an_early_answer_reaches_a_client_that_sends_all_before_it_reads() {
    let house = House::new();
    let upstream = house.generation(|mut stream, _| async move {
        read_head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig").await.unwrap();
    });
    house.plugin("x", open(&upstream));
    let gateway = gateway(&house, |_| {}).await;
    let listen = gateway.listen();
    // From a plugin, from the gateway itself, to a message that is refused, and to one whose body turns bad.
    let length = format!("Content-Length: {SOME_MIB}");
    let cases = [
        ("/api/x/", length.as_str(), 413),
        ("/api/nobody", &length, 404),
        ("/api/x/", "X : y", 400),
        ("/api/nobody", "Transfer-Encoding: chunked", 404),
    ];
    for (path, line, wanted) in cases {
        for _ in 0..5 {
            let mut client = TcpStream::connect(listen).await.unwrap();
            let head = format!("POST {path} HTTP/1.1\r\nHost: {listen}\r\n{line}\r\n\r\n");
            client.write_all(head.as_bytes()).await.unwrap();
            soon(client.write_all(&vec![b'x'; SOME_MIB])).await.expect("the connection was closed meanwhile");
            let mut answer = [0; 12];
            soon(client.read_exact(&mut answer)).await.expect("the answer was lost");
            assert_eq!(&answer, format!("HTTP/1.1 {wanted}").as_bytes(), "{path} {line}");
        }
    }
}

#[tokio::test]
async fn answers_with_two_readings_are_bad_answers() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "this is not HTTP\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Le",
    ] {
        let house = House::new();
        let upstream = house.generation(move |mut stream, _| async move {
            read_head(&mut stream).await;
            stream.write_all(answer.as_bytes()).await.unwrap();
        });
        house.plugin("x", open(&upstream));
        let gateway = gateway(&house, |_| {}).await;
        let got = exchange(gateway.listen(), &get(gateway.listen(), "/api/x/", "")).await.unwrap();
        assert_eq!((status(&got), problem(&got).as_str()), (502, "bad-answer"), "{answer:?}");
    }
}

#[tokio::test]
async fn a_shutdown_finishes_what_is_under_way_and_cuts_what_has_no_end() {
    let house = House::new();
    let (finish, wanted) = tokio::sync::oneshot::channel::<()>();
    let (upstream, listener) = house.listener();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_head(&mut stream).await;
        wanted.await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlast").await.unwrap();
        let (mut stream, _) = listener.accept().await.unwrap();
        read_head(&mut stream).await;
    });
    house.plugin("x", open(&upstream));
    let gateway = gateway(&house, |_| {}).await;
    let listen = gateway.listen();
    let mut client = TcpStream::connect(listen).await.unwrap();
    client.write_all(format!("GET /api/x/ HTTP/1.1\r\nHost: {listen}\r\n\r\n").as_bytes()).await.unwrap();
    while upstream.in_flight() == 0 {
        tokio::task::yield_now().await;
    }
    let down = tokio::spawn(gateway.shutdown(HANG));
    while TcpStream::connect(listen).await.is_ok() {
        tokio::task::yield_now().await;
    }
    finish.send(()).unwrap();
    let answer = read_all(&mut client).await.unwrap();
    assert!(answer.ends_with("\r\n\r\nlast"), "{answer}");
    soon(down).await.unwrap();
    assert!(matches!(&*house_state(&house), RouteState::Open(_)));
}

fn house_state(house: &House) -> std::sync::Arc<RouteState> {
    outboard_gateway::Directory::route(house, "x").unwrap().state()
}
