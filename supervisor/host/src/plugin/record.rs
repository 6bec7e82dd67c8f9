//! The report on a process that is over, or on one that never was: what `outboard why` shows.
//!
//! Called by `effects`. Reads what is known and decides nothing.

use outboard_lifecycle::{Decision, Failure, Mishap};
use outboard_protocol::context::logger::LogLevel;
use outboard_protocol::control::ExitRecord;
use tokio::time::Instant;

use super::advice;
use super::history::no_process;
use super::limits_hit::End;
use super::living::{Ended, Living};
use super::state::Plugin;
use super::stopping::StopFailure;
use crate::process::Exit;

/// As much of a line on standard error as stands in the record of an end, in characters.
const LINE_SHOWN: usize = 200;

/// Keeps and logs what is known of the end, with what was decided.
pub(super) fn record_exit(plugin: &mut Plugin, decision: &Decision) {
    let record = match &plugin.living {
        Some(living) => exit_record(plugin, living, decision),
        None => spawn_record(plugin, decision),
    };
    plugin.advice.clone_from(&record.advice);
    let level = match decision {
        Decision::Stopped { .. } | Decision::StartAgain { .. } => LogLevel::Info,
        // An end that nobody ordered is an error, whatever follows it: who reads errors alone must not miss a crash because the
        // next process came up.
        Decision::RestartAtOnce { .. }
        | Decision::RestartIn { .. }
        | Decision::TryAgainIn { .. }
        | Decision::RollBack { .. }
        | Decision::Errored { .. } => LogLevel::Error,
    };
    let stack = record.detail.clone();
    let advice = record.advice.as_ref().map(|advice| format!("; {advice}")).unwrap_or_default();
    let said = last_words(&record, level).map(|line| format!("; it last said: {line}")).unwrap_or_default();
    let line = format!("{}; {}{advice}{said}", record.ended, record.decision);
    let times = plugin.history().push(record);
    // What goes on and on is said less and less often: the first time, the second, the fourth, and so on.
    if times == 1 {
        plugin.log(level, line, stack.as_deref());
    } else if times.is_power_of_two() {
        plugin.log(level, format!("{line} ({times} times in a row)"), stack.as_deref());
    }
}

/// The last line on standard error of a process that ended unasked: in most languages it names what is wrong.
fn last_words(record: &ExitRecord, level: LogLevel) -> Option<String> {
    let unasked = level == LogLevel::Error && record.detail.is_none();
    let line = record.stderr.iter().rev().find(|line| unasked && !line.trim().is_empty())?;
    Some(line.chars().take(LINE_SHOWN).collect())
}

fn exit_record(plugin: &Plugin, living: &Living, decision: &Decision) -> ExitRecord {
    let ended = living.ended.clone().unwrap_or_else(|| living.as_it_is());
    let report = ended.report;
    // The machine keeps the last failure for as long as the plugin lives; an earlier process's says nothing about this one.
    let failure = plugin.machine.snapshot().failure.filter(|failure| failure.generation == living.generation);
    let stderr = living.printer.tail();
    let told = failure
        .iter()
        .flat_map(|failure| [Some(failure.to_string()), failure.mishap.detail().map(str::to_owned)]);
    let said: Vec<String> = told.flatten().chain(stderr.iter().cloned()).collect();
    let how = how_it_ended(failure.as_ref(), &ended, living.stop.failure());
    let limit = End { limits: &living.limits, report, processor_time: ended.processor_time, said: &said };
    ExitRecord {
        at: plugin.on_the_clock(ended.at),
        generation: living.generation.0,
        pid: Some(living.pid),
        phase: failure.as_ref().map_or("stop", |failure| failure.stage.name()).to_owned(),
        ended: match limit.proved() {
            Some(limit) => format!("{how}, {limit}"),
            None => how,
        },
        exit_code: report.and_then(|report| report.code()),
        signal: report.as_ref().and_then(signal_name),
        core_dumped: matches!(report, Some(Exit::Signal { core_dumped: true, .. })),
        advice: failure.as_ref().and_then(|failure| {
            limit.suspected().or_else(|| {
                if plugin.installed.manifest.speaks_the_protocol() {
                    advice::on_the_handshake(failure, &living.printer.noise())
                } else {
                    advice::on_the_start(failure, &living.route)
                }
            })
        }),
        detail: failure
            .as_ref()
            .and_then(|failure| failure.mishap.detail())
            .map(str::to_owned)
            .or_else(|| living.stop.failure().and_then(|failure| failure.stack.clone())),
        uptime_ms: ended
            .at
            .saturating_duration_since(living.spawned_at)
            .as_millis()
            .try_into()
            .unwrap_or(u64::MAX),
        decision: decision.to_string(),
        stderr,
        in_flight: ended.in_flight,
    }
}

/// The report alone would show a hung process as one that SIGTERM ended, and keep quiet about why it was sent; and one whose
/// onStop failed as one that ended in order.
fn how_it_ended(failure: Option<&Failure>, ended: &Ended, stop: Option<&StopFailure>) -> String {
    match failure.map(|failure| &failure.mishap) {
        None => match stop {
            None => ended.by_force(),
            Some(stop) => format!("{}, and {}", stop.clause, ended.by_force()),
        },
        Some(Mishap::Exited(_)) => ended.by_itself(),
        Some(mishap) => format!("{mishap}, and {}", ended.by_force()),
    }
}

fn spawn_record(plugin: &mut Plugin, decision: &Decision) -> ExitRecord {
    let ended = plugin.spawn_failure.take().unwrap_or_else(|| "no process".to_owned());
    let at = plugin.on_the_clock(Instant::now());
    no_process(at, plugin.machine.generation().0, ended, decision.to_string())
}

fn signal_name(report: &Exit) -> Option<String> {
    match report {
        Exit::Signal { name, .. } => Some((*name).to_string()),
        _ => None,
    }
}
