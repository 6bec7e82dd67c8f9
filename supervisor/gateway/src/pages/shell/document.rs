//! The page that mounts a plugin's UI, with the import map that suits this UI, and the policy that lets this map in.
//!
//! The shell's address asks. Must not know where the needs come from.

use axum::response::Response;
use bytes::Bytes;
use data_encoding::BASE64;
use http::header::CONTENT_SECURITY_POLICY;
use http::{HeaderMap, HeaderValue};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::super::html::{OPENER_POLICY, SHELL_PATH, escaped, page};
use super::needs::Needs;
use super::offered::offered;
use super::{files, stand_in, tagged};
use crate::admission::caller::Caller;

/// The page for a UI that wants this.
pub(super) fn answer(needs: &Needs, caller: &Caller, asked: &HeaderMap) -> Response {
    let map = import_map(needs);
    let digest = BASE64.encode(&Sha256::digest(&map));
    let early = needs.early.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
    let html = files::text("index.html")
        .replace("%HOME%", &escaped(&format!("{}/", caller.operator_origin())))
        .replace("%EARLY%", &escaped(&early))
        .replace("%IMPORT_MAP%", &map);
    let policy = files::text("policy.txt").replace("%IMPORT_MAP_DIGEST%", &digest);
    let tag = format!("\"{}\"", BASE64.encode(&Sha256::digest(&html)));
    let mut response = page(Bytes::from(html), "text/html; charset=utf-8", "no-cache");
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::try_from(format!("{policy}; {}", caller.frame_ancestors())) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(OPENER_POLICY, HeaderValue::from_static("same-origin-allow-popups"));
    tagged(response, &tag, asked)
}

/// Where each module is. What a UI wants and the page lacks comes from a module that says so.
fn import_map(needs: &Needs) -> String {
    let mut imports = Map::new();
    for (name, module) in offered() {
        imports.insert(name.clone(), Value::from(format!("{SHELL_PATH}{}", module.file)));
    }
    for (module, names) in &needs.lacking {
        imports
            .insert(module.clone(), Value::from(format!("{SHELL_PATH}{}", stand_in::address(module, names))));
    }
    json!({ "imports": imports }).to_string()
}
