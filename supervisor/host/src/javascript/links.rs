//! What plugins may import, linked beside them: Node finds it there without any hook, which costs a start least.
//!
//! A link is a convenience and never trusted: the runner takes its own copies wherever one of these names leads anywhere else. So
//! nothing here is an error, and what somebody has put there is left alone, and told.

use std::collections::HashSet;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};

/// Packages that plugins find above themselves.
const PROVIDED: [&str; 5] =
    ["@outboard/plugin-sdk", "@skyvexsoftware/stratos-sdk", "better-sqlite3", "electron", "socket.io-client"];

/// Links the packages of the runner into `node_modules` of the folder that the plugins share.
pub(super) fn provide(runner: &Path, plugins: &Path) {
    /// First starts come together, and would meet under one temporary name. What was told is told once.
    static TOLD: LazyLock<Mutex<HashSet<PathBuf>>> = LazyLock::new(Mutex::default);
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    for name in PROVIDED {
        let (target, link) =
            (runner.join("node_modules").join(name), plugins.join("node_modules").join(name));
        if std::fs::read_link(&link).is_ok_and(|found| found == target) {
            told.remove(&link);
            continue;
        }
        match relink(&target, &link) {
            Ok(true) => {}
            Ok(false) => {
                if told.insert(link.clone()) {
                    tracing::warn!(
                        "{} is not the link that Outboard puts there, and is not used: plugins get Outboard's own {name}, and start more \
                         slowly. Remove it, or move it into the node_modules of the plugin that needs it",
                        link.display()
                    );
                }
            }
            Err(error) => {
                tracing::debug!(link = %link.display(), %error, "cannot be linked; the runner resolves it");
            }
        }
    }
}

/// Puts the link in place of an older one; leaves alone what somebody else has put there, and says so.
fn relink(target: &Path, link: &Path) -> io::Result<bool> {
    if let Ok(about) = std::fs::symlink_metadata(link)
        && !about.is_symlink()
    {
        return Ok(false);
    }
    let folder = link.parent().ok_or(io::ErrorKind::InvalidInput)?;
    std::fs::create_dir_all(folder)?;
    let new = folder.join(format!(".new-{}", std::process::id()));
    // A leftover of a process with our number.
    let _ = std::fs::remove_file(&new);
    symlink(target, &new)?;
    std::fs::rename(new, link)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that fails here fails loudly

    use super::*;

    #[test]
    fn links_are_renewed_and_packages_of_others_are_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let (old, new, plugins) =
            (root.path().join("old"), root.path().join("new"), root.path().join("plugins"));
        let own = plugins.join("node_modules/electron");
        std::fs::create_dir_all(&own).unwrap();
        provide(&old, &plugins);
        provide(&new, &plugins);
        let link = plugins.join("node_modules/@skyvexsoftware/stratos-sdk");
        assert_eq!(std::fs::read_link(link).unwrap(), new.join("node_modules/@skyvexsoftware/stratos-sdk"));
        assert!(own.is_dir() && !own.is_symlink());
    }
}
