//! Every rule of docs/PROTOCOL.md: its paragraph, and whether there is a case for it or why not.
//!
//! Read by [`crate::examine`] for the paragraphs and by the tests, which hold this table and the document to each other.

use std::collections::BTreeSet;

use crate::cases;
use crate::report::Level;

/// The document, as it stands in the repository.
pub const DOCUMENT: &str = include_str!("../../../docs/PROTOCOL.md");

/// A rule as the document has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paragraph {
    /// Its id, without brackets.
    pub rule: &'static str,
    /// The heading above it.
    pub section: &'static str,
    /// Its words on one line, without the id.
    pub text: String,
}

/// A rule that the kit has no case for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unseen {
    /// The rule.
    pub rule: &'static str,
    /// Whom it binds, as far as it asks for anything. What binds the host is shown by `tests/host-kit`.
    pub side: Side,
    /// Why there is no case.
    pub reason: &'static str,
}

/// Whom a rule binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The plugin, or both.
    Plugin,
    /// The host alone.
    Host,
}

const fn unseen(rule: &'static str, reason: &'static str) -> Unseen {
    Unseen { rule, side: Side::Plugin, reason }
}

const fn of_the_host(rule: &'static str, reason: &'static str) -> Unseen {
    Unseen { rule, side: Side::Host, reason }
}

/// Rules without a case, and why.
pub const WITHOUT_CASE: &[Unseen] = &[
    unseen("P-SPAWN-3", "needs a terminal, which an examination in CI has not"),
    unseen(
        "P-MSG-11",
        "a member that stands twice is found as a broken message under P-FRAME-1; what a receiver does is left open",
    ),
    unseen(
        "P-DEADLINE-1",
        "a deadline on the plugin's own calls shows only after it has passed, which takes 30 s and more, and its end may be silent",
    ),
    unseen("P-DEADLINE-2", "a permission; there is nothing to break"),
    unseen(
        "P-CANCEL-3",
        "the host cannot make a plugin give up a call; that answers to unknown calls do no harm is seen under P-MSG-6",
    ),
    of_the_host(
        "P-LIFE-7",
        "says how the host takes a refusal; a plugin that refuses to start is reported under P-LIFE-6",
    ),
    unseen("P-CALL-1", "what a plugin relies on cannot be seen from outside"),
    unseen("P-CALL-2", "whether a value may be lost is known to the plugin alone"),
    unseen("P-CALL-3", "a permission; there is nothing to break"),
    of_the_host("P-HTTP-2", "kept by the host: requests are sent only to routes"),
    of_the_host("P-HTTP-4", "kept by the host: it makes the path and the headers"),
    unseen("P-HTTP-5", "which bodies are large, and where, is known to the plugin alone"),
    unseen("P-HTTP-6", "whether a request is safe to repeat is known to the plugin alone"),
    unseen("P-SERVICE-2", "whom a provider believes is known to the plugin alone"),
    unseen(
        "P-SERVICE-5",
        "what a provider has to have ready is known to the plugin alone; that it answers calls after its start is seen under P-SERVICE-1",
    ),
    of_the_host("P-SERVICE-6", "kept by the host: it knows who provides a service, and ends every ask"),
    unseen(
        "P-SERVICE-7",
        "a deadline of the plugin's own shows only after the host's has passed, which takes 30 s and more",
    ),
    unseen(
        "P-SERVICE-10",
        "a plugin may have no use for what it heard before; whether it subscribes anew is its own affair",
    ),
    unseen("P-SERVICE-11", "what a plugin makes of the events that it gets is known to the plugin alone"),
    unseen("P-LOG-2", "records are notifications, so there is no answer that could be waited for or fail"),
];

/// The ids of rules that have at least one case.
pub fn with_case() -> BTreeSet<&'static str> {
    cases::all().iter().map(|case| case.rule).collect()
}

/// A case, by its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Listed {
    /// The rule that it looks at.
    pub rule: &'static str,
    /// Its own name.
    pub name: &'static str,
    /// What a plugin does that passes.
    pub case: &'static str,
    /// How much the rule binds in this case.
    pub level: Level,
}

/// Every case, in the order of the document.
pub fn listed() -> Vec<Listed> {
    let mut all: Vec<Listed> = cases::all()
        .iter()
        .map(|case| Listed { rule: case.rule, name: case.name, case: case.says, level: case.level })
        .collect();
    all.sort_by_key(|case| position(case.rule));
    all
}

/// Every rule of the document, in its order. A rule begins with its id in brackets at the head of a list item, and ends
/// where the next item, a blank line or a heading begins.
pub fn paragraphs() -> Vec<Paragraph> {
    let (mut found, mut section): (Vec<Paragraph>, &str) = (Vec::new(), "");
    let mut within = false;
    for line in DOCUMENT.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            section = heading;
        }
        let item = line.strip_prefix("- [P-").and_then(|rest| rest.split_once(']'));
        if let Some((number, text)) = item {
            let rule = &line[3..3 + 2 + number.len()];
            found.push(Paragraph { rule, section, text: text.trim().to_owned() });
        } else if within
            && line.starts_with("  ")
            && let Some(last) = found.last_mut()
        {
            last.text.push(' ');
            last.text.push_str(line.trim());
        }
        within = item.is_some() || (within && line.starts_with("  "));
    }
    found
}

/// One rule of the document.
pub fn paragraph(rule: &str) -> Option<Paragraph> {
    paragraphs().into_iter().find(|paragraph| paragraph.rule == rule)
}

/// Where a rule stands in the document, for sorting.
pub(crate) fn position(rule: &str) -> usize {
    paragraphs().iter().position(|paragraph| paragraph.rule == rule).unwrap_or(usize::MAX)
}
