//! The control API over its socket: who may ask, what is refused, and that bounds hold.

#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use outboard_context::{Context, ContextOptions};
use outboard_control::{BindError, Control, Credential, CredentialError, bind};
use outboard_host::{Host, HostOptions, HostTasks, PluginPolicy, ShutdownMode, javascript};
use outboard_protocol::control::methods;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;

/// A guard against hanging, not a promise.
const PATIENCE: Duration = Duration::from_secs(30);

/// A supervisor without plugins, and its control API.
struct Running {
    folder: TempDir,
    credential: String,
    context: Context,
    host: Host,
    tasks: HostTasks,
    control: Control,
    _turn: tokio::sync::MutexGuard<'static, ()>,
}

/// A process has one host at a time, and a test runner may run all tests in one process.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

impl Running {
    async fn start() -> Self {
        let turn = TURN.lock().await;
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().join("data");
        let context = Context::open(ContextOptions::new(&data_dir)).unwrap();
        let credential = Credential::open(&data_dir.join("credential")).unwrap();
        let options = HostOptions {
            plugin_dirs: Vec::new(),
            data_dir: data_dir.clone(),
            runtime_dir: folder.path().to_owned(),
            listen: "127.0.0.1:1".to_owned(),
            base_url: "http://127.0.0.1:1".to_owned(),
            pages: None,
            shared_origin: false,
            keeper_pid: None,
            policy: PluginPolicy::default(),
            javascript: javascript::Options::default(),
            hold_until_auth: false,
        };
        let (host, tasks) = Host::start(options, context.clone()).unwrap();
        let socket = bind(&folder.path().join("control.sock")).unwrap();
        let control = Control::serve(host.clone(), socket, credential).unwrap();
        let credential = std::fs::read_to_string(data_dir.join("credential")).unwrap();
        Self { folder, credential, context, host, tasks, control, _turn: turn }
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("control.sock")
    }

    /// Sends a request with these headers and reads the answer until the connection closes.
    async fn send(&self, headers: &str, body: &str) -> (u16, String) {
        let mut stream = UnixStream::connect(self.socket()).await.unwrap();
        let head = format!(
            "POST / HTTP/1.1\r\nhost: outboard\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n{headers}\r\n",
            body.len()
        );
        // Who refuses early may close before everything was sent.
        let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
        let mut answer = Vec::new();
        let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("an answer comes");
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        (status, answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
    }

    fn known(&self) -> String {
        format!("authorization: Bearer {}\r\n", self.credential)
    }

    async fn ask(&self, method: &str, params: Value) -> Value {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
        let (status, answer) = self.send(&self.known(), &body).await;
        assert_eq!(status, 200, "{answer}");
        serde_json::from_str(&answer).unwrap()
    }

    async fn end(mut self) {
        self.host.shutdown(ShutdownMode::Now).await;
        timeout(PATIENCE, self.tasks.ended()).await.expect("the host ends");
        timeout(PATIENCE, self.control.stop()).await.expect("control ends");
        self.context.close().await;
    }
}

const STATUS: &str = r#"{"jsonrpc":"2.0","id":1,"method":"status","params":{}}"#;

#[tokio::test]
async fn nobody_is_answered_without_the_credential() {
    let running = Running::start().await;
    let wrong = format!("authorization: Bearer {}\r\n", "0".repeat(64));
    let short = format!("authorization: Bearer {}\r\n", &running.credential[..63]);
    let twice = format!("{}{}", running.known(), running.known());
    let other = format!("authorization: Basic {}\r\n", running.credential);
    for headers in ["", &wrong, &short, &twice, &other] {
        let (status, body) = running.send(headers, STATUS).await;
        assert_eq!(status, 401, "{headers}: {body}");
        assert!(!body.contains(&running.credential) && !body.contains("listen"), "{body}");
    }
    assert_eq!(running.send(&running.known(), STATUS).await.0, 200);
    running.end().await;
}

#[tokio::test]
async fn a_web_page_is_refused_even_with_the_credential() {
    let running = Running::start().await;
    let headers = format!("{}origin: http://localhost:5173\r\n", running.known());
    assert_eq!(running.send(&headers, STATUS).await.0, 403);
    running.end().await;
}

#[tokio::test]
async fn a_question_is_answered_over_plain_http_as_well() {
    let running = Running::start().await;
    let answer = running.ask("status", json!({})).await;
    assert_eq!(answer["result"]["pid"], std::process::id());
    // No parameters count as an empty object.
    let (status, _) = running.send(&running.known(), r#"{"jsonrpc":"2.0","id":1,"method":"status"}"#).await;
    assert_eq!(status, 200);
    running.end().await;
}

#[tokio::test]
async fn errors_carry_the_code_the_word_and_a_sentence() {
    let running = Running::start().await;
    for (method, params, word) in [
        ("start", json!({ "id": "nobody" }), "not_found"),
        ("start", json!({ "id": "No Id" }), "invalid_params"),
        ("start", json!({}), "invalid_params"),
        ("config.get", json!({ "id": "nobody", "key": "k" }), "not_found"),
        ("auth.set", json!({ "token": "" }), "invalid_params"),
    ] {
        let error = running.ask(method, params).await["error"].clone();
        assert_eq!(error["data"]["reason"], word, "{method}: {error}");
        assert!(!error["message"].as_str().unwrap().is_empty());
    }
    assert_eq!(running.ask("no.such", json!({})).await["error"]["code"], -32601);
    running.end().await;
}

#[tokio::test]
async fn what_is_published_is_what_is_served() {
    let running = Running::start().await;
    let document = running.ask("rpc.discover", json!({})).await["result"].clone();
    let committed: Value = serde_json::from_str(methods::OPENRPC).unwrap();
    assert_eq!(document, committed);
    let published: BTreeSet<&str> = document["methods"]
        .as_array()
        .unwrap()
        .iter()
        .map(|method| method["name"].as_str().unwrap())
        .collect();
    assert_eq!(published, methods::served().collect());
    for method in published {
        assert_ne!(running.ask(method, json!({})).await["error"]["code"], -32601, "{method} is not served");
    }
    running.end().await;
}

#[tokio::test]
async fn a_method_that_is_not_there_is_refused_with_the_nearest_that_is() {
    let running = Running::start().await;
    for (asked, hint) in [
        ("statsu", "did you mean `status`?"),
        ("config.gte", "did you mean `config.get`?"),
        ("host.subscribed", "did you mean `host.subscribe`?"),
        ("something-else-altogether", "`rpc.discover` answers with those that there are"),
    ] {
        let error = running.ask(asked, json!({})).await["error"].clone();
        assert_eq!(error["code"], -32601, "{error}");
        assert_eq!(error["data"]["reason"], "method_not_found", "{error}");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(asked) && message.contains(hint), "{message}");
    }
    let long = "x".repeat(100_000);
    let error = running.ask(&long, json!({})).await["error"]["message"].to_string();
    assert!(error.len() < 300, "a name is shown cut");
    running.end().await;
}

#[tokio::test]
async fn parameters_that_do_not_fit_are_refused_and_the_member_is_named() {
    let running = Running::start().await;
    for (method, params, named) in [
        ("status", json!({ "idd": "x" }), "unknown field `idd`, expected `id`"),
        ("rescan", json!({ "force": true }), "unknown field `force`"),
        ("start", json!({}), "missing field `id`"),
        ("start", json!({ "id": 5 }), "`id`: invalid type: integer `5`"),
        ("start", json!(["x"]), "this is an array"),
        ("logs", json!({ "lines": "many" }), "`lines`: invalid type"),
        ("logs", json!({ "level": "loud" }), "`level`: unknown variant `loud`"),
        ("config.set", json!({ "id": "x", "key": "k" }), "missing field `value`"),
        ("config.set", json!({ "id": "x", "key": "k", "value": 1, "valeu": 2 }), "unknown field `valeu`"),
        (
            "config.import",
            json!({ "id": "x", "document": { "version": "1", "plugins": {} } }),
            "`document.version`",
        ),
        (
            "config.import",
            json!({ "id": "x", "document": { "version": 1, "plugins": { "x": 5 } } }),
            "`document.plugins.x`",
        ),
        ("ipc.invoke", json!({ "id": "x", "channel": "plugin:x:y" }), "`channel`: channel"),
    ] {
        let error = running.ask(method, params.clone()).await["error"].clone();
        assert_eq!(error["data"]["reason"], "invalid_params", "{method} {params}: {error}");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(named) && message.contains(method), "{method} {params}: {message}");
        assert!(!message.contains(" line "), "{method} {params}: {message}");
    }
    running.end().await;
}

#[tokio::test]
async fn a_refusal_does_not_grow_with_what_was_sent() {
    let running = Running::start().await;
    for params in [json!({ "lines": "x".repeat(100_000) }), json!({ "ä".repeat(100_000): 1 })] {
        let error = running.ask("logs", params).await["error"].to_string();
        assert!(error.contains("invalid_params") && error.len() < 2000, "{} bytes", error.len());
    }
    running.end().await;
}

#[tokio::test]
async fn a_secret_in_the_wrong_place_is_not_said_again_and_the_right_place_is() {
    const SECRET: &str = "s3cret-9f1c";
    let running = Running::start().await;
    for (method, params, named) in [
        ("auth.set", json!({}), "missing field `token`"),
        (
            "auth.set",
            json!({ "token": { "value": SECRET } }),
            "`token` is not what it has to be; expected a string",
        ),
        ("auth.set", json!({ SECRET: true }), "a member is not known; expected `token`"),
        ("auth.set", json!(SECRET), "this is not what it has to be"),
        (
            "airline.set",
            json!({ "id": "a", "baseUrl": "https://a.example", "refreshFormat": SECRET }),
            "`refreshFormat`",
        ),
        (
            "airline.set",
            json!({ "id": "a", "baseUrl": "https://a.example", "refreshFormat": { "body": SECRET } }),
            "`refreshFormat.body`",
        ),
        (
            "airline.set",
            json!({ "id": "a", "baseUrl": "https://a.example", "tokn": SECRET }),
            "a member is not known",
        ),
    ] {
        let error = running.ask(method, params.clone()).await["error"].clone();
        assert_eq!(error["data"]["reason"], "invalid_params", "{method} {params}: {error}");
        let said = error.to_string();
        assert!(said.contains(named), "{method} {params}: {said}");
        assert!(!said.contains(SECRET), "{method} {params}: {said}");
    }
    running.end().await;
}

#[tokio::test]
async fn batches_and_questions_that_are_too_large_are_refused() {
    let running = Running::start().await;
    let (_, batch) = running.send(&running.known(), &format!("[{STATUS},{STATUS}]")).await;
    assert!(batch.contains("error") && !batch.contains("listen"), "{batch}");
    let large =
        json!({ "jsonrpc": "2.0", "id": 1, "method": "status", "params": { "x": "x".repeat(9 << 20) } });
    let (status, body) = running.send(&running.known(), &large.to_string()).await;
    assert_ne!(status, 200, "{body}");
    assert_eq!(running.send(&running.known(), STATUS).await.0, 200);
    running.end().await;
}

#[tokio::test]
async fn idle_connections_keep_nobody_out_for_good() {
    let running = Running::start().await;
    let mut idle = Vec::new();
    for _ in 0..200 {
        idle.push(UnixStream::connect(running.socket()).await.unwrap());
    }
    // Those beyond the bound are told at once; the accept loop goes on.
    let (status, _) = running.send(&running.known(), STATUS).await;
    assert_eq!(status, 503);
    drop(idle);
    let answered = async {
        while running.send(&running.known(), STATUS).await.0 != 200 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, answered).await.expect("there is room again");
    running.end().await;
}

#[tokio::test]
async fn stopping_ends_idle_connections() {
    let running = Running::start().await;
    let mut idle = UnixStream::connect(running.socket()).await.unwrap();
    assert_eq!(running.send(&running.known(), STATUS).await.0, 200);
    running.end().await;
    let mut nothing = [0; 1];
    let read = timeout(PATIENCE, idle.read(&mut nothing)).await.expect("the connection ends");
    assert!(matches!(read, Ok(0) | Err(_)));
}

#[test]
fn socket_and_credential_are_their_users_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mode = |name: &str| std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777;
    let _socket = bind(&folder.path().join("control.sock")).unwrap();
    assert_eq!(mode("control.sock"), 0o600);
    let file = folder.path().join("credential");
    Credential::open(&file).unwrap();
    assert_eq!(mode("credential"), 0o600);
    let first = std::fs::read_to_string(&file).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    Credential::open(&file).unwrap();
    assert_eq!(mode("credential"), 0o600);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), first);
}

#[test]
fn a_credential_that_is_none_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("credential");
    for text in ["", "short", &"g".repeat(64), &"0".repeat(65)] {
        std::fs::write(&file, text).unwrap();
        assert!(matches!(Credential::open(&file), Err(CredentialError::Malformed(_))), "{text}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    }
}

#[test]
fn a_socket_that_is_served_is_not_taken_and_one_that_was_left_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    let first = bind(&path).unwrap();
    assert!(matches!(bind(&path), Err(BindError::InUse(_))));
    drop(first);
    assert!(bind(&path).is_ok());
    let long = folder.path().join("x".repeat(108));
    assert!(matches!(bind(&long), Err(BindError::TooLong(_))));
}
