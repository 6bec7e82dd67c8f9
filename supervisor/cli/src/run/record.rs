//! `supervisor.json` in the runtime folder: who runs here, for clients and for the next supervisor.
//!
//! Written by the supervisor when it is reachable, removed at its end, read by [`crate::client`] and `doctor`.

use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Name of the file.
const FILE_NAME: &str = "supervisor.json";
/// Only the user who runs the supervisor reads it.
const MODE: u32 = 0o600;

/// Longest record that is read: paths and little more.
const SIZE_MAX: u64 = 64 * 1024;
/// No planted link is followed, and no planted FIFO waited for.
const CAREFULLY: i32 =
    (rustix::fs::OFlags::NOFOLLOW.bits() | rustix::fs::OFlags::NONBLOCK.bits()).cast_signed();

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
    /// As the file system has it; a file that is not a record is `InvalidData`.
    pub(crate) fn read(runtime_dir: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).custom_flags(CAREFULLY).open(runtime_dir.join(FILE_NAME))?;
        let found = file.metadata()?;
        if !found.is_file() || found.uid() != rustix::process::geteuid().as_raw() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("{FILE_NAME} there is not a file of yours (it belongs to uid {})", found.uid()),
            ));
        }
        let mut text = Vec::new();
        file.take(SIZE_MAX).read_to_end(&mut text)?;
        serde_json::from_slice(&text).map_err(io::Error::from)
    }

    /// Whether there is one.
    pub(crate) fn is_there(runtime_dir: &Path) -> bool {
        std::fs::symlink_metadata(runtime_dir.join(FILE_NAME)).is_ok_and(|found| found.is_file())
    }

    /// Writes it, so that a reader sees the old one or the new one and nothing in between.
    ///
    /// # Errors
    /// As the file system has it.
    pub(crate) fn write(&self, runtime_dir: &Path) -> io::Result<()> {
        let new = runtime_dir.join(format!("{FILE_NAME}.new"));
        match std::fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(&new)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        std::fs::rename(&new, runtime_dir.join(FILE_NAME))
    }

    /// Removes the record, if there is one.
    pub(crate) fn remove(runtime_dir: &Path) {
        // What cannot be removed is overwritten by the next supervisor.
        let _ = std::fs::remove_file(runtime_dir.join(FILE_NAME));
    }
}
