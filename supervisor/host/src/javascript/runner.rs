//! The runner as files: compiled in, unpacked into a folder that carries their digest in its name, and linked above plugins.
//!
//! What is embedded is built by plugin-sdk/typescript/scripts/build.mjs and committed; its test says when it is stale. Must
//! not know what the files do.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};
use std::io;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};

macro_rules! embedded {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_bytes!(concat!("../../../../plugin-sdk/typescript/dist-runner/", $path)))),*]
    };
}

/// Every file of the runner, by its path.
const FILES: &[(&str, &[u8])] = embedded![
    "THIRD-PARTY.txt",
    "axios.cjs",
    "boot.mjs",
    "express.cjs",
    "main.mjs",
    "node-sqlite3-wasm.wasm",
    "node_modules/@outboard/plugin-sdk/index.cjs",
    "node_modules/@outboard/plugin-sdk/index.mjs",
    "node_modules/@outboard/plugin-sdk/package.json",
    "node_modules/@skyvexsoftware/stratos-sdk/index.cjs",
    "node_modules/@skyvexsoftware/stratos-sdk/index.mjs",
    "node_modules/@skyvexsoftware/stratos-sdk/package.json",
    "node_modules/electron/index.cjs",
    "node_modules/electron/package.json",
    "node_modules/socket.io-client/index.cjs",
    "node_modules/socket.io-client/index.mjs",
    "node_modules/socket.io-client/package.json",
    "resolve-hooks.mjs",
    "sqlite.cjs",
    "typescript-hooks.mjs",
    "typescript.cjs",
];

/// The file that Node is given.
pub(super) const BOOT: &str = "boot.mjs";

/// Packages that plugins find above themselves.
const PROVIDED: [&str; 4] =
    ["@outboard/plugin-sdk", "@skyvexsoftware/stratos-sdk", "electron", "socket.io-client"];

/// Begins the name of every folder that the runner was unpacked into.
const PREFIX: &str = "runner-";

/// The runner cannot be laid out on disk.
#[derive(Debug, thiserror::Error)]
#[error("the JavaScript runner cannot be unpacked to {}: {source}; the folder must be writable and have 5 MB of room", .at.display())]
pub struct UnpackError {
    at: PathBuf,
    source: io::Error,
}

/// The folder of the unpacked runner, below `dir`. Unpacks it where it is not there or not whole; looks once a run.
pub(super) fn unpacked(dir: &Path) -> Result<PathBuf, UnpackError> {
    static DONE: LazyLock<Mutex<HashMap<PathBuf, PathBuf>>> = LazyLock::new(Mutex::default);
    let mut done = DONE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(folder) = done.get(dir)
        && folder.join(BOOT).is_file()
    {
        return Ok(folder.clone());
    }
    let folder = dir.join(format!("{PREFIX}{}", digest()));
    unpack(dir, &folder).map_err(|source| UnpackError { at: folder.clone(), source })?;
    done.insert(dir.to_owned(), folder.clone());
    Ok(folder)
}

/// Tells one build's files from another's.
fn digest() -> String {
    let mut hasher = DefaultHasher::new();
    for (path, content) in FILES {
        hasher.write(path.as_bytes());
        hasher.write(content);
    }
    format!("{:016x}", hasher.finish())
}

fn unpack(dir: &Path, folder: &Path) -> io::Result<()> {
    if is_whole(folder) {
        return Ok(());
    }
    private(dir)?;
    // Other builds' folders: this data folder is ours alone, so nobody runs from them any more.
    for entry in std::fs::read_dir(dir)?.flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            std::fs::remove_dir_all(entry.path())?;
        }
    }
    let new = dir.join(format!("{PREFIX}new-{}", std::process::id()));
    for (path, content) in FILES {
        let file = new.join(path);
        private(file.parent().unwrap_or(&new))?;
        std::fs::write(file, content)?;
    }
    // One step, so that a runner that is there is whole.
    std::fs::rename(&new, folder)
}

fn is_whole(folder: &Path) -> bool {
    FILES.iter().all(|(path, content)| std::fs::read(folder.join(path)).is_ok_and(|found| found == *content))
}

fn private(folder: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Links what plugins may import into `node_modules` of their common folder, which costs a start least. Where that folder
/// cannot be written to, the runner resolves the names itself, so nothing here is an error.
pub(super) fn provide(runner: &Path, plugins: &Path) {
    /// First starts come together, and would meet under one temporary name.
    static LINKING: Mutex<()> = Mutex::new(());
    let _alone = LINKING.lock().unwrap_or_else(PoisonError::into_inner);
    for name in PROVIDED {
        let (target, link) =
            (runner.join("node_modules").join(name), plugins.join("node_modules").join(name));
        if std::fs::read_link(&link).is_ok_and(|found| found == target) {
            continue;
        }
        if let Err(error) = relink(&target, &link) {
            tracing::debug!(link = %link.display(), %error, "cannot be linked; the runner resolves it");
        }
    }
}

/// Puts the link in place of an older one; leaves alone what somebody else has put there.
fn relink(target: &Path, link: &Path) -> io::Result<()> {
    if let Ok(about) = std::fs::symlink_metadata(link)
        && !about.is_symlink()
    {
        return Ok(());
    }
    let folder = link.parent().ok_or(io::ErrorKind::InvalidInput)?;
    std::fs::create_dir_all(folder)?;
    let new = folder.join(format!(".new-{}", std::process::id()));
    // A leftover of a process with our number.
    let _ = std::fs::remove_file(&new);
    symlink(target, &new)?;
    std::fs::rename(new, link)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that fails here fails loudly

    use std::collections::BTreeSet;

    use super::*;

    fn files_below(folder: &Path, root: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                files_below(&path, root, found);
            } else {
                found.insert(path.strip_prefix(root).unwrap().display().to_string());
            }
        }
    }

    #[test]
    fn every_file_of_the_built_runner_is_embedded() {
        let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugin-sdk/typescript/dist-runner");
        let mut found = BTreeSet::new();
        files_below(&built, &built, &mut found);
        let embedded: BTreeSet<_> = FILES.iter().map(|(path, _)| (*path).to_owned()).collect();
        assert_eq!(embedded, found);
    }

    #[test]
    fn what_is_unpacked_is_whole_and_what_was_tampered_with_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("runner-x");
        std::fs::create_dir(dir.path().join("runner-of-an-older-build")).unwrap();
        unpack(dir.path(), &folder).unwrap();
        assert!(is_whole(&folder));
        assert!(!dir.path().join("runner-of-an-older-build").exists());
        std::fs::write(folder.join(BOOT), "somebody else's").unwrap();
        assert!(!is_whole(&folder));
        unpack(dir.path(), &folder).unwrap();
        assert!(is_whole(&folder));
    }

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
    fn a_folder_that_cannot_be_written_is_named() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        std::fs::write(&file, "").unwrap();
        let sentence = unpacked(&file).unwrap_err().to_string();
        assert!(sentence.contains("cannot be unpacked to") && sentence.contains("/file/"), "{sentence}");
    }
}
