//! Services that an application provides: answered, told of, and there again with the next supervisor.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

mod embedded;

use std::time::Duration;

use embedded::{built, kill};
use outboard_embed::control::methods::Invoke;
use outboard_embed::control::{InvokeParams, ProvidedHttp};
use outboard_embed::{Event, Options, Outboard, RestartPolicy, RpcError, ServiceCall};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The plugin of the tests in JavaScript, which calls services and remembers the events that it hears.
const CONSUMER: &str = include_str!("../../tests/consumer.py");

async fn start(root: &std::path::Path) -> Outboard {
    let plugin = root.join("plugins/consumer");
    std::fs::create_dir_all(&plugin).unwrap();
    let manifest = json!({ "id": "consumer", "name": "Consumer", "version": "1.0.0", "run": { "command": ["python3", "consumer.py"] } });
    std::fs::write(plugin.join("plugin.json"), manifest.to_string()).unwrap();
    std::fs::write(plugin.join("consumer.py"), CONSUMER).unwrap();
    let mut options = Options::new(root.join("plugins"), root.join("data"));
    options.binary = Some(built("outboard"));
    options.runtime_dir = Some(root.join("run"));
    options.restart =
        Some(RestartPolicy { first_pause: Duration::from_millis(10), ..RestartPolicy::default() });
    Outboard::start(options).await.unwrap()
}

async fn invoke(outboard: &Outboard, channel: &str, args: Value) -> Value {
    let params = json!({ "id": "consumer", "channel": channel, "args": args });
    let params: InvokeParams = serde_json::from_value(params).unwrap();
    let answer = outboard.call::<Invoke>(&params).await.unwrap();
    serde_json::from_str(answer.get()).unwrap()
}

/// What the plugin gets where it calls.
async fn calls(outboard: &Outboard, method: &str, params: Value, timeout_ms: u64) -> Value {
    let call =
        json!({ "service": "acme.billing", "method": method, "params": params, "timeoutMs": timeout_ms });
    invoke(outboard, "call", json!([call])).await
}

async fn answer(call: ServiceCall) -> Result<Value, RpcError> {
    match call.method.as_str() {
        "total" => Ok(json!({ "of": call.params, "caller": call.caller })),
        "refuse" => Err(RpcError { code: 402, message: "no money".to_owned(), data: None }),
        "panic" => panic!("it is the application's own"),
        "never" => std::future::pending().await,
        _ => Err(call.unknown()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_answers_plugins_and_events_keep_their_order() {
    let root = tempfile::tempdir().unwrap();
    let outboard = start(root.path()).await;
    let billing = outboard.provide("acme.billing", answer).await.unwrap();
    assert_eq!(billing.instead(), None);
    let said = calls(&outboard, "total", json!(11), 30_000).await;
    assert_eq!(said, json!({ "result": { "of": 11, "caller": "consumer" } }));
    let refused = calls(&outboard, "refuse", json!(null), 30_000).await;
    assert_eq!((&refused["error"]["code"], &refused["error"]["message"]), (&json!(402), &json!("no money")));
    assert_eq!(
        calls(&outboard, "panic", json!(null), 30_000).await["error"]["data"]["reason"],
        "internal_error"
    );
    assert_eq!(
        calls(&outboard, "other", json!(null), 30_000).await["error"]["data"]["reason"],
        "method_not_found"
    );
    assert_eq!(calls(&outboard, "never", json!(null), 50).await["error"]["data"]["reason"], "timeout");
    let mut consumers = billing.consumers();
    consumers.wait_for(|all| all.keys().any(|event| event.as_str() == "changed")).await.unwrap();
    let many: Vec<u64> = (0..300).collect();
    for one in &many {
        billing.emit("changed", one, false).unwrap();
    }
    while invoke(&outboard, "heard", json!([])).await.as_array().unwrap().len() < many.len() {}
    assert_eq!(invoke(&outboard, "heard", json!([])).await, json!(many));
    let consumer = "consumer".parse().unwrap();
    let asked = billing.ask(&consumer, "changed", &"may I?", json!("no"), None).await.unwrap();
    assert_eq!(asked.value, json!({ "allow": true }));
    drop(billing);
    while calls(&outboard, "total", json!(1), 30_000).await.get("error").is_none() {}
    outboard.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_provided_again_by_itself_after_the_supervisors_death() {
    let root = tempfile::tempdir().unwrap();
    let outboard = start(root.path()).await;
    let billing = outboard.provide("acme.billing", answer).await.unwrap();
    let mut events = outboard.events();
    for round in 1..=3 {
        kill(outboard.ready().pid);
        while !matches!(events.recv().await.unwrap(), Event::Restored(_)) {}
        // It stands before the new supervisor as soon as its task has run.
        while calls(&outboard, "total", json!(round), 30_000).await["result"]["of"] != json!(round) {}
        let mut consumers = billing.consumers();
        consumers.wait_for(|all| !all.is_empty()).await.unwrap();
        billing.emit("changed", &round, false).unwrap();
        while !invoke(&outboard, "heard", json!([])).await.as_array().unwrap().contains(&json!(round)) {}
    }
    outboard.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_of_the_shell_go_to_where_the_application_listens_for_as_long_as_it_provides() {
    let root = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = vec![0; 4096];
        let length = stream.read(&mut head).await.unwrap();
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nkg")
            .await
            .unwrap();
        String::from_utf8(head[..length].to_vec()).unwrap()
    });
    let outboard = start(root.path()).await;
    let get = async || {
        let listen = outboard.ready().listen;
        let mut stream = TcpStream::connect(&listen).await.unwrap();
        let request =
            format!("GET /api/config/units HTTP/1.1\r\nHost: {listen}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let http: ProvidedHttp =
        serde_json::from_value(json!({ "prefixes": ["/api/config"], "port": port })).unwrap();
    let billing = outboard.provide_with_http("acme.billing", http, answer).await.unwrap();
    assert!(get().await.ends_with("kg"));
    assert!(served.await.unwrap().starts_with("GET /api/config/units HTTP/1.1\r\n"));
    drop(billing);
    while !get().await.starts_with("HTTP/1.1 404 ") {}
    outboard.stop().await;
}
