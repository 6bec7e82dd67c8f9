//! Who may come in: messages with two readings, foreign names and foreign pages stay outside, and no plugin hears of them.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod fixture;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fixture::*;
use outboard_gateway::{Gateway, GatewayOptions};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// A gateway before a plugin that counts what reaches it.
async fn counted(change: impl FnOnce(&mut GatewayOptions)) -> (Arc<House>, Gateway, Arc<AtomicUsize>) {
    let house = House::new();
    let heads = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&heads);
    let upstream = house.generation(move |stream, _| {
        counter.fetch_add(1, Ordering::SeqCst);
        echo_head(stream)
    });
    house.plugin("x", open(&upstream));
    let gateway = gateway(&house, change).await;
    (house, gateway, heads)
}

async fn answered(listen: SocketAddr, request: &str) -> String {
    exchange(listen, request.replace("HOST", &listen.to_string()).as_bytes()).await.unwrap()
}

#[tokio::test]
async fn messages_with_two_readings_are_refused_before_any_plugin_sees_them() {
    let (_house, gateway, heads) = counted(|_| {}).await;
    let requests = [
        "POST /api/x/ HTTP/1.1\r\nHost: HOST\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG",
        "POST /api/x/ HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\nG",
        "POST /api/x/ HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "POST /api/x/ HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /api/x/ HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
        "POST /api/x/ HTTP/1.1\r\nHost: HOST\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nA",
        "POST /api/x/ HTTP/1.1\r\nHost: HOST\r\nContent-Length: 1, 1\r\n\r\nA",
        "POST /api/x/ HTTP/1.1\r\nHost: HOST\r\nContent-Length: +1\r\n\r\nA",
        "GET /api/x/ HTTP/1.1\nHost: HOST\n\n",
        "GET /api/x/ HTTP/1.1\r\nHost: HOST\nX: y\r\n\r\n",
        "GET /api/x/ HTTP/1.1\r\nHost: HOST\r\nX: y\r\n z\r\n\r\n",
        "GET /api/x/ HTTP/1.1\r\nHost : HOST\r\n\r\n",
        "GET  /api/x/ HTTP/1.1\r\nHost: HOST\r\n\r\n",
        "GET /api/x/#top HTTP/1.1\r\nHost: HOST\r\n\r\n",
        "GET /api/x\\y HTTP/1.1\r\nHost: HOST\r\n\r\n",
        "GET /api/x/\x01 HTTP/1.1\r\nHost: HOST\r\n\r\n",
        "GET /api/x/%00 HTTP/1.1\r\nHost: HOST\r\n\r\n",
        "GET /api/%78/ HTTP/1.1\r\nHost: HOST\r\n\r\n",
        "GET /api/x%2f HTTP/1.1\r\nHost: HOST\r\n\r\n",
        "GET /api/x%2e HTTP/1.1\r\nHost: HOST\r\n\r\n",
        "GET /api/y/../x/ HTTP/1.1\r\nHost: HOST\r\n\r\n",
        "GET /api/x/%2e%2e/y HTTP/1.1\r\nHost: HOST\r\n\r\n",
        "GET //api/x/ HTTP/1.1\r\nHost: HOST\r\n\r\n",
        "GET /api/x/ HTTP/1.1\r\n\r\n",
        "GET /api/x/ HTTP/1.1\r\nHost: HOST\r\nHost: HOST\r\n\r\n",
        "GET http://evil/api/x/ HTTP/1.1\r\nHost: HOST\r\n\r\n",
        "GET ftp://HOST/api/x/ HTTP/1.1\r\nHost: HOST\r\n\r\n",
    ];
    for request in requests {
        let answer = answered(gateway.listen(), request).await;
        assert_eq!(status(&answer), 400, "{request:?} was answered {answer}");
    }
    assert_eq!(heads.load(Ordering::SeqCst), 0);
    let absolute = "GET http://HOST/api/x/ HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n";
    let answer = answered(gateway.listen(), absolute).await;
    assert!(answer.contains("GET /api/x/ HTTP/1.1\r\n"), "{answer}");
}

#[tokio::test]
async fn every_refusal_says_why_in_a_sentence() {
    let (_house, gateway, heads) = counted(|_| {}).await;
    let many = "X: 1\r\n".repeat(101);
    let long = "a".repeat(70_000);
    let requests = [
        ("POST /api/x/ HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: gzip\r\n\r\n".to_owned(), 400),
        ("GET /api/x/ HTTP/1.1\r\nHost: HOST\r\nA: b\r\n c\r\n\r\n".to_owned(), 400),
        ("GET /api/x/?q={\"a\":1} HTTP/1.1\r\nHost: HOST\r\n\r\n".to_owned(), 400),
        ("GET /api/x/<x> HTTP/1.1\r\nHost: HOST\r\n\r\n".to_owned(), 400),
        ("GET /api/x/` HTTP/1.1\r\nHost: HOST\r\n\r\n".to_owned(), 400),
        ("GET api HTTP/1.1\r\nHost: HOST\r\n\r\n".to_owned(), 400),
        ("G(T /api/x/ HTTP/1.1\r\nHost: HOST\r\n\r\n".to_owned(), 400),
        ("GET /api/x/ HTTP/1.1\r\nHost: HOST\r\nX(: y\r\n\r\n".to_owned(), 400),
        ("GET /api/x/ HTTP/1.1\r\nHost: HOST\r\nX: \x01\r\n\r\n".to_owned(), 400),
        ("GET /api/x/\r\n".to_owned(), 400),
        ("\x16\x03\x01\x02\x00\x01".to_owned(), 400),
        ("\r\n\r\n\r\n\r\n\r\n".to_owned(), 400),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), 505),
        (format!("GET /api/x/ HTTP/1.1\r\nHost: HOST\r\n{many}\r\n"), 431),
        (format!("GET /api/x/ HTTP/1.1\r\nHost: HOST\r\nX: {long}\r\n\r\n"), 431),
        (format!("GET /api/{long} HTTP/1.1\r\nHost: HOST\r\n\r\n"), 414),
    ];
    for (request, wanted) in &requests {
        let answer = answered(gateway.listen(), request).await;
        let shown = &request[..request.len().min(80)];
        assert_eq!(status(&answer), *wanted, "{shown:?} was answered {answer}");
        problem(&answer);
        let words = answer.split_once("\"detail\":\"").unwrap_or_else(|| panic!("{answer}")).1;
        assert!(words.contains(' ') && words.contains('.'), "{answer}");
    }
    assert_eq!(heads.load(Ordering::SeqCst), 0);
    let query = answered(gateway.listen(), &requests[2].0).await;
    assert!(query.contains("the character \\\", which must be percent-encoded as %22"), "{query}");
}

#[tokio::test]
async fn a_body_that_turns_bad_is_answered_with_what_is_wrong_with_it() {
    let house = House::new();
    let upstream = house.generation(|mut stream, _| async move {
        let _ = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut Vec::new()).await;
    });
    house.plugin("x", open(&upstream));
    let gateway = gateway(&house, |_| {}).await;
    for body in ["zz\r\n", "5\nhello\r\n0\r\n\r\n", "0\r\nX Y: 1\r\n\r\n", "0\r\nX: \x01\r\n\r\n"] {
        let head = "POST /api/x/ HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\n";
        let answer = answered(gateway.listen(), &format!("{head}{body}")).await;
        assert_eq!((status(&answer), problem(&answer).as_str()), (400, "ambiguous-request"), "{body:?}");
        assert!(answer.contains("The chunked body is malformed: "), "{answer}");
    }
}

#[tokio::test]
async fn requests_before_a_bad_one_are_answered_before_it() {
    let (_house, gateway, _) = counted(|_| {}).await;
    let good = "GET /api/x/ HTTP/1.1\r\nHost: HOST\r\n\r\n";
    for bad in ["GET /api/x/ HTTP/1.1\r\nHost: HOST\r\nX : y\r\n\r\n", "\x16", "GET /api/x/<\r\n"] {
        let answers = answered(gateway.listen(), &[good, good, bad].concat()).await;
        assert_eq!(answers.matches("HTTP/1.1 200").count(), 2, "{answers}");
        let refusal = answers.rfind("HTTP/1.1 400").unwrap_or_else(|| panic!("{answers}"));
        assert!(refusal > answers.rfind("HTTP/1.1 200").unwrap(), "{answers}");
        assert_eq!(problem(&answers[refusal..]), "ambiguous-request");
    }
}

#[tokio::test]
async fn a_head_that_comes_byte_by_byte_is_one_head() {
    let (_house, gateway, _) = counted(|_| {}).await;
    let listen = gateway.listen();
    let mut client = TcpStream::connect(listen).await.unwrap();
    client.set_nodelay(true).unwrap();
    let body = format!("POST /api/x/1 HTTP/1.1\r\nHost: {listen}\r\nContent-Length: 0\r\n\r\n");
    let last = String::from_utf8(get(listen, "/api/x/2", "")).unwrap();
    for byte in format!("{body}{last}").bytes() {
        client.write_all(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    let answers = read_all(&mut client).await.unwrap();
    assert!(answers.contains("POST /api/x/1 ") && answers.contains("GET /api/x/2 "), "{answers}");
}

#[tokio::test]
async fn a_refused_message_ends_its_connection_and_says_why() {
    let (_house, gateway, heads) = counted(|_| {}).await;
    let request = "POST /api/x/ HTTP/1.1\r\nHost: HOST\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n\
        0\r\n\r\nGET /api/x/smuggled HTTP/1.1\r\nHost: HOST\r\n\r\n";
    let answer = answered(gateway.listen(), request).await;
    assert_eq!(problem(&answer), "ambiguous-request");
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    assert!(answer.contains("Content-Length contradict"), "{answer}");
    assert_eq!(heads.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_body_that_is_malformed_on_its_way_never_ends_cleanly_at_the_plugin() {
    let house = House::new();
    let (ended, mut seen) = tokio::sync::mpsc::channel(1);
    let upstream = house.generation(move |mut stream, _| {
        let ended = ended.clone();
        async move {
            let mut all = Vec::new();
            let _ = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut all).await;
            ended.send(String::from_utf8(all).unwrap()).await.unwrap();
        }
    });
    house.plugin("x", open(&upstream));
    let gateway = gateway(&house, |_| {}).await;
    let mut client = TcpStream::connect(gateway.listen()).await.unwrap();
    let head =
        format!("POST /api/x/ HTTP/1.1\r\nHost: {}\r\nTransfer-Encoding: chunked\r\n\r\n", gateway.listen());
    client.write_all(head.as_bytes()).await.unwrap();
    client.write_all(b"3\r\nabc\r\n").await.unwrap();
    while upstream.in_flight() == 0 {
        tokio::task::yield_now().await;
    }
    client.write_all(b"5\nhello\r\n0\r\n\r\n").await.unwrap();
    let all = soon(seen.recv()).await.unwrap();
    assert!(!all.contains("hello") && !all.ends_with("0\r\n\r\n"), "{all}");
}

#[tokio::test]
async fn foreign_hosts_are_refused_and_our_own_names_pass() {
    let (_house, gateway, heads) = counted(|options| {
        options.allowed_hosts = vec!["deck.example".to_owned()];
        options.token = outboard_gateway::Token::new(TOKEN.as_bytes());
    })
    .await;
    let port = gateway.listen().port();
    for host in ["evil.example", "127.0.0.1", "localhost:1", "127.0.0.1.evil.example:80", "[::1]", ""] {
        let request = format!("GET /api/x/ HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let answer = exchange(gateway.listen(), request.as_bytes()).await.unwrap();
        assert_eq!(problem(&answer), "host-not-allowed", "{host}");
    }
    assert_eq!(heads.load(Ordering::SeqCst), 0);
    for host in ["127.0.0.1", "localhost", "LocalHost", "[::1]", "deck.example"] {
        let request =
            format!("GET /api/x/ HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n{TOKEN_LINE}\r\n");
        assert_eq!(status(&exchange(gateway.listen(), request.as_bytes()).await.unwrap()), 200, "{host}");
    }
    let bare = format!("GET /api/x/ HTTP/1.1\r\nHost: deck.example\r\nConnection: close\r\n{TOKEN_LINE}\r\n");
    assert_eq!(status(&exchange(gateway.listen(), bare.as_bytes()).await.unwrap()), 200);
}

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const TOKEN_LINE: &str = "X-Outboard-Token: 0123456789abcdef0123456789abcdef\r\n";

#[tokio::test]
async fn what_a_browser_does_not_mark_needs_the_token_under_a_name_that_is_not_local() {
    let (_house, gateway, heads) = counted(|options| {
        options.allowed_hosts = vec!["box.lan".to_owned()];
        options.token = outboard_gateway::Token::new(TOKEN.as_bytes());
    })
    .await;
    let listen = gateway.listen();
    // What Chromium sends for a foreign page's picture, script, style sheet, form, no-cors fetch, frame and preloading.
    let embedded = [
        "Accept: image/avif,image/webp,*/*;q=0.8\r\nReferer: http://evil.test/\r\n",
        "Accept: */*\r\nReferer: http://evil.test/\r\n",
        "Accept: text/css,*/*;q=0.1\r\n",
        "Accept: text/html\r\nPurpose: prefetch\r\n",
        "Upgrade-Insecure-Requests: 1\r\nAccept: */*\r\n",
        "X-Outboard-Token: 0123456789abcdef0123456789abcdee\r\n",
        "X-Outboard-Token: \r\n",
        "Authorization: Bearer of-the-plugin\r\n",
        "",
    ];
    for lines in embedded {
        for method in ["GET", "HEAD", "POST", "OPTIONS", "DELETE"] {
            let request = format!("{method} /api/x/ HTTP/1.1\r\nHost: box.lan\r\n{lines}\r\n");
            let answer = exchange(listen, request.as_bytes()).await.unwrap();
            assert_eq!(status(&answer), 401, "{request}{answer}");
            assert!(answer.contains("www-authenticate: Bearer\r\n"), "{answer}");
        }
    }
    assert_eq!(heads.load(Ordering::SeqCst), 0);
    let bearer = format!("Authorization: Bearer {TOKEN}\r\n");
    for (lines, kept) in [
        (TOKEN_LINE.to_owned(), false),
        (bearer.clone(), false),
        (format!("{TOKEN_LINE}Authorization: Basic eDp5\r\n"), true),
    ] {
        let request = format!("GET /api/x/ HTTP/1.1\r\nHost: box.lan\r\nConnection: close\r\n{lines}\r\n");
        let answer = exchange(listen, request.as_bytes()).await.unwrap();
        assert_eq!(status(&answer), 200, "{answer}");
        assert!(!answer.contains(TOKEN), "the plugin got the token: {answer}");
        assert_eq!(answer.contains("authorization: Basic eDp5"), kept, "{answer}");
    }
    let local = exchange(listen, &get(listen, "/api/x/", &bearer)).await.unwrap();
    assert!(status(&local) == 200 && !local.contains(TOKEN), "{local}");
    let plugins_own =
        exchange(listen, &get(listen, "/api/x/", "Authorization: Bearer of-the-plugin\r\n")).await.unwrap();
    assert!(plugins_own.contains("authorization: Bearer of-the-plugin"), "{plugins_own}");
}

#[tokio::test]
async fn foreign_pages_are_refused_with_every_method_and_upgrade() {
    let (_house, gateway, heads) = counted(|_| {}).await;
    let listen = gateway.listen();
    let foreign = [
        "Origin: http://evil.example\r\n",
        "Origin: null\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: same-site\r\n",
        "Origin: http://localhost:1\r\n",
        "Sec-Fetch-Site: new-word\r\n",
        "Origin: http://evil.example\r\nSec-Fetch-Site: none\r\n",
    ];
    for lines in foreign {
        for method in ["GET", "HEAD", "POST", "OPTIONS", "DELETE", "BREW"] {
            for path in ["/api/x/", "/_outboard/health", "/_outboard/bus", "/"] {
                for upgrade in ["", "Connection: upgrade\r\nUpgrade: websocket\r\n"] {
                    let request =
                        format!("{method} {path} HTTP/1.1\r\nHost: {listen}\r\n{lines}{upgrade}\r\n");
                    let answer = exchange(listen, request.as_bytes()).await.unwrap();
                    assert_eq!(status(&answer), 403, "{request}");
                    assert!(!answer.contains("access-control-"), "{answer}");
                }
            }
        }
    }
    assert_eq!(heads.load(Ordering::SeqCst), 0);
    let own = [
        String::new(),
        "Sec-Fetch-Site: none\r\n".to_owned(),
        format!("Origin: http://x.localhost:{}\r\n", listen.port()),
    ];
    for lines in own {
        assert_eq!(status(&exchange(listen, &get(listen, "/api/x/", &lines)).await.unwrap()), 200, "{lines}");
    }
}

#[tokio::test]
async fn a_listed_origin_is_named_and_nothing_is_reflected() {
    let (_house, gateway, heads) =
        counted(|options| options.allowed_origins = vec!["app://shell".to_owned()]).await;
    let listen = gateway.listen();
    let lines = "Origin: app://shell\r\nSec-Fetch-Site: cross-site\r\n";
    let answer = exchange(listen, &get(listen, "/api/x/", lines)).await.unwrap();
    assert_eq!(status(&answer), 200);
    assert!(answer.contains("access-control-allow-origin: app://shell\r\n"), "{answer}");
    assert!(answer.contains("vary: Origin\r\n"), "{answer}");
    let preflight = format!(
        "OPTIONS /api/x/ HTTP/1.1\r\nHost: {listen}\r\nConnection: close\r\n{lines}\
         Access-Control-Request-Method: PUT\r\nAccess-Control-Request-Headers: authorization\r\n\r\n"
    );
    let answer = exchange(listen, preflight.as_bytes()).await.unwrap();
    assert_eq!(status(&answer), 204);
    assert!(answer.contains("access-control-allow-methods: PUT\r\n"), "{answer}");
    assert_eq!(heads.load(Ordering::SeqCst), 1, "the gateway answers preflights itself");
    let answer = exchange(listen, &get(listen, "/api/x/", "")).await.unwrap();
    assert!(!answer.contains("access-control-"), "{answer}");
}

#[tokio::test]
async fn connect_and_trace_are_not_served() {
    let (_house, gateway, _) = counted(|_| {}).await;
    for request in
        ["CONNECT HOST HTTP/1.1\r\nHost: HOST\r\n\r\n", "TRACE /api/x/ HTTP/1.1\r\nHost: HOST\r\n\r\n"]
    {
        let answer = answered(gateway.listen(), request).await;
        assert_eq!(problem(&answer), "method-not-allowed");
    }
}
