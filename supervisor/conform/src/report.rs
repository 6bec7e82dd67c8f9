//! What was found: a line for each case, and the sum.
//!
//! Filled in by [`crate::examine`], shown by the command line. Must not know how a line came about.

use serde::Serialize;

/// How much a rule binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Broken, the plugin does not conform.
    Must,
    /// Broken, it conforms and could do better.
    Should,
}

/// How a case ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The rule was seen to hold.
    Holds,
    /// A MUST was seen broken.
    Broken,
    /// A SHOULD was not followed.
    Advice,
    /// The case does not apply to this plugin, or could not be looked at; the note says why.
    Skipped,
}

/// One case.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    /// The rule's id, such as `P-FRAME-1`.
    pub rule: &'static str,
    /// The case's own name, such as `frame-cut`.
    pub name: &'static str,
    /// How much the rule binds in this case.
    pub level: Level,
    /// What was tried, as a clause: "answers unknown methods with -32601".
    pub case: &'static str,
    /// How it ended.
    pub verdict: Verdict,
    /// What was seen, where the verdict alone does not say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The heading in docs/PROTOCOL.md below which the rule stands.
    pub section: &'static str,
    /// The rule's own words there.
    pub paragraph: String,
}

/// All cases of one plugin.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The plugin's id.
    pub plugin: String,
    /// The plugin's version.
    pub version: String,
    /// The protocol version that was asked for.
    pub protocol: u32,
    /// Whether no MUST was seen broken.
    pub conforms: bool,
    /// The cases, in the order of the document.
    pub lines: Vec<Line>,
}

impl Report {
    /// How many lines ended so.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.lines.iter().filter(|line| line.verdict == verdict).count()
    }
}
