//! What the supervisor serves itself: health, pages, and the files of plugins.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod fixture;

use std::os::unix::fs::symlink;

use fixture::*;
use outboard_gateway::Gateway;

async fn with_files() -> (std::sync::Arc<House>, Gateway) {
    let house = House::new();
    house.plugin("x", waiting("it is starting"));
    let install = house.folder.path().join("x");
    std::fs::create_dir_all(install.join("ui/deep")).unwrap();
    std::fs::create_dir_all(install.join("assets")).unwrap();
    std::fs::write(install.join("ui/index.js"), "export default 1;").unwrap();
    std::fs::write(install.join("ui/deep/a b.css"), "a{}").unwrap();
    std::fs::write(install.join("ui/.env"), "secret").unwrap();
    std::fs::write(install.join("ui/big.bin"), vec![7; 300_000]).unwrap();
    std::fs::write(install.join("assets/icon.svg"), "<svg/>").unwrap();
    std::fs::write(install.join("plugin.json"), "secret").unwrap();
    std::fs::write(house.folder.path().join("outside"), "secret").unwrap();
    symlink("../plugin.json", install.join("ui/up")).unwrap();
    symlink(house.folder.path().join("outside"), install.join("ui/out")).unwrap();
    symlink("index.js", install.join("ui/inside")).unwrap();
    let gateway = gateway(&house, |_| {}).await;
    (house, gateway)
}

async fn file(gateway: &Gateway, path: &str, lines: &str) -> String {
    let path = format!("/_outboard/plugins/x/{path}");
    exchange(gateway.listen(), &get(gateway.listen(), &path, lines)).await.unwrap()
}

#[tokio::test]
async fn files_of_a_plugins_ui_are_served_with_their_types_and_tags() {
    let (_house, gateway) = with_files().await;
    let answer = file(&gateway, "ui/index.js", "").await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\nexport default 1;"), "{answer}");
    for line in [
        "content-type: text/javascript; charset=utf-8",
        "x-content-type-options: nosniff",
        "cache-control: no-cache",
        "content-length: 17",
        "last-modified: ",
    ] {
        assert!(answer.contains(line), "{line} is missing: {answer}");
    }
    let tag = answer.split("etag: ").nth(1).unwrap().split("\r\n").next().unwrap();
    let unchanged = file(&gateway, "ui/index.js", &format!("If-None-Match: W/\"other\", {tag}\r\n")).await;
    assert!(unchanged.starts_with("HTTP/1.1 304") && unchanged.ends_with("\r\n\r\n"), "{unchanged}");
    assert!(!unchanged.contains("content-length"), "it would be the length of the file: {unchanged}");
    assert!(file(&gateway, "ui/deep/a%20b.css", "").await.ends_with("a{}"));
    assert!(file(&gateway, "ui/inside", "").await.ends_with("export default 1;"));
    assert!(file(&gateway, "ui/big.bin", "").await.ends_with(&"\u{7}".repeat(300_000)));
    let picture = file(&gateway, "assets/icon.svg", "").await;
    assert!(picture.contains("content-type: image/svg+xml") && picture.contains("sandbox"), "{picture}");
}

#[tokio::test]
async fn nothing_outside_the_served_folders_is_ever_served() {
    let (house, gateway) = with_files().await;
    let pipe = house.folder.path().join("x/ui/pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for path in [
        "plugin.json",
        "ui/../plugin.json",
        "ui/%2e%2e/plugin.json",
        "ui/..%2fplugin.json",
        "ui/%2fetc%2fpasswd",
        "ui//etc/passwd",
        "ui/up",
        "ui/out",
        "ui/.env",
        "ui/%2eenv",
        "ui/deep",
        "ui",
        "ui/",
        "ui/nothing",
        "ui/pipe",
        "ui/index.js/",
        "ui/index.js%00",
        "ui/..%5cplugin.json",
        "background/index.js",
    ] {
        let answer = file(&gateway, path, "").await;
        assert!(matches!(status(&answer), 400 | 404), "{path}: {answer}");
        assert!(!answer.contains("secret") && !answer.contains("root:"), "{path}: {answer}");
    }
    let listen = gateway.listen();
    let answer = exchange(listen, &get(listen, "/_outboard/plugins/nobody/ui/index.js", "")).await.unwrap();
    assert_eq!(problem(&answer), "unknown-plugin");
}

#[tokio::test]
async fn a_hard_link_to_another_owners_file_is_not_served_and_one_to_ones_own_is() {
    let (house, gateway) = with_files().await;
    let (outside, inside) = (house.folder.path().join("outside"), house.folder.path().join("x/ui/linked"));
    std::fs::hard_link(&outside, &inside).unwrap();
    assert!(file(&gateway, "ui/linked", "").await.ends_with("secret"));
    // Nobody but root can give a file away, and so make the other case.
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&outside, Some(1), Some(1)).unwrap();
        let answer = file(&gateway, "ui/linked", "").await;
        assert!(status(&answer) == 404 && !answer.contains("secret"), "{answer}");
        std::fs::remove_file(&outside).unwrap();
        assert!(
            file(&gateway, "ui/linked", "").await.ends_with("secret"),
            "with one name it is the folder's file"
        );
    }
}

#[tokio::test]
async fn health_and_the_front_page_tell_of_every_plugin() {
    let (_house, gateway) = with_files().await;
    let listen = gateway.listen();
    let answer = exchange(listen, &get(listen, "/_outboard/health", "")).await.unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let health: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!((&health["status"], &health["plugins"]["x"]), (&"ok".into(), &"starting".into()));
    let page = exchange(listen, &get(listen, "/", "")).await.unwrap();
    assert!(page.contains("text/html") && page.contains("&lt;x&gt;") && page.contains("/api/x/"), "{page}");
    assert!(page.contains("<small>x 1.0.0</small>") && page.contains("its &lt;start&gt; failed"), "{page}");
    let refused =
        format!("POST / HTTP/1.1\r\nHost: {listen}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(status(&exchange(listen, refused.as_bytes()).await.unwrap()), 405);
}

#[tokio::test]
async fn the_address_of_a_ui_that_is_not_there_says_why_and_which_there_are() {
    let (house, gateway) = with_files().await;
    house.plugin("bare", waiting("it is starting"));
    let listen = gateway.listen();
    let origin = |label: &str| format!("{label}.localhost:{}", listen.port());
    let at = async |host: &str, id: &str| {
        let request =
            format!("GET /_outboard/shell/{id} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        exchange(listen, request.as_bytes()).await.unwrap()
    };
    let page = async |id: &str| at(&origin("outboard"), id).await;
    let unknown = page("nobody").await;
    assert!(status(&unknown) == 404 && unknown.contains("content-type: text/html"), "{unknown}");
    assert!(unknown.contains("There is no plugin \u{201c}nobody\u{201d}."), "{unknown}");
    let link = format!("<a href=\"http://{}/_outboard/shell/x\">&lt;x&gt;</a>", origin("x"));
    assert!(unknown.contains(&link), "{unknown}");
    let bare = at(&origin("bare"), "bare").await;
    assert!(
        bare.contains("\u{201c}bare\u{201d} has no UI") && bare.contains("href=\"/api/bare/\""),
        "{bare}"
    );
    assert!(!bare.contains("&lt;x&gt;"), "a plugin's own host tells of others: {bare}");
    let odd = page("%3Cscript%3E").await;
    assert!(status(&odd) == 404 && odd.contains("There is no plugin"), "{odd}");
    let there = at(&origin("x"), "x").await;
    assert!(status(&there) == 200 && there.contains("importmap"), "{there}");
}

#[tokio::test]
async fn what_browsers_ask_for_unasked_is_no_error() {
    let (_house, gateway) = with_files().await;
    let listen = gateway.listen();
    let icon = exchange(listen, &get(listen, "/favicon.ico", "")).await.unwrap();
    assert!(status(&icon) == 200 && icon.contains("content-type: image/svg+xml"), "{icon}");
    let style = file(&gateway, "ui/index.css", "").await;
    assert!(status(&style) == 200 && style.contains("content-type: text/css"), "{style}");
    assert!(style.contains("cache-control: no-store") && style.ends_with("\r\n\r\n"), "{style}");
    assert_eq!(status(&file(&gateway, "ui/deep/index.css", "").await), 404);
    assert_eq!(status(&file(&gateway, "assets/index.css", "").await), 404);
}

#[tokio::test]
async fn every_path_of_ours_is_read_only_and_what_is_not_there_is_told_as_such() {
    let (_house, gateway) = with_files().await;
    let listen = gateway.listen();
    for (path, status) in [
        ("/_outboard/health", "200"),
        ("/favicon.ico", "200"),
        ("/_outboard/shell/shell.js", "200"),
        ("/_outboard/shell/nothing.js", "404"),
        ("/_outboard/shell/", "404"),
        ("/_outboard/plugins/", "404"),
        ("/_outboard/plugins/x", "404"),
        ("/_outboard/plugins/x/ui/index.js", "200"),
        ("/_outboard/plugins/No/ui/index.js", "404"),
        ("/_outboard", "404"),
        ("/_outboard/", "404"),
        ("/_outboard/nothing", "404"),
        ("/_outboard/health/", "404"),
    ] {
        let read = exchange(listen, &get(listen, path, "")).await.unwrap();
        assert!(read.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {read}");
        let (head, body) = read.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}", body.len())), "{path}: {read}");
        let by = |method: &str| {
            String::from_utf8(get(listen, path, "")).unwrap().replacen("GET", method, 1).into_bytes()
        };
        let glanced = by("HEAD");
        let glanced = exchange(listen, &glanced).await.unwrap();
        assert!(
            glanced.starts_with(&format!("HTTP/1.1 {status}")) && glanced.ends_with("\r\n\r\n"),
            "{path}: {glanced}"
        );
        assert!(glanced.contains(&format!("content-length: {}", body.len())), "{path}: {glanced}");
        let written = by("DELETE");
        let written = exchange(listen, &written).await.unwrap();
        let refused = if path.contains("/No/") || path == "/_outboard/plugins/" { "404" } else { "405" };
        assert!(written.starts_with(&format!("HTTP/1.1 {refused}")), "{path}: {written}");
    }
}
