//! The sign-in and the airline, as operators set and see them: secrets go in and never come out.
//!
//! Part of the control API's words; re-exported by [`super`].

use std::collections::BTreeMap;

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Parameters of `auth.set`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AuthSetParams {
    /// The host's bearer token.
    pub token: String,
}

impl std::fmt::Debug for AuthSetParams {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthSetParams").finish_non_exhaustive()
    }
}

/// Whether somebody is signed in; never the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct AuthStatus {
    /// Whether somebody is signed in.
    pub authenticated: bool,
}

/// Parameters of `airline.set`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct AirlineSetParams {
    /// The airline's id.
    pub id: String,
    /// Origin of the airline's API.
    pub base_url: String,
    /// The bearer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// What is exchanged for a new bearer. It never leaves the supervisor but for the exchange.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// Where it is exchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_url: Option<String>,
    /// How it is exchanged, where that differs from OAuth 2.0's refresh_token grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_format: Option<RefreshFormat>,
}

impl std::fmt::Debug for AirlineSetParams {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AirlineSetParams")
            .field("id", &self.id)
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

/// How a refresh token is exchanged. The default is OAuth 2.0's refresh_token grant: a form with `grant_type` and
/// `refresh_token`, answered by JSON with `access_token` and perhaps a new `refresh_token`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct RefreshFormat {
    /// `form` or `json`.
    pub body: RefreshBody,
    /// Name of the request's member that carries the refresh token.
    pub refresh_token_field: String,
    /// Further members of the request, such as `client_id`.
    pub extra: BTreeMap<String, String>,
    /// Name of the answer's member that carries the new bearer.
    pub access_token_field: String,
    /// Name of the answer's member that may carry a new refresh token.
    pub new_refresh_token_field: String,
}

impl Default for RefreshFormat {
    fn default() -> Self {
        Self {
            body: RefreshBody::Form,
            refresh_token_field: "refresh_token".to_owned(),
            extra: BTreeMap::from([("grant_type".to_owned(), "refresh_token".to_owned())]),
            access_token_field: "access_token".to_owned(),
            new_refresh_token_field: "refresh_token".to_owned(),
        }
    }
}

/// How the request of a refresh is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum RefreshBody {
    /// `application/x-www-form-urlencoded`.
    Form,
    /// `application/json`.
    Json,
}

/// The bound airline without its secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AirlineStatus {
    /// The airline; null when there is none.
    pub airline: Option<crate::context::airline::AirlineName>,
    /// Whether a bearer is stored.
    pub has_token: bool,
    /// Whether a refresh token and a place to exchange it are stored.
    pub can_refresh: bool,
}
