//! `outboard sdk install DIR`: the TypeScript SDK with its types, out of this binary, for an editor, a type check and a build. No network
//! is needed.
//!
//! It goes to `.outboard` in the project, which `package.json` names: npm removes what it did not put into `node_modules` itself.

use std::path::{Path, PathBuf};

use outboard_host::javascript;
use serde_json::json;

use crate::failure::{Failure, Outcome};
use crate::render::Screen;

/// The folder in the project.
pub(super) const FOLDER: &str = ".outboard";
/// The packages, and the folders that each has in there.
const PACKAGES: [(&str, &str); 3] = [
    ("@outboard/plugin-sdk", "plugin-sdk"),
    ("@outboard/shell", "shell"),
    ("@skyvexsoftware/stratos-sdk", "stratos-sdk"),
];

/// Installs, and says what to type next.
pub(super) fn install(screen: &mut Screen, dir: &Path) -> Outcome {
    if !dir.is_dir() {
        return Err(Failure::usage(format!("{} is not a folder; name the plugin's project", dir.display())));
    }
    let files = lay_out(dir)?;
    let folder = dir.join(FOLDER);
    let npm = format!(
        "npm install --save-dev {}",
        PACKAGES.map(|(_, folder)| format!("./{FOLDER}/{folder}")).join(" ")
    );
    if screen.json() {
        screen.json_document(&json!({ "folder": folder, "files": files, "next": [npm] }))?;
        return Ok(());
    }
    let names = PACKAGES.map(|(name, _)| name).join(", ");
    screen.line(format!("{} holds the SDK ({names})", folder.display()))?;
    screen.line("Where package.json does not name it yet, type next, in the project:")?;
    screen.line(format!("    {npm}"))?;
    Ok(())
}

/// Writes the packages, in place of those that an earlier version wrote; gives how many files there are.
pub(super) fn lay_out(dir: &Path) -> Outcome<usize> {
    let mut count = 0;
    for (name, folder) in PACKAGES {
        let at = dir.join(FOLDER).join(folder);
        match std::fs::remove_dir_all(&at) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(&at, &error)),
            _ => {}
        }
        for (path, content) in javascript::package(name) {
            write(&at.join(path), content)?;
            count += 1;
        }
    }
    Ok(count)
}

fn write(file: &Path, content: &[u8]) -> Outcome {
    let above = file.parent().map_or(Ok(()), std::fs::create_dir_all);
    above.and_then(|()| std::fs::write(file, content)).map_err(|error| failed(file, &error))
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    let path: PathBuf = path.to_owned();
    Failure::failed(format!("{} cannot be written: {error}", path.display()))
}
