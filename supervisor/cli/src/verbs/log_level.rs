//! `outboard log-level ID [LEVEL|default]`: the least level that is kept of a plugin's log, until the supervisor ends.

use outboard_protocol::control::methods::{LogsLevel, LogsLevelSet};
use outboard_protocol::control::{LogLevelParams, PluginParams};

use super::plugin_id;
use crate::arguments::LevelWord;
use crate::client::{Client, QUESTION_WAIT};
use crate::failure::Outcome;
use crate::render::Screen;

/// Sets where a level is given, and shows what holds.
pub(super) async fn run(client: &Client, screen: &mut Screen, id: &str, level: Option<LevelWord>) -> Outcome {
    let id = plugin_id(id)?;
    let report = match level {
        None => client.ask::<LogsLevel>(&PluginParams { id }, QUESTION_WAIT).await?,
        Some(word) => {
            let level = match word {
                LevelWord::Level(level) => Some(level),
                LevelWord::Default => None,
            };
            client.ask::<LogsLevelSet>(&LogLevelParams { id, level }, QUESTION_WAIT).await?
        }
    };
    if screen.json() {
        screen.json_document(&report)?;
    } else {
        let whose = if report.own { "" } else { " (default)" };
        screen.line(format!("{}{whose}", report.level.word()))?;
    }
    Ok(())
}
