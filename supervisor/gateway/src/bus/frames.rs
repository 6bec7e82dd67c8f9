//! The words of the bus: small JSON text frames, one type a frame.
//!
//! [`super::client`] reads and writes them. Events and config changes are not here: the context encode those once for
//! all clients.

use outboard_protocol::context::airline::AirlineName;
use outboard_protocol::context::service::{
    ChangedParams, EventParams, ReplyParams, SubscribeParams, SubscribedParams,
};
use outboard_protocol::id::{Channel, ConfigKey, ServiceMember, ServiceName};
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
    /// The operator's page would know of all plugins, now and after each change.
    Overview,
    /// What may be set for a plugin, as its manifest declares it.
    Settings {
        id: CallId,
        plugin: PluginId,
    },
    /// Gives a key of a plugin's another value.
    Configure {
        id: CallId,
        plugin: PluginId,
        key: ConfigKey,
        value: Value,
    },
    /// Gives a key its default again.
    Reset {
        id: CallId,
        plugin: PluginId,
        key: ConfigKey,
    },
    Ping,
    /// A page calls a service, under its plugin's id; answered as `invoke` is.
    #[serde(rename = "service.call", rename_all = "camelCase")]
    ServiceCall {
        id: CallId,
        plugin: PluginId,
        service: ServiceName,
        method: ServiceMember,
        #[serde(default)]
        params: Value,
        #[serde(default)]
        timeout_ms: Option<u64>,
    },
    #[serde(rename = "service.subscribe")]
    ServiceSubscribe {
        plugin: PluginId,
        #[serde(flatten)]
        wanted: SubscribeParams,
    },
    #[serde(rename = "service.unsubscribe")]
    ServiceUnsubscribe {
        plugin: PluginId,
        #[serde(flatten)]
        wanted: SubscribeParams,
    },
    /// The answer to an event that came with an `answer` id.
    #[serde(rename = "service.reply")]
    ServiceReply {
        plugin: PluginId,
        #[serde(flatten)]
        reply: ReplyParams,
    },
    /// The operator's page would provide a service, for as long as it is connected.
    #[serde(rename = "service.provide")]
    ServiceProvide {
        service: ServiceName,
    },
    #[serde(rename = "service.withdraw")]
    ServiceWithdraw {
        service: ServiceName,
    },
    /// The answer to `service.invoke`.
    #[serde(rename = "service.answer")]
    ServiceAnswer {
        call: String,
        #[serde(default)]
        result: Value,
        #[serde(default)]
        error: Option<RpcError>,
    },
    #[serde(rename = "service.emit")]
    ServiceEmit {
        service: ServiceName,
        event: ServiceMember,
        #[serde(default)]
        payload: Value,
        #[serde(default)]
        to: Option<PluginId>,
        #[serde(default)]
        latest: bool,
    },
}

/// A plugin as the operator's page shows it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) state: &'static str,
    pub(super) cause: Option<String>,
    /// Where its pages are; empty where all is in one place.
    pub(super) origin: String,
    /// Whether it has a UI, and anything to set.
    pub(super) has_ui: bool,
    pub(super) has_settings: bool,
    /// Files below its `assets/`.
    pub(super) icon_light: Option<String>,
    pub(super) icon_dark: Option<String>,
    pub(super) routes: Vec<String>,
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
    /// All plugins: at first, and whenever there are others.
    Overview {
        plugins: &'a [Shown],
    },
    /// One of them is another.
    #[serde(rename = "overview.plugin")]
    OverviewPlugin {
        shown: &'a Shown,
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
    #[serde(rename = "service.event")]
    ServiceEvent {
        plugin: &'a PluginId,
        #[serde(flatten)]
        event: &'a EventParams,
    },
    #[serde(rename = "service.changed")]
    ServiceChanged {
        plugin: &'a PluginId,
        #[serde(flatten)]
        change: &'a ChangedParams,
    },
    /// Whether the client is the one that provides a service, or who does in its place.
    #[serde(rename = "service.provided")]
    ServiceProvided {
        service: &'a ServiceName,
        instead: Option<&'a str>,
    },
    /// A call of a service that the client provides.
    #[serde(rename = "service.invoke", rename_all = "camelCase")]
    ServiceInvoke {
        call: &'a str,
        service: &'a ServiceName,
        method: &'a ServiceMember,
        params: Option<&'a RawValue>,
        caller: Option<&'a PluginId>,
        timeout_ms: u64,
    },
    /// Nobody waits for the answer any more.
    #[serde(rename = "service.cancelled")]
    ServiceCancelled {
        call: &'a str,
    },
    #[serde(rename = "service.subscribed")]
    ServiceSubscribed {
        #[serde(flatten)]
        told: &'a SubscribedParams,
    },
}

impl ToClient<'_> {
    /// The frame's text.
    pub(super) fn text(&self) -> String {
        serde_json::to_string(self).expect("INVARIANT: names, words and JSON are always JSON")
    }
}
