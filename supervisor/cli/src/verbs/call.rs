//! `outboard call ID CHANNEL [JSON]…`: asks a plugin as its UI does, and prints the answer.

use outboard_protocol::control::InvokeParams;
use outboard_protocol::control::methods::Invoke;
use serde_json::Value;

use super::{json_or_string, plugin_id};
use crate::arguments::CallArguments;
use crate::client::Client;
use crate::failure::{Failure, Outcome};
use crate::render::Screen;
use crate::settings::Settings;

/// Calls. The supervisor bounds the wait: by --timeout where given, else by its own setting for host calls.
pub(super) async fn run(
    client: &Client,
    screen: &mut Screen,
    settings: &Settings,
    call: CallArguments,
) -> Outcome {
    let mut args = Vec::new();
    for arg in &call.args {
        let read = serde_json::from_str(json_or_string(arg)?.get());
        args.push(read.map_err(|error| Failure::usage(format!("{arg} cannot be sent: {error}")))?);
    }
    let params = InvokeParams {
        id: plugin_id(&call.id)?,
        channel: call.channel,
        args,
        timeout_ms: settings
            .options
            .timeout
            .map(|timeout| u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX)),
    };
    let deadline = settings.options.common.settings.host_call;
    let answer = client.ask::<Invoke>(&params, deadline).await?;
    let answer: Value = serde_json::from_str(answer.get())
        .map_err(|error| Failure::failed(format!("the answer cannot be shown: {error}")))?;
    screen.json_document(&answer)?;
    Ok(())
}
