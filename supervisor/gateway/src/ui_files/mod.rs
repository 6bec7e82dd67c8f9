//! `/_outboard/plugins/<id>/ui/…` and `…/assets/…`: files of a plugin's install folder, and nothing beside them.
//!
//! The front door asks. Served whether or not the plugin runs. Must not know what the files are for.

pub(crate) mod body;
pub(crate) mod open;

use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::SystemTime;

use axum::body::Body;
use axum::response::Response;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LAST_MODIFIED,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, StatusCode};

use self::body::{FILE_LIMIT, FileBody};
use self::open::Opened;
use outboard_files::look;

use crate::admission::caller::Caller;
use crate::directory::Directory;
use crate::problem::{Kind, Problem};

/// The folders of an install folder that are served.
const SERVED: [&str; 2] = ["ui", "assets"];
/// How the path of an asset begins.
const ASSETS: &str = "assets/";
/// The style sheet that goes with a UI.
const STYLE: &str = "ui/index.css";
/// A page may run its own scripts and may not have its base moved; who may frame it is added.
const PAGE_POLICY: &str = "object-src 'none'; base-uri 'self'; ";
/// A picture that is opened by itself runs no script, though its format could.
const PICTURE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

/// Answers `/plugins/<id>/<folder>/<path>`, of which `file` is what stands behind the id.
pub(crate) async fn answer(
    directory: &dyn Directory,
    id: &str,
    file: &str,
    asked: &HeaderMap,
    caller: &Caller,
) -> Result<Response, Problem> {
    let (root, relative) = locate(directory, id, file)?;
    let content_type = content_type(&relative);
    let place = root.clone();
    let opened = match look(&place, FILE_LIMIT, move || open::open(&root, &relative)).await {
        Ok(Ok(opened)) => opened,
        // The shell page asks for this of every UI, though a UI need not have it.
        Ok(Err(error)) if error.kind() == ErrorKind::NotFound && file == STYLE => return Ok(no_style()),
        Ok(Err(_)) => return Err(nothing(id, file)),
        Err(silent) => {
            return Err(Problem::new(Kind::Slow, format!("The file cannot be read: {silent}.")));
        }
    };
    let tag = entity_tag(&opened);
    let unchanged = asked.get_all(IF_NONE_MATCH).iter().any(|tags| {
        tags.to_str().is_ok_and(|tags| tags.split(',').any(|one| one.trim().trim_start_matches("W/") == tag))
    });
    let mut response = Response::new(Body::empty());
    describe(response.headers_mut(), &opened, &tag, content_type);
    if let Some(policy) = policy(content_type, caller) {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    if unchanged {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    *response.body_mut() = Body::new(FileBody::new(opened.file, opened.length, place));
    Ok(response)
}

/// Whose file `/plugins/<id>/…` is, and which.
pub(crate) fn plugin_of(rest: &str) -> Option<(&str, &str)> {
    let rest = rest.strip_prefix("/plugins/")?;
    Some(rest.split_once('/').unwrap_or((rest, "")))
}

/// Whether a file is a picture or a sound among a plugin's assets, by the ending of its name.
pub(crate) fn is_shown_or_played(file: &str) -> bool {
    let Some(name) = file.strip_prefix(ASSETS) else { return false };
    let content_type = content_type(std::path::Path::new(name));
    content_type.starts_with("image/") || content_type.starts_with("audio/")
}

/// A style sheet of no rules, kept by nobody: a UI without one is in order, and a browser must not call it an error.
fn no_style() -> Response {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The folder and the path in it.
fn locate(directory: &dyn Directory, id: &str, file: &str) -> Result<(PathBuf, PathBuf), Problem> {
    let mut segments = file.split('/');
    let folder = segments.next().unwrap_or_default();
    if !SERVED.contains(&folder) {
        return Err(nothing(id, file));
    }
    let root = directory.install_dir(id).ok_or_else(|| Problem::unknown_plugin(id))?;
    let mut relative = PathBuf::new();
    for segment in segments {
        relative.push(decoded(segment).ok_or_else(|| nothing(id, file))?);
    }
    if relative.as_os_str().is_empty() {
        relative.push("index.html");
    }
    Ok((root.join(folder), relative))
}

/// A segment as a plain file name; `None` where it is none.
fn decoded(segment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let [first, after @ ..] = rest {
        let (byte, after) = match (first, after) {
            (b'%', [high, low, after @ ..]) => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                ((digit(high)? << 4 | digit(low)?) as u8, after)
            }
            _ => (*first, after),
        };
        bytes.push(byte);
        rest = after;
    }
    let name = String::from_utf8(bytes).ok()?;
    let plain = !name.starts_with('.') && !name.contains(['/', '\\', '\0']);
    plain.then_some(name)
}

fn nothing(id: &str, file: &str) -> Problem {
    Problem::new(Kind::NotFound, format!("There is no file at /_outboard/plugins/{id}/{file}."))
}

fn entity_tag(opened: &Opened) -> String {
    let age = opened.modified.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    format!("\"{:x}-{:x}\"", opened.length, age.as_nanos())
}

fn describe(headers: &mut HeaderMap, opened: &Opened, tag: &str, content_type: &'static str) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Kept, but asked about each time: an update must show at once.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(ETAG, tag);
    }
    if let Ok(date) = HeaderValue::from_str(&httpdate::fmt_http_date(opened.modified)) {
        headers.insert(LAST_MODIFIED, date);
    }
}

/// What a document may do, and who may hold it.
fn policy(content_type: &str, caller: &Caller) -> Option<HeaderValue> {
    match content_type {
        "text/html; charset=utf-8" => {
            HeaderValue::try_from(format!("{PAGE_POLICY}{}", caller.frame_ancestors())).ok()
        }
        "image/svg+xml" => Some(HeaderValue::from_static(PICTURE_POLICY)),
        _ => None,
    }
}

/// The content type by the name's ending; nobody guesses, as sniffing is off.
pub(crate) fn content_type(path: &std::path::Path) -> &'static str {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
    match ending.as_str() {
        "js" | "mjs" | "cjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "html" | "htm" => "text/html; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "txt" | "md" => "text/plain; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "ico" => "image/vnd.microsoft.icon",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        "ttf" => "font/ttf",
        "otf" => "font/otf",
        "wasm" => "application/wasm",
        "mp3" => "audio/mpeg",
        "ogg" => "audio/ogg",
        "wav" => "audio/wav",
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        "pdf" => "application/pdf",
        _ => "application/octet-stream",
    }
}
