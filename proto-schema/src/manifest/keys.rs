//! Keys of a manifest that are near to one that would be read. They are kept and ignored, as every unknown key is.
//!
//! Called by [`super::parse`] for its warnings.

/// Keys that are read, or that the original shell, its store and editors read.
const KNOWN: &[&str] = &[
    "$schema",
    "author",
    "availableSettings",
    "background",
    "description",
    "dev",
    "homepage",
    "http",
    "icon_dark",
    "icon_light",
    "id",
    "limits",
    "name",
    "provides",
    "run",
    "type",
    "version",
    "wire",
];
/// How like a known key another one has to be to be taken for it, from 0 to 1.
const NEAR: f64 = 0.72;

/// A sentence for each key that is not one of a manifest, and like one.
pub(super) fn misspelt<'k>(keys: impl Iterator<Item = &'k String>) -> Vec<String> {
    keys.filter(|key| !KNOWN.contains(&key.as_str()))
        .filter_map(|key| {
            let likeness = |known: &&str| strsim::normalized_damerau_levenshtein(&plain(known), &plain(key));
            let nearest = KNOWN.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
            (likeness(nearest) >= NEAR).then(|| {
                format!("`{key}` is not a key of a manifest, and is ignored; did you mean `{nearest}`?")
            })
        })
        .collect()
}

/// A key in the way of writing that somebody may be used to.
fn plain(key: &str) -> String {
    key.chars().filter(|character| !"_-".contains(*character)).flat_map(char::to_lowercase).collect()
}
