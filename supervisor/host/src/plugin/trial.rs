//! One process of a plugin without supervision: started just as the supervisor starts it, and then handed over whole.
//!
//! Called by the conformance kit, which plays the host by itself. Knows no message, no state machine and no restart.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::launch::{LaunchOptions, LaunchedSocket, launch};
use super::settings::PluginSettings;
use crate::discovery::Installed;
use crate::javascript;
use crate::process::{Label, Spawned, Spawner};
use crate::routes::Address;

/// Where a trial may put things. Nothing outside of these is written.
#[derive(Debug, Clone)]
pub struct Folders {
    /// Below it the plugin gets its data folder.
    pub data: PathBuf,
    /// For the socket; made closed to others where it is absent.
    pub sockets: PathBuf,
    /// For the unpacked runner of JavaScript plugins.
    pub runner: PathBuf,
    /// The origin that the plugin is told.
    pub base_url: String,
}

impl Folders {
    /// The data folder that the plugin gets.
    pub fn plugin_data(&self, installed: &Installed) -> PathBuf {
        self.options().plugin_data_dir(installed)
    }

    fn options(&self) -> LaunchOptions {
        LaunchOptions {
            data_dir: self.data.clone(),
            socket_dir: self.sockets.clone(),
            base_url: ArcSwap::from_pointee(self.base_url.clone()),
            // No links: they would lead to a folder that goes with the trial, and take the place of a running supervisor's.
            javascript: javascript::Options { node: None, runner_dir: self.runner.clone(), link: false },
        }
    }
}

/// The socket of a trial; its file is removed when this is dropped.
pub struct Door(LaunchedSocket);

impl Door {
    /// Where to connect.
    pub fn address(&self) -> Address {
        self.0.address()
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Door").field(&self.address()).finish()
    }
}

/// A process that nobody looks after but the caller.
#[derive(Debug)]
pub struct Trial {
    /// The process with its pipes.
    pub spawned: Spawned,
    /// Its socket for HTTP.
    pub door: Door,
}

/// There is no process; the sentence says why.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct TrialError(String);

/// Starts a process of the plugin: program, environment, descriptors and limits as under the supervisor. A JavaScript module finds
/// what it may import through the runner alone. Several may run at
/// a time; `number` tells them apart.
///
/// # Errors
/// When the program does not run.
pub async fn start(
    spawner: &Spawner,
    installed: Arc<Installed>,
    folders: &Folders,
    number: u64,
) -> Result<Trial, TrialError> {
    let settings = Arc::new(PluginSettings::default());
    let slot = format!("trial-{number}");
    // A plugin's own label is for one process at a time.
    let label = Label { plugin: format!("{}-{slot}", installed.id()), generation: 1 };
    launch(installed, settings, Arc::new(folders.options()), spawner.clone(), label, slot, |_| {})
        .await
        .map(|launched| Trial { spawned: launched.spawned, door: Door(launched.socket) })
        .map_err(|failure| TrialError(failure.why))
}
