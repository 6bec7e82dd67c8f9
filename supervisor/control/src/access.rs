//! Who may ask: whoever knows the credential, and is not a web page.
//!
//! Looked at before a request is read any further. Must not know what is asked.

use http::header::{AUTHORIZATION, ORIGIN};
use http::{HeaderMap, StatusCode};

use super::Credential;

/// The scheme of the header.
const SCHEME: &[u8] = b"Bearer ";

/// Why somebody may not ask: a status, and a sentence.
pub(super) type Refusal = (StatusCode, &'static str);

/// Looks at a request's head.
///
/// # Errors
/// The refusal to answer with. It does not tell a missing credential from a wrong one.
pub(super) fn check(headers: &HeaderMap, credential: &Credential) -> Result<(), Refusal> {
    // Only browsers send it, and no page has any business here; a proxy that leads them here is a mistake.
    if headers.contains_key(ORIGIN) {
        return Err((StatusCode::FORBIDDEN, "the control API answers no web page"));
    }
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let known = match (given.next(), given.next()) {
        (Some(value), None) => {
            value.as_bytes().strip_prefix(SCHEME).is_some_and(|secret| credential.matches(secret))
        }
        _ => false,
    };
    if known {
        return Ok(());
    }
    Err((
        StatusCode::UNAUTHORIZED,
        "send `Authorization: Bearer …` with the credential from the file that supervisor.json names",
    ))
}
