//! The plugin folders before anything is started: one that somebody named must be there, the default one is made.
//!
//! Called by the keeper, once, and by the layers. A folder that goes away later is none of its concern: plugins may be
//! taken away while the supervisor runs, and a supervisor that is started again by its keeper goes on without them.

use std::path::Path;

use outboard_protocol::manifest::FILE_NAME;

use crate::failure::{Failure, Outcome};
use crate::settings::{Named, Places, Settings};

/// How alike two names are, from 0 to 1, where one may be a slip for the other.
const LIKENESS: f64 = 0.7;
/// So many neighbours of a missing folder are compared with it.
const NEIGHBOURS: usize = 1000;

/// Refuses folders that somebody named and that are not there.
///
/// # Errors
/// A usage failure that says which one, who named it, and what to do.
pub(super) fn check(settings: &Settings, places: &Places) -> Outcome {
    if places.plugin_dirs_named == Named::Nowhere {
        return Ok(());
    }
    match places.plugin_dirs.iter().find_map(|dir| unusable(dir)) {
        None => Ok(()),
        Some(wrong) if places.plugin_dirs_named == Named::InFile => {
            Err(Failure::usage(format!("{}: `plugin_dirs`: {wrong}", settings.place_of(&["plugin_dirs"]))))
        }
        Some(wrong) => Err(Failure::usage(format!("{}: {wrong}", settings.place_of(&["plugin_dirs"])))),
    }
}

/// Makes the default folder, so that it is watched from the start. Where that fails, the remarks at the end say so.
pub(super) fn make_default(places: &Places) {
    if places.plugin_dirs_named == Named::Nowhere {
        for dir in &places.plugin_dirs {
            if let Err(error) = std::fs::create_dir_all(dir) {
                tracing::warn!(dir = %dir.display(), %error, "the folder for plugins cannot be made");
            }
        }
    }
}

/// What is wrong with a folder that was named: it is certainly not there, is something else, or is one
/// plugin's own and holds none. One that merely cannot be read may hold plugins, and is shown as such.
pub(crate) fn unusable(dir: &Path) -> Option<String> {
    let shown = dir.display();
    match std::fs::metadata(dir) {
        Ok(found) if found.is_dir() => own_folder(dir).filter(|_| !holds_plugins(dir)),
        Ok(_) => Some(format!("{shown} is not a folder; name the folder that holds the plugins' folders")),
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => {
            Some(format!("the folder {shown} does not exist, since a part of its path is not a folder"))
        }
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => None,
        Err(_) => Some(match neighbour(dir) {
            Some(near) => format!("the folder {shown} does not exist; did you mean {near}?"),
            None => format!(
                "the folder {shown} does not exist; make it, or name the folder that holds the plugins' folders"
            ),
        }),
    }
}

/// What is amiss with a folder, also where plugins are found in it all the same.
pub(crate) fn amiss(dir: &Path) -> Option<String> {
    unusable(dir).or_else(|| own_folder(dir))
}

fn is_plugin(dir: &Path) -> bool {
    dir.join(FILE_NAME).is_file()
}

fn holds_plugins(dir: &Path) -> bool {
    std::fs::read_dir(dir).is_ok_and(|entries| entries.flatten().any(|entry| is_plugin(&entry.path())))
}

fn own_folder(dir: &Path) -> Option<String> {
    is_plugin(dir).then(|| {
        let parent = dir.parent().unwrap_or(dir).display();
        format!("{} is a plugin's own folder; name its parent: --plugins {parent}", dir.display())
    })
}

/// The folder beside it whose name is nearest.
fn neighbour(dir: &Path) -> Option<String> {
    let (parent, name) = (dir.parent()?, dir.file_name()?.to_string_lossy());
    let entries = std::fs::read_dir(parent).ok()?.take(NEIGHBOURS).flatten();
    entries
        .filter(|entry| entry.path().is_dir())
        .map(|entry| {
            let likeness =
                strsim::normalized_damerau_levenshtein(&entry.file_name().to_string_lossy(), &name);
            (likeness, entry.path())
        })
        .filter(|(likeness, _)| *likeness >= LIKENESS)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, path)| path.display().to_string())
}
