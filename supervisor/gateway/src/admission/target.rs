//! Which paths can be read in one way only.
//!
//! The path goes to the plugin byte for byte, so whatever some servers resolve and others do not (dot segments, encoded NUL,
//! half an escape) is refused here. An encoded slash is allowed below the plugin's own prefix: there it means what the
//! plugin says.

use http::Uri;

use crate::problem::{Kind, Problem};

/// Refuses what is ambiguous in the target.
pub(crate) fn check(uri: &Uri) -> Result<(), Problem> {
    let path = uri.path();
    let refuse = |detail: &str| Err(Problem::new(Kind::Ambiguous, detail).closing());
    if !path.starts_with('/') {
        return refuse("The target is not a path; begin it with '/'.");
    }
    if path.starts_with("//") {
        return refuse("The path begins with two slashes, which some read as a host; send one.");
    }
    // Most paths hold neither, and need no closer look.
    if memchr::memchr2(b'%', b'.', path.as_bytes()).is_none() {
        return Ok(());
    }
    if !escapes_are_whole(path.as_bytes()) {
        return refuse("The path holds a '%' without two hexadecimal digits, or an encoded NUL.");
    }
    if path.split('/').any(is_dots) {
        return refuse("The path holds a '.' or '..' segment; resolve it before sending.");
    }
    Ok(())
}

fn escapes_are_whole(path: &[u8]) -> bool {
    memchr::memchr_iter(b'%', path).all(|at| match path.get(at + 1..at + 3) {
        Some(b"00") => false,
        Some(digits) => digits.iter().all(u8::is_ascii_hexdigit),
        None => false,
    })
}

/// Whether a segment is `.` or `..`, however its dots are written, with or without path parameters.
fn is_dots(segment: &str) -> bool {
    let mut rest = segment.split(';').next().unwrap_or_default();
    let mut dots = 0;
    while !rest.is_empty() && dots < 3 {
        let Some(after) =
            rest.strip_prefix('.').or_else(|| rest.strip_prefix("%2e")).or_else(|| rest.strip_prefix("%2E"))
        else {
            return false;
        };
        (rest, dots) = (after, dots + 1);
    }
    matches!(dots, 1 | 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(path: &str) -> bool {
        check(&Uri::try_from(path).expect("a target")).is_ok()
    }

    #[test]
    fn paths_that_servers_resolve_differently_are_refused() {
        for path in [
            "//evil/api/x",
            "/api/x/../y",
            "/api/x/./y",
            "/api/x/..",
            "/api/x/%2e%2e/y",
            "/api/x/.%2E/y",
            "/api/x/%2e",
            "/api/x/..;a=b/y",
            "/api/x/%00",
            "/api/x/%",
            "/api/x/%4",
            "/api/x/%zz",
        ] {
            assert!(!allowed(path), "{path} was allowed");
        }
    }

    #[test]
    fn paths_that_mean_one_thing_pass() {
        for path in
            ["/", "/api/x/a%2Fb", "/api/x/...", "/api/x/.hidden", "/api/x/a..b", "/api/x//y", "/api/x/?q=%"]
        {
            assert!(allowed(path), "{path} was refused");
        }
    }
}
