//! One connection to the control socket.
//!
//! Made for each supervisor. Must not know any row of the table.

use std::path::Path;
use std::time::Duration;

use jsonrpsee::client_transport::ws::{HeaderMap, HeaderValue, Url, WsTransportClientBuilder};
use jsonrpsee::core::client::{
    Client, ClientBuilder, ClientT, Error as ClientError, Subscription as Following, SubscriptionClientT,
};
use jsonrpsee::core::traits::ToRpcParams;
use outboard_protocol::RpcError;
use outboard_protocol::control::methods::{Call, Subscription};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::Error;
use crate::runtime_folder::Way;

/// Largest answer that is taken: more than the largest that is given.
const ANSWER_MAX: u32 = 64 * 1024 * 1024;
/// Calls that may wait for their answers at once.
const CALLS_OPEN: usize = 1024;
/// Items of a subscription that wait to be read. Beyond it the subscription ends, and that is said.
const ITEMS_WAITING: usize = 8192;
/// Longer than any call's own limit, which is kept here.
const NEVER: Duration = Duration::from_secs(24 * 60 * 60);

/// A connection.
#[derive(Debug)]
pub(crate) struct Connection {
    client: Client,
}

impl Connection {
    /// Connects within the limit.
    pub(crate) async fn open(way: &Way, limit: Duration) -> Result<Self, Error> {
        let opening = timeout(limit, Self::greet(way));
        opening.await.unwrap_or(Err(Error::NoAnswer { what: "the greeting", limit }))
    }

    async fn greet(way: &Way) -> Result<Self, Error> {
        let socket = way.socket.display();
        let refused =
            |why: String| Error::Refused(format!("cannot talk with the supervisor at {socket}: {why}"));
        let stream = UnixStream::connect(&way.socket).await.map_err(|error| refused(error.to_string()))?;
        ours_to_talk_with(&stream, &way.socket)?;
        let mut header = HeaderValue::from_str(&format!("Bearer {}", way.credential))
            .map_err(|error| refused(error.to_string()))?;
        header.set_sensitive(true);
        let mut headers = HeaderMap::new();
        headers.insert("authorization", header);
        let builder = WsTransportClientBuilder::default().set_headers(headers).max_response_size(ANSWER_MAX);
        let url = Url::parse("ws://outboard/").expect("INVARIANT: the text is a URL");
        let greeted = builder.build_with_stream(url, stream).await;
        let (sender, receiver) = greeted.map_err(|error| refused(error.to_string()))?;
        let client = ClientBuilder::default()
            .request_timeout(NEVER)
            .max_concurrent_requests(CALLS_OPEN)
            .max_buffer_capacity_per_subscription(ITEMS_WAITING)
            .build_with_tokio(sender, receiver);
        Ok(Self { client })
    }

    /// Asks, and waits for the answer no longer than `limit`.
    pub(crate) async fn call<M: Call>(
        &self,
        params: &M::Params,
        limit: Duration,
    ) -> Result<M::Answer, Error> {
        let answer = timeout(limit, self.client.request::<M::Answer, _>(M::NAME, Written::new(params)));
        let answer = answer.await.map_err(|_| Error::NoAnswer { what: M::NAME, limit })?;
        answer.map_err(|error| failed(M::NAME, error))
    }

    /// Begins a subscription.
    pub(crate) async fn follow<S: Subscription>(
        &self,
        params: &S::Params,
        limit: Duration,
    ) -> Result<Following<S::Item>, Error> {
        let begun = self.client.subscribe::<S::Item, _>(S::NAME, Written::new(params), S::UNSUBSCRIBE);
        let begun = timeout(limit, begun).await.map_err(|_| Error::NoAnswer { what: S::NAME, limit })?;
        begun.map_err(|error| failed(S::NAME, error))
    }

    /// Whether it can still be used.
    pub(crate) fn is_open(&self) -> bool {
        self.client.is_connected()
    }

    /// Resolves when it is over.
    pub(crate) async fn closed(&self) {
        self.client.on_disconnect().await;
    }
}

/// Nothing is sent to a program of somebody else's, wherever its socket lies.
fn ours_to_talk_with(stream: &UnixStream, socket: &Path) -> Result<(), Error> {
    let me = rustix::process::geteuid().as_raw();
    match stream.peer_cred() {
        Ok(peer) if peer.uid() == me => Ok(()),
        Ok(peer) => Err(Error::Refused(format!(
            "{} is served by uid {}, and you are uid {me}; nothing was sent",
            socket.display(),
            peer.uid()
        ))),
        Err(error) => Err(Error::Refused(format!(
            "nobody can tell who serves {} ({error}); nothing was sent",
            socket.display()
        ))),
    }
}

fn failed(method: &'static str, error: ClientError) -> Error {
    match error {
        ClientError::Call(object) => {
            let data = object.data().and_then(|data| serde_json::from_str(data.get()).ok());
            Error::Answered(RpcError { code: object.code(), message: object.message().to_owned(), data })
        }
        ClientError::ParseError(error) => Error::NotStarted(format!(
            "the answer to `{method}` is not what this version expects ({error}); are the program and this crate of the same \
             version?"
        )),
        _ => Error::Lost(method),
    }
}

/// Parameters that have been written down already.
struct Written(Result<Box<RawValue>, serde_json::Error>);

impl Written {
    fn new(params: &impl Serialize) -> Self {
        Self(serde_json::value::to_raw_value(params))
    }
}

impl ToRpcParams for Written {
    fn to_rpc_params(self) -> Result<Option<Box<RawValue>>, serde_json::Error> {
        self.0.map(Some)
    }
}
