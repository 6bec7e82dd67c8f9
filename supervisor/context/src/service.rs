//! `ctx.service`: calls, subscriptions and events of services, on their way to the broker and from it.
//!
//! Called by the dispatch in [`crate::process`]. Must not know who provides what.

use outboard_broker::{Broker, Consumer, Provider};
use outboard_protocol::context::service::{AskParams, EmitParams, ReplyParams};
use outboard_protocol::handshake::Empty;
use outboard_protocol::methods::{
    Request, ServiceAsk, ServiceCall, ServiceEmit, ServiceReply, ServiceSubscribe, ServiceUnsubscribe,
};
use outboard_protocol::{PluginId, RpcError};
use serde_json::value::RawValue;

use crate::reply::{Reply, owned_params, params, to_raw};

/// Calls a service. Where its provider is up, it has been asked when this returns.
pub(crate) fn answer_call(consumer: &Consumer, raw: Option<&RawValue>) -> Reply {
    match params(ServiceCall::NAME, raw) {
        Ok(call) => Reply::Later(consumer.call(call)),
        Err(error) => Reply::Now(Err(error)),
    }
}

pub(crate) fn answer_subscribe(consumer: &Consumer, raw: Option<&RawValue>) -> Reply {
    let wanted = owned_params::<ServiceSubscribe>(raw);
    Reply::now(wanted.and_then(|wanted| consumer.subscribe(&wanted)).map(|()| Empty {}))
}

pub(crate) fn answer_unsubscribe(consumer: &Consumer, raw: Option<&RawValue>) -> Reply {
    let wanted = owned_params::<ServiceUnsubscribe>(raw);
    Reply::now(wanted.map(|wanted| consumer.unsubscribe(&wanted)).map(|()| Empty {}))
}

/// A provider's question to one consumer. It waits for the consumer when this returns.
pub(crate) fn answer_ask(broker: &Broker, id: &PluginId, raw: Option<&RawValue>) -> Reply {
    let asked = params::<AskParams>(ServiceAsk::NAME, raw);
    match asked.and_then(|asked| broker.ask(&Provider::Plugin(id.clone()), asked)) {
        Ok(answer) => Reply::Later(Box::pin(async move { Ok(to_raw(&answer.await)) })),
        Err(error) => Reply::Now(Err(error)),
    }
}

/// An event of a provider.
pub(crate) fn emit(broker: &Broker, id: &PluginId, raw: Option<&RawValue>) -> Result<(), RpcError> {
    broker.emit(&Provider::Plugin(id.clone()), params::<EmitParams>(ServiceEmit::NAME, raw)?)
}

/// A consumer's answer to an event that asked for one.
pub(crate) fn reply(consumer: &Consumer, raw: Option<&RawValue>) -> Result<(), RpcError> {
    consumer.reply(params::<ReplyParams>(ServiceReply::NAME, raw)?);
    Ok(())
}
