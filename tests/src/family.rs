//! Descendants of the hostile plugin that want to stay when it goes.

use serde_json::json;

use crate::patience::eventually;
use crate::supervisor::Supervisor;

/// A child, one in a session of its own whose parent has gone, and one that has cleared its environment besides. All are
/// deaf to SIGTERM.
pub const ROLES: [&str; 3] = ["sleeper", "daemon", "daemon-without-a-past"];
/// What the supervisor says of the last kind: nothing ties it to its plugin, so it is ended as soon as it is seen, which may
/// be before a test sees it.
const ENDED_AT_ONCE: &str = "killed a process that had left the session, the group and the environment";

impl Supervisor {
    /// Lets a plugin start one, and waits until it is there, or was.
    pub fn start_family(&self, id: &str, role: &str) {
        let before = self.programs().len();
        self.fault(id, json!(["start-family", role]));
        eventually(role, || {
            (self.programs().len() > before || self.errors().contains(ENDED_AT_ONCE)).then_some(())
        });
    }
}
