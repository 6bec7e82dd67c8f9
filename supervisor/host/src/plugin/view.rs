//! What everybody may see of a plugin: its state at one moment, in the words of the control API.
//!
//! Published by the actor after each step, read by control, the gateway and the supervisor.

use std::time::Duration;

use jiff::Timestamp;
use outboard_lifecycle::{Desired, Snapshot, State};
use outboard_protocol::control::{self, PluginState, PluginStatus};
use outboard_protocol::id::ServiceName;

use crate::discovery::{Installed, Program};

/// A plugin at one moment.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(crate) snapshot: Snapshot,
    pub(crate) status: PluginStatus,
    /// What it would provide.
    pub(crate) provides: Vec<ServiceName>,
    runs_something: bool,
    speaks: bool,
    has_ui: bool,
    pub(crate) icons: Icons,
}

/// A plugin's icons as its manifest names them: paths in its folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Icons {
    /// On a light ground.
    pub light: Option<String>,
    /// On a dark one.
    pub dark: Option<String>,
}

impl Icons {
    fn of(installed: &Installed) -> Self {
        let named =
            |key: &str| installed.manifest.other.get(key).and_then(|icon| icon.as_str()).map(str::to_owned);
        Self { light: named("icon_light"), dark: named("icon_dark") }
    }
}

impl View {
    /// `epoch` is the moment from which the snapshot's times count. Routes and the enabled flag belong to the context;
    /// whoever shows the status fills them in.
    pub(super) fn new(
        snapshot: Snapshot,
        advice: Option<&str>,
        installed: &Installed,
        epoch: Timestamp,
    ) -> Self {
        let status = PluginStatus {
            id: installed.id().to_string(),
            name: installed.manifest.name.clone(),
            version: installed.version(),
            install_dir: installed.folder.display().to_string(),
            state: state(&snapshot.state),
            phase: snapshot.state.phase_name().map(str::to_owned),
            cause: cause(&snapshot, advice, installed),
            cause_code: cause_code(&snapshot, installed),
            pid: snapshot.pid,
            generation: snapshot.generation.0,
            restarts: u64::from(snapshot.restarts),
            routes: Vec::new(),
            ui: None,
            since: rfc3339(epoch, snapshot.since),
            desired: match snapshot.desired {
                Desired::Up => control::Desired::Up,
                Desired::Down => control::Desired::Down,
            },
            enabled: true,
            warnings: installed.manifest.warnings.clone(),
            data: None,
        };
        Self {
            snapshot,
            status,
            provides: installed.manifest.provides.iter().map(|provided| provided.service.clone()).collect(),
            runs_something: installed.program != Program::None,
            speaks: installed.manifest.speaks_the_protocol(),
            has_ui: installed.has_ui,
            icons: Icons::of(installed),
        }
    }

    /// Whether the plugin has a program at all.
    pub(crate) fn runs_something(&self) -> bool {
        self.runs_something
    }

    /// Whether its program speaks the protocol.
    pub(crate) fn speaks(&self) -> bool {
        self.speaks
    }

    /// Whether it was given up.
    pub(crate) fn is_errored(&self) -> bool {
        matches!(self.snapshot.state, State::Errored { .. })
    }

    /// Whether it has a UI.
    pub(crate) fn has_ui(&self) -> bool {
        self.has_ui
    }

    /// Whether nothing is under way.
    pub(crate) fn is_settled(&self) -> bool {
        !matches!(self.snapshot.state, State::Starting { .. } | State::Stopping { .. })
    }

    /// Whether the plugin has no process and awaits an order.
    pub(crate) fn is_at_rest(&self) -> bool {
        matches!(self.snapshot.state, State::Stopped | State::Errored { .. })
    }
}

fn state(state: &State) -> PluginState {
    match state {
        State::Stopped => PluginState::Stopped,
        State::Starting { .. } => PluginState::Starting,
        State::Running { .. } => PluginState::Running,
        State::Stopping { .. } => PluginState::Stopping,
        State::BackingOff { .. } => PluginState::BackingOff,
        State::Errored { .. } => PluginState::Errored,
    }
}

fn cause_code(snapshot: &Snapshot, installed: &Installed) -> Option<String> {
    let has_nothing_to_run = installed.program == Program::None && snapshot.state == State::Stopped;
    let ui_only = has_nothing_to_run.then_some(control::UI_ONLY);
    snapshot.state.cause().map(|cause| cause.name()).or(ui_only).map(str::to_owned)
}

/// Why the plugin is in its state, for the states that make people ask.
fn cause(snapshot: &Snapshot, advice: Option<&str>, installed: &Installed) -> Option<String> {
    let advised = |cause: String| advice.map(|advice| format!("{cause}; {advice}")).unwrap_or(cause);
    match &snapshot.state {
        State::Errored { .. } => snapshot.cause_sentence().map(advised),
        State::BackingOff { .. } => snapshot.failure.as_ref().map(ToString::to_string).map(advised),
        State::Stopped if installed.program == Program::None => {
            Some("it has a UI and no background program, so there is nothing to run".to_owned())
        }
        State::Stopped | State::Starting { .. } | State::Running { .. } | State::Stopping { .. } => None,
    }
}

/// A time since the epoch, for people and programs: UTC, to the millisecond.
pub(super) fn rfc3339(epoch: Timestamp, since: Duration) -> String {
    let at = epoch.checked_add(jiff::SignedDuration::try_from(since).unwrap_or_default()).unwrap_or(epoch);
    format!("{at:.3}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]
    use outboard_lifecycle::{Lifecycle, Policy};

    use super::*;
    use crate::plugin::testing::installed;

    #[test]
    fn a_view_shows_of_the_folder_what_is_in_it() {
        let view = |installed: &Installed| {
            let snapshot = Lifecycle::new(Policy::default(), 0).snapshot();
            View::new(snapshot, None, installed, Timestamp::UNIX_EPOCH)
        };
        let plain = installed("subject", "1.0.0");
        let shown = view(&plain);
        assert!(shown.speaks() && shown.runs_something() && !shown.has_ui());
        let unaware =
            r#"{"id":"subject","name":"S","version":"1.0.0","run":{"command":["./it"],"protocol":"none"}}"#;
        let manifest = outboard_protocol::manifest::parse(unaware.as_bytes()).unwrap();
        let other = Installed { manifest, has_ui: true, program: Program::None, ..plain };
        let shown = view(&other);
        assert!(!shown.speaks() && !shown.runs_something() && shown.has_ui());
    }
}
