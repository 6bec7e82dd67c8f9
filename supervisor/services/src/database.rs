//! `ctx.database`: a grant to open an SQLite file in the plugin's own data folder. SQL runs in the plugin, never here.
//!
//! Called by the dispatch with the folder of the plugin that asks. Must not know SQL.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use outboard_protocol::context::database::{OpenParams, OpenResult};
use outboard_protocol::id::DatabaseFile;
use outboard_protocol::{ErrorReason, RpcError};
use serde_json::value::RawValue;
use tokio::time::timeout;

use crate::reply::{Reply, owned_params};
use crate::store::{FolderError, StoreError, make_private_folder};

/// How long the file system may take: a network mount may hang.
const OPEN_WAIT: Duration = Duration::from_secs(10);

/// What SQLite puts beside a database; a link under such a name is a way out of the folder as well.
const SIDE_FILES: [&str; 4] = ["", "-wal", "-shm", "-journal"];

pub(crate) fn answer_open(data_dir: &Path, raw: Option<&RawValue>) -> Reply {
    let OpenParams { file } = match owned_params("database.open", raw) {
        Ok(params) => params,
        Err(error) => return Reply::Now(Err(error)),
    };
    let data_dir = data_dir.to_owned();
    Reply::later(async move {
        let granting = tokio::task::spawn_blocking(move || grant(&data_dir, &file));
        match timeout(OPEN_WAIT, granting).await {
            Ok(Ok(granted)) => granted,
            Ok(Err(_)) => Err(RpcError::new(ErrorReason::ShuttingDown, "the supervisor is stopping")),
            Err(_) => Err(RpcError::new(
                ErrorReason::Timeout,
                format!("the disk did not answer for {OPEN_WAIT:?}; try again later"),
            )),
        }
    })
}

/// Makes the folder, looks that nothing leads out of it, and names the file.
fn grant(data_dir: &Path, file: &DatabaseFile) -> Result<OpenResult, RpcError> {
    let data_dir = std::path::absolute(data_dir).map_err(|error| broken(data_dir, &error))?;
    match fs::symlink_metadata(&data_dir) {
        Ok(found) if !found.is_dir() => {
            return Err(denied(&data_dir, "is no folder of its own but leads elsewhere"));
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(broken(&data_dir, &error)),
        _ => {}
    }
    make_private_folder(&data_dir).map_err(|error| match error {
        FolderError::Refused { path, source, .. } => broken(&path, &source),
        other => RpcError::new(ErrorReason::InternalError, other.to_string()),
    })?;
    let path = data_dir.join(file.as_str());
    for side in SIDE_FILES {
        check_plain(&beside(&path, side))?;
    }
    match path.into_os_string().into_string() {
        Ok(path) => Ok(OpenResult { path }),
        Err(path) => Err(denied(Path::new(&path), "is no UTF-8 and cannot be named in an answer")),
    }
}

fn beside(path: &Path, side: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(side);
    name.into()
}

/// What exists must be a plain file with this one name: no link of either kind, no folder, no device.
fn check_plain(path: &Path) -> Result<(), RpcError> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => Err(denied(path, "is no plain file; move it away")),
        Ok(found) if found.nlink() > 1 => {
            Err(denied(path, "has another name elsewhere (a hard link); move it away"))
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(broken(path, &error)),
        _ => Ok(()),
    }
}

fn denied(path: &Path, why: &str) -> RpcError {
    RpcError::new(ErrorReason::Denied, format!("database.open: {} {why}", path.display()))
}

fn broken(path: &Path, error: &io::Error) -> RpcError {
    StoreError::from_io(path, error).into()
}
