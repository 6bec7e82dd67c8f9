//! From JSON-RPC parameters to types, and from our errors to JSON-RPC's.

use jsonrpsee::types::{ErrorObjectOwned, Params};
use outboard_protocol::{ErrorReason, RpcError};
use serde::de::DeserializeOwned;

/// Reads a method's parameters: one object; none at all counts as an empty one.
///
/// # Errors
/// `invalid_params`, with the member that is wrong.
pub(super) fn read<T: DeserializeOwned>(method: &str, params: &Params<'_>) -> Result<T, ErrorObjectOwned> {
    let text = params.as_str().filter(|text| !text.trim().is_empty()).unwrap_or("{}");
    serde_json::from_str(text).map_err(|error| {
        let message =
            format!("the parameters of `{method}` are one object, and this one does not fit: {error}");
        to_wire(RpcError::new(ErrorReason::InvalidParams, message))
    })
}

/// An error as it goes over the wire, `data` included.
pub(super) fn to_wire(error: RpcError) -> ErrorObjectOwned {
    ErrorObjectOwned::owned(error.code, error.message, error.data)
}
