//! From JSON-RPC parameters to types, and from our errors to JSON-RPC's.
//!
//! Must not know any method but those whose parameters hold secrets.

use std::borrow::Cow;

use jsonrpsee::types::{ErrorObjectOwned, Params};
use outboard_protocol::control::methods::{AirlineSet, AuthSet, Call};
use outboard_protocol::{ErrorReason, RpcError};
use serde::de::DeserializeOwned;

/// Calls whose parameters hold secrets. A mistake in them is told without what stands there.
const WITH_SECRETS: [&str; 2] = [AuthSet::NAME, AirlineSet::NAME];

/// How much is said of what is wrong, in characters: more than any sentence of ours, with what was met quoted in it.
const SAID_MAX: usize = 500;

/// Reads a method's parameters: one object; none at all counts as an empty one.
///
/// # Errors
/// `invalid_params`, with the member that is wrong, missing or not known.
pub(super) fn read<T: DeserializeOwned>(called: &str, params: &Params<'_>) -> Result<T, ErrorObjectOwned> {
    let text = params.as_str().map(str::trim).filter(|text| !["", "null"].contains(text)).unwrap_or("{}");
    let refused = |why: &str| to_wire(invalid(called, why));
    // By their place they would mean something else with the next member that is added.
    if text.starts_with('[') {
        return Err(refused(
            "they are one object, whose members are known by their names, and this is an array",
        ));
    }
    serde_json::from_str(text).map_err(|first| {
        // Read once more, to find the place; what is in order is read but once.
        let mut reader = serde_json::Deserializer::from_str(text);
        let again = serde_path_to_error::deserialize::<_, T>(&mut reader).err();
        let place = again.map(|error| error.path().to_string()).filter(|place| place != ".");
        let said = first.to_string();
        // serde_json's place in the text means nothing to whoever passed an object.
        let said = said.rfind(" at line ").map_or(said.as_str(), |at| &said[..at]);
        if WITH_SECRETS.contains(&called) {
            refused(&discreet(place, said))
        } else {
            refused(&plain(place, said))
        }
    })
}

fn plain(place: Option<String>, said: &str) -> String {
    match place {
        // The sentence names the member by itself.
        Some(place) if !said.contains(&format!("`{place}`")) => format!("`{place}`: {said}"),
        _ => said.to_owned(),
    }
}

/// What is wrong, in our own words alone: serde's sentences quote what they met, and that may be a secret in the wrong place.
fn discreet(place: Option<String>, said: &str) -> String {
    if said.starts_with("missing field ") {
        return said.to_owned();
    }
    let expected = said.rsplit_once(", expected ").map(|(_, expected)| format!("; expected {expected}"));
    let expected = expected.unwrap_or_default();
    if said.starts_with("unknown field ") {
        return format!("a member is not known{expected}");
    }
    match place {
        Some(place) => format!("`{place}` is not what it has to be{expected}"),
        None => format!("this is not what it has to be{expected}"),
    }
}

fn invalid(called: &str, why: &str) -> RpcError {
    RpcError::new(ErrorReason::InvalidParams, format!("parameters of {called}: {}", cut(why)))
}

/// serde quotes what it met, which may be as long as a question.
fn cut(why: &str) -> Cow<'_, str> {
    match why.char_indices().nth(SAID_MAX) {
        Some((at, _)) => format!("{}…", &why[..at]).into(),
        None => why.into(),
    }
}

/// An error as it goes over the wire, `data` included.
pub(super) fn to_wire(error: RpcError) -> ErrorObjectOwned {
    ErrorObjectOwned::owned(error.code, error.message, error.data)
}
