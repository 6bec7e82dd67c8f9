//! The whole context: opened from a data folder, closed in order.
//!
//! Held by the host for as long as the supervisor runs. Must not know plugins' states.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use outboard_broker::{Broker, Choice};
use outboard_protocol::context::logger::LogLevel;
use outboard_protocol::control::{BackupReport, HostEvent};
use outboard_protocol::id::ServiceName;
use outboard_protocol::{PluginId, RpcError};
use tokio::sync::broadcast;

use crate::airline::{Airline, AirlineOptions};
use crate::auth::Auth;
use crate::backup;
use crate::config::{self, Config};
use crate::database::{DataQuotas, Databases};
use crate::ipc::{BUS_BYTES, Bus};
use crate::logger::{LogOptions, Logs, NewRecord};
use crate::notice::{Mailbox, Notice, Notices};
use crate::plugins::{self, Plugins};
use crate::server::{self, Prefixes};
use crate::sign_in::SignIn;
use crate::store::{
    self, Folder, FolderError, OpenStoreError, Opened, PLUGINS_DATA, Store, StoreError, make_private_folder,
};
use crate::trouble::{self, Troubles};

/// Largest `state.db` when nobody says otherwise: far above what plugins may keep in it, far below a disk.
const STATE_MAX: u64 = 4 * 1024 * 1024 * 1024;

/// How the context is opened.
#[derive(Debug)]
pub struct ContextOptions {
    /// Where everything is kept that must last.
    pub data_dir: PathBuf,
    /// Where plugins are reached from outside: an origin without a slash at the end.
    pub base_url: String,
    /// How logs are kept.
    pub log: LogOptions,
    /// How large `state.db` may grow, in bytes; beyond it sets are answered `storage_full`.
    pub state_max: u64,
    /// How many bytes each plugin may keep in its data folder.
    pub data: DataQuotas,
    /// How many bytes may wait for all clients of the bus together; beyond it the slowest is cut off.
    pub bus_bytes: usize,
    /// How long a backup may take.
    pub backup_wait: Duration,
    /// How patient the host is with the airline's servers.
    pub airline: AirlineOptions,
    /// Who provides which service, where that is decided beforehand.
    pub services: Vec<(ServiceName, Choice)>,
}

impl ContextOptions {
    /// The defaults on a data folder.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            base_url: String::new(),
            log: LogOptions::default(),
            state_max: STATE_MAX,
            data: DataQuotas::default(),
            bus_bytes: BUS_BYTES,
            backup_wait: backup::BACKUP_WAIT,
            airline: AirlineOptions::default(),
            services: Vec::new(),
        }
    }
}

/// A commit takes milliseconds, on a busy disk some hundred; one that takes longer than this hangs.
const HELD_UP: Duration = Duration::from_secs(1);

/// Why the context cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The data folder cannot be used; another supervisor may hold it.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// `state.db` cannot be used.
    #[error(transparent)]
    State(#[from] OpenStoreError),
    /// A restore that was cut off cannot be brought to its end.
    #[error("a restore was cut off, and cannot be brought to its end")]
    Restore(#[from] backup::RestoreError),
    /// Something that is kept cannot be read.
    #[error("cannot read what is kept in the data folder")]
    Read(#[from] StoreError),
    /// A thread cannot be started.
    #[error("cannot start a thread; the limit of processes may be reached")]
    Thread(#[source] std::io::Error),
}

/// What `ctx.*` does, for every plugin. Clones share it.
#[derive(Clone)]
pub struct Context {
    /// Log records: kept, read, followed.
    pub logs: Logs,
    /// Events for UIs.
    pub bus: Bus,
    /// Plugins' configuration.
    pub config: Config,
    /// The host's sign-in.
    pub auth: Auth,
    /// The bound airline.
    pub airline: Airline,
    /// Who provides which service, and who uses it.
    pub broker: Broker,
    /// Grants of database files.
    pub databases: Databases,
    /// Who owns which path.
    pub prefixes: Prefixes,
    /// What is remembered of each plugin.
    pub plugins: Plugins,
    /// What is amiss with the supervisor itself.
    pub troubles: Troubles,
    notices: Notices,
    store: Store,
    data_dir: Arc<Path>,
    backup_wait: Duration,
    findings: Arc<[String]>,
}

impl Context {
    /// Takes the data folder and opens what is in it. Blocks for the time of a few disk reads.
    ///
    /// # Errors
    /// See [`OpenError`]. A damaged file is not an error: it is set aside, and [`Context::findings`] says so.
    pub fn open(options: ContextOptions) -> Result<Self, OpenError> {
        let ContextOptions {
            data_dir,
            base_url,
            log,
            state_max,
            data,
            bus_bytes,
            backup_wait,
            airline,
            services,
        } = options;
        let folder = Folder::take(&data_dir)?;
        let data_dir = folder.path().to_owned();
        let recovered = backup::recover(&data_dir)?;
        let swept = backup::sweep(&data_dir);
        let state = folder.state_file();
        let Opened { db, mut findings } = store::open(&state, state_max, folder.was_used())?;
        let name = |error: rusqlite::Error| StoreError::from_sqlite(&state, &error);
        let stored_config = config::Stored::load(&db).map_err(name)?;
        let stored_prefixes = server::Stored::load(&db).map_err(name)?;
        let stored_plugins = plugins::Stored::load(&db).map_err(name)?;
        let notices = Notices::new();
        let troubles = Troubles::new(notices.clone());
        let store = Store::start(db, folder, troubles.clone()).map_err(OpenError::Thread)?;
        let (sign_in, finding) = SignIn::open(&data_dir, store.clone())?;
        findings.extend(finding);
        let log_dir = data_dir.join("logs");
        make_private_folder(&log_dir)?;
        let logs = Logs::open(&log_dir, log, troubles.clone()).map_err(OpenError::Thread)?;
        for done in recovered.into_iter().chain(swept) {
            logs.record(NewRecord::supervisor(LogLevel::Warn, done));
        }
        if !findings.is_empty() {
            troubles.set(trouble::FOUND_AT_START, &findings.join(". "));
        }
        for finding in &findings {
            logs.record(NewRecord::supervisor(LogLevel::Error, finding.clone()));
        }
        let bus = Bus::new(bus_bytes);
        let context = Self {
            config: Config::new(store.clone(), stored_config, notices.clone(), bus.clone()),
            auth: Auth::new(sign_in.clone(), notices.clone()),
            airline: Airline::new(sign_in, notices.clone(), logs.clone(), airline),
            broker: Broker::default(),
            databases: Databases::new(
                data_dir.join(PLUGINS_DATA),
                data,
                logs.clone(),
                notices.clone(),
                bus.clone(),
            ),
            prefixes: Prefixes::new(store.clone(), stored_prefixes, String::new()),
            plugins: Plugins::new(store.clone(), stored_plugins),
            logs,
            bus,
            troubles,
            notices,
            store,
            data_dir: data_dir.into(),
            backup_wait,
            findings: findings.into(),
        };
        context.set_base_url(&base_url);
        context.broker.choose(services);
        Ok(context)
    }

    /// What an operator must know about what was found on opening, a sentence each; logged as well.
    pub fn findings(&self) -> &[String] {
        &self.findings
    }

    /// Says where plugins are reached from outside, once the real port is known.
    pub fn set_base_url(&self, base_url: &str) {
        self.prefixes.set_base_url(base_url);
    }

    /// Where a plugin's notifications arrive from now on; whoever had its mailbox before gets nothing more.
    pub fn mailbox(&self, plugin: &PluginId) -> Mailbox {
        self.notices.mailbox(plugin)
    }

    /// What every plugin is told, from now on: changes of the sign-in and of the airline. A receiver that lags loses the oldest,
    /// and is told how many.
    pub fn news(&self) -> broadcast::Receiver<Notice> {
        self.notices.news()
    }

    /// What the host application may want to act upon, from now on.
    pub fn host_events(&self) -> broadcast::Receiver<HostEvent> {
        self.notices.events()
    }

    /// Copies `state.db` and the plugins' databases into one new file while everything goes on; see [`backup`].
    ///
    /// # Errors
    /// `invalid_params` for a file that is not an absolute path, `conflict` where something is there already, `storage_full`,
    /// `storage_corrupt`, `timeout`. The file is then not there.
    pub async fn backup(&self, file: &Path) -> Result<BackupReport, RpcError> {
        backup::make(&self.store, &self.data_dir, file, self.backup_wait).await
    }

    /// Whether the disk has been holding up what is kept for some time, so that whoever waits for an answer of ours waits for
    /// the disk.
    pub fn are_held_up(&self) -> bool {
        self.store.held_up() >= HELD_UP
    }

    /// Writes what is queued, closes the files and lets go of the data folder; bounded in time.
    pub async fn close(&self) {
        self.airline.close().await;
        self.store.close().await;
        self.logs.close().await;
    }
}
