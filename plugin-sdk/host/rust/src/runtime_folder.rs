//! The supervisor's runtime folder: looks whether it is ours alone, and reads from it what lets us in.
//!
//! Called before each connection, on a thread for such work; the same looks as the command line's. Must not know what is asked.

use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::Error;

/// More is not a record: paths and little more.
const RECORD_MAX: u64 = 64 * 1024;
/// More is not a credential.
const CREDENTIAL_MAX: u64 = 128;
/// Hexadecimal digits of a credential.
const CREDENTIAL_DIGITS: usize = 64;
/// Permissions that nobody but the owner may have.
const OTHERS: u32 = 0o077;
/// No planted link is followed, and no planted FIFO waited for.
const CAREFULLY: i32 =
    (rustix::fs::OFlags::NOFOLLOW.bits() | rustix::fs::OFlags::NONBLOCK.bits()).cast_signed();

/// How to reach a supervisor.
pub(crate) struct Way {
    pub(crate) socket: PathBuf,
    pub(crate) credential: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    pid: u32,
    keeper_pid: Option<u32>,
    credential_file: PathBuf,
}

/// How to reach the supervisor whose keeper is this process.
pub(crate) fn way_to(folder: &Path, keeper: u32) -> Result<Way, Error> {
    let shown = folder.display();
    let found = std::fs::symlink_metadata(folder)
        .map_err(|error| Error::Refused(format!("cannot look at the runtime folder {shown}: {error}")))?;
    let (me, owner, mode) = (rustix::process::geteuid().as_raw(), found.uid(), found.mode() & 0o7777);
    let wrong = if !found.is_dir() {
        Some(format!(
            "{shown} is not a folder (nor may it be a link to one); name another with `runtime_dir`"
        ))
    } else if owner != me {
        Some(format!(
            "the runtime folder {shown} belongs to uid {owner}, and you are uid {me}; name one of your own with `runtime_dir`"
        ))
    } else if mode & OTHERS != 0 {
        Some(format!(
            "the runtime folder {shown} is open to others (mode {mode:04o}), who may have put something into it; remove it and \
             start again"
        ))
    } else {
        None
    };
    if let Some(wrong) = wrong {
        return Err(Error::Refused(wrong));
    }
    let text = own(&folder.join("supervisor.json"), RECORD_MAX)?;
    let record: Record = serde_json::from_str(&text).map_err(|error| {
        Error::Refused(format!("supervisor.json in the runtime folder cannot be read: {error}"))
    })?;
    if record.keeper_pid != Some(keeper) {
        let other = record.keeper_pid.unwrap_or(record.pid);
        return Err(Error::Refused(format!(
            "another supervisor (pid {other}) has the runtime folder {shown}; name another with `runtime_dir`"
        )));
    }
    let credential = own(&record.credential_file, CREDENTIAL_MAX)?.trim_end().to_owned();
    if credential.len() != CREDENTIAL_DIGITS || !credential.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let file = record.credential_file.display();
        return Err(Error::Refused(format!(
            "{file} does not hold a credential; remove it and start again, and a new one is made"
        )));
    }
    Ok(Way { socket: folder.join("control.sock"), credential })
}

/// A file of ours.
fn own(path: &Path, longest: u64) -> Result<String, Error> {
    let shown = path.display();
    let refused = |error: std::io::Error| Error::Refused(format!("cannot read {shown}: {error}"));
    let file = OpenOptions::new().read(true).custom_flags(CAREFULLY).open(path).map_err(refused)?;
    let found = file.metadata().map_err(refused)?;
    if !found.is_file() || found.uid() != rustix::process::geteuid().as_raw() {
        return Err(Error::Refused(format!(
            "{shown} is not a file of yours (it belongs to uid {})",
            found.uid()
        )));
    }
    let mut text = String::new();
    file.take(longest).read_to_string(&mut text).map_err(refused)?;
    Ok(text)
}
