//! The host's sign-in and the bound airline: the only secrets that the supervisor keeps, in one file of their own.
//!
//! Used by [`crate::auth`] and [`crate::airline`]. Must not know who asks, or HTTP.
//!
//! Why a file and no table of `state.db`: a database keeps old pages in its log and in free space, and is what one copies
//! for a backup or sends to somebody who helps. This file is small, 0600, replaced as a whole (written beside, synced,
//! renamed), and overwritten before it is removed.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use outboard_protocol::control::RefreshFormat;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::store::{Kept, Store, StoreError};

/// The file's name in the data folder.
const FILE: &str = "sign-in.json";

/// Largest file that is read: tokens have a few kilobytes.
const FILE_MAX: u64 = 1024 * 1024;

/// Longest secret that is taken, in bytes; request headers beyond it are refused nearly everywhere.
pub(crate) const SECRET_MAX: usize = 64 * 1024;

/// A token. Never shown, and overwritten in memory when it is dropped.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Secret(Zeroizing<String>);

impl Secret {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// What is kept of an airline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Binding {
    pub(crate) id: String,
    pub(crate) base_url: String,
    pub(crate) token: Option<Secret>,
    pub(crate) refresh_token: Option<Secret>,
    pub(crate) refresh_url: Option<String>,
    pub(crate) refresh_format: Option<RefreshFormat>,
}

/// Everything that is kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Content {
    pub(crate) auth: Option<Secret>,
    pub(crate) airline: Option<Arc<Binding>>,
    /// Counted up whenever somebody sets or clears the airline: a refresh that began before then changes nothing. Not kept.
    #[serde(skip)]
    pub(crate) epoch: u64,
}

/// The sign-in. Clones share it.
#[derive(Clone)]
pub(crate) struct SignIn {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    path: PathBuf,
    content: RwLock<Arc<Content>>,
}

impl SignIn {
    /// Reads what is kept. A file that makes no sense is set aside, with a sentence about it.
    pub(crate) fn open(folder: &Path, store: Store) -> Result<(Self, Option<String>), StoreError> {
        let path = folder.join(FILE);
        clear_left(&path).map_err(|error| StoreError::from_io(&path, &error))?;
        let (content, finding) = match read(&path) {
            Ok(content) => (content, None),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                let finding = set_aside(&path).map_err(|error| StoreError::from_io(&path, &error))?;
                (Content::default(), Some(finding))
            }
            Err(error) => return Err(StoreError::from_io(&path, &error)),
        };
        let inner = Inner { store, path, content: RwLock::new(Arc::new(content)) };
        Ok((Self { inner: Arc::new(inner) }, finding))
    }

    pub(crate) fn content(&self) -> Arc<Content> {
        self.inner.content()
    }

    /// Queues a change at once; the future ends when it is on disk. Readers see it from then on, and not before; `done` runs
    /// at that moment. `change` answers false when there is nothing to do.
    pub(crate) fn change<C, D>(&self, change: C, done: D) -> Kept<bool>
    where
        C: FnOnce(&mut Content) -> bool + Send + 'static,
        D: FnOnce(&Content) + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        self.inner.store.aside(move |_| {
            let mut content = Content::clone(&inner.content());
            if !change(&mut content) {
                return Ok(false);
            }
            write(&inner.path, &content).map_err(|error| StoreError::from_io(&inner.path, &error))?;
            done(&inner.show(content));
            Ok(true)
        })
    }

    /// Takes the tokens of an exchange: on disk first, then for readers. Where the disk refuses them readers get them all the
    /// same, for the old ones may be used up; the error is then for the log. False: the airline is another by now.
    pub(crate) fn rotate(&self, epoch: u64, token: Secret, refresh_token: Option<Secret>) -> Kept<bool> {
        let inner = Arc::clone(&self.inner);
        self.inner.store.aside(move |_| {
            let mut content = Content::clone(&inner.content());
            let Some(before) = content.airline.take().filter(|_| content.epoch == epoch) else {
                return Ok(false);
            };
            let mut binding = Binding::clone(&before);
            binding.token = Some(token);
            binding.refresh_token = refresh_token.or(binding.refresh_token);
            content.airline = Some(Arc::new(binding));
            let written = write(&inner.path, &content);
            inner.show(content);
            written.map(|()| true).map_err(|error| StoreError::from_io(&inner.path, &error))
        })
    }
}

impl Inner {
    fn show(&self, content: Content) -> Arc<Content> {
        let content = Arc::new(content);
        *self.content.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&content);
        content
    }

    fn content(&self) -> Arc<Content> {
        Arc::clone(&self.content.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn read(path: &Path) -> io::Result<Content> {
    let text = match outboard_files::read(path, FILE_MAX) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Content::default()),
        // No sign-in of ours is as large.
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Err(error) => return Err(error),
    };
    // The error of serde_json may quote what it read, which may be a token.
    serde_json::from_slice(&text).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))
}

/// The new content on its way, and the old content under a second name until it is overwritten. Found when the file is
/// opened, they are what a crash left.
const NEW: &str = "json.new";
const OLD: &str = "json.old";

fn write(path: &Path, content: &Content) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    clear_left(path)?;
    if content.auth.is_none() && content.airline.is_none() {
        wipe(path)?;
        return sync_folder(folder);
    }
    let text = Zeroizing::new(serde_json::to_vec(content)?);
    let written = replace(path, &text);
    if written.is_err() {
        let _ = wipe(&path.with_extension(NEW));
    }
    written?;
    sync_folder(folder)
}

fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let (new, old) = (path.with_extension(NEW), path.with_extension(OLD));
    write_new(&new, text)?;
    let kept = fs::hard_link(path, &old).is_ok();
    fs::rename(&new, path)?;
    if kept {
        // Until the name is on disk, a loss of power leaves it on the old content, which must then still be there.
        sync_folder(path.parent().unwrap_or(Path::new(".")))?;
        wipe(&old)?;
    }
    Ok(())
}

/// Removes what a write that was cut off has left beside the file.
fn clear_left(path: &Path) -> io::Result<()> {
    let (new, old) = (path.with_extension(NEW), path.with_extension(OLD));
    wipe(&new)?;
    // Until the new content has taken its place, the second name leads to what still holds: to overwrite that would lose it.
    if is_same(path, &old) { fs::remove_file(&old) } else { wipe(&old) }
}

fn is_same(one: &Path, other: &Path) -> bool {
    let identity = |path| fs::symlink_metadata(path).map(|found| (found.dev(), found.ino())).ok();
    identity(one).is_some_and(|one| identity(other) == Some(one))
}

fn write_new(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text)?;
    file.sync_all()
}

/// Overwrites a file and removes it. On disks that never write in place nothing more can be done from here.
fn wipe(path: &Path) -> io::Result<()> {
    match outboard_files::open_own(path, OpenOptions::new().write(true)) {
        Ok(mut file) => {
            let size = usize::try_from(file.metadata()?.len().min(FILE_MAX)).unwrap_or(0);
            let _ = file.write_all(&vec![0; size]).and_then(|()| file.sync_data());
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        // Whatever it is, it holds nothing that we wrote; what a link leads to is somebody else's.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {}
        Err(error) => return Err(error),
    }
    fs::remove_file(path)
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn set_aside(path: &Path) -> io::Result<String> {
    let stamp = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
    let aside = path.with_extension(format!("json.damaged-{stamp}"));
    fs::rename(path, &aside)?;
    Ok(format!(
        "{} was damaged and has been set aside as {}; nobody is signed in until the host sets the sign-in again",
        path.display(),
        aside.display()
    ))
}
