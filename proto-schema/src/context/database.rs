//! `ctx.database`: a grant to open an SQLite file in the plugin's own data folder. SQL runs in the plugin's process, never here.

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::DatabaseFile;

/// Parameters of `database.open`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(rename = "DatabaseOpenParams"))]
pub struct OpenParams {
    /// A plain file name.
    pub file: DatabaseFile,
}

/// Answer to `database.open`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(rename = "DatabaseOpenResult"))]
#[serde(rename_all = "camelCase")]
pub struct OpenResult {
    /// The absolute path to open. Its folder exists, 0700; the file may not yet.
    pub path: String,
    /// How large the file may become, in bytes: what it has now, and what the quota of the plugin's data leaves. A database is held to it by
    /// `PRAGMA max_page_count`, which each connection needs for itself; the SDKs set it. Files that are open together are given the same room,
    /// so that each may come to the whole quota: the host measures their sum, and has less to grant the next time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
}

/// Parameters of the notification `database.quota`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(rename = "DatabaseQuotaParams"))]
pub struct QuotaParams {
    /// What the plugin's data folder holds, in bytes.
    pub bytes: u64,
    /// What it may hold, in bytes.
    pub quota: u64,
    /// Whether it holds as much as it may: no new database is granted, and those that are there may not grow.
    pub full: bool,
}
