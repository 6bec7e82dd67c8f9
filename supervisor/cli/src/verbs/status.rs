//! `outboard status [ID]`: the supervisor and its plugins, or one plugin in full.

use outboard_protocol::control::methods::Status;
use outboard_protocol::control::{PluginStatus, StatusParams};

use crate::client::{Client, QUESTION_WAIT};
use crate::failure::{Exit, Failure, Outcome};
use crate::render::{Screen, Style, ago, plugin_details, plugin_table};
use crate::tame::tame;

/// Shows. With an id the report holds that plugin alone, and has the same shape.
pub(super) async fn run(client: &Client, screen: &mut Screen, id: Option<&str>) -> Outcome {
    let mut report = client.ask::<Status>(&StatusParams::default(), QUESTION_WAIT).await?;
    if let Some(id) = id {
        // An invalid plugin goes by the name of its folder, which need not be an id; so the choice is made here.
        let known: Vec<String> = report.plugins.iter().map(|plugin| plugin.id.clone()).collect();
        report.plugins.retain(|plugin| plugin.id == id);
        if report.plugins.is_empty() {
            return Err(unknown(id, &known));
        }
    }
    if screen.json() {
        screen.json_document(&report)?;
        return Ok(());
    }
    if id.is_some() {
        for plugin in &report.plugins {
            plugin_details(screen, plugin)?;
        }
        return Ok(());
    }
    let title = format!("outboard {} at {}", report.version, crate::run::shown(&report.listen));
    screen.line(screen.paint(Style::Bold, &title))?;
    if let Some(pages) = &report.pages {
        screen.paragraph(&format!("pages at {pages}"))?;
    }
    if report.shared_origin {
        screen.paragraph(crate::run::SHARED_ORIGIN)?;
    }
    screen.paragraph(&format!(
        "pid {}, up {}, data in {}",
        report.pid,
        ago(&report.since),
        report.data_dir
    ))?;
    screen.paragraph(&format!("plugins from {}", report.plugin_dirs.join(", ")))?;
    if report.waiting_for_sign_in {
        screen.paragraph(crate::run::WAITING)?;
    }
    for trouble in &report.troubles {
        screen.line(format!("{} {}", screen.paint(Style::Bad, "amiss:"), tame(&trouble.says)))?;
    }
    if report.log_records_dropped > 0 {
        screen.line(format!("{} log records were dropped since the start", report.log_records_dropped))?;
    }
    screen.line("")?;
    plugin_table(screen, &report.plugins)?;
    Ok(())
}

/// One plugin, by its id or by the name of its folder, which need not be an id.
pub(super) async fn of_one(client: &Client, id: &str) -> Outcome<PluginStatus> {
    let report = client.ask::<Status>(&StatusParams::default(), QUESTION_WAIT).await?;
    let known: Vec<String> = report.plugins.iter().map(|plugin| plugin.id.clone()).collect();
    report.plugins.into_iter().find(|plugin| plugin.id == id).ok_or_else(|| unknown(id, &known))
}

/// Names the nearest plugin, or all of them where there are few.
fn unknown(id: &str, known: &[String]) -> Failure {
    const NEAR: f64 = 0.6;
    const FEW: usize = 12;
    let nearest = known
        .iter()
        .map(|known| (strsim::normalized_damerau_levenshtein(known, id), known))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness >= NEAR);
    let hint = match nearest {
        Some((_, nearest)) => format!("did you mean {nearest}?"),
        None if known.is_empty() => {
            "there are none; `outboard rescan` reads the plugin folders again".to_owned()
        }
        None if known.len() <= FEW => format!("there are {}", known.join(", ")),
        None => "`outboard list` shows those that there are".to_owned(),
    };
    Failure::new(Exit::NotFound, format!("there is no plugin {id:?}; {hint}"))
}
