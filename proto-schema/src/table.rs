//! What the tables of methods share: the enum that a group of rows becomes, and references to schemas.
//!
//! Used by the table of the plugin protocol and by that of the control API. Must not know any method.

#[cfg(feature = "schema")]
use schemars::{JsonSchema, Schema, SchemaGenerator};

/// An enum of the methods of one group. A `match` on it without a catch-all does not compile once there is another row.
macro_rules! names {
    (#[doc = $about:literal] $group:ident { $($variant:ident $name:literal $summary:literal;)* }) => {
        #[doc = $about]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $group {
            $(#[doc = $summary] $variant,)*
        }

        impl $group {
            /// Every method of this group, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The method with this name on the wire; `None` where the group has none.
            pub fn named(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// The name on the wire.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}
pub(crate) use names;

/// A schema that refers to a named definition where the type has a name.
#[cfg(feature = "schema")]
pub(crate) trait SchemaRef: JsonSchema {
    fn json_schema_ref(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Self>()
    }
}
#[cfg(feature = "schema")]
impl<T: JsonSchema + ?Sized> SchemaRef for T {}
