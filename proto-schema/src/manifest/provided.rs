//! `provides`: the services that a plugin would provide, and the paths of the shell's that come with one.
//!
//! An entry is a service's name, or an object where the service has HTTP as well. Must not know who provides what in the end.

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::id::{RESERVED_IDS, RoutePrefix, ServiceName};

/// Paths of the shell's that come with one service.
pub const SERVICE_PREFIXES_MAX: usize = 16;

/// A service that a plugin would provide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provided {
    /// Its name.
    pub service: ServiceName,
    /// The shell's own paths that whoever provides it answers, such as `/api/config`.
    pub prefixes: Vec<RoutePrefix>,
}

/// A service, and the paths of the shell that come with it.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
struct Whole {
    /// The service's name.
    service: ServiceName,
    /// The shell's own paths that whoever provides the service answers, with all that lies below them.
    #[serde(default)]
    prefixes: Vec<RoutePrefix>,
}

impl<'de> Deserialize<'de> for Provided {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        // Looked at before it is read, so that a mistake is told in the words of what it is in.
        let read = match Value::deserialize(deserializer)? {
            Value::String(name) => ServiceName::new(&name)
                .map(|service| Whole { service, prefixes: Vec::new() })
                .map_err(D::Error::custom)?,
            entry => serde_json::from_value::<Whole>(entry).map_err(D::Error::custom)?,
        };
        let Whole { service, prefixes } = read;
        check_prefixes(&prefixes).map_err(D::Error::custom)?;
        Ok(Self { service, prefixes })
    }
}

/// Whether these paths may come with a service.
///
/// # Errors
/// What is amiss, a sentence.
pub fn check_prefixes(prefixes: &[RoutePrefix]) -> Result<(), String> {
    if let Some(other) = prefixes.iter().find(|prefix| !prefix.is_the_shells()) {
        let shells = RESERVED_IDS.map(|id| format!("/api/{id}")).join(", ");
        return Err(format!(
            "prefix \"{other}\" is not one of the shell's, which are {shells}; a plugin registers any other with ctx.server alone"
        ));
    }
    if prefixes.len() > SERVICE_PREFIXES_MAX {
        return Err(format!("a service has at most {SERVICE_PREFIXES_MAX} prefixes"));
    }
    Ok(())
}

impl Serialize for Provided {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.prefixes.is_empty() {
            return self.service.serialize(serializer);
        }
        Whole { service: self.service.clone(), prefixes: self.prefixes.clone() }.serialize(serializer)
    }
}

#[cfg(feature = "schema")]
impl JsonSchema for Provided {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Provided".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let (name, whole) = (generator.subschema_for::<ServiceName>(), Whole::json_schema(generator));
        schemars::json_schema!({
            "description": "A service that the plugin would provide: its name, or an object where the shell's own paths come with it.",
            "anyOf": [name, whole]
        })
    }
}
