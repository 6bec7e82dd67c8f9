//! Looks through the plugin folders without waiting for any of them: what a folder holds, or why that cannot be said.
//!
//! Called by the supervisor, which makes findings of the readings. Every look has a thread that can be given up, so that a folder
//! on a disk that does not answer is that plugin's trouble alone. Must not know which plugins run.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::FileType;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use outboard_files::{Unanswered, looks_of_scans};
use outboard_protocol::manifest::FILE_NAME;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::findings::Findings;
use super::readings::{Reading, Readings};
use super::stamp::stamp;
use super::watcher::Watches;
use super::{Installed, Program, read_folder};

/// How long the list of a plugins folder may take. Without it nothing is known of any plugin in it.
const LIST_LIMIT: Duration = Duration::from_secs(5);
/// How long a batch of folders may take before each that is left is looked at by itself, and how long those may take before
/// the others are told without them. A healthy disk needs milliseconds.
const BATCH_LIMIT: Duration = Duration::from_millis(500);
/// How long one folder may take before it counts as one that does not answer. One that is merely slow is read again when it has.
const FOLDER_LIMIT: Duration = Duration::from_secs(3);
/// Folders that one thread looks at in turn, so that a thousand plugins do not cost a thousand threads.
const BATCH: usize = 64;
/// Most folders that are looked at in one plugins folder; beyond is a mistake, not a collection of plugins.
const FOLDERS_MAX: usize = 4096;
/// Folders of a plugin whose entries say what it is: a module, a UI.
const ENTRY_FOLDERS: [&str; 2] = ["background", "ui"];
/// How names end that are never a plugin's: copies that people and editors keep.
const KEPT_ASIDE: [&str; 2] = [".bak", "~"];

/// How the names of archives end that plugins come in.
const ARCHIVES: [&str; 4] = [".zip", ".tar.gz", ".tgz", ".tar"];

/// What lies in these folders, for a command that looks once. No plugin of theirs runs here.
///
/// # Errors
/// When the system gives no event queue to wait with.
pub fn find(dirs: &[PathBuf]) -> std::io::Result<Findings> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let (tell, mut told) = mpsc::channel(1);
    let eyes = Eyes { watches: Watches::none(), closely: Arc::default() };
    let looking = scan(dirs.to_vec(), eyes, tell);
    let all = runtime.block_on(async {
        let listening = async {
            loop {
                match told.recv().await {
                    Some(Told::All(readings)) => break readings,
                    Some(Told::Meanwhile(_)) => {}
                    None => break Readings::default(),
                }
            }
        };
        tokio::join!(looking, listening).1
    });
    Ok(Findings::of(all, |_| None))
}

/// What a scan looks with.
#[derive(Debug, Clone)]
pub(crate) struct Eyes {
    /// To hear of changes from before the look on.
    pub(crate) watches: Watches,
    /// Folders of plugins that were given up: all of them is looked at, and watched.
    pub(crate) closely: Arc<BTreeSet<PathBuf>>,
}

/// What a scan tells.
#[derive(Debug)]
pub(crate) enum Told {
    /// What is known so far; those that have not answered yet are told later.
    Meanwhile(Readings),
    /// All there is.
    All(Readings),
}

/// Looks through the folders and tells what is found. Ends early when nobody listens any more.
pub(crate) async fn scan(dirs: Vec<PathBuf>, eyes: Eyes, tell: mpsc::Sender<Told>) {
    let (folders, unlisted) = list(dirs, &eyes.watches).await;
    let mut found = in_batches(&folders, &eyes).await;
    let gather = |found: Vec<Option<Reading>>| {
        let of = |(folder, reading): (PathBuf, Option<Reading>)| {
            let not_yet = || Reading::Unanswered(format!("{} has not answered yet", folder.display()));
            let reading = reading.unwrap_or_else(not_yet);
            (folder, reading)
        };
        Readings { folders: folders.iter().cloned().zip(found).map(of).collect(), unlisted: unlisted.clone() }
    };
    let mut by_itself = JoinSet::new();
    for at in (0..found.len()).filter(|at| found[*at].is_none()) {
        let (folder, eyes) = (folders[at].clone(), eyes.clone());
        by_itself.spawn(async move { (at, alone(&folder, eyes).await) });
    }
    let take = |found: &mut Vec<Option<Reading>>, read: Result<(usize, Reading), _>| {
        if let Ok((at, reading)) = read {
            found[at] = Some(reading);
        }
    };
    let soon = Instant::now() + BATCH_LIMIT;
    while let Ok(Some(read)) = timeout_at(soon, by_itself.join_next()).await {
        take(&mut found, read);
    }
    if !by_itself.is_empty() && tell.send(Told::Meanwhile(gather(found.clone()))).await.is_err() {
        return;
    }
    while let Some(read) = by_itself.join_next().await {
        take(&mut found, read);
    }
    let _ = tell.send(Told::All(gather(found))).await;
}

/// The folders in these folders, and the folders that cannot be listed. Each is watched from before it is read.
async fn list(dirs: Vec<PathBuf>, watches: &Watches) -> (Vec<PathBuf>, Vec<(PathBuf, String)>) {
    let (mut folders, mut unlisted) = (Vec::new(), Vec::new());
    for dir in dirs {
        let (place, watches) = (dir.clone(), watches.clone());
        let listed = looks_of_scans().look(&dir, LIST_LIMIT, move || {
            watches.begin_or_above(&place);
            candidates(&place)
        });
        match listed.await.map_err(|silent| silent.to_string()).and_then(|listed| listed) {
            Ok(found) => folders.extend(found),
            Err(reason) => unlisted.push((dir, reason)),
        }
    }
    (folders, unlisted)
}

/// Reads many folders a thread. `None` for those that it did not come to in time.
async fn in_batches(folders: &[PathBuf], eyes: &Eyes) -> Vec<Option<Reading>> {
    let readings: Vec<Option<Reading>> = folders.iter().map(|_| None).collect();
    let readings = Arc::new(Mutex::new(readings));
    let awake: Vec<usize> = (0..folders.len()).filter(|at| !looks_of_scans().hangs(&folders[*at])).collect();
    let mut batches = JoinSet::new();
    for batch in awake.chunks(BATCH) {
        let Some(first) = batch.first() else { continue };
        // Under a name of its own: a batch that is late says nothing about the folder that it begins with.
        let name = folders[*first].join("…");
        let work: Vec<(usize, PathBuf)> = batch.iter().map(|at| (*at, folders[*at].clone())).collect();
        let (eyes, readings) = (eyes.clone(), Arc::clone(&readings));
        batches.spawn(async move {
            let read = move || {
                for (at, folder) in work {
                    let read = reading(&folder, &eyes);
                    // Taken already where nobody waits for this batch any more.
                    if let Some(place) = lock(&readings).get_mut(at) {
                        *place = Some(read);
                    }
                }
            };
            looks_of_scans().look(&name, BATCH_LIMIT, read).await
        });
    }
    // What one that is late has read is good; what it was at, and what comes after, is looked at again.
    while batches.join_next().await.is_some() {}
    std::mem::take(&mut *lock(&readings))
}

/// A vector of whole values, so a panic elsewhere cannot have left one half done.
fn lock(readings: &Mutex<Vec<Option<Reading>>>) -> MutexGuard<'_, Vec<Option<Reading>>> {
    readings.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn alone(folder: &Path, eyes: Eyes) -> Reading {
    let place = Arc::new(folder.to_owned());
    let read = looks_of_scans().look(folder, FOLDER_LIMIT, move || reading(&place, &eyes)).await;
    read.unwrap_or_else(|silent: Unanswered| Reading::Unanswered(silent.to_string()))
}

/// Reads one folder. Blocks as long as its disk does.
fn reading(folder: &Path, eyes: &Eyes) -> Reading {
    // One that cannot be looked at may be a plugin; reading it says what is wrong.
    match std::fs::metadata(folder) {
        Ok(found) if !found.is_dir() => return archive(folder),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return dangling(folder),
        _ => {}
    }
    let watch = eyes.watches.begin(folder);
    for entry in ENTRY_FOLDERS {
        eyes.watches.begin(&folder.join(entry));
    }
    let mut read = read_folder(folder);
    // Whatever changes in one that cannot be used or was given up may be what was missing.
    match &mut read {
        Ok(installed) if eyes.closely.contains(folder) => {
            installed.stamp = Some(stamp(folder, Some(&eyes.watches)));
        }
        // What a plugin writes into its own folder besides is nobody's business, however often it does.
        Ok(installed) => eyes.watches.narrow(watch, what_matters(installed)),
        Err(_) => drop(stamp(folder, Some(&eyes.watches))),
    }
    Reading::Read(Box::new(read))
}

/// The entries of a plugin's folder that say what it is and what it runs.
fn what_matters(installed: &Installed) -> BTreeSet<OsString> {
    let fixed = ENTRY_FOLDERS.into_iter().chain([FILE_NAME]).map(OsString::from);
    let words = match &installed.program {
        Program::Command(words) => words.as_slice(),
        Program::Module(_) | Program::None => &[],
    };
    let first = |word: &String| {
        let name = word.rsplit_once('=').map_or(word.as_str(), |(_, name)| name);
        let path = installed.folder.join(name);
        let below = path.strip_prefix(&installed.folder).ok()?;
        below.components().find(|part| *part != Component::CurDir).map(|part| part.as_os_str().to_owned())
    };
    fixed.chain(words.iter().filter_map(first)).collect()
}

/// A plugin that was not unpacked is told; any other file is nobody's.
fn archive(file: &Path) -> Reading {
    if !is_archive(&file.to_string_lossy()) {
        return Reading::Nothing;
    }
    let reason =
        format!("{} is an archive; unpack it, since a plugin is a folder with a plugin.json", file.display());
    Reading::Read(Box::new(Err(reason)))
}

/// A link that leads nowhere is told; what has just been removed is nothing.
fn dangling(path: &Path) -> Reading {
    let Ok(target) = std::fs::read_link(path) else { return Reading::Nothing };
    let reason = format!("{} is a link to {}, which does not exist", path.display(), target.display());
    Reading::Read(Box::new(Err(reason)))
}

fn is_archive(name: &str) -> bool {
    ARCHIVES.iter().any(|ending| name.to_lowercase().ends_with(ending))
}

/// What may be a plugin's folder, by its name and by what the list says of it: the folder itself is not looked at, since it may
/// lie on another disk.
fn candidates(dir: &Path) -> Result<Vec<PathBuf>, String> {
    let unreadable = |error: std::io::Error| format!("{} cannot be read: {error}", dir.display());
    let absolute = std::path::absolute(dir).map_err(unreadable)?;
    // Only what certainly does not exist counts as empty: a disk that fails has not lost its plugins.
    if !absolute.try_exists().map_err(unreadable)? {
        return Ok(Vec::new());
    }
    let dir = absolute.canonicalize().map_err(unreadable)?;
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(&dir).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name();
        let may_be = may_be_folder(entry.file_type().ok()) || is_archive(&name.to_string_lossy());
        if may_be && may_be_plugin(&name.to_string_lossy()) {
            folders.push(dir.join(name));
        }
        if folders.len() > FOLDERS_MAX {
            return Err(format!(
                "{} holds more than {FOLDERS_MAX} folders; name the plugins' own folder",
                dir.display()
            ));
        }
    }
    folders.sort_unstable();
    Ok(folders)
}

/// A link may lead to a folder, and a file system that tells no kinds may hold one.
fn may_be_folder(kind: Option<FileType>) -> bool {
    kind.is_none_or(|kind| !kind.is_file() && (kind.is_dir() || kind.is_symlink()))
}

fn may_be_plugin(name: &str) -> bool {
    let aside = KEPT_ASIDE.iter().any(|ending| name.ends_with(ending));
    !name.starts_with('.') && name != "node_modules" && !aside
}
