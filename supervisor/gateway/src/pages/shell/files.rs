//! The files of the shell page: compiled in, packed by `build.rs`, and given to a browser as they are.
//!
//! The shell's address asks. They come from plugin-sdk/typescript/scripts/build.mjs. Must not know what is in them.

use std::io::Read;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use flate2::read::GzDecoder;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, VARY};
use http::{HeaderMap, HeaderValue};

use super::super::html::page;
use super::tagged;
use crate::ui_files::content_type;

/// Each file's name and its bytes, packed.
const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/shell.rs"));

/// The check sum and the length of what is packed, which is how a packed file ends.
const TRAILER: usize = 8;

/// A file as an answer; `None` where there is none of that name.
pub(super) fn answer(name: &str, asked: &HeaderMap) -> Option<Response> {
    let packed = packed(name)?;
    let mut tag = String::from(concat!("\"", env!("CARGO_PKG_VERSION"), "-"));
    for byte in packed.get(packed.len().saturating_sub(TRAILER)..).unwrap_or_default() {
        tag.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or_default());
        tag.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or_default());
    }
    tag.push('"');
    let mut response = page(Bytes::new(), content_type(std::path::Path::new(name)), "no-cache");
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept-encoding"));
    if unpacks(asked) {
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        *response.body_mut() = Body::from(Bytes::from_static(packed));
    } else {
        *response.body_mut() = Body::from(unpacked(packed));
    }
    Some(tagged(response, &tag, asked))
}

/// A file of the shell as text; empty where there is none.
pub(super) fn text(name: &str) -> String {
    packed(name).map(unpacked).and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}

fn packed(name: &str) -> Option<&'static [u8]> {
    FILES.iter().find(|(known, _)| *known == name).map(|(_, packed)| *packed)
}

fn unpacked(packed: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    GzDecoder::new(packed).read_to_end(&mut content).expect("INVARIANT: our own build packed it");
    content
}

/// Whether whoever asks takes gzip. `gzip;q=0` says that it does not.
fn unpacks(asked: &HeaderMap) -> bool {
    let mut codings = asked
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    codings.any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim().strip_prefix("q=").unwrap_or("1");
        name.trim().eq_ignore_ascii_case("gzip") && weight.parse::<f32>().is_ok_and(|weight| weight > 0.0)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed step is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn a_client_gets_a_packed_file_where_it_says_that_it_unpacks() {
        for (said, packed) in
            [("gzip", true), ("br, GZIP;q=0.5", true), ("gzip;q=0", false), ("br", false), ("", false)]
        {
            let mut asked = HeaderMap::new();
            asked.insert(ACCEPT_ENCODING, HeaderValue::from_static(said));
            let response = answer("shell.js", &asked).unwrap();
            assert_eq!(response.headers().contains_key(CONTENT_ENCODING), packed, "{said}");
        }
    }

    #[test]
    fn each_file_that_the_page_names_is_there() {
        let known = super::super::offered::offered();
        for name in known.values().map(|module| module.file.as_str()).chain([
            "index.html",
            "policy.txt",
            "shell.js",
            "shell.css",
        ]) {
            assert!(!text(name).is_empty(), "{name}");
        }
    }
}
