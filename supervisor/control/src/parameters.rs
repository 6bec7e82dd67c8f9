//! From JSON-RPC parameters to types, and from our errors to JSON-RPC's.

use jsonrpsee::types::{ErrorObjectOwned, Params};
use outboard_protocol::control::method;
use outboard_protocol::{ErrorReason, RpcError};
use serde::de::DeserializeOwned;

/// Methods whose parameters hold secrets. A mistake in them is told by its place: other words would quote what stands there.
const WITH_SECRETS: [&str; 2] = [method::AUTH_SET, method::AIRLINE_SET];

/// Reads a method's parameters: one object; none at all counts as an empty one.
///
/// # Errors
/// `invalid_params`, with the member that is wrong.
pub(super) fn read<T: DeserializeOwned>(called: &str, params: &Params<'_>) -> Result<T, ErrorObjectOwned> {
    let text = params.as_str().filter(|text| !text.trim().is_empty()).unwrap_or("{}");
    serde_json::from_str(text).map_err(|error| {
        let why = if WITH_SECRETS.contains(&called) {
            format!("line {}, column {}", error.line(), error.column())
        } else {
            error.to_string()
        };
        let message =
            format!("the parameters of `{called}` are one object, and this one does not fit: {why}");
        to_wire(RpcError::new(ErrorReason::InvalidParams, message))
    })
}

/// An error as it goes over the wire, `data` included.
pub(super) fn to_wire(error: RpcError) -> ErrorObjectOwned {
    ErrorObjectOwned::owned(error.code, error.message, error.data)
}
