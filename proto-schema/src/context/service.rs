//! `ctx.service`: what providers answer, and what they tell.
//!
//! A provider is a plugin whose manifest says `provides`, or the host application; a consumer is any plugin. Must not know how
//! either is found.

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::RpcError;
use crate::id::{PluginId, ServiceMember, ServiceName};

/// Parameters of `service.call`: a consumer asks the host, and the host asks the provider.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(rename = "ServiceCallParams"))]
#[serde(rename_all = "camelCase")]
pub struct CallParams {
    /// The service.
    pub service: ServiceName,
    /// The method, as the provider names it.
    pub method: ServiceMember,
    /// What the method takes: any JSON; absent counts as null.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<serde_json::Value>"))]
    pub params: Option<Box<RawValue>>,
    /// Whose call it is. The host says it to the provider; a consumer has no say in it, and what it sends here is ignored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<PluginId>,
    /// How long the consumer waits, in milliseconds: 30 s unless said, an hour at most. Said where an answer waits for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
}

/// Parameters of `service.subscribe` and `service.unsubscribe`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(rename = "ServiceSubscribeParams"))]
pub struct SubscribeParams {
    /// The service.
    pub service: ServiceName,
    /// The event, as the provider names it.
    pub event: ServiceMember,
}

/// Parameters of the notification `service.event`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(rename = "ServiceEventParams"))]
pub struct EventParams {
    /// The service.
    pub service: ServiceName,
    /// The event.
    pub event: ServiceMember,
    /// Any JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<serde_json::Value>"))]
    pub payload: Option<Box<RawValue>>,
    /// How many events of this subscription were left out before this one, because too much waited for the consumer. Absent: none.
    #[serde(default, skip_serializing_if = "is_none_left_out")]
    pub missed: u64,
    /// The provider waits for an answer from this consumer: send it by `service.reply` under this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

/// Parameters of the notification `service.emit`, from a provider.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(rename = "ServiceEmitParams"))]
pub struct EmitParams {
    /// The service, which the sender provides.
    pub service: ServiceName,
    /// The event.
    pub event: ServiceMember,
    /// Any JSON; absent counts as null.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<serde_json::Value>"))]
    pub payload: Option<Box<RawValue>>,
    /// One consumer that gets it, if it is subscribed; all that are subscribed, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<PluginId>,
    /// Only the newest counts: it takes the place of an event of this name that still waits for a slow consumer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub latest: bool,
}

/// Parameters of `service.ask`: a provider asks one consumer, by an event that has to be answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(rename = "ServiceAskParams"))]
#[serde(rename_all = "camelCase")]
pub struct AskParams {
    /// The service, which the sender provides.
    pub service: ServiceName,
    /// The event.
    pub event: ServiceMember,
    /// Any JSON; absent counts as null.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<serde_json::Value>"))]
    pub payload: Option<Box<RawValue>>,
    /// The consumer that is asked.
    pub to: PluginId,
    /// How long to wait for its answer, in milliseconds: 5 s unless said, an hour at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// What counts as the answer where none comes: the consumer is not subscribed, is gone, fails, or is late. Absent counts as null.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
}

/// Answer to `service.ask`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(rename = "ServiceAskResult"))]
pub struct AskResult {
    /// What the consumer answered, or the default.
    pub value: Value,
    /// Why it is the default; absent where the consumer answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

/// Parameters of the notification `service.reply`, from the consumer that was asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(rename = "ServiceReplyParams"))]
pub struct ReplyParams {
    /// The id that came with the event.
    pub answer: String,
    /// What is answered: any JSON; absent counts as null.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    /// Why there is no answer; the provider's default counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<RpcError>,
}

/// Parameters of the notification `service.subscribed`: who listens to an event of a provider, whenever that changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(rename = "ServiceSubscribedParams"))]
pub struct SubscribedParams {
    /// The service.
    pub service: ServiceName,
    /// The event.
    pub event: ServiceMember,
    /// The plugins that are subscribed now; empty when nobody listens any more.
    pub consumers: Vec<PluginId>,
}

/// Parameters of the notification `service.changed`: what has become of a service that the plugin uses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(rename = "ServiceChangedParams"))]
pub struct ChangedParams {
    /// The service.
    pub service: ServiceName,
    /// How it is now.
    pub state: ServiceState,
    /// Why, for people; absent while it is available.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

/// Whether a service is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ServiceState {
    /// A provider answers.
    Available,
    /// Its provider is on its way up: calls wait for it, within their deadlines.
    Starting,
    /// Its provider is not there: calls fail with `unavailable`.
    Unavailable,
    /// Nobody provides it: calls fail with `no_provider`.
    Unprovided,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks in this form")]
fn is_none_left_out(missed: &u64) -> bool {
    *missed == 0
}
