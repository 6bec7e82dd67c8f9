//! Requests and answers through the proxy: what reaches the plugin, what reaches the client.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod fixture;

use fixture::*;
use outboard_host::routes::RouteState;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test]
async fn a_request_reaches_the_plugin_byte_for_byte_in_its_path() {
    let house = House::new();
    let upstream = house.generation(|stream, _| echo_head(stream));
    house.plugin("x", open(&upstream));
    let gateway = gateway(&house, |_| {}).await;
    let path = "/api/x//a%2Fb/%7Euser;v=1?q=%&r=../..";
    let answer = exchange(gateway.listen(), &get(gateway.listen(), path, "")).await.unwrap();
    assert_eq!(status(&answer), 200);
    assert!(answer.contains(&format!("GET {path} HTTP/1.1\r\n")), "{answer}");
}

#[tokio::test]
async fn headers_of_the_connection_and_forged_ones_stay_behind_and_ours_are_set() {
    let house = House::new();
    let upstream = house.generation(|stream, _| echo_head(stream));
    house.plugin("x", open(&upstream));
    let gateway = gateway(&house, |_| {}).await;
    let listen = gateway.listen();
    let lines = "Keep-Alive: 5\r\nConnection: X-Mine\r\nX-Mine: 1\r\nX-Kept: 2\r\nTE: trailers, gzip\r\n\
        Forwarded: for=evil\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-User: root\r\nX_Forwarded_Proto: https\r\n\
        Remote-User: root\r\nRemote_Groups: root\r\nX-Remote-Email: root\r\nX-WEBAUTH-USER: root\r\nX-Auth-Request-User: root\r\n\
        Client-Cert: :root:\r\nClient-Cert-Chain: :root:\r\nX-SSL-Client-S-DN: root\r\nSSL_CLIENT_VERIFY: root\r\n\
        X-Real-IP: 6.6.6.6\r\nProxy-Authorization: secret\r\nAuthorization: kept\r\n";
    let request = format!("GET /api/x/ HTTP/1.1\r\nHost: {listen}\r\nConnection: close\r\n{lines}\r\n");
    let answer = exchange(listen, request.as_bytes()).await.unwrap().to_lowercase();
    let (_, head) = answer.split_once("\r\n\r\n").unwrap();
    for gone in ["keep-alive", "x-mine", "evil", "6.6.6.6", "root", "https", "secret", "connection"] {
        assert!(!head.contains(gone), "{gone} reached the plugin: {head}");
    }
    for there in [
        &format!("host: {listen}\r\n"),
        "x-kept: 2\r\n",
        "authorization: kept\r\n",
        "te: trailers\r\n",
        "x-forwarded-for: 127.0.0.1\r\n",
        &format!("x-forwarded-host: {listen}\r\n"),
        "x-forwarded-proto: http\r\n",
        &format!("forwarded: for=127.0.0.1;host=\"{listen}\";proto=http\r\n"),
    ] {
        assert!(head.contains(there), "{there} did not reach the plugin: {head}");
    }
}

#[tokio::test]
async fn a_stripped_prefix_is_told_and_put_back() {
    let house = House::new();
    let upstream = house.generation(|mut stream, _| async move {
        let head = read_head(&mut stream).await;
        assert!(head.starts_with("GET /deep?q=1 HTTP/1.1\r\n"), "{head}");
        assert!(head.contains("x-forwarded-prefix: /api/x\r\n"), "{head}");
        let answer =
            b"HTTP/1.1 302 Found\r\nLocation: /login\r\nSet-Cookie: a=b; Path=/\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(answer).await.unwrap();
    });
    house.claim("x", "/api/x");
    house.plugin_with("x", open(&upstream), true, true);
    let gateway = gateway(&house, |_| {}).await;
    let answer = exchange(gateway.listen(), &get(gateway.listen(), "/api/x/deep?q=1", "")).await.unwrap();
    assert!(answer.contains("location: /api/x/login\r\n"), "{answer}");
    assert!(answer.contains("set-cookie: a=b; Path=/api/x\r\n"), "{answer}");
}

#[tokio::test]
async fn a_browser_that_asks_for_a_stripped_prefix_alone_is_sent_to_its_slash() {
    let house = House::new();
    let upstream = house.generation(|stream, _| echo_head(stream));
    house.claim("x", "/api/x");
    house.plugin_with("x", open(&upstream), true, true);
    house.plugin("whole", open(&upstream));
    let gateway = gateway(&house, |_| {}).await;
    let listen = gateway.listen();
    for (path, there) in [("/api/x", "/api/x/"), ("/api/x?q=1&r", "/api/x/?q=1&r")] {
        let answer = exchange(listen, &get(listen, path, "")).await.unwrap();
        assert_eq!(status(&answer), 307);
        assert!(answer.contains(&format!("location: {there}\r\n")), "{answer}");
    }
    // Not where it would lose a body or an upgrade, and not where the plugin sees its prefix.
    let post =
        format!("POST /api/x HTTP/1.1\r\nHost: {listen}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(status(&exchange(listen, post.as_bytes()).await.unwrap()), 200);
    let upgrade = format!(
        "GET /api/x HTTP/1.1\r\nHost: {listen}\r\nConnection: upgrade, close\r\nUpgrade: websocket\r\n\r\n"
    );
    assert_eq!(status(&exchange(listen, upgrade.as_bytes()).await.unwrap()), 200);
    assert_eq!(status(&exchange(listen, &get(listen, "/api/whole", "")).await.unwrap()), 200);
}

#[tokio::test]
async fn head_204_and_304_have_no_body_and_keep_their_headers() {
    let house = House::new();
    let upstream = house.generation(|mut stream, _| async move {
        loop {
            let head = read_head(&mut stream).await;
            let answer = match head.split(' ').nth(1) {
                Some("/api/x/head") => "HTTP/1.1 200 OK\r\nContent-Length: 123\r\n\r\n",
                Some("/api/x/204") => "HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n",
                Some("/api/x/304") => "HTTP/1.1 304 Not Modified\r\nETag: \"e\"\r\nContent-Length: 9\r\n\r\n",
                _ => return,
            };
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    house.plugin("x", open(&upstream));
    let gateway = gateway(&house, |_| {}).await;
    let listen = gateway.listen();
    // All on one connection: a body that nobody announced would be taken for the next answer.
    let request = format!(
        "HEAD /api/x/head HTTP/1.1\r\nHost: {listen}\r\n\r\nGET /api/x/204 HTTP/1.1\r\nHost: {listen}\r\n\r\n\
         GET /api/x/304 HTTP/1.1\r\nHost: {listen}\r\nConnection: close\r\n\r\n"
    );
    let answer = exchange(listen, request.as_bytes()).await.unwrap();
    let heads: Vec<&str> = answer.split("\r\n\r\n").collect();
    assert_eq!(heads.len(), 4, "{answer}");
    assert!(heads[0].starts_with("HTTP/1.1 200") && heads[0].contains("content-length: 123"), "{answer}");
    assert!(heads[1].starts_with("HTTP/1.1 204") && !heads[1].contains("content-length"), "{answer}");
    assert!(heads[2].starts_with("HTTP/1.1 304") && heads[2].contains("etag: \"e\""), "{answer}");
    assert_eq!(heads[3], "");
}

#[tokio::test]
async fn ranges_pass_in_both_directions() {
    let house = House::new();
    let upstream = house.generation(|mut stream, _| async move {
        assert!(read_head(&mut stream).await.contains("range: bytes=2-4\r\n"));
        let answer =
            b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 2-4/9\r\nContent-Length: 3\r\n\r\ncde";
        stream.write_all(answer).await.unwrap();
    });
    house.plugin("x", open(&upstream));
    let gateway = gateway(&house, |_| {}).await;
    let answer =
        exchange(gateway.listen(), &get(gateway.listen(), "/api/x/", "Range: bytes=2-4\r\n")).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 206") && answer.contains("content-range: bytes 2-4/9"), "{answer}");
    assert!(answer.ends_with("\r\n\r\ncde"), "{answer}");
}

#[tokio::test]
async fn trailers_pass_in_both_directions_announced_or_not() {
    let house = House::new();
    let upstream = house.generation(|mut stream, _| async move {
        read_head(&mut stream).await;
        let mut body = vec![0; b"3\r\nabc\r\n0\r\nx-up: 1\r\n\r\n".len()];
        stream.read_exact(&mut body).await.unwrap();
        assert_eq!(body, b"3\r\nabc\r\n0\r\nx-up: 1\r\n\r\n");
        let answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-down\r\n\r\n\
            2\r\nde\r\n0\r\nx-down: 2\r\n\r\n";
        stream.write_all(answer).await.unwrap();
    });
    house.plugin("x", open(&upstream));
    let gateway = gateway(&house, |_| {}).await;
    let listen = gateway.listen();
    let request = format!(
        "POST /api/x/ HTTP/1.1\r\nHost: {listen}\r\nTE: trailers\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\
         Trailer: x-up\r\n\r\n3\r\nabc\r\n0\r\nx-up: 1\r\n\r\n"
    );
    let answer = exchange(listen, request.as_bytes()).await.unwrap();
    assert!(answer.ends_with("2\r\nde\r\n0\r\nx-down: 2\r\n\r\n"), "{answer}");
}

/// What a plugin answers, as a client gets it that sends `lines`.
async fn answered_with(answer: &'static str, lines: &str) -> String {
    let house = House::new();
    let upstream = house.generation(move |mut stream, _| async move {
        read_head(&mut stream).await;
        stream.write_all(answer.as_bytes()).await.unwrap();
    });
    house.plugin("x", open(&upstream));
    let gateway = gateway(&house, |_| {}).await;
    exchange(gateway.listen(), &get(gateway.listen(), "/api/x/", lines)).await.unwrap()
}

#[tokio::test]
async fn trailers_that_a_plugin_did_not_announce_reach_whoever_takes_trailers() {
    let grpc = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\ngrpc-status: 0\r\nX-Sum: 1\r\n\r\n";
    let answer = answered_with(grpc, "TE: trailers\r\n").await;
    assert!(answer.ends_with("5\r\nhello\r\n0\r\ngrpc-status: 0\r\nx-sum: 1\r\n\r\n"), "{answer}");
    let answer = answered_with(grpc, "").await;
    assert!(answer.ends_with("5\r\nhello\r\n0\r\n\r\n"), "{answer}");
    let empty = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nx-sum: 1\r\n\r\n";
    let answer = answered_with(empty, "TE: trailers\r\n").await;
    assert!(answer.ends_with("\r\n\r\n0\r\nx-sum: 1\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn trailers_that_only_a_head_may_hold_stay_behind_in_both_directions() {
    let lines = "X-Forwarded-For: 6.6.6.6\r\nX-WEBAUTH-USER: root\r\nClient-Cert: :a:\r\nRemote_User: root\r\nHost: evil\r\nContent-Length: 9\r\n\
        Authorization: Basic eA==\r\nSet-Cookie: a=b\r\nContent-Security-Policy: x\r\nX-Kept: 1\r\n";
    let house = House::new();
    let upstream = house.generation(move |mut stream, _| async move {
        read_head(&mut stream).await;
        let mut trailers = String::new();
        while !trailers.ends_with("\r\n\r\n") {
            trailers.push(char::from(stream.read_u8().await.unwrap()));
        }
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let answer = format!("{head}{:x}\r\n{trailers}\r\n0\r\n{lines}\r\n", trailers.len());
        stream.write_all(answer.as_bytes()).await.unwrap();
    });
    house.plugin("x", open(&upstream));
    let gateway = gateway(&house, |_| {}).await;
    let listen = gateway.listen();
    let request = format!(
        "POST /api/x/ HTTP/1.1\r\nHost: {listen}\r\nTE: trailers\r\nConnection: close\r\n\
         Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n{lines}\r\n"
    );
    let answer = exchange(listen, request.as_bytes()).await.unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, "16\r\n1\r\nx\r\n0\r\nx-kept: 1\r\n\r\n\r\n0\r\nx-kept: 1\r\n\r\n");
}

#[tokio::test]
async fn an_answer_keeps_its_status_line_its_hints_and_its_advice() {
    let hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nSet-Cookie: a=b\r\n\r\n\
        HTTP/1.1 200 Fine\r\nContent-Length: 0\r\n\r\n";
    let answer = answered_with(hints, "").await;
    let told = "HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\nHTTP/1.1 200 Fine\r\n";
    assert!(answer.starts_with(told), "{answer}");
    let answer = answered_with("HTTP/1.1 299 Odd\r\nContent-Length: 0\r\n\r\n", "").await;
    assert!(answer.starts_with("HTTP/1.1 299 Odd\r\n"), "{answer}");
    let answer = answered_with("HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n", "").await;
    assert!(answer.starts_with("HTTP/1.1 299 \r\n"), "{answer}");
    let advice =
        "HTTP/1.1 426 Upgrade\r\nUpgrade: websocket\r\nConnection: upgrade\r\nContent-Length: 0\r\n\r\n";
    let answer = answered_with(advice, "").await;
    assert!(answer.contains("upgrade: websocket\r\n") && answer.contains("connection: upgrade"), "{answer}");
    // An HTTP/1.0 client knows of no interim answers.
    let house = House::new();
    let upstream = house.generation(move |mut stream, _| async move {
        read_head(&mut stream).await;
        stream.write_all(hints.as_bytes()).await.unwrap();
    });
    house.plugin("x", open(&upstream));
    let gateway = gateway(&house, |_| {}).await;
    let request = format!("GET /api/x/ HTTP/1.0\r\nHost: {}\r\n\r\n", gateway.listen());
    let answer = exchange(gateway.listen(), request.as_bytes()).await.unwrap();
    assert!(answer.starts_with("HTTP/1.0 200 Fine"), "{answer}");
}

#[tokio::test]
async fn interim_answers_come_between_the_answers_of_a_row_of_requests() {
    let house = House::new();
    let upstream = house.generation(|mut stream, _| async move {
        while !read_head(&mut stream).await.is_empty() {
            let answer = b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n\
                HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
            stream.write_all(answer).await.unwrap();
        }
    });
    house.plugin("x", open(&upstream));
    let gateway = gateway(&house, |_| {}).await;
    let listen = gateway.listen();
    let request = format!("GET /api/x/ HTTP/1.1\r\nHost: {listen}\r\n\r\n");
    let row = request.repeat(3) + &String::from_utf8(get(listen, "/_outboard/nothing", "")).unwrap();
    let answers = exchange(listen, row.as_bytes()).await.unwrap();
    let statuses: Vec<&str> =
        answers.match_indices("HTTP/1.1 ").map(|(at, _)| &answers[at + 9..at + 12]).collect();
    assert_eq!(statuses.join(" "), "102 103 200 102 103 200 102 103 200 404", "{answers}");
}

#[tokio::test]
async fn an_event_stream_arrives_piece_by_piece() {
    let house = House::new();
    let (more, mut wanted) = tokio::sync::mpsc::channel::<()>(1);
    let (upstream, listener) = house.listener();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_head(&mut stream).await;
        let head =
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
        stream.write_all(head).await.unwrap();
        while wanted.recv().await.is_some() {
            stream.write_all(b"9\r\ndata: x\n\n\r\n").await.unwrap();
        }
        stream.write_all(b"0\r\n\r\n").await.unwrap();
    });
    house.plugin("x", open(&upstream));
    let gateway = gateway(&house, |_| {}).await;
    let mut client = TcpStream::connect(gateway.listen()).await.unwrap();
    client.write_all(&get(gateway.listen(), "/api/x/", "")).await.unwrap();
    soon(read_head(&mut client)).await;
    assert_eq!(upstream.in_flight(), 0, "a stream without end must not hold up a stop");
    for _ in 0..3 {
        more.send(()).await.unwrap();
        let mut event = [0; 14];
        soon(client.read_exact(&mut event)).await.unwrap();
        assert_eq!(&event, b"9\r\ndata: x\n\n\r\n");
    }
    drop(more);
    assert_eq!(read_all(&mut client).await.unwrap(), "0\r\n\r\n");
}

#[tokio::test]
async fn a_client_that_expects_a_word_gets_it_from_the_plugin() {
    let house = House::new();
    let upstream = house.generation(|mut stream, number| async move {
        let head = read_head(&mut stream).await;
        assert!(head.contains("expect: 100-continue\r\n"), "{head}");
        if number == 1 {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.unwrap();
            let mut body = [0; 4];
            stream.read_exact(&mut body).await.unwrap();
            assert_eq!(&body, b"body");
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                .await
                .unwrap();
        } else {
            stream.write_all(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        }
    });
    house.plugin("x", open(&upstream));
    let gateway = gateway(&house, |_| {}).await;
    let listen = gateway.listen();
    let request = format!(
        "POST /api/x/ HTTP/1.1\r\nHost: {listen}\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"
    );
    let mut client = TcpStream::connect(listen).await.unwrap();
    client.write_all(request.as_bytes()).await.unwrap();
    assert_eq!(soon(read_head(&mut client)).await, "HTTP/1.1 100 Continue\r\n\r\n");
    client.write_all(b"body").await.unwrap();
    assert!(soon(read_head(&mut client)).await.starts_with("HTTP/1.1 200"));
    // One that is refused is not asked for its body.
    let mut client = TcpStream::connect(listen).await.unwrap();
    client.write_all(request.as_bytes()).await.unwrap();
    assert!(soon(read_head(&mut client)).await.starts_with("HTTP/1.1 401"));
}

#[tokio::test]
async fn unknown_plugins_and_plugins_without_http_are_404_and_stopped_ones_503() {
    let house = House::new();
    let upstream = house.generation(|stream, _| echo_head(stream));
    house.plugin_with("silent", open(&upstream), false, true);
    house.plugin(
        "stopped",
        RouteState::Closed { cause: "an operator stopped it".to_owned(), retry_after: None },
    );
    let gateway = gateway(&house, |_| {}).await;
    let listen = gateway.listen();
    for (path, wanted, word) in [
        ("/api/nobody/", 404, "unknown-plugin"),
        ("/api/silent/", 404, "serves-no-http"),
        ("/elsewhere", 404, "not-found"),
        ("/api/config/x", 404, "not-found"),
        ("/_outboard/nothing", 404, "not-found"),
        ("/api/stopped/", 503, "plugin-not-running"),
    ] {
        let answer = exchange(listen, &get(listen, path, "")).await.unwrap();
        assert_eq!((status(&answer), problem(&answer).as_str()), (wanted, word), "{path}");
        // Where only an operator can help, no time is given after which to try again.
        assert!(!answer.contains("\r\nretry-after: "), "{answer}");
        assert_eq!(answer.contains("an operator stopped it"), wanted == 503, "{answer}");
    }
}

#[tokio::test]
async fn a_registered_prefix_leads_to_its_plugin() {
    let house = House::new();
    let upstream = house.generation(|stream, _| echo_head(stream));
    house.plugin("x", open(&upstream));
    house.claim("x", "/loadsheet");
    let gateway = gateway(&house, |_| {}).await;
    let answer = exchange(gateway.listen(), &get(gateway.listen(), "/loadsheet/7", "")).await.unwrap();
    assert!(answer.contains("GET /loadsheet/7 HTTP/1.1\r\n"), "{answer}");
    let answer = exchange(gateway.listen(), &get(gateway.listen(), "/loadsheets", "")).await.unwrap();
    assert_eq!(status(&answer), 404);
}
