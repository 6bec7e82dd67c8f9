//! `outboard config get|set|delete|list ID …`: a plugin's configuration, as the plugin sees it.

use outboard_protocol::control::methods::{ConfigDelete, ConfigGet, ConfigList, ConfigSet};
use outboard_protocol::control::{ConfigEntry, ConfigKeyParams, ConfigSetParams, ConfigSource, PluginParams};
use serde::Serialize;
use serde_json::{Value, json};

use outboard_protocol::settings::SettingScope;

use super::{json_or_string, plugin_id, transfer};
use crate::arguments::ConfigVerb;
use crate::client::{Client, QUESTION_WAIT};
use crate::failure::{Exit, Failure, Outcome};
use crate::render::{Screen, Style, Table};

/// Reads or changes.
pub(super) async fn run(client: &Client, screen: &mut Screen, verb: ConfigVerb) -> Outcome {
    match verb {
        ConfigVerb::Get { id, key } => {
            let params = ConfigKeyParams { id: plugin_id(&id)?, key };
            let entry = client.ask::<ConfigGet>(&params, QUESTION_WAIT).await?;
            // The value alone, so that a script can use it; --json tells where it comes from as well.
            if screen.json() { screen.json_document(&entry)? } else { screen.json_document(&entry.value)? }
        }
        ConfigVerb::Set { id, key, value } => {
            let params = ConfigSetParams { id: plugin_id(&id)?, key, value: json_or_string(&value)? };
            client.ask::<ConfigSet>(&params, QUESTION_WAIT).await?;
            let plugin = PluginParams { id: params.id.clone() };
            let entries = client.ask::<ConfigList>(&plugin, QUESTION_WAIT).await?;
            let warning = undeclared(&id, params.key.as_str(), &entries);
            let said =
                json!({ "id": params.id, "key": params.key, "value": params.value, "warning": warning });
            done(screen, &said, &format!("{} of {id} is {} now", params.key, params.value))?;
            if let Some(warning) = warning.filter(|_| !screen.json()) {
                screen.line(crate::tame::tame(&format!("warning: {warning}")))?;
            }
        }
        ConfigVerb::Delete { id, key } => {
            delete(client, screen, ConfigKeyParams { id: plugin_id(&id)?, key }).await?;
        }
        ConfigVerb::List { id } => {
            let params = PluginParams { id: plugin_id(&id)? };
            let entries = client.ask::<ConfigList>(&params, QUESTION_WAIT).await?;
            show(screen, &entries)?;
        }
        ConfigVerb::Export { id, file } => transfer::export(client, screen, &id, file.as_deref()).await?,
        ConfigVerb::Import { id, file } => transfer::import(client, screen, &id, &file).await?,
    }
    Ok(())
}

/// A plugin that declares settings hardly looks for another key; one that declares none may keep what it likes.
fn undeclared(id: &str, key: &str, entries: &[ConfigEntry]) -> Option<String> {
    const NEAR: f64 = 0.6;
    let declared: Vec<&str> =
        entries.iter().filter(|entry| entry.scope.is_some()).map(|entry| entry.key.as_str()).collect();
    if declared.is_empty() || declared.contains(&key) {
        return None;
    }
    let nearest = declared
        .iter()
        .map(|known| (strsim::normalized_damerau_levenshtein(known, key), known))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness >= NEAR);
    let hint = match nearest {
        Some((_, nearest)) => format!("did you mean `{nearest}`?"),
        None => format!("it declares {}", declared.join(", ")),
    };
    Some(format!("{id} declares no setting `{key}`; {hint}"))
}

async fn delete(client: &Client, screen: &mut Screen, params: ConfigKeyParams) -> Outcome {
    let answer = client.ask::<ConfigDelete>(&params, QUESTION_WAIT).await?;
    if !answer.deleted {
        return Err(Failure::new(
            Exit::NotFound,
            format!(
                "{} has no stored value for {:?}; `outboard config list {0}` shows what it has",
                params.id,
                params.key.as_str()
            ),
        ));
    }
    done(screen, &answer, &format!("{} of {} is deleted", params.key, params.id))?;
    Ok(())
}

fn done(screen: &mut Screen, json: &impl Serialize, sentence: &str) -> std::io::Result<()> {
    if screen.json() { screen.json_document(json) } else { screen.line(crate::tame::tame(sentence)) }
}

fn show(screen: &mut Screen, entries: &[ConfigEntry]) -> std::io::Result<()> {
    if screen.json() {
        return screen.json_document(&entries);
    }
    if entries.is_empty() {
        return screen.line("nothing is set, and the manifest declares no settings");
    }
    let mut table = Table::new(&["KEY", "SOURCE", "SCOPE", "DEFAULT", "VALUE"]);
    for entry in entries {
        let source = match entry.source {
            ConfigSource::Stored => ("stored".to_owned(), Style::Plain),
            ConfigSource::Default => ("default".to_owned(), Style::Dim),
        };
        let scope = entry.scope.map_or("-", |scope| match scope {
            SettingScope::User => "user",
            SettingScope::Airline => "airline",
        });
        let default = entry.default.as_ref().map_or_else(|| "-".to_owned(), Value::to_string);
        table.row([
            (entry.key.clone(), Style::Bold),
            source,
            (scope.to_owned(), Style::Plain),
            (default, Style::Dim),
            (entry.value.get().to_owned(), Style::Plain),
        ]);
    }
    table.print(screen)
}
