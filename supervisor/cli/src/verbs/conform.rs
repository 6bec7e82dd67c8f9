//! `outboard conform DIR`: does this plugin keep the rules of the protocol? It is run, and no supervisor is needed.
//!
//! Shows what `outboard-conform` finds. Must not know any rule.

use std::path::Path;

use outboard_conform::{ConformError, Level, Limits, Line, Options, Report, Verdict, examine, junit, listed};
use tokio::signal::unix::{SignalKind, signal};

use crate::arguments::ConformArguments;
use crate::failure::{Exit, Failure, Outcome};
use crate::render::{Screen, Style, Table};
use crate::run::threads;
use crate::settings::Settings;
use crate::tame::tame;

/// Examines, and tells; or shows what there is to examine.
pub(super) fn run(screen: &mut Screen, settings: &Settings, flags: ConformArguments) -> Outcome {
    let Some(dir) = &flags.dir else { return list(screen) };
    let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.clone());
    let usual = Limits::default();
    let limits = Limits { answer: settings.options.timeout.unwrap_or(usual.answer), grace: flags.grace.0 };
    let options = Options { only: flags.only, jobs: flags.jobs, limits };
    // A reader that has heard enough is told of at the end; the examination goes on to clean up after itself.
    let mut shown = Ok(());
    let json = screen.json();
    threads::can_be_had(threads::OF_A_SUPERVISOR)?;
    let report = super::block_on(async {
        let mut each = |line: &Line| {
            if !json && shown.is_ok() {
                shown = show(screen, line);
            }
        };
        let interrupted = interrupted()?;
        tokio::select! {
            report = examine(&dir, &options, &mut each) => report.map_err(|error| refused(&error)),
            // Processes and folders of the examination end with it.
            () = interrupted => Err(Failure::failed("interrupted; what has not been shown was not looked at")),
        }
    })?;
    if let Some(file) = &flags.junit {
        write_junit(file, &report)?;
    }
    shown?;
    if json {
        screen.json_document(&report)?;
    } else {
        sum(screen, &report)?;
    }
    if report.conforms { Ok(()) } else { Err(Failure::said(Exit::Failed)) }
}

/// Returns when somebody wants the examination to end.
fn interrupted() -> Outcome<impl Future<Output = ()>> {
    let listen = |kind| {
        signal(kind).map_err(|error| Failure::failed(format!("signals cannot be listened to: {error}")))
    };
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

fn list(screen: &mut Screen) -> Outcome {
    let cases = listed();
    if screen.json() {
        screen.json_document(&cases)?;
        return Ok(());
    }
    let mut table = Table::new(&["RULE", "LEVEL", "NAME", "A PLUGIN…"]);
    for case in cases {
        let cells = [case.rule, binding(case.level), case.name, case.case];
        table.row(cells.map(|cell| (cell.to_owned(), Style::Plain)));
    }
    table.print(screen)?;
    Ok(())
}

const fn binding(level: Level) -> &'static str {
    match level {
        Level::Must => "MUST",
        Level::Should => "SHOULD",
    }
}

fn refused(error: &ConformError) -> Failure {
    match error {
        ConformError::NoPlugin(_) | ConformError::NotSpoken(..) | ConformError::Unknown(_) => {
            Failure::usage(error.to_string())
        }
        ConformError::Scratch(_) => Failure::failed(error.to_string()),
    }
}

fn write_junit(file: &Path, report: &Report) -> Outcome {
    std::fs::write(file, junit(report)).map_err(|error| {
        Failure::failed(format!("the report cannot be written to {}: {error}", file.display()))
    })
}

fn show(screen: &mut Screen, line: &Line) -> std::io::Result<()> {
    let (style, word) = match line.verdict {
        Verdict::Holds => (Style::Good, "holds  "),
        Verdict::Broken => (Style::Bad, "BROKEN "),
        Verdict::Advice => (Style::Off, "advice "),
        Verdict::Skipped => (Style::Dim, "skipped"),
    };
    let word = screen.paint(style, word);
    screen.line(format!("{word}  [{} {}] {}", line.rule, line.name, line.case))?;
    let Some(note) = &line.note else { return Ok(()) };
    screen.line(format!("         {}", tame(note)))?;
    if line.verdict == Verdict::Skipped {
        return Ok(());
    }
    let level = binding(line.level);
    let rule = format!("PROTOCOL.md, section {} ({level}): {}", line.section, line.paragraph);
    screen.line(format!("         {}", screen.paint(Style::Dim, &rule)))
}

fn sum(screen: &mut Screen, report: &Report) -> std::io::Result<()> {
    let count = |verdict| report.count(verdict);
    let verdict = if report.conforms {
        screen.paint(Style::Good, "conforms")
    } else {
        screen.paint(Style::Bad, "does not conform")
    };
    screen.line(format!(
        "{} {} {verdict} to protocol version {}: {} hold, {} broken, {} advice, {} skipped",
        report.plugin,
        report.version,
        report.protocol,
        count(Verdict::Holds),
        count(Verdict::Broken),
        count(Verdict::Advice),
        count(Verdict::Skipped),
    ))
}
