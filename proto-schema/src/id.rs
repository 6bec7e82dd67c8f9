//! Names that have rules: plugin ids, route prefixes, channels, config keys, database files, services and what is theirs.
//!
//! Everybody who accepts a name from outside turns it into one of these types at once; whoever holds such a value
//! may rely on the rule. This file must not know where names come from or what they are used for.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Ids that the shell itself owns below `/api/`; no plugin may take them. What is below them is answered by whoever provides the service
/// that names it.
pub const RESERVED_IDS: [&str; 5] = ["auth", "config", "flight-events", "plugins-config", "simulator"];

/// The first part of the host name at which the operator's pages are; plugins' ids stand in the same place, so none has it.
pub const OPERATOR_LABEL: &str = "outboard";

/// The first path segment below which everything belongs to the supervisor.
pub const SUPERVISOR_PREFIX: &str = "/_outboard";

/// Longest plugin id, in bytes: it becomes a folder name and a path segment.
pub const PLUGIN_ID_MAX: usize = 64;
/// Longest route prefix, in bytes.
pub const PREFIX_MAX: usize = 256;
/// Longest channel name, in bytes.
pub const CHANNEL_MAX: usize = 256;
/// Longest config key, in bytes.
pub const CONFIG_KEY_MAX: usize = 256;
/// Longest database file name, in bytes; leaves room for SQLite's `-journal` below the common limit of 255.
pub const DATABASE_FILE_MAX: usize = 128;

/// Longest name of a service, in bytes.
pub const SERVICE_NAME_MAX: usize = 64;
/// Longest name of a service's method or event, in bytes.
pub const SERVICE_MEMBER_MAX: usize = 128;

/// A name that broke its rule: which kind of name, what was given, and what the rule is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {given:?} is not valid: {rule}")]
pub struct InvalidName {
    /// The kind of name, in words ("plugin id").
    pub kind: &'static str,
    /// What was given, cut to a length that fits a log line.
    pub given: String,
    /// The rule that it broke, in words.
    pub rule: String,
}

impl InvalidName {
    fn new(kind: &'static str, given: &str, rule: impl Into<String>) -> Self {
        const SHOWN: usize = 80;
        let mut given: String = given.chars().take(SHOWN + 1).collect();
        if given.chars().count() > SHOWN {
            given.pop();
            given.push('…');
        }
        Self { kind, given, rule: rule.into() }
    }
}

/// Makes a checked string type: cheap to clone, validated however it is made.
macro_rules! checked_name {
    ($(#[$doc:meta])* $name:ident, $check:ident, $pattern:expr, $example:literal, $rule:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks a name against the rule without keeping it.
            ///
            /// # Errors
            /// [`InvalidName`] with the rule that it breaks.
            pub fn check(name: &str) -> Result<(), InvalidName> {
                $check(name)
            }

            /// A name that keeps to the rule.
            ///
            /// # Errors
            /// [`InvalidName`] with the rule that it breaks.
            pub fn new(name: &str) -> Result<Self, InvalidName> {
                Self::check(name)?;
                Ok(Self(name.into()))
            }

            /// The name as given.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;
            fn from_str(name: &str) -> Result<Self, InvalidName> {
                Self::new(name)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let name = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::new(&name).map_err(serde::de::Error::custom)
            }
        }

        #[cfg(feature = "schema")]
        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string", "description": $rule, "pattern": $pattern, "examples": [$example]
                })
            }
        }
    };
}

checked_name!(
    /// A plugin's id: the name of its folder, of its data folder, and of its place below `/api/`.
    /// Lower-case letters, digits and hyphens, beginning with a letter or digit, at most 64 bytes.
    PluginId, check_plugin_id, "^[a-z0-9][a-z0-9-]{0,63}$", "landing-log",
    "A plugin's id: 1 to 64 lower-case letters, digits and hyphens, beginning with a letter or digit."
);
checked_name!(
    /// A path below which a plugin answers HTTP, such as `/api/landing-log` or `/loadsheet`: begins with `/`, does not end
    /// with one, and has plain segments only (no percent-encoding, no `.` or `..`).
    RoutePrefix, check_prefix, "^(/[A-Za-z0-9][A-Za-z0-9._~-]*)+$", "/api/landing-log",
    "A path below which a plugin answers HTTP: begins with a slash, does not end with one, and has plain segments only; at most 256 bytes."
);
checked_name!(
    /// The leaf name of a channel between a plugin and its UI; the full name, `plugin:{id}:{leaf}`, is ours to make.
    Channel, check_channel, "^(?!plugin:)[^\\u0000-\\u001f\\u007f]{1,256}$", "status-update",
    "The leaf name of a channel, without `plugin:{id}:`: 1 to 256 bytes, no control characters."
);
checked_name!(
    /// A key in a plugin's configuration.
    ConfigKey, check_config_key, "^[^\\u0000-\\u001f\\u007f]{1,256}$", "refresh_interval",
    "A key in the plugin's configuration: 1 to 256 bytes, no control characters."
);
checked_name!(
    /// The name of a database file inside a plugin's own data folder: one plain file name, never a path.
    DatabaseFile, check_database_file, "^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$", "landing-reports.db",
    "A plain file name in the plugin's own data folder: 1 to 128 letters, digits, dots, underscores and hyphens; not one of SQLite's side files."
);
checked_name!(
    /// The name of a service, such as `flight` or `acme.billing`.
    ServiceName, check_service_name, "^[a-z][a-z0-9]*(\\.[a-z0-9-]+)*$", "flight",
    "The name of a service: lower-case letters and digits, beginning with a letter, and further parts after dots, which may have hyphens; at most 64 bytes."
);
checked_name!(
    /// The name of a method or an event of a service, as its provider chose it.
    ServiceMember, check_service_member, "^[^\\u0000-\\u001f\\u007f]{1,128}$", "getState",
    "The name of a method or an event of a service: 1 to 128 bytes, no control characters."
);

fn check_plugin_id(id: &str) -> Result<(), InvalidName> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = id.as_bytes();
    let shaped =
        matches!(bytes, [first, rest @ ..] if plain(*first) && rest.iter().all(|b| plain(*b) || *b == b'-'));
    if !shaped || bytes.len() > PLUGIN_ID_MAX {
        return Err(InvalidName::new(
            "plugin id",
            id,
            "use 1 to 64 lower-case letters, digits and hyphens, beginning with a letter or digit",
        ));
    }
    if RESERVED_IDS.contains(&id) {
        return Err(InvalidName::new(
            "plugin id",
            id,
            format!("/api/{id} belongs to the shell; choose another id"),
        ));
    }
    if id == OPERATOR_LABEL {
        return Err(InvalidName::new(
            "plugin id",
            id,
            format!("the operator's pages are at {OPERATOR_LABEL}.localhost; choose another id"),
        ));
    }
    Ok(())
}

/// What else stands at the root of a site, whoever asks for it. Nothing below it can be a plugin's.
const RESERVED_ROOTS: [&str; 2] = ["api", "mcp"];
/// Endings of files that browsers, crawlers and service workers ask of a site as a whole, at its root.
const SITE_FILES: [&str; 13] =
    ["js", "mjs", "cjs", "ico", "txt", "xml", "json", "webmanifest", "png", "svg", "html", "htm", "wasm"];

fn check_prefix(prefix: &str) -> Result<(), InvalidName> {
    let refuse = |rule: &str| Err(InvalidName::new("route prefix", prefix, rule));
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    if prefix.len() > PREFIX_MAX {
        return refuse("at most 256 bytes");
    }
    let Some(path) = prefix.strip_prefix('/') else { return refuse("must begin with '/'") };
    for segment in path.split('/') {
        if segment.is_empty() {
            return refuse("no empty segments, and no '/' at the end");
        }
        if !segment.bytes().all(plain) || segment.starts_with(['.', '~', '-', '_']) {
            return refuse(
                "segments are letters, digits, '-', '.', '_' and '~', and begin with a letter or digit",
            );
        }
    }
    let (root, below) = path.split_once('/').map_or((path, None), |(root, below)| (root, Some(below)));
    // Whatever the case: a person takes /API for /api, and some caches do.
    if RESERVED_ROOTS.iter().any(|reserved| reserved.eq_ignore_ascii_case(root)) {
        let id = below.and_then(|below| below.split('/').next()).filter(|_| root == "api");
        return match id {
            Some(id) if RESERVED_IDS.contains(&id) => Ok(()),
            Some(id) if RESERVED_IDS.iter().any(|reserved| reserved.eq_ignore_ascii_case(id)) => {
                refuse("this path belongs to the shell; choose another")
            }
            Some(id) => PluginId::check(id)
                .or_else(|_| refuse("below /api stands the id of a plugin, in small letters")),
            None => refuse("this path belongs to the supervisor; choose another"),
        };
    }
    let ending = root.rsplit_once('.').map(|(_, ending)| ending).filter(|_| below.is_none());
    if ending.is_some_and(|ending| SITE_FILES.iter().any(|file| file.eq_ignore_ascii_case(ending))) {
        return refuse(
            "a file at the root speaks for the whole site, not for one plugin; choose a path without such an ending",
        );
    }
    Ok(())
}

impl RoutePrefix {
    /// Whether the path is one of the shell's own, which goes with a service.
    pub fn is_the_shells(&self) -> bool {
        is_the_shells(self.as_str())
    }
}

/// Whether a path is one of the shell's own: below `/api/` and one of [`RESERVED_IDS`].
pub fn is_the_shells(path: &str) -> bool {
    let id = path.strip_prefix("/api/").and_then(|rest| rest.split('/').next());
    id.is_some_and(|id| RESERVED_IDS.contains(&id))
}

/// Whether `path` is `prefix` or lies below it, segment by segment.
pub fn is_below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn check_service_name(name: &str) -> Result<(), InvalidName> {
    let refuse = |rule: &str| Err(InvalidName::new("service", name, rule));
    if name.len() > SERVICE_NAME_MAX {
        return refuse("at most 64 bytes");
    }
    let small = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let mut parts = name.split('.');
    let first = parts.next().unwrap_or_default().as_bytes();
    let begins = first.first().is_some_and(u8::is_ascii_lowercase) && first.iter().all(|b| small(*b));
    let goes_on = parts.all(|part| !part.is_empty() && part.bytes().all(|b| small(b) || b == b'-'));
    match begins && goes_on {
        true => Ok(()),
        false => refuse(
            "use lower-case letters and digits, beginning with a letter; further parts follow a dot and may have hyphens, as in acme.billing",
        ),
    }
}

fn check_service_member(name: &str) -> Result<(), InvalidName> {
    check_text("method or event of a service", name, SERVICE_MEMBER_MAX)
}

fn check_channel(channel: &str) -> Result<(), InvalidName> {
    if channel.starts_with("plugin:") {
        return Err(InvalidName::new(
            "channel",
            channel,
            "give the leaf name alone; the prefix plugin:{id}: is added at both ends",
        ));
    }
    check_text("channel", channel, CHANNEL_MAX)
}

fn check_config_key(key: &str) -> Result<(), InvalidName> {
    check_text("config key", key, CONFIG_KEY_MAX)
}

fn check_text(kind: &'static str, text: &str, longest: usize) -> Result<(), InvalidName> {
    if text.is_empty() || text.len() > longest || text.bytes().any(|b| b.is_ascii_control()) {
        return Err(InvalidName::new(
            kind,
            text,
            format!("use 1 to {longest} bytes without control characters"),
        ));
    }
    Ok(())
}

fn check_database_file(file: &str) -> Result<(), InvalidName> {
    let refuse = |rule: &str| Err(InvalidName::new("database file", file, rule));
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    if file.is_empty() || file.len() > DATABASE_FILE_MAX {
        return refuse("use 1 to 128 bytes");
    }
    if !file.bytes().all(plain) || file.starts_with(['.', '-']) {
        return refuse(
            "give a plain file name of letters, digits, '.', '_' and '-', beginning with a letter, digit or '_'; it is opened in the plugin's own data folder",
        );
    }
    if ["-wal", "-shm", "-journal"].iter().any(|suffix| file.ends_with(suffix)) {
        return refuse("-wal, -shm and -journal are the names of SQLite's own side files");
    }
    Ok(())
}
