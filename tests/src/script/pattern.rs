//! Comparing what is heard with what is written, and putting heard values into what is said.

use std::collections::BTreeMap;

use serde_json::Value;

/// Values by the names under which they were first heard.
pub type Names = BTreeMap<String, Value>;

fn name(text: &str) -> Option<&str> {
    text.strip_prefix('<')?
        .strip_suffix('>')
        .filter(|name| !name.is_empty() && !name.contains([' ', '<', '>']))
}

/// Whether a value is as written; remembers what is named. `more`: objects may have members that are not written.
///
/// # Errors
/// Where they differ, and how.
pub fn compare(written: &Value, heard: &Value, more: bool, names: &mut Names) -> Result<(), String> {
    at("", written, heard, more, names)
}

fn at(path: &str, written: &Value, heard: &Value, more: bool, names: &mut Names) -> Result<(), String> {
    match (written, heard) {
        (Value::String(text), _) if name(text).is_some() => named(path, text, heard, names),
        (Value::Object(wanted), Value::Object(there)) => {
            for (key, value) in wanted {
                let inner = format!("{path}.{key}");
                match there.get(key) {
                    None if value == "<none>" => {}
                    None => return Err(format!("{inner} is missing")),
                    Some(_) if value == "<none>" => return Err(format!("{inner} should not be there")),
                    Some(heard) => at(&inner, value, heard, more, names)?,
                }
            }
            let further = there.keys().find(|key| !wanted.contains_key(*key)).filter(|_| !more);
            further.map_or(Ok(()), |key| Err(format!("{path}.{key} is not written")))
        }
        (Value::Array(wanted), Value::Array(there)) if wanted.len() == there.len() => {
            let pairs = wanted.iter().zip(there).enumerate();
            pairs.into_iter().try_for_each(|(index, (wanted, heard))| {
                at(&format!("{path}[{index}]"), wanted, heard, more, names)
            })
        }
        _ if written == heard => Ok(()),
        _ => Err(format!("{} is {heard} instead of {written}", if path.is_empty() { "it" } else { path })),
    }
}

fn named(path: &str, text: &str, heard: &Value, names: &mut Names) -> Result<(), String> {
    match names.get(text) {
        _ if text == "<any>" => Ok(()),
        Some(known) if known == heard => Ok(()),
        Some(known) => Err(format!("{path} is {heard}, and {text} was {known}")),
        None => {
            names.insert(text.to_owned(), heard.clone());
            Ok(())
        }
    }
}

/// The text with every quoted name that is known replaced by its value.
pub fn fill(text: &str, names: &Names) -> String {
    let known = names.iter().filter(|(name, _)| text.contains(name.as_str()));
    known
        .fold(text.to_owned(), |text, (name, value)| text.replace(&format!("\"{name}\""), &value.to_string()))
}
