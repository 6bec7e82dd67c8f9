//! Hears of saved files: a tree of folders without those that nobody edits, and each change once, when things are quiet.
//!
//! Asked by the loop of `dev`. A file counts as changed where its content is another one: what a build writes again as it was, and what
//! is merely touched, is no news. It must not know what follows.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::OsStr;
use std::hash::Hasher;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, timeout_at};

use super::project::Project;
use crate::failure::{Failure, Outcome};

/// An editor writes a file in several steps. This long after the last one it is saved.
const QUIET: Duration = Duration::from_millis(50);
/// Changes that never end do not put off a start for longer than this.
const PATIENCE: Duration = Duration::from_secs(1);
/// Most folders that are watched; a tree with more has something in it that nobody edits.
const FOLDERS_MAX: usize = 8192;
/// Largest file whose content is compared; a larger one has changed when it was written.
const COMPARED_MAX: u64 = 16 << 20;
/// Room for some hundred events at once.
const EVENTS: usize = 16 * 1024;
/// Folders of what is installed or made.
const NEVER: [&str; 4] = ["node_modules", "target", "__pycache__", "venv"];
/// How the names end of what editors, compilers and builds keep for themselves.
const NEVER_ENDING: [&str; 6] = ["~", ".swp", ".swx", ".pyc", ".tmp", ".tsbuildinfo"];

const CHANGES: WatchFlags = WatchFlags::CREATE
    .union(WatchFlags::CLOSE_WRITE)
    .union(WatchFlags::DELETE)
    .union(WatchFlags::MODIFY)
    .union(WatchFlags::MOVE)
    .union(WatchFlags::ONLYDIR);

/// The tree of one project.
pub(super) struct Tree {
    heard: AsyncFd<Arc<OwnedFd>>,
    /// The kernel's numbers, and the folders that they stand for.
    folders: HashMap<i32, PathBuf>,
    /// Files that were there before any change.
    there: HashSet<PathBuf>,
    /// What files held when they were looked at last.
    known: HashMap<PathBuf, Option<u64>>,
    /// Heard of, and not told yet.
    touched: BTreeSet<PathBuf>,
    noticed: Option<Noticed>,
    project: Project,
}

#[derive(Debug, Clone, Copy)]
struct Noticed {
    quiet_at: Instant,
    latest: Instant,
}

impl Tree {
    /// Watches from now on.
    ///
    /// # Errors
    /// A sentence where the system does not let us.
    pub(super) fn new(project: &Project) -> Outcome<Self> {
        let made = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).map_err(io::Error::from);
        let heard = made
            .and_then(|descriptor| heard_from(Arc::new(descriptor)))
            .map_err(|error| Failure::failed(format!("changes of files cannot be heard of: {error}")))?;
        let mut tree = Self {
            heard,
            folders: HashMap::new(),
            there: HashSet::new(),
            known: HashMap::new(),
            touched: BTreeSet::new(),
            noticed: None,
            project: project.clone(),
        };
        tree.there = tree.add(&project.folder)?.into_iter().collect();
        Ok(tree)
    }

    /// Takes what the manifest says now.
    pub(super) fn follow(&mut self, project: &Project) {
        self.project = project.clone();
    }

    /// The files that have changed, once things are quiet. May be dropped and asked again: what was heard is kept.
    ///
    /// # Errors
    /// A sentence, where nothing more can be heard.
    pub(super) async fn changed(&mut self) -> Outcome<BTreeSet<PathBuf>> {
        loop {
            let Some(Noticed { quiet_at, latest }) = self.noticed else {
                self.hear().await?;
                let now = Instant::now();
                self.noticed = Some(Noticed { quiet_at: now + QUIET, latest: now + PATIENCE });
                continue;
            };
            match timeout_at(quiet_at.min(latest), self.hear()).await {
                Ok(more) => {
                    more?;
                    self.noticed = Some(Noticed { quiet_at: Instant::now() + QUIET, latest });
                }
                Err(_) => {
                    self.noticed = None;
                    let touched = std::mem::take(&mut self.touched);
                    let changed: BTreeSet<PathBuf> =
                        touched.into_iter().filter(|path| self.is_other(path)).collect();
                    if !changed.is_empty() {
                        return Ok(changed);
                    }
                }
            }
        }
    }

    /// Whether a file holds something else than before.
    fn is_other(&mut self, path: &Path) -> bool {
        let now = print_of(path);
        match self.known.insert(path.to_owned(), now) {
            Some(before) => before != now || now == Some(0),
            // What came and went between two looks is an editor's own.
            None => now.is_some() || self.there.contains(path),
        }
    }

    /// Waits for events, and takes all that are there. Cancel safe: nothing waits between the reading and the keeping.
    async fn hear(&mut self) -> Outcome {
        loop {
            let broken =
                |error| Failure::failed(format!("changes of files cannot be heard of any longer: {error}"));
            let mut ready = self.heard.readable().await.map_err(broken)?;
            let mut room = [MaybeUninit::uninit(); EVENTS];
            let mut events = inotify::Reader::new(self.heard.get_ref(), &mut room);
            let mut found = Vec::new();
            loop {
                match events.next() {
                    Ok(event) => {
                        let name =
                            event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()).to_owned());
                        found.push((event.wd(), event.events(), name));
                    }
                    Err(Errno::INTR) => {}
                    Err(_) => break,
                }
            }
            if found.is_empty() {
                ready.clear_ready();
                continue;
            }
            for (number, flags, name) in found {
                if flags.contains(ReadFlags::IGNORED) {
                    self.folders.remove(&number);
                }
                let (Some(folder), Some(name)) = (self.folders.get(&number), name) else { continue };
                let path = folder.join(&name);
                if flags.contains(ReadFlags::ISDIR) {
                    if flags.intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO) && self.counts_folder(&path)
                    {
                        let files = self.add(&path)?;
                        self.touched.extend(files);
                    }
                } else if self.counts(&path) {
                    self.touched.insert(path);
                }
            }
            return Ok(());
        }
    }

    /// Watches a folder and all below it, and gives the files in those that are new.
    fn add(&mut self, folder: &Path) -> Outcome<Vec<PathBuf>> {
        let (mut files, mut pending) = (Vec::new(), vec![folder.to_owned()]);
        while let Some(folder) = pending.pop() {
            if self.folders.len() >= FOLDERS_MAX {
                return Err(Failure::failed(format!(
                    "{} holds more than {FOLDERS_MAX} folders; name those that you edit in `dev.watch`, or those that you do not in \
                     `dev.ignore`, in plugin.json",
                    self.project.folder.display()
                )));
            }
            match inotify::add_watch(self.heard.get_ref(), &folder, CHANGES) {
                Ok(number) => drop(self.folders.insert(number, folder.clone())),
                // Gone already.
                Err(Errno::NOENT | Errno::NOTDIR) => continue,
                Err(Errno::NOSPC) => {
                    return Err(Failure::failed(
                        "no more folders can be watched: raise fs.inotify.max_user_watches (sysctl), or name the folders that you edit in \
                         `dev.watch` in plugin.json",
                    ));
                }
                Err(error) => {
                    return Err(Failure::failed(format!("{} cannot be watched: {error}", folder.display())));
                }
            }
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let (path, kind) = (entry.path(), entry.file_type().ok());
                if kind.is_some_and(|kind| kind.is_dir()) {
                    if self.counts_folder(&path) {
                        pending.push(path);
                    }
                } else if self.counts(&path) {
                    files.push(path);
                }
            }
        }
        Ok(files)
    }

    fn counts_folder(&self, path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let made = self.project.is_built_elsewhere() && path == self.project.run_dir;
        let way = |wanted: &PathBuf| path.starts_with(wanted) || wanted.starts_with(path);
        let wanted = self.project.watch.is_empty() || self.project.watch.iter().any(way);
        wanted
            && !made
            && !name.starts_with('.')
            && !NEVER.contains(&name.as_ref())
            && !self.is_ignored(&name)
    }

    fn counts(&self, path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // The manifest counts wherever else is looked.
        let manifest = path == self.project.folder.join(outboard_protocol::manifest::FILE_NAME);
        let wanted = manifest
            || self.project.watch.is_empty()
            || self.project.watch.iter().any(|wanted| path.starts_with(wanted));
        let hidden = name.starts_with('.') && !name.starts_with(".env");
        // What vim tries a folder with, and what Vite makes of its configuration.
        let passing = name == "4913" || name.contains(".timestamp-");
        let ends = NEVER_ENDING.iter().any(|ending| name.ends_with(ending));
        wanted && !hidden && !passing && !ends && !self.is_ignored(&name)
    }

    fn is_ignored(&self, name: &str) -> bool {
        self.project.ignore.iter().any(|ignored| ignored.trim_end_matches('/') == name)
    }
}

#[expect(
    deprecated,
    reason = "the replacement is unsafe: it asks for a promise that the descriptor stays the same, which an owned one in an Arc always does"
)]
fn heard_from(descriptor: Arc<OwnedFd>) -> io::Result<AsyncFd<Arc<OwnedFd>>> {
    AsyncFd::with_interest(descriptor, Interest::READABLE)
}

/// What a file holds, as a number; `None` where it is gone, 0 where it is too large to compare.
pub(super) fn print_of(path: &Path) -> Option<u64> {
    let about = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    if about.len() > COMPARED_MAX {
        return Some(0);
    }
    let mut hasher = DefaultHasher::new();
    hasher.write(&std::fs::read(path).ok()?);
    Some(hasher.finish() | 1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step fails the test")]
    use super::*;

    fn project(folder: &Path) -> Project {
        Project {
            folder: folder.to_owned(),
            id: outboard_protocol::PluginId::new("x").unwrap(),
            build: None,
            run_dir: folder.join("dist"),
            watch: Vec::new(),
            ignore: vec!["made".to_owned()],
        }
    }

    fn write(path: &Path, text: &str) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    #[tokio::test(flavor = "current_thread")]
    async fn what_an_author_saves_is_heard_of_once_and_nothing_else_is() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().canonicalize().unwrap();
        write(&folder.join("src/main.js"), "1");
        write(&folder.join("node_modules/x/index.js"), "1");
        let mut tree = Tree::new(&project(&folder)).unwrap();
        for noise in [
            "node_modules/x/index.js",
            "dist/ui/index.js",
            "made/x.js",
            ".git/HEAD",
            "src/.main.js.swp",
            "src/main.js~",
            "__pycache__/a.pyc",
        ] {
            write(&folder.join(noise), "2");
        }
        write(&folder.join("src/main.js"), "2");
        write(&folder.join("src/deep/new.js"), "1");
        write(&folder.join("src/came"), "1");
        std::fs::remove_file(folder.join("src/came")).unwrap();
        let changed = tree.changed().await.unwrap();
        let wanted = ["src/deep/new.js", "src/main.js"].map(|name| folder.join(name));
        assert_eq!(changed, BTreeSet::from(wanted));
        // The same content again is no news, and a file that goes is.
        write(&folder.join("src/main.js"), "2");
        std::fs::remove_file(folder.join("src/deep/new.js")).unwrap();
        let changed = tree.changed().await.unwrap();
        assert_eq!(changed, BTreeSet::from([folder.join("src/deep/new.js")]));
    }
}
