//! Calls of plugins' channels, and what is told to whoever subscribes.
//!
//! Part of the control API's types; re-exported by [`super`]. Must not know the transport.

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::PluginStatus;
#[cfg(doc)]
use super::Trouble;
use crate::id::{Channel, PluginId};

/// Parameters of `ipc.invoke`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct InvokeParams {
    /// Which plugin.
    pub id: PluginId,
    /// Which channel.
    pub channel: Channel,
    /// The arguments, in order.
    #[serde(default)]
    pub args: Vec<Value>,
    /// How long to wait, in milliseconds; the setting for host calls when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
}

/// An event that a plugin pushed to its UIs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct BusEvent {
    /// Whose it is.
    pub plugin: PluginId,
    /// The leaf name of the channel.
    pub channel: Channel,
    /// Any JSON.
    pub payload: Value,
    /// Present where the value was kept and is told again: which process of the plugin had sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replayed: Option<u64>,
}

/// Parameters of `development.tell`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct DevelopmentParams {
    /// Which plugin.
    pub id: PluginId,
    /// What is wrong, shown over its pages until this is told again without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<DevelopmentFault>,
    /// Whether its pages are to load anew, since its UI is another one now.
    #[serde(default)]
    pub reload: bool,
}

/// What is wrong with a plugin in the making, as its author is told.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct DevelopmentFault {
    /// What, a sentence.
    pub message: String,
    /// What was said about it, line by line.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub details: String,
    /// The author's file, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line in it, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The column in that, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u64>,
    /// The lines around it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame: Option<String>,
}

/// Something that the host application may want to act upon.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum HostEvent {
    /// A plugin's state changed.
    #[serde(rename = "plugin.state")]
    PluginState {
        /// The plugin as it is now.
        status: Box<PluginStatus>,
    },
    /// A refresh was refused or cannot be tried: the user has to sign in again.
    #[serde(rename = "auth.required")]
    AuthRequired {
        /// Why, a sentence without secrets.
        reason: String,
    },
    /// Somebody signed in or out. The token itself is nobody's who listens.
    #[serde(rename = "auth.changed")]
    AuthChanged {
        /// Whether somebody is signed in now.
        authenticated: bool,
    },
    /// Another airline is bound, or none.
    #[serde(rename = "airline.changed")]
    AirlineChanged {
        /// Which; null: none.
        airline: Option<crate::context::airline::AirlineName>,
    },
    /// A plugin's data folder has come near its quota, or over it.
    #[serde(rename = "database.quota")]
    DatabaseQuota {
        /// Whose it is.
        plugin: PluginId,
        /// What the folder holds.
        bytes: u64,
        /// What it may hold.
        quota: u64,
        /// Whether it holds as much as it may: no new database is granted, and those that are there may not grow.
        full: bool,
    },
    /// Something is amiss with the supervisor itself, or is no longer.
    #[serde(rename = "host.trouble")]
    Trouble {
        /// The stable word of [`Trouble::kind`].
        kind: String,
        /// What is wrong and what to do, a sentence; null: it is over.
        says: Option<String>,
    },
    /// Events were lost because this subscriber was too slow.
    #[serde(rename = "lost")]
    Lost {
        /// How many.
        count: u64,
    },
}
