//! Which modules the shell page has for UIs, and which names are in each: `names.json`, which the build of the page writes.
//!
//! The page's import map is made of it, and `outboard check` reads it too. Must not know any plugin.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::Deserialize;

use super::files;

/// A module that UIs import.
#[derive(Debug, Deserialize)]
pub(crate) struct Module {
    /// Its file below the shell's address.
    pub(crate) file: String,
    /// What it exports.
    pub(crate) names: BTreeSet<String>,
    /// Whether it is loaded for those UIs alone that name it.
    #[serde(default)]
    pub(crate) heavy: bool,
}

/// Every module, by the name under which it is imported.
pub(crate) fn offered() -> &'static BTreeMap<String, Module> {
    static OFFERED: LazyLock<BTreeMap<String, Module>> = LazyLock::new(|| {
        serde_json::from_str(&files::text("names.json")).expect("INVARIANT: our own build wrote it")
    });
    &OFFERED
}
