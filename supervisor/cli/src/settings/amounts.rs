//! Lengths of time and sizes as people write them: `250ms`, `30s`, `5m`; `64 KiB`, `8MiB`.
//!
//! Read from flags and from the settings file. Must not know what they are lengths and sizes of.

use std::str::FromStr;
use std::time::Duration;

use outboard_protocol::manifest::{SIZE_RULE, bytes_of};
use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// A length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Time(pub(crate) Duration);

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) u64);

const TIME_RULE: &str = "a length of time is a number with ms, s, m, h or d, such as 250ms, 30s or 5m";

/// A day more than a leap year: longer waits are mistakes, and sums of these never overflow a clock.
const LONGEST: f64 = 367.0 * 86_400.0;

impl FromStr for Time {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (number, unit) = split(text);
        let unit = match unit {
            "ms" => 0.001,
            "s" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3600.0,
            "d" => 86_400.0,
            _ => return Err(TIME_RULE.to_owned()),
        };
        let seconds = number.parse::<f64>().map_err(|_| TIME_RULE.to_owned())? * unit;
        if !(0.0..=LONGEST).contains(&seconds) {
            return Err(format!("{TIME_RULE}; at most a year"));
        }
        Ok(Self(Duration::from_secs_f64(seconds)))
    }
}

impl FromStr for Size {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        bytes_of(text).map(Self).ok_or_else(|| SIZE_RULE.to_owned())
    }
}

fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    (&text[..end], text[end..].trim())
}

impl std::fmt::Display for Time {
    /// In the largest unit in which it is a whole number.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ms = self.0.as_millis();
        let units = [(3_600_000, "h"), (60_000, "m"), (1000, "s")];
        let (unit, name) =
            units.into_iter().find(|(unit, _)| ms > 0 && ms.is_multiple_of(*unit)).unwrap_or((1, "ms"));
        write!(f, "{}{name}", ms / unit)
    }
}

impl std::fmt::Display for Size {
    /// In the largest unit in which it is a whole number.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
        match units.into_iter().find(|(unit, _)| self.0 > 0 && self.0.is_multiple_of(*unit)) {
            Some((unit, name)) => write!(f, "{}{name}", self.0 / unit),
            None => write!(f, "{}", self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;
        impl Visitor<'_> for Written {
            type Value = Time;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(TIME_RULE)
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Time, E> {
                text.parse().map_err(E::custom)
            }
        }
        // A bare number would leave the reader to guess its unit.
        deserializer.deserialize_any(Written)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Size;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(SIZE_RULE)
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Size, E> {
                text.parse().map_err(E::custom)
            }
            fn visit_i64<E: Error>(self, bytes: i64) -> Result<Size, E> {
                u64::try_from(bytes).map(Size).map_err(|_| E::custom(SIZE_RULE))
            }
        }
        deserializer.deserialize_any(Bytes)
    }
}
