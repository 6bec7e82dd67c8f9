//! What a plugin's folder is like at one moment, as one number: to notice later that it is another one.
//!
//! Taken before each start, and by the scan of a plugin that was given up. Reads names and what the file system says of them, and
//! opens nothing. Blocks as long as the disk does.

use std::collections::VecDeque;
use std::fs::Metadata;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use outboard_protocol::manifest::UI_ENTRY;

use super::watcher::Watches;

/// The style sheet that goes with a UI.
const UI_STYLE: &str = "ui/index.css";

/// Entries that are looked at, those nearest to the folder first. What lies beyond is not noticed.
const ENTRIES_MOST: usize = 2048;
/// Folders that are watched for one plugin.
const WATCHED_MOST: usize = 64;
/// What running it makes by itself, and what no start reads.
const PASSED_OVER: [&str; 2] = ["__pycache__", ".git"];
/// Packages come and go whole; their content is not looked at. The second is what a virtual environment has them in.
const PACKAGES: [&str; 2] = ["node_modules", "site-packages"];

/// The number of what lies in a folder now. Folders on the way are watched from before they are read, where `watches` is given.
pub(crate) fn stamp(folder: &Path, watches: Option<&Watches>) -> u64 {
    let (mut sum, mut seen, mut watched) = (0_u64, 0, 0);
    let mut queue = VecDeque::from([folder.to_owned()]);
    while let Some(at) = queue.pop_front() {
        if let Some(watches) = watches.filter(|_| watched < WATCHED_MOST) {
            watches.begin(&at);
            watched += 1;
        }
        let inside_packages =
            at.file_name().is_some_and(|name| PACKAGES.iter().any(|packages| name == *packages));
        for entry in std::fs::read_dir(&at).into_iter().flatten().flatten() {
            if seen >= ENTRIES_MOST {
                return sum;
            }
            let name = entry.file_name();
            let Ok(about) = entry.metadata() else { continue };
            if PASSED_OVER.iter().any(|passed_over| name == *passed_over) {
                continue;
            }
            seen += 1;
            let path = entry.path();
            // A sum, since the file system lists in any order.
            sum = sum.wrapping_add(number(path.strip_prefix(folder).unwrap_or(&path), &about));
            if about.is_dir() && !inside_packages {
                queue.push_back(path);
            }
        }
    }
    sum
}

/// The number of a UI's own two files, which name whatever else it loads.
pub(super) fn of_ui(folder: &Path) -> u64 {
    let of =
        |name: &str| std::fs::metadata(folder.join(name)).map_or(0, |about| number(Path::new(name), &about));
    of(UI_ENTRY).wrapping_add(of(UI_STYLE))
}

/// One entry. The times of a folder change with whatever is passed over in it, so they do not count.
fn number(name: &Path, about: &Metadata) -> u64 {
    let mut hasher = DefaultHasher::new();
    (name, about.mode()).hash(&mut hasher);
    if !about.is_dir() {
        (about.len(), about.mtime(), about.mtime_nsec()).hash(&mut hasher);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

    use super::*;

    #[test]
    fn any_change_of_a_file_below_makes_another_number_and_what_a_run_leaves_behind_makes_none() {
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let mut last = stamp(root.path(), None);
        let mut changed = |what: &str| {
            let now = stamp(root.path(), None);
            let is_another = now != last;
            last = now;
            assert!(is_another, "{what}");
        };
        write("plugin.json", "{}");
        changed("a file came");
        write("background/deep/down/index.js", "1");
        changed("one came far below");
        write("background/deep/down/index.js", "12");
        changed("it was written to");
        std::fs::rename(root.path().join("background/deep"), root.path().join("background/deeper")).unwrap();
        changed("a folder has another name");
        write("node_modules/package/index.js", "");
        changed("a package came");
        write(".venv/lib/python3.12/site-packages/package/code.py", "");
        changed("a package of an environment came");
        std::fs::remove_file(root.path().join("plugin.json")).unwrap();
        changed("a file went");
        write("lib/__pycache__/x.pyc", "");
        changed("a folder came");
        write("lib/__pycache__/y.pyc", "");
        write("node_modules/package/more.js", "");
        write(".venv/lib/python3.12/site-packages/package/more.py", "");
        assert_eq!(stamp(root.path(), None), last);
    }
}
