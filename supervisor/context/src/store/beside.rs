//! Names of the files that stand beside a database: SQLite's log and its like, and what was set aside.
//!
//! Used by the store and by a restore. Must not know which files there are.

use std::path::{Path, PathBuf};

/// The path with this at its end.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
