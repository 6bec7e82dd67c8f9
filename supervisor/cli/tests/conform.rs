//! `outboard conform`: good plugins pass, and a plugin with one fault fails with that rule's line.

#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

mod terminal;

use std::path::Path;

use serde_json::Value;
use terminal::Terminal;

fn examine(terminal: &Terminal, folder: &Path) -> (i32, Value) {
    let said = terminal.types(&["conform", folder.to_str().unwrap(), "--json"]);
    let report = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("no report: {said:?}"));
    (said.code, report)
}

fn example(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name)
}

/// The rules whose lines ended so.
fn rules<'a>(report: &'a Value, verdict: &str) -> Vec<&'a str> {
    let lines = report["lines"].as_array().unwrap().iter();
    lines.filter(|line| line["verdict"] == verdict).map(|line| line["rule"].as_str().unwrap()).collect()
}

/// Runs the plugin that has this fault alone, and gives the rules that were seen broken or not followed.
fn seen_with(fault: &str) -> (i32, Vec<String>) {
    let terminal = Terminal::new();
    terminal.write("faulty/faulty.py", include_str!("conform/faulty.py"));
    let manifest = serde_json::json!({"id": "faulty", "name": "Faulty", "version": "1.0.0",
        "run": {"command": ["python3", "faulty.py", fault]}});
    terminal.write("faulty/plugin.json", &manifest.to_string());
    let (code, report) = examine(&terminal, &terminal.path("faulty"));
    let mut seen = rules(&report, "broken");
    seen.extend(rules(&report, "advice"));
    (code, seen.into_iter().map(str::to_owned).collect())
}

fn fails_with_its_line(faults: &[&str]) {
    for fault in faults {
        let (code, seen) = seen_with(fault);
        assert!(seen.iter().any(|rule| rule == fault), "{fault} went unnoticed; seen: {seen:?}");
        assert_eq!(code, 1, "{fault}: {seen:?}");
    }
}

#[test]
fn a_plugin_without_a_fault_conforms() {
    assert_eq!(seen_with("none"), (0, Vec::new()));
}

#[test]
fn the_plain_python_example_conforms_and_each_line_names_its_paragraph() {
    let (code, report) = examine(&Terminal::new(), &example("hello-plain"));
    assert_eq!((code, rules(&report, "broken")), (0, Vec::new()), "{report:#}");
    for line in report["lines"].as_array().unwrap() {
        assert!(line["paragraph"].as_str().unwrap().len() > 20, "{line}");
    }
}

#[test]
fn faults_of_messages_fail_with_their_lines() {
    fails_with_its_line(&["P-MSG-4", "P-MSG-10"]);
}

#[test]
fn faults_of_the_handshake_fail_with_their_lines() {
    fails_with_its_line(&["P-LIFE-2", "P-LIFE-3", "P-LIFE-4"]);
}

#[test]
fn the_report_is_written_as_junit_too() {
    let terminal = Terminal::new();
    let (file, folder) = (terminal.path("report.xml"), example("hello-plain"));
    let words = ["conform", folder.to_str().unwrap(), "--junit", file.to_str().unwrap()];
    let said = terminal.types(&words);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("conforms to protocol version 1"), "{said:?}");
    let xml = std::fs::read_to_string(file).unwrap();
    assert!(xml.contains("failures=\"0\"") && xml.contains("[P-MSG-4]"), "{xml}");
}

#[test]
fn only_what_was_asked_for_is_looked_at() {
    let (terminal, folder) = (Terminal::new(), example("hello-plain"));
    let words =
        ["conform", folder.to_str().unwrap(), "--json", "--only", "p-frame-2", "--only", "wire-clean"];
    let said = terminal.types(&words);
    let report: Value = said.json();
    let names: Vec<&str> =
        report["lines"].as_array().unwrap().iter().map(|line| line["name"].as_str().unwrap()).collect();
    assert_eq!((said.code, names), (0, vec!["wire-clean", "frame-cut", "frames-joined"]), "{report:#}");
}

#[test]
fn what_is_no_rule_and_no_case_is_wrong_usage_that_names_near_ones() {
    let (terminal, folder) = (Terminal::new(), example("hello-plain"));
    for (word, near) in
        [("P-MSG-44", "P-MSG-4"), ("oversized", "frame-oversized"), ("P-CALL-1", "from outside")]
    {
        let said = terminal.types(&["conform", folder.to_str().unwrap(), "--only", word]);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{said:?}");
        assert!(said.err.contains(word) && said.err.contains(near), "{said:?}");
    }
}

#[test]
fn every_case_is_listed_with_its_rule_and_its_name() {
    let terminal = Terminal::new();
    let said = terminal.types(&["conform", "--list"]);
    assert_eq!(said.code, 0, "{said:?}");
    let row = said.out.lines().find(|line| line.contains(" frame-oversized ")).unwrap_or_default();
    assert!(row.starts_with("P-FRAME-4 ") && row.contains(" MUST "), "{said:?}");
    let listed = terminal.types(&["conform", "--list", "--json"]).json();
    assert!(listed.as_array().is_some_and(|cases| cases.len() > 40), "{listed:#}");
}
