//! The token by which a program proves that the operator let it in, where nothing else tells who asks.
//!
//! The binary reads it from the file that `[http] token_file` names; admission asks for it. It comes as `Authorization:
//! Bearer` or as `X-Outboard-Token`, and never goes on to a plugin; whatever else stands in `Authorization` is the plugin's
//! own and passes. Must not know who needs it.

use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use subtle::ConstantTimeEq;

/// A header of our own, for callers whose `Authorization` is for the plugin.
static OWN_HEADER: HeaderName = HeaderName::from_static("x-outboard-token");
/// How short a token may be: sixteen random bytes in hexadecimal digits cannot be guessed.
const SHORTEST: usize = 32;
/// How long it may be: heads have limits.
const LONGEST: usize = 512;
/// Whoever may read the file is let in, so nobody but its owner may.
const OTHERS: u32 = 0o077;

/// A secret that lets a program in.
#[derive(Clone)]
pub struct Token(Arc<[u8]>);

/// Why a token could not be read.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file system refused.
    #[error("cannot read the token file {}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It is not a file by itself.
    #[error("{} is not a regular file; put the token into one", .0.display())]
    NotAFile(PathBuf),
    /// Somebody else put it there.
    #[error("{} belongs to uid {owner}, and the supervisor runs as uid {own}; chown it", path.display())]
    Foreign {
        /// Which file.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who reads it.
        own: u32,
    },
    /// Others may read it.
    #[error("{} has mode {mode:04o}, so that others may read or write it; `chmod 600` it", path.display())]
    Open {
        /// Which file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It holds something else.
    #[error(
        "{} does not hold a token: one line of {SHORTEST} to {LONGEST} letters, digits and any of -._~+/=, such as \
         `openssl rand -hex 32` prints",
        .0.display()
    )]
    Malformed(PathBuf),
}

impl Token {
    /// Reads the token from a file of this user's that nobody else may read. Never waits for what is not a file.
    ///
    /// # Errors
    /// [`TokenError`], which names the file.
    pub fn read(path: &Path) -> Result<Self, TokenError> {
        let unreadable = |source| TokenError::Unreadable { path: path.to_owned(), source };
        let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOFOLLOW;
        let file = match OpenOptions::new().read(true).custom_flags(flags.bits() as i32).open(path) {
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
                return Err(TokenError::NotAFile(path.to_owned()));
            }
            opened => opened.map_err(unreadable)?,
        };
        let metadata = file.metadata().map_err(unreadable)?;
        if !metadata.is_file() {
            return Err(TokenError::NotAFile(path.to_owned()));
        }
        let (owner, own) = (metadata.uid(), rustix::process::geteuid().as_raw());
        if owner != own {
            return Err(TokenError::Foreign { path: path.to_owned(), owner, own });
        }
        let mode = metadata.mode() & 0o7777;
        if mode & OTHERS != 0 {
            return Err(TokenError::Open { path: path.to_owned(), mode });
        }
        let mut text = Vec::new();
        // One more than the longest with a line's end, so that a longer one is noticed.
        file.take(LONGEST as u64 + 3).read_to_end(&mut text).map_err(unreadable)?;
        Self::new(text.trim_ascii_end()).ok_or_else(|| TokenError::Malformed(path.to_owned()))
    }

    /// A token; `None` where these bytes are not one.
    pub fn new(token: &[u8]) -> Option<Self> {
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(byte);
        let formed = (SHORTEST..=LONGEST).contains(&token.len()) && token.iter().all(plain);
        formed.then(|| Self(token.into()))
    }

    /// Takes the token out of the headers, so that no plugin gets it, and says whether it was there. A wrong one in our own
    /// header is nobody else's and stays for the proxy to leave out; one in `Authorization` may be the plugin's.
    pub(crate) fn take_from(&self, headers: &mut HeaderMap) -> bool {
        let mut given = false;
        for value in headers.get_all(&OWN_HEADER) {
            given |= self.matches(value.as_bytes());
        }
        // Several are not what any client sends; the plugin is left to refuse them.
        let mut authorizations = headers.get_all(header::AUTHORIZATION).iter();
        let only = authorizations.next().filter(|_| authorizations.next().is_none());
        if only.and_then(bearer).is_some_and(|bearer| self.matches(bearer)) {
            given = true;
            headers.remove(header::AUTHORIZATION);
        }
        given
    }

    /// Takes as long for a wrong one that differs in the last byte as for one that differs in the first.
    fn matches(&self, given: &[u8]) -> bool {
        self.0.ct_eq(given).into()
    }
}

/// What `Authorization: Bearer` brings.
fn bearer(value: &HeaderValue) -> Option<&[u8]> {
    let (scheme, rest) = value.as_bytes().split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| rest.trim_ascii())
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn file(folder: &tempfile::TempDir, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn a_token_is_read_from_a_closed_file_of_ones_own_and_from_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let good = file(&folder, "good", &format!("{SECRET}\n"), 0o600);
        assert!(Token::read(&good).is_ok());
        let told = |path: &Path| Token::read(path).unwrap_err().to_string();
        assert!(told(&file(&folder, "open", SECRET, 0o640)).contains("mode 0640"));
        for (name, text) in [("empty", ""), ("short", "abc"), ("two", &format!("{SECRET}\n{SECRET}\n")[..])] {
            assert!(told(&file(&folder, name, text, 0o600)).contains("does not hold a token"), "{name}");
        }
        assert!(told(&file(&folder, "long", &"a".repeat(600), 0o600)).contains("does not hold a token"));
        symlink(&good, folder.path().join("link")).unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for path in [folder.path().join("link"), pipe, folder.path().to_owned()] {
            assert!(told(&path).contains("not a regular file"), "{}", path.display());
        }
        assert!(told(&folder.path().join("none")).contains("cannot read"));
    }

    #[test]
    fn the_token_is_taken_out_and_a_plugins_own_authorization_stays() {
        let token = Token::new(SECRET.as_bytes()).unwrap();
        let with = |name: HeaderName, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            (token.take_from(&mut headers), headers.contains_key(header::AUTHORIZATION))
        };
        assert_eq!(with(OWN_HEADER.clone(), SECRET), (true, false));
        assert_eq!(with(header::AUTHORIZATION, &format!("bearer  {SECRET}")), (true, false));
        assert_eq!(with(header::AUTHORIZATION, &format!("Basic {SECRET}")), (false, true));
        assert_eq!(with(header::AUTHORIZATION, "Bearer 0123456789abcdef0123456789abcdee"), (false, true));
        assert_eq!(with(OWN_HEADER.clone(), &SECRET[1..]), (false, false));
    }
}
