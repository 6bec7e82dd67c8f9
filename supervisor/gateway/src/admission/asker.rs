//! Who asks: a program, a browser that follows a link, or a page, and then whose page.
//!
//! Told for every method and every upgrade by what browsers write and pages cannot: `Origin`, `Sec-Fetch-*`, and `Referer`,
//! which a page can leave out and cannot forge. Programs that are not browsers send none of them. Must not know what anybody
//! may reach.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header};

use super::cors::Cors;
use super::names::{Names, Resident, Site};
use crate::headers::{mentions, single};
use crate::problem::{Kind, Problem};

static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
static SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
static SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asker {
    /// Nobody's page: a program.
    Program,
    /// A browser opens a whole page or a frame, because of whomever.
    Navigation,
    /// A page of the plugin with this label.
    Plugin(Box<str>),
    /// The operator's pages.
    Operator,
    /// A page that the operator listed.
    Listed,
    /// A page at a name that is nobody's in particular. Where plugins have origins, no page lives there.
    Bare,
}

/// Who asks, and what that means for the answer.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) asker: Asker,
    /// Whether the answer becomes a document.
    pub(super) navigates: bool,
    pub(super) cors: Cors,
}

/// Finds out who asks at a site. `Err` for every page that we do not know.
pub(super) fn identify<B>(
    names: &Names,
    site: &Site,
    request: &Request<B>,
    token: bool,
) -> Result<Asking, Problem> {
    let headers = request.headers();
    let one = |name: &HeaderName| {
        single(headers, name).map_err(|()| refuse(&format!("The request has more than one {name} header.")))
    };
    let (origin, fetch_site) = (one(&header::ORIGIN)?, one(&SEC_FETCH_SITE)?);
    let navigates = match one(&SEC_FETCH_MODE)? {
        Some(mode) => mode.ends_with("navigate"),
        None => asks_for_page(request),
    };
    if let Some(origin) = origin {
        return of_origin(names, site, origin, headers, navigates);
    }
    let opens = || navigates && is_safe(request.method()) && opens_page(headers);
    let asker = match fetch_site {
        None => unmarked(names, site, request, token)?,
        Some("none" | "same-origin" | "same-site" | "cross-site") if opens() => Asker::Navigation,
        // A person, or the browser by itself.
        Some("none") => Asker::Program,
        Some("same-origin") => at_home(site),
        Some("same-site" | "cross-site") if is_safe(request.method()) && !navigates => {
            let foreign = "A page of another site sent this request.";
            by_referer(names, site, headers).ok_or_else(|| refuse(foreign))?
        }
        Some(_) => return Err(refuse("A page of another site sent this request.")),
    };
    // Whoever proved to be a program shows nobody a document.
    let navigates = navigates && !(asker == Asker::Program && fetch_site.is_none());
    Ok(Asking { asker, navigates, cors: names.unasked(site) })
}

fn of_origin(
    names: &Names,
    site: &Site,
    origin: &str,
    headers: &HeaderMap,
    navigates: bool,
) -> Result<Asking, Problem> {
    let unknown = || {
        let why = match names.resident(origin) {
            None => "is not allowed; add it to allowed_origins if the page is yours",
            Some(_) => {
                "leads to other machines than the name by which it calls; docs/SECURITY.md says who reaches what"
            }
        };
        refuse(&format!("The origin {origin:?} {why}."))
    };
    let resident = names.resident_at(site, origin).ok_or_else(unknown)?;
    let host = headers.get(header::HOST).map(HeaderValue::as_bytes).unwrap_or_default();
    let at_home = origin.split_once("://").is_some_and(|(_, own)| own.as_bytes().eq_ignore_ascii_case(host));
    // It equals one of our own names or of the operator's list, so nothing is reflected.
    let told = if at_home { None } else { HeaderValue::try_from(origin.to_ascii_lowercase()).ok() };
    let cors = told.map_or_else(|| names.unasked(site), Cors::Allowed);
    Ok(Asking { asker: asker_of(resident), navigates, cors })
}

fn asker_of(resident: Resident) -> Asker {
    match resident {
        Resident::Plugin(_, label) => Asker::Plugin(label),
        Resident::Operator(_) => Asker::Operator,
        Resident::Listed => Asker::Listed,
        Resident::Bare { .. } => Asker::Bare,
    }
}

/// Whose page lives where the request arrived.
fn at_home(site: &Site) -> Asker {
    match site {
        Site::Plugin(_, label) => Asker::Plugin(label.clone()),
        Site::Operator(_) => Asker::Operator,
        Site::Bare { .. } => Asker::Bare,
    }
}

/// Nothing says that a browser sent it. To names that browsers do not trust they send no marks, so that a program and a
/// foreign page look alike there.
fn unmarked<B>(names: &Names, site: &Site, request: &Request<B>, token: bool) -> Result<Asker, Problem> {
    if token {
        return Ok(Asker::Program);
    }
    if asks_for_page(request) {
        return Ok(Asker::Navigation);
    }
    if site.is_local() {
        return Ok(Asker::Program);
    }
    let referer = is_safe(request.method()).then(|| by_referer(names, site, request.headers())).flatten();
    referer.ok_or_else(|| {
        let detail = "Nothing tells whether a foreign page sent this request; send the token of token_file (below \
             [http]) as X-Outboard-Token, or as Authorization: Bearer.";
        Problem::new(Kind::TokenRequired, detail).closing()
    })
}

/// Whose page embeds this: pictures, scripts and the like carry no Origin.
fn by_referer(names: &Names, site: &Site, headers: &HeaderMap) -> Option<Asker> {
    let referer = single(headers, &header::REFERER).ok()??;
    let scheme = referer.find("://")?;
    let authority = scheme + 3;
    let end = referer[authority..].find(['/', '?', '#']).map_or(referer.len(), |end| authority + end);
    names.resident_at(site, &referer[..end]).map(asker_of)
}

/// Whether a browser asks for a whole page, as it does when a person follows a link: nothing that a foreign page embeds looks
/// like this, and no page can make its own requests look like it.
fn asks_for_page<B>(request: &Request<B>) -> bool {
    let headers = request.headers();
    let insecure = headers.get(header::UPGRADE_INSECURE_REQUESTS).is_some_and(|value| value == "1");
    let accepts = |value: &HeaderValue| mentions(value, "text/html");
    is_safe(request.method()) && insecure && headers.get_all(header::ACCEPT).iter().any(accepts)
}

/// Whether what a navigation opens is a page or a frame, and not the like of an `<object>`.
fn opens_page(headers: &HeaderMap) -> bool {
    headers.get(&SEC_FETCH_DEST).is_none_or(|dest| {
        ["document", "iframe", "frame"].iter().any(|page| dest.as_bytes() == page.as_bytes())
    })
}

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

fn refuse(detail: &str) -> Problem {
    Problem::new(Kind::OriginNotAllowed, detail).closing()
}
