//! `outboard logs [ID]`: the latest records, and with `-f` those that follow.

use std::str::FromStr;

use jiff::Timestamp;
use outboard_protocol::control::{LogRecord, LogsParams, method};

use super::{plugin_id, with_client};
use crate::arguments::LogsArguments;
use crate::client::{Client, QUESTION_WAIT};
use crate::failure::{Failure, Outcome};
use crate::render::{Screen, log_line};
use crate::settings::{Settings, Span};

/// How many records are shown when nobody says: a screenful.
const DEFAULT_LINES: u32 = 50;

/// Shows, and follows where asked to.
pub(super) fn run(settings: &Settings, screen: &mut Screen, flags: &LogsArguments) -> Outcome {
    let file = &settings.file.logs;
    let since = flags.since.as_ref().or(file.since.as_ref());
    let until = flags.until.as_ref().or(file.until.as_ref());
    let params = LogsParams {
        id: flags.id.as_deref().map(plugin_id).transpose()?,
        lines: Some(flags.lines.or(file.lines).unwrap_or(DEFAULT_LINES)),
        level: flags.level.or(file.level),
        tag: flags.tag.clone().or_else(|| file.tag.clone()),
        contains: flags.grep.clone().or_else(|| file.grep.clone()),
        since: since.map(|since| moment(since)).transpose()?,
        until: until.map(|until| moment(until)).transpose()?,
    };
    if flags.follow.or(file.follow).unwrap_or(false) {
        return with_client(settings, async |client| follow(client, screen, &params).await);
    }
    let records: Vec<LogRecord> =
        with_client(settings, async |client| client.ask(method::LOGS, &params, QUESTION_WAIT).await)?;
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
    let mut records =
        client.subscribe::<LogRecord>(method::LOGS_SUBSCRIBE, params, method::LOGS_UNSUBSCRIBE).await?;
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
    let back = Span::from_str(since).map_err(|_| {
        Failure::usage(format!(
            "{since:?} is no moment; give one as 2026-03-01T12:00:00Z, or a time back from now as 15m"
        ))
    })?;
    let back = jiff::SignedDuration::try_from(back.0)
        .ok()
        .and_then(|back| Timestamp::now().checked_sub(back).ok())
        .ok_or_else(|| Failure::usage(format!("{since:?} lies before all time")))?;
    Ok(back.to_string())
}
