//! The shell: the page that carries a plugin's UI, and the files that every UI shares.
//!
//! The own routes ask. Where a UI imports what the page has not, the page is served with something in its place. Must not know what
//! the page does with any of it.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use data_encoding::HEXLOWER;
use http::header::{ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode, Uri};
use outboard_files::look;
use outboard_protocol::PluginId;
use sha2::{Digest, Sha256};

use super::html::{SHELL_PATH, page};
use super::no_ui;
use crate::admission::caller::Caller;
use crate::directory::Directory;
use crate::problem::{Kind, Problem};
use crate::ui_files::body::FILE_LIMIT;

mod document;
mod files;
mod imports;
mod needs;
mod offered;
mod stand_in;

pub use needs::{Needs, needs};

/// With this behind the address, the page shows the plugin's settings in place of its UI.
pub(super) const SETTINGS: &str = "settings";

/// Whether there is anything to set for a plugin.
pub(crate) fn has_settings(directory: &dyn Directory, id: &str) -> bool {
    PluginId::new(id)
        .is_ok_and(|id| directory.plugin(id.as_str()).is_some() && !directory.settings(&id).is_empty())
}

/// The plugin whose shell page `/shell/<id>` is; `None` for the shell's files, and where there is no such plugin.
pub(crate) fn shell_of<'r>(directory: &dyn Directory, rest: &'r str) -> Option<&'r str> {
    named(rest).filter(|id| PluginId::check(id).is_ok() && directory.plugin(id).is_some())
}

/// Whether this is a page of the shell, and not one of its files.
pub(crate) fn is_page(rest: &str) -> bool {
    named(rest).is_some()
}

/// An id has no dot and every file has one, so neither hides the other.
fn named(rest: &str) -> Option<&str> {
    let path = rest.strip_prefix("/shell/")?.trim_end_matches('/');
    Some(path).filter(|name| !name.contains(['.', '/']))
}

/// `/shell/…`.
pub(crate) async fn shell(
    directory: &dyn Directory,
    uri: &Uri,
    asked: &HeaderMap,
    caller: &Caller,
) -> Result<Response, Problem> {
    let path = uri.path().strip_prefix(SHELL_PATH).unwrap_or_default();
    if let Some(id) = named(&format!("/shell/{path}")) {
        let settings = uri.query() == Some(SETTINGS) && has_settings(directory, id);
        if PluginId::check(id).is_err() || !(settings || directory.has_ui(id)) {
            return Ok(no_ui::page(directory, id, caller));
        }
        return Ok(document::answer(&needs_of(directory, id).await, caller, asked));
    }
    if let Some(text) = uri.query().and_then(|query| stand_in::module(path, query)) {
        let tag = format!("\"{}\"", HEXLOWER.encode(&Sha256::digest(&text)));
        let response = page(Bytes::from(text), "text/javascript; charset=utf-8", "no-cache");
        return Ok(tagged(response, &tag, asked));
    }
    let absent = || Problem::new(Kind::NotFound, format!("The shell has no file {path:?}."));
    files::answer(path, asked).ok_or_else(absent)
}

/// What the plugin's UI wants. A disk that does not answer has the page served as for a UI that lacks nothing; what the browser then
/// cannot load, it names.
async fn needs_of(directory: &dyn Directory, id: &str) -> Needs {
    let Some(folder) = directory.install_dir(id) else { return Needs::default() };
    let place = folder.clone();
    let looked = look(&place, FILE_LIMIT, move || needs(&folder)).await;
    looked.ok().and_then(Result::ok).unwrap_or_default()
}

/// Marks an answer with what it is, or says that whoever asks has it.
fn tagged(mut response: Response, tag: &str, asked: &HeaderMap) -> Response {
    if let Ok(tag) = HeaderValue::from_str(tag) {
        response.headers_mut().insert(ETAG, tag);
    }
    if asked.get(IF_NONE_MATCH).is_some_and(|known| known == tag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
    }
    response
}
