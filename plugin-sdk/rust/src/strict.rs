//! What JSON can hold. serde_json writes null for a float that is not a number, and as many levels as there are, and says nothing: who
//! keeps or sends a value asks here first. Must not know what the value is for.

use serde::ser::{
    Error as _, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use outboard_protocol::wire::DEPTH_MAX;

type Failed = serde::de::value::Error;

/// Looks for what would come back as something else.
///
/// # Errors
/// With the place, from `root` on, and what stands there.
pub(crate) fn check<T: Serialize + ?Sized>(root: &str, value: &T) -> Result<(), serde_json::Error> {
    serde_path_to_error::serialize(value, Check(0)).map_err(|error| {
        let path = error.path().to_string();
        let path = match path.as_str() {
            "." => String::new(),
            item if item.starts_with('[') => path,
            _ => format!(".{path}"),
        };
        serde_json::Error::custom(format!("{} {}", told(format!("{root}{path}")), error.inner()))
    })
}

/// How deep a value may be nested: a frame has [`DEPTH_MAX`] levels, and three of them are around it.
const LEVELS_MAX: usize = DEPTH_MAX - 3;
/// Longest path that is told whole, in characters.
const PATH_MAX: usize = 200;

fn told(path: String) -> String {
    match path.char_indices().nth(PATH_MAX) {
        Some((end, _)) => format!("{}…", &path[..end]),
        None => path,
    }
}

/// Writes nothing, and fails where JSON has no such value. Knows on how many levels it is.
#[derive(Clone, Copy)]
struct Check(usize);

impl Check {
    /// For what is inside: `levels` further down.
    fn inside(self, levels: usize) -> Result<Self, Failed> {
        if self.0 + levels > LEVELS_MAX {
            return Err(Failed::custom(format!("is nested deeper than {LEVELS_MAX} levels")));
        }
        Ok(Self(self.0 + levels))
    }
}

fn number(value: f64) -> Result<(), Failed> {
    let name = match value {
        _ if value.is_finite() => return Ok(()),
        _ if value.is_nan() => "NaN",
        _ if value > 0.0 => "Infinity",
        _ => "-Infinity",
    };
    Err(Failed::custom(format!("is {name}, which JSON cannot hold")))
}

macro_rules! nothing_to_refuse {
    ($($name:ident($kind:ty)),*) => {
        $(fn $name(self, _: $kind) -> Result<(), Failed> {
            Ok(())
        })*
    };
}

impl Serializer for Check {
    type Ok = ();
    type Error = Failed;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    nothing_to_refuse! {
        serialize_bool(bool), serialize_i8(i8), serialize_i16(i16), serialize_i32(i32), serialize_i64(i64),
        serialize_i128(i128), serialize_u8(u8), serialize_u16(u16), serialize_u32(u32), serialize_u64(u64),
        serialize_u128(u128), serialize_char(char), serialize_str(&str),
        serialize_unit_struct(&'static str)
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), Failed> {
        self.inside(1).map(|_| ())
    }

    fn serialize_f32(self, value: f32) -> Result<(), Failed> {
        number(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Failed> {
        number(value)
    }

    fn serialize_none(self) -> Result<(), Failed> {
        Ok(())
    }

    fn serialize_unit(self) -> Result<(), Failed> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Failed> {
        value.serialize(self)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Result<(), Failed> {
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Failed> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), Failed> {
        value.serialize(self.inside(1)?)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self, Failed> {
        self.inside(1)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self, Failed> {
        self.inside(1)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, Failed> {
        self.inside(1)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, Failed> {
        self.inside(2)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self, Failed> {
        self.inside(1)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Failed> {
        self.inside(1)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, Failed> {
        self.inside(2)
    }
}

/// Things in things: each is looked at as it comes.
macro_rules! looked_into {
    ($($kind:ident::$name:ident),*) => {
        $(impl $kind for Check {
            type Ok = ();
            type Error = Failed;

            fn $name<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failed> {
                value.serialize(*self)
            }

            fn end(self) -> Result<(), Failed> {
                Ok(())
            }
        })*
    };
}

looked_into! {
    SerializeSeq::serialize_element, SerializeTuple::serialize_element, SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
}

macro_rules! looked_into_by_name {
    ($($kind:ident),*) => {
        $(impl $kind for Check {
            type Ok = ();
            type Error = Failed;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, _: &'static str, value: &T) -> Result<(), Failed> {
                value.serialize(*self)
            }

            fn end(self) -> Result<(), Failed> {
                Ok(())
            }
        })*
    };
}

looked_into_by_name! { SerializeStruct, SerializeStructVariant }

impl SerializeMap for Check {
    type Ok = ();
    type Error = Failed;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Failed> {
        // Told to whoever keeps the place; serde_json refuses by itself what cannot be a name.
        key.serialize(*self)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failed> {
        value.serialize(*self)
    }

    fn end(self) -> Result<(), Failed> {
        Ok(())
    }
}
