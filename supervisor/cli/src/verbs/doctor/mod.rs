//! `outboard doctor`: what works on this machine, a sentence each. Looks and changes nothing.
//!
//! ```text
//!   programs  node, python3                  kernel   /proc, containment, limits, confinement
//!   folders   runtime, data, plugins         network  the address, a supervisor that runs or has gone
//! ```

mod folders;
mod kernel;
mod network;
mod peers;
mod programs;

use serde::Serialize;

use crate::failure::{Exit, Failure, Outcome};
use crate::render::{Screen, Style, Table};
use crate::settings::Settings;

/// How well something works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    /// As it ought to be.
    Ok,
    /// A promise that this machine lets us keep.
    Enforced,
    /// A promise that is kept in part; the sentence says which part is not.
    Degraded,
    /// Not there; the sentence says what that costs.
    Unavailable,
    /// `outboard run` would fail; the sentence says what to do.
    Broken,
}

/// One line of the answer.
#[derive(Debug, Serialize)]
struct Finding {
    what: &'static str,
    verdict: Verdict,
    sentence: String,
}

impl Finding {
    fn new(what: &'static str, verdict: Verdict, sentence: impl Into<String>) -> Self {
        Self { what, verdict, sentence: sentence.into() }
    }
}

/// Looks at everything that `run` with these flags would use.
pub(super) fn run(screen: &mut Screen, settings: &Settings) -> Outcome {
    let places = settings.places()?;
    let findings: Vec<Finding> = [
        programs::look(settings.options.node.as_deref()),
        kernel::look(),
        folders::look(settings, &places),
        network::look(&settings.runtime_dir, &places.listen),
        peers::look(settings)?,
    ]
    .into_iter()
    .flatten()
    .collect();
    if screen.json() {
        screen.json_document(&findings)?;
    } else {
        show(screen, &findings)?;
    }
    let broken = findings.iter().any(|finding| finding.verdict == Verdict::Broken);
    if broken { Err(Failure::said(Exit::Failed)) } else { Ok(()) }
}

fn show(screen: &mut Screen, findings: &[Finding]) -> std::io::Result<()> {
    let mut table = Table::new(&[]);
    for finding in findings {
        let (word, style) = match finding.verdict {
            Verdict::Ok => ("ok", Style::Good),
            Verdict::Enforced => ("enforced", Style::Good),
            Verdict::Degraded => ("degraded", Style::Off),
            Verdict::Unavailable => ("unavailable", Style::Off),
            Verdict::Broken => ("broken", Style::Bad),
        };
        table.row([
            (finding.what.to_owned(), Style::Bold),
            (word.to_owned(), style),
            (finding.sentence.clone(), Style::Plain),
        ]);
    }
    table.print(screen)
}
