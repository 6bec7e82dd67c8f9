//! Services, as operators see them, and what a host application that provides one says and is told.
//!
//! Part of the control API's types; re-exported by [`super`]. Must not know how a provider is found.

use std::num::NonZeroU16;

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::RpcError;
use crate::context::service::ServiceState;
use crate::id::{PluginId, RoutePrefix, ServiceMember, ServiceName};

/// One service: who provides it, who uses it, and how much.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ServiceStatus {
    /// Its name.
    pub service: ServiceName,
    /// Whether it is answered.
    pub state: ServiceState,
    /// Why it is not available; absent while it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// Who provides it, in words such as `plugin sim-bridge` or `the host application`; null where nobody does.
    pub provider: Option<String>,
    /// Who would provide it as well, in the order of their coming.
    #[serde(default)]
    pub others: Vec<String>,
    /// The shell's own paths that come with it, which its provider answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prefixes: Vec<RoutePrefix>,
    /// The plugins that are subscribed to events of it.
    #[serde(default)]
    pub consumers: Vec<PluginId>,
    /// Calls that wait for their answers.
    pub open_calls: u64,
    /// Calls so far.
    pub calls: u64,
    /// Those of them that failed.
    pub errors: u64,
    /// Events so far.
    pub events: u64,
    /// Events that a newer one replaced before a slow consumer had them, each consumer counted.
    pub skipped: u64,
    /// Events that were left out because too much waited for a consumer, each consumer counted.
    pub missed: u64,
}

/// Parameters of `service.provide`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ProvideParams {
    /// The service to provide, for as long as the subscription lasts.
    pub service: ServiceName,
    /// The HTTP that comes with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<ProvidedHttp>,
}

/// The shell's own paths that a host application answers while it provides a service, and where it listens: at a port or at a socket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ProvidedHttp {
    /// The paths, such as `/api/config`, each with all that lies below it: 1 to 16.
    pub prefixes: Vec<RoutePrefix>,
    /// A port of 127.0.0.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<NonZeroU16>,
    /// A Unix socket: an absolute path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub socket: Option<String>,
}

/// What a host application that provides a service is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(tag = "type", rename_all = "lowercase", rename_all_fields = "camelCase")]
pub enum ProvideItem {
    /// Whether it is the one that is asked: first of all, and whenever that changes.
    Holds {
        /// Who provides the service in its place; absent where it is the one. It takes over as soon as its turn comes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        instead: Option<String>,
    },
    /// A call, to be answered by `service.answer` once.
    Call {
        /// The call's id.
        call: String,
        /// The service.
        service: ServiceName,
        /// The method.
        method: ServiceMember,
        /// What the method takes, as the consumer sent it.
        params: Value,
        /// Whose call it is.
        caller: PluginId,
        /// How long the consumer waits, in milliseconds.
        timeout_ms: u64,
    },
    /// A call that nobody waits for any more. An answer does no harm.
    Cancelled {
        /// The call's id.
        call: String,
    },
    /// Who is subscribed to one of its events: for each when it takes over, and whenever that changes.
    Subscribed {
        /// The service.
        service: ServiceName,
        /// The event.
        event: ServiceMember,
        /// The plugins that are subscribed now; empty when nobody listens any more.
        consumers: Vec<PluginId>,
    },
}

/// Parameters of `service.answer`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(rename = "ServiceAnswerParams"))]
#[serde(deny_unknown_fields)]
pub struct AnswerParams {
    /// The call's id.
    pub call: String,
    /// What is answered: any JSON; absent counts as null.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<serde_json::Value>"))]
    pub result: Option<Box<RawValue>>,
    /// Why it failed; with it, `result` is ignored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<RpcError>,
}
