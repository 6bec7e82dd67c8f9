//! The golden vectors of values: what `config.set` and `ipc.send` take, and in which words they refuse the rest.
#![allow(clippy::unwrap_used)] // a test may end with a panic

use std::collections::BTreeMap;
use std::path::Path;

use outboard_plugin::testing::Host;
use outboard_plugin::{CallError, Plugin};
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Deserialize)]
struct Vector {
    name: String,
    value: Value,
    within: Option<Within>,
    /// Absent, or null where it is taken.
    #[serde(default, deserialize_with = "present")]
    config: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    event: Option<Option<String>>,
}

#[derive(Deserialize)]
struct Within {
    kind: String,
    times: usize,
}

fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// A value as a plugin has it. JSON's own type has no number that is not one.
#[derive(Serialize, Clone)]
#[serde(untagged)]
enum Given {
    Json(Value),
    Float(f64),
    List(Vec<Given>),
    Object(BTreeMap<String, Given>),
}

/// `None` for what Rust's types cannot be.
fn given(notation: &Value) -> Option<Given> {
    match notation {
        Value::Array(items) => Some(Given::List(items.iter().map(given).collect::<Option<_>>()?)),
        Value::Object(members) => match (members.get("$outboard"), members.get("value")) {
            (Some(Value::String(tag)), Some(Value::String(value))) if tag == "number" => {
                Some(Given::Float(value.parse().unwrap()))
            }
            (Some(_), _) => None,
            (None, _) => {
                let members = members.iter().map(|(key, value)| Some((key.clone(), given(value)?)));
                Some(Given::Object(members.collect::<Option<_>>()?))
            }
        },
        plain => Some(Given::Json(plain.clone())),
    }
}

fn wrapped(inner: Given, kind: &str) -> Option<Given> {
    match kind {
        "list" => Some(Given::List(vec![inner])),
        "object" => Some(Given::Object(BTreeMap::from([("a".to_owned(), inner)]))),
        _ => None,
    }
}

fn said(outcome: Result<(), CallError>) -> Option<String> {
    match outcome {
        Ok(()) => None,
        Err(CallError::Unwritable { source, .. }) => Some(source.to_string()),
        Err(other) => panic!("{other}"),
    }
}

fn vectors() -> Vec<Vector> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto-schema/vectors/values.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn a_value_is_taken_or_refused_in_the_words_of_its_vector() {
    let plugin = Plugin::new().on_start(|ctx| async move {
        let mut seen = 0;
        for vector in vectors() {
            let within = vector.within.unwrap_or(Within { kind: "list".to_owned(), times: 0 });
            let value = (0..within.times)
                .try_fold(given(&vector.value), |inner, _| Some(wrapped(inner?, &within.kind)));
            let Some(Some(value)) = value else { continue };
            if let Some(config) = vector.config {
                assert_eq!(said(ctx.config.set("k", &value).await), config, "{}", vector.name);
                seen += 1;
            }
            // A number that JSON lacks has a tag where the SDK has tags; this one has none.
            if let Some(event) = vector.event
                && !vector.value.to_string().contains("$outboard")
            {
                assert_eq!(said(ctx.ipc.send("c", &value)), event, "{}", vector.name);
                seen += 1;
            }
        }
        assert!(seen >= 10, "{seen} vectors were tried");
        Ok(())
    });
    let host = Host::start(plugin).await.unwrap();
    drop(host);
}
