//! Where the SQLite of JavaScript plugins lies: an addon for Node, built from plugin-sdk/typescript/sqlite.
//!
//! It is beside our own program, which a file system that allows programs holds for certain; the data folder may allow none.
//! Must not know what it does.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::io;
use std::path::PathBuf;

/// The variable by which the runner is told.
pub(super) const VARIABLE: &str = "OUTBOARD_SQLITE_ADDON";

/// Where the addon belongs, whether it is there or not.
///
/// # Errors
/// When the system does not say where our program is.
pub fn addon() -> io::Result<PathBuf> {
    // Links are resolved, so that a link on the PATH leads to what lies beside the program itself.
    let program = std::env::current_exe()?;
    Ok(program.with_file_name(format!("{DLL_PREFIX}outboard_sqlite{DLL_SUFFIX}")))
}
