//! Finds the program `outboard`: named, in the environment, beside the application, or on the PATH.
//!
//! Called once for each start of an application. Must not run it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::Error;

const NAME: &str = "outboard";
/// Names the program, where the application does not.
const VARIABLE: &str = "OUTBOARD";
/// Any of the permissions to run a file.
const RUNS: u32 = 0o111;

/// The program to run. One that is named, in the options or in the environment, is the only one that is looked at.
pub(crate) fn find(named: Option<&Path>) -> Result<PathBuf, Error> {
    if let Some(named) = named {
        return usable(named, "`binary` names");
    }
    if let Some(named) = std::env::var_os(VARIABLE).filter(|named| !named.is_empty()) {
        return usable(Path::new(&named), &format!("the variable {VARIABLE} names"));
    }
    let beside = std::env::current_exe().ok().and_then(|program| Some(program.parent()?.join(NAME)));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).filter(|folder| folder.is_absolute()).collect();
    let places = beside.iter().cloned().chain(folders.iter().map(|folder| folder.join(NAME)));
    let mut usable = places.filter(|place| wrong_with(place).is_none());
    usable.next().ok_or_else(|| {
        Error::NoBinary(format!(
            "no program `{NAME}` was found: it is neither beside this program nor in any of the {} folders of the PATH; name it \
             with `binary` or in the variable {VARIABLE}",
            folders.len()
        ))
    })
}

fn usable(named: &Path, who: &str) -> Result<PathBuf, Error> {
    match wrong_with(named) {
        None => std::path::absolute(named).map_err(|error| Error::NoBinary(error.to_string())),
        Some(wrong) => Err(Error::NoBinary(format!("{who} {}, which {wrong}", named.display()))),
    }
}

fn wrong_with(place: &Path) -> Option<String> {
    match std::fs::metadata(place) {
        Ok(found) if !found.is_file() => Some("is not a file".to_owned()),
        Ok(found) if found.permissions().mode() & RUNS == 0 => {
            Some("may not be run (its permissions lack `x`)".to_owned())
        }
        Ok(_) => None,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Some("does not exist".to_owned()),
        Err(error) => Some(format!("cannot be looked at: {error}")),
    }
}
