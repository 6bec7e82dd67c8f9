//! Takes the place where people reach the plugins: an address, or a Unix socket with the mode and group that the settings say.
//!
//! Called when the layers open, before anything else that lasts. Must not know what is served.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use outboard_gateway::{Address, Listener};
use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use super::{ports, users};
use crate::failure::{Exit, Failure, Outcome};
use crate::settings::Settings;

/// Connections that may wait to be taken.
const WAITING: i32 = 1024;
/// Its user alone, until the settings say more.
const MODE: u32 = 0o600;
/// Nobody has another use for the rest of a mode.
const MODE_MOST: u32 = 0o777;
/// Longest path of a socket that the kernel takes, in bytes.
const PATH_MAX: usize = 107;

/// The file of a Unix socket that is ours, removed when this is dropped, if it is still the same.
#[derive(Debug)]
pub(super) struct OwnFile {
    path: PathBuf,
    identity: (u64, u64),
}

/// Refuses settings with which no socket could be made, before anything is started.
///
/// # Errors
/// A usage failure that names the key.
pub(super) fn check(settings: &Settings) -> Outcome {
    mode(settings)?;
    users::socket_group(settings).map(drop)
}

/// Takes the place, and says where it is, with the real port.
///
/// # Errors
/// A sentence that says what is in the way, and what to do.
pub(super) fn bind(settings: &Settings, listen: &Address) -> Outcome<(Listener, Address, Option<OwnFile>)> {
    match listen {
        Address::Tcp(address) => {
            let (listener, real) = ports::bind(*address)?;
            Ok((listener, Address::Tcp(real), None))
        }
        Address::Unix(path) => {
            let (listener, file) = unix(settings, path)?;
            Ok((Listener::from(listener), listen.clone(), Some(file)))
        }
    }
}

fn unix(settings: &Settings, path: &Path) -> Outcome<(tokio::net::UnixListener, OwnFile)> {
    let mode = mode(settings)?;
    let group = users::socket_group(settings)?;
    let length = path.as_os_str().len();
    if length > PATH_MAX {
        let shown = path.display();
        return Err(Failure::usage(format!(
            "the path {shown} has {length} bytes, and a socket's has at most {PATH_MAX}; choose a shorter one with --listen"
        )));
    }
    make_way(path)?;
    let cannot = |error: io::Error| Failure::failed(format!("cannot serve unix:{}: {error}", path.display()));
    let listener = open(path).map_err(cannot)?;
    let placed = Placed::find(path)?;
    let file = OwnFile { path: path.to_owned(), identity: placed.identity };
    if let Some(group) = group {
        placed.give_to(group).map_err(|error| {
            Failure::failed(format!(
                "{} cannot be given to the group {group}: {error}; you have to be one of its members to name it in socket_group",
                path.display()
            ))
        })?;
    }
    placed.set_mode(mode).map_err(cannot)?;
    Ok((listener, file))
}

/// The file of a socket that was just made, held by a descriptor: whoever may write to its folder can put a link in its place,
/// and what that leads to is not ours to give away.
struct Placed {
    file: OwnedFd,
    identity: (u64, u64),
}

impl Placed {
    /// # Errors
    /// A sentence, where something else stands there by now.
    fn find(path: &Path) -> Outcome<Self> {
        let cannot =
            |error: io::Error| Failure::failed(format!("cannot serve unix:{}: {error}", path.display()));
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::open(path, flags, Mode::empty()).map_err(|error| cannot(error.into()))?;
        let found = std::fs::File::from(file.try_clone().map_err(cannot)?).metadata().map_err(cannot)?;
        let ours = found.uid() == rustix::process::geteuid().as_raw() && found.nlink() == 1;
        if !found.file_type().is_socket() || !ours {
            let why = format!(
                "somebody replaced the socket {} as it was made; choose a folder that nobody else can write, with --listen",
                path.display()
            );
            return Err(Failure::new(Exit::Refused, why));
        }
        Ok(Self { file, identity: (found.dev(), found.ino()) })
    }

    fn give_to(&self, group: u32) -> io::Result<()> {
        let group = Some(rustix::fs::Gid::from_raw(group));
        Ok(rustix::fs::chownat(&self.file, "", None, group, AtFlags::EMPTY_PATH)?)
    }

    fn set_mode(&self, mode: u32) -> io::Result<()> {
        // The kernel takes no such descriptor itself, and leads from this name to what it holds and nowhere else.
        let held = format!("/proc/self/fd/{}", self.file.as_raw_fd());
        std::fs::set_permissions(held, std::fs::Permissions::from_mode(mode))
    }
}

/// Binds with the narrowest mode from the first moment on: the file gets that of the socket, whatever the umask.
fn open(path: &Path) -> io::Result<tokio::net::UnixListener> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::fs::fchmod(&socket, Mode::from_raw_mode(MODE))?;
    rustix::net::bind(&socket, &SocketAddrUnix::new(path)?)?;
    rustix::net::listen(&socket, WAITING)?;
    tokio::net::UnixListener::from_std(std::os::unix::net::UnixListener::from(socket))
}

/// Removes a socket that nobody serves any more, and nothing else.
fn make_way(path: &Path) -> Outcome {
    let shown = path.display();
    let metadata = match std::fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Failure::failed(format!("cannot look at {shown}: {error}"))),
    };
    if !metadata.file_type().is_socket() {
        let why = format!(
            "{shown} is there and is not a socket; move it away, or choose another path with --listen"
        );
        return Err(Failure::new(Exit::Refused, why));
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            std::fs::remove_file(path).map_err(|error| {
                Failure::failed(format!("{shown} was left by another program and cannot be removed: {error}"))
            })
        }
        Ok(_) => {
            let why = format!(
                "{shown} is taken: another program serves it; end it, or choose another path with --listen"
            );
            Err(Failure::new(Exit::Refused, why))
        }
        Err(error) => {
            let why = format!("{shown} cannot be used: {error}; choose another path with --listen");
            Err(Failure::new(Exit::Refused, why))
        }
    }
}

/// `[http] socket_mode`.
fn mode(settings: &Settings) -> Outcome<u32> {
    let Some(text) = &settings.options.http.socket_mode else { return Ok(MODE) };
    match u32::from_str_radix(text, 8) {
        Ok(mode) if mode <= MODE_MOST => Ok(mode),
        _ => Err(settings.wrong(&["http", "socket_mode"], "be a mode in octal digits, such as \"0660\"")),
    }
}

impl Drop for OwnFile {
    fn drop(&mut self) {
        let same = std::fs::symlink_metadata(&self.path)
            .is_ok_and(|metadata| (metadata.dev(), metadata.ino()) == self.identity);
        if same {
            // What cannot be removed is replaced by the next supervisor.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn what_was_put_in_the_place_of_a_socket_keeps_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let (place, secret) = (folder.path().join("http.sock"), folder.path().join("secret"));
        let mode_of = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        std::fs::write(&secret, "").unwrap();
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::os::unix::fs::symlink(&secret, &place).unwrap();
        assert!(Placed::find(&place).is_err(), "a link");
        std::fs::remove_file(&place).unwrap();
        std::fs::hard_link(&secret, &place).unwrap();
        assert!(Placed::find(&place).is_err(), "another file");
        std::fs::remove_file(&place).unwrap();
        let _listener = UnixListener::bind(&place).unwrap();
        let placed = Placed::find(&place).unwrap();
        // Later it may be replaced as well: what is held is what is changed.
        let aside = folder.path().join("aside");
        std::fs::rename(&place, &aside).unwrap();
        std::os::unix::fs::symlink(&secret, &place).unwrap();
        placed.give_to(rustix::process::getegid().as_raw()).unwrap();
        placed.set_mode(0o660).unwrap();
        assert_eq!((mode_of(&aside), mode_of(&secret)), (0o660, 0o600));
    }
}
