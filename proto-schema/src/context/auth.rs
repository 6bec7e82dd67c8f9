//! `ctx.auth`: read-only access to the host's sign-in.

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Answer to `auth.isAuthenticated`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(rename = "AuthIsAuthenticatedResult"))]
pub struct IsAuthenticatedResult {
    /// Whether somebody is signed in.
    pub authenticated: bool,
}

/// Answer to `auth.getToken`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(rename = "AuthGetTokenResult"))]
pub struct GetTokenResult {
    /// The host's bearer token; null when nobody is signed in.
    pub token: Option<String>,
}

impl std::fmt::Debug for GetTokenResult {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = if self.token.is_some() { "present" } else { "absent" };
        f.debug_struct("GetTokenResult").field("token", &shown).finish()
    }
}

/// Parameters of the notification `auth.changed`. The token itself is fetched, never pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct AuthChangedParams {
    /// Whether somebody is signed in now.
    pub authenticated: bool,
}
