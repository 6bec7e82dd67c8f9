//! `outboard airline set|clear|status`: the airline that the host is bound to.

use std::collections::BTreeMap;
use std::path::Path;

use outboard_protocol::control::methods::{AirlineClear, AirlineSet, AirlineStatusOf};
use outboard_protocol::control::{AirlineSetParams, NoParams, RefreshFormat};

use super::{question, secret};
use crate::arguments::{AirlineArguments, AirlineVerb};
use crate::failure::{Failure, Outcome};
use crate::render::Screen;
use crate::settings::Settings;
use crate::tame::tame;

/// Binds, unbinds, or tells.
pub(super) fn run(settings: &Settings, screen: &mut Screen, verb: AirlineVerb) -> Outcome {
    let status = match verb {
        AirlineVerb::Set(arguments) => question::<AirlineSet>(settings, &binding(settings, arguments)?)?,
        AirlineVerb::Clear => question::<AirlineClear>(settings, &NoParams {})?,
        AirlineVerb::Status => question::<AirlineStatusOf>(settings, &NoParams {})?,
    };
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

fn binding(settings: &Settings, arguments: AirlineArguments) -> Outcome<AirlineSetParams> {
    let said = &settings.options.airline;
    let both = [&said.token_file, &said.refresh_token_file];
    if both.iter().all(|file| file.as_deref().is_some_and(secret::is_stdin)) {
        return Err(Failure::usage(
            "only one of --token-file and --refresh-token-file can be standard input; put the other into a file",
        ));
    }
    let read = |what, file: Option<&Path>| file.map(|file| secret::read(what, file)).transpose();
    let mut format = said.format.clone();
    format.extra = extra(format.extra, said.refresh_extra_file.as_deref())?;
    Ok(AirlineSetParams {
        id: arguments.id,
        base_url: arguments.base_url,
        token: read("token", said.token_file.as_deref())?,
        refresh_token: read("refresh token", said.refresh_token_file.as_deref())?,
        refresh_url: said.refresh_url.clone(),
        // Where nobody says anything, the supervisor's default holds.
        refresh_format: (format != RefreshFormat::default()).then_some(format),
    })
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
