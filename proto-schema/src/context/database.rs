//! `ctx.database`: a grant to open an SQLite file in the plugin's own data folder. SQL runs in the plugin's process, never here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::DatabaseFile;

/// Parameters of `database.open`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "DatabaseOpenParams")]
pub struct OpenParams {
    /// A plain file name.
    pub file: DatabaseFile,
}

/// Answer to `database.open`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "DatabaseOpenResult")]
pub struct OpenResult {
    /// The absolute path to open. Its folder exists, 0700; the file may not yet.
    pub path: String,
}
