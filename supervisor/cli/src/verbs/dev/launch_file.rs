//! `.vscode/launch.json`: a configuration is added by its name, and nothing that stands there is changed.
//!
//! Called where a debugger is let in. The file is JSON with comments and commas too many, so it is not written anew: the place is found
//! in its text. Must not know what a configuration means.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

/// More than anybody writes by hand.
const FILE_MAX: u64 = 1 << 20;
/// The list that configurations are in.
const LIST: &str = "configurations";

/// What is to stand there.
pub(super) struct Configuration {
    /// By which it is known, and chosen in the editor.
    pub(super) name: String,
    /// Everything else.
    pub(super) rest: Value,
}

/// What stands there now.
pub(super) struct Launch {
    /// The configuration to choose.
    pub(super) name: String,
}

impl Configuration {
    /// As the file has it, its lines below each other.
    fn text(&self) -> String {
        let mut whole = json!({ "name": self.name });
        if let (Some(whole), Value::Object(rest)) = (whole.as_object_mut(), &self.rest) {
            whole.extend(rest.clone());
        }
        serde_json::to_string_pretty(&whole).unwrap_or_default()
    }
}

/// Adds it to the file of the folder, where it is not there.
///
/// # Errors
/// A sentence that says what to paste where, if the file is not one that can be added to.
pub(super) fn add(folder: &Path, wanted: &Configuration) -> Result<Launch, String> {
    let file = folder.join(".vscode/launch.json");
    let paste = |why: String| format!("paste this into {}, {why}:\n{}", file.display(), wanted.text());
    let there = match fs::symlink_metadata(&file) {
        Ok(_) => Some(
            outboard_files::read_text(&file, FILE_MAX)
                .map_err(|error| paste(format!("which cannot be read ({error})")))?,
        ),
        Err(_) => None,
    };
    let text = match there.as_deref().filter(|text| !text.trim().is_empty()) {
        Some(text) if text.contains(&json!(wanted.name).to_string()) => {
            return Ok(Launch { name: wanted.name.clone() });
        }
        Some(text) => with(text, &wanted.text())
            .ok_or_else(|| paste(format!("which has no list of {LIST:?} at its top")))?,
        None => {
            format!("{{\n  \"version\": \"0.2.0\",\n  \"{LIST}\": [\n{}\n  ]\n}}\n", indented(&wanted.text()))
        }
    };
    let written = fs::create_dir_all(folder.join(".vscode")).and_then(|()| fs::write(&file, text));
    written.map_err(|error| paste(format!("which cannot be written ({error})")))?;
    Ok(Launch { name: wanted.name.clone() })
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

/// The text with a further configuration, first of its list.
fn with(text: &str, configuration: &str) -> Option<String> {
    let opened = list_in(text)?;
    let more = Tokens::of(&text[opened..]).next().is_some_and(|(_, token)| token != "]");
    let comma = if more { "," } else { "\n  " };
    let (before, after) = text.split_at(opened);
    Some(format!("{before}\n{}{comma}{after}", indented(configuration)))
}

/// Where the list of configurations of the whole file begins: behind its bracket.
fn list_in(text: &str) -> Option<usize> {
    let (mut depth, mut last) = (0_usize, ["", ""]);
    for (end, token) in Tokens::of(text) {
        let begins = token == "[" && depth == 1 && last[1] == ":" && last[0].trim_matches('"') == LIST;
        if begins {
            return Some(end);
        }
        match token {
            "{" | "[" => depth += 1,
            "}" | "]" => depth = depth.checked_sub(1)?,
            _ => {}
        }
        last = [last[1], token];
    }
    None
}

/// The tokens of JSON with comments, each with where it ends.
struct Tokens<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Tokens<'t> {
    fn of(text: &'t str) -> Self {
        Self { text, at: 0 }
    }
}

impl<'t> Iterator for Tokens<'t> {
    type Item = (usize, &'t str);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let rest = &self.text[self.at..];
            let first = rest.chars().next()?;
            let length = if rest.starts_with("//") {
                rest.find('\n').unwrap_or(rest.len())
            } else if rest.starts_with("/*") {
                rest.find("*/").map_or(rest.len(), |end| end + 2)
            } else if first == '"' {
                string_length(rest)
            } else if first.is_whitespace() || "{}[]:,".contains(first) {
                first.len_utf8()
            } else {
                rest.find(|c: char| c.is_whitespace() || "{}[]:,\"/".contains(c))
                    .unwrap_or(rest.len())
                    .max(first.len_utf8())
            };
            self.at += length;
            let token = &rest[..length];
            if !first.is_whitespace() && !token.starts_with("//") && !token.starts_with("/*") {
                return Some((self.at, token));
            }
        }
    }
}

fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step fails the test")]
    use super::*;

    fn wanted(port: u16) -> Configuration {
        Configuration {
            name: format!("Attach to mine ({port})"),
            rest: json!({ "type": "node", "port": port }),
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_made_and_one_that_has_the_configuration_is_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join(".vscode/launch.json");
        assert_eq!(add(root.path(), &wanted(1)).unwrap().name, "Attach to mine (1)");
        let made = fs::read_to_string(&file).unwrap();
        let read: Value = serde_json::from_str(&made).unwrap();
        assert_eq!(
            read["configurations"],
            json!([{ "name": "Attach to mine (1)", "type": "node", "port": 1 }])
        );
        add(root.path(), &wanted(1)).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), made);
        add(root.path(), &wanted(2)).unwrap();
        let read: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        assert_eq!(read["configurations"][0]["port"], 2);
        assert_eq!(read["configurations"][1]["port"], 1);
    }

    #[test]
    fn what_a_user_wrote_stays_to_the_last_comment() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join(".vscode/launch.json");
        fs::create_dir(file.parent().unwrap()).unwrap();
        for (before, after) in [
            (
                "{ // mine: \"configurations\": [\n  \"a\": {\"configurations\": [1]}, \"configurations\" /* all */ : [",
                " /* none yet */ ], // end\n}\n",
            ),
            ("{\"configurations\": [", "\n  // a \"]\" in words\n  {\"name\": \"x \\\" ]\"},\n]}"),
        ] {
            fs::write(&file, format!("{before}{after}")).unwrap();
            add(root.path(), &wanted(7)).unwrap();
            let now = fs::read_to_string(&file).unwrap();
            let added = now.strip_prefix(before).and_then(|now| now.strip_suffix(after)).unwrap();
            let comma = if after.contains("none yet") { "" } else { "," };
            assert_eq!(added.trim(), format!("{}{comma}", indented(&wanted(7).text())).trim());
        }
        for other in ["[]", "{\"configurations\": {}}", "no JSON", "{\"a\": [{\"configurations\": []}]}"] {
            fs::write(&file, other).unwrap();
            let why = add(root.path(), &wanted(7)).err().unwrap();
            assert!(why.contains("paste this into") && why.contains("\"port\": 7"), "{why}");
            assert_eq!(fs::read_to_string(&file).unwrap(), other);
        }
    }
}
