//! `"dev": {…}`: how a plugin is built and watched while it is written. Read by `outboard dev` alone; a supervisor that runs the plugin
//! looks at none of it, so what is amiss in it is a warning.

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How `outboard dev` builds and watches a plugin.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Dev {
    /// The program that builds the plugin, and its arguments; run in the folder of this file, before the start and after each change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    pub build: Option<Vec<String>>,
    /// The folder that is the plugin once it is built, such as `dist`; the folder of this file when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dir: Option<String>,
    /// Folders and files whose changes count; everything when absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub watch: Vec<String>,
    /// Names of folders and files whose changes do not count, besides those that never do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<String>,
}

/// The names within.
const KNOWN: [&str; 4] = ["build", "dir", "watch", "ignore"];
/// How like a known name another one has to be to be taken for it, from 0 to 1.
const NEAR: f64 = 0.6;

/// Reads the value of `dev`.
///
/// # Errors
/// A sentence that says what is amiss.
pub(super) fn read(value: Value) -> Result<Dev, String> {
    if let Some(unknown) =
        value.as_object().and_then(|keys| keys.keys().find(|key| !KNOWN.contains(&key.as_str())))
    {
        let likeness = |known: &&str| strsim::normalized_damerau_levenshtein(known, unknown);
        let near = KNOWN.into_iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
        return Err(match near.filter(|near| likeness(near) >= NEAR) {
            Some(near) => format!("`dev.{unknown}` is not a key of it; did you mean `{near}`?"),
            None => {
                format!("`dev.{unknown}` is not a key of it; it has `build`, `dir`, `watch` and `ignore`")
            }
        });
    }
    let dev: Dev = serde_json::from_value(value).map_err(|error| {
        format!(
            "{error}; it is an object such as {{\"build\": [\"npm\", \"run\", \"build\"], \"dir\": \"dist\"}}"
        )
    })?;
    if dev.build.as_ref().is_some_and(|words| words.first().is_none_or(String::is_empty)) {
        return Err(
            "`dev.build` is empty; give the program and its arguments, such as [\"npm\", \"run\", \"build\"]"
                .to_owned(),
        );
    }
    let named = dev.dir.iter().map(|dir| ("dir", dir)).chain(dev.watch.iter().map(|path| ("watch", path)));
    for (key, path) in named {
        if path.is_empty() || path.starts_with('/') || path.split('/').any(|part| part == "..") {
            return Err(format!(
                "`dev.{key}` names {path:?}; give a path within the plugin's folder, such as dist"
            ));
        }
    }
    Ok(dev)
}
