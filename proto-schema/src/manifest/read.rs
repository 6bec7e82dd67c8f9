//! Reads a manifest: strict in what decides whether and how the plugin runs, lenient in the rest.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::keys::misspelt;
use super::{Background, Http, HttpListen, Limits, MANIFEST_MAX, Manifest, Provided, Run, RunProtocol, Wire};
use crate::id::PluginId;
use crate::settings::Setting;

/// Why a manifest cannot be used: where, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct ManifestError {
    /// Line in the file, from 1.
    pub line: usize,
    /// Column in the line, from 1.
    pub column: usize,
    /// What is wrong there.
    pub message: String,
}

/// The keys in the order of decisions: fatal ones are typed, the others are looked at afterwards.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Draft {
    id: PluginId,
    name: String,
    version: semver::Version,
    background: Option<Background>,
    run: Option<Run>,
    #[serde(default)]
    provides: Vec<Provided>,
    #[serde(default)]
    wire: Wire,
    #[serde(default)]
    http: Http,
    #[serde(default)]
    limits: Limits,
    #[serde(default)]
    available_settings: Value,
    #[serde(flatten)]
    other: Map<String, Value>,
}

/// Keys of the original manifest that ought to be there and are not needed to run.
const EXPECTED: [&str; 5] = ["description", "type", "author", "icon_light", "icon_dark"];

/// How the warning about keys begins that a store shows, and that change nothing about how the plugin runs.
pub const FOR_THE_STORE: &str = "it runs as it is; a store also shows ";

/// How the warning begins that `dev` cannot be used, which changes nothing about how the plugin runs.
pub const DEV_IGNORED: &str = "`dev` is ignored: ";

/// Reads the text of a `plugin.json`.
///
/// # Errors
/// [`ManifestError`] when it is not JSON, when `id`, `name` or `version` is missing or malformed, or when a key that says
/// how to run the plugin is malformed. Everything else is a warning.
pub fn parse(text: &[u8]) -> Result<Manifest, ManifestError> {
    if text.len() > MANIFEST_MAX {
        return Err(at_start(format!("the file has {} bytes; at most {MANIFEST_MAX} are read", text.len())));
    }
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    if text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff") || text.get(1) == Some(&0) {
        return Err(at_start("the file is UTF-16; save it as UTF-8".to_owned()));
    }
    if text.iter().all(u8::is_ascii_whitespace) {
        return Err(at_start("the file is empty; it needs at least id, name and version".to_owned()));
    }
    let draft = draft(text)?;
    if draft.name.trim().is_empty() {
        return Err(located_key(text, "name", "`name` is empty"));
    }
    if draft.run.as_ref().is_some_and(|run| run.command.first().is_none_or(|program| program.is_empty())) {
        return Err(located_key(
            text,
            "command",
            "`run.command` is empty; give the program and its arguments",
        ));
    }
    if let Some(health) = &draft.http.health
        && !(health.starts_with('/') && health.bytes().all(|byte| byte.is_ascii_graphic()))
    {
        return Err(located_key(
            text,
            "health",
            "`http.health` is a path of visible ASCII that begins with '/', such as /healthz",
        ));
    }
    if draft.http.listen == HttpListen::Port && speaks(draft.run.as_ref()) {
        return Err(located_key(
            text,
            "listen",
            "`http.listen` \"port\" is for programs with `run.protocol` \"none\"; one that speaks the protocol takes the socket that it inherits, or \"path\"",
        ));
    }
    if !draft.provides.is_empty() && !speaks(draft.run.as_ref()) {
        return Err(located_key(
            text,
            "provides",
            "`provides` is for programs that speak the protocol, and `run.protocol` is \"none\" here: nothing could be asked of it",
        ));
    }
    let twice = draft
        .provides
        .iter()
        .enumerate()
        .find(|(index, one)| draft.provides[..*index].iter().any(|before| before.service == one.service));
    if let Some((_, twice)) = twice {
        let what = format!("`provides` names the service {} twice; give it one entry", twice.service);
        return Err(located_key(text, "provides", &what));
    }
    Ok(finish(draft))
}

/// Mistakes are told with the key that they are in and what it ought to be.
fn draft(text: &[u8]) -> Result<Draft, ManifestError> {
    let mut json = serde_json::Deserializer::from_slice(text);
    let draft = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let error = error.into_inner();
        let mut told = located(text, &error);
        if !error.is_data() || path == "." {
            return told;
        }
        if told.message.starts_with("missing field") && error.line() > 0 {
            // Of an object further in, which ends where it was noticed.
            (told.line, told.column) = (error.line(), error.column().max(1));
        }
        told.message = match ought_to_be(&path) {
            Some(right) => format!("`{path}` ought to be {right}: {}", told.message),
            None => format!("`{path}`: {}", told.message),
        };
        told
    })?;
    json.end().map_err(|error| located(text, &error))?;
    Ok(draft)
}

/// What a key takes, where its type's own sentence does not say it.
pub(super) fn ought_to_be(path: &str) -> Option<&'static str> {
    const RUN: &str = "an object, such as {\"command\": [\"python3\", \"main.py\"]}";
    Some(match path {
        "name" => "a text, such as \"Fleet\"",
        "version" => "three numbers in quotes, such as \"1.0.0\"",
        "run" => RUN,
        "run.protocol" => "\"outboard\" or \"none\"",
        "provides" => "a list of services, such as [\"acme.billing\"]",
        _ if path.starts_with("provides[") => {
            "a service, such as \"acme.billing\" or {\"service\": \"flight\", \"prefixes\": [\"/api/config\"]}"
        }
        "wire" => "\"stdio\" or \"fd\"",
        "http.listen" => "\"fd\", \"path\" or \"port\"",
        "http.stripPrefix" | "http.replay" => "true or false",
        "background" => "an object, such as {\"entryModule\": \"background/index.js\"}",
        "limits.memory" | "limits.fileSize" => {
            "a number of bytes, such as 536870912, or a text such as \"512MiB\""
        }
        "limits.processes" | "limits.openFiles" => "a whole number",
        "limits.cpuSeconds" => "a number of seconds",
        _ if path.starts_with("run.command") => "a list of texts, such as [\"python3\", \"main.py\"]",
        _ => return None,
    })
}

fn speaks(run: Option<&Run>) -> bool {
    run.is_none_or(|run| run.protocol == RunProtocol::Outboard)
}

fn finish(draft: Draft) -> Manifest {
    let mut warnings = Vec::new();
    let mut other = draft.other;
    let description = other.remove("description").and_then(|value| match value {
        Value::String(text) => Some(text),
        _ => None,
    });
    let there =
        |key: &str| if key == "description" { description.is_some() } else { other.contains_key(key) };
    let missing: Vec<_> = EXPECTED.iter().filter(|key| !there(key)).map(|key| format!("`{key}`")).collect();
    if !missing.is_empty() {
        warnings.push(format!("{FOR_THE_STORE}{}", missing.join(", ")));
    }
    if other.get("type").is_some_and(|kind| kind != "user" && kind != "airline") {
        warnings.push("`type` ought to be \"user\" or \"airline\"".to_owned());
    }
    if draft.http.health.is_some() && speaks(draft.run.as_ref()) {
        warnings.push(
            "`http.health` is for programs with `run.protocol` \"none\"; this one is pinged".to_owned(),
        );
    }
    if draft.run.is_some() && draft.background.is_some() {
        warnings.push("both `run` and `background` are given; `run` is used".to_owned());
    }
    // One that is not ours is kept, as every key that we do not know.
    let dev = match other.get("dev").cloned().map(super::dev::read) {
        Some(Ok(dev)) => {
            other.remove("dev");
            Some(dev)
        }
        Some(Err(why)) => {
            warnings.push(format!("{DEV_IGNORED}{why}"));
            None
        }
        None => None,
    };
    let misspelt = misspelt(other.keys());
    warnings.extend(misspelt.iter().cloned());
    Manifest {
        id: draft.id,
        name: draft.name,
        version: draft.version,
        description,
        background: draft.background,
        run: draft.run,
        provides: draft.provides,
        wire: draft.wire,
        http: draft.http,
        limits: draft.limits,
        available_settings: settings(draft.available_settings, &mut warnings),
        dev,
        other,
        warnings,
        misspelt,
    }
}

fn settings(declared: Value, warnings: &mut Vec<String>) -> Vec<Setting> {
    let entries = match declared {
        Value::Null => return Vec::new(),
        Value::Array(entries) => entries,
        _ => {
            warnings.push("`availableSettings` is ignored: it ought to be an array".to_owned());
            return Vec::new();
        }
    };
    let mut read: Vec<Setting> = Vec::with_capacity(entries.len());
    for (index, entry) in entries.into_iter().enumerate() {
        match serde_json::from_value::<Setting>(entry) {
            Ok(setting) if read.iter().any(|known| known.key == setting.key) => {
                warnings.push(format!(
                    "`availableSettings[{index}]` is ignored: key {:?} stands there twice",
                    setting.key.as_str()
                ));
            }
            Ok(setting) => read.push(setting),
            Err(error) => warnings.push(format!("`availableSettings[{index}]` is ignored: {error}")),
        }
    }
    read
}

fn at_start(message: String) -> ManifestError {
    ManifestError { line: 1, column: 1, message }
}

fn located(text: &[u8], error: &serde_json::Error) -> ManifestError {
    // serde's message ends with the place, which we give apart.
    let message = error.to_string();
    let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(before, _)| before).to_owned();
    // A missing key is noticed at the closing brace; the place to mend is the opening one.
    if message.starts_with("missing field") || error.line() == 0 {
        return brace(text, message);
    }
    let comment = text.split(|byte| *byte == b'\n').nth(error.line() - 1).is_some_and(begins_a_comment);
    let unexpected = ["expected", "key must", "trailing"].iter().any(|begin| message.starts_with(begin));
    if unexpected && comment {
        let message = "JSON has no comments; remove this one".to_owned();
        return ManifestError { line: error.line(), column: 1, message };
    }
    ManifestError { line: error.line(), column: error.column().max(1), message }
}

/// A mistake of the whole object.
pub(super) fn brace(text: &[u8], message: String) -> ManifestError {
    let line = 1 + text.iter().take_while(|b| **b != b'{').filter(|b| **b == b'\n').count();
    ManifestError { line, column: 1, message }
}

fn begins_a_comment(line: &[u8]) -> bool {
    let begins = |at: &[u8]| [&b"//"[..], b"/*", b"#"].iter().any(|begin| at.starts_with(begin));
    // Behind a value as well, where no text in quotes holds it.
    begins(line.trim_ascii_start())
        || line.rsplit(|byte| *byte == b'"').next().is_some_and(|rest| rest.windows(2).any(begins))
}

fn located_key(text: &[u8], key: &str, message: &str) -> ManifestError {
    let quoted = format!("\"{key}\"");
    let at = String::from_utf8_lossy(text).find(&quoted).unwrap_or(0);
    let before = &text[..at.min(text.len())];
    let line = 1 + before.iter().filter(|b| **b == b'\n').count();
    let column = 1 + before.iter().rev().take_while(|b| **b != b'\n').count();
    ManifestError { line, column, message: message.to_owned() }
}
