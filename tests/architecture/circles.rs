//! Circles of files: two files that each use something of the other cannot be understood, tested or moved one at a time.
//!
//! Reads the `use` lines and the paths that begin with `crate::`, `super::` or `self::`. What a file hands on with `pub use` is
//! followed to where it is; handing on does not count as a use. It sees no macros and no methods, so a circle of method calls within
//! one type that is spread over files is not found.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::{code, sources};

/// Crates whose files are looked at.
const CRATES: &[&str] = &[
    "proto-schema",
    "proto-schema/generate",
    "supervisor/causes",
    "supervisor/cli",
    "supervisor/conform",
    "supervisor/control",
    "supervisor/files",
    "supervisor/gateway",
    "supervisor/host",
    "supervisor/lifecycle",
    "supervisor/context",
    "plugin-sdk/rust",
];

type Module = Vec<String>;

/// The files of one crate by module.
struct Tree {
    files: BTreeMap<Module, PathBuf>,
    /// What a module hands on: name to the path where it is.
    handed_on: BTreeMap<Module, BTreeMap<String, Module>>,
}

/// One path of a `use`, from the module where it stands, and whether it is handed on.
struct Used {
    path: Module,
    name: String,
    handed_on: bool,
}

impl Tree {
    fn of(folder: &str) -> Self {
        let source = Path::new(folder).join("src");
        let mut files = BTreeMap::new();
        for file in sources(&source.display().to_string()) {
            let below = file.strip_prefix(&source).unwrap().with_extension("");
            let mut module: Module = below.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            if module.first().is_some_and(|first| first == "bin") {
                continue;
            }
            if module
                .last()
                .is_some_and(|last| last == "mod" || (module.len() == 1 && (last == "lib" || last == "main")))
            {
                module.pop();
            }
            files.insert(module, file);
        }
        let mut tree = Self { files, handed_on: BTreeMap::new() };
        for (module, file) in &tree.files {
            let handed = uses(&code(file)).into_iter().filter(|used| used.handed_on);
            let handed = handed.filter_map(|used| Some((used.name, tree.absolute(module, &used.path)?)));
            tree.handed_on.insert(module.clone(), handed.collect());
        }
        tree
    }

    /// A path from the root of the crate; `None` for one into another crate.
    fn absolute(&self, from: &Module, path: &[String]) -> Option<Module> {
        let mut module = from.clone();
        let mut rest = path;
        match path.first()?.as_str() {
            "crate" => (module, rest) = (Module::new(), &path[1..]),
            "self" => rest = &path[1..],
            "super" => {
                while rest.first().is_some_and(|part| part == "super") {
                    module.pop()?;
                    rest = &rest[1..];
                }
            }
            first => {
                let mut child = module.clone();
                child.push(first.to_owned());
                self.files.contains_key(&child).then_some(())?;
            }
        }
        module.extend(rest.iter().cloned());
        Some(module)
    }

    /// The file that a path leads to.
    fn file(&self, path: &Module) -> Option<&Module> {
        let depth = (0..=path.len()).rev().find(|depth| self.files.contains_key(&path[..*depth]))?;
        let (module, _) = self.files.get_key_value(&path[..depth])?;
        let handed_on = path.get(depth).and_then(|name| self.handed_on.get(module)?.get(name));
        match handed_on {
            Some(there) if there[..] != path[..=depth] => {
                let there: Module = there.iter().chain(&path[depth + 1..]).cloned().collect();
                self.file(&there)
            }
            _ => Some(module),
        }
    }

    fn edges(&self) -> BTreeMap<&Module, BTreeSet<&Module>> {
        let mut edges = BTreeMap::new();
        for (module, file) in &self.files {
            let used = uses(&code(file)).into_iter().filter(|used| !used.handed_on);
            let used = used.filter_map(|used| self.file(&self.absolute(module, &used.path)?));
            edges.insert(module, used.filter(|there| *there != module).collect());
        }
        edges
    }
}

/// The paths that code uses, each as far as it is written.
fn uses(code: &str) -> Vec<Used> {
    let mut found = Vec::new();
    let mut rest = String::new();
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        let trimmed = line.trim_start();
        let handed_on = trimmed.starts_with("pub");
        let at = trimmed.find("use ").filter(|at| {
            *at == 0 || (handed_on && trimmed[..*at].ends_with(' ') && !trimmed[..*at].contains(" fn "))
        });
        let Some(at) = at else {
            rest.push_str(line);
            rest.push('\n');
            continue;
        };
        let mut statement = trimmed[at + 4..].to_owned();
        while !statement.contains(';') {
            let Some(next) = lines.next() else { break };
            statement.push_str(next.trim());
            statement.push(' ');
        }
        let statement = statement.split(';').next().unwrap();
        unfold(&Module::new(), statement, handed_on, &mut found);
    }
    for start in ["crate::", "super::", "self::"] {
        for (at, _) in rest.match_indices(start) {
            let before = rest[..at].chars().next_back();
            if before.is_some_and(|before| before.is_alphanumeric() || before == '_' || before == ':') {
                continue;
            }
            let path =
                rest[at..].split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').next().unwrap();
            let path: Module = path.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
            found.push(Used { path, name: String::new(), handed_on: false });
        }
    }
    found
}

fn parts(text: &str) -> impl Iterator<Item = String> {
    text.split("::").map(|part| part.trim().to_owned()).filter(|part| !part.is_empty())
}

/// `a::{b, c::{d, e as f}}` as single paths.
fn unfold(before: &Module, tree: &str, handed_on: bool, found: &mut Vec<Used>) {
    let tree = tree.trim().trim_end_matches(',');
    if tree.is_empty() {
        return;
    }
    let open = tree.find('{');
    let Some(open) = open else {
        let (path, name) = tree.split_once(" as ").unwrap_or((tree, ""));
        let mut path: Module = before.iter().cloned().chain(parts(path)).collect();
        if path.len() > 1 && path.last().is_some_and(|last| last == "self" || last == "*") {
            path.pop();
        }
        let name =
            if name.is_empty() { path.last().cloned().unwrap_or_default() } else { name.trim().to_owned() };
        found.push(Used { path, name, handed_on });
        return;
    };
    let before: Module = before.iter().cloned().chain(parts(&tree[..open])).collect();
    let inside = &tree[open + 1..tree.rfind('}').unwrap_or(tree.len())];
    let (mut depth, mut begin) = (0_usize, 0);
    for (at, letter) in inside.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                unfold(&before, &inside[begin..at], handed_on, found);
                begin = at + 1;
            }
            _ => {}
        }
    }
    unfold(&before, &inside[begin..], handed_on, found);
}

/// The groups of files that lead to each other.
fn circles<'a>(edges: &BTreeMap<&'a Module, BTreeSet<&'a Module>>) -> Vec<BTreeSet<&'a Module>> {
    let reached = |from: &'a Module| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
        while let Some(module) = next.pop() {
            for there in &edges[module] {
                if seen.insert(*there) {
                    next.push(there);
                }
            }
        }
        seen
    };
    let reach: BTreeMap<&Module, BTreeSet<&Module>> =
        edges.keys().map(|module| (*module, reached(module))).collect();
    let mut found: Vec<BTreeSet<&Module>> = Vec::new();
    for (module, there) in &reach {
        let circle: BTreeSet<&Module> =
            there.iter().filter(|other| reach[**other].contains(module)).copied().collect();
        if circle.len() > 1 && !found.contains(&circle) {
            found.push(circle);
        }
    }
    found
}

#[test]
fn crates_are_free_of_circles_of_files() {
    let mut faults = Vec::new();
    for folder in CRATES {
        let tree = Tree::of(folder);
        for circle in circles(&tree.edges()) {
            let files = circle.iter().map(|module| tree.files[*module].display().to_string());
            faults.push(files.collect::<Vec<_>>().join(", "));
        }
    }
    assert!(faults.is_empty(), "these files stand in a circle:\n  {}", faults.join("\n  "));
}

#[test]
fn a_circle_over_a_path_a_braced_use_and_a_name_that_is_handed_on_is_found() {
    let files = ["a", "b", "c", "d"].map(|name| (vec![name.to_owned()], PathBuf::from(name)));
    let mut tree = Tree { files: files.into(), handed_on: BTreeMap::new() };
    tree.files.insert(Module::new(), PathBuf::from("lib"));
    let name = |path: &str| path.split("::").map(str::to_owned).collect::<Module>();
    tree.handed_on.insert(Module::new(), BTreeMap::from([("C".to_owned(), name("c::C"))]));
    let leads = |from: &str, code: &str| -> Vec<String> {
        let from = if from.is_empty() { Module::new() } else { name(from) };
        let used = uses(code).into_iter().filter(|used| !used.handed_on);
        used.filter_map(|used| tree.file(&tree.absolute(&from, &used.path)?))
            .map(|there| there.join("::"))
            .collect()
    };
    assert_eq!(leads("a", "use crate::{b::{self, B}, C};\n"), ["b", "b", "c"]);
    assert_eq!(leads("a", "use super::d::\n    D;\nfn f() { super::b::g() }\n"), ["d", "b"]);
    assert_eq!(leads("", "pub(crate) use c::C;\nuse b::B;\nuse std::path::Path;\n"), ["b"]);
    let edge = |from: &str, to: &[&str]| (name(from), to.iter().map(|to| name(to)).collect::<BTreeSet<_>>());
    let owned = [edge("a", &["b"]), edge("b", &["c"]), edge("c", &["a"]), edge("d", &["a"])];
    let edges = owned.iter().map(|(from, to)| (from, to.iter().collect())).collect();
    let circles = circles(&edges);
    assert_eq!(circles.len(), 1);
    assert!(circles[0].len() == 3 && !circles[0].contains(&name("d")));
}
