//! The rules that a manifest's `availableSettings` put on values: type, bounds, choices, pattern, and who may set.
//!
//! Called before anything is queued. Must not know where values are kept. No error shows a value.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use outboard_protocol::id::ConfigKey;
use outboard_protocol::settings::{Setting, SettingKind, SettingScope};
use outboard_protocol::{ErrorReason, RpcError};
use serde_json::Value;

use super::{Writer, refuse};

/// Largest compiled pattern, in bytes: a manifest is a stranger's text.
const PATTERN_MAX: usize = 256 * 1024;

/// Choices that are named in an error, before it says how many more there are.
const CHOICES_SHOWN: usize = 8;

/// Whether this writer may set the key.
pub(super) fn check_scope(
    key: &ConfigKey,
    setting: Option<&Setting>,
    writer: Writer,
) -> Result<(), RpcError> {
    let airline = setting.is_some_and(|setting| setting.scope == SettingScope::Airline);
    if airline && writer == Writer::Plugin {
        let what = format!(
            "config key {:?} is of airline scope: the airline sets it, and the plugin only reads it",
            key.as_str()
        );
        return Err(RpcError::new(ErrorReason::Denied, what).with("key", key.as_str()));
    }
    Ok(())
}

/// Whether the value is one that the setting takes.
pub(super) fn check_value(setting: &Setting, value: &Value) -> Result<(), RpcError> {
    let refuse = |rule: String| Err(refuse(&setting.key, &format!("{rule}; was {}", kind_of(value))));
    match setting.kind {
        SettingKind::Boolean if !value.is_boolean() => refuse("must be true or false".to_owned()),
        SettingKind::Text | SettingKind::Longtext => match value.as_str() {
            Some(text) => check_pattern(setting, text),
            None => refuse("must be a text".to_owned()),
        },
        SettingKind::Number | SettingKind::Range => match value.as_f64() {
            Some(number) => check_bounds(setting, number),
            None => refuse("must be a number".to_owned()),
        },
        SettingKind::List | SettingKind::Radio if !is_choice(&setting.options, value) => {
            refuse(format!("must be one of {}", name_choices(&setting.options)))
        }
        SettingKind::Date if !value.as_str().is_some_and(is_date) => {
            refuse("must be a date, YYYY-MM-DD or RFC 3339".to_owned())
        }
        _ => Ok(()),
    }
}

fn check_bounds(setting: &Setting, number: f64) -> Result<(), RpcError> {
    if let Some(min) = setting.min.filter(|min| number < *min) {
        return Err(refuse(&setting.key, &format!("must be at least {min}")));
    }
    if let Some(max) = setting.max.filter(|max| number > *max) {
        return Err(refuse(&setting.key, &format!("must be at most {max}")));
    }
    Ok(())
}

/// As a regular expression of a JSON Schema: it may match anywhere unless it says `^` and `$`. One that cannot be compiled
/// binds nobody: the author's slip must not lock the user out.
fn check_pattern(setting: &Setting, text: &str) -> Result<(), RpcError> {
    let Some(pattern) = &setting.pattern else { return Ok(()) };
    let compiled = regex_lite::RegexBuilder::new(pattern).size_limit(PATTERN_MAX).build();
    match compiled {
        Ok(pattern) if !pattern.is_match(text) => {
            Err(refuse(&setting.key, &format!("must match the pattern {:?}", pattern.as_str())))
        }
        _ => Ok(()),
    }
}

fn is_choice(options: &[Value], value: &Value) -> bool {
    options.is_empty() || options.iter().any(|option| choice(option) == value)
}

fn choice(option: &Value) -> &Value {
    option.get("value").unwrap_or(option)
}

fn name_choices(options: &[Value]) -> String {
    let mut names: Vec<String> =
        options.iter().take(CHOICES_SHOWN).map(|option| choice(option).to_string()).collect();
    if options.len() > CHOICES_SHOWN {
        names.push(format!("… ({} in all)", options.len()));
    }
    names.join(", ")
}

fn is_date(text: &str) -> bool {
    text.parse::<Date>().is_ok() || text.parse::<Timestamp>().is_ok() || text.parse::<DateTime>().is_ok()
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null (to go back to the default, delete the key)",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
