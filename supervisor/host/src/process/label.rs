//! What a living process is called, by people and in the ledger.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The name of one living process to people and to the ledger: a plugin, and which of its generations.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Label {
    /// The plugin's id.
    pub plugin: String,
    /// Counts the processes of this plugin under this supervisor.
    pub generation: u64,
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.plugin, self.generation)
    }
}
