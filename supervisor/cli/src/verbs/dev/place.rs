//! Where an error lies: finds the place in what a program said of it, and shows the lines around.
//!
//! Asked for each fault of a plugin or a build. Knows how stacks and compilers write a place, and no language.

use std::path::{Path, PathBuf};

/// Lines before and after the one that is meant.
const AROUND: usize = 2;
/// Longest part of a line that is shown.
const WIDTH_MAX: usize = 160;
/// Largest file of which lines are shown.
const SHOWN_MAX: u64 = 4 << 20;

/// A line of the author's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: PathBuf,
    /// From 1.
    pub(super) line: usize,
    /// From 1; none where nobody said.
    pub(super) column: Option<usize>,
}

impl Place {
    /// The place that a text is about, among the files below `folders`: the innermost one of the author's own.
    pub(super) fn of(text: &str, folders: &[&Path]) -> Option<Self> {
        let own = |(file, line, column): (&str, usize, Option<usize>)| {
            let file = file.strip_prefix("file://").unwrap_or(file);
            let at = folders
                .iter()
                .map(|folder| folder.join(file))
                .find(|at| folders.iter().any(|folder| at.starts_with(folder)) && at.is_file())?;
            let file = at.canonicalize().ok()?;
            let installed = file
                .components()
                .any(|part| part.as_os_str() == "node_modules" || part.as_os_str() == ".venv");
            (!installed && line > 0).then_some(Self { file, line, column })
        };
        // Python tells the innermost call last, the others first.
        let of_python = text.lines().rev().find_map(|line| own(python(line)?));
        of_python.or_else(|| text.lines().find_map(|line| words(line).find_map(|word| own(coded(word)?))))
    }

    /// The lines around it, the one that is meant marked.
    pub(super) fn frame(&self) -> Option<String> {
        let text = outboard_files::read(&self.file, SHOWN_MAX).ok()?;
        let text = String::from_utf8_lossy(&text);
        let first = self.line.saturating_sub(AROUND).max(1);
        let lines: Vec<(usize, &str)> =
            (1..).zip(text.lines()).skip(first - 1).take(self.line - first + 1 + AROUND).collect();
        let digits = lines.last()?.0.to_string().len();
        let mut frame = String::new();
        for (number, line) in lines {
            let mark = if number == self.line { '>' } else { ' ' };
            let shown: String = line.chars().take(WIDTH_MAX).collect::<String>().replace('\t', " ");
            frame.push_str(format!("{mark} {number:digits$} | {shown}").trim_end());
            frame.push('\n');
            if let (true, Some(column)) =
                (number == self.line, self.column.filter(|column| *column <= WIDTH_MAX))
            {
                frame.push_str(&format!("  {:digits$} | {:>column$}\n", "", '^'));
            }
        }
        Some(frame.trim_end().to_owned())
    }
}

/// `  File "/x/main.py", line 12, in start`
fn python(line: &str) -> Option<(&str, usize, Option<usize>)> {
    let rest = line.trim_start().strip_prefix("File \"")?;
    let (file, rest) = rest.split_once("\", line ")?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    Some((file, rest[..digits].parse().ok()?, None))
}

/// The parts of a line that may be a place.
fn words(line: &str) -> impl Iterator<Item = &str> {
    // One with spaces in its path stands in parentheses, or behind "at".
    let inner = line.split_once('(').and_then(|(_, rest)| rest.rsplit_once(')')).map(|(inner, _)| inner);
    let behind = line.trim_start().strip_prefix("at ");
    let whole = line.split_once(": ").map(|(before, _)| before);
    let spaced = line.split(|c: char| c.is_whitespace() || "()'\"`<>,".contains(c));
    inner.into_iter().chain(behind).chain(whole).chain([line]).chain(spaced)
}

/// `src/x.ts:3:5`, `src/x.ts:3`, `src/x.ts(3,5)`
fn coded(word: &str) -> Option<(&str, usize, Option<usize>)> {
    let word = word.trim().trim_end_matches([':', '.', ';', ',']);
    if let Some((file, numbers)) = word.strip_suffix(')').and_then(|word| word.rsplit_once('(')) {
        let (line, column) = numbers.split_once(',')?;
        return Some((file, line.parse().ok()?, column.parse().ok()));
    }
    let (before, last) = word.rsplit_once(':')?;
    let last: usize = last.parse().ok()?;
    match before.rsplit_once(':').and_then(|(file, line)| Some((file, line.parse().ok()?))) {
        Some((file, line)) => Some((file, line, Some(last))),
        None => Some((before, last, None)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step fails the test")]
    use super::*;

    #[test]
    fn the_authors_own_line_is_found_in_whatever_tells_it() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        for file in ["src/main.ts", "main.py", "lib.py", "my dir/a.js", "node_modules/x/index.js"] {
            std::fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
            std::fs::write(root.join(file), "one\n  two\nthree\nfour\nfive\n").unwrap();
        }
        let at = root.display();
        for (text, file, line, column) in [
            (
                format!("onStart threw TypeError: no: 5 (at {at}/src/main.ts:3:18)"),
                "src/main.ts",
                3,
                Some(18),
            ),
            (
                format!(
                    "TypeError: x\n    at f (file://{at}/node_modules/x/index.js:1:1)\n    at file://{at}/src/main.ts:2:5"
                ),
                "src/main.ts",
                2,
                Some(5),
            ),
            (format!("    at go ({at}/my dir/a.js:4:2)"), "my dir/a.js", 4, Some(2)),
            (
                format!(
                    "  File \"{at}/main.py\", line 4, in <module>\n  File \"{at}/lib.py\", line 2, in f\n  File \"/usr/lib/python3/x.py\", line 9\nValueError: {at}/main.py:1"
                ),
                "lib.py",
                2,
                None,
            ),
            ("error[E0425]: cannot find value\n --> src/main.ts:5:9".to_owned(), "src/main.ts", 5, Some(9)),
            ("src/main.ts(2,7): error TS2322: no".to_owned(), "src/main.ts", 2, Some(7)),
            ("src/main.ts:1:2: ERROR: Expected \";\"".to_owned(), "src/main.ts", 1, Some(2)),
        ] {
            let found = Place::of(&text, &[&root]);
            assert_eq!(found, Some(Place { file: root.join(file), line, column }), "{text}");
        }
        assert_eq!(Place::of("at /etc/passwd:1:1 and 12:30:01", &[&root]), None);
        let place = Place { file: root.join("src/main.ts"), line: 2, column: Some(3) };
        assert_eq!(place.frame().unwrap(), "  1 | one\n> 2 |   two\n    |   ^\n  3 | three\n  4 | four");
    }
}
