//! The table of rules and docs/PROTOCOL.md hold to each other, both ways.

use std::collections::BTreeSet;

use outboard_conform::rules::{WITHOUT_CASE, paragraphs, with_case};

fn documented() -> BTreeSet<&'static str> {
    paragraphs().iter().map(|paragraph| paragraph.rule).collect()
}

#[test]
fn every_rule_of_the_document_has_a_case_or_a_reason_and_not_both() {
    let reasoned: BTreeSet<_> = WITHOUT_CASE.iter().map(|(rule, _)| *rule).collect();
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
    for rule in with_case().into_iter().chain(WITHOUT_CASE.iter().map(|(rule, _)| *rule)) {
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
    let named = outboard_conform::rules::DOCUMENT.split("[P-").skip(1);
    for name in named.filter_map(|rest| rest.split_once(']')).map(|(name, _)| format!("P-{name}")) {
        assert!(defined.contains(name.as_str()), "{name} is referred to and nowhere defined");
    }
}

#[test]
fn a_paragraph_that_runs_over_several_lines_is_whole() {
    let rule = paragraphs().into_iter().find(|paragraph| paragraph.rule == "P-FRAME-4");
    let text = rule.map(|rule| rule.text).unwrap_or_default();
    assert!(text.starts_with("A frame has at most 8 MiB") && text.ends_with("and goes on."), "{text}");
}
