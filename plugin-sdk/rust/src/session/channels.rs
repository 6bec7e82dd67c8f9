//! The channels that a plugin answers on, and the author's functions that do it.
//!
//! Filled by `ctx.ipc`, asked by the dispatcher. Must not know how a UI's call gets here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use outboard_protocol::RpcError;
use outboard_protocol::error::ErrorReason;
use outboard_protocol::id::Channel;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use super::boxed::Boxed;
use crate::failure::Failure;

type Answer = Result<Box<RawValue>, RpcError>;
pub(crate) type Answerer = Arc<dyn Fn(Args) -> Boxed<Answer> + Send + Sync>;

/// The channels that the plugin answers on.
#[derive(Default)]
pub(crate) struct Channels(Mutex<HashMap<String, Answerer>>);

/// The arguments of an `invoke`, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Args(pub Vec<Value>);

impl Args {
    /// The argument at `index`, from 0; a missing one reads as null.
    ///
    /// # Errors
    /// [`Failure`] with `invalid_params`, naming the argument, when it is not a `T`.
    pub fn get<T: DeserializeOwned>(&self, index: usize) -> Result<T, Failure> {
        let value = self.0.get(index).unwrap_or(&Value::Null);
        T::deserialize(value)
            .map_err(|error| Failure::coded(ErrorReason::InvalidParams, format!("argument {index}: {error}")))
    }
}

impl Channels {
    /// From now on this answers; in place of what answered before.
    pub(crate) fn insert(&self, channel: &Channel, answerer: Answerer) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(channel.as_str().to_owned(), answerer);
    }

    /// From now on nobody answers.
    pub(crate) fn remove(&self, channel: &Channel) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(channel.as_str());
    }

    /// The work that a host call on this channel asks for.
    pub(crate) fn invoke(&self, channel: &Channel, args: Vec<Value>) -> Result<Boxed<Answer>, RpcError> {
        let answerer =
            self.0.lock().unwrap_or_else(PoisonError::into_inner).get(channel.as_str()).map(Arc::clone);
        let Some(answerer) = answerer else {
            return Err(RpcError::new(
                ErrorReason::NotFound,
                format!("the plugin does not answer on channel {:?}", channel.as_str()),
            ));
        };
        // Called inside the future, so that a panic before its first await is caught like any other.
        Ok(Box::pin(async move { answerer(Args(args)).await }))
    }
}
