//! `outboard logs [ID]`: the latest records, and with `-f` those that follow.

use std::str::FromStr;

use jiff::Timestamp;
use outboard_protocol::control::LogsParams;
use outboard_protocol::control::methods::{LogRecords, Logs};

use super::{plugin_id, question, with_client};
use crate::client::Client;
use crate::failure::{Failure, Outcome};
use crate::render::{Screen, log_line};
use crate::settings::{Settings, Time};

/// Shows, and follows where asked to.
pub(super) fn run(settings: &Settings, screen: &mut Screen, id: Option<&str>) -> Outcome {
    let wanted = &settings.options.logs;
    let params = LogsParams {
        id: id.map(plugin_id).transpose()?,
        since: wanted.since.as_deref().map(moment).transpose()?,
        until: wanted.until.as_deref().map(moment).transpose()?,
        ..wanted.clone()
    };
    if settings.options.follow {
        return with_client(settings, async |client| follow(client, screen, &params).await);
    }
    let records = question::<Logs>(settings, &params)?;
    if screen.json() {
        screen.json_document(&records)?;
        return Ok(());
    }
    for record in &records {
        screen.line(log_line(screen, record))?;
    }
    Ok(())
}

/// The subscription begins with the latest records, so that none is missed in between.
async fn follow(client: &Client, screen: &mut Screen, params: &LogsParams) -> Outcome {
    let mut records = client.subscribe::<LogRecords>(params).await?;
    while let Some(record) = records.next().await {
        let Ok(record) = record else { continue };
        if screen.json() {
            screen.json_line(&record)?;
        } else {
            screen.line(log_line(screen, &record))?;
            screen.flush()?;
        }
    }
    Err(client.subscription_ended())
}

/// A moment, or a time back from now, as RFC 3339.
fn moment(since: &str) -> Outcome<String> {
    if let Ok(moment) = Timestamp::from_str(since) {
        return Ok(moment.to_string());
    }
    let back = Time::from_str(since).map_err(|_| {
        Failure::usage(format!(
            "{since:?} is not a time; give one as 2026-03-01T12:00:00Z, or a time back from now as 15m"
        ))
    })?;
    let back = jiff::SignedDuration::try_from(back.0)
        .ok()
        .and_then(|back| Timestamp::now().checked_sub(back).ok())
        .ok_or_else(|| Failure::usage(format!("{since:?} is further back than dates go")))?;
    Ok(back.to_string())
}
