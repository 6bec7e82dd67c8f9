//! `supervisor.json` in the runtime folder: who runs here, for clients and for the next supervisor.
//!
//! Written by the supervisor when it is reachable, removed at its end, read by [`crate::client`] and `doctor`.

use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Name of the file.
const FILE_NAME: &str = "supervisor.json";
/// Only the user who runs the supervisor reads it.
const MODE: u32 = 0o600;

/// Who runs here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SupervisorRecord {
    /// The supervisor's process.
    pub(crate) pid: u32,
    /// The keeper above it.
    pub(crate) keeper_pid: Option<u32>,
    /// The address that people reach, with the real port.
    pub(crate) listen: String,
    /// Where it keeps what must last.
    pub(crate) data_dir: PathBuf,
    /// Where the credential for its control API is.
    pub(crate) credential_file: PathBuf,
    /// Its version.
    pub(crate) version: String,
    /// When it started, RFC 3339.
    pub(crate) started_at: String,
}

impl SupervisorRecord {
    /// Reads the record of a runtime folder.
    ///
    /// # Errors
    /// As the file system has it; a file that is no record is `InvalidData`.
    pub(crate) fn read(runtime_dir: &Path) -> io::Result<Self> {
        let text = std::fs::read(runtime_dir.join(FILE_NAME))?;
        serde_json::from_slice(&text).map_err(io::Error::from)
    }

    /// Writes it, so that a reader sees the old one or the new one and nothing in between.
    ///
    /// # Errors
    /// As the file system has it.
    pub(crate) fn write(&self, runtime_dir: &Path) -> io::Result<()> {
        let new = runtime_dir.join(format!("{FILE_NAME}.new"));
        let mut file =
            std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(MODE).open(&new)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        std::fs::rename(&new, runtime_dir.join(FILE_NAME))
    }

    /// Removes the record, if there is one.
    pub(crate) fn remove(runtime_dir: &Path) {
        // What cannot be removed is overwritten by the next supervisor.
        let _ = std::fs::remove_file(runtime_dir.join(FILE_NAME));
    }
}
