//! Services: what only the host application or another plugin knows, on its way to a plugin and to its pages.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]
#![allow(clippy::needless_pass_by_value, reason = "a case writes its values down where it hands them over")]

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::thread;

use serde_json::{Value, json};
use system_tests::{Application, NEIGHBOUR, Plugin, Supervisor, eventually, repeats, socket};

const ACME: &str = "acme.billing";
/// As many answers are left unread.
const UNREAD: u64 = 200;

fn until(what: &str, is_so: impl Fn() -> bool) {
    eventually(what, || is_so().then_some(()));
}

fn provider(id: &str) -> Plugin {
    Plugin::hostile(id, &[]).with(json!({ "provides": [ACME] }))
}

fn calls(supervisor: &Supervisor, id: &str, method: &str, params: Value) -> Value {
    supervisor.plugin_asks(
        id,
        "service.call",
        json!({ "service": ACME, "method": method, "params": params, "caller": "a-liar" }),
    )
}

fn reason(answer: &Value) -> &str {
    answer["error"]["data"]["reason"].as_str().unwrap_or_else(|| panic!("not an error: {answer}"))
}

/// The parameters of every notification of this name that a plugin got.
fn told(supervisor: &Supervisor, id: &str, method: &str) -> Vec<Value> {
    let file = supervisor.folders().plugin_data(id).join(method);
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn service(supervisor: &Supervisor) -> Value {
    let all = supervisor.ask("services", json!({}));
    all.as_array().unwrap().iter().find(|one| one["service"] == ACME).cloned().unwrap_or_default()
}

#[test]
fn a_plugin_answers_another_and_is_told_by_the_supervisor_who_calls() {
    let supervisor = Supervisor::builder().plugin(provider("bank")).start();
    let answer = calls(&supervisor, NEIGHBOUR, "echo", json!([1, "two"]));
    assert_eq!(answer["result"], json!({ "caller": NEIGHBOUR, "params": [1, "two"] }), "{answer}");
    let refused = calls(&supervisor, NEIGHBOUR, "refuse", Value::Null);
    assert_eq!(
        (&refused["error"]["code"], &refused["error"]["message"]),
        (&json!(-4711), &json!("this method refuses"))
    );
    let unknown = calls(&supervisor, NEIGHBOUR, "nothing", Value::Null);
    assert_eq!(unknown["error"]["code"], -32601, "{unknown}");
    let listed = supervisor.cli(&["services"]);
    assert!(listed.out.contains(ACME) && listed.out.contains("plugin bank"), "{}", listed.out);
    let status = supervisor.ask("status", json!({}));
    assert_eq!(status["services"][0]["calls"], 3, "{status}");
    supervisor.verify();
}

#[test]
fn a_service_that_nobody_provides_is_told_from_one_whose_provider_is_down() {
    let supervisor = Supervisor::builder().plugin(provider("bank")).start();
    let nobody =
        supervisor.plugin_asks(NEIGHBOUR, "service.call", json!({ "service": "nobody", "method": "m" }));
    assert_eq!((reason(&nobody), &nobody["error"]["data"]["service"]), ("no_provider", &json!("nobody")));
    supervisor.ask("stop", json!({ "id": "bank" }));
    let down = calls(&supervisor, NEIGHBOUR, "echo", Value::Null);
    assert_eq!((reason(&down), &down["error"]["data"]["retryable"]), ("unavailable", &json!(true)));
    assert!(down["error"]["message"].as_str().unwrap().contains("plugin bank"), "{down}");
    supervisor.ask("start", json!({ "id": "bank" }));
    assert!(calls(&supervisor, NEIGHBOUR, "echo", Value::Null)["result"].is_object());
    supervisor.verify();
}

#[test]
fn open_calls_end_at_once_when_the_provider_dies_and_the_next_wait_for_its_successor() {
    let lasting = "[restart]\nin_a_row = 1000\nin_window = 1000\nbase = \"10ms\"\ncap = \"10ms\"\n";
    let supervisor = Supervisor::builder().plugin(provider("bank")).settings(lasting).start();
    let consumer = supervisor.plugin(NEIGHBOUR);
    for _ in 0..repeats(3, 50) {
        let before = supervisor.plugin("bank");
        thread::scope(|scope| {
            let open = scope.spawn(|| calls(&supervisor, NEIGHBOUR, "never", Value::Null));
            until("the call is open", || service(&supervisor)["openCalls"] == 1);
            supervisor.fault("bank", json!(["kill"]));
            assert_eq!(reason(&open.join().unwrap()), "unavailable");
        });
        // Whether or not its end has been seen by now, nothing hangs, and nothing but a retryable error is said.
        let meanwhile = calls(&supervisor, NEIGHBOUR, "echo", json!(1));
        assert!(meanwhile.get("result").is_some() || reason(&meanwhile) == "unavailable", "{meanwhile}");
        supervisor.wait_for_generation_after("bank", &before["generation"]);
        assert_eq!(calls(&supervisor, NEIGHBOUR, "echo", json!(1))["result"]["params"], 1);
    }
    assert_eq!(
        supervisor.plugin(NEIGHBOUR)["generation"],
        consumer["generation"],
        "the consumer was restarted"
    );
    supervisor.verify();
}

#[test]
fn events_reach_whoever_is_subscribed_over_every_process_of_the_provider() {
    let supervisor =
        Supervisor::builder().plugin(provider("bank")).plugin(Plugin::hostile("deaf", &[])).start();
    let wanted = json!({ "service": ACME, "event": "paid" });
    assert!(supervisor.plugin_asks(NEIGHBOUR, "service.subscribe", wanted.clone()).get("result").is_some());
    let emit = |payload: &str| {
        let event = json!({ "service": ACME, "event": "paid", "payload": payload });
        supervisor.call("bank", "tell", json!(["service.emit", event]));
    };
    emit("first");
    until("the first is told", || told(&supervisor, NEIGHBOUR, "service.event").len() == 1);
    let before = supervisor.plugin("bank");
    supervisor.fault("bank", json!(["kill"]));
    supervisor.wait_for_generation_after("bank", &before["generation"]);
    until("the new process knows who listens", || {
        told(&supervisor, "bank", "service.subscribed")
            .iter()
            .filter(|told| told["consumers"] == json!([NEIGHBOUR]))
            .count()
            == 2
    });
    emit("second");
    until("the second is told", || told(&supervisor, NEIGHBOUR, "service.event").len() == 2);
    assert_eq!(told(&supervisor, NEIGHBOUR, "service.event")[1]["payload"], "second");
    assert!(told(&supervisor, "deaf", "service.event").is_empty());
    supervisor.plugin_asks(NEIGHBOUR, "service.unsubscribe", wanted);
    until("nobody listens any more", || {
        told(&supervisor, "bank", "service.subscribed").last().unwrap()["consumers"] == json!([])
    });
    supervisor.verify();
}

#[test]
fn only_the_provider_is_heard_and_the_loser_is_told_who_has_the_service() {
    let supervisor = Supervisor::builder()
        .plugin(provider("bank"))
        .plugin(provider("other"))
        .settings("[services]\n\"acme.billing\" = \"bank\"\n")
        .start();
    supervisor.plugin_asks(NEIGHBOUR, "service.subscribe", json!({ "service": ACME, "event": "paid" }));
    for id in ["other", NEIGHBOUR, "bank"] {
        let event = json!({ "service": ACME, "event": "paid", "payload": id });
        supervisor.call(id, "tell", json!(["service.emit", event]));
    }
    until("one event is told", || !told(&supervisor, NEIGHBOUR, "service.event").is_empty());
    let heard = told(&supervisor, NEIGHBOUR, "service.event");
    assert_eq!(heard.iter().map(|event| &event["payload"]).collect::<Vec<_>>(), ["bank"]);
    let warnings = supervisor.plugin("other")["warnings"].to_string();
    assert!(warnings.contains("provided by plugin bank") && warnings.contains("[services]"), "{warnings}");
    supervisor.verify();
}

#[test]
fn a_host_application_provides_is_asked_and_its_consumers_hear_when_it_is_gone_and_back() {
    let supervisor = Supervisor::builder().start();
    supervisor.plugin_asks(NEIGHBOUR, "service.subscribe", json!({ "service": ACME, "event": "paid" }));
    for round in 0..repeats(2, 20) {
        let mut application = Application::providing(&supervisor, ACME);
        assert_eq!(application.item()["consumers"], json!([NEIGHBOUR]));
        thread::scope(|scope| {
            let asked = scope.spawn(|| calls(&supervisor, NEIGHBOUR, "charge", json!({ "cents": round })));
            let call = application.call();
            assert_eq!((&call["caller"], &call["method"]), (&json!(NEIGHBOUR), &json!("charge")), "{call}");
            application.answer(&call, json!("paid"));
            assert_eq!(asked.join().unwrap()["result"], "paid");
            let again = application.answer(&call, json!("twice"));
            assert_eq!(reason(&again), "not_found", "a call was answered twice");
            let open = scope.spawn(|| calls(&supervisor, NEIGHBOUR, "charge", Value::Null));
            application.call();
            drop(application);
            assert_eq!(reason(&open.join().unwrap()), "unavailable");
        });
        until("the service is gone", || service(&supervisor)["state"] == "unprovided");
        assert_eq!(reason(&calls(&supervisor, NEIGHBOUR, "charge", Value::Null)), "no_provider");
    }
    let heard: Vec<Value> =
        told(&supervisor, NEIGHBOUR, "service.changed").iter().map(|told| told["state"].clone()).collect();
    assert!(heard.contains(&json!("available")) && heard.last() == Some(&json!("unprovided")), "{heard:?}");
    supervisor.verify();
}

#[test]
fn emits_of_a_host_application_keep_their_order_although_none_is_awaited() {
    let supervisor = Supervisor::builder().start();
    let mut page = page(&supervisor);
    page.say(&json!({ "type": "service.subscribe", "plugin": NEIGHBOUR, "service": ACME, "event": "n" }));
    let mut application = Application::providing(&supervisor, ACME);
    assert_eq!(application.item()["event"], "n");
    let count = repeats(1_000, 20_000);
    for n in 0..count {
        application.say("service.emit", json!({ "service": ACME, "event": "n", "payload": n }));
        if n % UNREAD == 0 {
            // Answers that nobody reads would hold up everything.
            application.ask("services", json!({}));
        }
    }
    let mut next = 0;
    while next < count {
        let event = page.hear_of("service.event");
        next += event["missed"].as_u64().unwrap_or(0);
        assert_eq!(event["payload"], next, "out of order");
        next += 1;
    }
    supervisor.verify();
}

#[test]
fn a_host_application_answers_paths_of_the_shells_at_a_socket_or_a_port_while_it_is_there() {
    let supervisor = Supervisor::builder().start();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("http.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let mut application = Application::connect(&supervisor);
    for (wrong, said) in [
        (json!({ "prefixes": ["/api/config"] }), "one of `port` and `socket`"),
        (json!({ "prefixes": ["/api/config"], "port": 1, "socket": "/x" }), "one of `port` and `socket`"),
        (json!({ "prefixes": ["/api/config"], "socket": "http.sock" }), "an absolute path"),
        (json!({ "prefixes": ["/api/config"], "port": 0 }), "nonzero"),
        (json!({ "prefixes": [], "port": 1 }), "at least one path"),
        (json!({ "prefixes": ["/api/neighbour"], "port": 1 }), "not one of the shell's"),
    ] {
        let refused = application.ask("service.provide", json!({ "service": ACME, "http": wrong }));
        assert_eq!(reason(&refused), "invalid_params", "{refused}");
        assert!(refused["error"]["message"].as_str().unwrap().contains(said), "{refused}");
    }
    let http = json!({ "prefixes": ["/api/config", "/api/auth"], "socket": path });
    let answer = application.ask("service.provide", json!({ "service": ACME, "http": http }));
    assert!(answer.get("result").is_some(), "{answer}");
    assert_eq!(service(&supervisor)["prefixes"], json!(["/api/config", "/api/auth"]));
    thread::scope(|scope| {
        let served = scope.spawn(|| {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = [0; 4096];
            let length = stream.read(&mut head).unwrap();
            stream
                .write_all(b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\nset-cookie: a=b; Path=/\r\n\r\nhi")
                .unwrap();
            String::from_utf8(head[..length].to_vec()).unwrap()
        });
        let answer = supervisor.get("/api/auth/va/refresh?x=1");
        assert_eq!((answer.status, answer.text().as_str()), (201, "hi"));
        assert_eq!(
            answer.header("set-cookie"),
            Some("a=b; Path=/; Path=/api/auth"),
            "it stays below the path"
        );
        assert!(served.join().unwrap().starts_with("GET /api/auth/va/refresh?x=1 HTTP/1.1\r\n"));
    });
    assert_eq!(supervisor.get("/api/simulator").status, 404);
    drop(listener);
    let refused = supervisor.get("/api/config");
    assert_eq!(refused.problem(), "plugin-refused");
    assert!(refused.text().contains("The host application took no connection"), "{}", refused.text());
    drop(application);
    until("the application is gone", || supervisor.get("/api/config").status == 404);
    supervisor.verify();
}

#[test]
fn a_question_to_a_consumer_is_answered_by_it_or_by_the_default() {
    let supervisor = Supervisor::builder().start();
    let mut application = Application::providing(&supervisor, ACME);
    let question =
        json!({ "service": ACME, "event": "may-i", "to": NEIGHBOUR, "timeoutMs": 500, "default": "yes" });
    let nobody = application.ask("service.ask", question.clone())["result"].clone();
    assert_eq!(nobody["value"], "yes");
    assert!(nobody["because"].as_str().unwrap().contains("not subscribed"), "{nobody}");
    let mut page = page(&supervisor);
    page.say(&json!({ "type": "service.subscribe", "plugin": NEIGHBOUR, "service": ACME, "event": "may-i" }));
    until("the page is subscribed", || service(&supervisor)["consumers"] == json!([NEIGHBOUR]));
    application.say("service.ask", question.clone());
    let asked = page.hear_of("service.event");
    page.say(
        &json!({ "type": "service.reply", "plugin": NEIGHBOUR, "answer": asked["answer"], "result": "no" }),
    );
    // Asked after the answer was sent, and answered by the default after half a second, so the first answer is here by then.
    let late = application.ask("service.ask", question)["result"].clone();
    assert!(late["value"] == "yes" && late["because"].as_str().unwrap().contains("did not answer"), "{late}");
    supervisor.verify();
}

/// A page of the neighbour, on the bus.
fn page(supervisor: &Supervisor) -> socket::Socket<std::net::TcpStream> {
    let mut bus = socket::open(supervisor.address(), "/_outboard/bus", &[]).unwrap();
    bus.say(&json!({ "type": "subscribe", "plugin": NEIGHBOUR }));
    bus.hear_of("subscribed");
    bus
}

#[test]
fn a_page_uses_services_under_its_plugins_name_and_the_operators_page_provides_until_somebody_else_does() {
    let supervisor = Supervisor::builder().start();
    let (mut page, mut operator) = (page(&supervisor), page(&supervisor));
    operator.say(&json!({ "type": "service.provide", "service": ACME }));
    assert_eq!(operator.hear_of("service.provided")["instead"], Value::Null);
    page.say(&json!({ "type": "service.call", "id": 1, "plugin": NEIGHBOUR, "service": ACME, "method": "ask", "params": { "q": 1 } }));
    let invoked = operator.hear_of("service.invoke");
    assert_eq!((&invoked["caller"], &invoked["params"]["q"]), (&json!(NEIGHBOUR), &json!(1)), "{invoked}");
    operator.say(&json!({ "type": "service.answer", "call": invoked["call"], "result": "so" }));
    assert_eq!(page.hear_of("result")["result"], "so");
    let application = Application::providing(&supervisor, ACME);
    assert_eq!(operator.hear_of("service.provided")["instead"], "the host application");
    drop(application);
    assert_eq!(operator.hear_of("service.provided")["instead"], Value::Null);
    page.say(
        &json!({ "type": "service.call", "id": 2, "plugin": NEIGHBOUR, "service": ACME, "method": "ask" }),
    );
    operator.hear_of("service.invoke");
    drop(operator);
    assert_eq!(page.hear_of("error")["error"]["data"]["reason"], "unavailable");
    supervisor.verify();
}

#[test]
fn a_plugins_page_provides_nothing_and_uses_nothing_in_anothers_name() {
    let supervisor = Supervisor::builder().plugin(Plugin::hostile("other", &[])).start();
    let host = format!("{NEIGHBOUR}.localhost:{}", supervisor.address().rsplit(':').next().unwrap());
    let origin = format!("http://{host}");
    let headers = [("host", host.as_str()), ("origin", origin.as_str())];
    let mut page = socket::open(supervisor.address(), "/_outboard/bus", &headers).unwrap();
    page.say(&json!({ "type": "subscribe", "plugin": NEIGHBOUR }));
    page.hear_of("subscribed");
    page.say(&json!({ "type": "service.provide", "service": ACME }));
    assert_eq!(page.hear_of("error")["error"]["data"]["reason"], "denied");
    page.say(&json!({ "type": "service.call", "id": 1, "plugin": "other", "service": ACME, "method": "m" }));
    assert_eq!(page.hear_of("error")["error"]["data"]["reason"], "not_found");
    page.say(&json!({ "type": "service.subscribe", "plugin": "other", "service": ACME, "event": "e" }));
    assert_eq!(page.hear_of("error")["error"]["data"]["reason"], "not_found");
    assert_eq!(service(&supervisor), Value::Null);
    supervisor.verify();
}

#[test]
fn a_slow_page_sees_the_newest_and_no_backlog() {
    let supervisor = Supervisor::builder().start();
    let mut page = page(&supervisor);
    page.say(&json!({ "type": "service.subscribe", "plugin": NEIGHBOUR, "service": ACME, "event": "data" }));
    let mut application = Application::providing(&supervisor, ACME);
    application.item();
    let count = repeats(400, 4_000);
    let payload = |n: u64| json!({ "n": n, "more": "x".repeat(16 * 1024) });
    for n in 0..count {
        let emitted = application.ask(
            "service.emit",
            json!({ "service": ACME, "event": "data", "payload": payload(n), "latest": true }),
        );
        assert!(emitted.get("result").is_some(), "{emitted}");
    }
    let mut seen = Vec::new();
    while seen.last() != Some(&(count - 1)) {
        let event = page.hear_of("service.event");
        assert!(event.get("missed").is_none(), "{}", event["missed"]);
        seen.push(event["payload"]["n"].as_u64().unwrap());
    }
    assert!(
        seen.is_sorted() && (seen.len() as u64) < count,
        "{} of {count} were kept for a page that did not read",
        seen.len()
    );
    assert!(service(&supervisor)["skipped"].as_u64().unwrap() > 0);
    supervisor.verify();
}
