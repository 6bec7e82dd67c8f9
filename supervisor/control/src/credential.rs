//! The credential of the control API: a secret in a file that only the supervisor's user can read.
//!
//! Made at the first start and kept, so that a program that embeds Outboard may read it once. To replace it, remove the
//! file and start the supervisor again. Must not know HTTP.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use subtle::ConstantTimeEq;

/// Bytes of randomness; written as twice as many hexadecimal digits.
const RANDOM_BYTES: usize = 32;
/// Digits in the file.
const DIGITS: usize = 2 * RANDOM_BYTES;
/// Only the supervisor's user reads it.
const MODE: u32 = 0o600;

/// A secret that who asks must know.
#[derive(Clone)]
pub struct Credential([u8; DIGITS]);

/// Why there is no credential.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// The file system refused.
    #[error("cannot {act} the credential {}; the supervisor's user needs to own it", path.display())]
    Refused {
        /// What was tried.
        act: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file holds something else.
    #[error("{} is not a credential ({DIGITS} hexadecimal digits); remove it, and a new one is made", .0.display())]
    Malformed(PathBuf),
}

impl Credential {
    /// Reads the credential from a file, or makes both. A file that others may read is closed to them.
    ///
    /// # Errors
    /// [`CredentialError`], which names the file.
    pub fn open(path: &Path) -> Result<Self, CredentialError> {
        let refused = |act| move |source| CredentialError::Refused { act, path: path.to_owned(), source };
        match OpenOptions::new().write(true).create_new(true).mode(MODE).open(path) {
            Ok(file) => Self::make(file).map_err(|error| {
                // Half a credential would lock everybody out at the next start.
                let _ = std::fs::remove_file(path);
                refused("write")(error)
            }),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                std::fs::set_permissions(path, Permissions::from_mode(MODE)).map_err(refused("protect"))?;
                let text = outboard_files::beginning(path, DIGITS as u64 + 2).map_err(refused("read"))?;
                Self::parse(String::from_utf8_lossy(&text).trim_end())
                    .ok_or_else(|| CredentialError::Malformed(path.to_owned()))
            }
            Err(error) => Err(refused("make")(error)),
        }
    }

    fn make(mut file: File) -> io::Result<Self> {
        let mut random = [0; RANDOM_BYTES];
        File::open("/dev/urandom")?.read_exact(&mut random)?;
        let text: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        Self::parse(&text).ok_or_else(|| io::Error::other("the credential could not be written down"))
    }

    fn parse(text: &str) -> Option<Self> {
        let digits: [u8; DIGITS] = text.as_bytes().try_into().ok()?;
        digits.iter().all(u8::is_ascii_hexdigit).then_some(Self(digits))
    }

    /// Whether a text has the form of a credential.
    pub fn has_form(text: &str) -> bool {
        Self::parse(text).is_some()
    }

    /// Whether this is it. Takes as long for a wrong one that differs in the last digit as for one that differs in the first.
    pub(super) fn matches(&self, given: &[u8]) -> bool {
        self.0.ct_eq(given).into()
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credential")
    }
}
