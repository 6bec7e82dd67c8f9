//! How much lies in a plugin's data folder.
//!
//! Used by the grant, by the status and by `outboard db`. Follows no link. Must not know SQL.

use std::fs;
use std::path::Path;

use outboard_protocol::control::DataFile;

/// Entries of a folder that are looked at: beyond it the folder is not a plugin's data any more, and counting costs too much.
const ENTRIES_MAX: usize = 100_000;

/// Folders within folders that are looked into.
const DEPTH_MAX: usize = 8;

/// The plain files of a data folder, by name; empty where the folder does not exist. Blocks on the disk.
pub fn files_in(folder: &Path) -> Vec<DataFile> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<_> = entries
        .take(ENTRIES_MAX)
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let found = entry.metadata().ok().filter(fs::Metadata::is_file)?;
            let name = entry.file_name().into_string().ok()?;
            Some(DataFile { name, bytes: found.len() })
        })
        .collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files
}

/// All bytes below a folder.
pub(super) fn usage_of(folder: &Path) -> u64 {
    let (mut bytes, mut entries) = (0_u64, 0);
    let mut folders = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let Ok(found) = fs::read_dir(&folder) else { continue };
        for entry in found.flatten() {
            entries += 1;
            if entries > ENTRIES_MAX {
                return bytes;
            }
            let Ok(found) = entry.metadata() else { continue };
            if found.is_file() {
                bytes = bytes.saturating_add(found.len());
            } else if found.is_dir() && depth < DEPTH_MAX {
                folders.push((entry.path(), depth + 1));
            }
        }
    }
    bytes
}
