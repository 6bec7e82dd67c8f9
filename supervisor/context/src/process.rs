//! The context as one process of a plugin sees them: every context call comes in here.
//!
//! Made by the host, one for each generation, dropped at its end. Who asks is known from this value alone; nothing in a
//! call's parameters can say otherwise. Must not know pipes, pids or ids of calls.

use std::path::PathBuf;
use std::sync::Arc;

use outboard_broker::Consumer;
use outboard_protocol::context::logger::LogLevel;
use outboard_protocol::handshake::Empty;
use outboard_protocol::id::Channel;
use outboard_protocol::methods::{self, ContextCall, ContextNotice, Request, SharedCall};
use outboard_protocol::settings::Setting;
use outboard_protocol::{ErrorReason, PluginId, RpcError};
use serde_json::value::RawValue;

use crate::context::Context;
use crate::ipc::{self, Channels};
use crate::logger::NewRecord;
use crate::reply::{Reply, owned_params};
use crate::service;

/// Who a process is.
#[derive(Debug, Clone)]
pub struct ProcessIdentity {
    /// Whose process it is.
    pub id: PluginId,
    /// Which of its processes, counted from 1.
    pub generation: u64,
    /// The plugin's own folder, absolute; made on first use.
    pub data_dir: PathBuf,
    /// What the manifest declares.
    pub settings: Arc<[Setting]>,
}

/// The context for one process.
pub struct ProcessContext {
    context: Context,
    identity: ProcessIdentity,
    channels: Channels,
    consumer: Arc<Consumer>,
}

impl Context {
    /// The context as one process sees them.
    pub fn for_process(&self, identity: ProcessIdentity) -> Arc<ProcessContext> {
        Arc::new(ProcessContext::new(self.clone(), identity))
    }
}

impl ProcessContext {
    fn new(context: Context, identity: ProcessIdentity) -> Self {
        context.config.declare(&identity.id, Arc::clone(&identity.settings));
        context.bus.restarted(&identity.id, identity.generation);
        let consumer = Arc::new(context.broker.consumer(identity.id.clone()));
        Self { context, identity, channels: Channels::default(), consumer }
    }

    /// Who the process is.
    pub fn identity(&self) -> &ProcessIdentity {
        &self.identity
    }

    /// Answers a request. What has an effect has been queued when this returns, so that the order of calls is the order of
    /// effects, whenever the replies are awaited.
    pub fn request(&self, method: &str, params: Option<&RawValue>) -> Reply {
        let (context, id) = (&self.context, &self.identity.id);
        let Some(call) = ContextCall::named(method) else {
            return match SharedCall::named(method) {
                Some(SharedCall::ServiceCall) => service::answer_call(&self.consumer, params),
                None => Reply::Now(Err(unknown(method))),
            };
        };
        match call {
            ContextCall::ConfigGet => context.config.answer_get(id, params),
            ContextCall::ConfigSet => context.config.answer_set(id, params),
            ContextCall::ConfigDelete => context.config.answer_delete(id, params),
            ContextCall::ConfigGetAll => {
                Self::without_params::<methods::ConfigGetAll>(params, || context.config.answer_get_all(id))
            }
            ContextCall::IpcHandle => self.channels.answer_handle(params),
            ContextCall::IpcRemoveHandler => self.channels.answer_remove_handler(params),
            ContextCall::AuthIsAuthenticated => {
                Self::without_params::<methods::AuthIsAuthenticated>(params, || {
                    context.auth.answer_is_authenticated()
                })
            }
            ContextCall::AuthGetToken => {
                Self::without_params::<methods::AuthGetToken>(params, || context.auth.answer_get_token())
            }
            ContextCall::AirlineGetCurrent => {
                Self::without_params::<methods::AirlineGetCurrent>(params, || {
                    context.airline.answer_get_current()
                })
            }
            ContextCall::AirlineRefresh => context.airline.answer_refresh(params),
            ContextCall::AirlineRequest => context.airline.answer_request(params),
            ContextCall::DatabaseOpen => context.databases.answer_open(id, &self.identity.data_dir, params),
            ContextCall::ServerRegister => context.prefixes.answer_register(&context.broker, id, params),
            ContextCall::ServerUnregister => context.prefixes.answer_unregister(id, params),
            ContextCall::ServiceSubscribe => service::answer_subscribe(&self.consumer, params),
            ContextCall::ServiceUnsubscribe => service::answer_unsubscribe(&self.consumer, params),
            ContextCall::ServiceAsk => service::answer_ask(&context.broker, id, params),
        }
    }

    /// Whether a call of this method may take time, for which a place is needed among those that are worked on.
    pub fn takes_time(method: &str) -> bool {
        let shared = SharedCall::named(method).is_some_and(|call| match call {
            SharedCall::ServiceCall => true,
        });
        let own = ContextCall::named(method).is_some_and(|call| match call {
            ContextCall::ConfigSet
            | ContextCall::ConfigDelete
            | ContextCall::AirlineRefresh
            | ContextCall::AirlineRequest
            | ContextCall::DatabaseOpen
            | ContextCall::ServerRegister
            | ContextCall::ServerUnregister
            | ContextCall::ServiceAsk => true,
            ContextCall::ConfigGet
            | ContextCall::ConfigGetAll
            | ContextCall::IpcHandle
            | ContextCall::IpcRemoveHandler
            | ContextCall::AuthIsAuthenticated
            | ContextCall::AuthGetToken
            | ContextCall::AirlineGetCurrent
            | ContextCall::ServiceSubscribe
            | ContextCall::ServiceUnsubscribe => false,
        });
        own || shared
    }

    /// Takes a notification. Never waits and never fails; what cannot be understood becomes a record in the plugin's log.
    pub fn notify(&self, method: &str, params: Option<&RawValue>) {
        let ProcessIdentity { id, generation, .. } = &self.identity;
        let outcome = match ContextNotice::named(method) {
            Some(ContextNotice::Log) => {
                self.context.logs.notify(id, *generation, params);
                Ok(())
            }
            Some(ContextNotice::IpcSend) => ipc::send(&self.context.bus, id, *generation, params),
            Some(ContextNotice::ServiceEmit) => service::emit(&self.context.broker, id, params),
            Some(ContextNotice::ServiceReply) => service::reply(&self.consumer, params),
            None => Err(unknown(method)),
        };
        if let Err(error) = outcome {
            let message = format!("a notification had no or not its full effect: {error}");
            self.context.logs.record(NewRecord::about(id, *generation, LogLevel::Warn, message));
        }
    }

    /// The process as one that uses services: what waits for it is taken from here.
    pub fn consumer(&self) -> &Arc<Consumer> {
        &self.consumer
    }

    /// Whether this process answers `ipc.invoke` on the channel.
    pub fn handles(&self, channel: &Channel) -> bool {
        self.channels.contains(channel)
    }

    fn without_params<M: Request<Params = Empty>>(
        params: Option<&RawValue>,
        answer: impl FnOnce() -> Reply,
    ) -> Reply {
        match owned_params::<M>(params) {
            Ok(Empty {}) => answer(),
            Err(error) => Reply::Now(Err(error)),
        }
    }
}

fn unknown(method: &str) -> RpcError {
    const SHOWN: usize = 80;
    let shown: String = method.chars().take(SHOWN).collect();
    let what = match methods::find(method) {
        Some(_) => format!("{shown} is not a call that a plugin makes in this form"),
        None => format!("there is no method {shown:?}"),
    };
    RpcError::new(ErrorReason::MethodNotFound, what)
}
