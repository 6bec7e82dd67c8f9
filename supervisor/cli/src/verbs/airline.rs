//! `outboard airline set|clear|status`: the airline that the host is bound to.

use std::collections::BTreeMap;
use std::path::Path;

use outboard_protocol::control::{AirlineSetParams, AirlineStatus, RefreshBody, RefreshFormat, method};
use serde_json::json;

use super::{secret, with_client};
use crate::arguments::{AirlineArguments, AirlineVerb, BodyShape, RefreshArguments};
use crate::client::QUESTION_WAIT;
use crate::failure::{Failure, Outcome};
use crate::render::Screen;
use crate::settings::{Airline, Settings};
use crate::tame::tame;

/// Binds, unbinds, or tells.
pub(super) fn run(settings: &Settings, screen: &mut Screen, verb: AirlineVerb) -> Outcome {
    let (method, params) = match verb {
        AirlineVerb::Set(flags) => (method::AIRLINE_SET, serde_json::to_value(binding(settings, *flags)?)),
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
        refresh_format: refresh_format(file, flags.refresh)?,
    })
}

/// `None` where nobody says anything: then the supervisor's default holds.
fn refresh_format(file: &Airline, flags: RefreshArguments) -> Outcome<Option<RefreshFormat>> {
    let default = RefreshFormat::default();
    let extra_file = flags.refresh_extra_file.or_else(|| file.refresh_extra_file.clone());
    let body = flags.refresh_body.or(file.refresh_body).map(|body| match body {
        BodyShape::Form => RefreshBody::Form,
        BodyShape::Json => RefreshBody::Json,
    });
    let name = |flag: Option<String>, file: &Option<String>, default: &str| {
        flag.or_else(|| file.clone()).unwrap_or_else(|| default.to_owned())
    };
    let format = RefreshFormat {
        body: body.unwrap_or(default.body),
        refresh_token_field: name(
            flags.refresh_token_field,
            &file.refresh_token_field,
            &default.refresh_token_field,
        ),
        access_token_field: name(
            flags.access_token_field,
            &file.access_token_field,
            &default.access_token_field,
        ),
        new_refresh_token_field: name(
            flags.new_refresh_token_field,
            &file.new_refresh_token_field,
            &default.new_refresh_token_field,
        ),
        extra: extra(default.extra.clone(), extra_file.as_deref())?,
    };
    Ok((format != default).then_some(format))
}

/// The default's members with those of the file laid over them. The file may hold a client's secret and is never shown.
fn extra(mut extra: BTreeMap<String, String>, file: Option<&Path>) -> Outcome<BTreeMap<String, String>> {
    let Some(file) = file else { return Ok(extra) };
    let text = secret::read("further members", file)?;
    let members: BTreeMap<String, Option<String>> = serde_json::from_str(&text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let file = file.display();
        Failure::usage(format!(
            "{file}:{line}:{column}: this is to be a JSON object of strings, or null to leave one out"
        ))
    })?;
    for (name, value) in members {
        match value {
            Some(value) => extra.insert(name, value),
            None => extra.remove(&name),
        };
    }
    Ok(extra)
}
