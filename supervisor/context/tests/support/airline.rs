//! An airline's server on loopback, and how it is bound.

use outboard_context::Context;
use serde_json::{Value, json};

use super::server::{Answer, Request, Server, json_answer};

pub(crate) const OLD: &str = "CANARY-old-bearer";
pub(crate) const NEW: &str = "CANARY-new-bearer";
pub(crate) const REFRESH: &str = "CANARY-refresh";

pub(crate) async fn bind(context: &Context, server: &Server, more: Value) {
    let mut params = json!({ "id": "va", "baseUrl": server.origin, "token": OLD, "refreshToken": REFRESH,
        "refreshUrl": format!("{}/refresh", server.origin) });
    params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    context.airline.set(serde_json::from_value(params).unwrap()).await.unwrap();
}

pub(crate) fn renewing(body: &'static str) -> impl Fn(&Request) -> Answer {
    move |request| match request.target.as_str() {
        "/refresh" => json_answer("200 OK", body),
        _ if request.header("authorization") == Some(&format!("Bearer {NEW}")) => {
            json_answer("200 OK", r#"{"ok":true}"#)
        }
        _ => json_answer("401 Unauthorized", "{}"),
    }
}

pub(crate) const ROTATING: &str =
    r#"{"access_token":"CANARY-new-bearer","refresh_token":"CANARY-refresh-2","token_type":"Bearer"}"#;
