//! Which plugins there are, as everybody may see it: a snapshot, published by the supervisor task.

use std::collections::BTreeMap;

use outboard_protocol::PluginId;
use outboard_protocol::control::{Desired, PluginState, PluginStatus};

use crate::discovery::Invalid;
use crate::plugin::PluginHandle;

/// The plugins at one moment.
#[derive(Clone, Default)]
pub(crate) struct Catalogue {
    pub(crate) plugins: BTreeMap<PluginId, PluginHandle>,
    pub(crate) invalid: BTreeMap<String, Invalid>,
    /// Whether the first scan is over.
    pub(crate) scanned: bool,
}

impl Catalogue {
    /// Without handles, so that nobody holds an actor any more.
    pub(crate) fn without_plugins(&self) -> Self {
        Self { plugins: BTreeMap::new(), invalid: self.invalid.clone(), scanned: self.scanned }
    }
}

/// How an unusable folder is shown among the plugins.
pub(crate) fn invalid_status(name: &str, invalid: &Invalid) -> PluginStatus {
    PluginStatus {
        id: name.to_owned(),
        name: name.to_owned(),
        version: String::new(),
        install_dir: invalid.folder.display().to_string(),
        state: PluginState::Invalid,
        phase: None,
        cause: Some(invalid.reason.clone()),
        cause_code: Some("invalid-manifest".to_owned()),
        pid: None,
        generation: 0,
        restarts: 0,
        routes: Vec::new(),
        ui: None,
        since: format!("{:.3}", invalid.since),
        desired: Desired::Down,
        enabled: true,
        warnings: Vec::new(),
        data: None,
    }
}
