//! A report as JUnit XML, which most CI systems show. Called by the command line; must not know what is behind a line.

use std::fmt::Write;

use crate::report::{Report, Verdict};

/// The report as one test suite: a broken MUST is a failure, a SHOULD that was not followed is skipped with its note.
pub fn junit(report: &Report) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let failures = report.count(Verdict::Broken);
    let skipped = report.count(Verdict::Skipped) + report.count(Verdict::Advice);
    let name = escaped(&format!("outboard conform {} {}", report.plugin, report.version));
    // Writing to a string cannot fail.
    let _ = writeln!(
        xml,
        "<testsuite name=\"{name}\" tests=\"{}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\">",
        report.lines.len()
    );
    for line in &report.lines {
        let note = escaped(line.note.as_deref().unwrap_or_default());
        let case = escaped(&format!("[{}] {}", line.rule, line.case));
        let _ = write!(xml, "  <testcase classname=\"{}\" name=\"{case}\"", escaped(line.section));
        let _ = match line.verdict {
            Verdict::Holds => writeln!(xml, "/>"),
            Verdict::Broken => writeln!(
                xml,
                ">\n    <failure message=\"{note}\">{}</failure>\n  </testcase>",
                escaped(&line.paragraph)
            ),
            Verdict::Advice | Verdict::Skipped => {
                writeln!(xml, ">\n    <skipped message=\"{note}\"/>\n  </testcase>")
            }
        };
    }
    xml.push_str("</testsuite>\n");
    xml
}

/// Text for an attribute or an element. Characters that XML cannot have become U+FFFD.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\n' | '\t' => safe.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}
