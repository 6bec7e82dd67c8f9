//! `ctx.database`: a grant to open an SQLite file in the plugin's own data folder. SQL runs in the plugin, never here.
//!
//! Called by the dispatch with the folder of the plugin that asks. Must not know SQL.

mod quota;
mod usage;

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use outboard_protocol::context::database::{OpenParams, OpenResult, QuotaParams};
use outboard_protocol::context::logger::LogLevel;
use outboard_protocol::control::{DataReport, DataUse, HostEvent};
use outboard_protocol::id::DatabaseFile;
use outboard_protocol::{ErrorReason, PluginId, RpcError, methods};
use serde_json::value::RawValue;
use tokio::time::timeout;

use crate::ipc::Bus;
use crate::logger::{Logs, NewRecord};
use crate::notice::Notices;
use crate::reply::{Reply, owned_params};
pub use quota::DataQuotas;
use quota::Level;
pub use usage::files_in;
use usage::usage_of;

use crate::store::{FolderError, StoreError, make_private_folder};

/// Names of granted files that are remembered for the status of a plugin.
const OPENED_MAX: usize = 256;

/// How long the file system may take: a network mount may hang.
const OPEN_WAIT: Duration = Duration::from_secs(10);

/// What SQLite puts beside a database; a link under such a name is a way out of the folder as well.
const SIDE_FILES: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// Grants, what was granted, and how much there is. Clones share it.
#[derive(Clone)]
pub struct Databases {
    inner: Arc<Inner>,
}

struct Inner {
    /// The folder with a folder for each plugin.
    root: PathBuf,
    quotas: DataQuotas,
    plugins: Mutex<HashMap<PluginId, Granted>>,
    logs: Logs,
    notices: Notices,
    bus: Bus,
}

/// What a plugin was granted since the supervisor started.
struct Granted {
    folder: PathBuf,
    files: BTreeSet<DatabaseFile>,
    warned: Level,
    /// Bytes in the folder, as last measured.
    bytes: u64,
}

impl Databases {
    pub(crate) fn new(root: PathBuf, quotas: DataQuotas, logs: Logs, notices: Notices, bus: Bus) -> Self {
        Self { inner: Arc::new(Inner { root, quotas, plugins: Mutex::default(), logs, notices, bus }) }
    }

    /// How often [`Databases::measure`] is to be called.
    pub fn measure_every(&self) -> Duration {
        self.inner.quotas.measure_every
    }

    /// What a plugin opened and how much there is, as last measured; `None` for one that opened nothing.
    pub fn usage(&self, id: &PluginId) -> Option<DataUse> {
        let plugins = self.inner.lock();
        let granted = plugins.get(id)?;
        let opened = granted.files.iter().map(ToString::to_string).collect();
        Some(DataUse { opened, bytes: granted.bytes, quota: self.inner.quotas.of(id) })
    }

    /// Measures a plugin's data folder, whether it opened something or not. Blocks on the disk.
    pub fn report(&self, id: &PluginId) -> DataReport {
        let folder = self.inner.root.join(id.as_str());
        let bytes = usage_of(&folder);
        self.inner.judge(id, bytes);
        let opened = self.opened(id).iter().map(ToString::to_string).collect();
        DataReport {
            files: files_in(&folder),
            folder: folder.display().to_string(),
            usage: DataUse { opened, bytes, quota: self.inner.quotas.of(id) },
        }
    }

    /// The files that a plugin was granted since the supervisor started, by name.
    pub fn opened(&self, id: &PluginId) -> Vec<DatabaseFile> {
        let plugins = self.inner.lock();
        plugins.get(id).map(|granted| granted.files.iter().cloned().collect()).unwrap_or_default()
    }

    /// Measures every folder of which something was granted, and warns of those that come near their quota. To be called
    /// now and then: what a plugin writes passes nobody here. Blocks on the disk.
    pub fn measure(&self) {
        let folders: Vec<_> = {
            let plugins = self.inner.lock();
            plugins.iter().map(|(id, granted)| (id.clone(), granted.folder.clone())).collect()
        };
        for (id, folder) in folders {
            self.inner.judge(&id, usage_of(&folder));
        }
    }

    pub(crate) fn answer_open(&self, id: &PluginId, data_dir: &Path, raw: Option<&RawValue>) -> Reply {
        let OpenParams { file } = match owned_params::<methods::DatabaseOpen>(raw) {
            Ok(params) => params,
            Err(error) => return Reply::Now(Err(error)),
        };
        let (inner, id, data_dir) = (Arc::clone(&self.inner), id.clone(), data_dir.to_owned());
        Reply::later(async move {
            let granting = tokio::task::spawn_blocking(move || inner.open(&id, &data_dir, file));
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
}

impl Inner {
    fn open(&self, id: &PluginId, data_dir: &Path, file: DatabaseFile) -> Result<OpenResult, RpcError> {
        let path = grant(data_dir, &file)?;
        let own = fs::symlink_metadata(&path).map_or(0, |found| found.len());
        let mut plugins = self.lock();
        let granted = plugins.entry(id.clone()).or_insert_with(|| Granted {
            folder: data_dir.to_owned(),
            files: BTreeSet::new(),
            warned: Level::Fine,
            bytes: 0,
        });
        granted.folder = data_dir.to_owned();
        if granted.files.len() < OPENED_MAX {
            granted.files.insert(file);
        }
        drop(plugins);
        let used = usage_of(data_dir);
        let quota = self.quotas.of(id);
        // What is there can be opened all the same: how else could the plugin delete what it does not need.
        if self.judge(id, used) == Level::Full && own == 0 {
            let what = format!(
                "database.open: {} holds {used} bytes and the quota of plugin {id} is {quota}; delete what is not needed, or raise `limits.data` in the settings",
                data_dir.display()
            );
            return Err(RpcError::new(ErrorReason::StorageFull, what).with("limit", "data"));
        }
        Ok(OpenResult { path, max_bytes: Some(own + quota.saturating_sub(used)) })
    }

    /// Where the plugin stands; says so to everybody whom it concerns when it has become worse.
    fn judge(&self, id: &PluginId, used: u64) -> Level {
        let quota = self.quotas.of(id);
        let level = Level::of(used, quota);
        let mut plugins = self.lock();
        let Some(granted) = plugins.get_mut(id) else { return level };
        let worse = level > granted.warned;
        granted.warned = level;
        granted.bytes = used;
        drop(plugins);
        if worse {
            self.warn(id, QuotaParams { bytes: used, quota, full: level == Level::Full });
        }
        level
    }

    /// Tells operators by the log, the plugin, its UIs, and the host application.
    fn warn(&self, id: &PluginId, how: QuotaParams) {
        let QuotaParams { bytes, quota, full } = how;
        let what = format!("the data folder holds {bytes} bytes of the {quota} that plugin {id} may have");
        self.logs.record(NewRecord::about(id, 0, LogLevel::Warn, what));
        self.notices.tell(id, methods::DatabaseQuota::NAME, &how);
        self.bus.quota(id, &how);
        self.notices.announce(HostEvent::DatabaseQuota { plugin: id.clone(), bytes, quota, full });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PluginId, Granted>> {
        self.plugins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes the folder, looks that nothing leads out of it, and names the file.
fn grant(data_dir: &Path, file: &DatabaseFile) -> Result<String, RpcError> {
    let data_dir = std::path::absolute(data_dir).map_err(|error| broken(data_dir, &error))?;
    match fs::symlink_metadata(&data_dir) {
        Ok(found) if !found.is_dir() => {
            return Err(denied(&data_dir, "is not a folder of its own but leads elsewhere"));
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
    path.into_os_string()
        .into_string()
        .map_err(|path| denied(Path::new(&path), "is not UTF-8 and cannot be named in an answer"))
}

fn beside(path: &Path, side: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(side);
    name.into()
}

/// What exists must be a plain file with this one name: no link of either kind, no folder, no device.
fn check_plain(path: &Path) -> Result<(), RpcError> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => Err(denied(path, "is not a plain file; move it away")),
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
