//! `outboard airline set|clear|status`: the airline that the host is bound to.

use std::path::Path;

use outboard_protocol::control::{AirlineSetParams, AirlineStatus, method};
use serde_json::json;

use super::{secret, with_client};
use crate::arguments::{AirlineArguments, AirlineVerb};
use crate::client::QUESTION_WAIT;
use crate::failure::{Failure, Outcome};
use crate::render::{Screen, tame};
use crate::settings::Settings;

/// Binds, unbinds, or tells.
pub(super) fn run(settings: &Settings, screen: &mut Screen, verb: AirlineVerb) -> Outcome {
    let (method, params) = match verb {
        AirlineVerb::Set(flags) => (method::AIRLINE_SET, serde_json::to_value(binding(settings, flags)?)),
        AirlineVerb::Clear => (method::AIRLINE_CLEAR, Ok(json!({}))),
        AirlineVerb::Status => (method::AIRLINE_STATUS, Ok(json!({}))),
    };
    let params = params.expect("INVARIANT: a struct of strings is JSON");
    let status: AirlineStatus =
        with_client(settings, async |client| client.ask(method, &params, QUESTION_WAIT).await)?;
    if screen.json() {
        screen.json_document(&status)?;
        return Ok(());
    }
    let Some(airline) = &status.airline else {
        screen.line("no airline is bound")?;
        return Ok(());
    };
    let has = |yes: bool| if yes { "stored" } else { "none" };
    screen.line(format!("{} at {}", tame(&airline.id), tame(&airline.base_url)))?;
    screen.line(format!("token {}, refresh {}", has(status.has_token), has(status.can_refresh)))?;
    Ok(())
}

fn binding(settings: &Settings, flags: AirlineArguments) -> Outcome<AirlineSetParams> {
    let file = &settings.file.airline;
    let token_file = flags.token_file.or_else(|| file.token_file.clone());
    let refresh_file = flags.refresh_token_file.or_else(|| file.refresh_token_file.clone());
    let both = [&token_file, &refresh_file];
    if both.iter().all(|file| file.as_deref().is_some_and(secret::is_stdin)) {
        return Err(Failure::usage(
            "only one of --token-file and --refresh-token-file can be standard input; put the other into a file",
        ));
    }
    let read = |what, file: Option<&Path>| file.map(|file| secret::read(what, file)).transpose();
    Ok(AirlineSetParams {
        id: flags.id,
        base_url: flags.base_url,
        token: read("token", token_file.as_deref())?,
        refresh_token: read("refresh token", refresh_file.as_deref())?,
        refresh_url: flags.refresh_url.or_else(|| file.refresh_url.clone()),
        refresh_format: None,
    })
}
