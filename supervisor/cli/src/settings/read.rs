//! From tables of the settings to options: every key that is there is known, is of its kind, and goes to its place.
//!
//! Called by [`super::sources`] for each source alone, so that a mistake is told as that source's, and once for all of them
//! together. Must not know where a table comes from.

use outboard_protocol::PluginId;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use toml::{Table, Value};

use super::keys::{KEYS, Key, OF_ONE, OF_PLUGINS};
use super::kind::Kind;
use super::options::{OnePlugin, Options};

/// How far a mistyped key may be from a known one to be taken for it, as a share of its letters.
const LIKENESS: f64 = 0.5;

/// The table with a table for each plugin.
const PLUGINS: &str = "plugins";

/// What is wrong with the value of a key, or with the key.
#[derive(Debug, Clone)]
pub(super) struct Mistake {
    /// The names that lead to it.
    pub(super) path: Vec<String>,
    /// A sentence, which names the key.
    pub(super) sentence: String,
}

impl Mistake {
    fn new(path: &[&str], says: impl FnOnce(String) -> String) -> Self {
        Self { path: path.iter().map(|name| (*name).to_owned()).collect(), sentence: says(path.join(".")) }
    }

    fn wrong(path: &[&str], why: &str) -> Self {
        Self::new(path, |key| format!("`{key}`: {why}"))
    }
}

/// Reads a table into options. Gives what is out of its range, which only `run` has to refuse.
///
/// # Errors
/// The first key that nobody knows, or whose value is of another kind.
pub(super) fn read(table: &Table, options: &mut Options) -> Result<Vec<Mistake>, Mistake> {
    check_names(table, &mut Vec::new())?;
    let mut beyond = Vec::new();
    place(KEYS, table, &[], options, &mut beyond)?;
    place(OF_PLUGINS, table, &[], &mut options.common, &mut beyond)?;
    for (name, own) in table.get(PLUGINS).and_then(Value::as_table).into_iter().flatten() {
        let above = [PLUGINS, name];
        let id: Result<PluginId, serde::de::value::Error> =
            PluginId::deserialize(name.as_str().into_deserializer());
        let id = id.map_err(|error| Mistake::wrong(&above, &error.to_string()))?;
        let Some(own) = own.as_table() else { continue };
        let mut one: OnePlugin = options.common.clone();
        place(OF_PLUGINS, own, &above, &mut one, &mut beyond)?;
        place(OF_ONE, own, &above, &mut one, &mut beyond)?;
        options.plugins.insert(id, one);
    }
    Ok(beyond)
}

fn place<T>(
    keys: &[Key<T>],
    table: &Table,
    above: &[&str],
    options: &mut T,
    beyond: &mut Vec<Mistake>,
) -> Result<(), Mistake> {
    for key in keys {
        let Some(value) = find(table, key.path.split('.')) else { continue };
        let path: Vec<&str> = above.iter().copied().chain(key.path.split('.')).collect();
        match (key.put)(options, value.clone()) {
            Ok(None) => {}
            Ok(Some(must)) => beyond.push(Mistake::new(&path, |key| format!("`{key}` must {must}"))),
            Err(why) => return Err(Mistake::wrong(&path, &why)),
        }
    }
    Ok(())
}

/// What stands under these names.
pub(super) fn find<'t>(table: &'t Table, mut path: impl Iterator<Item = &'t str>) -> Option<&'t Value> {
    let first = table.get(path.next()?)?;
    path.try_fold(first, |value, name| value.as_table()?.get(name))
}

/// Looks at every name of a table.
fn check_names<'t>(table: &'t Table, above: &mut Vec<&'t str>) -> Result<(), Mistake> {
    for (name, value) in table {
        let known = names_below(above);
        above.push(name);
        match known.iter().find(|known| known.name == name || known.name == ANY) {
            None => return Err(unknown(above, &known)),
            Some(known) if known.is_table => match value {
                Value::Table(inner) => check_names(inner, above)?,
                other => {
                    let why = format!("invalid type: {}, expected a table", other.type_str());
                    return Err(Mistake::wrong(above, &why));
                }
            },
            Some(_) => {}
        }
        above.pop();
    }
    Ok(())
}

/// Stands for a name that the operator chooses.
const ANY: &str = "*";

/// A name that may stand in a table.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Known {
    name: &'static str,
    is_table: bool,
}

/// The names that may stand in the table that is reached by these names.
fn names_below(above: &[&str]) -> Vec<Known> {
    let reached = |path: &mut dyn Iterator<Item = &'static str>| {
        above.iter().all(|name| path.next().is_some_and(|part| part == ANY || part == *name))
    };
    let mut names: Vec<Known> = paths()
        .filter_map(|path| {
            let mut parts = path.clone().into_iter();
            let name = reached(&mut parts).then(|| parts.next())??;
            Some(Known { name, is_table: parts.next().is_some() })
        })
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Every key, as the names that lead to it.
pub(super) fn paths() -> impl Iterator<Item = Vec<&'static str>> {
    // Names of variables are the operator's.
    let split = |path: &'static str, kind: Kind| -> Vec<&'static str> {
        path.split('.').chain(matches!(kind, Kind::Variables).then_some(ANY)).collect()
    };
    let of_plugins = || OF_PLUGINS.iter().map(move |key| split(key.path, key.kind));
    let below = |path: Vec<&'static str>| [PLUGINS, ANY].into_iter().chain(path).collect();
    let of_one = OF_ONE.iter().map(move |key| split(key.path, key.kind));
    KEYS.iter()
        .map(move |key| split(key.path, key.kind))
        .chain(of_plugins())
        .chain(of_plugins().chain(of_one).map(below))
}

fn unknown(path: &[&str], known: &[Known]) -> Mistake {
    let (above, name) = (&path[..path.len() - 1], path[path.len() - 1]);
    let full = |name: &str| above.iter().copied().chain([name]).collect::<Vec<_>>().join(".");
    let nearest = known
        .iter()
        .map(|known| (strsim::normalized_damerau_levenshtein(known.name, name), known.name))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness >= LIKENESS);
    let hint = match nearest {
        Some((_, nearest)) => format!("did you mean `{}`?", full(nearest)),
        None if known.is_empty() => "nothing stands below this key".to_owned(),
        None => {
            let names: Vec<&str> = known.iter().map(|known| known.name).collect();
            format!("known here are {}", names.join(", "))
        }
    };
    Mistake::new(path, |key| format!("unknown key `{key}`; {hint}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step fails the test")]
    use super::*;

    #[test]
    fn every_key_takes_a_value_of_its_kind_and_no_table() {
        for path in paths() {
            let key = path
                .join(".")
                .replace("plugins.*", "plugins.some-id")
                .replace("env.*", "env.NAME")
                .replace("services.*", "services.flight");
            let read = |value: &str| {
                let table: Table = toml::from_str(&format!("{key} = {value}")).unwrap();
                super::read(&table, &mut Options::default()).is_ok()
            };
            let values =
                "true|7|\"1s\"|\"8MiB\"|\"127.0.0.1:1\"|\"info\"|\"auto\"|\"form\"|[]|\"x\"|\"trace\"";
            assert!(values.split('|').any(read), "{key} is in the list and nobody reads it");
            assert!(!read("{ x = 1 }"), "{key}");
        }
    }

    #[test]
    fn no_key_is_named_twice() {
        let mut all: Vec<_> = paths().collect();
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn a_plugin_has_what_holds_for_all_and_its_own_values_over_it() {
        let text = "limits.data = 5\n[deadlines]\nstart = \"1s\"\nstop = \"2s\"\n[env]\nA = \"1\"\n\
                    [plugins.one]\nenabled = false\nenv = { A = \"2\" }\ndeadlines.start = \"3s\"\n";
        let mut options = Options::default();
        read(&toml::from_str(text).unwrap(), &mut options).unwrap();
        let one = options.plugins.values().next().unwrap();
        assert_eq!(one.settings.policy.start.as_secs(), 3);
        assert_eq!(one.settings.policy.ask.as_secs(), 2);
        assert_eq!(one.data, 5);
        assert_eq!(one.settings.env.last().unwrap(), &("A".to_owned(), "2".to_owned()));
        assert!(!one.settings.enabled && options.common.settings.enabled);
        assert_eq!(options.common.settings.policy.start.as_secs(), 1);
    }
}
