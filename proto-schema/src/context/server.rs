//! `ctx.server`: the paths below which the supervisor sends HTTP requests to a plugin.

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::RoutePrefix;

/// Parameters of `server.register` and `server.unregister`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(rename = "ServerPrefixParams"))]
pub struct PrefixParams {
    /// The path below which the plugin answers.
    pub prefix: RoutePrefix,
}

/// Answer to `server.register`. A prefix that another plugin owns is the error `conflict`, which names the owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(rename = "ServerRegisterResult"))]
pub struct RegisterResult {
    /// Where the prefix is reached from outside.
    pub url: String,
}
