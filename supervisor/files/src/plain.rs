//! Plain files, opened without waiting and read up to a cap.
//!
//! Called by everything that reads a file that somebody else may have made. Blocks for as long as the disk does, so the thread
//! that must not wait calls it through [`crate::look`].

use std::fs::{File, FileType, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags};

/// Opens a plain file for reading, through links. A named pipe is not waited for, and no terminal becomes ours.
///
/// # Errors
/// As the system has it; `InvalidInput` with what it is instead, where it is not a plain file.
pub fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let opened = rustix::fs::openat(CWD, path, flags, Mode::empty());
    let file = match opened {
        Ok(descriptor) => File::from(descriptor),
        // What the kernel says of a socket, and of a device without a driver.
        Err(rustix::io::Errno::NXIO | rustix::io::Errno::NODEV) => {
            return Err(not_plain("a socket or a device without a driver"));
        }
        Err(error) => return Err(error.into()),
    };
    test_plain(&file.metadata()?)?;
    Ok(file)
}

/// Opens a file of our own as `options` say, to write it: not through a link, and without waiting for whatever somebody else
/// may have put in its place.
///
/// # Errors
/// As for [`open`].
pub fn open_own(path: &Path, options: &OpenOptions) -> io::Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW;
    let file = match options.clone().custom_flags(flags.bits().cast_signed()).open(path) {
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error()) => {
            return Err(not_plain("a socket, a named pipe that nobody reads, or a device without a driver"));
        }
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            return Err(not_plain("a link"));
        }
        opened => opened?,
    };
    test_plain(&file.metadata()?)?;
    Ok(file)
}

/// Refuses what is not a plain file.
///
/// # Errors
/// `InvalidInput` with what it is instead.
pub fn test_plain(found: &Metadata) -> io::Result<()> {
    if found.is_file() { Ok(()) } else { Err(not_plain(named(found.file_type()))) }
}

/// The whole content of a plain file.
///
/// # Errors
/// As for [`open`]; `FileTooLarge` where it has more than `most` bytes, however many it said that it has.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    // One more tells a file that just fits from one that does not.
    open(path)?.take(most.saturating_add(1)).read_to_end(&mut content)?;
    if content.len() as u64 > most {
        let sentence = format!("it has more than {most} bytes");
        return Err(io::Error::new(ErrorKind::FileTooLarge, sentence));
    }
    Ok(content)
}

/// As [`read`], for text.
///
/// # Errors
/// As for [`read`]; `InvalidData` where it is not UTF-8.
pub fn read_text(path: &Path, most: u64) -> io::Result<String> {
    let not_text = |_| io::Error::new(ErrorKind::InvalidData, "it is not UTF-8 text");
    String::from_utf8(read(path, most)?).map_err(not_text)
}

/// The first bytes of a plain file, `most` at the most.
///
/// # Errors
/// As for [`open`].
pub fn beginning(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    open(path)?.take(most).read_to_end(&mut content)?;
    Ok(content)
}

fn not_plain(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, format!("it is {what}, and a plain file is needed"))
}

fn named(kind: FileType) -> &'static str {
    if kind.is_dir() {
        "a folder"
    } else if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else if kind.is_char_device() || kind.is_block_device() {
        "a device"
    } else {
        "something else"
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn what_is_no_plain_file_is_refused_at_once_and_named() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        let mode = Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(CWD, at("pipe"), rustix::fs::FileType::Fifo, mode, 0).unwrap();
        symlink(at("pipe"), at("link")).unwrap();
        symlink("/dev/zero", at("endless")).unwrap();
        std::fs::create_dir(at("folder")).unwrap();
        let _listener = UnixListener::bind(at("socket")).unwrap();
        for (name, what) in [
            ("pipe", "a named pipe"),
            ("link", "a named pipe"),
            ("endless", "a device"),
            ("folder", "a folder"),
            ("socket", "a socket or a device without a driver"),
        ] {
            let error = read(&at(name), 1024).unwrap_err();
            assert_eq!(error.to_string(), format!("it is {what}, and a plain file is needed"), "{name}");
            assert!(beginning(&at(name), 4).is_err(), "{name}");
        }
        assert_eq!(read(&at("absent"), 1).unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn a_file_of_our_own_is_opened_neither_through_a_link_nor_when_it_is_something_else() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        rustix::fs::mknodat(CWD, at("pipe"), rustix::fs::FileType::Fifo, Mode::from_raw_mode(0o600), 0)
            .unwrap();
        std::fs::write(at("file"), "content").unwrap();
        symlink(at("file"), at("link")).unwrap();
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        for (name, what) in [
            ("pipe", "a socket, a named pipe that nobody reads, or a device without a driver"),
            ("link", "a link"),
        ] {
            let error = open_own(&at(name), &options).unwrap_err();
            assert_eq!(error.to_string(), format!("it is {what}, and a plain file is needed"));
        }
        assert_eq!(std::fs::read(at("file")).unwrap(), b"content");
        open_own(&at("file"), &options).unwrap();
        open_own(&at("new"), &options).unwrap();
    }

    #[test]
    fn no_more_than_the_cap_is_read_whatever_a_file_says_of_its_size() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("file");
        std::fs::write(&path, "12345").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"12345");
        assert_eq!(read(&path, 4).unwrap_err().kind(), ErrorKind::FileTooLarge);
        assert_eq!(beginning(&path, 2).unwrap(), b"12");
        // The kernel says of this one that it is empty.
        assert_eq!(read(Path::new("/proc/self/status"), 10).unwrap_err().kind(), ErrorKind::FileTooLarge);
        std::fs::write(&path, b"\xff").unwrap();
        assert_eq!(read_text(&path, 4).unwrap_err().kind(), ErrorKind::InvalidData);
    }
}
