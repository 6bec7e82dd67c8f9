//! Every plugin has an origin: who reaches what at which host, and what a plugin's answer may say about others.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod fixture;

use std::sync::Arc;

use fixture::*;
use outboard_broker::{Provider, Standing};
use outboard_gateway::{Gateway, GatewayOptions, PluginOrigin};
use outboard_protocol::PluginId;
use outboard_protocol::id::{RoutePrefix, ServiceName};

/// Plugins `a` and `b` that echo what reaches them, each with a UI and a prefix besides its own.
async fn two_plugins(change: impl FnOnce(&mut GatewayOptions)) -> (Arc<House>, Gateway) {
    let house = House::new();
    for id in ["a", "b"] {
        let upstream = house.generation(|stream, _| echo_head(stream));
        house.plugin(id, open(&upstream));
        house.claim(id, &format!("/of-{id}"));
        let ui = house.folder.path().join(id).join("ui");
        std::fs::create_dir_all(&ui).unwrap();
        std::fs::write(ui.join("index.js"), "export default 1;").unwrap();
        std::fs::write(ui.join("page.html"), "<p>").unwrap();
        let assets = house.folder.path().join(id).join("assets/audio");
        std::fs::create_dir_all(&assets).unwrap();
        for file in ["ding.mp3", "icon.svg", "list.json", "page.html", "x.js"] {
            std::fs::write(assets.join(file), "x").unwrap();
        }
    }
    let gateway = gateway(&house, change).await;
    (house, gateway)
}

struct Asking<'g> {
    gateway: &'g Gateway,
    /// The name of the host, with its port.
    host: String,
}

impl Asking<'_> {
    /// The answer to a request; what is between braces in its head is an origin: `{a}` is plugin a's.
    async fn ask(&self, method: &str, path: &str, lines: &str) -> String {
        let mut lines = lines.to_owned();
        for label in ["a", "b", "outboard"] {
            lines = lines.replace(&format!("{{{label}}}"), &origin(self.gateway, label));
        }
        let lines = lines.replace("{bare}", &format!("http://{}", self.gateway.listen()));
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{lines}\r\n", self.host);
        exchange(self.gateway.listen(), request.as_bytes()).await.unwrap()
    }
}

fn origin(gateway: &Gateway, label: &str) -> String {
    format!("http://{label}.localhost:{}", gateway.listen().port())
}

fn at<'g>(gateway: &'g Gateway, label: &str) -> Asking<'g> {
    let host = match label {
        "bare" => gateway.listen().to_string(),
        _ => origin(gateway, label).trim_start_matches("http://").to_owned(),
    };
    Asking { gateway, host }
}

fn location(answer: &str) -> &str {
    answer.split("location: ").nth(1).unwrap_or_default().split("\r\n").next().unwrap_or_default()
}

const PROGRAM: &str = "";
const PAGE_OF_A: &str = "Origin: {a}\r\nSec-Fetch-Site: same-site\r\nSec-Fetch-Mode: cors\r\n";
const PICTURE_OF_A: &str =
    "Referer: {a}/\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image\r\n";
const PAGE_OF_B: &str = "Origin: {b}\r\nSec-Fetch-Site: same-site\r\n";
const OPERATOR: &str = "Origin: {outboard}\r\nSec-Fetch-Site: same-site\r\n";
const LISTED: &str = "Origin: app://deck\r\nSec-Fetch-Site: cross-site\r\n";
const BARE_PAGE: &str = "Origin: {bare}\r\nSec-Fetch-Site: same-origin\r\n";
const SAME_ORIGIN: &str = "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\n";
const FOREIGN: &str = "Origin: http://evil.test\r\nSec-Fetch-Site: cross-site\r\n";
const LINK: &str = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";
const FRAME: &str = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n";
const OLD_BROWSER: &str = "Accept: text/html,*/*;q=0.8\r\nUpgrade-Insecure-Requests: 1\r\n";

/// Everybody, in the order of the tables below.
const EVERYBODY: [&str; 12] = [
    PROGRAM,
    PAGE_OF_A,
    PICTURE_OF_A,
    PAGE_OF_B,
    OPERATOR,
    LISTED,
    BARE_PAGE,
    SAME_ORIGIN,
    FOREIGN,
    LINK,
    FRAME,
    OLD_BROWSER,
];

/// Fails with every cell of a table that is not as it says: host, path, and what becomes of everybody's request.
async fn holds(gateway: &Gateway, rows: &[(&str, &str, &str)]) {
    let mut wrong = Vec::new();
    for (host, path, wanted) in rows {
        for (who, wanted) in EVERYBODY.iter().zip(wanted.split(' ')) {
            let asking = at(gateway, host);
            // At a plugin's own host `/` leads to its UI, on the same host.
            let got = match (*host, *path) {
                ("a", "/") => status(&asking.ask("GET", path, who).await).to_string(),
                _ => outcome(&asking, path, who).await,
            };
            if got != wanted {
                wrong.push(format!("{host} {path} {who:?}: {got} in place of {wanted}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What becomes of a request: `200` and the like, or the label of the host that it is sent to.
async fn outcome(asking: &Asking<'_>, path: &str, who: &str) -> String {
    let answer = asking.ask("GET", path, who).await;
    if status(&answer) != 307 {
        return status(&answer).to_string();
    }
    let to = location(&answer);
    let rest = to.trim_start_matches("http://");
    assert!(to.ends_with(path) || path == "/", "{path} was sent to {to}");
    rest.split('.').next().unwrap().to_owned()
}

#[tokio::test]
async fn each_page_reaches_its_own_plugin_alone_and_browsers_are_sent_to_the_host_of_what_they_open() {
    let (_house, gateway) =
        two_plugins(|options| options.allowed_origins = vec!["app://deck".to_owned()]).await;
    let rows = [
        ("bare", "/api/a/x", "200 200 200 403 403 200 403 403 403 a a a"),
        ("bare", "/of-a/x", "200 200 200 403 403 200 403 403 403 a a a"),
        ("bare", "/api/nobody/x", "404 403 403 403 403 404 403 403 403 nobody nobody nobody"),
        ("bare", "/_outboard/plugins/a/ui/index.js", "200 200 200 403 403 200 403 403 403 a a a"),
        ("bare", "/_outboard/shell/a", "a a a 403 403 a 403 403 403 a a a"),
        ("bare", "/", "200 403 403 403 403 200 403 403 403 outboard outboard outboard"),
        ("bare", "/_outboard/health", "200 403 403 403 403 200 403 403 403 outboard outboard outboard"),
        ("a", "/api/a/x", "200 200 200 403 403 200 403 200 403 200 200 200"),
        ("a", "/of-a/x", "200 200 200 403 403 200 403 200 403 200 200 200"),
        ("a", "/_outboard/plugins/a/ui/index.js", "200 200 200 403 403 200 403 200 403 200 200 200"),
        ("a", "/_outboard/shell/a", "200 200 200 403 403 200 403 200 403 200 200 200"),
        ("a", "/", "307 307 307 403 403 307 403 307 403 307 307 307"),
        ("a", "/api/b/x", "403 403 403 403 403 403 403 403 403 b b b"),
        ("a", "/of-b/x", "403 403 403 403 403 403 403 403 403 b b b"),
        ("a", "/of-nobody/x", "404 403 403 403 404 404 403 403 403 404 404 404"),
        ("a", "/_outboard/plugins/b/ui/index.js", "403 403 403 403 403 403 403 403 403 b b b"),
        ("a", "/_outboard/shell/b", "403 403 403 403 403 403 403 403 403 b b b"),
        ("a", "/_outboard/health", "403 403 403 403 403 403 403 403 403 outboard outboard outboard"),
        ("a", "/_outboard/shell/nobody", "403 403 403 403 403 403 403 403 403 outboard outboard outboard"),
        ("a", "/_outboard/shell/shell.js", "200 200 200 200 200 200 200 200 403 200 200 200"),
        ("outboard", "/", "200 403 403 403 200 200 403 200 403 200 200 200"),
        ("outboard", "/_outboard/health", "200 403 403 403 200 200 403 200 403 200 200 200"),
        ("outboard", "/api/a/x", "403 403 403 403 403 403 403 403 403 a a a"),
        ("outboard", "/_outboard/plugins/a/ui/page.html", "403 403 403 403 403 403 403 403 403 a a a"),
        ("outboard", "/_outboard/shell/a", "403 403 403 403 403 403 403 403 403 a a a"),
    ];
    holds(&gateway, &rows).await;
}

#[tokio::test]
async fn the_operators_pages_show_pictures_and_play_sounds_of_plugins_and_get_nothing_else() {
    let (_house, gateway) = two_plugins(|_| {}).await;
    let element = "Referer: {outboard}/\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: audio\r\n";
    let file = |name: &str| format!("/_outboard/plugins/a/{name}");
    for (name, wanted) in [
        ("assets/audio/ding.mp3", 200),
        ("assets/audio/icon.svg", 200),
        ("assets/audio/nothing.mp3", 404),
        ("assets/audio/page.html", 403),
        ("assets/audio/list.json", 403),
        ("assets/audio/x.js", 403),
        ("assets/audio/x.js%3F.mp3", 404),
        ("ui/index.js", 403),
    ] {
        let answer = at(&gateway, "a").ask("GET", &file(name), element).await;
        assert_eq!(status(&answer), wanted, "{name}: {answer}");
    }
    for (host, who) in [("a", PAGE_OF_B), ("b", element), ("bare", element), ("outboard", element)] {
        let answer = at(&gateway, host).ask("GET", &file("assets/audio/ding.mp3"), who).await;
        assert_eq!(status(&answer), 403, "{host} {who}: {answer}");
    }
}

#[tokio::test]
async fn the_shells_paths_are_for_every_plugins_pages_under_their_own_names_and_for_programs() {
    let (house, gateway) =
        two_plugins(|options| options.allowed_origins = vec!["app://deck".to_owned()]).await;
    let (service, provider) =
        (ServiceName::new("flight").unwrap(), Provider::Plugin(PluginId::new("b").unwrap()));
    // Nobody provides them. Whoever might use them may know.
    holds(
        &gateway,
        &[
            ("bare", "/api/config", "404 404 404 404 403 404 403 403 403 403 403 403"),
            ("a", "/api/config", "404 404 404 403 403 404 403 404 403 403 403 403"),
        ],
    )
    .await;
    house.context.broker.stand(&service, &provider, Standing::Starting);
    house.context.broker.serve(&service, &provider, &[RoutePrefix::new("/api/config").unwrap()]);
    holds(
        &gateway,
        &[
            ("bare", "/api/config", "200 200 200 200 403 200 403 403 403 b b b"),
            ("a", "/api/config/x", "200 200 200 403 403 200 403 200 403 b b b"),
            ("b", "/api/config", "200 403 403 200 403 200 403 200 403 200 200 200"),
            ("outboard", "/api/config", "403 403 403 403 403 403 403 403 403 b b b"),
            // No other path comes with it.
            ("a", "/api/auth", "404 404 404 403 403 404 403 404 403 403 403 403"),
            ("a", "/api/configs", "403 403 403 403 403 403 403 403 403 configs configs configs"),
        ],
    )
    .await;
    // What belongs to the page that asks stays with it: its cookies do not go to another plugin, and it gets none of its.
    let asked =
        at(&gateway, "a").ask("GET", "/api/config", &format!("{SAME_ORIGIN}Cookie: mine=1\r\n")).await;
    assert!(!asked.contains("mine=1"), "{asked}");
    let at_home =
        at(&gateway, "b").ask("GET", "/api/config", &format!("{SAME_ORIGIN}Cookie: mine=1\r\n")).await;
    assert!(at_home.contains("mine=1"), "{at_home}");
    let worker = format!("{SAME_ORIGIN}Service-Worker: script\r\n");
    for host in ["a", "b"] {
        let refused = at(&gateway, host).ask("GET", "/api/config/worker.js", &worker).await;
        assert_eq!(status(&refused), 403, "{host}: {refused}");
    }
    let preflight = format!("{PAGE_OF_A}Access-Control-Request-Method: POST\r\n");
    let preflight = at(&gateway, "bare").ask("OPTIONS", "/api/config", &preflight).await;
    assert_eq!(status(&preflight), 204, "{preflight}");
}

#[tokio::test]
async fn a_page_cannot_tell_from_a_refusal_what_is_installed() {
    let (_house, gateway) = two_plugins(|_| {}).await;
    for (host, who) in [("bare", PAGE_OF_A), ("a", SAME_ORIGIN), ("b", PAGE_OF_A), ("bare", BARE_PAGE)] {
        let asking = at(&gateway, host);
        let mut answers = Vec::new();
        for path in [
            "/api/b/x",
            "/api/nobody/x",
            "/of-b/x",
            "/of-nobody/x",
            "/_outboard/shell/b",
            "/_outboard/shell/nobody",
            "/_outboard/plugins/b/ui/index.js",
            "/_outboard/plugins/nobody/ui/index.js",
            "/_outboard/health",
        ] {
            // At the host of plugin b, what matters is whether there is one.
            answers.push(asking.ask("GET", path, who).await);
        }
        if host == "b" {
            answers.push(asking.ask("GET", "/", who).await);
            answers.push(at(&gateway, "nobody").ask("GET", "/", who).await);
        }
        for answer in &answers {
            assert_eq!(status(answer), 403, "{host} {who}: {answer}");
            assert!(!answer.contains("access-control-"), "{answer}");
            assert_eq!(undated(answer), undated(&answers[0]), "{host} {who}");
        }
    }
}

/// An answer without what differs between any two.
fn undated(answer: &str) -> String {
    answer.lines().filter(|line| !line.starts_with("date: ")).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn what_cannot_be_an_id_is_nobodys_and_no_browser_is_sent_there() {
    let (_house, gateway) = two_plugins(|_| {}).await;
    for id in ["A", "outboard", "", "x@y", "a_b", "x:1", &"a".repeat(200)] {
        for path in [format!("/api/{id}"), format!("/api/{id}/x"), format!("/_outboard/plugins/{id}/ui/x.js")]
        {
            for who in [LINK, PROGRAM] {
                let answer = at(&gateway, "bare").ask("GET", &path, who).await;
                assert_eq!((status(&answer), problem(&answer).as_str()), (404, "unknown-plugin"), "{path}");
            }
        }
    }
    // One reading of the path for whoever may come and for what is served.
    let twice = "/_outboard/plugins//plugins/b/ui/index.js";
    assert_eq!(status(&at(&gateway, "bare").ask("GET", twice, PROGRAM).await), 404);
    let twice = "/_outboard/shell//shell/shell.js";
    assert_eq!(status(&at(&gateway, "bare").ask("GET", twice, PROGRAM).await), 404);
}

#[tokio::test]
async fn what_a_name_answers_to_pages_of_other_origins_too_says_that_it_depends_on_them() {
    let (_house, gateway) = two_plugins(|_| {}).await;
    for (host, who, varies) in
        [("bare", PROGRAM, true), ("bare", PAGE_OF_A, true), ("a", PROGRAM, false), ("a", PAGE_OF_B, false)]
    {
        let answer = at(&gateway, host).ask("GET", "/_outboard/plugins/a/ui/index.js", who).await;
        let told = answer.to_ascii_lowercase().contains("\r\nvary: origin\r\n");
        assert_eq!(told, varies || who == PAGE_OF_B, "{host} {who}: {answer}");
    }
}

#[tokio::test]
async fn a_form_or_an_embedded_document_never_becomes_a_page_at_a_name_that_is_nobodys() {
    let (_house, gateway) = two_plugins(|_| {}).await;
    let form = "Origin: {a}\r\nSec-Fetch-Site: same-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";
    for host in ["bare", "outboard", "b"] {
        assert_eq!(status(&at(&gateway, host).ask("POST", "/api/a/x", form).await), 403, "{host}");
        assert_eq!(status(&at(&gateway, host).ask("POST", "/api/b/x", form).await), 403, "{host}");
    }
    assert_eq!(status(&at(&gateway, "a").ask("POST", "/api/a/x", form).await), 200);
    let object = "Referer: {a}/\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: object\r\n";
    assert_eq!(status(&at(&gateway, "bare").ask("GET", "/api/a/x", object).await), 403);
    // Whom a link or a sign-in from elsewhere leads to a plugin's page arrives there; a form from elsewhere does not.
    let back = at(&gateway, "bare").ask("GET", "/api/a/callback?code=1", LINK).await;
    assert_eq!(location(&back), format!("{}/api/a/callback?code=1", origin(&gateway, "a")));
    assert!(back.contains("cache-control: no-store"), "{back}");
    let arrived = at(&gateway, "a").ask("GET", "/api/a/callback?code=1", LINK).await;
    assert!(status(&arrived) == 200 && arrived.contains("GET /api/a/callback?code=1"), "{arrived}");
    assert_eq!(status(&at(&gateway, "a").ask("POST", "/api/a/callback", LINK).await), 403);
}

#[tokio::test]
async fn a_document_says_who_may_hold_it_in_a_frame() {
    let (_house, gateway) =
        two_plugins(|options| options.allowed_origins = vec!["app://deck".to_owned()]).await;
    let holders = format!("frame-ancestors 'self' {} app://deck", origin(&gateway, "outboard"));
    for path in ["/api/a/x", "/_outboard/shell/a", "/_outboard/plugins/a/ui/page.html"] {
        for who in [LINK, FRAME, OLD_BROWSER] {
            let answer = at(&gateway, "a").ask("GET", path, who).await;
            assert!(answer.contains(&holders), "{path}: {answer}");
        }
    }
    let front = at(&gateway, "outboard").ask("GET", "/", LINK).await;
    assert!(front.contains("frame-ancestors 'none'"), "{front}");
    assert!(front.contains("cross-origin-opener-policy: same-origin\r\n"), "{front}");
}

#[tokio::test]
async fn a_service_workers_script_comes_from_below_its_plugins_id_alone() {
    let (_house, gateway) = two_plugins(|_| {}).await;
    let script = format!("Service-Worker: script\r\n{SAME_ORIGIN}");
    for (host, path, wanted) in [
        ("a", "/api/a/sw.js", 200),
        // Its scope would be /api/.
        ("a", "/api/a", 403),
        ("a", "/api/a?sw.js", 403),
        ("a", "/of-a/sw.js", 403),
        ("a", "/_outboard/plugins/a/ui/index.js", 403),
        ("a", "/_outboard/shell/shell.js", 403),
        ("a", "/favicon.ico", 403),
        ("bare", "/api/a/sw.js", 403),
        ("outboard", "/api/a/sw.js", 403),
    ] {
        assert_eq!(status(&at(&gateway, host).ask("GET", path, &script).await), wanted, "{host} {path}");
    }
    let (_house, shared) = two_plugins(|options| options.isolate_origins = false).await;
    for (path, wanted) in [("/api/a/sw.js", 200), ("/api/a", 403), ("/of-a/sw.js", 403)] {
        assert_eq!(status(&at(&shared, "bare").ask("GET", path, &script).await), wanted, "shared {path}");
    }
}

#[tokio::test]
async fn an_answer_speaks_for_no_path_but_its_plugins() {
    let house = House::new();
    let upstream = house.generation(|mut stream, _| async move {
        use tokio::io::AsyncWriteExt;
        read_head(&mut stream).await;
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nService-Worker-Allowed: /\r\nClear-Site-Data: \"*\"\r\n\
            Alt-Svc: h3=\":443\"\r\nStrict-Transport-Security: max-age=9\r\nNEL: {}\r\nReport-To: {}\r\nX-Kept: yes\r\n\
            Origin-Agent-Cluster: ?1\r\nAccept-CH: Device-Memory\r\nCritical-CH: Device-Memory\r\n\
            Use-As-Dictionary: match=\"/*\"\r\nSet-Login: logged-in\r\nSecure-Session-Registration: (ES256)\r\n\
            Set-Cookie: n=v; Path=/; Domain=localhost\r\nSet-Cookie: m=w\r\nSet-Cookie: __Host-h=1; Path=/; Secure\r\n\r\n";
        stream.write_all(answer.as_bytes()).await.unwrap();
    });
    house.plugin("a", open(&upstream));
    let gateway = gateway(&house, |_| {}).await;
    for (host, path, who, cookies) in [
        ("bare", "/api/a/x", PROGRAM, &["n=v; Path=/; Path=/api/a", "m=w", "__Host-h=1; Path=/; Secure"][..]),
        (
            "bare",
            "/api/a",
            PROGRAM,
            &["n=v; Path=/; Path=/api/a", "m=w; Path=/api/a", "__Host-h=1; Path=/; Secure"],
        ),
        ("bare", "/api/a/x", PAGE_OF_A, &[]),
        ("a", "/api/a/x", SAME_ORIGIN, &["n=v; Path=/", "m=w", "__Host-h=1; Path=/; Secure"]),
    ] {
        let answer = at(&gateway, host).ask("GET", path, who).await;
        assert!(answer.contains("x-kept: yes\r\n"), "{answer}");
        for header in [
            "service-worker-allowed",
            "clear-site-data",
            "alt-svc",
            "strict-transport",
            "nel:",
            "report-to",
            "origin-agent-cluster",
            "accept-ch",
            "critical-ch",
            "use-as-dictionary",
            "set-login",
            "session-registration",
        ] {
            assert!(!answer.contains(header), "{header} at {host}: {answer}");
        }
        let got: Vec<&str> =
            answer.split("\r\n").filter_map(|line| line.strip_prefix("set-cookie: ")).collect();
        assert_eq!(got, cookies, "{host} {path}");
    }
}

#[tokio::test]
async fn a_page_that_calls_by_a_name_that_is_nobodys_does_so_without_cookies() {
    let (_house, gateway) = two_plugins(|_| {}).await;
    let bare = at(&gateway, "bare");
    let answer = bare.ask("GET", "/api/a/x", &format!("{PAGE_OF_A}Cookie: of=b\r\n")).await;
    assert!(status(&answer) == 200 && !answer.contains("of=b"), "{answer}");
    assert!(
        answer.contains(&format!("access-control-allow-origin: {}\r\n", origin(&gateway, "a"))),
        "{answer}"
    );
    assert!(bare.ask("GET", "/api/a/x", "Cookie: of=a\r\n").await.contains("of=a"));
    let preflight = |path: &'static str| {
        let lines = format!("{PAGE_OF_A}Access-Control-Request-Method: PUT\r\n");
        let bare = &bare;
        async move { status(&bare.ask("OPTIONS", path, &lines).await) }
    };
    assert_eq!((preflight("/api/a/x").await, preflight("/api/b/x").await), (204, 403));
}

#[tokio::test]
async fn pictures_and_scripts_of_a_listed_origin_are_served_by_its_referer() {
    let (_house, gateway) =
        two_plugins(|options| options.allowed_origins = vec!["http://localhost:5173".to_owned()]).await;
    let embedded = "Sec-Fetch-Site: same-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image\r\n";
    for (referer, wanted) in [
        ("http://localhost:5173/", 200),
        ("http://localhost:5173/deep?x", 200),
        ("http://localhost:5173", 200),
        ("http://localhost:51733/", 403),
        ("http://localhost:5173.evil/", 403),
        ("http://evil/http://localhost:5173/", 403),
        ("about:client", 403),
    ] {
        let lines = format!("Referer: {referer}\r\n{embedded}");
        assert_eq!(
            status(&at(&gateway, "bare").ask("GET", "/api/a/icon.png", &lines).await),
            wanted,
            "{referer}"
        );
        assert_eq!(
            status(&at(&gateway, "bare").ask("POST", "/api/a/icon.png", &lines).await),
            403,
            "{referer}"
        );
    }
    assert_eq!(status(&at(&gateway, "bare").ask("GET", "/api/a/icon.png", embedded).await), 403);
}

#[tokio::test]
async fn ids_that_are_no_labels_and_public_names_have_their_origins() {
    let house = House::new();
    let long = "l".repeat(64);
    for id in [long.as_str(), "ends-"] {
        let upstream = house.generation(|stream, _| echo_head(stream));
        house.plugin(id, open(&upstream));
    }
    let public = PluginOrigin::new("https://{id}.plugins.example").unwrap();
    let gateway = gateway(&house, |options| {
        options.plugin_origin = Some(public);
        options.allowed_hosts = vec!["deck.example".to_owned()];
    })
    .await;
    for id in [long.as_str(), "ends-"] {
        let sent = at(&gateway, "bare").ask("GET", &format!("/api/{id}/x"), LINK).await;
        let host = location(&sent).trim_start_matches("http://").split('/').next().unwrap();
        assert!(host.starts_with("oh--") && host.find('.').unwrap() <= 63, "{host}");
        let asking = Asking { gateway: &gateway, host: host.to_owned() };
        assert_eq!(status(&asking.ask("GET", &format!("/api/{id}/x"), LINK).await), 200);
        assert_eq!(location(&asking.ask("GET", "/", LINK).await), format!("/_outboard/shell/{id}"));
    }
    let deck = Asking { gateway: &gateway, host: "deck.example".to_owned() };
    let sent = deck.ask("GET", "/api/ends-/x", OLD_BROWSER).await;
    assert!(
        location(&sent).starts_with("https://oh--") && location(&sent).contains(".plugins.example/"),
        "{sent}"
    );
    assert_eq!(location(&deck.ask("GET", "/", LINK).await), "https://outboard.plugins.example/");
    let home = location(&sent).trim_start_matches("https://").split('/').next().unwrap();
    let public = Asking { gateway: &gateway, host: home.to_owned() };
    assert_eq!(status(&public.ask("GET", "/api/ends-/x", SAME_ORIGIN).await), 200);
    let echoed = public.ask("GET", "/api/ends-/x", SAME_ORIGIN).await.to_ascii_lowercase();
    assert!(
        echoed.contains("x-forwarded-proto: https\r\n") && echoed.contains(";proto=https\r\n"),
        "{echoed}"
    );
    let own = format!("Origin: https://{home}\r\n");
    assert_eq!(status(&public.ask("GET", "/api/ends-/x", &own).await), 200);
    assert_eq!(status(&public.ask("GET", "/api/ends-/x", &own.replace("https", "http")).await), 403);
    // The same label on the visitor's own machine is whoever listens there.
    let local = origin(&gateway, home.split('.').next().unwrap());
    for line in
        [format!("Origin: {local}\r\n"), format!("Referer: {local}/\r\nSec-Fetch-Site: cross-site\r\n")]
    {
        assert_eq!(status(&public.ask("GET", "/api/ends-/x", &line).await), 403, "{line}");
    }
    // Nobody marks what comes without a browser, so a program needs the token there.
    assert_eq!(status(&public.ask("GET", "/api/ends-/x", PROGRAM).await), 401);
}

#[tokio::test]
async fn a_page_under_a_name_without_origins_is_refused_with_what_to_set() {
    let (_house, gateway) = two_plugins(|options| options.allowed_hosts = vec!["box.lan".to_owned()]).await;
    let asking = Asking { gateway: &gateway, host: "box.lan".to_owned() };
    for path in ["/", "/api/a/x", "/_outboard/shell/a"] {
        let answer = asking.ask("GET", path, OLD_BROWSER).await;
        assert_eq!(problem(&answer), "origin-not-allowed", "{path}");
        assert!(answer.contains("plugin_origin") && answer.contains("isolate_origins"), "{answer}");
    }
}

#[tokio::test]
async fn the_operators_page_is_below_plugins_at_its_own_host_whatever_a_plugin_has_registered() {
    let (house, gateway) = two_plugins(|_| {}).await;
    house.claim("b", "/plugins");
    let operator = at(&gateway, "outboard");
    for path in ["/plugins", "/plugins/a", "/plugins/a/flights/7?leg=2"] {
        for who in [LINK, PROGRAM] {
            let answer = operator.ask("GET", path, who).await;
            assert!(status(&answer) == 200 && answer.contains("id=\"desk\""), "{path}: {answer}");
        }
    }
    assert_eq!(status(&operator.ask("GET", "/plugins/nobody", LINK).await), 404);
    let page = operator.ask("GET", "/plugins/a", LINK).await;
    let every = origin(&gateway, "*");
    for rule in [
        "frame-ancestors 'none'".to_owned(),
        format!("frame-src {every};"),
        format!("img-src 'self' data: {every};"),
        format!("media-src 'self' {every}"),
    ] {
        assert!(page.contains(&rule), "{rule}: {page}");
    }
    // Everywhere else the prefix is its plugin's.
    assert!(at(&gateway, "b").ask("GET", "/plugins/x", LINK).await.contains("GET /plugins/x"));
    assert_eq!(
        location(&at(&gateway, "bare").ask("GET", "/plugins/x", LINK).await),
        format!("{}/plugins/x", origin(&gateway, "b"))
    );
    assert_eq!(status(&at(&gateway, "a").ask("GET", "/plugins/a", SAME_ORIGIN).await), 403);
}

#[tokio::test]
async fn where_nobody_has_registered_it_a_browser_is_sent_on_to_the_operators_page() {
    let (_house, gateway) = two_plugins(|_| {}).await;
    for host in ["bare", "a"] {
        let sent = at(&gateway, host).ask("GET", "/plugins/a/x?y", LINK).await;
        assert_eq!(location(&sent), format!("{}/plugins/a/x?y", origin(&gateway, "outboard")), "{host}");
    }
    for (host, who) in [("a", SAME_ORIGIN), ("bare", PAGE_OF_A)] {
        assert_eq!(status(&at(&gateway, host).ask("GET", "/plugins/a", who).await), 403, "{host}");
    }
    let (_house, shared) = two_plugins(|options| options.isolate_origins = false).await;
    let page = at(&shared, "bare").ask("GET", "/plugins/a", LINK).await;
    assert!(page.contains("frame-src 'self'") && page.contains("data-shared=\"true\""), "{page}");
}

#[tokio::test]
async fn without_isolation_all_share_one_origin_and_the_first_page_says_so() {
    let (_house, gateway) = two_plugins(|options| options.isolate_origins = false).await;
    let bare = at(&gateway, "bare");
    for who in [PROGRAM, BARE_PAGE, SAME_ORIGIN, LINK] {
        for path in ["/api/a/x", "/api/b/x", "/_outboard/shell/a", "/", "/_outboard/health"] {
            assert_eq!(status(&bare.ask("GET", path, who).await), 200, "{path} {who}");
        }
    }
    assert_eq!(status(&bare.ask("GET", "/api/a/x", FOREIGN).await), 403);
    assert_eq!(status(&at(&gateway, "a").ask("GET", "/api/a/x", PROGRAM).await), 403);
    let framed = bare.ask("GET", "/api/a/x", FRAME).await;
    assert!(framed.contains("content-security-policy: frame-ancestors 'self'\r\n"), "{framed}");
    let front = bare.ask("GET", "/", LINK).await;
    assert!(
        front.contains("isolate_origins = false") && front.contains("href=\"/_outboard/shell/a\""),
        "{front}"
    );
    let isolated = two_plugins(|_| {}).await.1;
    assert!(!at(&isolated, "outboard").ask("GET", "/", LINK).await.contains("isolate_origins"));
}
