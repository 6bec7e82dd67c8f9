//! The documents hold together: a link leads to a file that is there, and to a heading in it.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::process::Command;

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Every file of this pattern that is committed or about to be and is text, by its path from the top.
fn files(pattern: &str) -> BTreeMap<PathBuf, String> {
    let list = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", pattern])
        .current_dir(top())
        .output()
        .unwrap();
    assert!(list.status.success(), "{}", String::from_utf8_lossy(&list.stderr));
    let paths = String::from_utf8(list.stdout).unwrap();
    // What was removed and is not yet committed so, and what is not text, says nothing.
    let read = |path: &str| Some((path.into(), std::fs::read_to_string(top().join(path)).ok()?));
    paths.lines().filter_map(read).collect()
}

/// The lines that are prose, with what is code in them left out.
fn prose(text: &str) -> Vec<String> {
    let mut fenced = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            lines.push(line.split('`').step_by(2).collect::<Vec<_>>().join("``"));
        }
    }
    lines
}

/// The targets of inline links, `[text](target)`, and of definitions, `[name]: target`.
fn targets(text: &str) -> Vec<String> {
    let mut targets = Vec::new();
    for line in prose(text) {
        let mut rest = line.as_str();
        while let Some(at) = rest.find("](") {
            rest = &rest[at + 2..];
            let end = rest.find([')', ' ']).unwrap_or(rest.len());
            targets.push(rest[..end].to_owned());
        }
        let definition = line.strip_prefix('[').and_then(|line| line.split_once("]: "));
        targets.extend(definition.map(|(_, target)| target.trim().to_owned()));
    }
    targets
}

/// The anchors of a document's headings, as they are made from their words: small letters, digits, hyphens for spaces, and a number
/// behind one that was there before.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut seen = BTreeMap::<String, usize>::new();
    let mut anchors = BTreeSet::new();
    let mut fenced = false;
    for line in text.lines() {
        fenced ^= line.trim_start().starts_with("```");
        let heading = line.trim_start_matches('#');
        if fenced || heading.len() == line.len() || !heading.starts_with(' ') {
            continue;
        }
        let kept = heading.trim().to_lowercase();
        let kept = kept.chars().filter(|char| char.is_alphanumeric() || " -_".contains(*char));
        let anchor: String = kept.map(|char| if char == ' ' { '-' } else { char }).collect();
        let count = seen.entry(anchor.clone()).or_default();
        anchors.insert(if *count == 0 { anchor.clone() } else { format!("{anchor}-{count}") });
        *count += 1;
    }
    anchors
}

/// A relative target as a path from the top; `None` where it leads out of the tree.
fn resolved(from: &Path, target: &str) -> Option<PathBuf> {
    let mut path = from.parent().unwrap().to_owned();
    for part in Path::new(target).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                if !path.pop() {
                    return None;
                }
            }
            Component::Normal(name) => path.push(name),
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(path)
}

#[test]
fn every_link_in_a_document_leads_to_a_file_and_a_heading_that_are_there() {
    let documents = files("*.md");
    let (mut astray, mut followed) = (Vec::new(), 0);
    for (from, text) in &documents {
        for target in targets(text) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            followed += 1;
            let (path, anchor) =
                target.split_once('#').map_or((target.as_str(), None), |(path, anchor)| (path, Some(anchor)));
            let there = if path.is_empty() { Some(from.clone()) } else { resolved(from, path) };
            let there = there.filter(|there| top().join(there).exists());
            let Some(there) = there else {
                astray.push(format!("{}: {target} is not there", from.display()));
                continue;
            };
            let heading = anchor.zip(documents.get(&there));
            if heading.is_some_and(|(anchor, text)| !anchors(text).contains(anchor)) {
                astray.push(format!("{}: {target}: there is no such heading", from.display()));
            }
        }
    }
    assert!(followed > 100, "only {followed} links were found");
    assert!(astray.is_empty(), "{}", astray.join("\n"));
}

#[test]
fn every_document_that_a_message_or_a_comment_names_is_there() {
    let (mut astray, mut named) = (Vec::new(), 0);
    for (from, text) in files("*") {
        for (at, _) in text.match_indices("docs/") {
            let path = &text[at..];
            let end = path.find(|char: char| !(char.is_ascii_alphanumeric() || "/-_.".contains(char)));
            let path = path[..end.unwrap_or(path.len())].trim_end_matches('.');
            if path.ends_with(".md") && !text[..at].ends_with('/') {
                named += 1;
                if !top().join(path).exists() {
                    astray.push(format!("{} names {path}", from.display()));
                }
            }
        }
    }
    assert!(named > 50, "only {named} were found");
    assert!(astray.is_empty(), "{}", astray.join("\n"));
}
