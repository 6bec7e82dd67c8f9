//! One folder to one plugin, or to the sentence that says why not.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use outboard_protocol::manifest::{self, BACKGROUND_ENTRY, FILE_NAME, MANIFEST_MAX, Manifest, UI_ENTRY};

use super::{Installed, Program, openness, stamp};

/// Reads a plugin's folder.
///
/// # Errors
/// A sentence with the file, the line where there is one, and what is wrong.
pub fn read_folder(folder: &Path) -> Result<Installed, String> {
    let file = folder.join(FILE_NAME);
    let text = read_manifest(&file)?;
    let manifest = manifest::parse(&text).map_err(|_| mistakes(&file, &text).join("; "))?;
    let program = program(folder, &manifest).map_err(|reason| format!("{}: {reason}", file.display()))?;
    let has_ui = folder.join(UI_ENTRY).is_file();
    let ui_stamp = if has_ui { stamp::of_ui(folder) } else { 0 };
    let mut installed =
        Installed { manifest, folder: folder.to_owned(), program, has_ui, ui_stamp, text, stamp: None };
    note_folder_name(&mut installed);
    if let Some(open) = openness::of_plugin(folder, &file, &installed.program) {
        if rustix::process::geteuid().is_root() {
            return Err(format!("it would run as root, and {open}"));
        }
        installed.manifest.warnings.push(format!("what it runs is not its user's alone: {open}"));
    }
    Ok(installed)
}

/// The manifest, or why it cannot be read: whatever lies there, it is not waited for and never read without end.
fn read_manifest(file: &Path) -> Result<Vec<u8>, String> {
    outboard_files::read(file, MANIFEST_MAX as u64).map_err(|error| match error.kind() {
        ErrorKind::NotFound => {
            format!("{} does not exist; every plugin's folder needs one{}", file.display(), elsewhere(file))
        }
        ErrorKind::FileTooLarge => {
            format!("{} is too large: a manifest has at most {MANIFEST_MAX} bytes", file.display())
        }
        _ => format!("{} cannot be read: {error}", file.display()),
    })
}

/// Every mistake of a folder that cannot be used, a sentence each; none for one that can.
pub fn mistakes_in(folder: &Path) -> Vec<String> {
    let file = folder.join(FILE_NAME);
    let found = read_manifest(&file).map(|text| mistakes(&file, &text)).unwrap_or_default();
    if found.is_empty() { read_folder(folder).err().into_iter().collect() } else { found }
}

fn mistakes(file: &Path, text: &[u8]) -> Vec<String> {
    let told = |error: manifest::ManifestError| {
        format!("{}:{}:{}: {}", file.display(), error.line, error.column, error.message)
    };
    manifest::mistakes(text).into_iter().map(told).collect()
}

/// Most entries of a folder that are looked at for a manifest one level down.
const LOOKED_AT: usize = 256;
/// Where builds put what is to be installed.
const BUILT: &str = "dist";

/// Where the manifest is instead, one level down: in what a build made, or in a folder that an archive was packed with.
fn elsewhere(file: &Path) -> String {
    let Some(folder) = file.parent() else { return String::new() };
    let below = std::fs::read_dir(folder).into_iter().flatten().flatten().take(LOOKED_AT);
    let mut found: Vec<PathBuf> = below
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .filter(|path| path.join(FILE_NAME).symlink_metadata().is_ok_and(|about| about.is_file()))
        .collect();
    found.sort_by_key(|path| (!path.ends_with(BUILT), path.clone()));
    match found.first() {
        Some(found) => format!("; there is one in {}: is that the plugin's folder?", found.display()),
        None => String::new(),
    }
}

/// The original shell takes the folder's name for the id; a difference is legal here and easily a mistake.
fn note_folder_name(installed: &mut Installed) {
    let name = installed.folder.file_name().map(|name| name.to_string_lossy().into_owned());
    let id = installed.id().to_string();
    if let Some(name) = name.filter(|name| *name != id) {
        installed.manifest.warnings.push(format!("the folder is named {name:?} and the id is {id:?}"));
    }
}

fn program(folder: &Path, manifest: &Manifest) -> Result<Program, String> {
    if let Some(run) = &manifest.run {
        return Ok(Program::Command(run.command.clone()));
    }
    if let Some(background) = &manifest.background {
        return module(folder, &background.entry_module).map(Program::Module);
    }
    if folder.join(BACKGROUND_ENTRY).is_file() {
        return module(folder, BACKGROUND_ENTRY).map(Program::Module);
    }
    if folder.join(UI_ENTRY).is_file() {
        return Ok(Program::None);
    }
    Err(format!(
        "nothing to run: give `run.command`, or `background.entryModule`, or put the module at {BACKGROUND_ENTRY} (or {UI_ENTRY} for a plugin that has a UI alone)"
    ))
}

/// The module's path, which must stay within the plugin's folder.
fn module(folder: &Path, entry: &str) -> Result<PathBuf, String> {
    let path = folder.join(entry);
    let found = path
        .canonicalize()
        .map_err(|error| format!("the background module {} cannot be opened: {error}", path.display()))?;
    let root =
        folder.canonicalize().map_err(|error| format!("{} cannot be opened: {error}", folder.display()))?;
    if !found.starts_with(&root) {
        return Err(format!("the background module {entry:?} lies outside the plugin's folder"));
    }
    if !found.is_file() {
        return Err(format!("the background module {} is not a file", found.display()));
    }
    Ok(found)
}
