//! The runner as files: compiled in, and unpacked into a folder that carries their digest in its name.
//!
//! Plugins run as our own user, so any of them could change what all of them run: before each start the folder is looked at, and
//! one that is no longer what was compiled in is unpacked again. What is embedded is built by
//! plugin-sdk/typescript/scripts/build.mjs and committed; its test says when it is stale. Must not know what the files do.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};

use super::seal::Seal;

macro_rules! embedded {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_bytes!(concat!("../../../../plugin-sdk/typescript/dist-runner/", $path)))),*]
    };
}

/// Every file of the runner, by its path.
pub(super) const FILES: &[(&str, &[u8])] = embedded![
    "THIRD-PARTY.txt",
    "axios.cjs",
    "boot.mjs",
    "check.mjs",
    "express.cjs",
    "faces.cjs",
    "hooks.mjs",
    "main.mjs",
    "node_modules/@outboard/plugin-sdk/axios.d.ts",
    "node_modules/@outboard/plugin-sdk/base.d.ts",
    "node_modules/@outboard/plugin-sdk/database/types.d.ts",
    "node_modules/@outboard/plugin-sdk/generated/protocol.d.ts",
    "node_modules/@outboard/plugin-sdk/helpers.d.ts",
    "node_modules/@outboard/plugin-sdk/index.cjs",
    "node_modules/@outboard/plugin-sdk/index.d.ts",
    "node_modules/@outboard/plugin-sdk/index.mjs",
    "node_modules/@outboard/plugin-sdk/package.json",
    "node_modules/@outboard/plugin-sdk/plugin.d.ts",
    "node_modules/@outboard/plugin-sdk/service-types.d.ts",
    "node_modules/@outboard/plugin-sdk/tagged.d.ts",
    "node_modules/@outboard/plugin-sdk/types.d.ts",
    "node_modules/@outboard/plugin-sdk/ui-absent.d.ts",
    "node_modules/@outboard/plugin-sdk/ui/bus.d.ts",
    "node_modules/@outboard/plugin-sdk/ui/components/badge.d.ts",
    "node_modules/@outboard/plugin-sdk/ui/components/button.d.ts",
    "node_modules/@outboard/plugin-sdk/ui/components/card.d.ts",
    "node_modules/@outboard/plugin-sdk/ui/components/cn.d.ts",
    "node_modules/@outboard/plugin-sdk/ui/connect.d.ts",
    "node_modules/@outboard/plugin-sdk/ui/index.d.ts",
    "node_modules/@outboard/plugin-sdk/ui/react.d.ts",
    "node_modules/@outboard/plugin-sdk/ui/service.d.ts",
    "node_modules/@outboard/plugin-sdk/ui/surface.d.ts",
    "node_modules/@outboard/plugin-sdk/ui/types.d.ts",
    "node_modules/@outboard/plugin-sdk/ui/use-service.d.ts",
    "node_modules/@outboard/plugin-sdk/wire/error.d.ts",
    "node_modules/@outboard/shell/helpers.d.ts",
    "node_modules/@outboard/shell/index.cjs",
    "node_modules/@outboard/shell/index.d.ts",
    "node_modules/@outboard/shell/index.mjs",
    "node_modules/@outboard/shell/package.json",
    "node_modules/@outboard/shell/shell-types.d.ts",
    "node_modules/@outboard/shell/types.d.ts",
    "node_modules/@outboard/shell/ui-absent.d.ts",
    "node_modules/@outboard/shell/ui/flight.d.ts",
    "node_modules/@outboard/shell/ui/shell-config.d.ts",
    "node_modules/@outboard/shell/ui/shell.d.ts",
    "node_modules/@outboard/shell/ui/va-api.d.ts",
    "node_modules/@outboard/shell/values.d.ts",
    "node_modules/@skyvexsoftware/stratos-sdk/helpers.d.ts",
    "node_modules/@skyvexsoftware/stratos-sdk/index.cjs",
    "node_modules/@skyvexsoftware/stratos-sdk/index.d.ts",
    "node_modules/@skyvexsoftware/stratos-sdk/index.mjs",
    "node_modules/@skyvexsoftware/stratos-sdk/package.json",
    "node_modules/@skyvexsoftware/stratos-sdk/types.d.ts",
    "node_modules/better-sqlite3/index.cjs",
    "node_modules/better-sqlite3/index.mjs",
    "node_modules/better-sqlite3/package.json",
    "node_modules/electron/index.cjs",
    "node_modules/electron/package.json",
    "node_modules/socket.io-client/index.cjs",
    "node_modules/socket.io-client/index.mjs",
    "node_modules/socket.io-client/package.json",
    "sqlite.cjs",
    "typescript.cjs",
];

/// The file that Node is given.
pub(super) const BOOT: &str = "boot.mjs";

/// Begins the name of every folder that the runner was unpacked into.
const PREFIX: &str = "runner-";

/// The runner cannot be laid out on disk.
#[derive(Debug, thiserror::Error)]
#[error("the JavaScript runner cannot be unpacked to {}: {source}; the folder must be writable and have 5 MB of room", .at.display())]
pub struct UnpackError {
    at: PathBuf,
    source: io::Error,
}

impl UnpackError {
    pub(super) fn new(at: PathBuf, source: io::Error) -> Self {
        Self { at, source }
    }
}

/// The folder of the unpacked runner, below `dir`, as it was compiled in. Unpacks it where it is not there or was changed.
pub(super) fn unpacked(dir: &Path) -> Result<PathBuf, UnpackError> {
    static SEALED: LazyLock<Mutex<HashMap<PathBuf, Seal>>> = LazyLock::new(Mutex::default);
    let mut sealed = SEALED.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = dir.join(format!("{PREFIX}{}", digest()));
    // A seal that still holds costs no reading.
    if sealed.get(dir).is_some_and(|seal| Seal::of(&folder).is_ok_and(|now| now == *seal)) {
        return Ok(folder);
    }
    let seal = match whole(&folder) {
        Ok(seal) => seal,
        Err(why) => {
            if why.kind() != io::ErrorKind::NotFound {
                tracing::warn!(folder = %folder.display(), %why, "the JavaScript runner was changed, and is unpacked again");
            }
            unpack(dir, &folder).map_err(|source| UnpackError { at: folder.clone(), source })?
        }
    };
    sealed.insert(dir.to_owned(), seal);
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

fn unpack(dir: &Path, folder: &Path) -> io::Result<Seal> {
    private(dir)?;
    // Other builds' folders, and a changed one: this data folder is ours alone. Whoever runs from one has loaded its beginning, and
    // finds the rest under the same name again.
    for entry in std::fs::read_dir(dir)?.flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            remove(&entry.path())?;
        }
    }
    let new = dir.join(format!("{PREFIX}new-{}", std::process::id()));
    lay_out(&new)?;
    // One step, so that a runner that is there is whole.
    std::fs::rename(&new, folder)?;
    whole(folder)
}

/// Writes every file below a folder.
pub(super) fn lay_out(folder: &Path) -> io::Result<()> {
    for (path, content) in FILES {
        let file = folder.join(path);
        private(file.parent().unwrap_or(folder))?;
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(MODE).open(file)?;
        file.write_all(content)?;
    }
    Ok(())
}

/// The seal of a folder that holds what was compiled in and nothing else; an error says what differs.
fn whole(folder: &Path) -> io::Result<Seal> {
    let seal = Seal::of(folder)?;
    let differs = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    if seal.files() != FILES.len() {
        return Err(differs("it holds more or fewer files than it should"));
    }
    for (path, content) in FILES {
        if outboard_files::read(&folder.join(path), content.len() as u64).ok().as_deref() != Some(*content) {
            return Err(differs(&format!("{path} is another one")));
        }
    }
    // What was changed while it was read.
    if Seal::of(folder)? == seal { Ok(seal) } else { Err(differs("it changes")) }
}

/// Removes whatever has the name.
fn remove(path: &Path) -> io::Result<()> {
    if std::fs::symlink_metadata(path)?.is_dir() {
        std::fs::remove_dir_all(path)
    } else {
        std::fs::remove_file(path)
    }
}

/// What the files may be used for: nobody writes them, ourselves included. Their folders stay ours to remove.
const MODE: u32 = 0o400;

fn private(folder: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
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

    /// A way to change an unpacked runner.
    type Change = fn(&Path) -> io::Result<()>;

    fn overwrite(file: &Path, text: &str) -> io::Result<()> {
        // As one does who may not write it.
        std::fs::remove_file(file)?;
        std::fs::write(file, text)
    }

    #[test]
    fn a_runner_that_was_changed_in_any_way_is_unpacked_again_before_the_next_start() {
        let changes: [(&str, Change); 8] = [
            ("a file is another one", |folder| overwrite(&folder.join("main.mjs"), "somebody else's")),
            ("a file has other bytes and the former times", |folder| {
                let file = folder.join(BOOT);
                let about = std::fs::metadata(&file)?;
                let mut text = std::fs::read(&file)?;
                text[3] ^= 1;
                overwrite(&file, &String::from_utf8_lossy(&text))?;
                std::fs::File::options().write(true).open(&file)?.set_modified(about.modified()?)
            }),
            ("a file is gone", |folder| std::fs::remove_file(folder.join("express.cjs"))),
            ("a file is a link", |folder| {
                std::fs::rename(folder.join(BOOT), folder.join("moved"))?;
                std::os::unix::fs::symlink("moved", folder.join(BOOT))
            }),
            ("a file is a pipe", |folder| {
                std::fs::remove_file(folder.join(BOOT))?;
                nix::unistd::mkfifo(&folder.join(BOOT), nix::sys::stat::Mode::S_IRWXU)?;
                Ok(())
            }),
            ("a package was added", |folder| {
                std::fs::create_dir(folder.join("node_modules/express"))?;
                std::fs::write(folder.join("node_modules/express/index.js"), "")
            }),
            ("a package.json was added", |folder| std::fs::write(folder.join("package.json"), "{}")),
            ("everything is gone", |folder| std::fs::remove_dir_all(folder)),
        ];
        for (what, change) in changes {
            let dir = tempfile::tempdir().unwrap();
            let folder = unpacked(dir.path()).unwrap();
            change(&folder).unwrap();
            assert!(whole(&folder).is_err(), "{what}");
            assert_eq!(unpacked(dir.path()).unwrap(), folder, "{what}");
            whole(&folder).unwrap();
        }
    }

    #[test]
    fn folders_of_other_builds_are_removed_and_nobody_may_write_the_files() {
        use std::os::unix::fs::MetadataExt;
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("runner-of-an-older-build")).unwrap();
        let folder = unpacked(dir.path()).unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        assert_eq!(std::fs::metadata(folder.join(BOOT)).unwrap().mode() & 0o777, 0o400);
        assert_eq!(std::fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
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
