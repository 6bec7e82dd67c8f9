//! The one table of error codes that cross the wire, and the error object itself.
//!
//! Context and the session make these; SDKs turn them into their language's exceptions. A code means the same thing in
//! every direction. This file must not know what failed, only how failures are named.

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

macro_rules! error_table {
    ($($variant:ident $code:literal $word:literal $retryable:literal $meaning:literal;)*) => {
        /// Why a call failed: one row of the table of error codes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorReason {
            $(#[doc = $meaning] $variant,)*
        }

        impl ErrorReason {
            /// Every row, in the order of the documentation.
            pub const ALL: &'static [ErrorReason] = &[$(ErrorReason::$variant),*];

            /// The JSON-RPC error code.
            pub const fn code(self) -> i32 {
                match self { $(ErrorReason::$variant => $code),* }
            }

            /// The stable word in `data.reason`.
            pub const fn word(self) -> &'static str {
                match self { $(ErrorReason::$variant => $word),* }
            }

            /// Whether the same call may succeed if it is simply made again later.
            pub const fn retryable(self) -> bool {
                match self { $(ErrorReason::$variant => $retryable),* }
            }

            /// What the code means, in a sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(ErrorReason::$variant => $meaning),* }
            }

            /// The row with this code.
            pub const fn from_code(code: i32) -> Option<Self> {
                match code { $($code => Some(ErrorReason::$variant),)* _ => None }
            }
        }
    };
}

error_table! {
    ParseError      -32700 "parse_error"      false "The frame is not JSON.";
    InvalidRequest  -32600 "invalid_request"  false "The frame is JSON but not one JSON-RPC 2.0 message; batches are not supported.";
    MethodNotFound  -32601 "method_not_found" false "There is no such method in this direction.";
    InvalidParams   -32602 "invalid_params"   false "The parameters do not have the method's shape, or break a rule; the message says which.";
    InternalError   -32603 "internal_error"   false "The called side failed; the message is its own.";
    ShuttingDown    -32001 "shutting_down"    true  "The called side is stopping and takes no new calls.";
    Timeout         -32002 "timeout"          true  "No answer came within the call's deadline.";
    LimitExceeded   -32003 "limit_exceeded"   true  "A queue, a size or a rate is at its limit; the message names it.";
    Denied          -32004 "denied"           false "The caller may not do this.";
    StorageFull     -32005 "storage_full"     true  "The disk or the quota is full; nothing was changed.";
    StorageCorrupt  -32006 "storage_corrupt"  false "The stored data cannot be read; an operator must look.";
    AuthRequired    -32007 "auth_required"    false "Nobody is signed in, or the sign-in has ended.";
    NotFound        -32008 "not_found"        false "The thing that was named does not exist.";
    Conflict        -32009 "conflict"         false "Somebody else owns the name, or the state does not allow it.";
    Unavailable     -32010 "unavailable"      true  "The service's provider is gone, or is not there yet.";
    NoProvider      -32011 "no_provider"      false "Nobody provides the service; `data.service` names it.";
    Cancelled       -32800 "cancelled"        false "The caller withdrew the call.";
}

/// The `error` member of a JSON-RPC response.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[error("{message}")]
pub struct RpcError {
    /// One of the codes of the table; codes that are not in it are a plugin's own.
    #[serde(deserialize_with = "lenient::code")]
    pub code: i32,
    /// A sentence: what was wrong, where, and what to do.
    #[serde(default, deserialize_with = "lenient::text")]
    #[cfg_attr(feature = "schema", schemars(required))]
    pub message: String,
    /// What programs may rely on.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::data")]
    pub data: Option<ErrorData>,
}

/// The `data` member of an error: for programs, where the message is for people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct ErrorData {
    /// The stable word of the code.
    #[serde(default)]
    pub reason: String,
    /// Whether the same call may succeed later.
    #[serde(default)]
    pub retryable: bool,
    /// Members that belong to one kind of failure, such as a plugin's stack trace.
    #[serde(flatten)]
    pub details: serde_json::Map<String, Value>,
}

/// Reads what other people's programs write. An error that is not quite in order still ends its call: refused, it would
/// leave the caller waiting for its deadline.
mod lenient {
    use serde::{Deserialize, Deserializer};
    use serde_json::{Map, Value};

    use super::{ErrorData, ErrorReason};

    pub(super) fn code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
        let code = Value::deserialize(deserializer)?.as_i64().and_then(|code| i32::try_from(code).ok());
        Ok(code.unwrap_or(ErrorReason::InternalError.code()))
    }

    pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
        Ok(match Value::deserialize(deserializer)? {
            Value::String(text) => text,
            other => other.to_string(),
        })
    }

    pub(super) fn data<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ErrorData>, D::Error> {
        let mut details = match Value::deserialize(deserializer)? {
            Value::Null => return Ok(None),
            Value::Object(members) => members,
            other => Map::from_iter([("value".to_owned(), other)]),
        };
        let reason = match details.remove("reason") {
            Some(Value::String(word)) => word,
            _ => String::new(),
        };
        let retryable = details.remove("retryable").is_some_and(|value| value == Value::Bool(true));
        Ok(Some(ErrorData { reason, retryable, details }))
    }
}

impl RpcError {
    /// An error from the table, with the row's own word and retryability.
    pub fn new(reason: ErrorReason, message: impl Into<String>) -> Self {
        let data = ErrorData {
            reason: reason.word().to_owned(),
            retryable: reason.retryable(),
            details: serde_json::Map::new(),
        };
        Self { code: reason.code(), message: message.into(), data: Some(data) }
    }

    /// Says that the same call will fail again, whenever it is made: it is itself too large, and no limit moves by waiting.
    #[must_use]
    pub fn lasting(mut self) -> Self {
        if let Some(data) = &mut self.data {
            data.retryable = false;
        }
        self
    }

    /// Adds a member to `data`.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        let data = self.data.get_or_insert_with(|| ErrorData {
            reason: String::new(),
            retryable: false,
            details: serde_json::Map::new(),
        });
        data.details.insert(key.to_owned(), value.into());
        self
    }

    /// The row of the table, where the code is one of ours.
    pub fn reason(&self) -> Option<ErrorReason> {
        ErrorReason::from_code(self.code)
    }
}

impl From<crate::id::InvalidName> for RpcError {
    fn from(invalid: crate::id::InvalidName) -> Self {
        Self::new(ErrorReason::InvalidParams, invalid.to_string())
    }
}
