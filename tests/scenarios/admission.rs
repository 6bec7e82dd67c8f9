//! Who may ask what: names, pages from elsewhere, plugins' own pages, and whoever nothing is known of.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::os::unix::fs::PermissionsExt;

use system_tests::{NEIGHBOUR, Plugin, Supervisor, socket};

#[test]
fn names_and_pages_from_elsewhere_are_refused_with_every_method_and_upgrade() {
    let supervisor = Supervisor::builder().start();
    let host = supervisor.address();
    let path = format!("/api/{NEIGHBOUR}/");
    let rebound = supervisor
        .send(format!("GET {path} HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n").as_bytes());
    assert_eq!((rebound.status, rebound.problem().as_str()), (403, "host-not-allowed"));
    for method in ["GET", "POST", "OPTIONS", "DELETE"] {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\norigin: http://evil.example\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        );
        let answer = supervisor.send(request.as_bytes());
        assert_eq!((answer.status, answer.problem().as_str()), (403, "origin-not-allowed"), "{method}");
        assert!(answer.header("access-control-allow-origin").is_none(), "{answer:?}");
    }
    let evil = [("origin", "http://evil.example")];
    assert!(socket::open(host, "/_outboard/bus", &evil).is_err(), "the bus answered a foreign page");
    assert!(socket::open(host, &format!("{path}echo"), &evil).is_err());
    supervisor.verify();
}

#[test]
fn a_page_of_a_plugin_reaches_its_own_plugin_alone_and_programs_reach_all() {
    let supervisor = Supervisor::builder().plugin(Plugin::hostile("p", &[])).start();
    let (bare, port) = (supervisor.address(), supervisor.address().rsplit(':').next().unwrap());
    let host = |label: &str| format!("{label}.localhost:{port}");
    let get = |at: &str, path: &str, lines: &str| {
        let head = format!("GET {path} HTTP/1.1\r\nhost: {at}\r\n{lines}connection: close\r\n\r\n");
        supervisor.send(head.as_bytes())
    };
    let (own, others) = ("/api/p/".to_owned(), format!("/api/{NEIGHBOUR}/"));
    let page = format!("origin: http://{}\r\nsec-fetch-site: same-site\r\n", host("p"));
    for at in [bare.to_owned(), host("p")] {
        assert_eq!(get(&at, &own, &page).status, 200, "its own at {at}");
    }
    for at in [bare.to_owned(), host("p"), host(NEIGHBOUR), host("outboard")] {
        let answer = get(&at, &others, &page);
        assert_eq!((answer.status, answer.problem().as_str()), (403, "origin-not-allowed"), "{at}");
        assert_eq!(get(&at, "/_outboard/health", &page).status, 403, "{at}");
    }
    assert_eq!(get(bare, &others, "").status, 200, "a program");
    let opened = "sec-fetch-site: cross-site\r\nsec-fetch-mode: navigate\r\nsec-fetch-dest: document\r\n";
    for (path, label) in
        [("/api/p/callback?code=1", "p"), ("/_outboard/health", "outboard"), ("/", "outboard")]
    {
        let sent = get(bare, path, opened);
        let wanted = format!("http://{}{path}", host(label));
        assert_eq!((sent.status, sent.header("location")), (307, Some(wanted.as_str())));
    }
    assert_eq!(get(&host("p"), "/api/p/callback?code=1", opened).status, 200);
    let status = supervisor.cli(&["status"]).out;
    assert!(status.contains(&format!("pages at http://{}", host("outboard"))), "{status}");
    supervisor.verify();
}

#[test]
fn what_nothing_is_known_of_needs_the_token_under_a_name_that_is_not_local() {
    let token = "0123456789abcdef0123456789abcdef";
    let builder =
        Supervisor::builder().settings("[http]\nallowed_hosts = [\"box.lan\"]\ntoken_file = \"token\"\n");
    let file = builder.folders().settings().with_file_name("token");
    std::fs::write(&file, format!("{token}\n")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let supervisor = builder.start();
    let get = |lines: &str| {
        let path = format!("/api/{NEIGHBOUR}/");
        let head = format!("GET {path} HTTP/1.1\r\nhost: box.lan\r\n{lines}connection: close\r\n\r\n");
        supervisor.send(head.as_bytes())
    };
    let picture = "accept: image/webp,*/*;q=0.8\r\nreferer: http://evil.example/\r\n";
    for lines in ["", picture, "x-outboard-token: 0123456789abcdef0123456789abcdee\r\n"] {
        let answer = get(lines);
        assert_eq!((answer.status, answer.problem().as_str()), (401, "token-required"), "{lines}");
    }
    for lines in [format!("x-outboard-token: {token}\r\n"), format!("authorization: Bearer {token}\r\n")] {
        let answer = get(&lines);
        assert_eq!(answer.status, 200, "{lines}");
        assert!(!answer.text().contains(token), "the plugin got the token: {answer:?}");
    }
    supervisor.verify();
}
