//! `--set KEY=VALUE`: any key of the settings file on the command line, laid over what the file says.
//!
//! Called by [`super::merge`]. Must not know what a key is for.

use std::path::Path;

use toml::{Table, Value};

use super::file::{self, File};

/// Lays settings, each a `key=value`, over the text of a file; relative paths are meant from `folder`.
///
/// # Errors
/// A sentence with the setting, and what is wrong with it.
pub(super) fn lay_over_text(text: &str, set: &[String], folder: &Path) -> Result<File, String> {
    let mut whole: Table = toml::from_str(text).map_err(|error| error.message().to_owned())?;
    for setting in set {
        let wrong = |why: &str| format!("--set {setting}: {why}");
        let (key, value) = setting
            .split_once('=')
            .ok_or_else(|| wrong("give a key and a value, such as limits.data=2GiB"))?;
        let line = line(key.trim(), value.trim());
        // Alone first, so that a mistake is told as this one's.
        file::parse(&line).map_err(|mistake| wrong(mistake.trim_start_matches("1: ")))?;
        lay_over(&mut whole, toml::from_str(&line).map_err(|error| wrong(error.message()))?);
    }
    File::with_values(text, whole, folder)
}

/// The line of a settings file that says the same. What TOML cannot read as a value is
/// taken as text, so that nobody has to quote quotes.
fn line(key: &str, value: &str) -> String {
    let plain = format!("{key} = {value}");
    if toml::from_str::<Table>(&plain).is_ok() {
        return plain;
    }
    format!("{key} = {}", serde_json::Value::from(value))
}

fn lay_over(below: &mut Table, above: Table) {
    for (key, value) in above {
        match (below.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => lay_over(below, above),
            (_, value) => drop(below.insert(key, value)),
        }
    }
}
