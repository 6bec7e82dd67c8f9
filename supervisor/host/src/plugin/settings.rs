//! What operators set for a plugin.
//!
//! Filled by the command line, read by the supervisor and the plugin's actor. Knows nothing that runs.

use std::time::Duration;

use outboard_lifecycle::Policy;
use outboard_protocol::manifest::Limits;

use crate::session::SessionLimits;

/// What an operator can set for a plugin, or for all of them.
#[derive(Debug, Clone)]
pub struct PluginSettings {
    /// False: it is not started, whatever was remembered.
    pub enabled: bool,
    /// Deadlines and the restart policy.
    pub policy: Policy,
    /// How long a host call on behalf of a UI or an operator may take.
    pub host_call: Duration,
    /// Further environment variables, which win over ours.
    pub env: Vec<(String, String)>,
    /// Limits that win over the manifest's.
    pub limits: Limits,
    /// Bounds of the session.
    pub session: SessionLimits,
    /// The port of 127.0.0.1 at which a debugger is let in.
    pub inspect: Option<u16>,
    /// Whether the program waits there for one before it begins.
    pub inspect_brk: bool,
}

impl Default for PluginSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            policy: Policy::default(),
            host_call: Duration::from_secs(30),
            env: Vec::new(),
            limits: Limits::default(),
            session: SessionLimits::default(),
            inspect: None,
            inspect_brk: false,
        }
    }
}
