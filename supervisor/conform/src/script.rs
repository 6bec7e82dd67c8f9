//! What the scripted host answers to context calls: small truths kept in memory, enough for any plugin to start.
//!
//! Called by [`crate::conversation`] for each call. Must not know cases; every result has one member that no version of the
//! protocol knows, so that [P-MSG-9] is put to the test with each.

use std::collections::BTreeMap;
use std::path::PathBuf;

use outboard_protocol::ErrorReason;
use outboard_protocol::methods::{ContextCall, SharedCall};
use serde_json::{Map, Value, json};

use crate::record::Record;

/// A secret that the host gives away, to be looked for where it may not be.
pub(crate) const SECRET: &str = "conform-secret-9b1f4c7e";
/// The member that nobody knows.
pub(crate) const UNKNOWN_MEMBER: &str = "outboardConformUnknownMember";
/// Nobody listens on this port of the loopback, so that a plugin that calls its airline is refused at once.
const NO_AIRLINE: &str = "http://127.0.0.1:9";

/// The host's memory of one plugin.
#[derive(Debug)]
pub(crate) struct Script {
    values: BTreeMap<String, Value>,
    data: PathBuf,
    base_url: String,
}

impl Script {
    pub(crate) fn new(values: BTreeMap<String, Value>, data: PathBuf, base_url: String) -> Self {
        Self { values, data, base_url }
    }

    /// The answer to a context call, as the members that stand beside `jsonrpc` and `id`.
    pub(crate) fn answer(&mut self, method: &str, params: &Value, record: &mut Record) -> Map<String, Value> {
        let mut members = Map::new();
        match self.result(method, params, record) {
            Some(mut result) => {
                result[UNKNOWN_MEMBER] = json!({"later": ["version", 2]});
                members.insert("result".to_owned(), result);
            }
            None => {
                let error = json!({"code": ErrorReason::MethodNotFound.code(), "message": format!("there is no method {method}"),
                    "data": {"reason": ErrorReason::MethodNotFound.word(), "retryable": false}});
                members.insert("error".to_owned(), error);
            }
        }
        members.insert(UNKNOWN_MEMBER.to_owned(), json!(true));
        members
    }

    fn result(&mut self, method: &str, params: &Value, record: &mut Record) -> Option<Value> {
        let key = params["key"].as_str().unwrap_or_default();
        let Some(call) = ContextCall::named(method) else {
            return SharedCall::named(method).map(|call| match call {
                // Whatever is asked is given back, which any plugin can tell from nothing.
                SharedCall::ServiceCall => params["params"].clone(),
            });
        };
        Some(match call {
            ContextCall::ConfigGet => {
                let found = self.values.get(key);
                let value = found.or_else(|| params.get("default")).cloned().unwrap_or_default();
                json!({"value": value, "found": found.is_some()})
            }
            ContextCall::ConfigSet => {
                self.values.insert(key.to_owned(), params["value"].clone());
                json!({})
            }
            ContextCall::ConfigDelete => json!({"deleted": self.values.remove(key).is_some()}),
            ContextCall::ConfigGetAll => json!({"values": self.values}),
            ContextCall::IpcHandle => noted(&mut record.channels, &params["channel"]),
            ContextCall::IpcRemoveHandler => forgotten(&mut record.channels, &params["channel"]),
            ContextCall::ServerRegister => {
                noted(&mut record.prefixes, &params["prefix"]);
                json!({"url": format!("{}{}", self.base_url, params["prefix"].as_str().unwrap_or_default())})
            }
            ContextCall::ServerUnregister => forgotten(&mut record.prefixes, &params["prefix"]),
            ContextCall::AuthIsAuthenticated => json!({"authenticated": true}),
            ContextCall::AuthGetToken | ContextCall::AirlineRefresh => json!({"token": SECRET}),
            ContextCall::AirlineGetCurrent => {
                json!({"airline": {"id": "conform", "baseUrl": NO_AIRLINE, "token": SECRET}})
            }
            ContextCall::AirlineRequest => json!({"status": 503, "headers": {}, "body": null}),
            ContextCall::DatabaseOpen => self.database(params),
            ContextCall::ServiceSubscribe | ContextCall::ServiceUnsubscribe => json!({}),
            ContextCall::ServiceAsk => json!({"value": params["default"], "because": "nobody is subscribed"}),
        })
    }

    fn database(&self, params: &Value) -> Value {
        // Where the folder cannot be made, the plugin will say so.
        let _ = std::fs::create_dir_all(&self.data);
        let name = PathBuf::from(params["file"].as_str().unwrap_or("conform.db"));
        json!({"path": self.data.join(name.file_name().unwrap_or_default())})
    }
}

fn noted(names: &mut Vec<String>, name: &Value) -> Value {
    names.extend(name.as_str().map(str::to_owned));
    json!({})
}

fn forgotten(names: &mut Vec<String>, name: &Value) -> Value {
    names.retain(|known| name != known.as_str());
    json!({})
}
