//! Whether every receiver can read some raw JSON: it passes through us unread, and what one parser lets pass another refuses.
//!
//! Called where text of one side is about to be handed to somebody who did not write it. Nearly none has what is looked for here,
//! and what has not costs one look at its bytes.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// How far apart numbers are looked at: a number beyond the range of a double that has no exponent has over twice as many digits.
const STEP: usize = 150;

/// Looks for halves of surrogate pairs and for numbers beyond the range of a double, in text that is JSON otherwise.
///
/// # Errors
/// A sentence that names the place, from `root` on.
pub fn check(root: &str, text: &str) -> Result<(), String> {
    let bytes = text.as_bytes();
    let suspicious = has_surrogates(bytes) || has_exponents(bytes) || has_long_numbers(bytes);
    if !suspicious || serde_json::from_str::<Readable>(text).is_ok() {
        return Ok(());
    }
    let named: Result<Readable, _> =
        serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(text));
    named.map(drop).map_err(|error| {
        let path = error.path().to_string();
        let path = match path.as_str() {
            "." => String::new(),
            item if item.starts_with('[') => path,
            _ => format!(".{path}"),
        };
        format!("`{root}{path}` cannot be read: {}", error.inner())
    })
}

fn has_surrogates(bytes: &[u8]) -> bool {
    memchr::memmem::find_iter(bytes, b"\\u").any(|at| matches!(bytes.get(at + 2), Some(b'd' | b'D')))
}

/// Whether a digit has an `e` behind it. Counted and not searched for: without a branch a loop looks at many bytes at once.
fn has_exponents(bytes: &[u8]) -> bool {
    let pairs = bytes.iter().zip(bytes.iter().skip(1));
    pairs.map(|(digit, e)| usize::from(digit.is_ascii_digit() & (e | 0x20 == b'e'))).sum::<usize>() > 0
}

fn has_long_numbers(bytes: &[u8]) -> bool {
    let all_digits = |at: usize| bytes[at..].iter().take(STEP).all(u8::is_ascii_digit);
    (0..bytes.len()).step_by(STEP).any(|at| at + STEP <= bytes.len() && all_digits(at))
}

/// JSON of any shape that is read in full and kept nowhere.
struct Readable;

impl<'de> Deserialize<'de> for Readable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Readable {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self, A::Error> {
        while members.next_entry::<Self, Self>()?.is_some() {}
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_not_every_receiver_reads_is_refused_by_its_place() {
        let long = format!("[{}]", "9".repeat(310));
        for (text, place) in [
            (r#""cut \ud83d here""#, "`result` "),
            (r#"{"a":[0,"\uDC00"]}"#, "`result.a[1]` "),
            (r#"{"a":{"b":1e400}}"#, "`result.a.b` "),
            ("[-1E+309]", "`result[0]` "),
            (long.as_str(), "`result[0]` "),
        ] {
            let why = check("result", text).expect_err(text);
            assert!(why.starts_with(place), "{text}: {why}");
        }
        for text in [
            r#""\ud83d\udeeb \\ud83d 1e400""#,
            "1.7976931348623157e308",
            "1e-400",
            "18446744073709551616",
            "null",
        ] {
            assert_eq!(check("result", text), Ok(()), "{text}");
        }
    }
}
