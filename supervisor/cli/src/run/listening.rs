//! Takes the place where people reach the plugins: an address, or a Unix socket with the mode and group that the settings say.
//!
//! Called when the layers open, before anything else that lasts. Must not know what is served.

use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use outboard_gateway::{Address, Listener};
use rustix::fs::Mode;
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
            Ok((Listener::Unix(listener), listen.clone(), Some(file)))
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
    let metadata = std::fs::symlink_metadata(path).map_err(cannot)?;
    let file = OwnFile { path: path.to_owned(), identity: (metadata.dev(), metadata.ino()) };
    if let Some(group) = group {
        std::os::unix::fs::chown(path, None, Some(group)).map_err(|error| {
            Failure::failed(format!(
                "{} cannot be given to the group {group}: {error}; you have to be one of its members to name it in socket_group",
                path.display()
            ))
        })?;
    }
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).map_err(cannot)?;
    Ok((listener, file))
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
    let Some(text) = &settings.file.http.socket_mode else { return Ok(MODE) };
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
