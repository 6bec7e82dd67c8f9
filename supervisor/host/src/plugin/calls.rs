//! The host calls that carry a plugin through its life, each as a future that ends in a fact.
//!
//! Made by `effects`. A call that ends with its process says nothing: the exit is reported on its own.

use std::time::Duration;

use outboard_lifecycle::{Fact, StopReason as Reason};
use outboard_protocol::handshake::{
    Empty, HostInfo, HttpInfo, InitializeParams, InitializeResult, PluginInfo, ResumeParams, StopParams,
    StopReason,
};
use outboard_protocol::methods::{Initialize, Ping, Request, Resume, Start, Stop};
use outboard_protocol::{ErrorReason, RpcError, version};
use serde_json::value::RawValue;

use super::launch::LaunchOptions;
use super::unaware;
use crate::discovery::Installed;
use crate::session::{CallError, Session};

/// The state machine's deadline ends a call; the call's own limit stands behind it, so that neither can be forgotten.
const BEHIND: Duration = Duration::from_secs(1);

/// Longest part of a plugin's error message that is kept as a cause, in characters.
const MESSAGE_MAX: usize = 2000;
/// How many of the versions that a plugin says it speaks are shown.
const VERSIONS_SHOWN: usize = 32;

pub(super) fn initialize_params(installed: &Installed, launch: &LaunchOptions) -> InitializeParams {
    let id = installed.id();
    InitializeParams {
        protocol_versions: version::SUPPORTED.to_vec(),
        host: HostInfo { name: "outboard".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
        plugin: PluginInfo {
            id: id.clone(),
            version: installed.version(),
            install_dir: installed.folder.display().to_string(),
            data_dir: launch.plugin_data_dir(installed).display().to_string(),
        },
        http: HttpInfo { base_url: launch.base_url.load().to_string(), prefix: format!("/api/{id}") },
        features: Vec::new(),
    }
}

/// The handshake. `Err`: no common protocol version, or no sensible answer; the sentence says which.
pub(super) async fn initialize(
    session: Session,
    params: InitializeParams,
    limit: Duration,
) -> Option<Result<InitializeResult, String>> {
    let answer = session.call_told(Initialize::NAME, params, limit + BEHIND).await;
    match answer {
        Ok(result) => Some(check_handshake(&result)),
        Err(CallError::Answered { error, .. }) => {
            let versions = versions_of(&error);
            // A list that has a version of ours is not a reason to refuse; what the plugin says will be one.
            let apart = versions.and_then(|theirs| version::negotiate(version::SUPPORTED, &theirs).err());
            let apart = apart.map(|error| format!(" ({error})")).unwrap_or_default();
            Some(Err(format!("it refused the handshake: {}{apart}", sentence(&error))))
        }
        Err(
            CallError::Timeout { .. }
            | CallError::Closed { .. }
            | CallError::Overloaded { .. }
            | CallError::Unfit { .. },
        ) => None,
    }
}

/// The versions that a plugin says it speaks, where it refuses those on offer.
fn versions_of(error: &RpcError) -> Option<Vec<u32>> {
    let versions = error.data.as_ref()?.details.get("protocolVersions")?.as_array()?;
    versions.iter().take(VERSIONS_SHOWN).map(|version| version.as_u64()?.try_into().ok()).collect()
}

fn check_handshake(result: &RawValue) -> Result<InitializeResult, String> {
    let answer: InitializeResult = serde_json::from_str(result.get())
        .map_err(|error| format!("its answer to initialize is not of the protocol's shape: {error}"))?;
    version::negotiate(version::SUPPORTED, &[answer.protocol_version]).map_err(|error| error.to_string())?;
    Ok(answer)
}

pub(super) async fn start(session: Session, limit: Duration) -> Option<Fact> {
    started(session.call_told(Start::NAME, Empty {}, limit + BEHIND).await)
}

pub(super) async fn resume(session: Session, from_version: String, limit: Duration) -> Option<Fact> {
    started(session.call_told(Resume::NAME, ResumeParams { from_version }, limit + BEHIND).await)
}

fn started(answer: Result<Box<RawValue>, CallError>) -> Option<Fact> {
    match answer {
        Ok(_) => Some(Fact::StartOk),
        Err(CallError::Answered { error, .. }) => Some(Fact::StartRejected { why: sentence(&error) }),
        Err(
            CallError::Timeout { .. }
            | CallError::Closed { .. }
            | CallError::Overloaded { .. }
            | CallError::Unfit { .. },
        ) => None,
    }
}

/// Whatever the answer is, onStop is over. What the plugin's error says is given back, where it answered with one.
pub(super) async fn stop(session: Session, reason: Reason, limit: Duration) -> Option<String> {
    let reason = match reason {
        Reason::Stop => StopReason::Stopped,
        Reason::Restart | Reason::ManifestChanged => StopReason::Restart,
        Reason::Update => StopReason::Update,
        Reason::Shutdown => StopReason::Shutdown,
        Reason::Removed => StopReason::Removed,
    };
    match session.call(Stop::NAME, StopParams { reason }, limit + BEHIND).await {
        // A plugin without the method has nothing to do when it is stopped.
        Err(CallError::Answered { error, .. }) if error.reason() == Some(ErrorReason::MethodNotFound) => None,
        Err(CallError::Answered { error, .. }) => Some(sentence(&error)),
        _ => None,
    }
}

pub(super) async fn ping(session: Session, limit: Duration) -> Option<Fact> {
    match session.call(Ping::NAME, Empty {}, limit).await {
        Err(CallError::Answered { error, .. }) if unaware::excuses(&error) => Some(Fact::PingExcused),
        // An error is an answer: the plugin's loop turns.
        Ok(_) | Err(CallError::Answered { .. }) => Some(Fact::Pong),
        Err(CallError::Timeout { .. } | CallError::Overloaded { .. } | CallError::Unfit { .. }) => {
            Some(Fact::PingUnanswered)
        }
        Err(CallError::Closed { .. }) => None,
    }
}

/// What a plugin's error says, with the place where an SDK tells one.
fn sentence(error: &RpcError) -> String {
    let stack =
        error.data.as_ref().and_then(|data| data.details.get("stack")).and_then(|stack| stack.as_str());
    let mut said: String = error.message.chars().take(MESSAGE_MAX).collect();
    if let Some(stack) = stack.filter(|stack| !stack.is_empty()) {
        let stack = stack.strip_prefix(&said).unwrap_or(stack);
        said.push('\n');
        said.extend(stack.trim_start_matches('\n').chars().take(MESSAGE_MAX));
    }
    said
}
