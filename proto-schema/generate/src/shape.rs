//! What a JSON Schema says, reduced to what the type systems of other languages can say.
//!
//! Read by the generators of types and references. Must not know a language.

use serde_json::Value;

use super::catalog::referred;

/// The shape of a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    Any,
    Null,
    Bool,
    Integer,
    Number,
    Text,
    /// One text and no other, with what it means.
    Exactly(String),
    Named(String),
    List(Box<Shape>),
    Map(Box<Shape>),
    OneOf(Vec<Shape>),
    Record(Vec<Field>),
}

/// A member of a record.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) shape: Shape,
    pub(super) required: bool,
    pub(super) doc: String,
}

impl Shape {
    pub(super) fn of(schema: &Value) -> Self {
        if let Some(name) = referred(schema) {
            return Shape::Named(name.to_owned());
        }
        if let Some(only) = schema.get("const").and_then(Value::as_str) {
            return Shape::Exactly(only.to_owned());
        }
        if let Some(words) = schema.get("enum").and_then(Value::as_array) {
            let words = words.iter().filter_map(Value::as_str);
            return Shape::OneOf(words.map(|word| Shape::Exactly(word.to_owned())).collect());
        }
        for keyword in ["anyOf", "oneOf"] {
            if let Some(choices) = schema.get(keyword).and_then(Value::as_array) {
                return Shape::OneOf(choices.iter().map(Shape::of).collect());
            }
        }
        match schema.get("type") {
            Some(Value::String(kind)) => Self::of_kind(kind, schema),
            Some(Value::Array(kinds)) => {
                let kinds = kinds.iter().filter_map(Value::as_str);
                Shape::OneOf(kinds.map(|kind| Self::of_kind(kind, schema)).collect())
            }
            _ => Shape::Any,
        }
    }

    fn of_kind(kind: &str, schema: &Value) -> Self {
        match kind {
            "null" => Shape::Null,
            "boolean" => Shape::Bool,
            "integer" => Shape::Integer,
            "number" => Shape::Number,
            "string" => Shape::Text,
            "array" => Shape::List(Box::new(schema.get("items").map_or(Shape::Any, Shape::of))),
            "object" => Self::of_object(schema),
            _ => Shape::Any,
        }
    }

    fn of_object(schema: &Value) -> Self {
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
            return match schema.get("additionalProperties") {
                // Nothing may be in it.
                Some(Value::Bool(false)) => Shape::Record(Vec::new()),
                Some(values) => Shape::Map(Box::new(Shape::of(values))),
                None => Shape::Record(Vec::new()),
            };
        };
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .map(|names| names.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        let mut fields: Vec<Field> = properties
            .iter()
            .map(|(name, schema)| Field {
                name: name.clone(),
                shape: Shape::of(schema),
                required: required.contains(&name.as_str()),
                doc: doc_of(schema),
            })
            .collect();
        // What must be there first; within each group the order of the names.
        fields.sort_by_key(|field| !field.required);
        Shape::Record(fields)
    }

    /// The shape's parts, where it is a choice; else itself alone.
    pub(super) fn choices(&self) -> Vec<&Shape> {
        match self {
            Shape::OneOf(choices) => choices.iter().flat_map(Shape::choices).collect(),
            other => vec![other],
        }
    }
}

/// What a schema says in words.
pub(super) fn doc_of(schema: &Value) -> String {
    let text = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
