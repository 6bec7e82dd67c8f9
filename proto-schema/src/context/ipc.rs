//! `ctx.ipc`: messages between a plugin and its own UIs.

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::id::Channel;

/// Parameters of the notification `ipc.send`: every connected UI of this plugin gets it, and no other.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(rename = "IpcSendParams"))]
pub struct SendParams<'a> {
    /// The leaf name of the channel.
    pub channel: Channel,
    /// Any JSON; absent counts as null.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<serde_json::Value>"))]
    pub payload: Option<&'a RawValue>,
    /// Keep it as the channel's last value: who subscribes later gets it too, marked as `replayed`. Null forgets what was kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retain: bool,
}

/// Parameters of `ipc.handle` and `ipc.removeHandler`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(rename = "IpcChannelParams"))]
pub struct ChannelParams {
    /// The leaf name of the channel.
    pub channel: Channel,
}

/// Parameters of the host call `ipc.invoke`: a UI or an operator asks; the plugin's answer is any JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(rename = "IpcInvokeParams"))]
pub struct InvokeParams {
    /// The leaf name of the channel.
    pub channel: Channel,
    /// The arguments, in order.
    #[serde(default)]
    pub args: Vec<Value>,
}
