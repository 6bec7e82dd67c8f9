//! `ctx.airline`: the airline that the host is bound to, and HTTP on its behalf.

use std::collections::BTreeMap;

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The bound airline, as `airline.getCurrent` tells it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Airline {
    /// The airline's id as the host knows it.
    pub id: String,
    /// Origin of the airline's API, without a slash at the end.
    pub base_url: String,
    /// The bearer for it; null when the user is not signed in there.
    pub token: Option<String>,
}

impl std::fmt::Debug for Airline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let token = if self.token.is_some() { "present" } else { "absent" };
        f.debug_struct("Airline")
            .field("id", &self.id)
            .field("base_url", &self.base_url)
            .field("token", &token)
            .finish()
    }
}

/// Answer to `airline.getCurrent`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(rename = "AirlineGetCurrentResult"))]
pub struct GetCurrentResult {
    /// The binding of this moment; null when there is none.
    pub airline: Option<Airline>,
}

/// Parameters of `airline.refresh`: a plugin saw a 401.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(rename = "AirlineRefreshParams"))]
#[serde(rename_all = "camelCase")]
pub struct RefreshParams {
    /// The bearer that was refused. If the host holds another one by now, that one is the answer and nothing is exchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale_token: Option<String>,
}

impl std::fmt::Debug for RefreshParams {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RefreshParams").finish_non_exhaustive()
    }
}

/// Answer to `airline.refresh`. A refresh that is refused, or cannot be tried, is the error `auth_required`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(rename = "AirlineRefreshResult"))]
pub struct RefreshResult {
    /// The bearer to use from now on.
    pub token: String,
}

impl std::fmt::Debug for RefreshResult {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RefreshResult").finish_non_exhaustive()
    }
}

/// Parameters of `airline.request`: one HTTP exchange with the airline, the bearer and its refresh included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(rename = "AirlineRequestParams"))]
pub struct RequestParams {
    /// The HTTP method, in capitals.
    pub method: String,
    /// Path and query below the airline's origin, beginning with `/`.
    pub path: String,
    /// Further request headers. `authorization`, `host` and those about framing are the host's to set.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// A JSON body; `content-type: application/json` is added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
}

/// Answer to `airline.request`, whatever the status was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(rename = "AirlineRequestResult"))]
pub struct RequestResult {
    /// The HTTP status.
    pub status: u16,
    /// The response's headers, names in lower case; values of a repeated header are joined by `, `.
    pub headers: BTreeMap<String, String>,
    /// The body: parsed where it is JSON, else as text.
    pub body: Value,
}

/// Parameters of the notification `airline.changed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct AirlineChangedParams {
    /// The new binding without its token, which is fetched and never pushed; null when there is none.
    pub airline: Option<AirlineName>,
}

/// A binding without its secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AirlineName {
    /// The airline's id as the host knows it.
    pub id: String,
    /// Origin of the airline's API.
    pub base_url: String,
}
