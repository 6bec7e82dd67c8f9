//! Slow clients, silent clients, too many clients, and a system without descriptors.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod fixture;

use std::future::Future;
use std::time::Duration;

use fixture::*;
use outboard_host::routes::{Upstream, testing};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A patience short enough to wait for, long enough for a busy machine to do something else in between.
const SHORT: Duration = Duration::from_millis(200);

/// Waits until the other side ends the connection, whichever way.
async fn ended(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    let _ = soon(stream.read_to_end(&mut rest)).await;
}

#[tokio::test]
async fn a_head_that_never_ends_is_cut_off_however_diligently_it_drips() {
    let house = House::new();
    let gateway =
        gateway(&house, |options| (options.head_timeout, options.client_linger) = (SHORT, SHORT)).await;
    not_before(SHORT, async {
        let mut silent = TcpStream::connect(gateway.listen()).await.unwrap();
        ended(&mut silent).await;
    })
    .await;
    let mut dripping = TcpStream::connect(gateway.listen()).await.unwrap();
    dripping.write_all(b"GET / HTTP/1.1\r\nX: ").await.unwrap();
    let (mut from, mut to) = dripping.split();
    let drip = async {
        while to.write_all(b"a").await.is_ok() {
            tokio::time::sleep(SHORT / 20).await;
        }
    };
    let mut answer = Vec::new();
    let (_, read) = not_before(SHORT, async { tokio::join!(drip, from.read_to_end(&mut answer)) }).await;
    let answer = String::from_utf8(answer).unwrap();
    assert!(read.is_ok(), "the refusal was lost: {answer:?}");
    assert_eq!((status(&answer), problem(&answer).as_str()), (408, "client-slow"));
}

#[tokio::test]
async fn empty_lines_for_ever_are_no_way_to_keep_a_connection() {
    let house = House::new();
    let gateway = gateway(&house, |options| options.client_linger = SHORT).await;
    let mut client = TcpStream::connect(gateway.listen()).await.unwrap();
    let request = format!("\r\n\r\nGET /_outboard/health HTTP/1.1\r\nHost: {}\r\n\r\n", gateway.listen());
    client.write_all(request.as_bytes()).await.unwrap();
    assert!(soon(read_head(&mut client)).await.starts_with("HTTP/1.1 200"));
    let press = async {
        while client.write_all(b"\r\n").await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    not_before(SHORT, press).await;
}

#[tokio::test]
async fn a_connection_may_idle_between_requests_for_its_own_while() {
    let house = House::new();
    let gateway = gateway(&house, |options| options.keep_alive = SHORT).await;
    let mut client = TcpStream::connect(gateway.listen()).await.unwrap();
    let request = format!("GET /_outboard/health HTTP/1.1\r\nHost: {}\r\n\r\n", gateway.listen());
    not_before(SHORT, async {
        client.write_all(request.as_bytes()).await.unwrap();
        assert!(soon(read_head(&mut client)).await.starts_with("HTTP/1.1 200"));
        ended(&mut client).await;
    })
    .await;
}

#[tokio::test]
async fn a_connection_idles_as_long_after_an_answer_that_took_longer_than_that() {
    let house = House::new();
    let upstream = house.generation(|mut stream, _| async move {
        read_head(&mut stream).await;
        tokio::time::sleep(2 * SHORT).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        read_head(&mut stream).await;
    });
    house.plugin("x", open(&upstream));
    let gateway = gateway(&house, |options| options.keep_alive = SHORT).await;
    let mut client = TcpStream::connect(gateway.listen()).await.unwrap();
    let request = format!("GET /api/x/ HTTP/1.1\r\nHost: {}\r\n\r\n", gateway.listen());
    not_before(3 * SHORT, async {
        client.write_all(request.as_bytes()).await.unwrap();
        assert!(soon(read_head(&mut client)).await.starts_with("HTTP/1.1 200"));
        ended(&mut client).await;
    })
    .await;
}

#[tokio::test]
async fn a_body_that_stalls_ends_the_request_at_both_ends() {
    let house = House::new();
    let (gone, mut seen) = tokio::sync::mpsc::channel(1);
    let upstream = house.generation(move |mut stream, _| {
        let gone = gone.clone();
        async move {
            let mut all = Vec::new();
            let _ = stream.read_to_end(&mut all).await;
            gone.send(String::from_utf8(all).unwrap()).await.unwrap();
        }
    });
    house.plugin("x", open(&upstream));
    let gateway = gateway(&house, |options| options.client_stall = SHORT).await;
    let mut client = TcpStream::connect(gateway.listen()).await.unwrap();
    let head =
        format!("POST /api/x/ HTTP/1.1\r\nHost: {}\r\nContent-Length: 10\r\n\r\nhalf", gateway.listen());
    let stall = async {
        client.write_all(head.as_bytes()).await.unwrap();
        soon(seen.recv()).await.unwrap()
    };
    assert!(not_before(SHORT, stall).await.ends_with("half"));
    let answer = read_all(&mut client).await.unwrap();
    assert_eq!((status(&answer), problem(&answer).as_str()), (408, "client-slow"));
}

#[tokio::test]
async fn a_client_that_does_not_read_is_reset() {
    let house = House::new();
    let upstream = house.generation(|mut stream, _| async move {
        read_head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n").await;
        while stream.write_all(&[0; 65536]).await.is_ok() {}
    });
    house.plugin("x", open(&upstream));
    let gateway = gateway(&house, |options| options.client_unread = SHORT).await;
    let mut client = TcpStream::connect(gateway.listen()).await.unwrap();
    not_before(SHORT, async {
        client.write_all(&get(gateway.listen(), "/api/x/", "")).await.unwrap();
        until(|| upstream.in_flight() > 0).await;
        until(|| upstream.in_flight() == 0).await;
    })
    .await;
    let error = soon(client.read_to_end(&mut Vec::new())).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

/// A byte of an answer for each of these, and a buffer that holds more than a stall's worth of them.
const STEADY: Duration = Duration::from_millis(20);

#[tokio::test]
async fn a_client_that_reads_slowly_without_a_pause_is_never_called_stalled() {
    let house = House::new();
    let upstream = house.generation(|mut stream, _| async move {
        read_head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n").await;
        while stream.write_all(&[0; 65536]).await.is_ok() {}
    });
    house.plugin("x", open(&upstream));
    let gateway = gateway(&house, |options| options.client_unread = SHORT).await;
    let mut client = TcpStream::connect(gateway.listen()).await.unwrap();
    client.write_all(&get(gateway.listen(), "/api/x/", "")).await.unwrap();
    // Far slower than the kernel needs to call the gateway's end writable within one stall.
    let (begin, mut piece) = (std::time::Instant::now(), vec![0; 64 * 1024]);
    while begin.elapsed() < SHORT * 12 {
        soon(client.read_exact(&mut piece)).await.expect("a steady reader was cut off");
        tokio::time::sleep(STEADY).await;
    }
}

#[tokio::test]
async fn a_plugin_that_takes_an_upload_slowly_without_a_pause_is_never_called_slow() {
    const PIECES: usize = 120;
    let house = House::new();
    // On a port, where the kernel's buffers are large.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    house.plugin("x", open(&testing::upstream_at(1, listener.local_addr().unwrap().port())));
    let plugin = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_head(&mut stream).await;
        let mut piece = vec![0; 64 * 1024];
        for _ in 0..PIECES {
            stream.read_exact(&mut piece).await.expect("an upload to a steady reader was cut off");
            tokio::time::sleep(STEADY).await;
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        stream
    };
    let gateway = gateway(&house, |options| options.answer_timeout = SHORT).await;
    let listen = gateway.listen();
    let mut client = TcpStream::connect(listen).await.unwrap();
    let (mut from, mut to) = client.split();
    let ask = async {
        let head = format!("POST /api/x/ HTTP/1.1\r\nHost: {listen}\r\nContent-Length: 1000000000\r\n\r\n");
        to.write_all(head.as_bytes()).await.unwrap();
        // More than it takes, so that there is always something to send.
        let _ = to.write_all(&vec![b'x'; 4 * PIECES * 64 * 1024]).await;
    };
    tokio::select! {
        (_stream, head) = async { tokio::join!(plugin, read_head(&mut from)) } => {
            assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        }
        () = async { ask.await; std::future::pending().await } => {}
        () = tokio::time::sleep(HANG) => panic!("it did not come"),
    }
}

#[tokio::test]
async fn a_plugin_that_falls_silent_within_its_answer_is_cut_off() {
    let house = House::new();
    let upstream = house.generation(|mut stream, _| async move {
        read_head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf").await.unwrap();
        read_head(&mut stream).await;
    });
    house.plugin("x", open(&upstream));
    let gateway = gateway(&house, |options| options.stream_idle = SHORT).await;
    let request = get(gateway.listen(), "/api/x/", "");
    let answer = not_before(SHORT, exchange(gateway.listen(), &request)).await.unwrap();
    assert!(answer.contains("content-length: 9\r\n") && answer.ends_with("\r\n\r\nhalf"), "{answer}");
}

#[tokio::test]
async fn a_plugin_whose_port_takes_no_connection_is_given_up() {
    let house = House::new();
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    // Nobody accepts, and one connection fills it: from then on the kernel answers nothing.
    let full = socket.listen(0).unwrap();
    let port = full.local_addr().unwrap().port();
    let _first = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    house.plugin("x", open(&testing::upstream_at(1, port)));
    let gateway = gateway(&house, |_| {}).await;
    let answer = exchange(gateway.listen(), &get(gateway.listen(), "/api/x/", "")).await.unwrap();
    assert_eq!((status(&answer), problem(&answer).as_str()), (502, "plugin-refused"));
}

#[tokio::test]
async fn heads_beyond_the_limits_are_refused_with_words() {
    let house = House::new();
    let gateway = gateway(&house, |_| {}).await;
    let listen = gateway.listen();
    let long = get(listen, "/_outboard/health", &format!("X-Long: {}\r\n", "a".repeat(70_000)));
    let many = get(listen, "/_outboard/health", &"X: y\r\n".repeat(200));
    let target = get(listen, &format!("/{}", "a".repeat(70_000)), "");
    for (request, wanted, word) in
        [(long, 431, "head-too-large"), (many, 431, "head-too-large"), (target, 414, "target-too-long")]
    {
        let answer = exchange(listen, &request).await.unwrap();
        assert_eq!((status(&answer), problem(&answer).as_str()), (wanted, word), "{answer}");
    }
    assert_eq!(status(&exchange(listen, &get(listen, "/_outboard/health", "")).await.unwrap()), 200);
}

/// Set in the process that runs out of descriptors.
const STARVED: &str = "OUTBOARD_TEST_STARVED";

#[test]
fn the_accept_loop_outlives_a_lack_of_descriptors() {
    apart("the_accept_loop_outlives_a_lack_of_descriptors", starve());
}

#[test]
fn an_answer_that_ends_while_descriptors_are_short_is_as_whole_as_it_was() {
    apart("an_answer_that_ends_while_descriptors_are_short_is_as_whole_as_it_was", end_while_starved());
}

#[test]
fn users_are_known_although_descriptors_were_short_at_the_start() {
    apart("users_are_known_although_descriptors_were_short_at_the_start", begin_starved());
}

/// Starving would hurt other tests of this process, so a second one does it.
fn apart(name: &str, starves: impl Future<Output = ()>) {
    if std::env::var_os(STARVED).is_some() {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(starves);
        return;
    }
    let this = std::env::current_exe().unwrap();
    let starved = std::process::Command::new(this)
        .args([name, "--exact", "--nocapture"])
        .env(STARVED, "1")
        .output()
        .unwrap();
    assert!(starved.status.success(), "{}", String::from_utf8_lossy(&starved.stderr));
}

async fn starve() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let house = House::new();
    let gateway = gateway(&house, |_| {}).await;
    let listen = gateway.listen();
    let mut clients = vec![TcpStream::connect(listen).await.unwrap()];
    // Room for what is open and a few more; both ends of each connection count in this process.
    let open = std::fs::read_dir("/proc/self/fd").unwrap().count() as u64;
    let before = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(open + 9), maximum: before.maximum }).unwrap();
    // The loop sends idle ones away, and each takes a descriptor of the loop's along; ours stay.
    loop {
        match TcpStream::connect(listen).await {
            Ok(client) => clients.push(client),
            Err(_) => break,
        }
        tokio::task::yield_now().await;
    }
    let mut last = clients.pop().unwrap();
    let request = get(listen, "/_outboard/health", "");
    drop(clients);
    last.write_all(&request).await.unwrap();
    assert_eq!(status(&read_all(&mut last).await.unwrap()), 200);
}

async fn begin_starved() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let house = House::new();
    let gateway = gateway(&house, |_| {}).await;
    let before = getrlimit(Resource::Nofile);
    let open = std::fs::read_dir("/proc/self/fd").unwrap().count() as u64 - 1;
    setrlimit(Resource::Nofile, Rlimit { current: Some(open), maximum: before.maximum }).unwrap();
    // Now its task begins.
    for _ in 0..8 {
        tokio::task::yield_now().await;
    }
    setrlimit(Resource::Nofile, before).unwrap();
    let request = get(gateway.listen(), "/_outboard/health", "");
    // Meanwhile nobody is let in as one of whom nothing is known.
    soon(async {
        loop {
            match exchange(gateway.listen(), &request).await {
                Ok(answer) if answer.starts_with("HTTP/1.1 200") => break,
                outcome => assert!(outcome.unwrap_or_default().is_empty()),
            }
        }
    })
    .await;
}

async fn end_while_starved() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let before = getrlimit(Resource::Nofile);
    let house = House::new();
    let (go, _) = tokio::sync::watch::channel(());
    let let_go = go.clone();
    // Only the end of the connection ends its answer.
    let upstream = house.generation(move |mut stream, _| {
        let mut gone = let_go.subscribe();
        async move {
            if read_head(&mut stream).await.is_empty() {
                return;
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nall of it").await.unwrap();
            gone.changed().await.unwrap();
        }
    });
    house.plugin("x", open(&upstream));
    let gateway = gateway(&house, |_| {}).await;
    let listen = gateway.listen();
    // With descriptors of the reserve alone, and with none at all.
    for more in [4, 0] {
        let mut client = TcpStream::connect(listen).await.unwrap();
        client.write_all(&get(listen, "/api/x/", "")).await.unwrap();
        assert!(soon(read_head(&mut client)).await.starts_with("HTTP/1.1 200"));
        let open = std::fs::read_dir("/proc/self/fd").unwrap().count() as u64 - 1;
        setrlimit(Resource::Nofile, Rlimit { current: Some(open + more), maximum: before.maximum }).unwrap();
        go.send(()).unwrap();
        let body = read_all(&mut client).await.unwrap();
        assert!(body.contains("all of it") && body.ends_with("0\r\n\r\n"), "{more} left: {body:?}");
        setrlimit(Resource::Nofile, before).unwrap();
    }
}

async fn until_silent(upstream: &Upstream) {
    until(|| upstream.silence().is_some()).await;
}

#[tokio::test]
async fn a_plugin_that_waits_for_the_rest_of_a_request_is_not_called_silent_and_one_that_has_it_is() {
    let house = House::new();
    let (heard, mut hears) = tokio::sync::mpsc::channel(2);
    let (answers, answered) = tokio::sync::watch::channel(false);
    let upstream = house.generation(move |mut stream, _| {
        let (heard, mut answered) = (heard.clone(), answered.clone());
        async move {
            read_head(&mut stream).await;
            heard.send(()).await.unwrap();
            stream.read_exact(&mut [0; 2]).await.unwrap();
            heard.send(()).await.unwrap();
            answered.wait_for(|answered| *answered).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        }
    });
    house.plugin("x", open(&upstream));
    let mute = house.generation(|mut stream, _| async move {
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    house.plugin("mute", open(&mute));
    let notice = Duration::from_millis(50);
    let gateway = gateway(&house, |options| options.first_answer_notice = notice).await;
    let mut client = TcpStream::connect(gateway.listen()).await.unwrap();
    let head = format!("POST /api/x/ HTTP/1.1\r\nHost: {}\r\nContent-Length: 2\r\n\r\n", gateway.listen());
    client.write_all(head.as_bytes()).await.unwrap();
    soon(hears.recv()).await.unwrap();
    // One that has its whole request is called silent after the same time, which began later.
    let mut other = TcpStream::connect(gateway.listen()).await.unwrap();
    other.write_all(&get(gateway.listen(), "/api/mute/", "")).await.unwrap();
    until_silent(&mute).await;
    assert_eq!(upstream.silence(), None);
    client.write_all(b"ab").await.unwrap();
    soon(hears.recv()).await.unwrap();
    until_silent(&upstream).await;
    answers.send(true).unwrap();
    assert!(soon(read_head(&mut client)).await.starts_with("HTTP/1.1 200"));
    assert_eq!(upstream.silence(), None);
}
