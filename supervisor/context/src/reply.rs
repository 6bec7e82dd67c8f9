//! How a context call is answered: at once, or when something slower is done. And how its parameters are read.
//!
//! Used by the dispatch in [`crate::process`] and by every service. Must not know any method.

use std::future::Future;
use std::pin::Pin;

use outboard_protocol::methods::Request;
use outboard_protocol::wire::message;
use outboard_protocol::{ErrorReason, RpcError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What a call came to.
pub type Outcome = Result<Box<RawValue>, RpcError>;

/// A change that has been queued already, in the order of the calls. Its outcome, once it is on disk; always bounded in
/// time. Dropping it does not undo the change.
pub type Durable<T> = Pin<Box<dyn Future<Output = Result<T, RpcError>> + Send>>;

/// The answer to a context call.
pub enum Reply {
    /// It is here.
    Now(Outcome),
    /// It takes a disk, a thread or the network. The work has been queued already, in the order of the calls; awaiting only
    /// fetches the outcome. Always bounded in time. Dropping it does not undo the work.
    Later(Pin<Box<dyn Future<Output = Outcome> + Send>>),
    /// It takes the network, and may be as large as a frame: only a few are to be awaited at once. The work begins when it is
    /// awaited, is bounded in time, and is given up when dropped.
    Large(Pin<Box<dyn Future<Output = Outcome> + Send>>),
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            // The result may be a token.
            Reply::Now(Ok(_)) => f.write_str("Now(Ok(..))"),
            Reply::Now(Err(error)) => f.debug_tuple("Now").field(error).finish(),
            Reply::Later(_) => f.write_str("Later(..)"),
            Reply::Large(_) => f.write_str("Large(..)"),
        }
    }
}

impl Reply {
    /// The outcome, whenever it is there.
    pub async fn outcome(self) -> Outcome {
        match self {
            Reply::Now(outcome) => outcome,
            Reply::Later(later) | Reply::Large(later) => later.await,
        }
    }

    /// An answer that is here.
    pub(crate) fn now<T: Serialize>(result: Result<T, RpcError>) -> Self {
        Reply::Now(result.map(|value| to_raw(&value)))
    }

    /// An answer that takes a while.
    pub(crate) fn later<T, F>(work: F) -> Self
    where
        T: Serialize,
        F: Future<Output = Result<T, RpcError>> + Send + 'static,
    {
        Reply::Later(Box::pin(async move { work.await.map(|value| to_raw(&value)) }))
    }

    /// An answer that takes a while and may be large.
    pub(crate) fn large<T, F>(work: F) -> Self
    where
        T: Serialize,
        F: Future<Output = Result<T, RpcError>> + Send + 'static,
    {
        Reply::Large(Box::pin(async move { work.await.map(|value| to_raw(&value)) }))
    }
}

/// A value as JSON text.
pub(crate) fn to_raw<T: Serialize>(value: &T) -> Box<RawValue> {
    serde_json::value::to_raw_value(value)
        .expect("INVARIANT: answers hold strings, numbers, JSON and maps with string keys only, all of which are JSON")
}

/// Reads parameters; absent ones count as an empty object.
pub(crate) fn params<'a, T: Deserialize<'a>>(method: &str, raw: Option<&'a RawValue>) -> Result<T, RpcError> {
    let text = object_of(method, raw)?;
    serde_json::from_str(text).map_err(|error| invalid(method, &error.to_string()))
}

/// The parameters of a row, where they borrow nothing: the error names the member that is wrong.
pub(crate) fn owned_params<M: Request<Params: DeserializeOwned>>(
    raw: Option<&RawValue>,
) -> Result<M::Params, RpcError> {
    let method = M::NAME;
    let text = object_of(method, raw)?;
    serde_json::from_str(text).map_err(|first| {
        let mut reader = serde_json::Deserializer::from_str(text);
        match serde_path_to_error::deserialize::<_, M::Params>(&mut reader) {
            Err(error) if error.path().iter().next().is_some() => {
                invalid(method, &format!("`{}`: {}", error.path(), error.inner()))
            }
            _ => invalid(method, &first.to_string()),
        }
    })
}

fn object_of<'a>(method: &str, raw: Option<&'a RawValue>) -> Result<&'a str, RpcError> {
    message::object_of(raw).map_err(|error| invalid(method, &error.message))
}

fn invalid(method: &str, what: &str) -> RpcError {
    // serde_json's place in the text means nothing to an author who passed an object.
    let what = match what.rfind(" at line ") {
        Some(at) => &what[..at],
        None => what,
    };
    RpcError::new(ErrorReason::InvalidParams, format!("parameters of {method}: {what}"))
}
