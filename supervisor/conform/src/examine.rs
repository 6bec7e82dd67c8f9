//! Runs the cases on one plugin, several at a time, and makes the report.
//!
//! Called by the command line, and by whoever tests a plugin. Must not know what a case does.

use std::io;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use outboard_host::discovery::{self, Program};
use outboard_host::process::{Spawner, SpawnerOptions};

use crate::cases::{self, Case, Finding, GATE, Look, Seen};
use crate::limits::Limits;
use crate::report::{Level, Line, Report, Verdict};
use crate::rules;
use crate::scratch::Scratch;
use crate::selection::{UnknownCase, chosen};
use crate::stage::Stage;

/// How long the plugin's folder may take to say what it is: one on a mount that is gone never does.
const FOLDER_LIMIT: Duration = Duration::from_secs(5);

/// What is examined, and how.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Ids of rules and names of cases; empty means all.
    pub only: Vec<String>,
    /// How many processes of the plugin run at a time; `None`: as many as there are processors.
    pub jobs: Option<NonZeroUsize>,
    /// How long the plugin may take.
    pub limits: Limits,
}

/// The plugin could not be examined at all.
#[derive(Debug, thiserror::Error)]
pub enum ConformError {
    /// The folder is not a plugin; the sentence names the file.
    #[error("{0}")]
    NoPlugin(String),
    /// It is one that has no conversation with the host.
    #[error("{0} does not speak the protocol: {1}; there is nothing to examine")]
    NotSpoken(String, &'static str),
    /// What was asked for is neither a rule with a case nor a case.
    #[error(transparent)]
    Unknown(#[from] UnknownCase),
    /// This machine does not let us.
    #[error("the examination cannot begin: {0}")]
    Scratch(#[from] io::Error),
}

/// Examines the plugin in a folder. `each` gets every line as soon as it is known, in the order in which cases run.
///
/// Has to be awaited on a Tokio runtime, and only once in the life of a process: the process becomes the one that orphans
/// of plugins are given to.
///
/// # Errors
/// When there is no plugin that speaks the protocol, no such case, or no ground to examine it on. What the plugin does
/// wrong is not an error.
pub async fn examine(
    folder: &Path,
    options: &Options,
    each: &mut dyn FnMut(&Line),
) -> Result<Report, ConformError> {
    let cases = chosen(&options.only)?;
    let place = folder.to_owned();
    let installed = outboard_files::look(folder, FOLDER_LIMIT, move || discovery::read_folder(&place))
        .await
        .map_err(|why| ConformError::Scratch(io::Error::other(why)))?
        .map_err(ConformError::NoPlugin)?;
    let (id, version) = (installed.id().to_string(), installed.version());
    if !installed.manifest.speaks_the_protocol() {
        return Err(ConformError::NotSpoken(id, "`run.protocol` is none"));
    }
    if installed.program == Program::None {
        return Err(ConformError::NotSpoken(id, "it has a user interface alone"));
    }
    let spawner = Spawner::start(SpawnerOptions::default())?;
    let stage = Stage::new(spawner, installed, Scratch::new()?, options.limits);
    let jobs =
        options.jobs.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
    let mut lines = look_at_all(&stage, &cases, jobs, each).await;
    lines.sort_by_key(|line| rules::position(line.rule));
    let conforms = lines.iter().all(|line| line.verdict != Verdict::Broken);
    Ok(Report { plugin: id, version, protocol: outboard_protocol::version::NEWEST, conforms, lines })
}

/// What decides whether there is anything to talk with comes first, what reads all that was said comes last.
async fn look_at_all(
    stage: &Stage,
    cases: &[Case],
    jobs: NonZeroUsize,
    each: &mut dyn FnMut(&Line),
) -> Vec<Line> {
    let mut lines = Vec::with_capacity(cases.len());
    let mut tell = |case: &Case, finding: Finding| {
        let line = line(case, finding);
        each(&line);
        lines.push(line);
    };
    let gate = cases.iter().find(|case| case.rule == GATE);
    let mut runs = true;
    if let Some(gate) = gate {
        let finding = talk(gate, stage, true).await;
        runs = finding.is_ok();
        tell(gate, finding);
    }
    let talking = cases.iter().filter(|case| case.rule != GATE && !matches!(case.look, Look::Read(_)));
    let mut looks =
        stream::iter(talking.map(async |case| (case, talk(case, stage, runs).await))).buffered(jobs.get());
    while let Some((case, finding)) = looks.next().await {
        tell(case, finding);
    }
    let mut reading = cases.iter().filter_map(|case| match case.look {
        Look::Read(look) => Some((case, look)),
        _ => None,
    });
    // Without the other cases there is nothing to read yet.
    let heard = if reading.clone().next().is_some() && gate.is_none() {
        cases::have_a_conversation(stage).await
    } else {
        Ok(())
    };
    for (case, look) in &mut reading {
        let finding = look(&stage.records());
        tell(case, finding.and_then(|seen| heard.clone().map(|()| seen)));
    }
    lines
}

async fn talk(case: &Case, stage: &Stage, runs: bool) -> Finding {
    match &case.look {
        Look::Early(look) => look(stage).await,
        Look::Running(_) | Look::Exchange(_) if !runs => {
            Ok(Seen::NotApplicable("the plugin does not get as far as running".to_owned()))
        }
        Look::Running(look) => look(stage).await,
        Look::Exchange(exchange) => exchange.look(stage).await,
        Look::Read(look) => look(&stage.records()),
    }
}

fn line(case: &Case, finding: Finding) -> Line {
    let (verdict, note) = match finding {
        Ok(Seen::Holds) => (Verdict::Holds, None),
        Ok(Seen::NotApplicable(why)) => (Verdict::Skipped, Some(why)),
        Err(fault) if case.level == Level::Should => (Verdict::Advice, Some(fault)),
        Err(fault) => (Verdict::Broken, Some(fault)),
    };
    let paragraph = rules::paragraph(case.rule);
    Line {
        rule: case.rule,
        name: case.name,
        level: case.level,
        case: case.says,
        verdict,
        note,
        section: paragraph.as_ref().map_or("", |paragraph| paragraph.section),
        paragraph: paragraph.map(|paragraph| paragraph.text).unwrap_or_default(),
    }
}
