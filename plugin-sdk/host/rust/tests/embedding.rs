//! The kit against the real supervisor: started, asked, followed, killed, and stopped.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

mod embedded;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use embedded::{built, kill};
use outboard_embed::control::methods::{BusEvents, Invoke, Status};
use outboard_embed::control::{InvokeParams, PluginParams, StatusParams};
use outboard_embed::{Error, Event, Options, Outboard, RestartPolicy};
use serde_json::{Value, json};

/// A plugin that answers on a channel, and pushes what it is told; on the bare protocol.
const ECHO: &str = r#"
import json, sys
def say(message):
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)
for line in sys.stdin:
    message = json.loads(line)
    method, id, params = message.get("method"), message.get("id"), message.get("params") or {}
    if method == "initialize":
        say({"id": id, "result": {"protocolVersion": 1}})
    elif method == "start":
        for channel in ("echo", "push"):
            say({"id": channel, "method": "ipc.handle", "params": {"channel": channel}})
        say({"id": id, "result": {}})
    elif method == "ipc.invoke":
        if params["channel"] == "push":
            say({"method": "ipc.send", "params": {"channel": "pushed", "payload": params["args"][0]}})
        say({"id": id, "result": params["args"][0]})
    elif method and id is not None:
        say({"id": id, "result": {}})
        if method == "stop":
            break
"#;

fn options(root: &Path) -> Options {
    let plugin = root.join("plugins/echo");
    std::fs::create_dir_all(plugin.join("ui")).unwrap();
    let manifest = json!({ "id": "echo", "name": "Echo", "version": "1.0.0", "run": { "command": ["python3", "echo.py"] } });
    std::fs::write(plugin.join("plugin.json"), manifest.to_string()).unwrap();
    std::fs::write(plugin.join("echo.py"), ECHO).unwrap();
    std::fs::write(plugin.join("ui/index.js"), "export default () => null;").unwrap();
    let mut options = Options::new(root.join("plugins"), root.join("data"));
    options.binary = Some(built("outboard"));
    options.runtime_dir = Some(root.join("run"));
    options.restart =
        Some(RestartPolicy { first_pause: Duration::from_millis(10), ..RestartPolicy::default() });
    options
}

async fn invoke(outboard: &Outboard, channel: &str, value: Value) -> Value {
    let args = vec![serde_json::value::to_raw_value(&value).unwrap()];
    let params = json!({ "id": "echo", "channel": channel, "args": args });
    let params: InvokeParams = serde_json::from_value(params).unwrap();
    let answer = outboard.call::<Invoke>(&params).await.unwrap();
    serde_json::from_str(answer.get()).unwrap()
}

/// A process that has ended and waits to be looked at does not live.
fn lives(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_starts_asks_and_stops_it_and_nothing_is_left() {
    let root = tempfile::tempdir().unwrap();
    let mut options = options(root.path());
    options.settings = "log_level = \"warn\"\n".to_owned();
    let outboard = Outboard::start(options).await.unwrap();
    assert_eq!(invoke(&outboard, "echo", json!("hello")).await, "hello");
    assert!(outboard.sign_in("the-token").await.unwrap().authenticated);
    let ready = outboard.ready();
    let port = ready.listen.rsplit_once(':').unwrap().1;
    assert_eq!(
        outboard.ui_url("echo").await.unwrap(),
        format!("http://echo.localhost:{port}/_outboard/shell/echo")
    );
    let unknown = StatusParams { id: Some("nobody".parse().unwrap()) };
    let refused = outboard.call::<Status>(&unknown).await.unwrap_err();
    assert!(
        matches!(&refused, Error::Answered(error) if error.code == -32001 || error.data.is_some()),
        "{refused}"
    );
    let mut events = outboard.events();
    outboard.stop().await;
    assert!(matches!(events.recv().await.unwrap(), Event::Stopped));
    assert!(!lives(ready.pid) && !lives(ready.keeper_pid));
    let refused = outboard.call::<Status>(&StatusParams::default()).await.unwrap_err();
    assert_eq!(refused.to_string(), "Outboard was stopped: by this application");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_supervisor_is_started_again_at_its_address_and_what_was_subscribed_goes_on() {
    let root = tempfile::tempdir().unwrap();
    let outboard = Outboard::start(options(root.path())).await.unwrap();
    let params: PluginParams = serde_json::from_value(json!({ "id": "echo" })).unwrap();
    let mut items = outboard.subscribe::<BusEvents>(params).await.unwrap();
    let (told, mut pushed) = tokio::sync::mpsc::channel(64);
    tokio::spawn(async move {
        while let Ok(item) = items.next().await {
            told.send(serde_json::to_value(&item).unwrap()["payload"].clone()).await.unwrap();
        }
    });
    let mut events = outboard.events();
    for round in 1..=2 {
        let before = outboard.ready();
        kill(if round == 1 { before.pid } else { before.keeper_pid });
        assert!(matches!(events.recv().await.unwrap(), Event::Died { .. }));
        // Asked while nothing runs: it waits for the next one.
        assert_eq!(invoke(&outboard, "echo", json!(round)).await, round);
        assert!(matches!(events.recv().await.unwrap(), Event::Restored(_)));
        assert_eq!(outboard.ready().listen, before.listen);
        assert_ne!(outboard.ready().pid, before.pid);
        // Whoever follows again may come after the first push.
        let heard = async {
            loop {
                invoke(&outboard, "push", json!(round)).await;
                match tokio::time::timeout(Duration::from_millis(100), pushed.recv()).await {
                    Ok(Some(item)) if item == round => break,
                    _ => {}
                }
            }
        };
        heard.await;
    }
    outboard.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supervisor_that_dies_again_and_again_is_given_up() {
    let root = tempfile::tempdir().unwrap();
    let mut options = options(root.path());
    options.restart = Some(RestartPolicy { deaths: 1, ..options.restart.unwrap() });
    let outboard = Outboard::start(options).await.unwrap();
    let mut events = outboard.events();
    kill(outboard.ready().keeper_pid);
    assert!(matches!(events.recv().await.unwrap(), Event::Died { .. }));
    assert!(matches!(events.recv().await.unwrap(), Event::Restored(_)));
    kill(outboard.ready().keeper_pid);
    let Event::Failed(why) = events.recv().await.unwrap() else { panic!("it was not given up") };
    assert!(why.to_string().contains("not started again after 2 deaths within 60 s"), "{why}");
    assert!(matches!(outboard.call::<Status>(&StatusParams::default()).await, Err(Error::GaveUp(_))));
}

#[test]
fn the_supervisor_stops_with_an_application_that_is_killed() {
    let root = tempfile::tempdir().unwrap();
    let options = options(root.path());
    let mut application = Command::new(built("examples/lifeline"))
        .args([built("outboard"), options.plugins[0].clone(), options.data, options.runtime_dir.unwrap()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(application.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let said: Value = serde_json::from_str(&line).unwrap();
    let pids: Vec<u32> = serde_json::from_value(said["pids"].clone()).unwrap();
    assert_eq!(pids.len(), 3);
    application.kill().unwrap();
    application.wait().unwrap();
    while pids.iter().any(|pid| lives(*pid)) {
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_started_is_said_in_a_sentence_that_names_what_to_do() {
    let root = tempfile::tempdir().unwrap();
    let says = async |change: &dyn Fn(&mut Options), sentence: &str| {
        let mut options = options(root.path());
        change(&mut options);
        let error = Outboard::start(options).await.unwrap_err().to_string();
        assert!(error.contains(sentence), "{error}");
    };
    says(
        &|options| options.binary = Some("/nowhere/outboard".into()),
        "`binary` names /nowhere/outboard, which does not exist",
    )
    .await;
    says(&|options| options.plugins.clear(), "`plugins` names no folder").await;
    says(&|options| options.plugins.push("/nowhere".into()), "the folder /nowhere does not exist").await;
    says(&|options| options.settings = "no_such = 1".to_owned(), "application.toml:1: unknown key `no_such`")
        .await;
    let file = root.path().join("file");
    std::fs::write(&file, "").unwrap();
    says(
        &|options| options.runtime_dir = Some(file.clone()),
        "the supervisor ended before it was ready: it exited with",
    )
    .await;
}
