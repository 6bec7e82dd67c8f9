//! Every promise has its tests and every scenario its promise, both ways; what is not shown says why.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use toml::{Table, Value};

/// A reason that is shorter than this is none.
const REASON: usize = 30;

fn tests_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn root() -> &'static Path {
    tests_folder().parent().unwrap()
}

fn promises() -> Vec<Table> {
    let text = std::fs::read_to_string(tests_folder().join("requirements.toml")).unwrap();
    let document: Table = text.parse().unwrap();
    document["promise"]
        .as_array()
        .unwrap()
        .iter()
        .map(|promise| promise.as_table().unwrap().clone())
        .collect()
}

fn text<'a>(promise: &'a Table, key: &str) -> Option<&'a str> {
    promise.get(key).and_then(Value::as_str)
}

fn names(promise: &Table, key: &str) -> Vec<String> {
    let list = promise.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    list.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

/// The test functions of a file: the name that follows each `#[test]` or `#[tokio::test…]`.
fn tests_of(file: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut found = BTreeSet::new();
    let mut marked = false;
    for line in text.lines().map(str::trim_start) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            marked = true;
        } else if let Some((_, rest)) = line.split_once("fn ").filter(|_| marked) {
            found.insert(rest.split(['(', '<']).next().unwrap().to_owned());
            marked = false;
        }
    }
    found
}

fn scenarios() -> BTreeSet<String> {
    let files = std::fs::read_dir(tests_folder().join("scenarios")).unwrap().flatten();
    let mut all = BTreeSet::new();
    for file in files.map(|entry| entry.path()) {
        let stem = file.file_stem().unwrap().to_str().unwrap().to_owned();
        all.extend(tests_of(&file).into_iter().map(|name| format!("{stem}::{name}")));
    }
    assert!(all.len() > 50, "the scenarios were not found: {all:?}");
    all
}

#[test]
fn every_promise_is_shown_or_says_why_it_is_not() {
    let scenarios = scenarios();
    for promise in promises() {
        let id = text(&promise, "id").unwrap();
        assert!(text(&promise, "says").is_some_and(|says| says.ends_with('.')), "{id} says nothing");
        let shown = names(&promise, "shown_by");
        for name in &shown {
            assert!(scenarios.contains(name), "{id} names {name}, which is not a scenario");
        }
        match text(&promise, "deferred") {
            Some(reason) => {
                assert!(shown.is_empty(), "{id} is shown and deferred; say what is left under `open`");
                assert!(reason.len() >= REASON, "{id} is deferred without a reason");
            }
            None => assert!(!shown.is_empty(), "{id} is neither shown nor deferred"),
        }
        assert!(
            text(&promise, "open").is_none_or(|open| open.len() >= REASON),
            "{id}: what is open, and why?"
        );
    }
}

#[test]
fn every_scenario_shows_a_promise() {
    let named: BTreeSet<String> = promises().iter().flat_map(|promise| names(promise, "shown_by")).collect();
    let unnamed: Vec<String> = scenarios().difference(&named).cloned().collect();
    assert!(unnamed.is_empty(), "these scenarios stand at no promise in requirements.toml: {unnamed:#?}");
}

#[test]
fn tests_of_single_crates_that_are_named_exist() {
    let mut read: BTreeMap<PathBuf, BTreeSet<String>> = BTreeMap::new();
    for promise in promises() {
        for name in names(&promise, "also") {
            let (file, test) = name.split_once("::").unwrap();
            let path = root().join(file);
            let tests = read.entry(path.clone()).or_insert_with(|| tests_of(&path));
            assert!(tests.contains(test), "{name} does not exist");
        }
    }
}

#[test]
fn ids_are_unique_members_are_known_and_sources_exist() {
    let mut seen = BTreeSet::new();
    for promise in promises() {
        let id = text(&promise, "id").unwrap().to_owned();
        for key in promise.keys() {
            let known = ["id", "says", "source", "shown_by", "also", "open", "deferred"];
            assert!(known.contains(&key.as_str()), "{id} has {key}, which means nothing");
        }
        let (file, section) = text(&promise, "source").unwrap().split_once(": ").unwrap();
        let document = std::fs::read_to_string(root().join("docs").join(file)).unwrap();
        let heading = |line: &str| line.starts_with('#') && line.trim_start_matches('#').trim() == section;
        assert!(document.lines().any(heading), "{id}: {file} has no section {section:?}");
        assert!(seen.insert(id.clone()), "{id} stands twice");
    }
}

/// Whether a file in any of the languages holds a test of that name.
fn holds_test(file: &Path, name: &str) -> bool {
    if file.extension().is_some_and(|extension| extension == "rs") {
        return tests_of(file).contains(name);
    }
    let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    text.contains(&format!("def {name}("))
        || ['"', '\'', '`'].iter().any(|q| text.contains(&format!("{q}{name}{q}")))
}

#[test]
fn every_fault_that_was_found_is_held_by_a_test_or_says_why_not() {
    let text = std::fs::read_to_string(tests_folder().join("faults.toml")).unwrap();
    let document: Table = text.parse().unwrap();
    for (fault, row) in document["fault"].as_table().unwrap() {
        let row = row.as_table().unwrap();
        let shown = names(row, "shown_by");
        match row.get("open").and_then(Value::as_str) {
            Some(reason) => assert!(reason.len() >= REASON, "{fault} is open without a reason"),
            None => assert!(!shown.is_empty(), "{fault} is held by no test and does not say why"),
        }
        for name in shown {
            let (file, test) =
                name.split_once("::").unwrap_or_else(|| panic!("{fault}: {name} is not path::test"));
            assert!(holds_test(&root().join(file), test), "{fault} names {name}, which does not exist");
        }
    }
}
