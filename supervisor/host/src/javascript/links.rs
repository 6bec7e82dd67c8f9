//! What plugins may import, linked beside them: Node finds it there without any hook, which costs a start least.
//!
//! A link is a convenience and never trusted: the runner takes its own copies wherever one of these names leads anywhere else. So
//! nothing here is an error, and what somebody has put there is left alone, and told.

use std::collections::{HashMap, HashSet};
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, TryLockError};

/// Packages that plugins find above themselves.
const PROVIDED: [&str; 6] = [
    "@outboard/plugin-sdk",
    "@outboard/shell",
    "@skyvexsoftware/stratos-sdk",
    "better-sqlite3",
    "electron",
    "socket.io-client",
];

/// Links of one folder of which was told that they are not ours, so that each is told once.
type Told = Arc<Mutex<HashSet<PathBuf>>>;

/// Held while the links of one folder are made: first starts come together, and would meet under one temporary name. One for each
/// folder, which may lie on a disk of its own, and hang with it.
fn of(plugins: &Path) -> Told {
    static FOLDERS: LazyLock<Mutex<HashMap<PathBuf, Told>>> = LazyLock::new(Mutex::default);
    let mut folders = FOLDERS.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(folders.entry(plugins.to_owned()).or_default())
}

/// Links the packages of the runner into `node_modules` of the folder that the plugins share.
pub(super) fn provide(runner: &Path, plugins: &Path) {
    let folder = of(plugins);
    let mut told = match folder.try_lock() {
        Ok(told) => told,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        // Another start is at it, or hangs in it: the runner resolves what is not there yet.
        Err(TryLockError::WouldBlock) => return,
    };
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

    #[test]
    fn a_folder_that_hangs_holds_up_no_start() {
        let root = tempfile::tempdir().unwrap();
        let (hangs, healthy) = (root.path().join("hangs"), root.path().join("healthy"));
        let folder = of(&hangs);
        let _held = folder.lock().unwrap();
        provide(root.path(), &hangs);
        provide(root.path(), &healthy);
        assert!(!hangs.exists() && healthy.join("node_modules/electron").is_symlink());
    }
}
