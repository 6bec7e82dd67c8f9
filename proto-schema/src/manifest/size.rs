//! Sizes as people write them: a number of bytes, or a text such as `"256MiB"`.
//!
//! The manifest's limits read them, and so do the supervisor's settings. Must not know what they are sizes of.

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::de::{Deserializer, Error, Visitor};

/// What a size is, for whoever wrote something else.
pub const SIZE_RULE: &str =
    "a size is a number of bytes, or a number with KiB, MiB or GiB in quotes, such as \"8MiB\"";

/// A number of bytes, or a text such as `"256MiB"`.
#[cfg(feature = "schema")]
#[derive(JsonSchema)]
#[schemars(rename = "Size")]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum Written {
    Bytes(u64),
    Text(#[schemars(regex(pattern = "^ *[0-9]+ *(B|K|KiB|M|MiB|G|GiB)? *$"))] String),
}

/// The number of bytes that a text names; `None` where it names none, or more than can be counted.
pub fn bytes_of(text: &str) -> Option<u64> {
    let text = text.trim_matches(' ');
    let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let unit: u64 = match text[end..].trim_matches(' ') {
        "" | "B" => 1,
        "KiB" | "K" => 1 << 10,
        "MiB" | "M" => 1 << 20,
        "GiB" | "G" => 1 << 30,
        _ => return None,
    };
    text[..end].parse::<u64>().ok()?.checked_mul(unit)
}

/// Reads either form, and null as none.
pub(super) fn optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    struct Size;
    impl<'de> Visitor<'de> for Size {
        type Value = Option<u64>;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(SIZE_RULE)
        }
        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
        fn visit_u64<E: Error>(self, bytes: u64) -> Result<Self::Value, E> {
            Ok(Some(bytes))
        }
        fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
            bytes_of(text).map(Some).ok_or_else(|| E::custom(SIZE_RULE))
        }
    }
    deserializer.deserialize_any(Size)
}
