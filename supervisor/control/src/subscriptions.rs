//! The subscriptions: log records, what plugins push to their UIs, what a host application may act upon, and the services that it
//! provides.
//!
//! Each reads from a bounded queue of its own and ends with its client. A client that is too slow is told what it lost, or is
//! cut off; it delays nobody. A row of the table that is not answered here does not compile.

use std::future::Future;
use std::sync::Arc;

use jsonrpsee::RpcModule;
use jsonrpsee::core::{RegisterMethodError, SubscriptionError};
use jsonrpsee::server::{PendingSubscriptionSink, SubscriptionSink};
use outboard_host::Host;
use outboard_protocol::control::methods::{self as table, Subscription, SubscriptionName};
use outboard_protocol::control::{BusEvent, HostEvent, LogsParams, NoParams, PluginParams, ProvideParams};
use outboard_protocol::{ErrorReason, PluginId, RpcError};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::error::RecvError;

use super::parameters;
use super::providers::Providers;

/// Ends with `Err` when the client is to be told that nothing more comes.
type Ended = Result<(), SubscriptionError>;

type Registered = Result<(), RegisterMethodError>;

/// Registers every subscription of the table.
pub(super) fn register(module: &mut RpcModule<Host>, providers: &Providers) -> Registered {
    SubscriptionName::ALL.iter().try_for_each(|name| match name {
        SubscriptionName::LogRecords => on::<table::LogRecords, _, _>(module, logs),
        SubscriptionName::BusEvents => on::<table::BusEvents, _, _>(module, events),
        SubscriptionName::HostEvents => on::<table::HostEvents, _, _>(module, host_events),
        SubscriptionName::Provided => {
            let providers = providers.clone();
            on::<table::Provided, _, _>(module, move |_, wanted, pending| {
                provide(providers.clone(), wanted, pending)
            })
        }
    })
}

/// Registers one subscription: parameters in, items or one error out.
fn on<S, F, Fut>(module: &mut RpcModule<Host>, tell: F) -> Registered
where
    S: Subscription<Params: Send>,
    F: Fn(Host, S::Params, PendingSubscriptionSink) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Ended> + Send,
{
    module.register_subscription(
        S::NAME,
        S::NOTIFICATION,
        S::UNSUBSCRIBE,
        move |params, pending, host: Arc<Host>, _| {
            let tell = tell.clone();
            async move {
                match parameters::read::<S::Params>(S::NAME, &params) {
                    Ok(params) => tell(Host::clone(&host), params, pending).await,
                    Err(error) => refuse(pending, error).await,
                }
            }
        },
    )?;
    Ok(())
}

/// The latest records, then those that come: none twice, none left out.
async fn logs(host: Host, wanted: LogsParams, pending: PendingSubscriptionSink) -> Ended {
    let (latest, coming) = match host.follow_logs(wanted).await {
        Ok(followed) => followed,
        Err(error) => return refuse(pending, parameters::to_wire(error)).await,
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
async fn events(host: Host, PluginParams { id }: PluginParams, pending: PendingSubscriptionSink) -> Ended {
    let coming = match host.bus_of(&id) {
        Ok(coming) => coming,
        Err(unknown) => return refuse(pending, parameters::to_wire(unknown)).await,
    };
    let Ok(sink) = pending.accept().await else { return Ok(()) };
    loop {
        let frame = tokio::select! {
            () = sink.closed() => return Ok(()),
            frame = coming.next() => frame,
        };
        // An error means that it was cut off.
        let frame = frame.map_err(|_| SubscriptionError::from(too_slow(&id)))?;
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
async fn host_events(host: Host, NoParams {}: NoParams, pending: PendingSubscriptionSink) -> Ended {
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

/// A service, provided for as long as this goes on.
async fn provide(providers: Providers, params: ProvideParams, pending: PendingSubscriptionSink) -> Ended {
    let mut provision = match providers.provide(pending.connection_id().0, params) {
        Ok(provision) => provision,
        Err(error) => return refuse(pending, parameters::to_wire(error)).await,
    };
    let Ok(sink) = pending.accept().await else { return Ok(()) };
    loop {
        let item = tokio::select! {
            () = sink.closed() => return Ok(()),
            item = provision.next() => item,
        };
        let Some(item) = item else { return Ok(()) };
        if !send(&sink, &item).await {
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
