//! `outboard auth set|clear|status`: the host's sign-in, which plugins read.

use std::path::Path;

use outboard_protocol::control::{AuthSetParams, AuthStatus, method};
use serde_json::json;

use super::{secret, with_client};
use crate::arguments::AuthVerb;
use crate::client::QUESTION_WAIT;
use crate::failure::{Failure, Outcome};
use crate::render::Screen;
use crate::settings::Settings;

/// Signs in or out, or tells.
pub(super) fn run(settings: &Settings, screen: &mut Screen, verb: AuthVerb) -> Outcome {
    let (method, params) = match verb {
        AuthVerb::Set { misplaced: Some(_) } => {
            return Err(Failure::usage(
                "a token is not taken from the command line, where every user of the machine can read it (take this one for \
                 known now); give it on standard input, or in a file with --token-file",
            ));
        }
        AuthVerb::Set { misplaced: None } => {
            let file = settings.options.auth_token_file.as_deref();
            let token = secret::read("token", file.unwrap_or(Path::new("-")))?;
            (method::AUTH_SET, serde_json::to_value(AuthSetParams { token }))
        }
        AuthVerb::Clear => (method::AUTH_CLEAR, Ok(json!({}))),
        AuthVerb::Status => (method::AUTH_STATUS, Ok(json!({}))),
    };
    let params = params.expect("INVARIANT: a struct of one string is JSON");
    let status: AuthStatus =
        with_client(settings, async |client| client.ask(method, &params, QUESTION_WAIT).await)?;
    if screen.json() {
        screen.json_document(&status)?;
    } else {
        screen.line(if status.authenticated { "signed in" } else { "signed out" })?;
    }
    Ok(())
}
