//! What an application says when it starts Outboard, and what holds where it says nothing.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::Error;

/// Bytes of the data folder's hash in the runtime folder's name: few, since a socket's path may have no more than 107 bytes.
const HASH_BYTES: usize = 6;

/// What [`crate::Outboard::start`] is told.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folders in which plugins lie, each in a folder of its own. They must exist.
    pub plugins: Vec<PathBuf>,
    /// Where everything that must last is kept: plugins' configuration, databases and logs, and the sign-in. It belongs to the
    /// application, and is made where it is not there.
    pub data: PathBuf,
    /// The program `outboard`. Otherwise the variable `OUTBOARD`, then the folder of this program, then the PATH.
    pub binary: Option<PathBuf>,
    /// The folder of the supervisor's sockets. Its path must be short. Otherwise one that is named after the data folder.
    pub runtime_dir: Option<PathBuf>,
    /// Where browsers and programs reach plugins. `127.0.0.1:0`, the default, takes any free port and keeps it through restarts.
    pub listen: String,
    /// Anything that `outboard.toml` can hold, as it stands there; paths in it are absolute. The user's own file is not read.
    pub settings: String,
    /// Further environment variables of the supervisor. Those of this process are passed on, but for `OUTBOARD_…`.
    pub env: Vec<(String, String)>,
    /// How long things may take.
    pub limits: Limits,
    /// What is done after the supervisor's death; `None`: nothing.
    pub restart: Option<RestartPolicy>,
}

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// From the start of the program until every plugin runs or has failed.
    pub ready: Duration,
    /// For a connection to the control socket, its greeting included.
    pub connect: Duration,
    /// For the answer to a call, a restart of the supervisor included. Longer than a stop and a start of a plugin together.
    pub call: Duration,
    /// For an orderly stop, after which everything is ended at once.
    pub stop: Duration,
}

/// How a supervisor that died is started again.
#[derive(Debug, Clone, Copy)]
pub struct RestartPolicy {
    /// How many deaths are borne within the window.
    pub deaths: usize,
    /// The window.
    pub within: Duration,
    /// The pause before the first restart; it doubles with each death in the window.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { ready: seconds(90), connect: seconds(5), call: seconds(120), stop: seconds(60) }
    }
}

impl Default for RestartPolicy {
    fn default() -> Self {
        Self {
            deaths: 5,
            within: Duration::from_secs(60),
            first_pause: Duration::from_millis(250),
            longest_pause: Duration::from_secs(10),
        }
    }
}

impl Options {
    /// The defaults, with the folder of the plugins and the one in which everything that must last is kept.
    pub fn new(plugins: impl Into<PathBuf>, data: impl Into<PathBuf>) -> Self {
        Self {
            plugins: vec![plugins.into()],
            data: data.into(),
            binary: None,
            runtime_dir: None,
            listen: "127.0.0.1:0".to_owned(),
            settings: String::new(),
            env: Vec::new(),
            limits: Limits::default(),
            restart: Some(RestartPolicy::default()),
        }
    }

    /// The same with absolute paths and a runtime folder.
    pub(crate) fn decided(mut self) -> Result<Self, Error> {
        let absolute = |path: &Path| {
            std::path::absolute(path)
                .map_err(|error| Error::BadOption(format!("{} cannot be used: {error}", path.display())))
        };
        if self.plugins.is_empty() {
            return Err(Error::BadOption(
                "`plugins` names no folder; name the folder that holds the plugins' folders".to_owned(),
            ));
        }
        self.data = absolute(&self.data)?;
        self.plugins = self.plugins.iter().map(|folder| absolute(folder)).collect::<Result<_, _>>()?;
        let runtime_dir = self.runtime_dir.take().unwrap_or_else(|| runtime_dir_of(&self.data));
        self.runtime_dir = Some(absolute(&runtime_dir)?);
        Ok(self)
    }

    /// The runtime folder, once it is decided.
    pub(crate) fn runtime_dir(&self) -> &Path {
        self.runtime_dir.as_deref().expect("INVARIANT: options are decided before anything is started")
    }
}

/// The same for the same data folder, so that the next start finds what a killed one left.
fn runtime_dir_of(data: &Path) -> PathBuf {
    let digest = Sha256::digest(data.as_os_str().as_encoded_bytes());
    let hash: String = digest.iter().take(HASH_BYTES).map(|byte| format!("{byte:02x}")).collect();
    let own = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|own| own.is_absolute());
    match own {
        Some(own) => own.join(format!("outboard-{hash}")),
        None => {
            let uid = rustix::process::getuid().as_raw();
            std::env::temp_dir().join(format!("outboard-{uid}-{hash}"))
        }
    }
}
