//! `outboard conform`: good plugins pass, and a plugin with one fault fails with that rule's line.

#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

#[path = "conform/faults.rs"]
mod faults;
mod terminal;

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use faults::FAULTS;
use outboard_conform::rules::{WITHOUT_CASE, paragraphs};
use outboard_conform::{Level, Listed, listed};
use serde_json::Value;
use terminal::Terminal;

/// Faults that are tried at a time. They wait more than they work.
const AT_A_TIME: usize = 4;

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

/// A plugin that has this fault alone.
fn faulty(terminal: &Terminal, fault: &str) -> std::path::PathBuf {
    terminal.write("faulty/faulty.py", include_str!("conform/faulty.py"));
    let manifest = serde_json::json!({"id": "faulty", "name": "Faulty", "version": "1.0.0",
        "run": {"command": ["python3", "-S", "-E", "faulty.py", fault]}});
    terminal.write("faulty/plugin.json", &manifest.to_string());
    terminal.path("faulty")
}

/// What is wrong with how the case of this name finds the fault of this name; `None`: nothing.
fn overlooked(case: &Listed, words: &str) -> Option<String> {
    let terminal = Terminal::new();
    let folder = faulty(&terminal, case.name);
    // Short waits, as most faults are answers that never come.
    let waits = ["--timeout", "2s", "--grace", "1s", "--jobs", "1"];
    let asked = ["conform", folder.to_str().unwrap(), "--json", "--only", case.name];
    let said = terminal.types(&[&asked[..], &waits].concat());
    let report = said.json();
    let (code, verdict) = if case.level == Level::Must { (1, "broken") } else { (0, "advice") };
    let line = &report["lines"][0];
    let note = line["note"].as_str().unwrap_or_default();
    let right = said.code == code && line["rule"] == case.rule && line["verdict"] == verdict;
    (!right || !note.contains(words)).then(|| format!("{} [{}]: {said:?}", case.name, case.rule))
}

/// Tries the faults of the rules that begin so.
fn faults_are_found(rules: &[&str]) {
    let cases: Vec<(Listed, &str)> = listed()
        .into_iter()
        .filter(|case| rules.iter().any(|rule| case.rule.starts_with(rule)))
        .filter_map(|case| Some((case, FAULTS.iter().find(|(name, _)| *name == case.name)?.1)))
        .collect();
    assert!(cases.len() > 2, "there is nothing to try for {rules:?}");
    let left = Mutex::new(cases);
    let found: Vec<String> = std::thread::scope(|scope| {
        let try_on = || {
            let next = || left.lock().unwrap().pop();
            std::iter::from_fn(next).filter_map(|(case, words)| overlooked(&case, words)).collect::<Vec<_>>()
        };
        let workers: Vec<_> = (0..AT_A_TIME).map(|_| scope.spawn(try_on)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn a_plugin_without_a_fault_conforms() {
    let terminal = Terminal::new();
    let (code, report) = examine(&terminal, &faulty(&terminal, "none"));
    assert_eq!((code, rules(&report, "holds").len()), (0, listed().len()), "{report:#}");
}

#[test]
fn every_rule_has_cases_with_a_fault_each_or_a_reason_why_nothing_can_be_seen() {
    let cases = listed();
    for (name, _) in FAULTS {
        assert!(cases.iter().any(|case| case.name == *name), "{name} is not a case");
        assert_eq!(FAULTS.iter().filter(|(other, _)| other == name).count(), 1, "{name} stands twice");
    }
    for case in &cases {
        let fault = FAULTS.iter().find(|(name, _)| *name == case.name);
        assert!(fault.is_some(), "{} [{}] has no fault that shows that it can fail", case.name, case.rule);
    }
    for paragraph in paragraphs() {
        let unseen = WITHOUT_CASE.iter().find(|unseen| unseen.rule == paragraph.rule);
        let seen = cases.iter().any(|case| case.rule == paragraph.rule);
        assert!(
            seen || unseen.is_some_and(|unseen| unseen.reason.len() > 20),
            "{} is not seen",
            paragraph.rule
        );
    }
}

#[test]
fn faults_of_framing_fail_with_their_lines() {
    faults_are_found(&["P-FRAME"]);
}

#[test]
fn faults_of_messages_fail_with_their_lines() {
    faults_are_found(&["P-MSG"]);
}

#[test]
fn faults_of_a_life_fail_with_their_lines() {
    faults_are_found(&["P-LIFE"]);
}

#[test]
fn faults_of_the_rest_fail_with_their_lines() {
    faults_are_found(&["P-SPAWN", "P-CANCEL", "P-ERR", "P-HTTP", "P-SERVICE", "P-LOG"]);
}

/// A module beside a folder of packages, one of which a supervisor has linked.
fn module(terminal: &Terminal) -> std::path::PathBuf {
    terminal.write("beside/module/plugin.json", r#"{"id":"module","name":"Module","version":"1.0.0"}"#);
    let source = "import { createPlugin } from \"@skyvexsoftware/stratos-sdk\";\n\
        export default createPlugin({ onStart() {}, onStop() {} });\n";
    terminal.write("beside/module/background/index.js", source);
    let packages = terminal.path("beside/node_modules");
    std::fs::create_dir_all(&packages).unwrap();
    std::os::unix::fs::symlink("/a/supervisors/runner/electron", packages.join("electron")).unwrap();
    std::fs::create_dir(terminal.path("tmp")).unwrap();
    terminal.path("beside/module")
}

/// What lies beside the module, and what is left in the folder for what may be lost.
fn left(terminal: &Terminal) -> Vec<String> {
    let names = |folder: &str| {
        let entries = std::fs::read_dir(terminal.path(folder)).unwrap().flatten();
        entries.map(|entry| format!("{folder}/{}", entry.file_name().to_string_lossy())).collect::<Vec<_>>()
    };
    let mut left = [names("beside"), names("beside/node_modules"), names("tmp")].concat();
    left.sort();
    left
}

const BESIDE: [&str; 3] = ["beside/module", "beside/node_modules", "beside/node_modules/electron"];

#[test]
fn an_examination_of_a_module_leaves_nothing_beside_it_and_every_link_as_it_was() {
    let terminal = Terminal::new();
    let folder = module(&terminal);
    let tmp = terminal.path("tmp");
    let words = ["conform", folder.to_str().unwrap(), "--json", "--only", "P-LIFE-6", "--only", "P-LIFE-2"];
    let said = terminal.types_with(&[("TMPDIR", tmp.to_str().unwrap())], &words);
    assert_eq!(said.code, 0, "it finds what it imports: {said:?}");
    assert_eq!(left(&terminal), BESIDE);
    let link = std::fs::read_link(terminal.path("beside/node_modules/electron")).unwrap();
    assert_eq!(link, Path::new("/a/supervisors/runner/electron"));
}

#[test]
fn an_interrupted_examination_leaves_nothing_behind_either() {
    for signal in ["INT", "TERM"] {
        let terminal = Terminal::new();
        let folder = module(&terminal);
        // It says that it has begun, and answers nothing, so that the examination waits.
        let source = "import { writeFileSync } from \"node:fs\";\n\
            writeFileSync(process.env.OUTBOARD_DATA_DIR + \"/begun\", \"\");\n\
            await new Promise((resolve) => setTimeout(resolve, 600_000));\n";
        terminal.write("beside/module/background/index.js", source);
        let mut command = terminal.command(&["conform", folder.to_str().unwrap(), "--timeout", "10m"]);
        command.env("TMPDIR", terminal.path("tmp")).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut examination = command.spawn().unwrap();
        let begun = || {
            let mut scratch = std::fs::read_dir(terminal.path("tmp")).unwrap().flatten();
            scratch.any(|folder| folder.path().join("data-1/plugins-data/module/begun").exists())
        };
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while !begun() {
            assert!(std::time::Instant::now() < deadline, "no process of the plugin was started");
            assert!(examination.try_wait().unwrap().is_none(), "{:?}", examination.wait_with_output());
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        let pid = examination.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
        let output = examination.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("interrupted"), "{output:?}");
        assert_eq!(left(&terminal), BESIDE, "SIG{signal}");
    }
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
fn the_report_is_written_as_junit_too() {
    let terminal = Terminal::new();
    let (file, folder) = (terminal.path("report.xml"), example("hello-plain"));
    let words = ["conform", folder.to_str().unwrap(), "--only", "P-MSG-4", "--junit", file.to_str().unwrap()];
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

#[test]
fn a_plugin_that_never_stops_talking_is_listened_to_no_further_and_is_told_so() {
    let terminal = Terminal::new();
    let says = r#"import sys
sys.stdin.readline()
while True:
    sys.stdout.write('{"jsonrpc":"2.0","method":"log","params":{"fill":"' + 'x' * 1_000_000 + '"}}\n')
"#;
    terminal.write("flood/flood.py", says);
    let manifest = serde_json::json!({"id": "flood", "name": "Flood", "version": "1.0.0",
        "run": {"command": ["python3", "-S", "-E", "flood.py"]}});
    terminal.write("flood/plugin.json", &manifest.to_string());
    let folder = terminal.path("flood");
    let said = terminal.types(&["conform", folder.to_str().unwrap(), "--json", "--only", "whole-messages"]);
    let line = &said.json()["lines"][0];
    let note = line["note"].as_str().unwrap_or_default();
    assert!(line["verdict"] == "broken" && note.contains("16777216 bytes in one conversation"), "{said:?}");
}
