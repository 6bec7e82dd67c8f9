//! The client of the control API: finds the supervisor in its runtime folder, proves that we may ask, and asks.
//!
//! Called by every verb that talks with a running supervisor. Every wait is bounded. What may be asked is the table's; must not
//! know any row of it.

use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use jsonrpsee::client_transport::ws::{
    HeaderMap, HeaderValue, Url, WsHandshakeError, WsTransportClientBuilder,
};
use jsonrpsee::core::client::{
    Client as RpcClient, ClientBuilder, ClientT, Error, Subscription as Items, SubscriptionClientT,
};
use jsonrpsee::core::traits::ToRpcParams;
use outboard_control::Credential;
use outboard_protocol::RpcError;
use outboard_protocol::control::methods::{Call, Subscription};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::net::UnixStream;

use crate::failure::{Exit, Failure, Outcome};
use crate::run::SupervisorRecord;
use crate::settings::Settings;

/// For the connection and its greeting: both are local and answered by the supervisor's event loop alone.
const CONNECT_WAIT: Duration = Duration::from_secs(5);
/// For questions that the supervisor answers from what it knows.
pub(crate) const QUESTION_WAIT: Duration = Duration::from_secs(15);
/// For orders: longer than a stop and a start together take with the default deadlines.
pub(crate) const ORDER_WAIT: Duration = Duration::from_secs(120);
/// For a backup: what the supervisor allows itself.
pub(crate) const BACKUP_WAIT: Duration = outboard_context::backup::BACKUP_WAIT;
/// What the supervisor may take beyond a wait that it was told, to say that it ran out.
const MARGIN: Duration = Duration::from_secs(5);
/// Largest answer that is taken: a page of log records with their extras fits many times.
const ANSWER_MAX: u32 = 64 * 1024 * 1024;
/// Items of a subscription that wait to be printed. Beyond it the subscription ends, and that is said.
const SUBSCRIPTION_BUFFER: usize = 8192;

/// Between two tries to reach a supervisor whose socket was removed.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// Permissions that nobody but the owner may have.
const OTHERS: u32 = 0o077;
/// More than this is not a credential.
const CREDENTIAL_MAX: u64 = 128;
/// No planted link is followed, and no planted FIFO waited for.
const CAREFULLY: i32 =
    (rustix::fs::OFlags::NOFOLLOW.bits() | rustix::fs::OFlags::NONBLOCK.bits()).cast_signed();

/// A connection to the supervisor.
pub(crate) struct Client {
    rpc: RpcClient,
    /// What the operator said about waiting.
    timeout: Option<Duration>,
}

impl Client {
    /// Connects to the supervisor of the runtime folder.
    ///
    /// # Errors
    /// [`Exit::NoSupervisor`] when there is none, [`Exit::Refused`] when it is not ours to ask.
    pub(crate) async fn connect(settings: &Settings) -> Outcome<Self> {
        let dir = &settings.runtime_dir;
        ours(dir)?;
        let record = SupervisorRecord::read(dir).map_err(|error| no_record(dir, &error))?;
        let stream = connect_socket(dir, &record).await?;
        let builder = WsTransportClientBuilder::default()
            .set_headers(credential(&record.credential_file)?)
            .connection_timeout(CONNECT_WAIT)
            .max_response_size(ANSWER_MAX);
        let url = Url::parse("ws://outboard/").expect("INVARIANT: the text is a URL");
        let greeting = tokio::time::timeout(CONNECT_WAIT, builder.build_with_stream(url, stream));
        let (sender, receiver) = match greeting.await {
            Ok(done) => done.map_err(|error| not_greeted(dir, &error))?,
            Err(_) => {
                return Err(silent(&format!("the supervisor at {} (pid {})", dir.display(), record.pid)));
            }
        };
        let rpc = ClientBuilder::default()
            .request_timeout(settings.options.timeout.unwrap_or(BACKUP_WAIT) + MARGIN)
            .max_buffer_capacity_per_subscription(SUBSCRIPTION_BUFFER)
            .build_with_tokio(sender, receiver);
        Ok(Self { rpc, timeout: settings.options.timeout })
    }

    /// Asks, and waits as long as the operator said, else as long as this question needs.
    pub(crate) async fn ask<M: Call>(&self, params: &M::Params, wait: Duration) -> Outcome<M::Answer> {
        let wait = self.timeout.unwrap_or(wait);
        let answer = self.rpc.request::<M::Answer, _>(M::NAME, Params::new(params));
        match tokio::time::timeout(wait + MARGIN, answer).await {
            Ok(answer) => answer.map_err(|error| failed(M::NAME, error)),
            Err(_) => Err(unanswered(M::NAME, wait)),
        }
    }

    /// Subscribes.
    pub(crate) async fn subscribe<S: Subscription>(&self, params: &S::Params) -> Outcome<Items<S::Item>> {
        let answer = self.rpc.subscribe::<S::Item, _>(S::NAME, Params::new(params), S::UNSUBSCRIBE);
        match tokio::time::timeout(QUESTION_WAIT, answer).await {
            Ok(answer) => answer.map_err(|error| failed(S::NAME, error)),
            Err(_) => Err(unanswered(S::NAME, QUESTION_WAIT)),
        }
    }

    /// What to say when a subscription has ended without being asked to.
    pub(crate) fn subscription_ended(&self) -> Failure {
        if self.rpc.is_connected() {
            return Failure::failed(
                "the subscription ended: it was not read fast enough; narrow it, or write to a file",
            );
        }
        Failure::new(Exit::NoSupervisor, "the supervisor has stopped")
    }
}

/// Parameters that have been written down already.
struct Params(Result<Box<RawValue>, serde_json::Error>);

impl Params {
    fn new(params: &impl Serialize) -> Self {
        Self(serde_json::value::to_raw_value(params))
    }
}

impl ToRpcParams for Params {
    fn to_rpc_params(self) -> Result<Option<Box<RawValue>>, serde_json::Error> {
        self.0.map(Some)
    }
}

/// Refuses a folder that somebody else made or could change: what we send there is a credential, and then secrets. Root is
/// refused as well, since anybody may have made the folder that root looks into.
fn ours(dir: &Path) -> Outcome {
    let found = std::fs::symlink_metadata(dir).map_err(|error| no_record(dir, &error))?;
    let (me, owner, mode) = (rustix::process::geteuid().as_raw(), found.uid(), found.mode() & 0o7777);
    let shown = dir.display();
    let why = if !found.is_dir() {
        format!(
            "{shown} is not a folder (nor may it be a link to one); name the runtime folder itself with --runtime-dir"
        )
    } else if owner != me {
        format!(
            "the runtime folder {shown} belongs to uid {owner}, and you are uid {me}; run this as that user, or name your \
             own with --runtime-dir"
        )
    } else if mode & OTHERS != 0 {
        format!(
            "the runtime folder {shown} is open to others (mode {mode:04o}), who may have put something into it; restart the \
             supervisor, which looks through it and closes it"
        )
    } else {
        return Ok(());
    };
    Err(Failure::new(Exit::Refused, why))
}

fn no_record(dir: &Path, error: &io::Error) -> Failure {
    let dir = dir.display();
    match error.kind() {
        io::ErrorKind::NotFound => Failure::new(
            Exit::NoSupervisor,
            format!(
                "no supervisor is running at {dir}; start one with `outboard run`, or name its folder with --runtime-dir"
            ),
        ),
        io::ErrorKind::PermissionDenied => Failure::new(
            Exit::Refused,
            format!("you may not look into {dir}; run this as the user who runs the supervisor"),
        ),
        _ => Failure::failed(format!("cannot read what the supervisor wrote to {dir}: {error}")),
    }
}

/// Connects. A supervisor that lives makes a socket again that somebody removed, so for such a one this waits.
async fn connect_socket(dir: &Path, record: &SupervisorRecord) -> Outcome<UnixStream> {
    let socket = dir.join(crate::run::CONTROL_SOCKET);
    let until = Instant::now() + CONNECT_WAIT;
    let error = loop {
        let connecting = tokio::time::timeout(CONNECT_WAIT, UnixStream::connect(&socket));
        let Ok(connected) = connecting.await else { return Err(silent(&socket.display().to_string())) };
        let gone = |error: &io::Error| {
            matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound)
        };
        match connected {
            Ok(stream) => return ours_to_talk_with(stream, &socket),
            Err(error) if gone(&error) && crate::run::is_held(dir) => {
                if Instant::now() >= until {
                    return Err(Failure::new(
                        Exit::NoAnswer,
                        format!(
                            "the supervisor at {} runs (pid {}), but its control socket is gone, and it has not made a new one \
                             within {} s; its log says why, and `kill {}` ends it in good order",
                            dir.display(),
                            record.pid,
                            CONNECT_WAIT.as_secs(),
                            record.keeper_pid.unwrap_or(record.pid),
                        ),
                    ));
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            Err(error) => break error,
        }
    };
    Err(match error.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => Failure::new(
            Exit::NoSupervisor,
            format!(
                "no supervisor is running at {}: the one that was there (pid {}) has gone without cleaning up, and its \
                 socket is stale; `outboard run` clears it and starts anew",
                dir.display(),
                record.pid
            ),
        ),
        io::ErrorKind::PermissionDenied => Failure::new(
            Exit::Refused,
            format!(
                "you may not connect to {}; run this as the user who runs the supervisor",
                socket.display()
            ),
        ),
        _ => Failure::failed(format!("cannot connect to {}: {error}", socket.display())),
    })
}

/// Nothing is sent to a program of somebody else's, wherever its socket lies.
fn ours_to_talk_with(stream: UnixStream, socket: &Path) -> Outcome<UnixStream> {
    let me = rustix::process::geteuid().as_raw();
    match stream.peer_cred() {
        Ok(peer) if peer.uid() == me => Ok(stream),
        peer => {
            let who = peer.map_or_else(
                |error| format!("somebody unknown ({error})"),
                |peer| format!("uid {}", peer.uid()),
            );
            Err(Failure::new(
                Exit::Refused,
                format!("{} is served by {who}, and you are uid {me}; nothing was sent", socket.display()),
            ))
        }
    }
}

fn credential(file: &Path) -> Outcome<HeaderMap> {
    let refuse = |why: String| {
        Failure::new(
            Exit::Refused,
            format!(
                "cannot use the credential in {}: {why}; run this as the user who runs the supervisor",
                file.display()
            ),
        )
    };
    let opened = std::fs::OpenOptions::new().read(true).custom_flags(CAREFULLY).open(file);
    let opened = opened.map_err(|error| refuse(error.to_string()))?;
    let found = opened.metadata().map_err(|error| refuse(error.to_string()))?;
    if !found.is_file() || found.uid() != rustix::process::geteuid().as_raw() {
        return Err(refuse(format!("it is not a file of yours (it belongs to uid {})", found.uid())));
    }
    let mut text = String::new();
    opened.take(CREDENTIAL_MAX).read_to_string(&mut text).map_err(|error| refuse(error.to_string()))?;
    if !Credential::has_form(text.trim_end()) {
        return Err(refuse("it does not hold a credential".to_owned()));
    }
    let mut value = HeaderValue::from_str(&format!("Bearer {}", text.trim_end()))
        .map_err(|_| refuse("it holds characters that no credential has".to_owned()))?;
    value.set_sensitive(true);
    let mut headers = HeaderMap::new();
    headers.insert("authorization", value);
    Ok(headers)
}

fn not_greeted(dir: &Path, error: &WsHandshakeError) -> Failure {
    let (exit, why) = match error {
        WsHandshakeError::Rejected { status_code: 401 | 403 } => (
            Exit::Refused,
            "it refused our credential; was its data folder replaced while it ran?".to_owned(),
        ),
        WsHandshakeError::Rejected { status_code: 429 | 503 } => {
            (Exit::Refused, "it serves as many operators as it can; end one, and try again".to_owned())
        }
        other => (Exit::Failed, other.to_string()),
    };
    Failure::new(exit, format!("cannot talk with the supervisor at {}: {why}", dir.display()))
}

fn silent(who: &str) -> Failure {
    let wait = CONNECT_WAIT.as_secs();
    Failure::new(
        Exit::NoAnswer,
        format!("{who} did not answer within {wait} s; it may be stopped (SIGSTOP) or overloaded"),
    )
}

fn unanswered(method: &str, wait: Duration) -> Failure {
    Failure::new(
        Exit::NoAnswer,
        format!(
            "no answer to `{method}` within {:.1} s; what was asked for may still happen (`outboard status` tells), and \
             --timeout waits longer",
            wait.as_secs_f64()
        ),
    )
}

fn failed(method: &str, error: Error) -> Failure {
    match error {
        Error::Call(object) => {
            let data = object.data().and_then(|data| serde_json::from_str(data.get()).ok());
            RpcError { code: object.code(), message: object.message().to_owned(), data }.into()
        }
        Error::RequestTimeout => Failure::new(Exit::NoAnswer, format!("no answer to `{method}` in time")),
        Error::ParseError(error) => Failure::failed(format!(
            "the answer to `{method}` is not what this version expects ({error}); are supervisor and command line of \
             the same version?"
        )),
        Error::Transport(_) | Error::RestartNeeded(_) | Error::ServiceDisconnect => Failure::new(
            Exit::NoSupervisor,
            "the connection to the supervisor was lost: it has stopped, or refused what was sent",
        ),
        other => Failure::failed(format!("`{method}` failed: {other}")),
    }
}
