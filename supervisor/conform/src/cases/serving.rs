//! HTTP on the inherited listener, where the plugin serves any (section 7).

use outboard_protocol::handshake::features;
use serde_json::json;

use super::{Case, Finding, Look, Seen, must, should};
use outboard_host::routes::Address;

use crate::conversation::{Conversation, INITIALIZE_ID};
use crate::http::Client;
use crate::stage::Stage;

/// Connections at once.
const CONNECTIONS: usize = 8;

pub(super) fn cases() -> Vec<Case> {
    vec![
        must(
            "P-HTTP-1",
            "http-spoken",
            "accepts connections on its socket and speaks HTTP/1.1",
            Look::Running(|stage| Box::pin(with_prefix(stage, async |door| speaks(door).await))),
        ),
        must(
            "P-HTTP-3",
            "http-several",
            "serves others while one request is only half here",
            Look::Running(|stage| Box::pin(with_prefix(stage, async |door| serves_several(door).await))),
        ),
        should(
            "P-HTTP-3",
            "http-kept-open",
            "keeps a connection open between requests",
            Look::Running(|stage| Box::pin(with_prefix(stage, async |door| stays_open(door).await))),
        ),
    ]
}

/// Where a plugin that runs is reached.
struct Served<'a> {
    conversation: &'a Conversation,
    prefix: String,
}

impl Served<'_> {
    async fn connect(&self) -> Result<Client, String> {
        match self.conversation.door().address() {
            Address::Socket(path) => Client::connect(&path, self.conversation.limits().answer).await,
            // The manifest allows a port only to programs that do not speak the protocol.
            Address::Port(port) => Err(format!("it is to be reached at port {port}, and not at a socket")),
        }
    }

    fn request(&self) -> String {
        format!("GET {} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", self.prefix)
    }
}

async fn with_prefix(stage: &Stage, look: impl AsyncFnOnce(&Served<'_>) -> Result<(), String>) -> Finding {
    let conversation = stage.running().await?;
    let Some(prefix) = prefix(stage, &conversation).await else {
        stage.keep(conversation.finish().await);
        return Ok(Seen::NotApplicable("the plugin serves no HTTP".to_owned()));
    };
    let seen = look(&Served { conversation: &conversation, prefix }).await;
    stage.keep(conversation.finish().await);
    seen.map(|()| Seen::Holds)
}

async fn prefix(stage: &Stage, conversation: &Conversation) -> Option<String> {
    let initialized =
        conversation.answer(INITIALIZE_ID, conversation.limits().initialize()).await.unwrap_or_default();
    let listed = initialized["result"]["features"].as_array();
    let by_feature = listed.is_some_and(|listed| listed.contains(&json!(features::HTTP)));
    let registered = conversation.record().prefixes.first().cloned();
    registered.or_else(|| by_feature.then(|| format!("/api/{}/", stage.id())))
}

async fn speaks(door: &Served<'_>) -> Result<(), String> {
    let mut client = door.connect().await?;
    client.send(&door.request()).await?;
    client.answer().await.map(drop)
}

async fn serves_several(door: &Served<'_>) -> Result<(), String> {
    let request = door.request();
    let (begun, rest) = request.split_at(request.len() / 2);
    let mut slow = door.connect().await?;
    slow.send(begun).await?;
    let mut others = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        let mut other = door.connect().await?;
        other.send(&request).await?;
        others.push(other);
    }
    for other in &mut others {
        other.answer().await.map_err(|why| format!("beside a request that was only half here: {why}"))?;
    }
    slow.send(rest).await?;
    slow.answer().await.map(drop)
}

async fn stays_open(door: &Served<'_>) -> Result<(), String> {
    let mut client = door.connect().await?;
    for number in ["first", "second"] {
        let closed = |why| format!("the {number} request of one connection: {why}");
        client.send(&door.request()).await.map_err(closed)?;
        client.answer().await.map_err(closed)?;
    }
    Ok(())
}
