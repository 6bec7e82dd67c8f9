//! What is amiss with the supervisor's own ground at this moment: its files, its folders, what the machine hands out.
//!
//! Told by whoever notices, shown by `status`, announced as an event when it begins, changes and ends. Nothing here is a
//! plugin's fault. Must not know who notices or who looks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use outboard_protocol::control::{HostEvent, Trouble};

use crate::notice::Notices;

/// The kind: `state.db` is gone, replaced or cut short.
pub const STATE_FILE: &str = "state-file";
/// The kind: what was kept could not be read at the start, and has been set aside. Lasts until the next start.
pub const FOUND_AT_START: &str = "found-at-start";
/// The kind: log records cannot be written.
pub const LOG_FILES: &str = "log-files";
/// The kind: the runtime folder, or something in it, was removed.
pub const RUNTIME_FOLDER: &str = "runtime-folder";

/// Everything that is amiss now, one sentence for each kind. Clones share it.
#[derive(Debug, Clone)]
pub struct Troubles {
    now: Arc<Mutex<BTreeMap<&'static str, String>>>,
    notices: Notices,
}

impl Troubles {
    pub(crate) fn new(notices: Notices) -> Self {
        Self { now: Arc::default(), notices }
    }

    /// Says what is wrong and what to do, in one sentence. The same sentence again changes nothing.
    pub fn set(&self, kind: &'static str, says: &str) {
        let mut now = self.lock();
        if now.get(kind).is_some_and(|known| known == says) {
            return;
        }
        now.insert(kind, says.to_owned());
        // With the lock held, so that events come in the order of the changes.
        self.notices.announce(HostEvent::Trouble { kind: kind.to_owned(), says: Some(says.to_owned()) });
    }

    /// Says that a kind of trouble is over, if there was one.
    pub fn clear(&self, kind: &'static str) {
        let mut now = self.lock();
        if now.remove(kind).is_some() {
            self.notices.announce(HostEvent::Trouble { kind: kind.to_owned(), says: None });
        }
    }

    /// All of it, by kind.
    pub fn now(&self) -> Vec<Trouble> {
        let now = self.lock();
        now.iter().map(|(kind, says)| Trouble { kind: (*kind).to_owned(), says: says.clone() }).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, String>> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
