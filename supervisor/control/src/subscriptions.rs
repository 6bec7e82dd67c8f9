//! The subscriptions: log records, what plugins push to their UIs, and what a host application may act upon.
//!
//! Each reads from a bounded queue of its own and ends with its client. A client that is too slow is told what it lost, or is
//! cut off; it delays nobody.

use std::sync::Arc;

use jsonrpsee::core::{RegisterMethodError, SubscriptionError};
use jsonrpsee::server::{PendingSubscriptionSink, SubscriptionSink};
use jsonrpsee::types::Params;
use jsonrpsee::{Extensions, RpcModule};
use outboard_host::Host;
use outboard_protocol::control::{BusEvent, HostEvent, LogsParams, PluginParams, method};
use outboard_protocol::{ErrorReason, PluginId, RpcError};
use outboard_services::CutOff;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::error::RecvError;

use super::{methods, parameters};

/// Ends with `Err` when the client is to be told that nothing more comes.
type Ended = Result<(), SubscriptionError>;

/// Registers every subscription.
pub(super) fn register(module: &mut RpcModule<Host>) -> Result<(), RegisterMethodError> {
    module.register_subscription(
        method::LOGS_SUBSCRIBE,
        method::LOGS_RECORD,
        method::LOGS_UNSUBSCRIBE,
        logs,
    )?;
    module.register_subscription(
        method::EVENTS_SUBSCRIBE,
        method::EVENTS_EVENT,
        method::EVENTS_UNSUBSCRIBE,
        events,
    )?;
    module.register_subscription(
        method::HOST_SUBSCRIBE,
        method::HOST_EVENT,
        method::HOST_UNSUBSCRIBE,
        host_events,
    )?;
    Ok(())
}

/// The latest records, then those that come: none twice, none left out.
async fn logs(
    params: Params<'static>,
    pending: PendingSubscriptionSink,
    host: Arc<Host>,
    _: Extensions,
) -> Ended {
    let followed = match parameters::read::<LogsParams>(method::LOGS_SUBSCRIBE, &params) {
        Ok(wanted) => match methods::logged(&host, &wanted).await {
            Ok(()) => host.services().logs.follow(wanted).await.map_err(parameters::to_wire),
            Err(unknown) => Err(parameters::to_wire(unknown)),
        },
        Err(error) => Err(error),
    };
    let (latest, coming) = match followed {
        Ok(followed) => followed,
        Err(error) => return refuse(pending, error).await,
    };
    let Ok(sink) = pending.accept().await else { return Ok(()) };
    for record in &latest {
        if !send(&sink, record).await {
            return Ok(());
        }
    }
    loop {
        let record = tokio::select! {
            () = sink.closed() => return Ok(()),
            record = coming.next() => record,
        };
        let Some(record) = record else { return Err("the logs are closed".into()) };
        if !send(&sink, &record).await {
            return Ok(());
        }
    }
}

/// What a plugin pushes to its UIs, for the plugins of this moment and later ones of the same id.
async fn events(
    params: Params<'static>,
    pending: PendingSubscriptionSink,
    host: Arc<Host>,
    _: Extensions,
) -> Ended {
    let id = match parameters::read::<PluginParams>(method::EVENTS_SUBSCRIBE, &params) {
        Ok(PluginParams { id }) => id,
        Err(error) => return refuse(pending, error).await,
    };
    if let Err(unknown) = host.why(id.as_str()) {
        return refuse(pending, parameters::to_wire(unknown)).await;
    }
    let coming = host.services().bus.subscribe(&id);
    let Ok(sink) = pending.accept().await else { return Ok(()) };
    loop {
        let frame = tokio::select! {
            () = sink.closed() => return Ok(()),
            frame = coming.next() => frame,
        };
        let frame = frame.map_err(|CutOff| SubscriptionError::from(too_slow(&id)))?;
        if let Some(event) = event(&frame)
            && !send(&sink, &event).await
        {
            return Ok(());
        }
    }
}

/// The bus speaks to UIs, which also get changes of the configuration; those are left out here.
fn event(frame: &[u8]) -> Option<BusEvent> {
    #[derive(Deserialize)]
    struct Frame {
        #[serde(rename = "type")]
        kind: String,
        #[serde(flatten)]
        rest: serde_json::Value,
    }
    let frame: Frame = serde_json::from_slice(frame).ok()?;
    if frame.kind != "event" {
        return None;
    }
    serde_json::from_value(frame.rest).ok()
}

/// State changes, and what needs the user.
async fn host_events(
    _: Params<'static>,
    pending: PendingSubscriptionSink,
    host: Arc<Host>,
    _: Extensions,
) -> Ended {
    let mut coming = host.events();
    let Ok(sink) = pending.accept().await else { return Ok(()) };
    loop {
        let event = tokio::select! {
            () = sink.closed() => return Ok(()),
            event = coming.recv() => event,
        };
        let event = match event {
            Ok(event) => event,
            Err(RecvError::Lagged(count)) => HostEvent::Lost { count },
            Err(RecvError::Closed) => return Err("the supervisor is shutting down".into()),
        };
        if !send(&sink, &event).await {
            return Ok(());
        }
    }
}

async fn refuse(pending: PendingSubscriptionSink, error: jsonrpsee::types::ErrorObjectOwned) -> Ended {
    pending.reject(error).await;
    Ok(())
}

/// Whether the client is still there.
async fn send(sink: &SubscriptionSink, item: &impl Serialize) -> bool {
    let text = serde_json::value::to_raw_value(item).expect("INVARIANT: the items are structs of JSON types");
    sink.send(text).await.is_ok()
}

fn too_slow(id: &PluginId) -> String {
    RpcError::new(
        ErrorReason::LimitExceeded,
        format!("events of {id} were not read fast enough, and the rest is lost"),
    )
    .message
}
