//! The Python virtual environment that a plugin may have in its folder: which programs it brings, and what is wrong with one
//! that cannot run them.
//!
//! Asked before each start, and by `outboard check`. Looks at the file system and runs nothing; must not know how a process is
//! started.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Where it is, below the plugin's folder.
const FOLDER: &str = ".venv";
/// Links that are followed from a program to what it leads to; the kernel follows forty.
const LINKS_MAX: usize = 40;
/// Bytes of a script's first line that the kernel reads.
const FIRST_LINE_MAX: u64 = 256;

/// The environment of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VirtualEnvironment {
    /// Its folder.
    pub root: PathBuf,
    /// The folder of its programs, which comes first on the plugin's `PATH`.
    pub programs: PathBuf,
}

/// The environment in a plugin's folder, where it has one.
pub fn of(folder: &Path) -> Option<VirtualEnvironment> {
    let root = folder.join(FOLDER);
    // A link that leads nowhere is one as well: somebody meant there to be an environment.
    fs::symlink_metadata(&root).ok()?;
    let programs = root.join("bin");
    Some(VirtualEnvironment { root, programs })
}

impl VirtualEnvironment {
    /// What keeps it from running a program that the manifest names, in a sentence that says what to do. `None` where it can, and
    /// where the program is none of its own.
    pub fn fault(&self, program: &str) -> Option<String> {
        let what = self.broken(program)?;
        let root = self.root.display();
        Some(format!(
            "the plugin's virtual environment {root} is broken: {what}; remove it, make it again with `python3 -m venv {root}`, and \
             install into it what the plugin needs"
        ))
    }

    fn broken(&self, program: &str) -> Option<String> {
        if program.contains('/') {
            return None; // Not looked for on the PATH: a start names the file itself.
        }
        let path = self.programs.join(program);
        let shown = path.display();
        if fs::symlink_metadata(&path).is_err() {
            // Any other program may well be one of the machine's.
            return program.starts_with("python").then(|| format!("there is no {shown}"));
        }
        match fs::metadata(&path) {
            Err(_) => Some(format!("{shown} leads to {}, which is not there", end_of(&path).display())),
            Ok(found) if !found.is_file() || found.permissions().mode() & 0o111 == 0 => {
                Some(format!("{shown} cannot be executed"))
            }
            Ok(_) => interpreter(&path)
                .filter(|interpreter| !interpreter.exists())
                .map(|lost| format!("{shown} is a script for {}, which is not there", lost.display())),
        }
    }
}

/// The first thing on the way of a chain of links that is not there.
fn end_of(path: &Path) -> PathBuf {
    let mut at = path.to_owned();
    for _ in 0..LINKS_MAX {
        let Ok(next) = fs::read_link(&at) else { break };
        at = at.parent().unwrap_or(Path::new("/")).join(next);
    }
    at
}

/// What a script's first line names.
fn interpreter(script: &Path) -> Option<PathBuf> {
    let beginning = outboard_files::beginning(script, FIRST_LINE_MAX).ok()?;
    let line = String::from_utf8(beginning.split(|byte| *byte == b'\n').next()?.to_vec()).ok()?;
    let named = line.strip_prefix("#!")?.split_whitespace().next()?;
    named.starts_with('/').then(|| PathBuf::from(named))
}
