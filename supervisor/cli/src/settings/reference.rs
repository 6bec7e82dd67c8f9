//! What is made of the keys for people and editors: the tables in `docs/SETTINGS.md`, and the JSON Schema of `outboard.toml`.
//!
//! A test, which compares them with what is committed, and writes them where `OUTBOARD_GENERATE` is set: `make schema` does that.

#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Map, Value as Json, json};

use super::flags::variable;
use super::keys::{KEYS, Key, OF_ONE, OF_PLUGINS};
use super::kind::Kind;
use super::options::{OnePlugin, Options};

/// The tables of the file, in the order of the reference, and what each is for.
const TABLES: &[(&str, &str)] = &[
    ("", "At the top of the file"),
    (
        "env",
        "Variables that plugins get besides the few that are passed on (`PATH`, `HOME`, `LANG`, proxies …)",
    ),
    ("deadlines", "How long each step of a plugin's life may take"),
    ("restart", "What follows an unexpected end. The first restart is at once"),
    ("limits", "For each process of a plugin. What stands here wins over the plugin's manifest"),
    ("wire", "Bounds of the conversation with a plugin"),
    (
        "services",
        "Who provides a service where more than one would, each as `name = \"provider\"`: a plugin's id, or `@host` for the host application. \
         Without a line, the first that comes provides it; with one, nobody else does",
    ),
    ("http", "The address that people reach"),
    ("log_files", "How log records are kept"),
    ("storage", "How what plugins keep is looked after"),
    ("javascript", "How JavaScript plugins are run"),
    ("logs", "What `outboard logs` shows"),
    ("auth", "Where `outboard auth set` reads"),
    (
        "airline",
        "What `outboard airline set` takes, and how patient the supervisor is with the airline's servers",
    ),
];

/// A key, whatever it decides.
struct Row {
    table: &'static str,
    name: &'static str,
    kind: Kind,
    meaning: &'static str,
    /// In words.
    unset: Option<&'static str>,
    /// As the file would say it.
    default: Option<Json>,
    /// The flag with its dashes, its verbs and its variable.
    flag: Option<(String, &'static [&'static str], String)>,
}

fn rows() -> (Vec<Row>, Vec<Row>) {
    fn row<T>(key: &Key<T>, defaults: &T) -> Row {
        let (table, name) = key.path.split_once('.').unwrap_or(("", key.path));
        let default = (key.written)(defaults).map(|value| serde_json::to_value(value).unwrap());
        Row { table, name, kind: key.kind, meaning: key.meaning, unset: key.unset, default, flag: None }
    }
    let defaults = Options::default();
    let with_flag = |key: &'static Key<Options>| {
        let short =
            |flag: super::keys::Flag| flag.short.map_or(String::new(), |letter| format!("`-{letter}`, "));
        let flag = key.flag.map(|flag| {
            (format!("{}`--{} {}`", short(flag), flag.long, flag.value), flag.verbs, variable(key, flag))
        });
        Row { flag, ..row(key, &defaults) }
    };
    let one: &OnePlugin = &defaults.common;
    let all = KEYS.iter().map(with_flag).chain(OF_PLUGINS.iter().map(|key| row(key, one)));
    (all.collect(), OF_ONE.iter().map(|key| row(key, one)).collect())
}

fn tables() -> String {
    let (all, of_one) = rows();
    let mut text = String::new();
    for (table, about) in TABLES {
        let keys: Vec<&Row> = if *table == "env" {
            Vec::new()
        } else {
            all.iter().filter(|row| row.table == *table && !matches!(row.kind, Kind::Variables)).collect()
        };
        let title = if table.is_empty() { (*about).to_owned() } else { format!("`[{table}]`") };
        writeln!(text, "### {title}\n").unwrap();
        if !table.is_empty() {
            writeln!(text, "{about}.\n").unwrap();
        }
        write_rows(&mut text, &keys);
    }
    writeln!(text, "### `[plugins.<id>]`\n").unwrap();
    writeln!(
        text,
        "For one plugin: the tables `[env]`, `[deadlines]`, `[restart]`, `[limits]` and `[wire]`, whose keys win over the common ones, and\n"
    )
    .unwrap();
    write_rows(&mut text, &of_one.iter().collect::<Vec<_>>());
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

fn write_rows(text: &mut String, keys: &[&Row]) {
    if keys.is_empty() {
        return;
    }
    let flagged = keys.iter().any(|row| row.flag.is_some());
    let (head, line) = if flagged {
        ("| key | value | flag, variable | default | meaning |", "| --- | --- | --- | --- | --- |")
    } else {
        ("| key | value | default | meaning |", "| --- | --- | --- | --- |")
    };
    writeln!(text, "{head}\n{line}").unwrap();
    for row in keys {
        let default = match (row.unset, &row.default) {
            (Some(words), _) => words.to_owned(),
            (None, Some(Json::String(text))) => format!("`{text}`"),
            (None, Some(value)) => format!("`{value}`"),
            (None, None) => "none".to_owned(),
        };
        let flag = match &row.flag {
            Some((flag, [], variable)) => format!("{flag}, `{variable}` | "),
            Some((flag, verbs, variable)) => format!("{flag} of `{}`, `{variable}` | ", verbs.join("`, `")),
            None if flagged => " | ".to_owned(),
            None => String::new(),
        };
        let value = in_words(row.kind);
        writeln!(text, "| `{}` | {value} | {flag}{default} | {} |", row.name, row.meaning).unwrap();
    }
    text.push('\n');
}

fn in_words(kind: Kind) -> String {
    match kind {
        Kind::Switch => "`true` or `false`".to_owned(),
        Kind::Text => "a text".to_owned(),
        Kind::Texts => "a list of texts".to_owned(),
        Kind::Path => "a path".to_owned(),
        Kind::Paths => "a list of paths".to_owned(),
        Kind::Listen => "an address".to_owned(),
        Kind::Time(_) | Kind::Seconds => "a time".to_owned(),
        Kind::Size(_) => "a size".to_owned(),
        Kind::Count(0, u64::MAX) => "a number".to_owned(),
        Kind::Count(0, to) => format!("a number, at most {to}"),
        Kind::Count(from, u64::MAX) => format!("a number, at least {from}"),
        Kind::Count(from, to) => format!("a number, {from} to {to}"),
        Kind::OneOf(words) => {
            words.iter().map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>().join(", ")
        }
        Kind::Account => "a name or number".to_owned(),
        Kind::Accounts => "a list of names and numbers".to_owned(),
        Kind::Variables => "a table of texts".to_owned(),
    }
}

fn json_schema() -> String {
    let (all, of_one) = rows();
    let mut top = properties(all.iter());
    let for_one =
        properties(all.iter().filter(|row| OF_PLUGINS.iter().any(|key| is(key, row))).chain(&of_one));
    top.insert(
        "plugins".to_owned(),
        json!({
            "type": "object",
            "description": "For one plugin, by its id",
            "additionalProperties": { "type": "object", "additionalProperties": false, "properties": for_one },
        }),
    );
    let schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "outboard.toml",
        "description": "Settings of Outboard. Made from the keys that it reads.",
        "type": "object",
        "additionalProperties": false,
        "properties": top,
    });
    let mut text = serde_json::to_string_pretty(&schema).unwrap();
    text.push('\n');
    text
}

fn is<T>(key: &Key<T>, row: &Row) -> bool {
    key.path.split_once('.').unwrap_or(("", key.path)) == (row.table, row.name)
}

fn properties<'r>(rows: impl Iterator<Item = &'r Row>) -> Map<String, Json> {
    let mut top = Map::new();
    for row in rows {
        let mut value = shape(row.kind);
        value["description"] = row.meaning.into();
        if let Some(default) = &row.default {
            value["default"] = default.clone();
        }
        if row.table.is_empty() {
            top.insert(row.name.to_owned(), value);
            continue;
        }
        let about = TABLES.iter().find(|(table, _)| *table == row.table).unwrap().1;
        let table = top.entry(row.table).or_insert_with(
            || json!({ "type": "object", "description": about, "additionalProperties": false, "properties": {} }),
        );
        table["properties"][row.name] = value;
    }
    top
}

fn shape(kind: Kind) -> Json {
    let account = || json!({ "type": ["string", "integer"], "minimum": 0 });
    match kind {
        Kind::Switch => json!({ "type": "boolean" }),
        Kind::Text | Kind::Path | Kind::Listen => json!({ "type": "string" }),
        Kind::Texts | Kind::Paths => json!({ "type": "array", "items": { "type": "string" } }),
        Kind::Time(_) | Kind::Seconds => {
            json!({ "type": "string", "pattern": r"^\s*[0-9]+(\.[0-9]*)?\s*(ms|s|m|min|h|d)\s*$" })
        }
        Kind::Size(least) => {
            json!({ "type": ["integer", "string"], "minimum": least, "pattern": r"^ *[0-9]+ *(B|K|KiB|M|MiB|G|GiB)? *$" })
        }
        Kind::Count(from, u64::MAX) => json!({ "type": "integer", "minimum": from }),
        Kind::Count(from, to) => json!({ "type": "integer", "minimum": from, "maximum": to }),
        Kind::OneOf(words) => json!({ "enum": words.iter().map(|(word, _)| word).collect::<Vec<_>>() }),
        Kind::Account => account(),
        Kind::Accounts => json!({ "type": "array", "items": account() }),
        Kind::Variables => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
    }
}

/// The file's new text: all of it, or what stands between its markers.
fn applied(present: &str, part: Option<&str>, text: &str) -> String {
    let Some(name) = part else { return text.to_owned() };
    let (begin, end) =
        (format!("<!-- generated: {name} -->\n"), format!("<!-- end of generated: {name} -->"));
    let (before, rest) = present.split_once(&begin).unwrap();
    let (_, after) = rest.split_once(&end).unwrap();
    format!("{before}{begin}{text}{end}{after}")
}

#[test]
fn the_reference_of_the_settings_and_the_schema_for_editors_are_fresh() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for (path, part, text) in [
        ("docs/SETTINGS.md", Some("keys"), tables()),
        ("proto-schema/schema/settings.schema.json", None, json_schema()),
    ] {
        let present = std::fs::read_to_string(root.join(path)).unwrap_or_default();
        let wanted = applied(&present, part, &text);
        if std::env::var_os("OUTBOARD_GENERATE").is_some() {
            std::fs::write(root.join(path), wanted).unwrap();
        } else {
            assert!(present == wanted, "{path} is stale; run `make schema`");
        }
    }
}

#[test]
fn the_example_of_the_documentation_is_read_as_it_stands() {
    let text = include_str!("../../../../docs/SETTINGS.md");
    let example = text.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let mut options = Options::default();
    super::read::read(&toml::from_str(example).unwrap(), &mut options).unwrap();
    assert_eq!(options.common.settings.policy.start.as_secs(), 60);
    assert_eq!(options.plugins.len(), 2);
}
