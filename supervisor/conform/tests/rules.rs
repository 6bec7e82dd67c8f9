//! The table of rules and docs/PROTOCOL.md hold to each other, both ways.

use std::collections::BTreeSet;

use outboard_conform::rules::{DOCUMENT, Side, WITHOUT_CASE, paragraphs, with_case};

fn documented() -> BTreeSet<&'static str> {
    paragraphs().iter().map(|paragraph| paragraph.rule).collect()
}

#[test]
fn every_rule_of_the_document_has_a_case_or_a_reason_and_not_both() {
    let reasoned: BTreeSet<_> = WITHOUT_CASE.iter().map(|unseen| unseen.rule).collect();
    let cased = with_case();
    for rule in documented() {
        assert!(
            cased.contains(rule) != reasoned.contains(rule),
            "{rule} needs a case or a row in WITHOUT_CASE, and one of the two only"
        );
    }
}

#[test]
fn every_case_and_every_reason_is_about_a_rule_of_the_document() {
    let documented = documented();
    for rule in with_case().into_iter().chain(WITHOUT_CASE.iter().map(|unseen| unseen.rule)) {
        assert!(documented.contains(rule), "{rule} does not stand in docs/PROTOCOL.md");
    }
}

#[test]
fn every_id_in_the_document_that_is_referred_to_is_defined_once() {
    let mut defined = BTreeSet::new();
    for paragraph in paragraphs() {
        assert!(defined.insert(paragraph.rule), "{} is defined twice", paragraph.rule);
        assert!(paragraph.text.len() > 20, "{} says nothing: {paragraph:?}", paragraph.rule);
        assert!(!paragraph.section.is_empty(), "{paragraph:?}");
    }
    let named = DOCUMENT.split("[P-").skip(1);
    for name in named.filter_map(|rest| rest.split_once(']')).map(|(name, _)| format!("P-{name}")) {
        assert!(defined.contains(name.as_str()), "{name} is referred to and nowhere defined");
    }
}

#[test]
fn a_paragraph_that_runs_over_several_lines_is_whole() {
    let rule = paragraphs().into_iter().find(|paragraph| paragraph.rule == "P-FRAME-4");
    let text = rule.map(|rule| rule.text).unwrap_or_default();
    assert!(
        text.starts_with("A frame has at most 8 MiB") && text.ends_with("the end of the frame."),
        "{text}"
    );
}

#[test]
fn whatever_must_or_should_be_stands_in_a_rule_with_an_id() {
    let words = |text: &str| text.matches("MUST").count() + text.matches("SHOULD").count();
    let preface = DOCUMENT.lines().find(|line| line.contains("RFC 2119")).unwrap_or_default();
    let within: usize = paragraphs().iter().map(|paragraph| words(&paragraph.text)).sum();
    let outside: Vec<&str> = DOCUMENT
        .lines()
        .filter(|line| words(line) > 0 && *line != preface)
        .filter(|line| !paragraphs().iter().any(|paragraph| paragraph.text.contains(within_a_rule(line))))
        .collect();
    assert!(outside.is_empty(), "these lines ask for something and belong to no rule: {outside:#?}");
    assert_eq!(words(DOCUMENT) - words(preface), within, "a MUST or SHOULD stands outside of the rules");
    assert!(within > 40, "the rules were not found");
}

/// A line of a rule as its paragraph has it.
fn within_a_rule(line: &str) -> &str {
    line.split_once("] ").filter(|_| line.starts_with("- [P-")).map_or(line, |(_, text)| text).trim()
}

#[test]
fn what_binds_the_host_alone_is_shown_by_the_kit_for_hosts() {
    let shown = include_str!("../../../tests/host-kit/rules.toml");
    let row = |rule: &str| shown.lines().find(|line| line.split(' ').next() == Some(rule));
    for unseen in WITHOUT_CASE.iter().filter(|unseen| unseen.side == Side::Host) {
        let left = row(unseen.rule).is_some_and(|row| row.contains("binds_plugins_alone"));
        assert!(!left, "{} binds the host here and plugins alone there", unseen.rule);
    }
    for unseen in WITHOUT_CASE {
        assert!(unseen.reason.len() > 20, "{} has no reason", unseen.rule);
    }
}
