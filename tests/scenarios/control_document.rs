//! What the control API publishes of itself is what it does: every method of its document, asked of the running program.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::collections::BTreeSet;

use serde_json::{Value, json};
use system_tests::{Application, NEIGHBOUR, Supervisor, socket};

/// The document as the supervisor answers it, and the schemas in it.
struct Published(Value);

impl Published {
    fn of(supervisor: &Supervisor) -> Self {
        let mut document = supervisor.ask("rpc.discover", json!({}));
        close(&mut document["components"]["schemas"]);
        Self(document)
    }

    fn methods(&self) -> &[Value] {
        self.0["methods"].as_array().unwrap()
    }

    fn method(&self, name: &str) -> &Value {
        let found = self.methods().iter().find(|method| method["name"] == name);
        found.unwrap_or_else(|| panic!("{name} is not published"))
    }

    fn names(&self) -> BTreeSet<&str> {
        self.methods().iter().map(|method| method["name"].as_str().unwrap()).collect()
    }

    /// What is not as this schema of the document says.
    fn faults(&self, schema: &Value, value: &Value) -> Vec<String> {
        let whole = json!({ "allOf": [schema], "components": self.0["components"] });
        let validator = jsonschema::validator_for(&whole).unwrap();
        validator.iter_errors(value).map(|fault| fault.to_string()).collect()
    }

    /// Fails unless a value is as this schema of the document says.
    fn hold(&self, what: &str, schema: &Value, value: &Value) {
        let faults = self.faults(schema, value);
        assert!(faults.is_empty(), "{what} is not as it is published: {faults:#?}\n{value:#}");
    }

    /// Fails unless these are parameters of the method, each of which is published, and none that has to be there is missing.
    fn hold_params(&self, name: &str, given: &Value) {
        let published = self.method(name)["params"].as_array().unwrap();
        let given = given.as_object().unwrap();
        for param in published {
            let member = param["name"].as_str().unwrap();
            match given.get(member) {
                Some(value) => self.hold(&format!("{member} of {name}"), &param["schema"], value),
                None => assert_eq!(param["required"], false, "{name} is asked without {member}"),
            }
        }
        for member in given.keys() {
            assert!(published.iter().any(|param| param["name"] == **member), "{name} has no {member}");
        }
    }
}

/// Makes every object that has members take no other: what is answered and not published is a fault too. Clients pass over such
/// members, since a newer supervisor may have them.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.values_mut().for_each(close);
            if members.get("type") == Some(&json!("object")) && members.contains_key("properties") {
                members.entry("additionalProperties").or_insert(json!(false));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// Each call with parameters that succeed, in an order in which they do.
fn questions(archive: &str) -> Vec<(&'static str, Value)> {
    let plugin = || json!({ "id": NEIGHBOUR });
    let document = json!({ "version": 1, "plugins": { NEIGHBOUR: { "imported": 1 } } });
    vec![
        ("rpc.discover", json!({})),
        ("status", json!({})),
        ("rescan", json!({})),
        ("stop", plugin()),
        ("start", plugin()),
        ("disable", plugin()),
        ("enable", plugin()),
        ("restart", plugin()),
        ("why", plugin()),
        ("logs", json!({ "id": NEIGHBOUR, "lines": 10, "level": "debug" })),
        ("logs.level", plugin()),
        ("logs.level.set", json!({ "id": NEIGHBOUR, "level": "warn" })),
        ("config.set", json!({ "id": NEIGHBOUR, "key": "k", "value": { "any": [1, null] } })),
        ("config.get", json!({ "id": NEIGHBOUR, "key": "k" })),
        ("config.list", plugin()),
        ("config.export", plugin()),
        ("config.import", json!({ "id": NEIGHBOUR, "document": document })),
        ("config.delete", json!({ "id": NEIGHBOUR, "key": "k" })),
        ("databases", plugin()),
        ("backup", json!({ "file": archive })),
        ("auth.set", json!({ "token": "t" })),
        ("auth.status", json!({})),
        ("auth.clear", json!({})),
        ("airline.set", json!({ "id": "a", "baseUrl": "https://a.example", "token": "t" })),
        ("airline.status", json!({})),
        ("airline.clear", json!({})),
        ("ipc.invoke", json!({ "id": NEIGHBOUR, "channel": "echo", "args": [1, "two"] })),
        ("services", json!({})),
        (
            "development.tell",
            json!({ "id": NEIGHBOUR, "fault": { "message": "m", "file": "a.ts", "line": 1, "column": 2 } }),
        ),
    ]
}

/// Makes a subscription tell an item.
type Cause = fn(&Supervisor);

/// Each subscription with parameters that succeed, and something that makes it tell an item.
fn subscriptions() -> Vec<(&'static str, Value, Cause)> {
    vec![
        ("logs.subscribe", json!({ "lines": 1 }), |_| {}),
        ("events.subscribe", json!({ "id": NEIGHBOUR }), |supervisor| {
            supervisor.call(
                NEIGHBOUR,
                "tell",
                json!(["ipc.send", { "channel": "c", "payload": { "n": 1 } }]),
            );
        }),
        ("host.subscribe", json!({}), |supervisor| {
            supervisor.ask("auth.set", json!({ "token": "another" }));
        }),
        ("service.provide", json!({ "service": "acme.billing" }), |_| {}),
    ]
}

#[test]
fn every_method_of_the_document_answers_as_the_document_says_and_the_document_has_every_method() {
    let supervisor = Supervisor::builder().start();
    let published = Published::of(&supervisor);
    let archive = supervisor.folders().data().with_file_name("backup.tar");
    let mut asked = BTreeSet::new();
    for (name, params) in questions(archive.to_str().unwrap()) {
        published.hold_params(name, &params);
        let result = supervisor.ask(name, params);
        let schema = &published.method(name)["result"]["schema"];
        published.hold(&format!("the result of {name}"), schema, &result);
        // Any JSON is what it says; every other schema tells what is not an answer of this method.
        let any = *schema == json!(true);
        assert_eq!(any, published.faults(schema, &json!("not an answer")).is_empty(), "{name} says nothing");
        asked.insert(name.to_owned());
    }
    for (name, params, cause) in subscriptions() {
        published.hold_params(name, &params);
        let method = published.method(name);
        let header = [("authorization", supervisor.control.authorization.as_str())];
        let mut socket = socket::open_unix(&supervisor.control.socket, &header).unwrap();
        socket.say(&json!({ "jsonrpc": "2.0", "id": 1, "method": name, "params": params }));
        let id = socket.hear().unwrap()["result"].clone();
        published.hold(&format!("the result of {name}"), &method["result"]["schema"], &id);
        cause(&supervisor);
        let told = socket.hear().unwrap();
        let subscription = &method["x-subscription"];
        assert_eq!((&told["method"], &told["params"]["subscription"]), (&subscription["notification"], &id));
        published.hold(&format!("an item of {name}"), &subscription["item"], &told["params"]["result"]);
        let ends = subscription["unsubscribe"].as_str().unwrap();
        socket.say(&json!({ "jsonrpc": "2.0", "id": 2, "method": ends, "params": [id] }));
        let ended = std::iter::from_fn(|| socket.hear()).find(|heard| heard["id"] == 2).unwrap();
        published.hold(
            &format!("the result of {ends}"),
            &published.method(ends)["result"]["schema"],
            &ended["result"],
        );
        assert_eq!(ended["result"], true);
        asked.extend([name.to_owned(), ends.to_owned()]);
    }
    asked.extend(provide(&supervisor, &published));
    assert_eq!(asked.iter().map(String::as_str).collect::<BTreeSet<_>>(), published.names());
    supervisor.verify();
}

/// What is asked on the connection of a provider alone; each word that it is told is as published too.
fn provide(supervisor: &Supervisor, published: &Published) -> Vec<String> {
    let mut application = Application::providing(supervisor, "acme.billing");
    let wanted = json!({ "service": "acme.billing", "event": "paid" });
    supervisor.plugin_asks(NEIGHBOUR, "service.subscribe", wanted);
    let item = &published.method("service.provide")["x-subscription"]["item"];
    published.hold("a word to a provider", item, &application.item());
    let event =
        json!({ "service": "acme.billing", "event": "paid", "payload": 1, "to": NEIGHBOUR, "latest": true });
    let question =
        json!({ "service": "acme.billing", "event": "may-i", "to": NEIGHBOUR, "timeoutMs": 1, "default": 1 });
    let mut held = |name: &str, params: Value| {
        published.hold_params(name, &params);
        let answer = application.ask(name, params);
        let schema = &published.method(name)["result"]["schema"];
        published.hold(&format!("the result of {name}"), schema, &answer["result"]);
        name.to_owned()
    };
    let mut asked = vec![held("service.emit", event), held("service.ask", question)];
    std::thread::scope(|scope| {
        let call = json!({ "service": "acme.billing", "method": "m", "params": [1] });
        let answered = scope.spawn(|| supervisor.plugin_asks(NEIGHBOUR, "service.call", call));
        let call = application.call();
        published.hold("a call", item, &call);
        let answer = json!({ "call": call["call"], "result": 1 });
        published.hold_params("service.answer", &answer);
        let done = application.ask("service.answer", answer);
        published.hold(
            "the result of service.answer",
            &published.method("service.answer")["result"]["schema"],
            &done["result"],
        );
        assert_eq!(answered.join().unwrap()["result"], 1);
    });
    asked.push("service.answer".to_owned());
    asked
}

#[test]
fn every_error_is_one_of_the_documents_table_and_of_its_method() {
    let supervisor = Supervisor::builder().start();
    let published = Published::of(&supervisor);
    let nobody = || json!({ "id": "nobody" });
    for (name, params) in [
        ("status", nobody()),
        ("start", nobody()),
        ("why", nobody()),
        ("logs", nobody()),
        ("logs.level", nobody()),
        ("config.list", nobody()),
        ("databases", nobody()),
        ("config.get", json!({ "id": NEIGHBOUR, "key": "unset" })),
        ("backup", json!({ "file": "/" })),
        ("backup", json!({ "file": "relative.tar" })),
        ("auth.set", json!({ "token": "" })),
        ("airline.set", json!({ "id": "a", "baseUrl": "not an origin" })),
        ("ipc.invoke", json!({ "id": NEIGHBOUR, "channel": "nothing" })),
        ("rescan", json!({ "unknown": 1 })),
    ] {
        let error = supervisor.refused(name, params.clone());
        let word = error["data"]["reason"].as_str().unwrap();
        let row = &published.0["components"]["errors"][word];
        assert_eq!((&error["code"], &error["data"]["retryable"]), (&row["code"], &row["data"]["retryable"]));
        let listed = published.method(name)["errors"].as_array().unwrap();
        let reference = json!({ "$ref": format!("#/components/errors/{word}") });
        assert!(listed.contains(&reference), "{name} {params} may also fail with {word}: {error}");
    }
    supervisor.verify();
}
