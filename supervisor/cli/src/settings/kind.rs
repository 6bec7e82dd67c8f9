//! What a value of the settings may look like, and how it gets into its place among the options.
//!
//! Called by [`super::keys`], whose rows each have a [`Kind`]; by the flags, which are parsed by it; and by the reference, which shows
//! it. Must not know any key.

use std::path::PathBuf;
use std::time::Duration;

use outboard_broker::Choice;
use outboard_gateway::Address;
use outboard_protocol::PluginId;
use outboard_protocol::context::logger::LogLevel;
use outboard_protocol::control::RefreshBody;
use outboard_protocol::id::ServiceName;
use serde::{Deserialize, Serialize};
use toml::Value;

use super::amounts::{Size, Time};

/// What a value looks like.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// `true` or `false`.
    Switch,
    /// Any text.
    Text,
    /// A list of texts.
    Texts,
    /// A path, relative to the folder of the file that says it.
    Path,
    /// A list of such paths.
    Paths,
    /// Where to listen.
    Listen,
    /// A length of time, and the shortest that makes sense.
    Time(Duration),
    /// A length of time that the kernel counts in whole seconds.
    Seconds,
    /// A number of bytes, and the least that makes sense.
    Size(u64),
    /// A number from … to.
    Count(u64, u64),
    /// One of these words, each with what it means.
    OneOf(&'static [(&'static str, &'static str)]),
    /// A user or group of this machine.
    Account,
    /// A list of users.
    Accounts,
    /// A table of texts under names that the operator chooses.
    Variables,
}

impl Kind {
    /// Any length of time.
    pub(crate) const TIME: Self = Self::Time(Duration::ZERO);
    /// A length of time that is waited for somebody else.
    pub(crate) const WAIT: Self = Self::Time(Duration::from_millis(1));
    /// Any number of bytes.
    pub(crate) const SIZE: Self = Self::Size(0);
    /// The shortest messages and heads have some hundred bytes.
    pub(crate) const LINE: Self = Self::Size(1024);
    /// Any number.
    pub(crate) const NUMBER: Self = Self::Count(0, u64::MAX);
    /// Places: none at all would let nothing happen, and more than this bound nothing.
    pub(crate) const PLACES: Self = Self::Count(1, 1_000_000);
    /// Places of which there may be none, where that is wanted.
    pub(crate) const PLACES_OR_NONE: Self = Self::Count(0, 1_000_000);
    /// A level of log records.
    pub(crate) const LEVEL: Self = Self::OneOf(&[
        ("debug", "For a plugin's developer"),
        ("info", "What happens in good order"),
        ("warn", "Something is off, and the plugin goes on"),
        ("error", "Something failed"),
    ]);

    /// What a number must be, where this one is not that.
    fn must(self, number: u128) -> Option<String> {
        match self {
            Self::Time(least) if number < least.as_nanos() => {
                Some(format!("be at least {} ms", least.as_millis()))
            }
            Self::Size(least) if number < least.into() => Some(format!("be at least {} KiB", least / 1024)),
            Self::Count(from, to) if !(u128::from(from)..=u128::from(to)).contains(&number) => {
                Some(match (from, to) {
                    (0, _) => format!("be at most {to}"),
                    (_, u64::MAX) => format!("be at least {from}"),
                    _ => format!("be from {from} to {to}"),
                })
            }
            _ => None,
        }
    }
}

/// A place among the options that a value can be read into.
pub(super) trait Place: Sized {
    /// Reads a value.
    ///
    /// # Errors
    /// Why it is not one for this place.
    fn read(value: Value, kind: Kind) -> Result<Self, String>;

    /// The value as the file would say it; `None` where nothing is set.
    fn written(&self, kind: Kind) -> Option<Value>;

    /// The number in it, for the kinds that have a range.
    fn number(&self) -> Option<u128> {
        None
    }

    /// Puts a value here. What is out of its kind's range is put here all the same, and said.
    ///
    /// # Errors
    /// As [`Self::read`].
    fn put(&mut self, value: Value, kind: Kind) -> Result<Option<String>, String> {
        *self = Self::read(value, kind)?;
        Ok(self.number().and_then(|number| kind.must(number)))
    }
}

pub(super) fn by_type<'de, T: Deserialize<'de>>(value: Value) -> Result<T, String> {
    T::deserialize(value).map_err(|error| error.message().to_owned())
}

impl Place for Duration {
    fn read(value: Value, _: Kind) -> Result<Self, String> {
        by_type(value).map(|Time(time)| time)
    }

    fn written(&self, _: Kind) -> Option<Value> {
        Some(Time(*self).to_string().into())
    }

    fn number(&self) -> Option<u128> {
        Some(self.as_nanos())
    }
}

impl Place for u64 {
    fn read(value: Value, kind: Kind) -> Result<Self, String> {
        match kind {
            Kind::Size(_) => by_type(value).map(|Size(size)| size),
            // None would end the program before its first instruction.
            Kind::Seconds => by_type(value).map(|Time(time)| time.as_secs().max(1)),
            _ => by_type(value),
        }
    }

    fn written(&self, kind: Kind) -> Option<Value> {
        Some(match kind {
            Kind::Size(_) => Size(*self).to_string().into(),
            Kind::Seconds => Time(Duration::from_secs(*self)).to_string().into(),
            _ => i64::try_from(*self).unwrap_or(i64::MAX).into(),
        })
    }

    fn number(&self) -> Option<u128> {
        Some((*self).into())
    }
}

/// Numbers of other widths, read as the widest: a size that this machine cannot count is as good as none.
macro_rules! places_for_numbers {
    ($($number:ty),*) => {$(
        impl Place for $number {
            fn read(value: Value, kind: Kind) -> Result<Self, String> {
                match kind {
                    Kind::Size(_) => u64::read(value, kind).map(|size| Self::try_from(size).unwrap_or(Self::MAX)),
                    _ => by_type(value),
                }
            }

            fn written(&self, kind: Kind) -> Option<Value> {
                u64::try_from(*self).ok().and_then(|number| number.written(kind))
            }

            fn number(&self) -> Option<u128> {
                u128::try_from(*self).ok()
            }
        }
    )*};
}
places_for_numbers!(u16, u32, usize);

/// Values that are read and written as they are.
macro_rules! places_as_they_are {
    ($($value:ty),*) => {$(
        impl Place for $value {
            fn read(value: Value, _: Kind) -> Result<Self, String> {
                by_type(value)
            }

            fn written(&self, _: Kind) -> Option<Value> {
                Value::try_from(self).ok()
            }
        }
    )*};
}
places_as_they_are!(bool, String, PathBuf, Color, Account, LogLevel, RefreshBody);

impl Place for Address {
    fn read(value: Value, _: Kind) -> Result<Self, String> {
        listen_address(&by_type::<String>(value)?)
    }

    fn written(&self, _: Kind) -> Option<Value> {
        Some(self.to_string().into())
    }
}

/// When colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// A user or a group of this machine, by name or by number.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged, expecting = "give a name or a number")]
pub(crate) enum Account {
    Number(u32),
    Name(String),
}

impl<T: Place> Place for Option<T> {
    fn read(value: Value, kind: Kind) -> Result<Self, String> {
        T::read(value, kind).map(Some)
    }

    fn written(&self, kind: Kind) -> Option<Value> {
        self.as_ref().and_then(|value| value.written(kind))
    }

    fn number(&self) -> Option<u128> {
        self.as_ref().and_then(Place::number)
    }
}

impl<T: Place> Place for Vec<T> {
    fn read(value: Value, kind: Kind) -> Result<Self, String> {
        let items: Vec<Value> = by_type(value)?;
        items.into_iter().map(|item| T::read(item, kind)).collect()
    }

    fn written(&self, kind: Kind) -> Option<Value> {
        let items: Vec<Value> = self.iter().filter_map(|item| item.written(kind)).collect();
        (!items.is_empty()).then_some(Value::Array(items))
    }
}

/// Variables for plugins: further ones join those that are here, and a later one wins over an earlier one of its name.
impl Place for Vec<(String, String)> {
    fn read(value: Value, _: Kind) -> Result<Self, String> {
        let table: toml::Table = by_type(value)?;
        let named = |(name, value)| match by_type(value) {
            Ok(text) => Ok((name, text)),
            Err(why) => Err(format!("{name}: {why}")),
        };
        table.into_iter().map(named).collect()
    }

    fn written(&self, _: Kind) -> Option<Value> {
        None
    }

    fn put(&mut self, value: Value, kind: Kind) -> Result<Option<String>, String> {
        self.extend(Self::read(value, kind)?);
        Ok(None)
    }
}

/// Who provides which service. The order of the file means nothing.
impl Place for Vec<(ServiceName, Choice)> {
    fn read(value: Value, _: Kind) -> Result<Self, String> {
        let table: toml::Table = by_type(value)?;
        let chosen = |(name, value): (String, Value)| {
            let service = ServiceName::new(&name).map_err(|error| error.to_string())?;
            let provider: String = by_type(value).map_err(|why| format!("{name}: {why}"))?;
            let choice = match provider.as_str() {
                HOST_APPLICATION => Choice::Application,
                id => Choice::Plugin(PluginId::new(id).map_err(|error| {
                    format!("{name}: {error}; `{HOST_APPLICATION}` is the host application")
                })?),
            };
            Ok((service, choice))
        };
        table.into_iter().map(chosen).collect()
    }

    fn written(&self, _: Kind) -> Option<Value> {
        None
    }
}

/// How the host application is called in the settings: no plugin's id can be this.
const HOST_APPLICATION: &str = "@host";

/// Where to listen: an IP address or `localhost`, and a port; or `unix:` and the path of a socket.
pub(super) fn listen_address(text: &str) -> Result<Address, String> {
    if let Some(path) = text.strip_prefix("unix:") {
        let named = !path.is_empty() && !path.ends_with('/');
        return named.then(|| Address::Unix(path.into())).ok_or_else(|| HOW_TO_LISTEN.to_owned());
    }
    let numeric = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    numeric.as_deref().unwrap_or(text).parse().map(Address::Tcp).map_err(|_| HOW_TO_LISTEN.to_owned())
}

const HOW_TO_LISTEN: &str = "give an IP address and a port, such as 127.0.0.1:2066, [::1]:2066, or 127.0.0.1:0 for any free \
     port; or a Unix socket, such as unix:/run/outboard/http.sock";
