//! Runs every case on one plugin, in order, and makes the report.
//!
//! Called by the command line, and by whoever tests a plugin. Must not know what a case does.

use std::io;
use std::path::Path;

use outboard_host::discovery::{self, Program};
use outboard_host::process::{Spawner, SpawnerOptions};

use crate::cases::{self, Case, Finding, GATE, Look, Seen};
use crate::report::{Level, Line, Report, Verdict};
use crate::rules;
use crate::scratch::Scratch;
use crate::stage::Stage;

/// The plugin could not be examined at all.
#[derive(Debug, thiserror::Error)]
pub enum ConformError {
    /// The folder is no plugin; the sentence names the file.
    #[error("{0}")]
    NoPlugin(String),
    /// It is one that has no conversation with the host.
    #[error("{0} does not speak the protocol: {1}; there is nothing to examine")]
    NotSpoken(String, &'static str),
    /// This machine does not let us.
    #[error("the examination cannot begin: {0}")]
    Ground(#[from] io::Error),
}

/// Examines the plugin in a folder. `each` gets every line as soon as it is known, in the order in which cases run.
///
/// Has to be awaited on a Tokio runtime, and only once in the life of a process: the process becomes the one that orphans
/// of plugins are given to.
///
/// # Errors
/// When there is no plugin that speaks the protocol, or no ground to examine it on. What the plugin does wrong is no error.
pub async fn examine(folder: &Path, each: &mut dyn FnMut(&Line)) -> Result<Report, ConformError> {
    let installed = discovery::read_folder(folder).map_err(ConformError::NoPlugin)?;
    let (id, version) = (installed.id().to_string(), installed.version());
    if !installed.manifest.speaks_the_protocol() {
        return Err(ConformError::NotSpoken(id, "`run.protocol` is none"));
    }
    if installed.program == Program::None {
        return Err(ConformError::NotSpoken(id, "it has a user interface alone"));
    }
    let spawner = Spawner::start(SpawnerOptions::default())?;
    let stage = Stage::new(spawner, installed, Scratch::new()?);
    let mut lines = look_at_all(&stage, each).await;
    lines.sort_by_key(|line| rules::position(line.rule));
    let conforms = lines.iter().all(|line| line.verdict != Verdict::Broken);
    Ok(Report { plugin: id, version, protocol: outboard_protocol::version::NEWEST, conforms, lines })
}

async fn look_at_all(stage: &Stage, each: &mut dyn FnMut(&Line)) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut cases = cases::all();
    // What decides whether there is anything to talk with comes first, what reads all that was said comes last.
    cases.sort_by_key(|case| match case.look {
        Look::Early(_) => u8::from(case.rule != GATE),
        Look::Running(_) | Look::Exchange(_) => 2,
        Look::Read(_) => 3,
    });
    let mut runs = true;
    for case in &cases {
        let finding = match &case.look {
            Look::Early(look) => look(stage).await,
            Look::Running(_) | Look::Exchange(_) if !runs => {
                Ok(Seen::NotApplicable("the plugin does not get as far as running".to_owned()))
            }
            Look::Running(look) => look(stage).await,
            Look::Exchange(exchange) => exchange.look(stage).await,
            Look::Read(look) => look(&stage.records()),
        };
        runs = runs && (case.rule != GATE || finding.is_ok());
        let line = line(case, finding);
        each(&line);
        lines.push(line);
    }
    lines
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
        level: case.level,
        case: case.says,
        verdict,
        note,
        section: paragraph.as_ref().map_or("", |paragraph| paragraph.section),
        paragraph: paragraph.map(|paragraph| paragraph.text).unwrap_or_default(),
    }
}
