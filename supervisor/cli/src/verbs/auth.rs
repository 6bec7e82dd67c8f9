//! `outboard auth set|clear|status`: the host's sign-in, which plugins read.

use std::path::Path;

use outboard_protocol::control::methods::{AuthClear, AuthSet, AuthStatusOf};
use outboard_protocol::control::{AuthSetParams, NoParams};

use super::{question, secret};
use crate::arguments::AuthVerb;
use crate::failure::{Failure, Outcome};
use crate::render::Screen;
use crate::settings::Settings;

/// Signs in or out, or tells.
pub(super) fn run(settings: &Settings, screen: &mut Screen, verb: &AuthVerb) -> Outcome {
    let status = match verb {
        AuthVerb::Set { misplaced: Some(_) } => {
            return Err(Failure::usage(
                "a token is not taken from the command line, where every user of the machine can read it (take this one for \
                 known now); give it on standard input, or in a file with --token-file",
            ));
        }
        AuthVerb::Set { misplaced: None } => {
            let file = settings.options.auth_token_file.as_deref();
            let token = secret::read("token", file.unwrap_or(Path::new("-")))?;
            question::<AuthSet>(settings, &AuthSetParams { token })?
        }
        AuthVerb::Clear => question::<AuthClear>(settings, &NoParams {})?,
        AuthVerb::Status => question::<AuthStatusOf>(settings, &NoParams {})?,
    };
    if screen.json() {
        screen.json_document(&status)?;
    } else {
        screen.line(if status.authenticated { "signed in" } else { "signed out" })?;
    }
    Ok(())
}
