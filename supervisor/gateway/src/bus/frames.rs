//! The words of the bus: small JSON text frames, one type a frame.
//!
//! [`super::client`] reads and writes them. Events and config changes are not here: the context encode those once for
//! all clients.

use outboard_protocol::context::airline::AirlineName;
use outboard_protocol::id::Channel;
use outboard_protocol::{PluginId, RpcError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// What a client says.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum FromClient {
    Subscribe {
        plugin: PluginId,
    },
    Unsubscribe {
        plugin: PluginId,
    },
    Invoke {
        id: CallId,
        plugin: PluginId,
        channel: Channel,
        #[serde(default)]
        args: Vec<Value>,
    },
    Cancel {
        id: CallId,
    },
    Ping,
}

/// A client's own name for a call, given back as it came.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum CallId {
    Number(u64),
    Text(String),
}

/// What we say.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum ToClient<'a> {
    Subscribed {
        plugin: &'a PluginId,
        state: &'a str,
        config: &'a RawValue,
        authenticated: bool,
        airline: Option<&'a AirlineName>,
    },
    /// Somebody signed in or out.
    Auth {
        authenticated: bool,
    },
    /// The host is bound to another airline, or to none. Its bearer never reaches a page.
    Airline {
        airline: Option<&'a AirlineName>,
    },
    Unsubscribed {
        plugin: &'a PluginId,
    },
    State {
        plugin: &'a str,
        state: &'a str,
    },
    Result {
        id: &'a CallId,
        result: &'a RawValue,
    },
    /// `id` is null where the frame did not tell which call it meant.
    Error {
        id: Option<&'a CallId>,
        error: &'a RpcError,
    },
    Pong,
}

impl ToClient<'_> {
    /// The frame's text.
    pub(super) fn text(&self) -> String {
        serde_json::to_string(self).expect("INVARIANT: names, words and JSON are always JSON")
    }
}
