//! Where a plugin is in its life, as the host has led it: initialized, started, stopped; and the author's hooks.
//!
//! Asked by the dispatcher, which does the reading, spawning and answering. Must not know the transport.

use std::sync::Arc;

use outboard_protocol::handshake::{Empty, Hook, InitializeParams, InitializeResult, SdkInfo};
use outboard_protocol::version;
use outboard_protocol::{RpcError, error::ErrorReason};

use super::{Boxed, Session};
use crate::context::Context;
use crate::failure::{CallError, Failure};

/// A hook as it is kept.
pub(crate) type HookFn = Box<dyn FnOnce(Context) -> Boxed<Result<(), Failure>> + Send>;

/// What the author wrote.
#[derive(Default)]
pub(crate) struct Hooks {
    pub(crate) on_start: Option<HookFn>,
    pub(crate) on_stop: Option<HookFn>,
    pub(crate) on_resume: Option<HookFn>,
}

/// Where the plugin is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Fresh,
    Initialized,
    Starting,
    Running,
    Over,
}

/// The plugin's life.
pub(crate) struct Lifecycle {
    hooks: Hooks,
    phase: Phase,
    context: Option<Context>,
}

/// Work that a lifecycle call asks for.
pub(crate) type Work = Boxed<Result<Empty, RpcError>>;

impl Lifecycle {
    pub(crate) fn new(hooks: Hooks) -> Self {
        Self { hooks, phase: Phase::Fresh, context: None }
    }

    /// `initialize`.
    pub(crate) fn initialize(
        &mut self,
        session: &Arc<Session>,
        params: InitializeParams,
    ) -> Result<InitializeResult, RpcError> {
        if self.phase != Phase::Fresh {
            return Err(out_of_order("initialize was answered before; it comes once"));
        }
        let protocol_version =
            version::negotiate(&params.protocol_versions, version::SUPPORTED).map_err(|incompatible| {
                RpcError::new(ErrorReason::Conflict, incompatible.to_string())
                    .with("protocolVersions", version::SUPPORTED)
            })?;
        self.phase = Phase::Initialized;
        self.context = Some(Context::new(session, params.plugin, params.http));
        Ok(InitializeResult {
            protocol_version,
            sdk: Some(SdkInfo {
                name: env!("CARGO_PKG_NAME").to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                language: "rust".to_owned(),
            }),
            hooks: self.declared(),
            features: Vec::new(),
        })
    }

    fn declared(&self) -> Vec<Hook> {
        let mut hooks = vec![Hook::OnStart, Hook::OnStop];
        if self.hooks.on_resume.is_some() {
            hooks.push(Hook::OnResume);
        }
        hooks
    }

    /// `start`, or `resume` when it gives the version that ran before.
    pub(crate) fn start(
        &mut self,
        session: &Arc<Session>,
        resumed_from: Option<String>,
    ) -> Result<Work, RpcError> {
        let context = match (self.phase, &self.context) {
            (Phase::Initialized, Some(context)) => context.clone(),
            (Phase::Fresh, _) => return Err(out_of_order("initialize comes first")),
            _ => return Err(out_of_order("the plugin was started before; start or resume comes once")),
        };
        let hook = match &resumed_from {
            Some(_) => self.hooks.on_resume.take().or_else(|| self.hooks.on_start.take()),
            None => self.hooks.on_start.take(),
        };
        context.set_resumed_from(resumed_from);
        self.phase = Phase::Starting;
        let session = Arc::clone(session);
        Ok(Box::pin(async move {
            if let Some(hook) = hook {
                hook(context).await.map_err(Failure::into_rpc)?;
            }
            session.registrations.settle().await.map_err(refused_registration)?;
            Ok(Empty {})
        }))
    }

    /// The start has ended.
    pub(crate) fn started(&mut self, ok: bool) {
        if self.phase == Phase::Starting {
            self.phase = if ok { Phase::Running } else { Phase::Over };
        }
    }

    /// `stop`, or the end of the conversation without one.
    pub(crate) fn stop(&mut self) -> Option<Work> {
        let was = std::mem::replace(&mut self.phase, Phase::Over);
        let hook = self.hooks.on_stop.take()?;
        let context = self.context.clone()?;
        matches!(was, Phase::Running | Phase::Starting).then(|| -> Work {
            Box::pin(async move {
                hook(context).await.map_err(Failure::into_rpc)?;
                Ok(Empty {})
            })
        })
    }
}

fn out_of_order(message: &str) -> RpcError {
    RpcError::new(ErrorReason::Conflict, message)
}

/// A refused registration fails the start under the host's own words and code.
fn refused_registration(error: CallError) -> RpcError {
    match error {
        CallError::Refused { method, error } => {
            RpcError { message: format!("{method}: {}", error.message), ..error }
        }
        other => Failure::from(other).into_rpc(),
    }
}
