//! What a program file is, read from its first bytes, for the sake of a better message.
//!
//! Called by [`super::error`] after exec has refused a file. It must not decide anything: the kernel has done that.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// The kernel reads no more of a `#!` line than this.
const HEAD: usize = 256;
/// A dynamic loader's path is far shorter; a longer one is not shown.
const LOADER_LIMIT: u64 = 255;
/// Program headers of a sane binary number about a dozen.
const PROGRAM_HEADERS: u16 = 64;

/// What the first bytes say.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::process) enum Image {
    /// Begins with `#!`; the line, without its end.
    Script(String),
    /// An ELF file for this machine number.
    Elf { machine: u16, loader: Option<String> },
    /// Nothing at all.
    Empty,
    /// Neither.
    Other,
    /// Could not be read.
    Unreadable(String),
}

/// Reads the beginning of a file.
pub(in crate::process) fn look(path: &Path) -> Image {
    match outboard_files::open(path).and_then(|mut file| {
        let mut head = Vec::with_capacity(HEAD);
        Read::by_ref(&mut file).take(HEAD as u64).read_to_end(&mut head)?;
        Ok((file, head))
    }) {
        Ok((file, head)) => classify(&file, &head),
        Err(error) => Image::Unreadable(error.to_string()),
    }
}

/// The interpreter that a file asks for: its `#!` line, or the loader that a binary names.
pub(in crate::process) fn interpreter(path: &Path) -> String {
    match look(path) {
        Image::Script(line) => format!("its first line is {line:?}"),
        Image::Elf { loader: Some(loader), .. } => {
            format!("it needs the dynamic loader {loader}; it may be built for another C library")
        }
        Image::Unreadable(why) => format!("it could not be read to say which: {why}"),
        Image::Elf { .. } | Image::Empty | Image::Other => "the file does not say which".to_owned(),
    }
}

/// What a file is that exec does not know how to run.
pub(in crate::process) fn describe(path: &Path) -> String {
    let ours = std::env::consts::ARCH;
    match look(path) {
        Image::Elf { machine, .. } => {
            format!("a binary for {}; this machine is {ours}", machine_name(machine))
        }
        Image::Empty => "it is empty".to_owned(),
        Image::Script(line) => format!("its first line is {line:?}"),
        Image::Other => "neither a binary nor a script with a #! line".to_owned(),
        Image::Unreadable(why) => format!("it could not be read: {why}"),
    }
}

fn classify(file: &File, head: &[u8]) -> Image {
    if head.is_empty() {
        return Image::Empty;
    }
    if head.starts_with(b"#!") {
        let line = head.split(|byte| *byte == b'\n').next().unwrap_or(head);
        // A carriage return is part of the interpreter's name to the kernel, so it must show.
        return Image::Script(String::from_utf8_lossy(line).into_owned());
    }
    if head.starts_with(b"\x7fELF") && head.len() >= 64 {
        return Image::Elf {
            machine: u16::from_le_bytes([head[18], head[19]]),
            loader: elf_loader(file, head),
        };
    }
    Image::Other
}

/// The PT_INTERP segment of a 64-bit little-endian file; `None` for every other kind.
fn elf_loader(file: &File, head: &[u8]) -> Option<String> {
    const SIXTY_FOUR_LITTLE: [u8; 2] = [2, 1];
    const PT_INTERP: u32 = 3;
    if head.get(4..6)? != SIXTY_FOUR_LITTLE {
        return None;
    }
    let table = u64::from_le_bytes(head.get(32..40)?.try_into().ok()?);
    let size = u16::from_le_bytes(head.get(54..56)?.try_into().ok()?);
    let count = u16::from_le_bytes(head.get(56..58)?.try_into().ok()?).min(PROGRAM_HEADERS);
    for index in 0..count {
        let mut entry = [0; 56];
        file.read_exact_at(&mut entry, table.checked_add(u64::from(index) * u64::from(size))?).ok()?;
        if u32::from_le_bytes(entry[0..4].try_into().ok()?) != PT_INTERP {
            continue;
        }
        let offset = u64::from_le_bytes(entry[8..16].try_into().ok()?);
        let length = u64::from_le_bytes(entry[32..40].try_into().ok()?).min(LOADER_LIMIT);
        let mut name = vec![0; usize::try_from(length).ok()?];
        file.read_exact_at(&mut name, offset).ok()?;
        return Some(String::from_utf8_lossy(&name).trim_end_matches('\0').to_owned());
    }
    None
}

/// The names of the machines that people have; the number for others.
fn machine_name(machine: u16) -> String {
    match machine {
        3 => "x86".to_owned(),
        40 => "arm".to_owned(),
        62 => "x86_64".to_owned(),
        183 => "aarch64".to_owned(),
        243 => "riscv".to_owned(),
        other => format!("ELF machine {other}"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step fails the test")]
    use super::*;

    #[test]
    fn the_running_test_is_a_binary_for_this_machine_and_may_name_its_loader() {
        let Image::Elf { machine, loader } = look(&std::env::current_exe().unwrap()) else {
            panic!("not ELF")
        };
        assert_eq!(machine_name(machine), std::env::consts::ARCH);
        assert!(loader.is_none_or(|loader| Path::new(&loader).is_absolute()));
    }

    #[test]
    fn a_script_shows_its_line_with_the_carriage_return_that_breaks_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("script");
        std::fs::write(&path, "#!/bin/sh\r\nexit 0\n").unwrap();
        assert_eq!(look(&path), Image::Script("#!/bin/sh\r".into()));
        assert!(interpreter(&path).contains(r"\r"), "{}", interpreter(&path));
    }

    #[test]
    fn a_cut_off_binary_is_described_and_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("binary");
        let mut bytes = std::fs::read("/proc/self/exe").unwrap()[..64].to_vec();
        bytes[18..20].copy_from_slice(&183_u16.to_le_bytes());
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(look(&path), Image::Elf { machine: 183, loader: None });
        assert!(describe(&path).starts_with("a binary for aarch64"));
    }
}
