//! Every mistake of a manifest at once, for whoever mends one: [`super::parse`] stops at the first.
//!
//! Called by discovery, for the reason that a plugin is invalid. Judges by the same types.

use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::read::{brace, ought_to_be};
use super::{Background, Http, Limits, ManifestError, Run, Wire, parse};
use crate::id::PluginId;

/// Keys without which nothing runs.
const REQUIRED: [&str; 3] = ["id", "name", "version"];
/// More than anybody mends at once.
const MOST: usize = 50;

/// All that is wrong with a manifest, in the order of its lines; empty for one that can be used.
pub fn mistakes(text: &[u8]) -> Vec<ManifestError> {
    let Err(first) = parse(text) else { return Vec::new() };
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let Ok(keys) = serde_json::from_slice::<Entries<'_>>(text) else { return vec![first] };
    let mut found: Vec<ManifestError> = REQUIRED
        .into_iter()
        .filter(|required| !keys.0.iter().any(|(key, _)| key == required))
        .map(|required| brace(text, format!("missing field `{required}`")))
        .collect();
    for (key, value) in &keys.0 {
        let mut look = Look { text, key, value, found: &mut found };
        match key.as_str() {
            "id" => look.at::<PluginId>(),
            "name" => look.at::<String>(),
            "version" => look.at::<semver::Version>(),
            "background" => look.within::<Background>(""),
            "run" => look.within::<Run>("\"command\":[\"program\"],"),
            "wire" => look.at::<Wire>(),
            "http" => look.within::<Http>(""),
            "limits" => look.within::<Limits>(""),
            _ => {}
        }
    }
    // What only the whole shows, such as two keys that do not go together.
    if found.is_empty() {
        found.push(first);
    }
    found.sort_by_key(|mistake| (mistake.line, mistake.column));
    found.dedup();
    found.truncate(MOST);
    found
}

struct Look<'l> {
    text: &'l [u8],
    key: &'l str,
    value: &'l RawValue,
    found: &'l mut Vec<ManifestError>,
}

impl Look<'_> {
    /// The value as a whole.
    fn at<T: DeserializeOwned>(&mut self) {
        let value = self.value;
        if let Err(mistake) = self.read::<T>(value, "", value.get(), 0) {
            self.found.push(mistake);
        }
    }

    /// Each entry of an object by itself, beside `needed`, which makes it whole; then the object.
    fn within<T: DeserializeOwned>(&mut self, needed: &str) {
        let before = self.found.len();
        if let Ok(entries) = serde_json::from_str::<Entries<'_>>(self.value.get()) {
            for (key, value) in entries.0 {
                let own = format!("{}:", serde_json::Value::from(key.as_str()));
                // An entry of the same name as what is needed stands for it.
                let needed = if needed.starts_with(&own) { "" } else { needed };
                let prefix = format!("{{{needed}{own}");
                let alone = format!("{prefix}{}}}", value.get());
                match self.read::<T>(value, &key, &alone, prefix.len()) {
                    // What another entry would bring.
                    Err(mistake) if !mistake.message.contains("missing field") => self.found.push(mistake),
                    _ => {}
                }
            }
        }
        if self.found.len() == before {
            self.at::<T>();
        }
    }

    /// Reads `json`, in which the text of `value` begins after `skipped` bytes.
    fn read<T: DeserializeOwned>(
        &self,
        value: &RawValue,
        inner: &str,
        json: &str,
        skipped: usize,
    ) -> Result<T, ManifestError> {
        let mut reading = serde_json::Deserializer::from_str(json);
        serde_path_to_error::deserialize(&mut reading).map_err(|error| {
            let below = error.path().to_string();
            let own =
                [self.key, inner].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".");
            let path = if below == "." || !inner.is_empty() && !below.starts_with(inner) {
                own
            } else {
                format!("{}.{below}", self.key)
            };
            let error = error.into_inner();
            let said = error.to_string();
            let said = said.rsplit_once(" at line ").map_or(said.as_str(), |(before, _)| before);
            let message = match ought_to_be(&path) {
                Some(right) => format!("`{path}` ought to be {right}: {said}"),
                None => format!("`{path}`: {said}"),
            };
            let (line, column) = self.place(value);
            match error.line() {
                0 | 1 => ManifestError {
                    line,
                    column: column + error.column().saturating_sub(skipped + 1),
                    message,
                },
                further => ManifestError { line: line + further - 1, column: error.column(), message },
            }
        })
    }

    /// Where a value that was borrowed from the text begins.
    fn place(&self, value: &RawValue) -> (usize, usize) {
        let at = (value.get().as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        let before = &self.text[..at.min(self.text.len())];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        let column = 1 + before.iter().rev().take_while(|byte| **byte != b'\n').count();
        (line, column)
    }
}

/// An object's entries as they stand there, the text of each value borrowed.
struct Entries<'t>(Vec<(String, &'t RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Entries<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Each)
    }
}
