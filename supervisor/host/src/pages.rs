//! Where browsers find the pages of the supervisor and of plugins, as the gateway says it: told in the status, and to nobody else.
//!
//! Made by the composition root. Must not know how names become origins.

use std::fmt;
use std::sync::Arc;

/// Addresses of pages for a browser on this machine.
#[derive(Clone)]
pub struct Pages {
    /// The origin at which the operator's pages are.
    pub origin: String,
    /// The address of a plugin's UI, by the plugin's id.
    pub ui: Arc<dyn Fn(&str) -> String + Send + Sync>,
}

impl fmt::Debug for Pages {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Pages").field("origin", &self.origin).finish_non_exhaustive()
    }
}
