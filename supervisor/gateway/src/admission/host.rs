//! The one Host header of a request, which says by which name we were called.
//!
//! Asked before anything else is believed. Must not know what lives at a name.

use http::{Request, Uri, header};

use super::names::{Names, Site};
use crate::headers::single;
use crate::problem::{Kind, Problem};

/// Where a request arrived.
pub(super) fn check<B>(names: &Names, request: &Request<B>) -> Result<Site, Problem> {
    let ambiguous = |detail: &str| Problem::new(Kind::Ambiguous, detail).closing();
    let host = match single(request.headers(), &header::HOST) {
        Ok(Some(host)) => host,
        Ok(None) => return Err(ambiguous("The request has no Host header; send one.")),
        Err(()) => {
            return Err(ambiguous("The request has more than one Host header, or an unreadable one."));
        }
    };
    if let Some(differs) = authority_differs(request.uri(), host) {
        return Err(ambiguous(differs));
    }
    names.site(host).ok_or_else(|| {
        let detail = format!(
            "The host {host:?} is not allowed. Call us by one of {}, or add the name to allowed_hosts.",
            names.told()
        );
        Problem::new(Kind::HostNotAllowed, detail).closing()
    })
}

fn authority_differs(uri: &Uri, host: &str) -> Option<&'static str> {
    let authority = uri.authority()?;
    if uri.scheme_str() != Some("http") {
        return Some("The target is absolute and its scheme is not http.");
    }
    let same = authority.as_str().eq_ignore_ascii_case(host);
    (!same).then_some("The target names one host and the Host header another.")
}
